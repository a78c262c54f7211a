"""The cascade's decisions, without a service: what is learnt in, what is wanted out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outwait.call.commands import SeedItem
from outwait.call.cost import Usage
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    AnswerTimed,
    AnyEvent,
    PersonCommitted,
    PersonPaused,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    PhraseFailed,
    PhraseMade,
    ResponseBilled,
    ResponseEnded,
    ResponseStarted,
    ToolCalled,
    Trouble,
)
from outwait.engines.cascade import steps as at
from outwait.engines.cascade.machine import UNCLEAR, Machine, Patience

VOICE = b"\x10\x90" * 2400  # 0.6 s
QUIET = b"\xff" * 6400  # 0.8 s
SECOND = b"\x20" * 8000
HUSH, REST = b"\xff" * 800, b"\xff" * 4000  # 0.1 and 0.5 s: perhaps all, and then the end of the turn


class Play:
    """A machine, what it has posted, and what it wants that is not done yet."""

    def __init__(self, seed: list[SeedItem] | None = None) -> None:
        self.machine = Machine(1, "Order a pizza.", seed or [])
        self.now = 0.0
        self.events: list[AnyEvent] = []
        self.jobs: list[Any] = []
        self.stopped: list[int] = []
        self.end: at.End | None = None
        self.sends = True  # what is wanted goes out at once

    def learn(self, *learnt: at.Learnt) -> Play:
        for one in learnt:
            for wanted in self.machine.receive(one, self.now):
                match wanted:
                    case at.Post(event=event):
                        self.events.append(event)
                    case at.Stop(job=job):
                        self.stopped.append(job)
                        self.jobs = [other for other in self.jobs if other.job != job]
                    case at.End():
                        self.end = wanted
                    case at.Hear():
                        pass
                    case _:
                        self.jobs.append(wanted)
                        if self.sends:
                            self.machine.receive(at.Sent(wanted.job), self.now)
        return self

    def speak(self) -> Play:
        """The person says something, and stops."""
        return self.learn(at.Fed(VOICE), at.Fed(QUIET))

    def job(self, kind: type[Any]) -> Any:
        """The oldest job of a kind, which is taken up."""
        found = next(job for job in self.jobs if isinstance(job, kind))
        self.jobs.remove(found)
        return found

    def hear(self, text: str) -> Play:
        return self.learn(at.Transcribed(self.job(at.Transcribe).job, text, None))

    def say_next(self, sound: bytes = SECOND) -> str:
        """The synthesiser speaks the oldest sentence."""
        speak = self.job(at.Speak)
        self.learn(at.Spoke(speak.job, sound), at.Spoken(speak.job))
        return str(speak.text)

    def take(self) -> list[AnyEvent]:
        taken, self.events = self.events, []
        return taken

    def kinds(self) -> list[str]:
        """Without those that only tell of time; they have their own tests."""
        times = (PersonPaused, AnswerTimed)
        return [type(event).__name__ for event in self.take() if not isinstance(event, times)]


def answered(play: Play, *sentences: str) -> Play:
    """A whole exchange."""
    play.speak().hear("Hello?")
    write = play.job(at.Write)
    play.learn(at.Wrote(write.job, " ".join(sentences)), at.Written(write.job, at.Tokens(100, 0, 10), True))
    for _ in sentences:
        play.say_next()
    return play


def last(play: Play, kind: type[Any]) -> Any:
    return [event for event in play.events if isinstance(event, kind)][-1]


def test_a_turn_is_written_down_answered_and_spoken() -> None:
    play = Play().speak()
    assert play.kinds() == ["PersonStarted", "PersonStopped", "PersonCommitted"]
    play.learn(at.Transcribed(play.job(at.Transcribe).job, "Who is this?", 1.5))
    said, started = play.take()
    assert said == PersonSaid(1, said.item, "Who is this?", Usage(seconds=1.5))  # type: ignore[union-attr]
    assert isinstance(started, ResponseStarted)
    write = play.job(at.Write)
    assert [message["role"] for message in write.messages] == ["system", "user"]
    play.learn(at.Wrote(write.job, "Hello, this is the assistant. I am"))
    first = play.job(at.Speak)
    assert first.text == "Hello, this is the assistant."
    play.learn(at.Spoke(first.job, SECOND))
    assert [type(event) for event in play.take()] == [AgentWrote, AnswerTimed, AgentSpoke], (
        "while the model still writes"
    )
    play.learn(at.Wrote(write.job, " calling about a pizza."), at.Written(write.job, at.Tokens(50, 10, 12), True))
    second = play.job(at.Speak)
    play.learn(at.Spoke(second.job, SECOND), at.Spoken(second.job))
    assert play.take() == [], "its turn has not come"
    play.learn(at.Spoken(first.job))
    wrote, spoke, ended = play.take()
    assert isinstance(wrote, AgentWrote)
    assert wrote.text == " I am calling about a pizza."
    assert isinstance(spoke, AgentSpoke)
    assert isinstance(ended, ResponseEnded)
    assert (ended.status, ended.usage) == (
        "completed",
        Usage(text_in=50, text_cached=10, text_out=12, characters=56, audio_out=40),
    )
    assert play.machine.deadline() is None


def test_two_sentences_are_made_at_a_time() -> None:
    play = Play().speak().hear("Hello?")
    write = play.job(at.Write)
    play.learn(at.Wrote(write.job, "One is first. Two is second. Three is third. "))
    assert [job.text for job in play.jobs] == ["One is first.", "Two is second."]
    play.say_next()
    assert [job.text for job in play.jobs] == ["Two is second.", "Three is third."]


def test_a_person_who_speaks_stops_the_answer() -> None:
    play = Play().speak().hear("Hello?")
    write = play.job(at.Write)
    play.learn(at.Wrote(write.job, "I am calling about a pizza. And about a salad. "))
    play.say_next()
    salad = play.jobs[0]
    play.take()
    play.learn(at.Fed(VOICE))
    assert play.kinds() == ["PersonStarted", "ResponseEnded"]
    assert set(play.stopped) == {write.job, salad.job}
    play.learn(at.Spoke(salad.job, SECOND), at.Wrote(write.job, "Late."), at.Written(write.job, None, True))
    assert play.take() == [], "old jobs change nothing"
    play.learn(at.Fed(QUIET)).hear("A what?")
    messages = play.job(at.Write).messages
    assert messages[-2:] == [
        {"role": "assistant", "content": "I am calling about a pizza. ... (interrupted)"},
        {"role": "user", "content": "A what?"},
    ]


def test_what_was_cut_off_is_an_estimate_by_the_last_bill() -> None:
    play = answered(Play(), "Hello.")
    play.speak().hear("Go on.")
    write = play.job(at.Write)
    play.learn(at.Wrote(write.job, "x" * 40), at.ResponseUnwanted())
    ended = last(play, ResponseEnded)
    assert ended.status == "cancelled"
    assert ended.usage.estimated
    assert ended.usage.text_in > 100
    assert ended.usage.text_out == 10


@pytest.mark.parametrize(
    ("heard_ms", "kept"),
    [
        (0, None),
        (500, "Good ... (interrupted)"),
        (1000, "Good morning. ... (interrupted)"),
        (1900, "Good morning. I am calling about ... (interrupted)"),
        (2000, "Good morning. I am calling about it."),
        (9000, "Good morning. I am calling about it."),
    ],
)
def test_the_conversation_keeps_what_was_heard(heard_ms: int, kept: str | None) -> None:
    play = answered(Play(), "Good morning.", "I am calling about it.")
    play.learn(at.ItemCut(last(play, AgentSpoke).item, heard_ms), at.ItemCut("nothing", 5))
    play.speak().hear("Yes?")
    told = [m["content"] for m in play.job(at.Write).messages if m["role"] == "assistant"]
    assert told == ([kept] if kept else [])


def test_a_tool_is_called_when_its_words_are_made_and_answered_behind_its_call() -> None:
    play = Play().speak().hear("Please hold.")
    write = play.job(at.Write)
    play.learn(
        at.Wrote(write.job, "Sure."),
        at.Called(write.job, "c1", "wait_on_hold", '{"reason":"asked"}'),
        at.Written(write.job, at.Tokens(10, 0, 5), True),
    )
    assert not [event for event in play.events if isinstance(event, ToolCalled)]
    play.say_next()
    called, ended = play.events[-2:]
    assert called == ToolCalled(1, ended.response, "c1", "wait_on_hold", '{"reason":"asked"}')  # type: ignore[union-attr]
    play.learn(at.ToolAnswered("c1", '{"ok":true}'), at.ResponseAsked("", True))
    messages = play.job(at.Write).messages
    assert messages[-2]["content"] == "Sure."
    assert messages[-2]["tool_calls"][0]["function"] == {"name": "wait_on_hold", "arguments": '{"reason":"asked"}'}
    assert messages[-1] == {"role": "tool", "tool_call_id": "c1", "content": '{"ok":true}'}


def test_the_same_id_for_two_calls_is_made_two() -> None:
    play = Play()
    for _ in range(2):
        play.learn(at.ResponseAsked("", True))
        write = play.job(at.Write)
        play.learn(at.Called(write.job, "call_1", "press_digits", "{}"), at.Written(write.job, None, True))
    ids = [event.call_id for event in play.events if isinstance(event, ToolCalled)]
    assert len(set(ids)) == 2


def test_a_tool_without_an_answer_yet_has_a_placeholder() -> None:
    seed = [
        SeedItem("agent", "One moment."),
        SeedItem("tool_call", "", call_id="c1", name="a"),
        SeedItem("tool_call", "{}", call_id="c2", name="b"),
        SeedItem("tool_output", "2", call_id="c2"),
        SeedItem("system", "You were on hold."),
        SeedItem("human", "Hello?"),
    ]
    play = Play(seed).learn(at.ResponseAsked("Be quick.", False))
    write = play.job(at.Write)
    assert not write.tools
    roles = [message["role"] for message in write.messages]
    assert roles == ["system", "assistant", "tool", "tool", "system", "user", "system"]
    assert [message["content"] for message in write.messages[2:4]] == ['{"status":"no result yet"}', "2"]
    assert write.messages[-1]["content"] == "Be quick."


def test_instructions_that_repeat_the_sessions_are_not_told_twice() -> None:
    play = Play().learn(at.ResponseAsked("Order a pizza.\n\nSay goodbye.", False))
    messages = play.job(at.Write).messages
    assert messages[0]["content"].startswith("Order a pizza.")
    assert messages[1] == {"role": "system", "content": "Say goodbye."}


def test_one_request_waits_the_newest_and_is_forgotten_when_it_is_not_wanted() -> None:
    play = Play().learn(at.ResponseAsked("a", True), at.ResponseAsked("b", True), at.ResponseAsked("c", True))
    write = play.job(at.Write)
    assert play.jobs == []
    play.learn(at.Written(write.job, None, True))
    assert play.job(at.Write).messages[-1]["content"] == "c"
    play.learn(at.ResponseAsked("d", True), at.ResponseUnwanted())
    assert play.jobs == []
    assert last(play, ResponseEnded).status == "cancelled"


PAUSE = b"\xff" * 3200  # 0.4 s: perhaps the end of the turn


def test_a_turn_is_written_down_ahead_in_a_pause() -> None:
    play = Play().learn(at.Fed(VOICE), at.Fed(PAUSE))
    ahead = play.job(at.Transcribe)
    assert play.kinds() == ["PersonStarted"]
    play.learn(at.Transcribed(ahead.job, "Who is this?", None))
    assert play.take() == [], "the turn is not over"
    play.learn(at.Fed(PAUSE))
    assert play.kinds() == ["PersonStopped", "PersonCommitted", "PersonSaid", "ResponseStarted"]
    assert [type(job) for job in play.jobs] == [at.Write]


def test_what_was_written_down_ahead_for_nothing_is_billed_with_the_turn() -> None:
    play = Play().learn(at.Fed(VOICE), at.Fed(PAUSE))
    first = play.job(at.Transcribe)
    play.learn(at.Fed(VOICE), at.Transcribed(first.job, "Who", None), at.Fed(QUIET))
    second = play.job(at.Transcribe)
    play.learn(at.Transcribed(second.job, "Who is this?", None))
    said = last(play, PersonSaid)
    assert said.text == "Who is this?"
    assert said.usage.seconds == pytest.approx((len(first.ulaw) + len(second.ulaw)) / 8000)


def test_what_is_written_down_ahead_for_nothing_may_fail() -> None:
    play = Play().learn(at.Fed(VOICE), at.Fed(PAUSE))
    first = play.job(at.Transcribe)
    play.learn(at.Fed(VOICE), at.Broke(first.job, Trouble.BUSY, 503, "no"), at.Fed(QUIET))
    second = play.job(at.Transcribe)
    play.learn(at.Transcribed(second.job, "Hello?", None))
    assert play.end is None
    assert last(play, PersonSaid).usage.seconds == len(second.ulaw) / 8000


def test_what_comes_all_at_once_is_written_down_once() -> None:
    play = Play().learn(at.Fed(VOICE + PAUSE + VOICE + QUIET))
    (job,) = play.jobs
    play.learn(at.Transcribed(job.job, "Hello?", None))
    assert last(play, PersonSaid).usage.seconds == len(job.ulaw) / 8000


def test_what_was_written_down_ahead_when_the_session_ends_is_billed() -> None:
    play = Play().learn(at.Fed(VOICE), at.Fed(PAUSE))
    ahead = play.job(at.Transcribe)
    play.learn(at.Ended(asked=True))
    said = last(play, PersonSaid)
    assert (said.text, said.usage) == ("", Usage(seconds=len(ahead.ulaw) / 8000, estimated=True))
    assert not [event for event in play.events if isinstance(event, PersonCommitted)]


def test_an_answer_waits_for_all_that_was_said() -> None:
    play = Play().speak().speak()
    first, second = play.job(at.Transcribe), play.job(at.Transcribe)
    play.learn(at.Transcribed(second.job, "I mean pasta.", None))
    assert play.jobs == []
    play.learn(at.Transcribed(first.job, "A pizza.", None))
    told = [message["content"] for message in play.job(at.Write).messages if message["role"] == "user"]
    assert told == ["A pizza.", "I mean pasta."]


def test_the_core_ends_a_turn_itself() -> None:
    play = Play().learn(at.Fed(VOICE), at.TurnCut(), at.ResponseAsked("Answer the person now.", True))
    assert [type(event) for event in play.take()] == [PersonStarted, PersonStopped, PersonCommitted]
    play.hear("Hello?")
    assert len(play.jobs) == 1, "one answer, not two"


def test_a_turn_that_was_not_noticed_is_what_was_kept_of_the_line() -> None:
    faint = b"\xf0\x70" * 4000  # below what counts as loud
    play = Play().learn(at.Fed(faint), at.TurnCut(), at.ResponseAsked("", True))
    assert play.kinds() == ["PersonCommitted"]
    assert play.job(at.Transcribe).ulaw == faint
    assert Play().learn(at.Fed(bytes(160)), at.TurnCut()).jobs == [], "too little"


def test_a_noise_is_not_answered_unless_it_stopped_the_agent_or_nothing_was_said() -> None:
    play = Play().speak().hear("")
    assert play.job(at.Write).messages[-1]["content"] == UNCLEAR

    play = answered(Play(), "Good morning.")
    play.take()
    play.speak().hear("")
    assert play.jobs == []
    assert play.kinds()[-2:] == ["ResponseStarted", "ResponseEnded"]

    item = last(answered(play, "Good morning again."), AgentSpoke).item
    play.learn(at.Fed(VOICE), at.ItemCut(item, 100), at.Fed(QUIET)).hear("")
    assert play.job(at.Write).messages[-1]["content"] == UNCLEAR


def test_phrases_are_made_one_after_the_other_beside_the_conversation() -> None:
    play = Play().learn(at.PhraseAsked("here", "Yes, hello."), at.PhraseAsked("wait", "One moment."))
    assert [job.text for job in play.jobs] == ["Yes, hello."]
    play.learn(at.ResponseAsked("", True))
    play.say_next()
    assert last(play, PhraseMade) == PhraseMade(1, "here", SECOND, Usage(characters=11, audio_out=20))
    play.say_next(b"")
    assert last(play, PhraseFailed).phrase == "wait"
    assert not [event for event in play.events if isinstance(event, AgentSpoke)]


@pytest.mark.parametrize("stage", ["transcript", "answer", "speech"])
def test_a_service_that_says_nothing_is_stalled(stage: str) -> None:
    play = Play().speak()
    if stage != "transcript":
        play.hear("Hello?")
    if stage == "speech":
        write = play.job(at.Write)
        play.learn(at.Wrote(write.job, "Good morning. "), at.Written(write.job, None, True))
    deadline = play.machine.deadline()
    assert deadline is not None
    assert (deadline.name, deadline.at) == (stage, getattr(Patience(), stage))
    play.now = deadline.at - 0.1
    assert play.learn(at.TimePassed()).end is None
    play.now = deadline.at
    play.learn(at.TimePassed())
    assert play.end is not None
    assert play.end.trouble is Trouble.STALLED
    assert stage in play.end.detail
    assert play.machine.deadline() is None
    if stage == "transcript":
        said = last(play, PersonSaid)
        assert (said.text, said.usage.estimated) == ("", True)
    else:
        assert last(play, ResponseEnded).status == "failed"


@pytest.mark.parametrize("trouble", list(Trouble))
def test_a_failure_ends_the_session_with_its_reason(trouble: Trouble) -> None:
    play = Play().speak()
    play.learn(at.PhraseAsked("here", "Hello."), at.Broke(play.job(at.Transcribe).job, trouble, 503, "no"))
    assert play.end == at.End(trouble, 503, "no")
    assert last(play, PhraseFailed).usage.estimated
    told = len(play.events)
    play.learn(at.Fed(VOICE), at.ResponseAsked("", True), at.Ended(asked=False))
    assert len(play.events) == told
    assert play.machine.deadline() is None


@pytest.mark.parametrize(
    ("trouble", "ends"),
    [(Trouble.BUSY, False), (Trouble.STALLED, False), (Trouble.REFUSED, True), (Trouble.LOST, True)],
)
def test_a_phrase_that_fails_is_a_phrase_less_unless_the_next_sentence_would_fail_too(
    trouble: Trouble, ends: bool
) -> None:
    play = Play().learn(at.PhraseAsked("here", "Hello."))
    play.learn(at.Broke(play.job(at.Speak).job, trouble, 0, "no"))
    assert last(play, PhraseFailed).detail == "no"
    assert (play.end is not None) is ends


def test_a_sentence_cut_off_is_billed_by_its_length_for_the_service_has_made_all_of_it() -> None:
    play = Play().speak().hear("Hello?")
    write = play.job(at.Write)
    play.learn(at.Wrote(write.job, "Good morning. "))
    play.learn(at.Spoke(play.job(at.Speak).job, SECOND[:800]), at.ResponseUnwanted())
    ended = last(play, ResponseEnded)
    assert (ended.usage.audio_out, ended.usage.estimated) == (17, True), "900 characters a minute, 20 tokens a second"


def test_the_end_bills_what_was_being_made() -> None:
    play = Play().speak().hear("Hello?")
    write = play.job(at.Write)
    play.learn(at.Wrote(write.job, "Good morning. "))
    speak = play.job(at.Speak)
    play.learn(at.Spoke(speak.job, SECOND), at.PhraseAsked("here", "Hello."), at.Ended(asked=True))
    ended = last(play, ResponseEnded)
    assert (ended.status, ended.usage.characters, ended.usage.audio_out) == ("cancelled", 13, 20)
    assert last(play, PhraseFailed).phrase == "here"
    assert {write.job, speak.job} <= set(play.stopped)


def test_a_recogniser_that_listens_is_paid_for_all_that_it_heard() -> None:
    play = Play()
    play.machine = Machine(1, "Order a pizza.", [], listens=True)
    play.learn(at.Fed(VOICE), at.Fed(HUSH))
    play.learn(at.Transcribed(play.job(at.Transcribe).job, "Who is this?", 0.6))
    play.learn(at.Fed(VOICE), at.Ended(asked=True))
    said = [event for event in play.events if isinstance(event, PersonSaid)]
    assert sum(event.usage.seconds for event in said) == pytest.approx(0.6 + 0.6 + 0.02, abs=0.1)
    assert said[-1].usage.estimated


def test_a_phrase_under_way_at_the_end_is_charged_to_its_end_and_one_that_was_not_asked_for_is_not() -> None:
    play = Play().learn(at.PhraseAsked("here", "Hello."), at.PhraseAsked("there", "Goodbye."))
    play.job(at.Speak)
    play.learn(at.Ended(asked=True))
    here, there = [event for event in play.events if isinstance(event, PhraseFailed)]
    assert here.usage is not None
    assert (here.usage.characters, here.usage.audio_out, here.usage.estimated) == (6, 8, True)
    assert there.usage is None


def test_what_never_went_out_is_not_charged() -> None:
    play = Play()
    play.sends = False
    play.speak().hear("Hello?")
    play.learn(at.ResponseUnwanted(), at.PhraseAsked("here", "Hello."), at.Fed(VOICE), at.Fed(QUIET))
    play.learn(at.Ended(asked=True))
    assert last(play, ResponseEnded).usage is None
    assert not [event for event in play.events if isinstance(event, ResponseBilled)]
    assert last(play, PhraseFailed).usage is None
    assert [event.usage for event in play.events if isinstance(event, PersonSaid)][1:] == [Usage(estimated=True)]


def test_what_goes_out_behind_the_end_of_its_answer_is_charged_later() -> None:
    play = Play()
    play.sends = False
    play.speak().hear("Hello?")
    write = play.job(at.Write)
    play.learn(at.ResponseUnwanted(), at.Sent(write.job), at.Ended(asked=True))
    assert last(play, ResponseEnded).usage is None
    assert last(play, ResponseBilled).usage.text_in > 0


_JOBS = st.integers(1, 12)
_ANYTHING = st.one_of(
    st.sampled_from(
        [
            at.Fed(VOICE),
            at.Fed(QUIET),
            at.Fed(PAUSE),
            at.Fed(HUSH),
            at.TurnCut(),
            at.ResponseUnwanted(),
            at.TimePassed(),
        ]
    ),
    st.builds(at.ResponseAsked, st.sampled_from(["", "Be quick."]), st.booleans()),
    st.builds(at.PhraseAsked, st.sampled_from("abc"), st.just("Hello.")),
    st.builds(at.ToolAnswered, st.sampled_from(["c1", "c2"]), st.just("{}")),
    st.builds(at.ItemCut, st.builds("item_1_{}".format, _JOBS), st.integers(0, 3000)),
    st.builds(at.Transcribed, _JOBS, st.sampled_from(["", "Yes."]), st.none()),
    st.builds(at.Wrote, _JOBS, st.sampled_from(["Good morning. ", "Well, ", "Goodbye."])),
    st.builds(at.Called, _JOBS, st.sampled_from(["c1", "c2"]), st.just("a"), st.just("{}")),
    st.builds(at.Written, _JOBS, st.none(), st.booleans()),
    st.builds(at.Spoke, _JOBS, st.just(SECOND)),
    st.builds(at.Spoken, _JOBS),
    st.builds(at.Broke, _JOBS, st.sampled_from(list(Trouble)), st.just(0), st.just("no")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_ANYTHING, max_size=40), st.lists(st.floats(0.0, 3.0), min_size=40, max_size=40))
def test_whatever_comes_in_whatever_order(learnt: list[at.Learnt], pauses: list[float]) -> None:
    """Results of the wrong kind do not come: a job's own task knows what it is."""
    play = Play()
    kinds: dict[int, type[Any]] = {}
    fits = {at.Transcribe: at.Transcribed, at.Write: (at.Wrote, at.Called, at.Written), at.Speak: (at.Spoke, at.Spoken)}
    for one, pause in zip([*learnt, at.Ended(asked=True)], [*pauses, 0.0], strict=False):
        play.now += pause
        job = getattr(one, "job", None)
        if job is not None and not isinstance(one, at.Broke) and not isinstance(one, fits.get(kinds.get(job), ())):  # type: ignore[arg-type]
            continue
        play.learn(one)
        kinds |= {wanted.job: type(wanted) for wanted in play.jobs}
    play.learn(at.Ended(asked=True))
    running: str | None = None
    for event in play.events:
        if isinstance(event, ResponseStarted):
            assert running is None, "one at a time"
            running = event.response
        elif isinstance(event, AgentSpoke | AgentWrote | ToolCalled):
            assert event.response == running
        elif isinstance(event, ResponseEnded):
            assert event.response == running
            running = None
    assert running is None
    committed = [event.item for event in play.events if isinstance(event, PersonCommitted)]
    said = [event.item for event in play.events if isinstance(event, PersonSaid)]
    assert sorted(committed) == sorted(item for item in said if not item.startswith("unsaid"))
    asked = sum(isinstance(one, at.PhraseAsked) for one in learnt)
    assert sum(isinstance(event, PhraseMade | PhraseFailed) for event in play.events) <= asked
    assert play.machine.deadline() is None


# --- time


def timed(play: Play) -> tuple[float, ...]:
    (one,) = [event for event in play.take() if isinstance(event, AnswerTimed)]
    return one.silence, one.words, one.first_word, one.sentence, one.first_sound


def test_a_pause_is_told_of_and_where_the_time_of_an_answer_went() -> None:
    """The stages are together what the person waited, though they begin before the turn is over."""
    play = Play().learn(at.Fed(VOICE), at.Fed(b"\xff" * 800))
    assert play.kinds() == ["PersonStarted"]
    play.now = 0.2
    play.hear("Hello?")
    play.learn(at.Fed(b"\xff" * 1600))
    (paused,) = [event for event in play.take() if isinstance(event, PersonPaused)]
    assert paused.quiet == pytest.approx(0.3)
    play.now = 0.5
    play.learn(at.Fed(b"\xff" * 2400))
    write = play.job(at.Write)
    play.now = 0.55
    play.learn(at.Wrote(write.job, "Hello there"))
    play.now = 0.6
    play.learn(at.Wrote(write.job, ". How are"))
    play.now = 0.7
    play.say_next()
    assert timed(play) == pytest.approx((0.1, 0.2, 0.35, 0.05, 0.1))
    play.learn(at.Wrote(write.job, " you?"), at.Written(write.job, None, True))
    play.say_next()
    assert not [event for event in play.take() if isinstance(event, AnswerTimed)], "once for each answer"


def test_ears_that_cost_nothing_do_not_write_down_what_is_of_no_use() -> None:
    play = Play()
    play.machine = Machine(1, "Order a pizza.", [], free_ears=True)
    play.learn(at.Fed(VOICE), at.Fed(b"\xff" * 3200))
    ahead = play.job(at.Transcribe)
    play.learn(at.Fed(VOICE))
    assert play.stopped == [ahead.job]
    play.learn(at.Transcribed(ahead.job, "Hello?", None))
    assert not [event for event in play.take() if isinstance(event, PersonSaid)]


def test_an_answer_that_was_there_before_the_turn_was_over_waited_for_the_silence() -> None:
    play = ahead(Play())
    play.now = 0.3
    play.say_next()
    play.now = 0.5
    play.learn(at.Fed(REST))
    assert timed(play) == pytest.approx((0.3, 0.0, 0.0, 0.0, 0.3))


# --- ahead


def ahead(play: Play, words: str = "Who is this?", answer: str = "Hello, this is the assistant. I call for") -> Play:
    """Perhaps the turn is complete: it is written down, and the model has begun to answer."""
    play.learn(at.Fed(VOICE), at.Fed(HUSH)).hear(words)
    play.learn(at.Wrote(play.jobs[0].job, answer))
    return play


def test_an_answer_made_ahead_is_held_until_the_turn_is_over() -> None:
    play = ahead(Play())
    write, speak = play.job(at.Write), play.jobs[0]
    assert write.messages[-1] == {"role": "user", "content": "Who is this?"}
    play.say_next()
    assert play.kinds() == ["PersonStarted"], "nothing of it is told"
    play.learn(at.Wrote(write.job, " a pizza. And a salad."), at.Written(write.job, at.Tokens(50, 0, 12), True))
    assert play.jobs == [], "of an answer that may be of no use only the first sentence is spoken"
    play.learn(at.Fed(REST))
    said = ["PersonStopped", "PersonCommitted", "PersonSaid"]
    assert play.kinds() == [*said, "ResponseStarted", "AgentWrote", "AgentSpoke"]
    assert [job.text for job in play.jobs] == ["I call for a pizza.", "And a salad."]
    assert speak.job not in play.stopped
    play.say_next()
    play.say_next()
    ended = last(play, ResponseEnded)
    assert (ended.usage.text_in, ended.usage.estimated) == (50, False), "asked once, paid once"


def test_an_answer_made_ahead_is_thrown_away_when_the_person_goes_on_and_paid() -> None:
    play = ahead(Play())
    write, speak = play.jobs
    play.learn(at.Fed(VOICE))
    assert set(play.stopped) == {write.job, speak.job}
    play.learn(at.Spoke(speak.job, SECOND), at.Wrote(write.job, "Late. "))
    assert play.kinds() == ["PersonStarted"], "nobody hears it"
    play.learn(at.Fed(QUIET)).hear("Who is this, and why?")
    again = play.job(at.Write)
    told = [message["content"] for message in again.messages]
    assert told[-1] == "Who is this, and why?"
    assert "Hello, this is the assistant." not in told
    play.learn(at.Wrote(again.job, "Hello."), at.Written(again.job, at.Tokens(500, 0, 3), True))
    play.say_next()
    billed = last(play, ResponseBilled).usage
    assert billed.estimated
    assert billed.text_in == pytest.approx(500, rel=0.1), "guessed by the bill that was told"
    assert billed.characters == len("Hello, this is the assistant.")


def test_what_was_never_asked_for_is_not_paid() -> None:
    """The wish and its end may meet before the request goes out."""
    machine = Machine(1, "Order a pizza.", [])
    wanted = [one for learnt in (at.Fed(VOICE), at.Fed(HUSH)) for one in machine.receive(learnt, 0.0)]
    (transcribe,) = [one for one in wanted if isinstance(one, at.Transcribe)]
    (write,) = machine.receive(at.Transcribed(transcribe.job, "Who is this?", None), 0.0)
    assert isinstance(write, at.Write)
    assert machine.receive(at.Fed(VOICE), 0.0) == [at.Stop(write.job)]
    events = [one.event for one in machine.receive(at.Ended(asked=True), 0.0) if isinstance(one, at.Post)]
    assert not [event for event in events if isinstance(event, ResponseBilled)]


def test_and_at_the_end_by_its_length() -> None:
    play = ahead(Play())
    play.learn(at.Ended(asked=True))
    billed = last(play, ResponseBilled).usage
    assert (billed.estimated, billed.characters) == (True, 29)
    assert not [event for event in play.events if isinstance(event, ResponseStarted | ResponseEnded)]


@pytest.mark.parametrize("change", [at.ToolAnswered("c1", "2"), at.ResponseAsked("Be quick.", True)])
def test_an_answer_to_what_the_conversation_is_no_more_is_made_again(change: at.Learnt) -> None:
    play = ahead(Play([SeedItem("tool_call", "{}", call_id="c1", name="a")]))
    first = play.job(at.Write)
    play.learn(change, at.Fed(REST))
    assert first.job in play.stopped
    assert play.job(at.Write).messages != first.messages
    assert play.kinds().count("ResponseStarted") == 1


@pytest.mark.parametrize("what", [at.Transcribe, at.Write, at.Speak])
def test_what_fails_ahead_is_asked_for_again_when_the_turn_is_over(what: type[Any]) -> None:
    play = Play().learn(at.Fed(VOICE), at.Fed(HUSH))
    if what is not at.Transcribe:
        play.hear("Who is this?")
    if what is at.Speak:
        play.learn(at.Wrote(play.jobs[0].job, "Hello there. "))
    play.learn(at.Broke(play.job(what).job, Trouble.BUSY, 503, "no"))
    assert play.end is None
    assert play.jobs == [], "not at once"
    play.learn(at.Fed(REST))
    if what is at.Transcribe:
        play.hear("Who is this?")
    play.learn(at.Broke(play.job(at.Write).job, Trouble.BUSY, 503, "no"))
    assert play.end == at.End(Trouble.BUSY, 503, "no"), "but not for ever"


def test_who_refuses_to_answer_ahead_is_left_alone_until_an_answer_is_complete() -> None:
    play = Play().learn(at.Fed(VOICE), at.Fed(HUSH)).hear("Who is this?")
    play.learn(at.Broke(play.job(at.Write).job, Trouble.BUSY, 429, "slow down"))
    play.learn(at.Fed(VOICE), at.Fed(HUSH)).hear("Who is this, and why?")
    assert play.jobs == []
    play.learn(at.Fed(REST))
    write = play.job(at.Write)
    play.learn(at.Wrote(write.job, "Hello."), at.Written(write.job, None, True))
    play.say_next()
    play.learn(at.Fed(VOICE), at.Fed(HUSH)).hear("And?")
    assert [type(job) for job in play.jobs] == [at.Write]


def test_a_noise_is_not_answered_ahead() -> None:
    play = Play().learn(at.Fed(VOICE), at.Fed(HUSH)).hear("")
    assert play.jobs == []
    play.learn(at.Fed(REST))
    assert play.job(at.Write).messages[-1]["content"] == UNCLEAR


def test_a_tool_is_not_called_ahead() -> None:
    play = Play().learn(at.Fed(VOICE), at.Fed(HUSH)).hear("Please hold.")
    write = play.job(at.Write)
    play.learn(at.Called(write.job, "c1", "wait_on_hold", "{}"), at.Written(write.job, at.Tokens(10, 0, 5), True))
    assert not [event for event in play.events if isinstance(event, ToolCalled)]
    play.learn(at.Fed(REST))
    assert play.kinds()[-3:] == ["ResponseStarted", "ToolCalled", "ResponseEnded"]
