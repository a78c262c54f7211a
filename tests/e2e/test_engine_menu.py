"""A cheap engine for whoever answers, another one for the person who ends the hold; both over their own wires."""

from __future__ import annotations

from pathlib import Path

import pytest

from outwait.config import Settings
from outwait.sim.cascade import CascadeSim, PlainHearing
from outwait.sim.engines import ENGINES, QUICK, FarEnd
from outwait.sim.mind import Mind
from outwait.sim.realtime import RealtimeSim
from outwait.sim.scenario import load
from tests.e2e.house import house
from tests.sim.program import virtual


@virtual
async def test_the_person_has_the_dearer_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hearing = PlainHearing()
    cascade = CascadeSim(hearing, Mind(task=load("short_hello").task))

    def settings(model: RealtimeSim) -> dict[str, str]:
        far = {"OUTWAIT_ENGINE_MENU": "cascade", "OPENAI_API_KEY": model.key, "OPENAI_BASE_URL": model.openai_base_url}
        for part in ("STT", "LLM", "TTS"):
            far[f"OUTWAIT_CASCADE_{part}_URL"] = cascade.base_url
            far[f"OUTWAIT_CASCADE_{part}_KEY"] = cascade.key
        return far

    both = FarEnd(lambda scenario: RealtimeSim.of(scenario, hearing, timing=QUICK), settings)
    monkeypatch.setitem(ENGINES, "both", both)
    async with cascade, house("short_hello", tmp_path, monkeypatch, engine="both") as here:
        record = await here.whole_call()
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
        assert [(s["engine"], s["reason"]) for s in record["sessions"]] == [("cascade", "hold"), ("openai", "ended")]
        assert record["sessions"][0]["model"] == Settings.load().cascade_llm_model
        assert here.stage.model.open_sockets == 0
        assert here.stage.proof.seconds_with_socket == 0
        both_bills = here.stage.model.bill.usd + cascade.bill.usd
        assert record["cost"]["model_usd"] == pytest.approx(both_bills, rel=0.02)
        assert "\noutwait_laws_broken_total{" not in (await here.http.get("/metrics")).text
