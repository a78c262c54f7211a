"""What each vendor makes of the realtime wire: how sessions come in and go out, what a response may ask, what is told.

`MANNERS` has one entry for each dialect. Voice Live is written from azure-ai-voicelive 1.3.1, xAI from the events that
livekit-plugins-xai 1.8.9 and pipecat 1.14.0 send and expect.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from outwait.sim.realtime_dialect import (
    VOICES,
    Dialect,
    Json,
    Refused,
    check_beta_response,
    check_fields,
    check_ga_response,
    from_flat,
    from_ga,
    merge_session,
    show_flat,
    speak_beta,
)


@dataclass(frozen=True)
class Manner:
    """One dialect.

    read
        a client's change of the session, in the GA shape. Raises Refused
    show
        the session object as the client sees it
    check
        the `response` of a `response.create`, in GA words. Raises Refused
    speak
        an event in GA names, as the client gets it
    voice, voices
        of a new session; all that there are, none = any
    greeting
        types of events that follow session.created
    forces
        items of type `force_message` are spoken as they are
    by_time
        every second of a connection is billed
    """

    read: Callable[[Json], Json]
    show: Callable[[Json], Json]
    check: Callable[[Any], Json]
    speak: Callable[[Json], list[Json]]
    voice: str = "alloy"
    voices: tuple[str, ...] = VOICES
    greeting: tuple[Json, ...] = ()
    forces: bool = False
    by_time: bool = False


def update_session(session: Json, change: Any, dialect: Dialect) -> Json:
    """The session after a `session.update`. Raises Refused."""
    if not isinstance(change, dict):
        raise Refused("missing_required_parameter", "Missing required parameter: 'session'.", "session")
    return merge_session(session, MANNERS[dialect].read(change))


# GA


def _show(session: Json) -> Json:
    return {key: value for key, value in copy.deepcopy(session).items() if key != "voices"}


def _as_it_is(event: Json) -> list[Json]:
    return [event]


# Voice Live

_VOICE_LIVE_MORE = frozenset(
    [
        "animation",
        "input_audio_sampling_rate",
        "input_audio_echo_cancellation",
        "avatar",
        "output_audio_timestamp_types",
        "parallel_tool_calls",
        "reasoning_effort",
        "interim_response",
        "include",
        "metadata",
    ]
)
_VOICE_LIVE_TURNS = ("server_vad", "azure_semantic_vad", "azure_semantic_vad_en", "azure_semantic_vad_multilingual")
_VOICE_LIVE_RESPONSE = frozenset(
    [
        "commit",
        "cancel_previous",
        "append_input_items",
        "input_items",
        "modalities",
        "instructions",
        "voice",
        "output_audio_format",
        "tools",
        "tool_choice",
        "temperature",
        "max_output_tokens",
        "pre_generated_assistant_message",
        "reasoning_effort",
        "metadata",
        "interim_response",
        "invoke_input",
    ]
)


def _from_voice_live(change: Json) -> Json:
    more = {key: value for key, value in change.items() if key in _VOICE_LIVE_MORE}
    flat = {key: value for key, value in change.items() if key not in more}
    turns = flat.get("turn_detection")
    if turns is not None and turns.get("type") not in _VOICE_LIVE_TURNS:
        raise Refused("invalid_value", "Invalid turn detection.", "session.turn_detection.type")
    rate = more.get("input_audio_sampling_rate", 24000)
    g711 = str(flat.get("input_audio_format", "")).startswith("g711")
    if rate not in (8000, 16000, 24000) or (g711 and rate != 8000):
        where = "session.input_audio_sampling_rate"
        raise Refused("invalid_value", f"Invalid sampling rate {rate} for this format.", where)
    voice = flat.get("voice")
    if isinstance(voice, dict):
        kind, name = voice.get("type"), voice.get("name")
        if kind not in ("openai", "azure-standard", "azure-custom", "azure-personal") or not name:
            raise Refused("invalid_value", f"Invalid voice: {voice!r}.", "session.voice")
        if kind == "openai" and name not in VOICES:
            raise Refused("invalid_value", f"Invalid voice: {name!r}.", "session.voice.name")
    return from_flat(flat)


def _check_voice_live(wanted: Any) -> Json:
    checked = check_fields(wanted, _VOICE_LIVE_RESPONSE)
    if checked.get("commit") is False:
        checked["conversation"] = "none"
    if "input_items" in checked:
        checked["input"] = checked["input_items"]
    return checked


# xAI

_XAI = frozenset(
    ["type", "instructions", "voice", "turn_detection", "audio", "tools", "reasoning", "resumption", "replace"],
)
_XAI_TURNS = frozenset(
    [
        "type",
        "threshold",
        "silence_duration_ms",
        "prefix_padding_ms",
        "idle_timeout_ms",
        "create_response",
        "interrupt_response",
    ]
)
_XAI_AUDIO = {"input": {"format", "transcription", "transport"}, "output": {"format", "speed", "transport"}}
_XAI_RESPONSE = frozenset(["modalities", "instructions", "metadata"])
_XAI_NOT_TOLD = frozenset({"conversation.item.done", "rate_limits.updated"})
_XAI_WORDS = "conversation.item.input_audio_transcription."


def _from_xai(change: Json) -> Json:
    _known(change, _XAI, "session")
    audio = change.get("audio") or {}
    _known(audio, frozenset(_XAI_AUDIO), "session.audio")
    for side, fields in _XAI_AUDIO.items():
        _known(audio.get(side) or {}, frozenset(fields), f"session.audio.{side}")
        if (audio.get(side) or {}).get("transport", "json") != "json":
            raise Refused("invalid_value", "This server has no binary transport.", f"session.audio.{side}.transport")
    after: Json = {key: change[key] for key in ("instructions", "tools") if key in change}
    source = {key: value for key, value in (audio.get("input") or {}).items() if key != "transport"}
    sink = {key: value for key, value in (audio.get("output") or {}).items() if key != "transport"}
    if "turn_detection" in change:
        turns = change["turn_detection"]
        _known(turns or {}, _XAI_TURNS, "session.turn_detection")
        if turns and not 0.1 <= turns.get("threshold", 0.5) <= 0.9:
            raise Refused("invalid_value", "Invalid threshold.", "session.turn_detection.threshold")
        source["turn_detection"] = turns
    if "voice" in change:
        sink["voice"] = change["voice"]
    return after | {"audio": {"input": source, "output": sink}}


def _show_xai(session: Json) -> Json:
    source, sink = dict(session["audio"]["input"]), dict(session["audio"]["output"])
    return {
        "object": "realtime.session",
        "id": session["id"],
        "model": session["model"],
        "instructions": session["instructions"],
        "voice": sink.pop("voice"),
        "turn_detection": source.pop("turn_detection"),
        "audio": {"input": source, "output": sink},
        "tools": session["tools"],
    }


def _check_xai(wanted: Any) -> Json:
    checked = check_fields(wanted, _XAI_RESPONSE)
    if "modalities" in checked and not set(checked["modalities"]) <= {"text", "audio"}:
        raise Refused("invalid_value", "Invalid modalities.", "response.modalities")
    return checked


def _speak_xai(event: Json) -> list[Json]:
    """Little is told of usage and of times, and the person's words come in versions."""
    kind = event["type"]
    if kind in _XAI_NOT_TOLD:
        return []
    if kind.startswith("input_audio_buffer.speech_"):
        return [{key: value for key, value in event.items() if not key.endswith("_ms")}]
    if kind == "response.done":
        return [{**event, "response": {**event["response"], "usage": {}}}]
    if kind == _XAI_WORDS + "delta":
        rest = {key: value for key, value in event.items() if key != "delta"}
        return [{**rest, "type": _XAI_WORDS + "updated", "transcript": event["delta"]}]
    if kind == _XAI_WORDS + "completed":
        words = event["transcript"].split(" ")
        told = {key: value for key, value in event.items() if key != "usage"}
        half, most = " ".join(words[: len(words) // 2]), " ".join(words[:-1])
        return [{**told, "transcript": half, "status": "in_progress"}, {**told, "transcript": most}, told]
    return [event]


def _known(value: Any, fields: frozenset[str], where: str) -> None:
    if not isinstance(value, dict):
        raise Refused("invalid_type", f"Invalid type for '{where}': expected an object.", where)
    for key in value:
        if key not in fields:
            raise Refused("unknown_parameter", f"Unknown parameter: '{where}.{key}'.", f"{where}.{key}")


MANNERS: dict[Dialect, Manner] = {
    "ga": Manner(from_ga, _show, check_ga_response, _as_it_is),
    "beta": Manner(from_flat, show_flat, check_beta_response, speak_beta),
    "voicelive": Manner(_from_voice_live, show_flat, _check_voice_live, speak_beta),
    "xai": Manner(
        _from_xai,
        _show_xai,
        _check_xai,
        _speak_xai,
        voice="eve",
        voices=(),
        greeting=(
            {"type": "conversation.created", "conversation": {"id": "conv_sim", "object": "realtime.conversation"}},
            {"type": "ping", "timestamp": 0},
        ),
        forces=True,
        by_time=True,
    ),
}
"""All dialects."""
