"""One engine for machines, another for people, and the next one when either fails."""

from __future__ import annotations

from typing import Any

from outwait.call import notes
from outwait.call.choice import Choice
from outwait.call.commands import CloseSession, Dial, MakePhrase, OpenSession
from outwait.call.cost import TimePrice
from outwait.call.events import (
    Begun,
    Dialled,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    SessionClosed,
    SessionOpened,
    StreamStarted,
    Trouble,
)
from outwait.call.setup import Means
from outwait.testing import PRICES, Playbook, a_call
from tests.call.test_machine import MUSIC, SPEECH, on_hold, talking

CHEAP = Means("cascade", "small", PRICES)
SPARE = Means("azure", "gpt-realtime-2.1", PRICES)


def opened(book: Playbook) -> list[OpenSession]:
    return [command for _, _, commands in book.trace for command in commands if isinstance(command, OpenSession)]


def choice(**setup: Any) -> Choice:
    return Choice(a_call(machine=CHEAP, reserves=(SPARE,), **setup).setup)


def test_the_order_for_machines_and_for_people() -> None:
    it = choice()
    assert (it.engine.engine, it.machine, it.last) == ("cascade", True, False)
    assert it.speak_to(machine=False)
    assert it.engine.engine == "openai"
    assert not it.speak_to(machine=False)
    it.give_up()
    assert (it.engine.engine, it.last) == ("azure", True)
    assert it.speak_to(machine=True)
    assert it.engine.engine == "cascade", "what has failed for people has not failed for machines"
    it.give_up()
    assert (it.engine.engine, it.last) == ("azure", True)
    assert not it.speak_to(machine=False)


def test_the_voice_is_that_of_the_engine_for_people() -> None:
    it = choice()
    assert it.voice == "openai", "also while machines are spoken to"
    it.speak_to(machine=False)
    it.give_up()
    assert it.voice == "azure"
    it.speak_to(machine=True)
    it.give_up()
    assert it.voice == "azure"


def test_who_takes_over_has_the_phrases_made_in_its_own_voice() -> None:
    book = talking(reserves=(SPARE,))  # all of them are there
    book >> SessionClosed(1, Trouble.REFUSED, 401, "")
    book.ignore()
    assert (book.call.voice, opened(book)[-1].session) == ("azure", 2)
    book >> SessionOpened(2)
    asked = [c for _, _, commands in book.trace for c in commands if isinstance(c, MakePhrase)]
    assert {(one.session, one.phrase) for one in asked} == {(2, name) for name in book.call.setup.phrases}


def test_without_one_for_machines_nothing_turns() -> None:
    it = Choice(a_call().setup)
    assert not it.machine
    assert not it.speak_to(machine=True)
    assert it.last


def test_the_person_who_ends_the_hold_is_spoken_to_by_the_wanted_engine() -> None:
    book = on_hold(machine=CHEAP, phrases={"resume": "Hello?"})
    assert [session.engine for session in opened(book)] == ["cascade"]
    book.hear(120.0, **MUSIC)
    book.hear(0.6)
    book.hear(4.0, **SPEECH)
    if not book._pending:
        book.hear(3.0)
    book << OpenSession
    assert [session.engine for session in opened(book)] == ["cascade", "openai"]
    told = [note for note in book.notes(notes.SessionNote) if note.state == "closed"]
    assert [note.reason for note in told] == ["hold"]
    book >> SessionOpened(2)
    book.ignore()


def test_phrases_are_made_in_the_voice_that_talks_to_people() -> None:
    book = Playbook(a_call(machine=CHEAP, phrases={"resume": "Hello?"}))
    book >> Begun() << Dial >> Dialled("CA1") >> StreamStarted(1) << OpenSession >> SessionOpened(1)
    book.call._talk.speak_to(machine=False, now=book.now, at=0.0)
    book >> SessionClosed(1, None, 1000, "") << OpenSession >> SessionOpened(2) << MakePhrase(2, "resume", "Hello?")


def test_in_mid_talk_the_next_session_takes_over_what_was_said() -> None:
    book = talking(machine=CHEAP)
    book >> PersonCommitted(1, "i1") >> PersonSaid(1, "i1", "Sam speaking, hello?")
    book >> PersonStarted(1)
    commands = book.call._talk.speak_to(machine=False, now=book.now, at=0.0)
    assert CloseSession(1) in commands
    book >> SessionClosed(1, None, 1000, "")
    (session,) = opened(book)[1:]
    assert session.engine == "openai"
    assert "Sam speaking, hello?" in [item.text for item in session.seed]
    told = [note for note in book.notes(notes.SessionNote) if note.state == "closed"]
    assert [note.reason for note in told] == ["failover"]
    assert book.call._talk.speak_to(machine=False, now=book.now, at=0.0) == []


def test_each_session_is_paid_at_its_own_engines_prices() -> None:
    dear = Means("cascade", "x", PRICES.__class__(model=TimePrice(rate=60.0), transcription=None, carrier={}))
    book = talking(machine=dear)
    book.hear(2.0).ignore()
    before = book.call._meter.model
    assert book.call._meter._prices.model == dear.prices.model
    book.call._talk.speak_to(machine=False, now=book.now, at=2.0)
    assert book.call._meter._prices.model == dear.prices.model, "until the next one opens: its bill may be late"
    book >> SessionClosed(1, None, 1000, "")
    assert book.call._meter.model >= before
    assert book.call._meter._prices.model == PRICES.model


def test_an_engine_for_machines_that_fails_is_followed_by_the_others() -> None:
    book = talking(machine=CHEAP)
    book >> SessionClosed(1, Trouble.REFUSED, 401, "no")
    assert [session.engine for session in opened(book)] == ["cascade", "openai"]
