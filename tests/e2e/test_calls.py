"""Whole calls over real sockets: our server, a carrier and a model that speak the wires."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from outwait.audio import g711
from outwait.call.policy import Policy
from tests.e2e.house import House, house
from tests.sim.program import virtual

LOUD = 1000  # of 32768


def nothing_is_open(house: House) -> None:
    """Both sides of the wire, seen from the other end."""
    assert house.stage.model.open_sockets == 0
    for call in house.stage.carrier.calls.values():
        for stream in call.streams:
            assert stream.ended


def one_model_at_a_time_and_none_on_hold(house: House) -> None:
    proof = house.stage.proof
    assert house.stage.model.most_open == 1
    assert proof.seconds > 10
    assert proof.seconds_with_socket == 0
    assert proof.appended_ms == 0
    assert proof.responses == 0


def ended_exactly(house: House) -> None:
    (call,) = house.stage.carrier.calls.values()
    assert call.completed_requests == 1
    assert call.unheard_at_completed == [0.0], "the goodbye was heard to its end"
    assert call.streams[-1].peer_closed_at - call.streams[-1].ended_at < 2.0


def recorded_as_it_was(house: House, file: Path) -> None:
    """Both sides, from the first stream on, at the time at which the line carried them."""
    (call,) = house.stage.carrier.calls.values()
    samples, _ = soundfile.read(file, dtype="int16")
    left, right = (np.abs(samples[:, side].astype(int)) > LOUD for side in (0, 1))
    said, heard = (np.abs(g711.decode(sound).astype(int)) > LOUD for sound in call.audio())
    first = int(said.argmax() - left.argmax())  # the line was there before its stream
    assert 0 <= first < g711.RATE // 10
    assert np.array_equal(left, said[first : first + len(left)])
    assert len(said) - first - len(left) < g711.RATE // 10
    near = np.ones(2 * (g711.RATE // 10) + 1)  # a mark says late, by a tenth of a second at most, what was played
    ours, theirs = (np.convolve(side, near, "same") > 0.5 for side in (right, heard[first:]))
    assert right.any()
    assert not (right & ~theirs[: len(right)]).any(), "nothing that was not played"
    assert not (heard[first : first + len(right)] & ~ours).any(), "all that was played"


@virtual
async def test_a_hold_is_ridden_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the other engines: test_every_engine."""
    monkeypatch.setenv("OUTWAIT_RECORDINGS", str(tmp_path / "recordings"))
    async with house("silence_hold", tmp_path, monkeypatch) as here:
        record = await here.whole_call()
        recorded_as_it_was(here, tmp_path / "recordings" / f"{record['id']}.wav")
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
        assert "tomorrow between ten and twelve" in record["outcome"]
        assert [part["kind"] for part in record["timeline"]] == ["talk", "hold", "talk"]
        assert [session["reason"] for session in record["sessions"]] == ["hold", "ended"]
        one_model_at_a_time_and_none_on_hold(here)
        ended_exactly(here)
        nothing_is_open(here)
        cost = record["cost"]
        assert cost["model_usd"] == pytest.approx(here.stage.model.bill.usd, rel=0.02)
        assert cost["total_usd"] == pytest.approx(sum(item["usd"] for item in cost["items"]))
        assert cost["without_parking_usd"] > cost["total_usd"]
        said = [line["text"] for line in record["transcript"] if line.get("phrase")]
        assert said, "a phrase answered the person"


@virtual
async def test_music_without_the_tool_parks_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("no_tool_music", tmp_path, monkeypatch) as here:
        record = await here.whole_call()
        assert "hold" in [part["kind"] for part in record["timeline"]]
        assert record["sessions"][0]["reason"] == "hold"
        one_model_at_a_time_and_none_on_hold(here)
        nothing_is_open(here)


@pytest.mark.parametrize(
    ("scenario", "result", "cause", "status"),
    [
        ("busy", "client_error", "busy", "busy"),
        ("no_answer", "client_error", "no_answer", "no-answer"),
        ("remote_hangup_dialling", "client_error", "busy", "busy"),
        ("remote_hangup_opening", "indeterminate", "remote_hangup", "completed"),
        ("remote_hangup_talking", "indeterminate", "remote_hangup", "completed"),
        ("remote_hangup_on_hold", "indeterminate", "remote_hangup", "completed"),
        ("model_refused", "upstream_error", "model_refused", "completed"),
    ],
)
@virtual
async def test_every_early_end_has_its_reason_and_leaves_nothing_open(
    scenario: str, result: str, cause: str, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(scenario, tmp_path, monkeypatch) as here:
        record = await here.whole_call()
        assert record["end_reason"] == {"result": result, "cause": cause}
        assert record["status"] == status
    nothing_is_open(here)


@virtual
async def test_a_session_that_vanishes_has_a_successor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("model_vanishes", tmp_path, monkeypatch) as here:
        record = await here.whole_call()
        assert record["end_reason"]["result"] == "success"
        assert record["sessions"][0]["reason"] == "dropped"
        nothing_is_open(here)


@virtual
async def test_the_forums_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One socket left open, an event that does not exist, and no REST: the code from which this project began ended
    calls for the model alone, and the phone stayed connected."""
    async with house("silence_hold", tmp_path, monkeypatch) as here:
        call_id = await here.place()
        await here.until(call_id, '"phase":"holding"')
        assert (await here.http.post(f"/v1/calls/{call_id}/hangup")).status_code == 202
        record = await here.ended(call_id)
        assert record["end_reason"] == {"result": "client_error", "cause": "api_hangup"}
        (call,) = here.stage.carrier.calls.values()
        assert call.completed_requests == 1
        nothing_is_open(here)
        assert (await here.http.post(f"/v1/calls/{call_id}/hangup")).status_code == 409


@virtual
async def test_the_cap_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("silence_hold", tmp_path, monkeypatch) as here:
        record: dict[str, Any] = await here.whole_call(max_cost_usd=0.07)
        assert record["end_reason"] == {"result": "client_error", "cause": "budget"}
        assert record["cost"]["total_usd"] <= 0.07
        nothing_is_open(here)


@virtual
async def test_a_gated_session_is_closed_after_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = Policy(park="gate", gate_seconds=0.2)
    async with house("silence_hold", tmp_path, monkeypatch, policy=policy) as here:
        record = await here.whole_call()
        assert record["sessions"][0]["reason"] == "hold"
        assert record["end_reason"]["result"] == "success"
        nothing_is_open(here)
