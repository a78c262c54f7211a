"""What we say: every message is one of the SDK's, in all dialects."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outwait.call.commands import SeedItem
from outwait.call.tools import schemas
from outwait.engines.openai import frames
from outwait.engines.openai.frames import Dialect, Manner
from tests.contract.realtime_server import check_client

MANNER = Manner(voice="sage", transcription="whisper-1")
ALL = pytest.mark.parametrize("dialect", list(Dialect))
ITEMS = st.lists(
    st.builds(
        SeedItem,
        st.sampled_from(["system", "human", "agent", "tool_call", "tool_output"]),
        st.text(),
        call_id=st.text(max_size=80),
        name=st.text(min_size=1, max_size=9),
    ),
    max_size=6,
)


def checked(frame: str, dialect: Dialect) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(frame)
    check_client(message, dialect)
    return message


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_sound(ulaw: bytes) -> None:
    message = checked(frames.append(ulaw), Dialect.GA)
    assert b64decode(message["audio"], validate=True) == ulaw


@ALL
def test_small_messages(dialect: Dialect) -> None:
    checked(frames.commit(), dialect)
    checked(frames.response_cancel(None), dialect)
    checked(frames.response_cancel("r1"), dialect)
    checked(frames.truncate("a1", 250), dialect)
    checked(frames.tool_output("call_1", '{"ok":true}'), dialect)
    checked(frames.response_create(dialect, "ask_1", "", tools=True), dialect)
    checked(frames.response_create(dialect, "ask_1", "Say bye.", tools=False), dialect)
    checked(frames.phrase_create(dialect, "phrase_1", "here", "Hello."), dialect)


@ALL
@settings(deadline=None)
@given(instructions=st.text())
def test_configuration(dialect: Dialect, instructions: str) -> None:
    message = checked(frames.session_update(dialect, MANNER, instructions, schemas(), "configure"), dialect)
    assert message["session"]["instructions"] == instructions
    assert message["session"]["tools"] == schemas()


@pytest.mark.parametrize("dialect", [Dialect.GA, Dialect.BETA, Dialect.VOICE_LIVE])
@settings(deadline=None)
@given(items=ITEMS)
def test_seeds(dialect: Dialect, items: list[SeedItem]) -> None:
    messages = [checked(frame, dialect) for frame in frames.seeds(dialect, 12, items)]
    ids = [message["item"]["id"] for message in messages]
    assert len(set(ids)) == len(ids)
    assert len(messages) == sum(bool(item.text.strip()) or item.kind.startswith("tool") for item in items)


def test_where_text_messages_are_billed_the_seed_goes_into_the_instructions() -> None:
    items = [
        SeedItem("human", "Please hold."),
        SeedItem("agent", "  Sure,\n I'll hold. "),
        SeedItem("system", "You were on hold for 5 min."),
        SeedItem("tool_call", '{"reason":"asked"}', call_id="c", name="wait_on_hold"),
        SeedItem("tool_output", '{"ok":true}', call_id="c"),
        SeedItem("human", "  "),
    ]
    assert frames.seeds(Dialect.XAI, 1, items) == []
    message = checked(frames.session_update(Dialect.XAI, MANNER, "Ask.", [], "configure", items), Dialect.XAI)
    assert message["session"]["instructions"] == (
        "Ask.\n\nWhat has happened on this call so far, oldest first:\nThey: Please hold.\nYou: Sure, I'll hold.\n"
        '(Note): You were on hold for 5 min.\nYou called the tool wait_on_hold with {"reason":"asked"}\n'
        'The tool answered {"ok":true}'
    )
    bare = checked(frames.session_update(Dialect.XAI, MANNER, "Ask.", [], "configure"), Dialect.XAI)
    assert bare["session"]["instructions"] == "Ask."
    assert bare["session"]["voice"] == "sage"


@pytest.mark.parametrize(("name", "kind"), [("marin", "openai"), ("en-US-Ava:DragonHDLatestNeural", "azure-standard")])
def test_voice_live_tells_two_vendors_voices_apart(name: str, kind: str) -> None:
    frame = frames.session_update(Dialect.VOICE_LIVE, Manner(name, "whisper-1"), "Ask.", [], "configure")
    assert checked(frame, Dialect.VOICE_LIVE)["session"]["voice"] == {"type": kind, "name": name}


def test_a_phrase_beside_the_conversation() -> None:
    aside = checked(frames.phrase_create(Dialect.VOICE_LIVE, "p1", "here", "Hello."), Dialect.VOICE_LIVE)["response"]
    assert (aside["commit"], aside["cancel_previous"], aside["input_items"]) == (False, False, [])
    forced = checked(frames.phrase_create(Dialect.XAI, "p1", "here", "Hello."), Dialect.XAI)
    assert forced["item"] == {
        "type": "force_message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello."}],
    }
    checked(frames.delete("a1"), Dialect.XAI)


def test_seeds_are_the_same_each_time() -> None:
    items = [SeedItem("human", "Hello?"), SeedItem("agent", "Hi.")]
    assert frames.seeds(Dialect.GA, 1, items) == frames.seeds(Dialect.GA, 1, items)


def test_the_flat_form_of_a_session() -> None:
    session = {
        "type": "realtime",
        "model": "m",
        "instructions": "i",
        "output_modalities": ["audio"],
        "max_output_tokens": 1024,
        "truncation": "auto",
        "prompt": {"id": "p"},
        "include": [],
        "audio": {
            "input": {
                "format": {"type": "audio/pcma"},
                "noise_reduction": {"type": "near_field"},
                "transcription": None,
                "turn_detection": None,
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "v", "speed": 1.1},
        },
        "tools": [],
        "tool_choice": "none",
    }
    assert frames.ga_to_beta(session) == {
        "modalities": ["audio", "text"],
        "instructions": "i",
        "tools": [],
        "tool_choice": "none",
        "max_response_output_tokens": 1024,
        "input_audio_format": "g711_alaw",
        "output_audio_format": "pcm16",
        "input_audio_noise_reduction": {"type": "near_field"},
        "input_audio_transcription": None,
        "turn_detection": None,
        "voice": "v",
        "speed": 1.1,
    }
    assert frames.ga_to_beta({"output_modalities": ["text"]}) == {"modalities": ["text"]}


def test_half_a_character_is_no_reason_to_fail() -> None:
    assert "\\ud800" in frames.tool_output("call_1", "\ud800")
