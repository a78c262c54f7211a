"""The parts of the talk: phrases in their turn, what is owed, who said what, the far end, what it costs."""

from __future__ import annotations

import pytest

from outwait.call import bill, notes
from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.context import Context
from outwait.call.cost import Meter, Usage
from outwait.call.events import SessionEvent, Trouble
from outwait.call.far_end import FarEnd
from outwait.call.owed import ANSWER, Owed
from outwait.call.policy import Policy
from outwait.call.sayings import Sayings
from outwait.call.sessions import Chain
from outwait.call.tidings import back_after_hold, called_back
from outwait.call.transcript import Transcript
from outwait.call.turns import Playout
from outwait.testing import PRICES, a_call

USAGE = Usage(text_in=900, audio_in=300, text_out=20, audio_out=40)


def test_phrases_take_turns_and_the_agent_s_own_voice_comes_first() -> None:
    playout = Playout(Policy())
    sayings = Sayings({"a": "one moment", "b": "just a second"}, playout)
    assert sayings.say(["a", "b"], 1.0) is None
    assert sayings.age(1.0) > 1000
    sayings.keep("b", b"x", spare="hold on")
    assert sayings.say(["a", "b"], 1.0) == "hold on"
    sayings.keep("a", b"a")
    assert sayings.say(["a", "b"], 2.0) == "one moment"
    sayings.keep("b", b"b")
    assert [sayings.say(["a", "b"], at) for at in (3.0, 4.0, 5.0)] == ["just a second", "one moment", "just a second"]
    assert sayings.age(7.0) == 2.0
    assert sayings.sound("a") == b"a"
    assert sayings.sound("c") == b""


def test_what_the_agent_has_said_can_be_said_again() -> None:
    texts = {"a": "one moment"}
    sayings = Sayings(texts, Playout(Policy()))
    assert sayings.say(["say Yes."], 1.0) is None
    sayings.learn("say Yes.", "Yes.", b"yes")
    assert sayings.say(["say Yes."], 2.0) == "Yes."
    assert texts == {"a": "one moment"}, "of this call only"


def test_what_is_missing_is_asked_for_once_and_again_when_it_failed() -> None:
    sayings = Sayings({"a": "one", "b": "two"}, Playout(Policy()))
    sayings.keep("a", b"a")
    assert sayings.make(1) == [do.MakePhrase(1, "b", "two")]
    assert sayings.make(1) == []
    sayings.failed("b")
    assert sayings.make(2) == [do.MakePhrase(2, "b", "two")]
    sayings.restarted()
    assert sayings.make(3) == [do.MakePhrase(3, "b", "two")]


def test_another_voice_has_its_phrases_made_anew() -> None:
    playout = Playout(Policy())
    sayings = Sayings({"a": "one", "b": "two"}, playout)
    sayings.keep("a", b"a")
    sayings.speaks("openai", 1)
    sayings.keep("b", b"spare", spare="wait")
    assert sayings.make(1) == [do.MakePhrase(1, "b", "two")]
    sayings.speaks("openai", 2)
    assert sayings.make(2) == []
    sayings.speaks("azure", 3)
    sayings.keep("a", b"spare", spare="hm")
    assert sayings.say(["a"], 1.0) == "one", "what the first voice has made, until there is something better"
    assert sayings.make(3) == [do.MakePhrase(3, "a", "one"), do.MakePhrase(3, "b", "two")]
    sayings.made("a", b"late", 2)
    assert sayings.sound("a") == b"a"
    sayings.made("a", b"new", 3)
    assert sayings.sound("a") == b"new"


def test_the_far_end_is_kept_for_so_long_and_read_from_anywhere() -> None:
    far = FarEnd(2.0)
    for second in range(5):
        far.hear(float(second), bytes([second]) * 8000)
    assert far.since(0.0) == b"".join(bytes([n]) * 8000 for n in (2, 3, 4)), "the rest is gone"
    assert far.since(3.5) == bytes([3]) * 8000 + bytes([4]) * 8000
    assert far.between(2.5, 3.0) == bytes([2]) * 8000
    far.clear()
    assert far.since(0.0) == b""


def test_an_answer_is_owed_once_with_what_tools_have_brought() -> None:
    owed = Owed(Policy())
    assert owed.due() == ""
    owed.words = ANSWER
    owed.result("the parcel has shipped")
    assert owed.due() == f"{ANSWER} the parcel has shipped"
    assert owed.due() == ""
    owed.result("late")
    owed.opens(5.0, later=False)
    assert owed.results() == "", "the seed of a session that opens has it"


def test_a_later_session_does_not_catch_up_with_what_is_long_past() -> None:
    policy = Policy()
    owed = Owed(policy)
    owed.hear_from = 10.0
    owed.opens(20.0, later=True)
    assert owed.hear_from == 10.0
    owed.opens(10.0 + policy.preroll_max + 1, later=True)
    assert owed.hear_from == 10.0 + policy.preroll_max + 1
    owed.answer_from(0.0, 100.0)
    assert owed.hear_from == 100.0 - policy.preroll_max
    owed.words, owed.turn_from = ANSWER, 90.0
    owed.nothing()
    assert (owed.words, owed.turn_from) == ("", None)


def test_words_are_told_at_the_time_they_were_begun() -> None:
    context, playout = Context("ask", max_tokens=9000), Playout(Policy())
    transcript = Transcript(context, playout)
    transcript.turn(1, "u1", 3.0)
    assert transcript.person_said(1, "u1", " hello ", 9.0) == [do.Tell(notes.Said(at=3.0, role="human", text="hello"))]
    assert transcript.person_said(1, "u2", "  ", 9.0) == []
    playout.write(1, "r", "i", "good morning")
    playout.speak(1, "r", "i", b"x" * 1600)
    playout.end(1, "r")
    marks = [c.name for c in playout.advance(1, 4.0) if isinstance(c, do.PlayMark)]
    assert transcript.agent_finished() == [], "not heard yet"
    playout.marked(marks[-1])
    assert transcript.agent_finished() == [do.Tell(notes.Said(at=4.0, role="agent", text="good morning"))]
    assert transcript.last is not None
    assert transcript.last.text == "good morning"
    assert [(item.kind, item.text) for item in context.seed()] == [("human", "hello"), ("agent", "good morning")]


def test_who_is_back_is_introduced_to_again() -> None:
    setup = a_call(recorded=True).setup
    words = back_after_hold(setup, 125.0, "Hello, I'm here", passed_on=False)
    assert "2 min 5 s" in words
    assert '"Hello, I\'m here"' in words
    assert "that the call is recorded" in words
    assert "passed on" in back_after_hold(setup, 1.0, None, passed_on=True)
    assert "1 min later" in called_back(setup, 3.0)
    assert "AI assistant" not in called_back(a_call(disclosure="").setup, 3.0)


@pytest.mark.parametrize(
    "event",
    [
        ev.ResponseBilled(1, "r", USAGE),
        ev.ResponseEnded(1, "r", "completed", USAGE),
        ev.PersonSaid(1, "i", "hello", Usage(seconds=3.0)),
        ev.PhraseMade(1, "resume", b"x", USAGE),
        ev.PhraseFailed(1, "resume", "no", USAGE),
    ],
    ids=lambda event: type(event).__name__,
)
def test_everything_that_has_a_bill_is_paid(event: SessionEvent) -> None:
    meter = Meter(PRICES, None)
    lines = [command.note for command in bill.told(event, meter) if isinstance(command, do.Tell)]
    assert lines
    assert meter.total == sum(line.micro_usd for line in lines if isinstance(line, notes.Spent)) > 0
    assert bill.told(ev.PersonPaused(1, 0.4), meter) == []


def test_how_often_a_session_is_tried_again() -> None:
    policy = Policy()
    chain = Chain()
    link = chain.open(0.0, "openai", "m")
    waits = [chain.failed(link, Trouble.LOST, policy, last=True) for _ in range(len(policy.retry_delays) + 1)]
    assert waits == [*policy.retry_delays, None]
    assert Chain().failed(link, Trouble.REFUSED, policy, last=True) is None, "useless"
    link.useful = True
    assert chain.failed(link, Trouble.LOST, policy, last=True) == policy.retry_delays[0], "it had worked"
    other = Chain()
    tried = [other.failed(Chain().open(0.0, "openai", "m"), Trouble.BUSY, policy, last=False) for _ in range(9)]
    assert sum(wait is not None for wait in tried) == policy.retries_before_failover
