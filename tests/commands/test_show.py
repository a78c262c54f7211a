"""A call in a terminal."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from rich.console import Console

from outwait.call.notes import AnyNote, Phase, Said, SessionNote, Spent
from outwait.commands.show import StatusLine, clock, hanging, summary, told
from tests.sample_call import sample_call, sample_notes


def printed(*things: Any, width: int = 120) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(*things, sep="\n")
    return capture.get()


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00.0"), (59.96, "1:00.0"), (61.04, "1:01.0"), (1503.4, "25:03.4"), (4000, "66:40.0")]
)
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_every_kind_of_note_can_be_told() -> None:
    notes = sample_notes()
    assert {type(note) for note in notes} == set(get_args(AnyNote))
    lines = [line.plain for line in map(told, notes) if line is not None]
    assert "  0:00.9  human: Northwind Clinic, good morning. How can I help you?" in lines
    assert "  0:20.2  agent: Of course, thank you. I'll wait. ...[cut off]" in lines
    assert "  0:00.4  model session 1 open (gpt-realtime-2.1)" in lines
    assert "  0:24.1  model session 1 closed: hold" in lines


def test_words_stay_on_their_line() -> None:
    line = told(Said(1.0, "human", "one\ntwo \x1b[2Jthree"))
    assert line is not None
    assert line.plain == "  0:01.0  human: one two [2Jthree"


def test_a_long_line_hangs_under_its_words() -> None:
    line = told(Said(1.0, "human", "one two three four five six seven"))
    assert line is not None
    assert printed(hanging(line, Console(width=40)), width=40).splitlines() == [
        "  0:01.0  human: one two three",
        "          four five six seven",
    ]


def test_the_status_line_follows() -> None:
    status = StatusLine()
    status.add(Phase(0.0, "talking"))
    status.add(SessionNote(1, "open", 0.4))
    assert "talking for 0:00.4 · model session open · $0.0000" in printed(status)
    status.add(SessionNote(1, "closed", 42.0, reason="hold"))
    status.add(Phase(41.0, "holding"))
    status.add(Spent("response", "tokens", 1, 20_000, False, 34_000, 340_000))
    assert "holding for 0:01.0 · no model session · $0.0340 (without parking $0.3400)" in printed(status)


def test_the_summary_of_a_call() -> None:
    shown = re.sub(" +", " ", printed(*summary(sample_call())))
    for words in (
        " 0:22.6 24:30.6 24:08.0 hold announcement 1:16.5, music 22:16.4, resume 0:08.8",
        "success (hangup call): Appointment moved to Wednesday",
        "3 model sessions, open for 0:59",
        "carrier leg 27 minutes $0.3780",
        "model $0.0849 + carrier $0.3780 = $0.4629; with the session left open $2.6900, so parking saved $2.2271",
    ):
        assert words in shown


def test_the_summary_of_a_call_that_nobody_answered() -> None:
    call = sample_call()
    call |= {"timeline": [], "sessions": [], "outcome": None, "end_reason": {"result": "client_error", "cause": "busy"}}
    call["cost"] |= {"items": []}
    shown = " ".join(printed(*summary(call)).split())
    assert shown == "client error (busy) 0 model sessions, open for 0:00.0 of the call"
