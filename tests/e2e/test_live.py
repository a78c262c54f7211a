"""Whole calls on OpenAI Live over real sockets: closed on hold at once, and its seconds counted as the server does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.house import House, house, the_laws_were_kept
from tests.e2e.test_calls import ended_exactly, nothing_is_open, one_model_at_a_time_and_none_on_hold
from tests.sim.program import virtual

MINUTE = 0.05  # USD
SLOW = pytest.mark.slow


async def check(record: dict[str, Any], here: House) -> None:
    """What holds for every call, whatever became of it."""
    await the_laws_were_kept(here)
    assert here.stage.model.most_open <= 1
    assert here.stage.model.errors == [], "nothing was said that the server refuses"
    nothing_is_open(here)
    assert record["warmups"] == 0
    cost = record["cost"]
    guessed = 1 / 60 * MINUTE if cost["estimated"] else 0.0
    assert cost["model_usd"] == pytest.approx(here.stage.model.bill.usd, rel=0.02, abs=guessed)
    assert cost["total_usd"] == pytest.approx(sum(item["usd"] for item in cost["items"]))


@pytest.mark.parametrize(
    ("scenario", "holds", "engine"),
    [
        ("short_hold", 1, "live"),
        pytest.param("short_hold", 1, "azure-live", marks=SLOW),
        pytest.param("two_holds", 2, "live", marks=SLOW),
        pytest.param("silence_hold", 1, "live", marks=SLOW),
        pytest.param("ducked_hold", 1, "live", marks=SLOW),
    ],
)
@virtual
async def test_holds_are_ridden_out(
    scenario: str, holds: int, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(scenario, tmp_path, monkeypatch, engine=engine) as here:
        record = await here.whole_call()
        await check(record, here)
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
        assert "tomorrow between ten and twelve" in record["outcome"]
        assert [part["kind"] for part in record["timeline"]] == ["talk", *["hold", "talk"] * holds]
        reasons = [session["reason"] for session in record["sessions"]]
        assert (reasons[-1], set(reasons[:-1])) == ("ended", {"hold"})
        assert {session["engine"] for session in record["sessions"]} == {engine}
        ended_exactly(here)
        cost = record["cost"]
        assert not cost["estimated"]
        assert {item["what"] for item in cost["items"]} >= {"session", "backend"}
        if len(reasons) == holds + 1:
            one_model_at_a_time_and_none_on_hold(here)
            held = sum(part["end"] - part["start"] for part in record["timeline"] if part["kind"] == "hold")
            saved = cost["without_parking_usd"] - cost["total_usd"]
            assert saved == pytest.approx(held / 60 * MINUTE, abs=holds * 4 / 60 * MINUTE), "the minutes on hold"


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["announcement_hold", "no_tool_music"])
@virtual
async def test_the_ear_parks_it_by_itself(scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And again, when a voice was a recording."""
    async with house(scenario, tmp_path, monkeypatch, engine="live") as here:
        record = await here.whole_call()
        await check(record, here)
        assert record["end_reason"]["result"] == "success"
        assert record["sessions"][0]["reason"] == "hold"


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("model_vanishes", "dropped"),
        ("model_stalls", "stalled"),
        pytest.param("model_expires", "expired", marks=SLOW),
        pytest.param("model_vanishes_resuming", "dropped", marks=SLOW),
    ],
)
@virtual
async def test_a_session_that_fails_has_a_successor_and_is_paid(
    scenario: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(scenario, tmp_path, monkeypatch, engine="live") as here:
        record = await here.whole_call()
        await check(record, here)
        assert record["end_reason"]["result"] == "success"
        reasons = [session["reason"] for session in record["sessions"]]
        # Who fools the ear gets the session that was to fail, and nothing to answer
        assert reason in reasons or (scenario == "model_vanishes_resuming" and len(reasons) > 2)
        assert record["cost"]["estimated"] is (reason in reasons and reason != "expired")


@pytest.mark.parametrize("forgets", [False, True])
@virtual
async def test_a_session_goes_on_from_the_stored_one(
    forgets: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house("silence_hold", tmp_path, monkeypatch, engine="live", OUTWAIT_LIVE_RESUME="fork") as here:
        model = here.stage.model
        if forgets:
            monkeypatch.setattr(model, "stored", Forgetful())
        record = await here.whole_call()
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
        assert "tomorrow between ten and twelve" in record["outcome"]
        assert [session["reason"] for session in record["sessions"]] == ["hold", "ended"]
        first, *_, last = [connection.session for connection in model.connections]
        assert first.session["store"] is True
        told = " ".join(turn.text.lower() for turn in last.turns)
        assert "a person has just come back" in told
        assert "please hold" in told
        if forgets:
            assert last.session["input"], "it was told everything"
        else:
            assert model.connections[-1].path.endswith("/live_sim0001/fork")
            assert "input" not in last.session, "it remembers"
            await check(record, here)
        assert record["cost"]["model_usd"] == pytest.approx(model.bill.usd, rel=0.02)


class Forgetful(dict[str, object]):
    def __contains__(self, name: object) -> bool:
        return False


@virtual
async def test_one_that_refuses_for_good_ends_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("model_refused", tmp_path, monkeypatch, engine="live") as here:
        record = await here.whole_call()
        await check(record, here)
        assert record["end_reason"] == {"result": "upstream_error", "cause": "model_refused"}
        assert record["cost"]["model_usd"] == 0


@pytest.mark.slow
@virtual
async def test_the_cap_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server tells what a session has cost once in a while; the call counts by itself until then."""
    async with house("silence_hold", tmp_path, monkeypatch, engine="live") as here:
        record = await here.whole_call(max_cost_usd=0.07)
        await check(record, here)
        assert record["end_reason"] == {"result": "client_error", "cause": "budget"}
        assert record["cost"]["total_usd"] <= 0.07 + 5 / 60 * MINUTE
