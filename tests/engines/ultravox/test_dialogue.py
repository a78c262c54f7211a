"""What Ultravox says is read as it was meant, and becomes turns and responses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from outwait.audio import g711
from outwait.call.commands import SeedItem
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    PhraseFailed,
    ResponseEnded,
    ResponseStarted,
    ToolCalled,
)
from outwait.call.tools import schemas
from outwait.engines.ends import Malformed
from outwait.engines.ultravox import frames
from outwait.engines.ultravox.dialogue import QUIET_SECONDS
from outwait.engines.ultravox.messages import (
    Cleared,
    Invocation,
    Joinable,
    State,
    Transcript,
    parse,
    parse_made,
    parse_refusal,
)
from outwait.sim.ultravox_session import check_call
from tests.engines.ultravox.stage import TURN, Stage, pcm

VOICE = pcm(b"\x10\x90" * 400)
ANSWER = Transcript("agent", 1, None, "Of course.", final=False)
WHOLE = Transcript("agent", 1, "Of course.", None, final=True)
USER = Transcript("user", 0, "Please hold.", None, final=True)
CALL = Invocation("i1", "wait_on_hold", '{"reason":"asked"}')
LISTENING, THINKING, SPEAKING = State("listening"), State("thinking"), State("speaking")

# --- messages -----------------------------------------------------------------------------------


def test_a_turn_as_the_wire_tells_it() -> None:
    said = [parse(line.decode()) for line in TURN.split(b"\n")]
    assert said == [None, LISTENING, THINKING, USER, SPEAKING, ANSWER, WHOLE, CALL, Cleared(), None, None]


@pytest.mark.parametrize("data", ["", "{", "[]", "7", '{"type":7}', '{"type":"state"}', '{"type":"transcript"}'])
def test_what_is_no_message(data: str) -> None:
    with pytest.raises(Malformed):
        parse(data)


def test_odd_messages() -> None:
    assert parse('{"type":"transcript","role":"ghost"}') is None
    odd = parse('{"type":"transcript","role":"agent","ordinal":true,"text":7,"final":"yes"}')
    assert odd == Transcript("agent", -1, None, None, final=False)
    assert parse('{"type":"client_tool_invocation","invocationId":"i","parameters":[]}') == Invocation("i", "", "{}")


def test_the_making_of_a_call() -> None:
    assert parse_made(b'{"callId":"c","joinUrl":"wss://x/y"}') == Joinable("wss://x/y")
    for body in (b"", b"{}", b"[]", b'{"joinUrl":7}', b"\xff"):
        with pytest.raises(Malformed):
            parse_made(body)
    assert parse_refusal(b'{"detail":"no"}') == "no"
    assert parse_refusal(b'{"detail":["no"]}') == parse_refusal(b"<html>") == parse_refusal(b"[]") == ""


def test_what_a_call_is_made_with() -> None:
    seed = [
        SeedItem("human", "Please hold."),
        SeedItem("agent", "Sure."),
        SeedItem("system", "You were on hold."),
        SeedItem("human", "  "),
        SeedItem("tool_output", '{"ok":true}', call_id="c"),
    ]
    body: dict[str, Any] = json.loads(frames.make_call("m", "Mark", "Ask.", seed, schemas(), 3600.0))
    check_call(body)
    assert (body["systemPrompt"], body["maxDuration"], body["firstSpeakerSettings"]) == ("Ask.", "3600s", {"user": {}})
    assert [
        (message["role"].removeprefix("MESSAGE_ROLE_"), message["text"]) for message in body["initialMessages"]
    ] == [
        ("USER", "Please hold."),
        ("AGENT", "Sure."),
        ("USER", "<instruction>You were on hold.</instruction>"),
        ("USER", '<instruction>The tool answered {"ok":true}</instruction>'),
    ]
    hang_up = next(
        t["temporaryTool"] for t in body["selectedTools"] if t["temporaryTool"]["modelToolName"] == "hangup_call"
    )
    assert [(p["name"], p["required"]) for p in hang_up["dynamicParameters"]] == [("reason", True), ("outcome", True)]
    assert "voice" not in json.loads(frames.make_call("m", "", "Ask.", [], [], 60.0))


# --- dialogue -----------------------------------------------------------------------------------


def test_a_turn_and_its_answer() -> None:
    stage = Stage()
    events = stage.hear(LISTENING, THINKING, USER, SPEAKING, ANSWER, VOICE, WHOLE, LISTENING)
    assert events == [
        PersonStopped(3, due=False),
        PersonCommitted(3, "turn_1"),
        PersonSaid(3, "turn_1", "Please hold."),
        ResponseStarted(3, "response_2"),
        AgentWrote(3, "response_2", "voice_2", "Of course."),
        AgentSpoke(3, "response_2", "voice_2", b"\x10\x90" * 400),
        ResponseEnded(3, "response_2", "completed"),
    ]
    assert not any(timer.on for timer in stage.timers)


def test_samples_may_come_in_halves() -> None:
    stage = Stage()
    events = stage.hear(VOICE[:1], VOICE[1:5], VOICE[5:])
    assert b"".join(e.ulaw for e in events if isinstance(e, AgentSpoke)) == b"\x10\x90" * 400


def test_silence_of_somebody_who_does_not_speak_is_no_answer() -> None:
    stage = Stage()
    assert stage.hear(bytes(320), LISTENING, bytes(320)) == []
    assert len([e for e in stage.hear(VOICE, bytes(320)) if isinstance(e, AgentSpoke)]) == 2, "a pause in an answer is"


def test_an_answer_whose_words_are_all_there_is_over_when_nothing_comes() -> None:
    """The server may think that it speaks for as long as it plays: longer than a session may be silent."""
    stage = Stage()
    stage.hear(SPEAKING, ANSWER, WHOLE, VOICE)
    assert [(timer.seconds, timer.on) for timer in stage.timers] == [(QUIET_SECONDS, False), (QUIET_SECONDS, True)]
    stage.timers[-1].ring()
    assert isinstance(stage.events[-1], ResponseEnded)
    assert stage.hear(WHOLE, LISTENING) == [], "it is not told twice"


def test_words_that_come_whole_are_told_as_what_is_new() -> None:
    stage = Stage()
    parts = [Transcript("agent", 4, text, None, final=False) for text in ("One", "One two", "One two")]
    events = stage.hear(*parts, Transcript("agent", 5, "Three", None, final=False))
    assert [event.text for event in events if isinstance(event, AgentWrote)] == ["One", " two", "Three"]


def test_the_person_cuts_in() -> None:
    stage = Stage()
    stage.hear(SPEAKING, ANSWER, VOICE)
    events = stage.hear(Cleared(), LISTENING, THINKING, USER, ANSWER)
    assert [type(event) for event in events] == [
        ResponseEnded,
        PersonStarted,
        PersonStopped,
        PersonCommitted,
        PersonSaid,
        ResponseStarted,
        AgentWrote,
    ]
    assert isinstance(events[0], ResponseEnded)
    assert events[0].status == "cancelled"


def test_a_turn_without_words_is_closed() -> None:
    stage = Stage()
    stage.hear(THINKING, LISTENING, THINKING)
    stage.dialogue.end(asked=True)
    assert [(e.item, e.text) for e in stage.events if isinstance(e, PersonSaid)] == [("turn_1", ""), ("turn_2", "")]


def test_a_tool_is_answered_once_and_not_talked_about() -> None:
    stage = Stage()
    events = stage.hear(ANSWER, CALL)
    assert events[-1] == ToolCalled(3, "response_1", "i1", "wait_on_hold", '{"reason":"asked"}')
    stage.dialogue.answer_tool("i1", '{"ok":true}')
    stage.dialogue.answer_tool("i1", '{"ok":true}')
    stage.dialogue.answer_tool("other", '{"ok":true}')
    assert stage.take() == [
        {
            "type": "client_tool_result",
            "invocationId": "i1",
            "result": '{"ok":true}',
            "agentReaction": "listens",
            "responseType": "tool-response",
        }
    ]


def test_what_is_asked_for_waits_for_the_present_answer() -> None:
    stage = Stage()
    stage.hear(SPEAKING, ANSWER)
    stage.dialogue.ask_response("Be brief.\n\nSay goodbye.")
    assert stage.take() == []
    stage.hear(LISTENING)
    (asked,) = stage.take()
    assert asked == {"type": "user_text_message", "text": "<instruction>Say goodbye.</instruction>", "urgency": "soon"}
    assert not [e for e in stage.hear(THINKING) if isinstance(e, PersonStopped)], "nobody has said anything"


def test_an_answer_that_is_not_wanted_is_stopped_and_not_passed_on() -> None:
    stage = Stage()
    stage.dialogue.ask_response("Say hello.")
    stage.take()
    stage.dialogue.cancel_response()
    (stopped,) = stage.take()
    assert (stopped["text"], stopped["urgency"], stopped["deferResponse"]) == ("", "immediate", True)
    assert stage.hear(ANSWER, VOICE) == []
    stage.hear(CALL)
    assert stage.take()[0]["invocationId"] == "i1", "the conversation would stand still"
    assert next(type(e) for e in stage.hear(LISTENING, ANSWER)) is ResponseStarted


def test_nothing_to_cancel() -> None:
    stage = Stage()
    stage.dialogue.cancel_response()
    assert stage.take() == stage.events == []


def test_small_things() -> None:
    stage = Stage()
    stage.dialogue.make_phrase("here")
    assert stage.events == [PhraseFailed(3, "here", "this engine makes no phrases")]
    stage.dialogue.send_audio(bytes(range(256)))
    (sound,) = stage.take()
    assert sound == g711.decode(bytes(range(256))).astype("<i2").tobytes()
    stage.hear(ANSWER)
    stage.dialogue.end(asked=False)
    assert isinstance(stage.events[-1], ResponseEnded)
    assert stage.events[-1].status == "failed"
