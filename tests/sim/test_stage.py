"""Both simulators play whole calls with a naive program between them: over sockets, in virtual time and at a pace."""

from dataclasses import replace

import pytest

from outwait import catalogue
from outwait.config import Settings
from outwait.sim import sound
from outwait.sim.engines import ENGINES
from outwait.sim.realtime_response import Timing
from outwait.sim.scenario import Pace, Scenario, load
from outwait.sim.stage import Stage
from outwait.sim.twilio_call import TwilioCall
from outwait.sim.world import at_life_pace, run_virtual

from .bridge import Bridge

BACK = "Hello, thanks for holding. Are you still there?"
KINDS = ["said", "heard", "said", "heard", "hold", "announcement", "said", "heard", "said", "heard"]


async def play(stage: Stage) -> tuple[TwilioCall, Bridge]:
    def human_back() -> bool:
        return any(entry.text == BACK for call in stage.carrier.calls.values() for entry in call.far_end.diary)

    async with Bridge(stage.environment(), stage.scenario.task, human_back) as bridge:
        await bridge.dial(stage.scenario.to)
        return await stage.finished(3600), bridge


def check(stage: Stage, call: TwilioCall, bridge: Bridge) -> None:
    first, second = stage.model.connections
    assert first.counts.said[-1] == "Of course, I'll hold."
    assert "Goodbye" in second.counts.said[-1]
    assert stage.proof.seconds == pytest.approx(50, abs=0.3)
    assert stage.proof.seconds_with_socket == stage.proof.appended_ms == stage.proof.responses == 0
    assert (call.status, call.ended_why, call.completed_requests) == ("completed", "api", 1)
    assert call.unheard_at_completed == [0.0]
    assert [form["CallStatus"] for form in bridge.callbacks] == ["initiated", "ringing", "in-progress", "completed"]
    assert [entry.kind for entry in call.far_end.diary] == KINDS
    assert stage.model.open_sockets == stage.carrier.open_streams == 0
    figures = stage.figures()
    assert figures["model"]["connections"] == 2
    assert figures["model"]["errors"] == []
    assert figures["calls"][0]["warnings"] == []


def test_a_call_with_a_hold_in_virtual_time(tmp_path):
    async def main() -> None:
        stage = Stage(at_life_pace(load("short_hold")))
        assert stage.model.timing == Timing()
        async with stage:
            call, bridge = await play(stage)
            check(stage, call, bridge)
            stage.write_wav(tmp_path / "call.wav")
            assert len(sound.read(tmp_path / "call.wav")) == round(call.media_seconds * 8000)

    run_virtual(main())


async def test_the_same_call_at_its_own_pace():
    async with Stage(_hurried(load("short_hold"))) as stage:
        check(stage, *await play(stage))


def test_both_of_azures_doors_are_named():
    ga, preview = (Stage(load("busy"), engine).environment() for engine in ("azure", "azure-preview"))
    assert set(preview) - set(ga) == {"OPENAI_API_VERSION"}
    assert ga["OUTWAIT_ENGINE"] == preview["OUTWAIT_ENGINE"] == "azure"
    assert ga["AZURE_OPENAI_ENDPOINT"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_every_row_is_an_engine_of_the_house(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Stage(load("busy"), engine).environment().items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    if engine == "local":
        pytest.importorskip("faster_whisper")
    assert settings.engine in catalogue.engines(settings)


def _hurried(scenario: Scenario) -> Scenario:

    return replace(scenario, pace=Pace(talk=10.0, announce=50.0))
