"""What a Live server says, by the vendor's own samples and by everything that could go wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from outwait.call.cost import Usage
from outwait.engines.ends import Malformed
from outwait.engines.live.messages import (
    AgentWords,
    BackendBegan,
    BackendCalled,
    BackendEnded,
    Closed,
    PersonWords,
    Sound,
    Started,
    Used,
    parse,
)
from outwait.engines.openai.messages import ErrorSaid
from tests.engines.live.server import called, nested

WIRE = Path(__file__).parent / "wire"


def test_a_whole_session() -> None:
    lines = (WIRE / "session.jsonl").read_text().splitlines()
    assert [message for line in lines if (message := parse(line)) is not None] == [
        Started("live_1", 1_800_000_000.0),
        Sound(b"\xff" * 160),
        PersonWords("hello", 100),
        AgentWords("Hi", 400),
        Used(12.4),
        Closed("close_requested", 13.0),
    ]


def test_the_backends_events_are_unwrapped() -> None:
    assert parse(nested({"type": "response.created", "response": {}})) == BackendBegan("d1")
    assert parse(nested({"type": "response.created", "response": {}}, None)) == BackendBegan("")
    assert parse(called("c1", "press_digits", "{}")) == BackendCalled("d1", "c1", "press_digits", "{}")
    assert parse(nested({"type": "response.output_text.delta", "delta": "x"})) is None
    assert parse(nested({"type": "response.output_item.done", "item": {"type": "message"}})) is None
    usage = {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 99}, "output_tokens": 5}
    done = parse(nested({"type": "response.completed", "response": {"usage": usage}}))
    assert done == BackendEnded("d1", "completed", Usage(text_in=10, text_cached=10, text_out=5), "")
    cut = {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}}
    assert parse(nested(cut)) == BackendEnded("d1", "incomplete", None, "max_output_tokens")


def test_an_error_says_what_it_is_about() -> None:
    body = {"code": "unknown_parameter", "type": "invalid_request_error", "message": "no", "client_event_id": "ask_1"}
    assert parse(json.dumps({"type": "error", "error": body})) == ErrorSaid(
        "unknown_parameter", "invalid_request_error", "no", "ask_1"
    )
    assert parse('{"type":"error"}') == ErrorSaid("", "", "", "")


@pytest.mark.parametrize("seconds", ["null", "-1", "1e300", '"13"', "true", "{}"])
def test_a_count_that_is_none_counts_nothing(seconds: str) -> None:
    assert parse(f'{{"type":"session.usage.updated","usage":{{"seconds":{seconds}}}}}') is None
    assert parse(f'{{"type":"session.closed","reason":"expired","usage":{{"seconds":{seconds}}}}}') == Closed(
        "expired", None
    )


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        '{"type":7}',
        '{"type":"session.output_audio.delta"}',
        '{"type":"session.output_audio.delta","delta":"%%%"}',
        '{"type":"session.input_transcript.delta","delta":7}',
        '{"type":"response.event"}',
        '{"type":"response.event","event":[]}',
        '{"type":"session.usage.updated"}',
        "[" * 100_000,
    ],
)
def test_what_makes_no_sense(data: str) -> None:
    with pytest.raises(Malformed):
        parse(data)


def test_what_is_not_read_is_passed_over() -> None:
    for name in ("session.delegation.created", "session.commentary.appended", "info", "transport.ringing", "new.thing"):
        assert parse(json.dumps({"type": name})) is None
