"""What a Gemini Live server says is read as it was meant, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from outwait.call.cost import Usage
from outwait.engines.ends import Malformed
from outwait.engines.gemini.messages import FunctionCall, Handle, Message, parse, parse_refusal, usage

WIRE = Path(__file__).parent / "wire" / "turn.jsonl"


def say(**message: Any) -> Message:
    return parse(json.dumps(message))


def test_a_recorded_turn() -> None:
    lines = [json.loads(line) for line in WIRE.read_text().splitlines()]
    said = [parse(json.dumps(line)) for line in lines if line["_dir"] == "in"]
    assert said == [
        Message(ready=True),
        Message(sound=b"\0\0\0"),
        Message(interrupted=True),
        Message(complete=True),
        Message(calls=(FunctionCall("f1", "hangup_call", '{"reason":"done"}'),)),
        Message(handle=Handle("h-123")),
        Message(leaves_in=50.0),
        Message(usage=Usage(text_in=100, audio_in=200, audio_out=75)),
    ]


def test_one_message_may_say_many_things() -> None:
    content = {
        "modelTurn": {"parts": [{"inlineData": {"data": "AAE="}}, {"text": "thinking", "thought": True}]},
        "outputTranscription": {"text": " Hello"},
        "inputTranscription": {"text": "Hi.", "finished": True},
        "generationComplete": True,
        "turnComplete": True,
    }
    told = say(serverContent=content, usageMetadata={"promptTokenCount": 3}, sessionResumptionUpdate={})
    assert told == Message(
        sound=b"\x00\x01",
        words=" Hello",
        heard="Hi.",
        heard_all=True,
        generated=True,
        complete=True,
        usage=Usage(audio_in=3),
        handle=Handle(""),
    )


@pytest.mark.parametrize(
    ("told", "seconds"), [("50s", 50.0), ("7.25s", 7.25), ("soon", 0.0), (None, 0.0), (7, 0.0), ("-3s", 0.0)]
)
def test_how_long_it_stays(told: object, seconds: float) -> None:
    assert say(goAway={"timeLeft": told}).leaves_in == seconds


@pytest.mark.parametrize("update", [{"newHandle": "h", "resumable": False}, {"newHandle": 7, "resumable": True}, {}])
def test_a_handle_that_is_none(update: dict[str, Any]) -> None:
    assert say(sessionResumptionUpdate=update).handle == Handle("")


def test_calls_and_what_is_taken_back() -> None:
    calls = [{"id": "c1", "name": "press_digits", "args": {"digits": "1"}}, {"name": "no id"}, {"id": "c2", "args": []}]
    assert say(toolCall={"functionCalls": calls}).calls == (
        FunctionCall("c1", "press_digits", '{"digits":"1"}'),
        FunctionCall("c2", "", "{}"),
    )
    assert say(toolCallCancellation={"ids": ["c1", 7]}).revoked == ("c1",)


def test_a_bill_by_modality() -> None:
    told = {
        "promptTokenCount": 400,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}, {"modality": "AUDIO", "tokenCount": 200}],
        "cachedContentTokenCount": 60,
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 60}],
        "responseTokenCount": 80,
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 75}, {"modality": "TEXT", "tokenCount": 5}],
        "thoughtsTokenCount": 7,
        "toolUsePromptTokenCount": 11,
    }
    # A hundred tokens of the prompt have no modality: they are called the dearer
    assert usage(told) == Usage(text_in=111, text_cached=60, audio_in=300, text_out=12, audio_out=75)
    assert usage({"promptTokenCount": -3, "responseTokenCount": 1e300, "promptTokensDetails": "x"}) == Usage()
    assert usage(None) is None


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "[]",
        "7",
        '{"serverContent":7}',
        '{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"data":"?"}}]}}}',
    ],
)
def test_what_is_no_message(data: str) -> None:
    with pytest.raises(Malformed):
        parse(data)


def test_the_future_is_no_error() -> None:
    assert parse('{"fromTheFuture": {"x": 1}, "serverContent": {"waitingForInput": true}}') == Message()


def test_the_voice_activity_that_some_servers_tell() -> None:
    assert say(voiceActivity={"voiceActivityType": "ACTIVITY_START"}).speaking is True
    assert say(voiceActivity={"voiceActivityType": "ACTIVITY_END"}).speaking is False
    assert say(voiceActivity={}).speaking is None


def test_a_refusal() -> None:
    assert parse_refusal(b'{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}') == "no"
    assert parse_refusal(b"<html>") == ""
