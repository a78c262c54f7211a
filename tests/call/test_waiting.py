"""Phrases in a whole call: while an answer is on its way, and for want of a goodbye."""

from __future__ import annotations

from itertools import pairwise

import pytest

from outwait.call import notes
from outwait.call.commands import AnswerTool, HangUp, PlayAudio
from outwait.call.events import (
    AnswerTimed,
    HungUp,
    PersonPaused,
    PersonStarted,
    PersonStopped,
    SessionClosed,
    ToolCalled,
    Trouble,
)
from outwait.call.phrasebook import phrases
from outwait.call.policy import Policy
from outwait.testing import Playbook
from tests.call.test_machine import SPEECH, ends, says, talking

ALL = phrases("", slow=True)


def said(book: Playbook) -> list[str]:
    return [note.text for note in book.notes(notes.Said) if note.role == "agent"]


def turn(book: Playbook) -> None:
    """A person says something, and stops."""
    book >> PersonStarted(1)
    book.hear(2.0, **SPEECH)
    book.hear(0.3)
    book >> PersonPaused(1, 0.3)
    book.hear(0.3)
    book >> PersonStopped(1)


def test_a_slow_engine_is_not_waited_for_and_the_answer_follows_without_a_gap() -> None:
    book = talking(phrases=ALL, reaction=1.2)
    before = len(book.sound)
    turn(book)
    assert any(isinstance(sound, PlayAudio) for sound in book.sound[before:]), "before anybody knows that it is over"
    book.hear(0.6)
    book >> AnswerTimed(1, "r1", 0.6, 0.0, 0.3, 0.1, 0.2)
    says(book, 1, "r1", "Hello, I am calling about an order.", 2.0)
    ends(book, 1, "r1")
    book.hear(4.0)
    assert said(book) == ["Hello.", "Hello, I am calling about an order."]
    first, second = [note for note in book.notes(notes.Said) if note.role == "agent"]
    assert second.at == pytest.approx(first.at + 1.0, abs=0.02), "the phrase takes a second"
    (reacted,) = book.notes(notes.Reacted)
    assert reacted.phrase
    assert reacted.seconds == pytest.approx(0.3, abs=0.05)
    assert reacted.answer == pytest.approx(1.2, abs=0.05)
    assert reacted.stages["first_sound"] == 0.2


def test_short_words_take_turns() -> None:
    book = talking(phrases=ALL, reaction=1.2)
    for number in range(5):
        turn(book)
        book.hear(0.7)
        says(book, 1, f"r{number}", f"Answer {number}.", 1.0)
        ends(book, 1, f"r{number}")
        book.hear(4.0)
    assert said(book)[::2] == ["Hello.", "Hm.", "I see.", "Ah.", "Hm."]


def test_nobody_waits_at_any_pause_nor_hears_the_same_twice_in_a_row() -> None:
    book = talking(phrases=ALL, reaction=1.0)
    book >> PersonStarted(1)
    for _ in range(6):
        book.hear(1.2, **SPEECH)
        book.hear(0.3)
        book >> PersonPaused(1, 0.3)
    book.hear(1.5)
    words = said(book)
    assert len(words) == 6
    assert all(first != second for first, second in pairwise(words))


def test_a_word_that_is_not_made_yet_is_no_first_sound() -> None:
    book = talking(phrases={}, reaction=1.0)
    turn(book)
    book.hear(0.6)
    says(book, 1, "r1", "Hello, I am calling about an order.", 2.0)
    (reacted,) = book.notes(notes.Reacted)
    assert not reacted.phrase
    assert reacted.seconds == reacted.answer


def test_a_fast_engine_is_waited_for_but_not_for_ever() -> None:
    book = talking(Policy(stall_seconds=30.0), phrases=ALL)
    turn(book)
    book.hear(1.0)
    assert said(book) == []
    book.wait(2.6)
    book.hear(3.0)
    book.wait(2.2)
    book.hear(3.0)
    assert said(book) == [ALL["pickup"], ALL["still"]]


def test_a_session_that_is_gone_leaves_a_goodbye() -> None:
    book = talking(phrases=ALL)
    turn(book)
    says(book, 1, "r1", "Thank you.", 1.0)
    ends(book, 1, "r1")
    book.hear(2.0)
    book >> ToolCalled(1, "r2", "c1", "hangup_call", '{"reason": "done", "outcome": "It ships."}')
    book << AnswerTool
    book._pending.clear()  # it is asked for a goodbye
    book >> SessionClosed(1, Trouble.LOST, 1006, "")
    book.hear(2.0)
    book << HangUp >> HungUp()
    assert said(book) == ["Thank you.", ALL["goodbye"]]
