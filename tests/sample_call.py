"""An invented call for tests of what shows calls: two holds, a suspicion, a false resume, a lost stream, a bill."""

from __future__ import annotations

from typing import Any

from outwait.call.notes import (
    Answered,
    AnsweredBy,
    AnyNote,
    Attached,
    CallBack,
    CarrierJudged,
    Detached,
    Ended,
    HangUpStep,
    HoldBegan,
    HoldEnded,
    HoldPart,
    HoldWentOn,
    KeyHeard,
    MaybeHuman,
    MenuStep,
    Outcome,
    Phase,
    Queue,
    Reacted,
    Said,
    SecondLeg,
    SessionNote,
    Spent,
    Status,
    ToolRan,
)
from outwait.record import Record

MODEL = "gpt-realtime-2.1"


def session(number: int, state: Any, at: float, reason: str = "") -> SessionNote:
    return SessionNote(session=number, state=state, at=at, engine="openai", model=MODEL, reason=reason)


def sample_notes() -> list[AnyNote]:
    """In the order in which a call would tell them."""
    total = 0

    def spent(what: str, units: str, quantity: float, micro: int, without: int = 0) -> Spent:
        nonlocal total
        total += micro
        return Spent(what, units, quantity, micro, False, total, max(total, without))

    told: list[AnyNote] = [
        Phase(0.0, "dialing"),
        Status("ringing", "CA0123456789abcdef0123456789abcdef"),
        Status("in-progress", "CA0123456789abcdef0123456789abcdef"),
        Answered(),
        Phase(0.0, "talking"),
        session(1, "opening", 0.0),
        session(1, "open", 0.41),
        spent("carrier leg", "minutes", 1, 14_000),
        AnsweredBy(0.9, "person"),
        CarrierJudged(2.9, "person"),
        Said(0.9, "human", "Northwind Clinic, good morning. How can I help you?"),
        Said(
            4.3,
            "agent",
            "Good morning. I'm an automated assistant calling for Dana Reyes. She'd like to move her appointment of "
            "Thursday, December third, to another morning of that week.",
        ),
        spent("response", "tokens", 1544, 19_812),
        Reacted(at=3.4, seconds=0.3, answer=1.2, phrase=True, stages={"silence": 0.6, "first_sound": 0.2}),
        Said(15.8, "human", "Sure, I can look into that. Can I put you on hold for a moment?"),
        Said(20.2, "agent", "Of course, thank you. I'll wait.", cut=True),
        spent("response", "tokens", 1790, 9_400),
        spent("transcription", "tokens", 210, 630),
        HoldBegan(22.6, "the agent was asked to wait"),
        Phase(22.6, "holding", "the agent was asked to wait"),
        session(1, "closed", 24.1, "hold"),
    ]
    at = 22.6
    for turn in range(9):
        told += [HoldPart(at, at + 1.4, "silence"), HoldPart(at + 1.4, at + 142.0, "music")]
        told += [HoldPart(at + 142.0, at + 150.5, "announcement"), HoldPart(at + 150.5, at + 152.0, "silence")]
        if turn in (0, 3):
            told.append(Said(at + 142.3, "announcement", "Thank you for your patience. Please stay on the line."))
        if turn == 1:
            told.append(MaybeHuman(at + 144.2, at + 142.1, 0.48, "speech 0.93 for 2.0 s, heard before 0.41"))
        at += 152.0
    told += [
        HoldPart(at, at + 42.0, "music"),
        HoldEnded(at + 42.2, at + 44.0, 0.71, "speech 0.95 for 1.8 s, not heard before, music stopped"),
        Phase(at + 44.0, "resuming"),
        session(2, "opening", at + 43.0),
        session(2, "open", at + 43.5),
        Said(at + 44.3, "agent", "Yes, hello, I'm here.", phrase=True),
        Said(at + 46.0, "agent", "This is the assistant for Dana Reyes."),
        spent("response", "tokens", 2210, 11_230),
        HoldWentOn(at + 42.2, at + 51.0, True, "music again, and nobody answered"),
        Phase(at + 51.0, "holding"),
        session(2, "closed", at + 52.0, "hold"),
        HoldPart(at + 51.0, at + 80.0, "music"),
        Queue(at + 60.0, 3, 240),
        MenuStep(at + 61.0, "To keep your place, press 1.", keys="1", why="the place in the queue is kept"),
        KeyHeard(at + 63.0, "5"),
        Detached(at + 80.0),
        Phase(at + 80.0, "detached"),
        Attached(at + 83.2),
        Phase(at + 83.2, "holding"),
    ]
    at += 83.2
    told += [
        HoldPart(at, at + 28.4, "music"),
        HoldPart(at + 28.4, at + 29.3, "silence"),
        MaybeHuman(at + 30.4, at + 29.4, 0.62, "speech 0.97 for 1.0 s, not heard before"),
        HoldEnded(at + 29.4, at + 30.6, 0.97, "speech 0.98 for 1.2 s, not heard before, music stopped"),
        Phase(at + 30.6, "resuming"),
        Said(at + 30.8, "agent", "Yes, hello, I'm here.", phrase=True),
        session(3, "opening", at + 30.4),
        session(3, "open", at + 30.9),
        Phase(at + 31.0, "talking"),
        Said(at + 29.4, "human", "Hello, thanks for holding. Are you still there?"),
        spent("carrier leg", "minutes", 26, 364_000, without=2_610_000),
        Said(at + 33.6, "agent", "Thank you for looking. Is there a free slot on one of those mornings?"),
        spent("response", "tokens", 2610, 14_100),
        Said(at + 38.9, "human", "Yes, I have Wednesday, December second, at nine twenty."),
        Said(at + 43.5, "agent", "Wednesday the second at nine twenty is perfect. Please book that for Dana Reyes."),
        spent("response", "tokens", 2810, 15_300),
        Said(at + 51.0, "human", "Done. You'll get a confirmation by text."),
        Said(at + 54.2, "agent", "Wonderful, thank you for your help. Goodbye."),
        spent("response", "tokens", 2930, 12_950),
        spent("transcription", "tokens", 480, 1_440),
        Outcome("Appointment moved to Wednesday, December 2, 9:20. Confirmation comes by text.", "task done"),
        Phase(at + 54.0, "ending"),
        CallBack(at + 44.0, "promised", "if the line breaks"),
        SecondLeg(at + 45.0, 2, "dialing", "+12025550177", why="asked: to agree on a day"),
        SecondLeg(at + 48.0, 2, "ended", "+12025550177", "CA2", "busy"),
        ToolRan(at + 50.2, "calendar", "answered", 1.4),
        HangUpStep(at + 54.1, "goodbye_asked"),
        HangUpStep(at + 57.4, "goodbye_heard", "mark after 3.2 s"),
        HangUpStep(at + 57.4, "rest_asked"),
        HangUpStep(at + 57.7, "rest_done"),
        session(3, "closed", at + 57.8, "ended"),
        HangUpStep(at + 57.8, "session_closed", "1000"),
        HangUpStep(at + 57.9, "stream_closed", "1000"),
        HangUpStep(at + 58.3, "callback", "completed, 1575 s"),
        spent("carrier leg", "minutes", 0, 0, without=2_690_000),
        Ended(at + 57.9, "success", "hangup_call", "completed", total, 2_690_000),
    ]
    return told


def sample_call() -> dict[str, Any]:
    fold = Record(
        "0193a7c2f0",
        to="+12025550143",
        from_="+12025550199",
        task="Move Dana Reyes' appointment of Thursday, December 3, to another morning of that week.",
        created=1_795_341_600.0,
        engine="openai",
    )
    for note in sample_notes():
        fold.add(note, 1_795_341_610.0 + getattr(note, "at", 0.0))
    return fold.as_dict()
