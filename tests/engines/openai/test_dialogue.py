"""What goes on in a session, without a socket: recorded turns, races, phrases, bills, and laws on random orders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outwait.call.cost import Usage
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    AnyEvent,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    PhraseFailed,
    PhraseMade,
    ResponseEnded,
    ResponseStarted,
    SessionComplained,
    ToolCalled,
    Trouble,
)
from outwait.engines.openai.dialogue import ACTIVE, Dialogue, End
from outwait.engines.openai.frames import Dialect
from outwait.engines.openai.messages import (
    AudioDelta,
    Committed,
    ErrorSaid,
    FunctionCall,
    ItemDone,
    ResponseCreated,
    ResponseDone,
    SessionUpdated,
    SpeechStarted,
    SpeechStopped,
    Transcribed,
    TranscriptionFailed,
    WordsDelta,
    parse,
)
from outwait.engines.openai.phrases import PHRASE_SECONDS

WIRE = Path(__file__).parent / "wire"
BILL = Usage(text_in=900, text_cached=800, audio_in=400, audio_cached=300, text_out=20, audio_out=100)


class Clock:
    """Timers that go off when the test says so."""

    def __init__(self, seconds: float, wake: Callable[[], None]) -> None:
        assert seconds == PHRASE_SECONDS
        self.wake = wake
        self.on = True

    def cancel(self) -> None:
        self.on = False

    def ring(self) -> None:
        assert self.on
        self.on = False
        self.wake()


class Stage:
    """A dialogue, what it posted, what it sent."""

    def __init__(self, dialect: Dialect = Dialect.GA) -> None:
        self.events: list[AnyEvent] = []
        self.sent: list[dict[str, Any]] = []
        self.timers: list[Clock] = []
        self.dialogue = Dialogue(3, dialect, self.events.append, self._send, self._later, 4000)

    def _send(self, frame: str) -> None:
        self.sent.append(json.loads(frame))

    def _later(self, seconds: float, wake: Callable[[], None]) -> Clock:
        self.timers.append(Clock(seconds, wake))
        return self.timers[-1]

    def hear(self, *messages: Any) -> list[AnyEvent]:
        """The events that these bring."""
        before = len(self.events)
        for message in messages:
            assert self.dialogue.receive(message) is None
        return self.events[before:]

    def take(self) -> list[dict[str, Any]]:
        """What was sent since the last time."""
        sent, self.sent = self.sent, []
        return sent


def created(name: str = "r1", phrase: str | None = None) -> ResponseCreated:
    return ResponseCreated(name, phrase)


def done(name: str = "r1", status: Any = "completed", *, usage: Usage | None = BILL, **fields: Any) -> ResponseDone:
    parts: dict[str, Any] = {"phrase": None, "code": "", "detail": "", "calls": ()} | fields
    return ResponseDone(response=name, status=status, usage=usage, **parts)


def error(code: str, event_id: str = "", text: str = "no", type_: str = "invalid_request_error") -> ErrorSaid:
    return ErrorSaid(code, type_, text, event_id)


def call(call_id: str = "call_1", *, complete: bool = True) -> FunctionCall:
    return FunctionCall(call_id, "hangup_call", "{}", complete)


# --- the wire's recordings ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ga_turn", "beta_turn"])
def test_a_recorded_turn(name: str) -> None:
    stage = Stage()
    end = None
    for line in (WIRE / f"{name}.jsonl").read_text().splitlines():
        if json.loads(line)["_dir"] == "in":
            message = parse(line)
            end = stage.dialogue.receive(message) if message is not None else None
    sound = b"\xff" * 160
    assert stage.events == [
        PersonStarted(3),
        PersonStopped(3),
        PersonCommitted(3, "item_u1"),
        ResponseStarted(3, "resp_1"),
        AgentWrote(3, "resp_1", "item_a1", "Thanks, "),
        AgentSpoke(3, "resp_1", "item_a1", sound),
        AgentWrote(3, "resp_1", "item_a1", "goodbye."),
        AgentSpoke(3, "resp_1", "item_a1", sound),
        ToolCalled(3, "resp_1", "call_1", "hangup_call", '{"reason":"done"}'),
        ResponseEnded(
            3,
            "resp_1",
            "completed",
            Usage(text_in=928, text_cached=832, audio_in=480, audio_cached=384, text_out=25, audio_out=90),
        ),
        PersonSaid(3, "item_u1", "That is all.", Usage(seconds=2.0)),
    ]
    assert end == End(Trouble.EXPIRED, "session_expired: Your session hit the maximum duration of 60 minutes.")


# --- responses ----------------------------------------------------------------------------------


def test_a_response_is_asked_for_at_once() -> None:
    stage = Stage()
    stage.dialogue.ask_response("", tools=True)
    assert stage.take() == [{"type": "response.create", "event_id": "ask_1"}]


def test_a_second_one_waits_for_the_first_and_the_newest_counts() -> None:
    stage = Stage()
    stage.dialogue.ask_response("", tools=True)
    stage.hear(created())
    stage.take()
    stage.dialogue.ask_response("older", tools=True)
    stage.dialogue.ask_response("newer", tools=True)
    assert stage.take() == []
    stage.hear(done())
    (asked,) = stage.take()
    assert asked["response"]["instructions"] == "newer"
    stage.hear(created("r2"), done("r2"))
    assert stage.take() == []


@pytest.mark.parametrize("echoed", ["ask_1", ""])
def test_asked_while_the_server_had_begun_one_by_itself(echoed: str) -> None:
    """The request crosses the server's own response on the wire: it is refused, kept, and sent again after it."""
    stage = Stage()
    stage.dialogue.ask_response("say hello", tools=True)
    stage.take()
    assert stage.hear(created("vad"), error(ACTIVE, echoed)) == [ResponseStarted(3, "vad")]
    assert stage.take() == []
    stage.hear(done("vad"))
    (again,) = stage.take()
    assert again["response"]["instructions"] == "say hello"
    stage.hear(created("r2"), done("r2"))
    assert stage.take() == []


def test_refused_again_and_again() -> None:
    stage = Stage()
    stage.dialogue.ask_response("", tools=True)
    for turn in range(5):
        stage.hear(created(f"vad{turn}"), error(ACTIVE, "ask_1"), done(f"vad{turn}"))
        assert len(stage.take()) == (2 if turn == 0 else 1)


def test_a_newer_wish_beats_the_refused_one() -> None:
    stage = Stage()
    stage.dialogue.ask_response("old", tools=True)
    stage.hear(created("vad"))
    stage.dialogue.ask_response("new", tools=True)
    stage.hear(error(ACTIVE, "ask_1"), done("vad"))
    assert [frame["response"]["instructions"] for frame in stage.take()] == ["old", "new"]


def test_cancel_names_the_response_and_forgets_the_waiting_one() -> None:
    stage = Stage()
    stage.hear(created())
    stage.dialogue.ask_response("", tools=True)
    stage.dialogue.cancel_response()
    assert stage.take() == [{"type": "response.cancel", "response_id": "r1"}]
    stage.hear(done(status="cancelled"))
    assert stage.take() == []


def test_cancel_then_ask_waits_for_the_cancelled_one() -> None:
    stage = Stage()
    stage.hear(created())
    stage.dialogue.cancel_response()
    stage.dialogue.ask_response("", tools=True)
    assert [frame["type"] for frame in stage.take()] == ["response.cancel"]
    stage.hear(done(status="cancelled"))
    assert [frame["type"] for frame in stage.take()] == ["response.create"]


def test_what_was_cancelled_on_its_way_is_not_asked_for_again() -> None:
    stage = Stage()
    stage.dialogue.ask_response("old", tools=True)
    stage.dialogue.cancel_response()
    stage.take()
    stage.hear(created("vad"), error(ACTIVE, "ask_1"), done("vad"))
    assert stage.take() == []
    stage.dialogue.ask_response("new", tools=True)
    assert [frame["event_id"] for frame in stage.take()] == ["ask_2"]


def test_cancel_with_nothing_known() -> None:
    stage = Stage()
    stage.dialogue.cancel_response()
    assert stage.take() == [{"type": "response.cancel"}]


def test_a_refused_request_does_not_block_the_next() -> None:
    stage = Stage()
    stage.dialogue.ask_response("bad", tools=True)
    stage.dialogue.ask_response("good", tools=True)
    stage.take()
    assert stage.hear(error("invalid_value", "ask_1")) == [SessionComplained(3, "invalid_value", "no")]
    assert [frame["event_id"] for frame in stage.take()] == ["ask_2"]


def test_parts_of_a_response_whose_beginning_was_missed() -> None:
    stage = Stage()
    assert stage.hear(AudioDelta("r1", "a1", b"\x01")) == [
        ResponseStarted(3, "r1"),
        AgentSpoke(3, "r1", "a1", b"\x01"),
    ]
    assert stage.hear(done("r2")) == [ResponseStarted(3, "r2"), ResponseEnded(3, "r2", "completed", BILL)]


def test_nothing_comes_after_the_end_of_a_response() -> None:
    stage = Stage()
    stage.hear(created(), done())
    assert stage.hear(AudioDelta("r1", "a1", b"\x01"), WordsDelta("r1", "a1", "x"), ItemDone("r1", call())) == []
    assert stage.hear(created(), done()) == []


# --- tools --------------------------------------------------------------------------------------


def test_a_tool_is_called_once() -> None:
    stage = Stage()
    told = stage.hear(created(), ItemDone("r1", call()), ItemDone("r1", call()), done(calls=(call(), call("call_2"))))
    assert [event.call_id for event in told if isinstance(event, ToolCalled)] == ["call_1", "call_2"]


def test_half_a_tool_call_is_none() -> None:
    stage = Stage()
    told = stage.hear(
        created(), ItemDone("r1", call(complete=False)), done(status="cancelled", calls=(call("call_2"),))
    )
    assert not [event for event in told if isinstance(event, ToolCalled)]


# --- truncation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("heard", "sent"), [(0, 0), (50, 50), (100, 100), (101, 100), (10**9, 100), (-5, 0)])
def test_truncation_never_exceeds_the_item(heard: int, sent: int) -> None:
    stage = Stage()
    stage.hear(created(), AudioDelta("r1", "a1", bytes(500)), AudioDelta("r1", "a1", bytes(305)))
    stage.dialogue.truncate_item("a1", heard)
    assert stage.take()[0]["audio_end_ms"] == sent


def test_an_unknown_item_is_not_truncated() -> None:
    stage = Stage()
    stage.dialogue.truncate_item("a1", 100)
    assert stage.take() == []


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "harmless",
    [
        error("response_cancel_not_active"),
        error("", text="Cancellation failed: no active response found"),
        error("input_audio_buffer_commit_empty"),
        error("item_create_duplicate_item_id"),
        error(ACTIVE),
    ],
)
def test_errors_of_no_consequence(harmless: ErrorSaid) -> None:
    assert Stage().hear(harmless) == []


def test_other_errors_are_complaints() -> None:
    assert Stage().hear(error("", type_="server_error", text="x" * 900)) == [
        SessionComplained(3, "server_error", "x" * 300)
    ]
    assert Stage().hear(ErrorSaid("", "", "", "")) == [SessionComplained(3, "error", "")]


def test_a_response_without_credit_ends_the_session() -> None:
    stage = Stage()
    end = stage.dialogue.receive(done(status="failed", code="insufficient_quota", detail="insufficient_quota"))
    assert end == End(Trouble.REFUSED, "insufficient_quota")
    assert isinstance(stage.events[-1], ResponseEnded)


# --- money --------------------------------------------------------------------------------------


def test_a_lost_response_is_priced_by_what_was_there_and_what_came() -> None:
    stage = Stage()
    stage.hear(created(), done())
    stage.hear(SpeechStarted("u1", 1000), SpeechStopped("u1", 4000))
    stage.hear(created("r2"), AudioDelta("r2", "a2", bytes(16_000)), WordsDelta("r2", "a2", "x" * 40))
    stage.dialogue.end(asked=False)
    assert stage.events[-1] == ResponseEnded(
        3,
        "r2",
        "failed",
        Usage(
            text_in=920,
            text_cached=800,
            audio_in=530,
            audio_cached=300,
            text_out=10,
            audio_out=40,
            estimated=True,
        ),
        "the session was lost",
    )


def test_a_first_lost_response_pays_for_its_instructions() -> None:
    stage = Stage()
    stage.hear(created())
    stage.dialogue.end(asked=True)
    assert stage.events[-1] == ResponseEnded(
        3, "r1", "cancelled", Usage(text_in=1000, estimated=True), "the session was closed"
    )


@pytest.mark.parametrize("status", ["completed", "cancelled", "incomplete"])
def test_an_untold_bill_is_estimated(status: str) -> None:
    stage = Stage()
    ended = stage.hear(created(), done(status=status, usage=None))[-1]
    assert isinstance(ended, ResponseEnded)
    assert ended.usage is not None
    assert ended.usage.estimated


def test_failed_before_a_word_is_free_and_after_one_is_not() -> None:
    stage = Stage()
    early = stage.hear(created(), done(status="failed", usage=None))[-1]
    late = stage.hear(created("r2"), AudioDelta("r2", "a", bytes(400)), done("r2", "failed", usage=None))[-1]
    assert isinstance(early, ResponseEnded)
    assert isinstance(late, ResponseEnded)
    assert early.usage is None
    assert late.usage is not None
    assert late.usage.audio_out == 1


def test_a_transcript_without_a_bill_is_estimated() -> None:
    stage = Stage()
    said = stage.hear(SpeechStarted("u1", 0), SpeechStopped("u1", 1500), Transcribed("u1", "Hi.", None))[-1]
    assert said == PersonSaid(3, "u1", "Hi.", Usage(seconds=1.5, audio_in=15, estimated=True))


def test_a_failed_transcript_has_no_words() -> None:
    assert Stage().hear(TranscriptionFailed("u1")) == [PersonSaid(3, "u1", "")]


# --- phrases ------------------------------------------------------------------------------------


def phrase_stage(dialect: Dialect = Dialect.GA) -> Stage:
    stage = Stage(dialect)
    stage.dialogue.make_phrase("here", "Hello, I'm here.")
    return stage


@pytest.mark.parametrize("dialect", list(Dialect))
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
    assert stage.events == [
        PhraseFailed(3, "here", "the session ended"),
        PhraseFailed(3, "wait", "the session ended"),
    ]
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
