"""The small parts of the core: clocks, playout, context, keys, tables, the written log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outwait import call_log
from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.brief import Line, brief
from outwait.call.clock import Deadlines, MediaClock
from outwait.call.context import CHARACTERS, Context
from outwait.call.policy import Policy
from outwait.call.states import LEG, PHASE, SESSION, allowed
from outwait.call.turns import Playout
from outwait.testing import SILENCE, a_call, scored


def test_deadlines_come_in_order_and_once() -> None:
    waits = Deadlines()
    waits.set("late", 5.0)
    waits.set("early", 2.0)
    soonest = waits.next()
    assert soonest is not None
    assert soonest.name == "early"
    assert waits.due(6.0) == ["early", "late"]
    assert waits.due(6.0) == []
    assert waits.next() is None


def test_media_time_goes_on_over_a_lost_stream_by_the_wall() -> None:
    clock = MediaClock()
    assert clock.read(50.0) == 0.0
    clock.attach(100.0)
    clock.hear(0.0, 10.0)
    clock.detach(110.0)
    assert clock.read(113.0) == 13.0
    clock.attach(113.0)
    assert clock.hear(0.0, 0.5) == 13.0
    assert clock.read(999.0) == 13.5


def test_media_time_never_goes_back() -> None:
    clock = MediaClock()
    clock.attach(0.0)
    clock.hear(5.0, 1.0)
    assert clock.hear(2.0, 1.0) == 6.0


def test_the_playout_stays_only_a_little_ahead() -> None:
    policy = Policy()
    playout = Playout(policy)
    playout.speak(1, "r", "i", b"x" * 8000 * 10)
    sent = sum(len(c.ulaw) for c in playout.advance(1, 0.0) if isinstance(c, do.PlayAudio))
    assert policy.lead * 8000 <= sent <= (policy.lead + policy.chunk) * 8000
    again = sum(len(c.ulaw) for c in playout.advance(1, 1.0) if isinstance(c, do.PlayAudio))
    assert policy.lead * 8000 <= again <= (policy.lead + policy.chunk) * 8000, "it had run dry, and catches up"


def test_marks_tell_what_was_heard_and_the_text_is_cut_at_words() -> None:
    playout = Playout(Policy())
    playout.write(1, "r", "i", "one two three four")
    playout.speak(1, "r", "i", b"x" * 6400)
    marks = [c.name for c in playout.advance(1, 0.0) if isinstance(c, do.PlayMark)]
    playout.marked(marks[1])
    _, (cut,) = playout.interrupt(1)
    assert cut.heard_ms == 400
    assert cut.heard_text == "one two"
    playout.marked(marks[2])
    assert cut.heard_ms == 400, "marks that a clear brings back count nothing"
    playout.speak(1, "r", "i", b"x" * 1600)
    assert playout.quiet, "what an interrupted response still says is not said"


def test_a_lost_queue_is_sent_again_from_where_it_was_heard() -> None:
    playout = Playout(Policy())
    playout.phrase("hello", b"x" * 4800)
    marks = [c.name for c in playout.advance(1, 0.0) if isinstance(c, do.PlayMark)]
    playout.marked(marks[0])
    playout.rewind()
    sent = sum(len(c.ulaw) for c in playout.advance(2, 1.0) if isinstance(c, do.PlayAudio))
    assert sent == 4800 - 1600


def test_phrases_wait_for_what_is_being_said() -> None:
    playout = Playout(Policy())
    playout.speak(1, "r", "i", b"a" * 1600)
    playout.phrase("hello", b"b" * 1600)
    first = [c.ulaw[:1] for c in playout.advance(1, 0.0) if isinstance(c, do.PlayAudio)]
    assert first == [b"a"], "the model may still add to its own words"
    playout.end(1)
    then = [c.ulaw[:1] for c in playout.advance(1, 0.1) if isinstance(c, do.PlayAudio)]
    assert then == [b"b"]


def test_the_seed_keeps_the_beginning_and_the_end_and_pairs_tools() -> None:
    context = Context("the task", max_tokens=6000)
    context.person_speaks("u0")
    context.person_said("u0", "first words")
    context.tool_called("c1", "wait_on_hold", "{}")
    for n in range(400):
        context.agent_said(f"line {n} " + "x" * 100, cut=False)
    seed = context.seed()
    assert "first words" in [item.text for item in seed[:2]]
    assert seed[-1].text.startswith("line 399")
    assert any("left out" in item.text for item in seed)
    assert not any(item.kind == "tool_call" for item in seed), "a call without its output is refused by engines"
    assert sum(len(item.text) for item in seed) <= 6000 * CHARACTERS + 200


def test_the_seed_marks_how_far_an_engine_remembers_by_itself() -> None:
    context = Context("t", max_tokens=500)
    context.person_said("1", "Hello?")
    context.remembered("gemini", "h1")
    context.agent_said("Good morning.", cut=False)
    context.remembered("gemini", "h2")
    context.happened("You were on hold.")
    kinds = [(item.kind, item.text) for item in context.seed(engine="gemini")]
    assert kinds == [("human", "Hello?"), ("agent", "Good morning."), ("memory", "h2"), ("system", "You were on hold.")]
    assert "memory" not in [item.kind for item in context.seed(engine="openai")], "it is no memory of theirs"
    assert "memory" not in [item.kind for item in context.seed()]


def test_a_memory_that_lies_before_all_that_fits_is_of_no_use() -> None:
    context = Context("t", max_tokens=100)
    for number in range(4):
        context.person_said(str(number), "word")
    context.remembered("gemini", "h1")
    for number in range(4, 20):
        context.person_said(str(number), "word " * 20)
    assert "memory" not in [item.kind for item in context.seed(engine="gemini")]


def test_words_that_come_late_take_their_place() -> None:
    context = Context("t", max_tokens=100)
    context.person_speaks("u1")
    context.agent_said("answer", cut=False)
    context.person_said("u1", "question")
    assert [item.text for item in context.seed()] == ["question", "answer"]


def test_the_brief_quotes_who_said_what() -> None:
    told = brief(
        [
            Line("human", "Good morning, this is Dana Fox. How can I help?"),
            Line("agent", "When does order four seven one one ship? I have no number."),
            Line("human", "Your case is AB-20931. It will ship on Monday."),
            Line("human", "Please call back by Friday. Anything else I can do?"),
        ]
    )
    assert told.splitlines() == [
        "People: Dana Fox",
        'Numbers, dates and amounts, as they said: "Your case is AB-20931."',
        'What they said will happen: "It will ship on Monday."; "Please call back by Friday."',
        'What they asked last: "Anything else I can do?"',
        'What you asked last: "When does order four seven one one ship?"',
    ]
    assert brief([]) == ""
    assert brief([Line("human", "Please hold.")]) == ""


def test_a_brief_stays_small_on_a_long_call() -> None:
    lines = [Line("human", f"Your number is {n}{n}{n}. " + "x" * 500) for n in range(100, 400)]
    assert len(brief(lines)) < 2500


def test_every_table_ends() -> None:
    for table in (PHASE, LEG, SESSION):
        ends = [state for state, edges in table.items() if not edges]
        assert ends
        for state, edges in table.items():
            assert state not in edges
            assert all(edge in table for edge in edges)
    assert not allowed(PHASE, *(list(PHASE)[i] for i in (8, 0)))


frames = st.lists(
    st.one_of(
        st.builds(
            ev.Heard,
            st.integers(1, 2),
            st.integers(0, 4000).map(lambda n: round(n * 0.02, 2)),
            st.sampled_from([SILENCE, SILENCE[:80]]),
        ),
        st.builds(lambda at: ev.EarScored(scored(round(at, 2), speech=0.5)), st.floats(0, 100)),
        st.builds(ev.AgentSpoke, st.just(1), st.just("r"), st.just("i"), st.just(SILENCE)),
    ),
    max_size=60,
)


@given(frames)
def test_quiet_events_are_read_back_as_they_were(events: list[ev.AnyEvent]) -> None:
    quiet = call_log.Quiet()
    for n, event in enumerate(events):
        quiet.add(n * 0.02, event)
    packed = quiet.take()
    if packed is None:
        assert not events
        return
    back = list(call_log.unpack_event(packed))
    assert [event for _, event in back] == events
    assert [at for at, _ in back] == pytest.approx([n * 0.02 for n in range(len(events))], abs=0.021 * len(events))


def test_a_setup_and_its_events_survive_the_log() -> None:
    setup = a_call().setup
    assert call_log.unpack_setup(call_log.pack_setup(setup)) == setup
    event = ev.ToolCalled(1, "r", "c", "hangup_call", '{"reason": "x"}')
    assert list(call_log.unpack_event(call_log.pack_event(event))) == [(None, event)]
    commands = [do.Dial("+1", "+2", 60, 100), do.PlayAudio(1, b"x"), do.HangUp("CA1", False)]
    assert call_log.unpack_commands(call_log.pack_commands(commands)) == (commands[0], commands[2])
