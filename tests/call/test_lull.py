"""Music while we talk: a session that has nothing to say is let go of before the hold is sure."""

from __future__ import annotations

from outwait.call import notes
from outwait.call.commands import CloseSession, OpenSession
from outwait.call.events import PersonStarted, PersonStopped, SessionClosed, SessionOpened
from outwait.call.hold_events import Scored
from outwait.call.lull import MUSIC as ENOUGH
from outwait.call.lull import QUIET, REST, VOICE, Lull
from outwait.testing import Playbook
from tests.call.test_machine import MUSIC, SPEECH, ends, says, talking

STEP = 0.16


def hear(lull: Lull, at: float, seconds: float, **scores: float) -> tuple[float, list[float]]:
    """Where the line is then, and what the lull said."""
    said = []
    for _ in range(round(seconds / STEP)):
        at += STEP
        fields = {"speech": 0.0, "music": 0.0, "singing": 0.0, "tone": 0.0, "noise": 0.0} | scores
        heard = lull.hear(Scored(at=at, seconds=STEP, level=-30.0, **fields))
        said += [heard] if heard is not None else []
    return at, said


def music_for_long() -> Playbook:
    """Somebody has said something that no turn ended, and put music on."""
    book = talking()
    book >> PersonStarted(1)
    book.hear(1.5, **SPEECH)
    book.hear(ENOUGH + 0.5, **MUSIC)
    return book


def test_it_begins_with_music_and_ends_with_a_voice() -> None:
    lull = Lull()
    at, _ = hear(lull, 0.0, ENOUGH - 0.3, music=0.9)
    assert not lull.on(at)
    at, _ = hear(lull, at, 0.5, music=0.9)
    assert lull.on(at)
    at, said = hear(lull, at, VOICE / 2, speech=0.9)
    assert lull.on(at), "a slip of the scores"
    assert not said
    began, _ = hear(lull, at, 0.5, music=0.9)
    at, said = hear(lull, began, 1.0, speech=0.9)
    assert not lull.on(at)
    assert said == [began], "what is said is wanted from its beginning"


def test_it_ends_with_quiet_and_when_nothing_is_heard_any_more() -> None:
    lull = Lull()
    at, _ = hear(lull, 0.0, ENOUGH + 0.3, music=0.9)
    assert lull.on(at)
    assert not lull.on(at + 2.0)
    at, said = hear(lull, at, QUIET + 0.3)
    assert not lull.on(at)
    assert len(said) == 1


def test_there_is_one_in_a_talk() -> None:
    lull = Lull()
    at, _ = hear(lull, 0.0, ENOUGH + 0.3, music=0.9)
    at, _ = hear(lull, at, 2.0, speech=0.9)
    at, _ = hear(lull, at, 10.0, music=0.9)
    assert not lull.on(at)


def test_who_is_back_may_speak_over_music() -> None:
    lull = Lull(REST)
    at, _ = hear(lull, 0.0, REST, music=0.9)
    assert not lull.on(at)


def test_who_speaks_over_music_waits_for_an_answer_all_the_same() -> None:
    lull = Lull()
    at, _ = hear(lull, 0.0, 1.0, music=0.9)
    at, _ = hear(lull, at, 1.0, speech=0.9)
    at, _ = hear(lull, at, ENOUGH + 1.0, music=0.9)
    assert not lull.on(at)


def test_a_slip_of_the_scores_before_a_voice_is_no_music() -> None:
    lull = Lull()
    at, _ = hear(lull, 0.0, STEP, music=0.9)
    at, _ = hear(lull, at, 2.0, speech=0.9)
    at, _ = hear(lull, at, ENOUGH + 0.3, music=0.9)
    assert lull.on(at)


def test_the_session_is_closed_before_the_hold_is_sure() -> None:
    book = music_for_long()
    book << CloseSession(1)
    assert not book.notes(notes.HoldBegan)
    book >> SessionClosed(1, None, 1000, "")
    book.hear(5.0, **MUSIC)
    book.done()  # no other one is opened
    (hold,) = book.notes(notes.HoldBegan)
    assert hold.at < 3.0, "the hold began with the music"


def test_who_speaks_before_it_is_a_hold_is_heard_by_the_next_one() -> None:
    book = music_for_long()
    book << CloseSession(1)
    book >> SessionClosed(1, None, 1000, "")
    book.hear(1.0, **SPEECH)
    book << OpenSession
    book >> SessionOpened(2)
    assert 8000 * 1.0 <= book.sent(2) <= 8000 * 2.6, "their words from the beginning, and not the music"
    book.hear(0.5, **SPEECH)
    book >> PersonStarted(2) >> PersonStopped(2, due=True)
    says(book, 2, "r1", "Hello, I am calling about order 4711.", 1.0)
    ends(book, 2, "r1")
    book.done()


def test_a_session_that_owes_an_answer_stays() -> None:
    book = talking()
    book >> PersonStarted(1)
    book.hear(1.5, **SPEECH)
    book >> PersonStopped(1, due=True)
    book.hear(ENOUGH + 1.0, **MUSIC)
    book.done()
    says(book, 1, "r1", "Of course.", 0.4)
    ends(book, 1, "r1")
    book.hear(0.6, **MUSIC)
    book << CloseSession(1)
