"""Phrases beside the conversation, and laws of both on random orders."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    PersonStopped,
    PhraseFailed,
    PhraseMade,
    ResponseEnded,
    ResponseStarted,
    SessionComplained,
    ToolCalled,
)
from outwait.engines.openai.dialogue import ACTIVE
from outwait.engines.openai.frames import Dialect
from outwait.engines.openai.messages import (
    AudioDelta,
    Committed,
    ItemDone,
    ResponseCreated,
    SessionUpdated,
    SpeechStarted,
    SpeechStopped,
    Transcribed,
    WordsDelta,
)
from tests.engines.openai.stage import BILL, Stage, call, created, done, error

# --- phrases ------------------------------------------------------------------------------------


def phrase_stage(dialect: Dialect = Dialect.GA) -> Stage:
    stage = Stage(dialect)
    stage.dialogue.make_phrase("here", "Hello, I'm here.")
    return stage


@pytest.mark.parametrize("dialect", [Dialect.GA, Dialect.BETA])
def test_a_phrase_is_asked_for_outside_the_conversation(dialect: Dialect) -> None:
    (asked,) = phrase_stage(dialect).take()
    response = asked["response"]
    assert (response["conversation"], response["input"], response["tools"]) == ("none", [], [])
    assert response["metadata"] == {"outwait_phrase": "here"}
    assert "Hello, I'm here." in response["instructions"]
    if dialect is Dialect.BETA:
        assert response["modalities"] == ["audio", "text"]
    else:
        assert response["output_modalities"] == ["audio"]


@pytest.mark.parametrize("metadata", ["here", None])
def test_a_phrase_is_kept_apart(metadata: str | None) -> None:
    stage = phrase_stage()
    told = stage.hear(
        created("p1", metadata),
        AudioDelta("p1", "i", b"\x01"),
        WordsDelta("p1", "i", "Hello"),
        ItemDone("p1", call()),
        AudioDelta("p1", "i", b"\x02"),
        done("p1", phrase=metadata),
    )
    assert told == [PhraseMade(3, "here", b"\x01\x02", BILL)]
    assert not stage.timers[0].on
    assert stage.hear(AudioDelta("p1", "i", b"\x03"), done("p1")) == []


def test_one_phrase_after_the_other() -> None:
    stage = phrase_stage()
    stage.dialogue.make_phrase("wait", "One moment.")
    assert len(stage.take()) == 1
    stage.dialogue.fed()
    stage.hear(created("p1", "here"), AudioDelta("p1", "i", b"\x01"), done("p1", phrase="here"))
    assert stage.take() == []
    stage.dialogue.fed()
    assert [frame["response"]["metadata"] for frame in stage.take()] == [{"outwait_phrase": "wait"}]


def test_phrases_wait_for_a_pause_of_the_conversation() -> None:
    stage = Stage()
    stage.hear(created("r1"))
    stage.dialogue.make_phrase("here", "Hello.")
    stage.dialogue.ask_response("", tools=True)
    assert stage.take() == []
    stage.hear(done("r1"))
    assert [frame["event_id"] for frame in stage.take()] == ["ask_1"]
    stage.hear(created("r2"))
    stage.dialogue.fed()
    stage.hear(done("r2"), SpeechStarted("u1", 0))
    stage.dialogue.fed()
    stage.hear(SpeechStopped("u1", 9))
    stage.dialogue.fed()
    stage.hear(created("r3"))
    stage.dialogue.fed()
    assert stage.take() == []
    stage.hear(done("r3"))
    stage.dialogue.fed()
    assert [frame["event_id"] for frame in stage.take()] == ["phrase_1"]


def test_a_session_that_is_not_fed_is_asked_for_no_phrase() -> None:
    """The line went on hold while a response was being made: nothing more may be asked of the model."""
    stage = Stage()
    stage.hear(created("r1"))
    stage.dialogue.make_phrase("here", "Hello.")
    stage.hear(done("r1"))
    assert stage.take() == []


def test_the_conversation_goes_on_beside_a_phrase() -> None:
    stage = phrase_stage()
    stage.hear(created("p1", "here"), SpeechStopped("u1", 0))
    told = stage.hear(created("r1"), AudioDelta("r1", "a", b"\x05"), AudioDelta("p1", "i", b"\x01"), done("r1"))
    assert told == [
        ResponseStarted(3, "r1"),
        AgentSpoke(3, "r1", "a", b"\x05"),
        ResponseEnded(3, "r1", "completed", BILL),
    ]
    assert stage.hear(done("p1")) == [PhraseMade(3, "here", b"\x01", BILL)]


def test_without_metadata_a_response_that_is_due_is_no_phrase() -> None:
    stage = phrase_stage()
    assert stage.hear(SpeechStopped("u1", 0), created("r1")) == [PersonStopped(3), ResponseStarted(3, "r1")]
    assert stage.hear(created("p1"), AudioDelta("p1", "i", b"\x01"), done("p1"))[-1] == PhraseMade(
        3, "here", b"\x01", BILL
    )


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([created("p1", "here"), done("p1")], "silent"),
        (
            [created("p1", "here"), AudioDelta("p1", "i", b"1"), done("p1", "cancelled", detail="turn_detected")],
            "turn_det",
        ),
        ([error("unknown_parameter", "phrase_1", "conversation")], "unknown_parameter"),
    ],
)
def test_phrases_that_fail(messages: list[Any], why: str) -> None:
    stage = phrase_stage()
    (failed,) = stage.hear(*messages)
    assert isinstance(failed, PhraseFailed)
    assert why in failed.detail
    assert not stage.timers[0].on


@pytest.mark.parametrize("echoed", ["phrase_1", ""])
def test_a_phrase_asked_for_too_early_is_asked_for_again(echoed: str) -> None:
    stage = phrase_stage()
    stage.take()
    stage.hear(SpeechStopped("u1", 0), created("vad"), error(ACTIVE, echoed))
    assert stage.take() == []
    stage.hear(done("vad"))
    stage.dialogue.fed()
    assert [frame["event_id"] for frame in stage.take()] == ["phrase_2"]
    assert len(stage.timers) == 1


def test_a_response_asked_for_beside_a_phrase_on_a_server_that_makes_one_at_a_time() -> None:
    stage = phrase_stage()
    stage.hear(created("p1", "here"))
    stage.dialogue.ask_response("", tools=True)
    stage.take()
    stage.hear(error(ACTIVE, "ask_1"), AudioDelta("p1", "i", b"1"), done("p1"))
    assert [frame["event_id"] for frame in stage.take()] == ["ask_1"]


def test_a_phrase_refused_and_then_out_of_time() -> None:
    stage = phrase_stage()
    stage.hear(error(ACTIVE, "phrase_1"))
    stage.timers[0].ring()
    assert stage.events == [PhraseFailed(3, "here", "not made within 20 s")]
    stage.take()
    stage.dialogue.fed()
    assert stage.take() == []


def test_errors_that_are_not_about_a_phrase() -> None:
    stage = phrase_stage()
    assert stage.hear(error("x"), error("y", "other")) == [
        SessionComplained(3, "x", "no"),
        SessionComplained(3, "y", "no"),
    ]


@pytest.mark.parametrize("metadata", ["here", None])
def test_a_phrase_that_is_too_late_is_never_heard(metadata: str | None) -> None:
    stage = phrase_stage()
    stage.timers[0].ring()
    assert stage.events == [PhraseFailed(3, "here", "not made within 20 s")]
    assert stage.hear(created("p1", metadata), AudioDelta("p1", "i", b"1"), done("p1", phrase=metadata)) == []


def test_a_phrase_given_up_half_made_is_never_heard() -> None:
    stage = phrase_stage()
    stage.dialogue.make_phrase("wait", "Wait.")
    stage.hear(created("p1", "here"))
    stage.timers[0].ring()
    assert stage.hear(AudioDelta("p1", "i", b"1"), done("p1")) == []
    stage.dialogue.fed()
    assert stage.take()[-1]["event_id"] == "phrase_2"


def test_phrases_end_with_the_session() -> None:
    stage = phrase_stage()
    stage.dialogue.make_phrase("wait", "Wait.")
    stage.hear(created("p1", "here"))
    stage.dialogue.end(asked=True)
    made, waiting = stage.events
    assert isinstance(made, PhraseFailed)
    assert (made.phrase, made.detail) == ("here", "the session ended")
    assert made.usage is not None
    assert made.usage.estimated, "what was begun is billed, and nobody tells how much"
    assert waiting == PhraseFailed(3, "wait", "the session ended")
    assert not any(timer.on for timer in stage.timers)


def test_an_unbilled_phrase_is_estimated() -> None:
    stage = phrase_stage()
    (made,) = stage.hear(created("p1", "here"), AudioDelta("p1", "i", bytes(8000)), done("p1", usage=None))
    assert isinstance(made, PhraseMade)
    assert made.usage is not None
    assert (made.usage.audio_out, made.usage.estimated) == (20, True)


# --- laws ---------------------------------------------------------------------------------------

NAMES = st.sampled_from(["r1", "r2", "p1"])
MESSAGES = st.one_of(
    st.builds(ResponseCreated, NAMES, st.sampled_from([None, None, "here"])),
    st.builds(AudioDelta, NAMES, st.sampled_from(["a1", "a2"]), st.binary(max_size=20)),
    st.builds(WordsDelta, NAMES, st.just("a1"), st.text(max_size=3)),
    st.builds(ItemDone, NAMES, st.none() | st.builds(call, st.sampled_from(["c1", "c2"]), complete=st.booleans())),
    st.builds(done, NAMES, st.sampled_from(["completed", "cancelled", "failed"]), usage=st.sampled_from([None, BILL])),
    st.builds(error, st.sampled_from([ACTIVE, "x", ""]), st.sampled_from(["", "ask_1", "ask_2", "phrase_1"])),
    st.builds(SpeechStarted, st.just("u1"), st.integers(0, 100)),
    st.builds(SpeechStopped, st.just("u1"), st.integers(0, 100)),
    st.builds(Committed, st.just("u1")),
    st.builds(Transcribed, st.just("u1"), st.text(max_size=3), st.none()),
    st.just(SessionUpdated(None)),
)
WISHES = st.sampled_from(["ask", "cancel", "truncate", "phrase", "feed", "ring"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(MESSAGES | WISHES, max_size=40), st.booleans())
def test_laws_hold_in_any_order(steps: list[Any], asked: bool) -> None:
    stage = Stage()
    wished = 0
    for step in steps:
        match step:
            case "ask":
                stage.dialogue.ask_response("", tools=True)
            case "cancel":
                stage.dialogue.cancel_response()
            case "truncate":
                stage.dialogue.truncate_item("a1", 50)
            case "phrase":
                wished += 1
                stage.dialogue.make_phrase("here", "Hello.")
            case "feed":
                stage.dialogue.fed()
            case "ring":
                for timer in stage.timers:
                    if timer.on:
                        timer.ring()
            case _:
                stage.dialogue.receive(step)
    stage.dialogue.end(asked=asked)
    begun: set[str] = set()
    over: set[str] = set()
    for event in stage.events:
        if isinstance(event, ResponseStarted):
            assert event.response not in begun
            begun.add(event.response)
        elif isinstance(event, AgentSpoke | AgentWrote | ToolCalled):
            assert event.response in begun - over
        elif isinstance(event, ResponseEnded):
            assert event.response in begun - over
            over.add(event.response)
    assert begun == over
    calls = [event.call_id for event in stage.events if isinstance(event, ToolCalled)]
    assert len(calls) == len(set(calls))
    assert len([e for e in stage.events if isinstance(e, PhraseMade | PhraseFailed)]) == wished
    assert not any(timer.on for timer in stage.timers)
