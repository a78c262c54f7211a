"""What we say to a Realtime server: JSON text for all dialects.

A session is described once, in the current ("GA") form; `FORMS` says what each dialect makes of it, and how else it
differs.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2s
from typing import Any

import msgspec

from outwait.call.commands import SeedItem
from outwait.engines.openai.messages import PHRASE_KEY
from outwait.engines.seeds import told

MAX_ID = 32  # characters of an item id or call id that we choose; a longer one may be refused (unverified)

_VAD_THRESHOLD = 0.5  # 0..1, the servers' own default
_VAD_PREFIX_MS = 300  # ms of sound before the onset that belong to a turn, the servers' own default
_VAD_SILENCE_MS = 500  # ms of silence that end a turn, the current default; previews had 200, which cuts people off

_BETA_FORMATS = {"audio/pcmu": "g711_ulaw", "audio/pcma": "g711_alaw", "audio/pcm": "pcm16"}
_BETA_MODALITIES = ["audio", "text"]  # a preview refuses ["audio"] alone
_G711_RATE = 8000  # samples a second
_OPENAI_VOICES = frozenset(["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"])
_XAI_TURNS = frozenset({"type", "threshold", "prefix_padding_ms", "silence_duration_ms"})


class Dialect(StrEnum):
    """Which form of session and content parts a server takes."""

    GA = "ga"  # OpenAI, Azure v1
    BETA = "beta"  # Azure's dated previews
    VOICE_LIVE = "voice-live"  # Azure Voice Live: the previews' form, with more in it
    XAI = "xai"  # near GA, with some of a session's parts at its top


@dataclass(frozen=True, slots=True)
class Manner:
    """How the agent sounds and hears."""

    voice: str
    transcription: str  # model that writes down what the person says; on Azure the name of its deployment


class Aside(StrEnum):
    """How a text is spoken outside the conversation."""

    CONVERSATION = "conversation"  # a response of no conversation
    UNCOMMITTED = "uncommitted"  # a response that is not committed to it
    FORCED = "forced"  # in the conversation, word for word, and deleted from it afterwards


@dataclass(frozen=True, slots=True)
class Form:
    """How a dialect differs from the others."""

    session: Callable[[dict[str, Any]], dict[str, Any]]  # makes its session of the GA one
    modalities: Mapping[str, Sequence[str]]  # that make a response heard
    agent_part: str  # type of the part with the agent's words
    aside: Aside = Aside.CONVERSATION
    response_tools: bool = True  # a single response may do without tools
    seeds_as_items: bool = True  # False: what was said before goes into the instructions
    by_time: bool = False  # every second of a session is billed, and what a response used is not
    growing_words: bool = False  # the person's words come in versions, each better than the one before


def append(ulaw: bytes) -> str:
    """The person's sound. Fifty a second, so it is put together by hand."""
    return '{"type":"input_audio_buffer.append","audio":"' + b2a_base64(ulaw, newline=False).decode("ascii") + '"}'


def commit() -> str:
    """End the person's turn."""
    return '{"type":"input_audio_buffer.commit"}'


def session_update(
    dialect: Dialect,
    manner: Manner,
    instructions: str,
    tools: Sequence[Mapping[str, object]],
    event_id: str,
    seed: Sequence[SeedItem] = (),
) -> str:
    """The whole configuration of a session; with what was said before, where that goes into the instructions."""
    form = FORMS[dialect]
    if seed and not form.seeds_as_items:
        instructions = f"{instructions}\n\n{told(seed)}"
    session = form.session(ga_session(manner, instructions, tools))
    return _json({"type": "session.update", "event_id": event_id, "session": session})


def ga_session(manner: Manner, instructions: str, tools: Sequence[Mapping[str, object]]) -> dict[str, Any]:
    """The session object of the current dialect: mu-law both ways, so that a phone's sound passes untouched.

    There is no idle timeout: it turns silence into paid turns, up to every five seconds.
    """
    return {
        "type": "realtime",
        "instructions": instructions,
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"},
                "transcription": {"model": manner.transcription},
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": _VAD_THRESHOLD,
                    "prefix_padding_ms": _VAD_PREFIX_MS,
                    "silence_duration_ms": _VAD_SILENCE_MS,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": {"type": "audio/pcmu"}, "voice": manner.voice},
        },
        "tools": [dict(tool) for tool in tools],
        "tool_choice": "auto",
    }


def ga_to_beta(session: Mapping[str, Any]) -> dict[str, Any]:
    """The flat form. Parts that a preview does not know are left out."""
    heard = session.get("audio", {}).get("input", {})
    spoken = session.get("audio", {}).get("output", {})
    flat: dict[str, Any] = {}
    if "output_modalities" in session:
        audio = "audio" in session["output_modalities"]
        flat["modalities"] = list(_BETA_MODALITIES) if audio else list(session["output_modalities"])
    for name in ("instructions", "tools", "tool_choice"):
        if name in session:
            flat[name] = session[name]
    if "max_output_tokens" in session:
        flat["max_response_output_tokens"] = session["max_output_tokens"]
    if "format" in heard:
        flat["input_audio_format"] = _BETA_FORMATS[heard["format"]["type"]]
    if "format" in spoken:
        flat["output_audio_format"] = _BETA_FORMATS[spoken["format"]["type"]]
    for name, flat_name in (
        ("noise_reduction", "input_audio_noise_reduction"),
        ("transcription", "input_audio_transcription"),
        ("turn_detection", "turn_detection"),
    ):
        if name in heard:
            flat[flat_name] = heard[name]
    for name in ("voice", "speed"):
        if name in spoken:
            flat[name] = spoken[name]
    return flat


def ga_to_voice_live(session: Mapping[str, Any]) -> dict[str, Any]:
    """The flat form of the previews, the sampling rate said, and voices of two vendors told apart."""
    flat = ga_to_beta(session)
    if "input_audio_format" in flat:
        flat["input_audio_sampling_rate"] = _G711_RATE
    voice = flat.get("voice")
    if isinstance(voice, str):
        kind = "openai" if voice in _OPENAI_VOICES else "azure-standard"
        flat["voice"] = {"type": kind, "name": voice}
    return flat


def ga_to_xai(session: Mapping[str, Any]) -> dict[str, Any]:
    """Voice and turn detection at the top. What its documents do not name is left out."""
    heard, spoken = session["audio"]["input"], session["audio"]["output"]
    turns = {name: value for name, value in heard["turn_detection"].items() if name in _XAI_TURNS}
    return {
        "instructions": session["instructions"],
        "voice": spoken["voice"],
        "turn_detection": turns,
        "audio": {
            "input": {"format": heard["format"], "transcription": heard["transcription"]},
            "output": {"format": spoken["format"]},
        },
        "tools": session["tools"],
    }


def seeds(dialect: Dialect, session: int, items: Sequence[SeedItem]) -> list[str]:
    """What a new session must know, as items with ids of our own: sent twice, they count once.

    Items without words are left out: a server refuses an empty part.
    """
    if not FORMS[dialect].seeds_as_items:
        return []
    frames = []
    for index, item in enumerate(items):
        body = _item(dialect, item)
        if body is not None:
            name = f"ow_{session}_{index}"
            body["id"] = name
            frames.append(_json({"type": "conversation.item.create", "event_id": f"seed_{index}", "item": body}))
    return frames


def tool_output(call_id: str, output: str) -> str:
    """What a tool gave. Nothing is said to it until a response is asked for."""
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return _json({"type": "conversation.item.create", "item": item})


def response_create(dialect: Dialect, event_id: str, instructions: str, *, tools: bool) -> str:
    """Ask for an answer. `instructions` are for this one alone; empty: those of the session."""
    response: dict[str, Any] = {}
    if instructions:
        response["instructions"] = instructions
    if not tools and FORMS[dialect].response_tools:
        response["tools"] = []
        response["tool_choice"] = "none"
    message: dict[str, Any] = {"type": "response.create", "event_id": event_id}
    if response:
        message["response"] = response | dict(FORMS[dialect].modalities)
    return _json(message)


def phrase_create(dialect: Dialect, event_id: str, phrase: str, text: str) -> str:
    """Ask for a text to be spoken outside the conversation: it sees nothing of it and leaves nothing in it."""
    form = FORMS[dialect]
    if form.aside is Aside.FORCED:
        item = {"type": "force_message", "role": "assistant", "content": [{"type": form.agent_part, "text": text}]}
        return _json({"type": "conversation.item.create", "event_id": event_id, "item": item})
    response: dict[str, Any] = {
        "metadata": {PHRASE_KEY: phrase},
        "instructions": (
            "Read the following line aloud on the phone, in your normal friendly voice. Say these words exactly, "
            f"nothing before them and nothing after them: {text}"
        ),
        "tools": [],
        "tool_choice": "none",
    }
    if form.aside is Aside.CONVERSATION:
        response |= {"conversation": "none", "input": []}
    else:
        # It would cancel what is being said by default; an empty input means none of the conversation
        response |= {"commit": False, "cancel_previous": False, "input_items": []}
    return _json({"type": "response.create", "event_id": event_id, "response": response | dict(form.modalities)})


def delete(item: str) -> str:
    """Take an item out of the conversation."""
    return _json({"type": "conversation.item.delete", "item_id": item})


def response_cancel(response: str | None) -> str:
    """Stop an answer; None: whichever is being made."""
    message = {"type": "response.cancel"}
    if response is not None:
        message["response_id"] = response
    return _json(message)


def truncate(item: str, heard_ms: int) -> str:
    """Cut what the agent said to what was heard. More than the item holds is an error of the server."""
    return _json(
        {"type": "conversation.item.truncate", "item_id": item, "content_index": 0, "audio_end_ms": heard_ms},
    )


def _item(dialect: Dialect, item: SeedItem) -> dict[str, Any] | None:
    if item.kind == "tool_call":
        name, arguments = item.name, item.text
        return {"type": "function_call", "call_id": _short(item.call_id), "name": name, "arguments": arguments}
    if item.kind == "tool_output":
        return {"type": "function_call_output", "call_id": _short(item.call_id), "output": item.text}
    if not item.text.strip():
        return None
    if item.kind == "agent":
        # A client can't put the agent's voice into a conversation, only its words
        return _message("assistant", FORMS[dialect].agent_part, item.text)
    return _message("system" if item.kind == "system" else "user", "input_text", item.text)


def _message(role: str, part: str, text: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": part, "text": text}]}


def _short(call_id: str) -> str:
    """A call id that fits: another engine's may be longer. Call and output get the same."""
    if len(call_id) <= MAX_ID:
        return call_id
    return "c_" + blake2s(call_id.encode("utf-8", "surrogatepass"), digest_size=15).hexdigest()


def _json(message: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(message).decode()
    except UnicodeEncodeError:
        # Half a surrogate pair in somebody's text: not UTF-8, but JSON can say it
        return json.dumps(message)


def _same(session: dict[str, Any]) -> dict[str, Any]:
    return session


_BETA_SPOKEN: Mapping[str, Sequence[str]] = {"modalities": _BETA_MODALITIES}

FORMS: Mapping[Dialect, Form] = {
    Dialect.GA: Form(_same, {"output_modalities": ["audio"]}, "output_text"),
    Dialect.BETA: Form(ga_to_beta, _BETA_SPOKEN, "text"),
    Dialect.VOICE_LIVE: Form(ga_to_voice_live, _BETA_SPOKEN, "text", aside=Aside.UNCOMMITTED),
    Dialect.XAI: Form(
        ga_to_xai,
        {"modalities": ["text", "audio"]},
        "output_text",
        aside=Aside.FORCED,
        response_tools=False,
        seeds_as_items=False,  # every text message is billed
        by_time=True,
        growing_words=True,
    ),
}
"""All dialects."""
