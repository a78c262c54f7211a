"""Tones that say that nobody is there: the call ends, with the reason."""

from __future__ import annotations

import pytest

from outwait.call import notes
from outwait.call.commands import HangUp
from outwait.call.events import ToneHeard
from outwait.testing import Playbook
from tests.call.test_machine import SPEECH, on_hold, talking


def tone(book: Playbook, kind: str) -> Playbook:
    return book >> ToneHeard(kind, book.now - 1000.0, 0.3)  # type: ignore[arg-type]


def why(book: Playbook) -> list[str]:
    return [note.why for note in book.notes(notes.Phase) if note.phase == "ending"]


@pytest.mark.parametrize("start", [talking, on_hold])
def test_special_information_tones_end_it_at_once(start: object) -> None:
    book: Playbook = start()  # type: ignore[operator]
    tone(book, "sit")
    assert HangUp("CA1", cancel=False) in book._pending
    assert why(book) == ["line_dead: special information tones"]


@pytest.mark.parametrize("kind", ["busy", "reorder"])
def test_busy_and_reorder_are_believed_the_second_time(kind: str) -> None:
    book = talking()
    tone(book, kind).done()
    tone(book, kind)
    assert HangUp("CA1", cancel=False) in book._pending
    assert why(book) == [f"line_dead: {kind} tone"]


def test_a_voice_between_them_is_no_dead_line() -> None:
    book = talking()
    tone(book, "busy").done()
    book.hear(1.0, **SPEECH)
    tone(book, "busy").done()
    assert why(book) == []


@pytest.mark.parametrize("kind", ["ringback", "dial", "beep"])
def test_other_tones_end_nothing(kind: str) -> None:
    book = talking()
    for _ in range(3):
        tone(book, kind)
    assert why(book) == []
