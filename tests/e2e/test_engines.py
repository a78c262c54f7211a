"""Whole calls on the further engines, over real sockets: our server, a carrier, and a strict server of each wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.house import House, house
from tests.test_catalogue import VOICE_LIVE_PRICES

BY_TOKEN = ["voicelive", "gemini"]
BY_TIME = ["xai", "ultravox"]
ULTRAVOX_STEP = 0.05 * 6 / 60  # USD for six seconds
FURTHER = pytest.mark.parametrize("engine", BY_TOKEN + BY_TIME)


@asynccontextmanager
async def house_of(engine: str, scenario: str, folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    prices = folder / "prices.json"
    prices.write_text(json.dumps(VOICE_LIVE_PRICES))
    async with house(scenario, folder, patch, engine=engine, OUTWAIT_PRICES=str(prices)) as here:
        yield here
        assert here.stage.model.open_sockets == 0
        metrics = (await here.http.get("/metrics")).text
        assert not [line for line in metrics.splitlines() if line.startswith("outwait_laws_broken_total")]


@FURTHER
async def test_a_hold_is_ridden_out(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house_of(engine, "short_hold", tmp_path, monkeypatch) as here:
        record = await here.whole_call()
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
        assert "tomorrow between ten and twelve" in record["outcome"]
        assert [part["kind"] for part in record["timeline"]] == ["talk", "hold", "talk"]
        reasons = [session["reason"] for session in record["sessions"]]
        assert (reasons[0], reasons[-1], set(reasons)) == ("hold", "ended", {"hold", "ended"})
        assert {session["engine"] for session in record["sessions"]} == {engine}
        proof = here.stage.proof
        assert here.stage.model.most_open == 1
        assert proof.seconds > 10
        if len(reasons) == 2:  # else the ear was fooled, and the hold has a resume in it
            assert proof.seconds_with_socket == proof.appended_ms == proof.responses == 0
        (call,) = here.stage.carrier.calls.values()
        assert call.completed_requests == 1
        assert call.unheard_at_completed == [0.0], "the goodbye was heard to its end"
        assert here.stage.model.errors == [], "nothing was said that the server refuses"
        billed = here.stage.model.bill.usd
        # Where begun steps of time are billed whole, a session that ends on a step may be one apart
        apart = ULTRAVOX_STEP if engine == "ultravox" and record["cost"]["model_usd"] != pytest.approx(billed) else 0.0
        assert record["cost"]["model_usd"] == pytest.approx(billed, rel=0.02, abs=apart)
        assert record["cost"]["without_parking_usd"] > record["cost"]["total_usd"]


@FURTHER
async def test_a_session_that_vanishes_has_a_successor(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_of(engine, "model_vanishes", tmp_path, monkeypatch) as here:
        record = await here.whole_call()
        assert record["end_reason"]["result"] == "success"
        assert record["sessions"][0]["reason"] == "dropped"


@FURTHER
async def test_a_server_that_refuses(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house_of(engine, "model_refused", tmp_path, monkeypatch) as here:
        record = await here.whole_call()
        assert record["end_reason"] == {"result": "upstream_error", "cause": "model_refused"}


@pytest.mark.parametrize("forgotten", [False, True], ids=["remembered", "forgotten"])
async def test_gemini_goes_on_from_what_the_server_remembers(
    forgotten: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house_of("gemini", "short_hold", tmp_path, monkeypatch) as here:
        model = here.stage.model
        if forgotten:
            monkeypatch.setattr(model.memory, "kept", Forgetful())
        record = await here.whole_call()
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
        first, *_, last = (connection.session for connection in model.connections)
        assert "handle" not in first.setup["sessionResumption"]
        if forgotten:
            assert "handle" not in last.setup["sessionResumption"]
            assert "historyConfig" in last.setup, "it is told everything"
            assert "Session not found." in model.errors
        else:
            assert last.setup["sessionResumption"]["handle"].startswith("handle-1-")
            assert "historyConfig" not in last.setup
            assert any(item.tokens.audio and item.role == "user" for item in last.items[:2]), "it has heard them"
        assert "a person has just come back" in " ".join(item.text.lower() for item in last.items)


async def test_gemini_goes_away_and_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house_of("gemini", "model_expires", tmp_path, monkeypatch) as here:
        record = await here.whole_call()
        assert record["end_reason"]["result"] == "success"
        assert record["sessions"][0]["reason"] == "expired"


class Forgetful(dict[str, object]):
    def __contains__(self, handle: object) -> bool:
        return False
