"""The call object as a fold of notes."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any, get_args

import pytest

from outwait.call import notes
from outwait.call.notes import (
    Answered,
    AnyNote,
    Attached,
    Detached,
    Ended,
    HangUpStep,
    HoldBegan,
    HoldEnded,
    HoldPart,
    HoldWentOn,
    MaybeHuman,
    Outcome,
    Phase,
    Said,
    SessionNote,
    Spent,
    Status,
)
from outwait.record import Record

BORN = 1_795_341_600.0  # 2026-11-22T10:00:00Z


def record(*told: AnyNote) -> dict[str, Any]:
    fold = Record("c1", to="+12025550143", from_="+12025550199", task="Move the appointment.", created=BORN)
    for second, note in enumerate(told):
        fold.add(note, BORN + second)
    return fold.as_dict()


def spans(call: dict[str, Any]) -> list[tuple[str, float, float]]:
    return [(segment["kind"], segment["start"], segment["end"]) for segment in call["timeline"]]


def parts(segment: dict[str, Any]) -> list[tuple[str, float, float]]:
    return [(part["kind"], part["start"], part["end"]) for part in segment["parts"]]


def spent(what: str, units: str, quantity: float, micro: int, *, estimated: bool = False, without: int = 0) -> Spent:
    return Spent(
        what=what,
        units=units,
        quantity=quantity,
        micro_usd=micro,
        estimated=estimated,
        total_micro_usd=0,
        without_parking_micro_usd=without,
    )


def ended(at: float, result: str, cause: str, status: str, *, without: int = 0) -> Ended:
    return Ended(at, result, cause, status, total_micro_usd=0, without_parking_micro_usd=without)


def test_a_new_call_is_complete_and_empty() -> None:
    call = record()
    assert call["id"] == "c1"
    assert (call["to"], call["from"], call["task"]) == ("+12025550143", "+12025550199", "Move the appointment.")
    assert (call["status"], call["phase"], call["carrier"]) == ("queued", "queued", "twilio")
    assert call["created_at"] == "2026-11-22T10:00:00Z"
    assert call["answered_at"] is call["ended_at"] is call["end_reason"] is call["outcome"] is None
    assert call["timeline"] == call["transcript"] == call["sessions"] == call["cost"]["items"] == []
    assert call["warmups"] == 0
    assert call["cost"]["total_usd"] == 0.0


def test_talk_hold_talk() -> None:
    call = record(
        Status("in-progress", "CA1"),
        Answered(),
        Phase(0.0, "talking"),
        HoldBegan(41.2004, "the agent said so"),
        HoldPart(41.2, 70.0, "music"),
        HoldPart(70.0, 76.0, "announcement"),
        HoldEnded(1841.9, 1843.1, 0.97, "speech, new"),
        ended(1871.3, "success", "hangup_call", "completed"),
    )
    assert call["carrier_call_id"] == "CA1"
    assert call["answered_at"] == "2026-11-22T10:00:01Z"
    assert call["end_reason"] == {"result": "success", "cause": "hangup_call"}
    assert (call["status"], call["phase"]) == ("completed", "ended")
    assert spans(call) == [("talk", 0.0, 41.2), ("hold", 41.2, 1841.9), ("talk", 1841.9, 1871.3)]
    assert parts(call["timeline"][1]) == [("music", 41.2, 70.0), ("announcement", 70.0, 76.0)]
    assert [entry["kind"] for entry in call["decisions"]] == ["hold_started", "human_returned"]
    assert call["decisions"][1] == {
        "kind": "human_returned",
        "at": 1843.1,
        "onset": 1841.9,
        "confidence": 0.97,
        "why": "speech, new",
    }


def test_a_false_resume_does_not_split_the_hold() -> None:
    call = record(
        Answered(),
        HoldBegan(10.0, "music"),
        HoldPart(10.0, 100.0, "music"),
        HoldEnded(100.0, 101.0, 0.8, "speech"),
        HoldPart(100.0, 104.0, "speech"),
        HoldWentOn(100.0, 112.0, True, "music again"),
        HoldPart(104.0, 200.0, "music"),
        ended(200.0, "indeterminate", "remote_hangup", "completed"),
    )
    assert spans(call) == [("talk", 0.0, 10.0), ("hold", 10.0, 200.0)]
    assert parts(call["timeline"][1]) == [("music", 10.0, 100.0), ("resume", 100.0, 112.0), ("music", 112.0, 200.0)]


def test_a_suspicion_that_cost_nothing_is_no_resume() -> None:
    call = record(
        Answered(),
        HoldBegan(10.0, "music"),
        HoldEnded(100.0, 101.0, 0.8, "speech"),
        HoldPart(100.0, 104.0, "speech"),
        HoldWentOn(100.0, 105.0, False, "silence"),
        ended(200.0, "client_error", "hold_limit", "completed"),
    )
    assert spans(call) == [("talk", 0.0, 10.0), ("hold", 10.0, 200.0)]
    assert parts(call["timeline"][1]) == [("speech", 100.0, 104.0)]
    assert call["decisions"][-1] == {
        "kind": "hold_went_on",
        "at": 105.0,
        "since": 100.0,
        "asked": False,
        "why": "silence",
    }


def test_a_second_hold_is_a_second_hold() -> None:
    call = record(
        Answered(),
        HoldBegan(10.0, ""),
        HoldEnded(20.0, 21.0, 1.0, ""),
        HoldBegan(30.0, ""),
        HoldPart(5.0, 33.0, "music"),
        HoldEnded(40.0, 41.0, 1.0, ""),
        ended(50.0, "success", "hangup_call", "completed"),
    )
    assert spans(call) == [("talk", 0, 10), ("hold", 10, 20), ("talk", 20, 30), ("hold", 30, 40), ("talk", 40, 50)]
    # A part that reaches over the edges is cut to each hold.
    assert parts(call["timeline"][1]) == [("music", 10, 20)]
    assert parts(call["timeline"][3]) == [("music", 30, 33)]


def test_a_lost_stream_shows_and_the_hold_goes_on_behind_it() -> None:
    call = record(
        Answered(),
        HoldBegan(10.0, ""),
        Detached(15.0),
        Attached(18.0),
        HoldEnded(25.0, 26.0, 1.0, ""),
        ended(30.0, "success", "hangup_call", "completed"),
    )
    assert spans(call) == [("talk", 0, 10), ("hold", 10, 15), ("detached", 15, 18), ("hold", 18, 25), ("talk", 25, 30)]


def test_parts_of_one_kind_that_touch_are_one() -> None:
    call = record(Answered(), HoldBegan(0.0, ""), *(HoldPart(i * 5.0, i * 5.0 + 5, "music") for i in range(4)))
    assert spans(call) == [("hold", 0.0, 20.0)]
    assert parts(call["timeline"][0]) == [("music", 0.0, 20.0)]


def test_a_live_call_reaches_to_the_last_thing_known() -> None:
    call = record(Answered(), Phase(0.0, "talking"), Said(7.5, "human", "Hello?"))
    assert spans(call) == [("talk", 0.0, 7.5)]
    assert call["ended_at"] is None


def test_a_call_never_answered_has_no_timeline() -> None:
    call = record(Phase(0.0, "dialing"), Status("busy"), ended(0.0, "client_error", "busy", "busy"))
    assert call["timeline"] == []
    assert call["answered_at"] is None
    assert call["status"] == "busy"


def test_sessions_are_numbered_without_gaps_and_warmups_are_counted_apart() -> None:
    def session(number: int, state: Any, at: float, reason: str = "") -> SessionNote:
        return SessionNote(number, state, at, engine="openai", model="m", reason=reason)

    call = record(
        Answered(),
        session(1, "opening", 0.0),
        session(1, "open", 0.4),
        session(1, "closing", 41.0, "hold"),
        session(1, "closed", 43.0, "ended"),
        session(2, "opening", 50.0),
        session(2, "open", 50.2),
        session(2, "closed", 55.0, "warmup"),
        session(3, "opening", 60.0),
        session(3, "closed", 60.5, "refused"),
        session(4, "opening", 61.0),
        session(4, "open", 61.2),
    )
    assert call["sessions"] == [
        {"number": 1, "engine": "openai", "model": "m", "opened_at": 0.4, "closed_at": 43.0, "reason": "hold"},
        {"number": 2, "engine": "openai", "model": "m", "opened_at": 61.2, "closed_at": None, "reason": None},
    ]
    assert call["warmups"] == 1
    assert call["failed_sessions"] == [{"at": 60.5, "engine": "openai", "model": "m", "reason": "refused"}]


def test_words_come_late_and_stand_in_order() -> None:
    call = record(
        Said(3.4, "agent", "Good morning.", cut=True),
        Said(1.2, "human", "Hello?"),
        Said(60.0, "agent", "Yes, hello.", phrase=True),
    )
    assert call["transcript"] == [
        {"at": 1.2, "role": "human", "text": "Hello?"},
        {"at": 3.4, "role": "agent", "text": "Good morning.", "cut": True},
        {"at": 60.0, "role": "agent", "text": "Yes, hello.", "phrase": True},
    ]


def test_the_bill_adds_up() -> None:
    call = record(
        spent("carrier", "minutes", 1, 14_000, without=14_000),
        spent("response", "tokens", 1500, 20_333, without=34_333),
        spent("response", "tokens", 500, 1_111, without=35_444),
        spent("response", "tokens", 80, 400, estimated=True, without=35_844),
        spent("carrier", "minutes", 30, 420_000, without=3_300_000),
    )
    cost = call["cost"]
    assert cost["items"] == [
        {"what": "carrier", "units": "minutes", "quantity": 31, "usd": 0.434, "estimated": False},
        {"what": "response", "units": "tokens", "quantity": 2000, "usd": 0.021444, "estimated": False},
        {"what": "response", "units": "tokens", "quantity": 80, "usd": 0.0004, "estimated": True},
    ]
    assert cost["total_usd"] == 0.455844 == pytest.approx(sum(item["usd"] for item in cost["items"]))
    assert (cost["model_usd"], cost["carrier_usd"]) == (0.021844, 0.434)
    assert cost["without_parking_usd"] == 3.3
    assert cost["estimated"] is True


def test_the_end_has_the_last_word_on_what_parking_saved() -> None:
    cost = record(
        spent("carrier", "minutes", 1, 14_000, without=14_000),
        ended(90.0, "success", "hangup_call", "completed", without=55_000),
    )["cost"]
    assert (cost["total_usd"], cost["without_parking_usd"]) == (0.014, 0.055)


def test_minutes_taken_back_leave_no_line() -> None:
    cost = record(spent("carrier", "minutes", 1, 14_000), spent("carrier", "minutes", -1, -14_000))["cost"]
    assert cost["items"] == []
    assert cost["total_usd"] == cost["carrier_usd"] == 0.0


def test_the_ledger_of_the_ending() -> None:
    call = record(
        Outcome("The appointment is on Tuesday.", "task done"),
        HangUpStep(90.0, "goodbye_heard"),
        HangUpStep(90.2, "rest_done", "after 1 try"),
    )
    assert (call["outcome"], call["outcome_reason"]) == ("The appointment is on Tuesday.", "task done")
    assert call["hangup"] == [
        {"at": 90.0, "step": "goodbye_heard"},
        {"at": 90.2, "step": "rest_done", "detail": "after 1 try"},
    ]


def test_any_order_of_notes_gives_a_timeline_without_holes() -> None:
    dice = random.Random(2)
    makers = [
        lambda t: HoldBegan(t, ""),
        lambda t: HoldEnded(t, t, 1.0, ""),
        lambda t: HoldWentOn(max(0.0, t - 5), t, dice.random() < 0.5, ""),
        lambda t: HoldPart(max(0.0, t - 3), t, "music"),
        lambda t: Detached(t),
        lambda t: Attached(t),
        lambda t: MaybeHuman(t, t - 1, 0.5, ""),
    ]
    for _ in range(300):
        at, told = 0.0, [Answered()]
        for _ in range(dice.randrange(1, 25)):
            at += dice.random() * 10
            told.append(dice.choice(makers)(at))
        call = record(*told, ended(at + 1, "success", "hangup_call", "completed"))
        line = spans(call)
        assert line[0][1] == 0.0
        assert line[-1][2] == round(at + 1, 3)
        assert all(before[2] == after[1] and before[0] != after[0] for before, after in itertools.pairwise(line))
        for segment in call["timeline"]:
            inner = parts(segment) if segment["kind"] == "hold" else []
            assert all(segment["start"] <= a < b <= segment["end"] for _, a, b in inner)
        json.dumps(call, allow_nan=False)


def test_every_note_has_its_case() -> None:
    known = {note.__name__ for note in get_args(AnyNote)}
    made = {
        name
        for name, kind in vars(notes).items()
        if isinstance(kind, type) and issubclass(kind, notes.Note) and kind is not notes.Note
    }
    assert known == made
