"""Whoever comes back is never left in silence, and whoever takes over is told everything."""

from __future__ import annotations

import pytest

from outwait.call import notes
from outwait.call.commands import AnswerTool, CloseSession, Finish, HangUp, OpenSession
from outwait.call.events import (
    HungUp,
    LegReported,
    SessionClosed,
    SessionOpened,
    StreamLost,
    ToolCalled,
    Trouble,
)
from outwait.call.policy import Policy
from outwait.testing import Playbook
from tests.call.test_machine import MUSIC, SPEECH, ends, on_hold, person, says

PHRASES = {
    "resume": "Yes, hello, I'm here.",
    "pickup": "One moment please.",
    "resume_again": "Hello, yes.",
    "apology": "I'm sorry, goodbye.",
}


def somebody_is_back(policy: Policy | None = None, **sounds: float) -> Playbook:
    """The session that is to answer is being opened."""
    book = on_hold(policy, phrases=PHRASES)
    book.hear(60.0, **MUSIC)
    if sounds:
        book.hear(6.0, **sounds)
        book.hear(10.0, **MUSIC)
    book.hear(4.0, **SPEECH)
    if not book._pending:
        book.hear(3.0)
    book << OpenSession
    return book


def phrases(book: Playbook) -> list[str]:
    return [note.text for note in book.notes(notes.Said) if note.phrase]


def test_a_late_session_is_bridged_by_phrases() -> None:
    book = somebody_is_back()
    for _ in range(2):
        book.hear(2.0)
        book.wait(2.4)
    book.hear(2.0)
    assert phrases(book) == ["Yes, hello, I'm here.", "One moment please.", "Hello, yes."]


def test_once_the_agent_speaks_no_phrase_follows() -> None:
    book = somebody_is_back()
    book >> SessionOpened(2)
    says(book, 2, "r2", "I was asking about order 4711.", 1.0)
    book.hear(3.0)
    book.wait(3.0)
    book.hear(3.0)
    assert phrases(book) == ["Yes, hello, I'm here."]


@pytest.mark.parametrize(("apologise", "said"), [(True, ["I'm sorry, goodbye."]), (False, [])])
def test_when_no_session_can_be_had_the_person_is_told(apologise: bool, said: list[str]) -> None:
    book = somebody_is_back(Policy(apologise=apologise))
    book.hear(2.0)
    book >> SessionClosed(2, Trouble.REFUSED, 401, "no")
    if apologise:
        book.hear(2.0)
    book << HangUp >> HungUp()
    assert phrases(book)[1:] == said
    book.ignore()
    book >> StreamLost(1, 1000)
    book >> LegReported("completed", 9, duration=90) << Finish
    assert book.notes(notes.Ended)[0].cause == "model_refused"


def told(book: Playbook) -> str:
    seed = next(c for _, _, commands in book.trace[::-1] for c in commands if isinstance(c, OpenSession)).seed
    return seed[-1].text


def test_after_ringback_the_next_session_knows_that_it_talks_to_somebody_else() -> None:
    assert "somebody else, who knows nothing" in told(somebody_is_back(tone=0.97))
    assert "it may be somebody else" in told(somebody_is_back())


def test_holds_follow_holds() -> None:
    book = somebody_is_back()
    book >> SessionOpened(2)
    person(book, 2, "u3", "Please hold again.")
    says(book, 2, "r3", "Of course.", 0.6)
    book >> ToolCalled(2, "r3", "c3", "wait_on_hold", '{"reason": "asked to hold"}') << AnswerTool
    ends(book, 2, "r3")
    book << CloseSession(2)
    book >> SessionClosed(2, None, 1000, "")
    book.hear(30.0, **MUSIC)
    book.hear(4.0, **SPEECH)
    if not book._pending:
        book.hear(3.0)
    book << OpenSession
    assert book.call.phase == "resuming"
    assert [type(note).__name__ for note in book.told if isinstance(note, notes.HoldBegan | notes.HoldEnded)] == [
        "HoldBegan",
        "HoldEnded",
        "HoldBegan",
        "HoldEnded",
    ]
