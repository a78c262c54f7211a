"""Whole calls on OpenAI Live over real sockets: closed on hold at once, and its seconds counted as the server does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.house import House, house
from tests.e2e.test_calls import ended_exactly, nothing_is_open, one_model_at_a_time_and_none_on_hold

MINUTE = 0.05  # USD


async def the_laws_were_kept(house: House) -> None:
    metrics = (await house.http.get("/metrics")).text
    assert not [line for line in metrics.splitlines() if line.startswith("outwait_laws_broken_total")]


@pytest.mark.parametrize(
    ("scenario", "holds", "engine"),
    [
        ("short_hold", 1, "live"),
        ("short_hold", 1, "azure-live"),
        ("two_holds", 2, "live"),
        ("ducked_hold", 1, "live"),
        ("silence_hold", 1, "live"),
    ],
)
async def test_holds_are_ridden_out(
    scenario: str, holds: int, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(scenario, tmp_path, monkeypatch, engine=engine) as here:
        record = await here.whole_call()
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
        assert "tomorrow between ten and twelve" in record["outcome"]
        assert [part["kind"] for part in record["timeline"]] == ["talk", *["hold", "talk"] * holds]
        reasons = [session["reason"] for session in record["sessions"]]
        assert (reasons[-1], set(reasons[:-1])) == ("ended", {"hold"})
        assert {session["engine"] for session in record["sessions"]} == {engine}
        assert record["warmups"] == 0
        if len(reasons) == holds + 1:  # else the ear was fooled, and a hold has a resume in it
            one_model_at_a_time_and_none_on_hold(here)
        ended_exactly(here)
        nothing_is_open(here)
        await the_laws_were_kept(here)
        assert here.stage.model.errors == []
        check_cost(record, here)


def check_cost(record: dict[str, Any], here: House) -> None:
    cost = record["cost"]
    assert cost["model_usd"] == pytest.approx(here.stage.model.bill.usd, rel=0.02)
    assert cost["total_usd"] == pytest.approx(sum(item["usd"] for item in cost["items"]))
    assert not cost["estimated"]
    held = sum(part["end"] - part["start"] for part in record["timeline"] if part["kind"] == "hold")
    saved = cost["without_parking_usd"] - cost["total_usd"]
    assert saved == pytest.approx(held / 60 * MINUTE, abs=4.0 / 60 * MINUTE), (
        "the minutes on hold, but for what was open"
    )
    assert {item["what"] for item in cost["items"]} >= {"session", "backend"}


@pytest.mark.parametrize("scenario", ["announcement_hold", "no_tool_music"])
async def test_the_ear_parks_it_by_itself(scenario: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And again, when a voice was a recording."""
    async with house(scenario, tmp_path, monkeypatch, engine="live") as here:
        record = await here.whole_call()
        assert record["end_reason"]["result"] == "success"
        assert record["sessions"][0]["reason"] == "hold"
        assert here.stage.model.most_open == 1
        nothing_is_open(here)
        await the_laws_were_kept(here)
        assert record["cost"]["model_usd"] == pytest.approx(here.stage.model.bill.usd, rel=0.02)


@pytest.mark.parametrize(
    ("scenario", "reason", "estimated"),
    [
        ("model_vanishes", "dropped", True),
        ("model_vanishes_resuming", "dropped", True),
        ("model_stalls", "stalled", True),
        ("model_expires", "expired", False),
    ],
)
async def test_a_session_that_fails_has_a_successor_and_is_paid(
    scenario: str, reason: str, estimated: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace = 2.0 if scenario == "model_stalls" else None  # a stall is noticed on the wall clock
    async with house(scenario, tmp_path, monkeypatch, engine="live", talk=pace) as here:
        record = await here.whole_call()
        assert record["end_reason"]["result"] == "success"
        assert reason in [session["reason"] for session in record["sessions"]]
        assert here.stage.model.most_open == 1
        nothing_is_open(here)
        await the_laws_were_kept(here)
        assert record["cost"]["estimated"] is estimated
        assert record["cost"]["model_usd"] == pytest.approx(here.stage.model.bill.usd, rel=0.02, abs=1 / 60 * MINUTE)


async def test_one_that_refuses_for_good_ends_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("model_refused", tmp_path, monkeypatch, engine="live") as here:
        record = await here.whole_call()
        assert record["end_reason"] == {"result": "upstream_error", "cause": "model_refused"}
        assert record["cost"]["model_usd"] == 0
    nothing_is_open(here)


async def test_the_cap_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its engine tells what a session has cost once in a while; the call counts by itself until then."""
    async with house("silence_hold", tmp_path, monkeypatch, engine="live") as here:
        record = await here.whole_call(max_cost_usd=0.07)
        assert record["end_reason"] == {"result": "client_error", "cause": "budget"}
        assert record["cost"]["total_usd"] <= 0.07 + 5 / 60 * MINUTE
        nothing_is_open(here)
        await the_laws_were_kept(here)
