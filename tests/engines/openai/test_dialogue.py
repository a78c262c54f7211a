"""What goes on in a session, without a socket: recorded turns, races, tools, errors and bills."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from outwait.call.cost import Usage
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    AnyEvent,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    PhraseMade,
    ResponseBilled,
    ResponseEnded,
    ResponseStarted,
    SessionComplained,
    ToolCalled,
    Trouble,
)
from outwait.engines.ends import End
from outwait.engines.openai.dialogue import ACTIVE
from outwait.engines.openai.frames import Dialect
from outwait.engines.openai.messages import (
    AudioDelta,
    Committed,
    ErrorSaid,
    ItemDone,
    SpeechStarted,
    SpeechStopped,
    Transcribed,
    TranscriptionFailed,
    WordsDelta,
    parse,
)
from tests.engines.openai.stage import BILL, Stage, call, created, done, error

WIRE = Path(__file__).parent / "wire"

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


def test_a_response_that_was_asked_for_and_never_heard_of_is_paid_for() -> None:
    """The server has fallen silent."""
    stage = Stage()
    stage.dialogue.ask_response("", tools=True)
    stage.dialogue.end(asked=True)
    assert stage.events[-1] == ResponseBilled(3, "unheard_3", Usage(text_in=1000, estimated=True))


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


# --- xAI ----------------------------------------------------------------------------------------


def words(text: str, item: str = "u1") -> Transcribed:
    return Transcribed(item, text, Usage())


def said(events: list[AnyEvent]) -> list[tuple[str, str]]:
    return [(event.item, event.text) for event in events if isinstance(event, PersonSaid)]


def test_words_that_come_in_versions_are_told_once_when_the_answer_begins() -> None:
    stage = Stage(Dialect.XAI)
    assert stage.hear(SpeechStarted("u1", 0), SpeechStopped("u1", 0), Committed("u1"))
    assert said(stage.hear(words("Please"), words("Please hold"), created(), words("Please hold."))) == []
    assert said(stage.hear(AudioDelta("r1", "a1", b"x"))) == [("u1", "Please hold.")]
    assert said(stage.hear(words("Please hold, Sir."), AudioDelta("r1", "a1", b"x"), done())) == []


def test_words_that_come_after_the_answer_has_begun_are_told_at_once() -> None:
    stage = Stage(Dialect.XAI)
    stage.hear(created(), AudioDelta("r1", "a1", b"x"))
    assert said(stage.hear(words("Hello?"))) == [("u1", "Hello?")]


@pytest.mark.parametrize("last", ["another turn", "a tool", "the end"])
def test_the_last_version_is_told_whatever_follows(last: str) -> None:
    stage = Stage(Dialect.XAI)
    stage.hear(Committed("u1"), words("One moment."))
    if last == "another turn":
        stage.hear(words("Hello?", "u2"))
    elif last == "a tool":
        stage.hear(created(), ItemDone("r1", call()))
    else:
        stage.dialogue.end(asked=True)
    assert said(stage.events)[0] == ("u1", "One moment.")


def test_a_forced_phrase_leaves_nothing_in_the_conversation() -> None:
    stage = Stage(Dialect.XAI)
    stage.dialogue.make_phrase("here", "Yes, hello.")
    (forced,) = stage.take()
    assert forced["item"]["type"] == "force_message"
    events = stage.hear(created("p1"), AudioDelta("p1", "f1", b"yes"), AudioDelta("p1", "f2", b"hello"), done("p1"))
    assert events == [PhraseMade(3, "here", b"yeshello", Usage(messages=1))]
    assert [frame["item_id"] for frame in stage.take()] == ["f1", "f2"]


def test_where_time_is_billed_a_response_has_no_bill() -> None:
    stage = Stage(Dialect.XAI)
    (_, _, ended) = stage.hear(created(), AudioDelta("r1", "a1", b"x"), done())
    assert isinstance(ended, ResponseEnded)
    assert ended.usage is None


def test_a_single_response_without_tools_is_not_known_there() -> None:
    stage = Stage(Dialect.XAI)
    stage.dialogue.ask_response("Say goodbye.", tools=False)
    (asked,) = stage.take()
    assert asked["response"] == {"instructions": "Say goodbye.", "modalities": ["text", "audio"]}
