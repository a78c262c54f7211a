"""Whole calls on the further engines, over real sockets: our server, a carrier, and a strict server of each wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from outwait.sim.engines import VOICE_LIVE_PRICES
from outwait.sim.scenario import Fault
from tests.e2e.house import House, house, the_laws_were_kept
from tests.sim.program import virtual

FURTHER = pytest.mark.parametrize("engine", ["voicelive", "xai", "gemini", "ultravox"])
ULTRAVOX_STEP = 0.05 * 6 / 60  # USD for six seconds
VANISHES = Fault(kind="vanish", session=1, at="response")


@asynccontextmanager
async def house_of(
    engine: str, scenario: str, folder: Path, patch: pytest.MonkeyPatch, *faults: Fault, **more: str
) -> AsyncIterator[House]:
    prices = folder / "prices.json"
    prices.write_text(json.dumps(VOICE_LIVE_PRICES))
    async with house(scenario, folder, patch, engine=engine, faults=faults, OUTWAIT_PRICES=str(prices), **more) as here:
        yield here
        assert here.stage.model.open_sockets == 0
        assert here.stage.model.most_open <= 1
        await the_laws_were_kept(here)


@FURTHER
@virtual
async def test_a_hold_is_ridden_out_after_a_session_that_vanished(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_of(engine, "short_hold", tmp_path, monkeypatch, VANISHES) as here:
        record = await here.whole_call()
        model = here.stage.model
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
        assert "tomorrow between ten and twelve" in record["outcome"]
        assert [part["kind"] for part in record["timeline"]] == ["talk", "hold", "talk"]
        reasons = [session["reason"] for session in record["sessions"]]
        assert reasons[:2] == ["dropped", "hold"]
        assert reasons[-1] == "ended"
        assert {session["engine"] for session in record["sessions"]} == {engine}
        proof = here.stage.proof
        assert proof.seconds > 10
        if len(reasons) == 3:  # else the ear was fooled, and the hold has a resume in it
            assert proof.seconds_with_socket == proof.appended_ms == proof.responses == 0
        (call,) = here.stage.carrier.calls.values()
        assert call.completed_requests == 1
        assert call.unheard_at_completed == [0.0], "the goodbye was heard to its end"
        assert model.errors == [], "nothing was said that the server refuses"
        cost = record["cost"]
        assert cost["without_parking_usd"] > cost["total_usd"]
        assert cost["model_usd"] == pytest.approx(
            model.bill.usd, abs=0.02 * model.bill.usd + _apart(engine, model.bill)
        )
        if engine == "gemini":
            setup = model.connections[-1].session.setup
            assert setup["sessionResumption"]["handle"].startswith("handle-"), "it goes on from what is remembered"
            told = " ".join(item.text.lower() for item in model.connections[-1].session.items)
            assert "a person has just come back" in told


@FURTHER
@virtual
async def test_a_server_that_refuses(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house_of(engine, "model_refused", tmp_path, monkeypatch) as here:
        record = await here.whole_call()
        assert record["end_reason"] == {"result": "upstream_error", "cause": "model_refused"}


@virtual
async def test_another_engine_takes_over_from_one_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuses = Fault(kind="refuse", session=1, status=403)
    further = {"OUTWAIT_FAILOVER": "openai"}
    async with house_of("xai", "remote_hangup_talking", tmp_path, monkeypatch, refuses, **further) as here:
        record = await here.whole_call()
        assert record["end_reason"] == {"result": "indeterminate", "cause": "remote_hangup"}
        failed = [(session["engine"], session["reason"]) for session in record["failed_sessions"]]
        assert failed == [("xai", "failover")]
        assert [session["engine"] for session in record["sessions"]] == ["openai"]
    voices = {json.loads(note.read_text())["voice"] for note in (tmp_path / "phrases").glob("*.json")}
    assert {voice.partition("-")[0] for voice in voices} == {"openai"}, "phrases are kept by the voice that spoke them"


@virtual
async def test_gemini_goes_away_and_has_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expires = Fault(kind="expire", session=1, at="response")
    async with house_of("gemini", "short_hold", tmp_path, monkeypatch, expires) as here:
        model = here.stage.model
        monkeypatch.setattr(model.memory, "kept", Forgetful())
        record = await here.whole_call()
        assert record["end_reason"]["result"] == "success"
        assert "expired" in [session["reason"] for session in record["sessions"]]
        setup = model.connections[-1].session.setup
        assert "handle" not in setup["sessionResumption"]
        assert "historyConfig" in setup, "it is told everything"
        assert "Session not found." in model.errors
        bill = model.bill
        assert record["cost"]["model_usd"] == pytest.approx(bill.usd, abs=0.02 * bill.usd + _apart("gemini", bill))


def _apart(engine: str, bill: Any) -> float:
    """USD by which the meter may be off beside the two per cent. The first session took its last answer with it, which
    can only be estimated; where begun steps of time are billed whole, a session may be one apart."""
    if engine == "ultravox":
        return ULTRAVOX_STEP
    return 0.0 if engine == "xai" else sum(line.usd for line in bill.lines if line.session == 1)


class Forgetful(dict[str, object]):
    def __contains__(self, handle: object) -> bool:
        return False
