"""Machines that the agent has to answer, by playbook: woken once, and let go of when they have their answer."""

from __future__ import annotations

from outwait.call import notes
from outwait.call.commands import AskResponse, CloseSession, CommitTurn, Dial, KeepPhrase, OpenSession, Transcribe
from outwait.call.cost import Usage
from outwait.call.events import (
    Begun,
    Dialled,
    LegReported,
    PersonStarted,
    PersonStopped,
    ResponseEnded,
    ResponseStarted,
    SessionClosed,
    SessionOpened,
    StreamStarted,
    Transcribed,
)
from outwait.call.known import Known
from outwait.testing import Playbook, a_call
from tests.call.test_machine import MUSIC, SPEECH, ends, says

ASKED = "Say yes to stay on the line."


def in_a_queue(known: Known) -> Playbook:
    """A machine has answered, and plays music."""
    book = Playbook(a_call(recogniser="words", known=known))
    book >> Begun() << Dial >> Dialled("CA1") >> LegReported("in-progress", 2) >> StreamStarted(1)
    book.hear(8.0, **MUSIC)
    return book


def announced(book: Playbook, text: str) -> Playbook:
    """The queue says something, and it is read."""
    book.hear(2.0, **SPEECH)
    book.hear(1.0)
    wanted = [command.clip for command in book.sound if isinstance(command, Transcribe)]
    if wanted[-1] < 0:  # a look at who seems to be back; the piece itself comes, too
        book >> Transcribed(wanted[-1], text)
    return book >> Transcribed(max(wanted), text)


def test_a_queue_is_told_a_word_by_the_agent_once_and_from_then_on_from_what_it_said() -> None:
    book = in_a_queue(Known(by_machine=True))
    announced(book, ASKED) << OpenSession >> SessionOpened(1) << AskResponse
    # The engine takes the end of the announcement for a turn, and breaks off what it was asked for.
    book >> ResponseStarted(1, "r1") >> PersonStarted(1) >> ResponseEnded(1, "r1", "cancelled", Usage())
    book.hear(0.6, **MUSIC)
    book.done()
    assert book.call.phase == "resuming", "nothing was said yet"
    assert book.sent(1) == 0, "it is told the words; to music it need not listen"
    book >> PersonStopped(1)
    says(book, 1, "r2", "Yes.", 0.6)
    book >> PersonStarted(1)  # music again, as the engine hears it
    ends(book, 1, "r2")
    book.hear(1.4, **MUSIC) << CloseSession(1)
    assert book.sent(1) <= 0.2 * 8000, "up to the next score after its word has been heard"
    book >> SessionClosed(1, None, 1000, "")
    assert [command.text for command in book.sound if isinstance(command, KeepPhrase)] == ["Yes."]
    book.hear(30.0, **MUSIC)
    played = book.played()
    announced(book, ASKED).done()
    book.hear(2.0, **MUSIC).done()
    assert book.played() - played == 0.6 * 8000
    assert [note.say for note in book.notes(notes.MenuStep)] == ["yes", "yes"]
    assert book.call.phase == "holding"


def test_an_answer_that_music_has_broken_off_is_asked_for_again() -> None:
    book = in_a_queue(Known(by_machine=True))
    announced(book, ASKED) << OpenSession >> SessionOpened(1) << AskResponse
    first = book.trace[-1][2][-1]
    book >> ResponseStarted(1, "r1") >> PersonStarted(1) >> ResponseEnded(1, "r1", "cancelled", Usage())
    book.hear(4.0, **MUSIC) << CommitTurn(1)
    again = book._pending[0]
    assert isinstance(first, AskResponse)
    assert isinstance(again, AskResponse)
    assert ASKED in again.instructions
    assert again.instructions == first.instructions


def test_what_was_said_on_the_last_call_is_said_again_without_a_session() -> None:
    known = Known(by_machine=True, keep_say="Yes.")
    book = Playbook(a_call(recogniser="words", known=known, phrases={"say Yes.": "Yes."}))
    book.call._talk.sayings.keep("say Yes.", b"\x55" * 4000)
    book >> Begun() << Dial >> Dialled("CA1") >> LegReported("in-progress", 2) >> StreamStarted(1)
    book.hear(8.0, **MUSIC)
    announced(book, ASKED).done()
    book.hear(2.0, **MUSIC).done()
    assert book.played() == 4000
