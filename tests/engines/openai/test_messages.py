"""What a server says: the SDK's events as an oracle, bills with parts missing, and any bytes at all."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from outwait.call.cost import Usage
from outwait.engines.openai.messages import (
    BETA_NAMES,
    AudioDelta,
    ErrorSaid,
    FunctionCall,
    ItemDone,
    Malformed,
    ResponseCreated,
    ResponseDone,
    SessionCreated,
    SpeechStopped,
    Transcribed,
    TranscriptionFailed,
    WordsDelta,
    parse,
    parse_refusal,
    response_usage,
    transcript_usage,
)

WIRE = Path(__file__).parent / "wire"
EVENTS: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


def recorded(name: str) -> list[dict[str, Any]]:
    messages = [json.loads(line) for line in (WIRE / f"{name}.jsonl").read_text().splitlines()]
    return [message for message in messages if message.pop("_dir") == "in"]


def test_the_recordings_are_what_the_sdk_knows() -> None:
    for message in recorded("ga_turn"):
        assert EVENTS.validate_python(message).type == message["type"]


def test_both_dialects_say_the_same() -> None:
    ga, beta = recorded("ga_turn"), recorded("beta_turn")
    assert {message["type"] for message in beta} & set(BETA_NAMES)
    read = [[parse(json.dumps(message)) for message in turn] for turn in (ga, beta)]
    told = [[message for message in turn if message is not None] for turn in read]
    assert told[0] == told[1]
    assert len(told[0]) == 15


@pytest.mark.parametrize(
    ("message", "read"),
    [
        ({"type": "session.created", "session": {"expires_at": 1_800_000_000}}, SessionCreated(1.8e9)),
        ({"type": "session.created"}, SessionCreated(None)),
        ({"type": "session.created", "session": {"expires_at": 0}}, SessionCreated(None)),
        ({"type": "response.created", "response": {"id": "r", "metadata": None}}, ResponseCreated("r", None)),
        (
            {"type": "response.created", "response": {"id": "r", "metadata": {"outwait_phrase": "p"}}},
            ResponseCreated("r", "p"),
        ),
        (
            {"type": "response.audio.delta", "response_id": "r", "item_id": "i", "delta": "/38="},
            AudioDelta("r", "i", b"\xff\x7f"),
        ),
        (
            {"type": "response.audio_transcript.delta", "response_id": "r", "item_id": "i", "delta": "é"},
            WordsDelta("r", "i", "é"),
        ),
        ({"type": "response.output_item.done", "response_id": "r", "item": {"type": "message"}}, ItemDone("r", None)),
        (
            {
                "type": "response.output_item.done",
                "response_id": "r",
                "item": {
                    "type": "function_call",
                    "call_id": "c",
                    "name": "n",
                    "arguments": "{",
                    "status": "incomplete",
                },
            },
            ItemDone("r", FunctionCall("c", "n", "{", complete=False)),
        ),
        ({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 12.0}, SpeechStopped("", 12)),
        (
            {"type": "conversation.item.input_audio_transcription.completed", "item_id": "u", "transcript": None},
            Transcribed("u", "", None),
        ),
        (
            {"type": "conversation.item.input_audio_transcription.failed", "item_id": "u", "error": 3},
            TranscriptionFailed("u"),
        ),
        ({"type": "error", "error": None}, ErrorSaid("", "", "", "")),
        ({"type": "error", "error": {"code": None, "message": 4, "type": "t"}}, ErrorSaid("", "t", "", "")),
    ],
)
def test_parts_may_be_missing_or_null(message: dict[str, Any], read: object) -> None:
    assert parse(json.dumps(message)) == read


def finished(**fields: Any) -> ResponseDone:
    message = parse(json.dumps({"type": "response.done", "response": {"id": "r", **fields}}))
    assert isinstance(message, ResponseDone)
    return message


def test_how_a_response_ends() -> None:
    cut = finished(status="cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})
    assert (cut.status, cut.detail, cut.usage) == ("cancelled", "turn_detected", None)
    broken = finished(status="failed", status_details={"error": {"type": "t", "code": "c", "message": "words"}})
    assert (broken.status, broken.code, broken.detail) == ("failed", "c", "c words")
    odd = finished(status="in_progress", output=[1, None, {"type": "function_call"}], status_details=[])
    assert (odd.status, odd.detail, odd.calls) == ("failed", "status 'in_progress'", ())
    assert finished(status=["x"], output=3, usage="much").status == "failed"


# --- bills --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "bill"),
    [
        (None, None),
        ([], None),
        ({}, Usage()),
        (
            {
                "input_tokens": 1408,
                "output_tokens": 115,
                "input_token_details": {
                    "text_tokens": 928,
                    "audio_tokens": 480,
                    "cached_tokens": 1216,
                    "cached_tokens_details": {"text_tokens": 832, "audio_tokens": 384},
                },
                "output_token_details": {"text_tokens": 25, "audio_tokens": 90},
            },
            Usage(text_in=928, text_cached=832, audio_in=480, audio_cached=384, text_out=25, audio_out=90),
        ),
        # no word on which tokens are cached: text first, then audio, never more than there is
        (
            {"input_token_details": {"text_tokens": 100, "audio_tokens": 50, "cached_tokens": 120}},
            Usage(text_in=100, text_cached=100, audio_in=50, audio_cached=20),
        ),
        (
            {"input_token_details": {"text_tokens": 100, "audio_tokens": 50, "cached_tokens": 999}},
            Usage(text_in=100, text_cached=100, audio_in=50, audio_cached=50),
        ),
        (
            {
                "input_token_details": {
                    "text_tokens": 10,
                    "audio_tokens": 5,
                    "cached_tokens_details": {"text_tokens": 99, "audio_tokens": 99},
                }
            },
            Usage(text_in=10, text_cached=10, audio_in=5, audio_cached=5),
        ),
        # totals without parts are the dearer kind
        ({"input_tokens": 30, "output_tokens": 7}, Usage(audio_in=30, audio_out=7)),
        (
            {"input_tokens": 30, "input_token_details": {"text_tokens": 10, "image_tokens": 5}},
            Usage(text_in=10, audio_in=15),
        ),
        ({"output_tokens": 30, "output_token_details": {"audio_tokens": 20}}, Usage(text_out=10, audio_out=20)),
        ({"input_tokens": -4, "output_tokens": True, "input_token_details": 7}, Usage()),
        ({"input_token_details": {"text_tokens": 1e300, "audio_tokens": "many"}}, Usage()),
    ],
)
def test_response_bills(told: object, bill: Usage | None) -> None:
    assert response_usage(told) == bill


@pytest.mark.parametrize(
    ("told", "bill"),
    [
        (None, None),
        ({"type": "duration", "seconds": 2.5}, Usage(seconds=2.5)),
        ({"type": "duration"}, Usage()),
        (
            {
                "type": "tokens",
                "input_tokens": 40,
                "output_tokens": 6,
                "input_token_details": {"text_tokens": 10, "audio_tokens": 30},
            },
            Usage(text_in=10, audio_in=30, text_out=6, seconds=3.0),
        ),
        ({"input_tokens": 20, "output_tokens": 6}, Usage(audio_in=20, text_out=6, seconds=2.0)),
    ],
)
def test_transcript_bills(told: object, bill: Usage | None) -> None:
    assert transcript_usage(told) == bill


# --- anything at all ----------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    "session", "item", "item_id", "response", "response_id", "delta", "error", "usage", "transcript", "audio_start_ms",
    "audio_end_ms", "id", "status", "status_details", "output", "metadata", "type", "code", "message", "event_id",
    "expires_at", "input_token_details", "output_token_details", "cached_tokens_details", "text_tokens", "call_id",
]  # fmt: skip
TYPES = sorted({message["type"] for name in ("ga_turn", "beta_turn") for message in recorded(name)})
BODY = st.recursive(
    JSON,
    lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=6) | st.lists(inner, max_size=2),
    max_leaves=12,
)


def tolerant(data: bytes | str) -> None:
    """It is read, ignored, or refused as malformed."""
    with contextlib.suppress(Malformed):
        parse(data)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(KEYS), BODY, max_size=8))
@example("response.done", {"response": {"id": "r", "status": {}, "output": [[]], "usage": {"input_tokens": 10**400}}})
def test_any_json_under_a_known_type(name: str, fields: dict[str, Any]) -> None:
    tolerant(json.dumps({**fields, "type": name}))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary() | st.text() | JSON.map(json.dumps))
@example("\ud800")
@example('{"type":"error","error":{"code":"\\ud800"}}')
@example(b'{"type":"\xff"}')
@example("[" * 200_000)
@example('{"type":"response.done","response":{"id":"r","usage":' + "[" * 200_000)
def test_any_bytes(data: bytes | str) -> None:
    tolerant(data)
    if isinstance(data, bytes):
        assert isinstance(parse_refusal(data), ErrorSaid)


@pytest.mark.parametrize("data", ["", "null", "[]", "{}", '{"type":null}', '{"type":"response.done"}', b"\xff"])
def test_what_is_malformed(data: bytes | str) -> None:
    with pytest.raises(Malformed):
        parse(data)


def test_types_that_are_not_read() -> None:
    assert parse('{"type":"from.the.future","response":7}') is None
    assert parse('{"type":"response.function_call_arguments.done","arguments":"{\\"half"}') is None
