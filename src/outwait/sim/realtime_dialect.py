"""The dialects of the realtime wire: the session object's shape, and the names of events.

The simulator thinks in the GA shape. A client's session is translated on its way in, events on their way out; what does
not belong to the client's dialect is refused. The previews' dialect is here, those of other vendors in
`realtime_vendors`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

Dialect: TypeAlias = Literal["ga", "beta", "voicelive", "xai"]
Json: TypeAlias = dict[str, Any]


class Refused(Exception):
    """A client event the server does not accept; becomes an `error` event."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


def read_event(message: str | bytes) -> Json:
    """A client event: a JSON object with a type. Raises Refused."""
    if isinstance(message, bytes):
        raise Refused("invalid_event", "Binary frames are not supported.")
    try:
        event = json.loads(message)
    except ValueError:
        raise Refused("invalid_json", "The message is not valid JSON.") from None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise Refused("missing_required_parameter", "Missing required parameter: 'type'.", "type")
    return event


VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
_FORMATS = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
_VAD_DEFAULTS: Json = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "create_response": True,
    "interrupt_response": True,
    "idle_timeout_ms": None,
}
_GA: Json = {
    "type": None,
    "model": None,
    "instructions": None,
    "output_modalities": None,
    "max_output_tokens": None,
    "tools": None,
    "tool_choice": None,
    "parallel_tool_calls": None,
    "reasoning": None,
    "truncation": None,
    "tracing": None,
    "include": None,
    "prompt": None,
    "audio": {
        "input": {"format": None, "noise_reduction": None, "transcription": None, "turn_detection": None},
        "output": {"format": None, "voice": None, "speed": None},
    },
}
_BETA = frozenset(
    [
        "modalities",
        "instructions",
        "voice",
        "input_audio_format",
        "output_audio_format",
        "input_audio_transcription",
        "input_audio_noise_reduction",
        "turn_detection",
        "tools",
        "tool_choice",
        "temperature",
        "max_response_output_tokens",
        "model",
        "speed",
        "tracing",
    ]
)
_RESPONSE_GA = frozenset(
    [
        "conversation",
        "input",
        "instructions",
        "output_modalities",
        "audio",
        "tools",
        "tool_choice",
        "max_output_tokens",
        "metadata",
        "prompt",
        "reasoning",
        "parallel_tool_calls",
    ]
)
_RESPONSE_BETA = frozenset(
    [
        "conversation",
        "input",
        "instructions",
        "modalities",
        "voice",
        "output_audio_format",
        "tools",
        "tool_choice",
        "temperature",
        "max_response_output_tokens",
        "metadata",
    ]
)
_BETA_EVENTS = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "conversation.item.added": "conversation.item.created",
}
_BETA_SILENT = frozenset({"conversation.item.done"})
_BETA_PARTS = {"output_text": "text", "output_audio": "audio"}


def new_session(
    session_id: str, model: str, expires_at: int, voice: str = "alloy", voices: Iterable[str] = VOICES
) -> Json:
    """The session object before the client changes it, in the GA shape. `voices`: those there are; none: any."""
    pcm = {"type": "audio/pcm", "rate": 24000}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "expires_at": expires_at,
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "truncation": "auto",
        "tracing": None,
        "include": None,
        "prompt": None,
        "voices": list(voices),  # never shown
        "audio": {
            "input": {
                "format": dict(pcm),
                "noise_reduction": None,
                "transcription": None,
                "turn_detection": dict(_VAD_DEFAULTS),
            },
            "output": {"format": dict(pcm), "voice": voice, "speed": 1.0},
        },
    }


def merge_session(session: Json, change: Json) -> Json:
    """The session after a change in the GA shape. Raises Refused."""
    after = copy.deepcopy(session)
    _merge(after, {key: value for key, value in change.items() if key != "type"})
    _check_values(session, after)
    return after


def from_ga(change: Json) -> Json:
    """A change of a GA client. Raises Refused."""
    return _checked(change)


def show_flat(session: Json) -> Json:
    """The session object as a client of the previews sees it."""
    source, sink = session["audio"]["input"], session["audio"]["output"]
    formats = {ga: beta for beta, ga in _FORMATS.items()}
    detection = source["turn_detection"]
    shown = None if detection is None else {k: v for k, v in detection.items() if k != "idle_timeout_ms"}
    return {
        "object": "realtime.session",
        "id": session["id"],
        "model": session["model"],
        "expires_at": session["expires_at"],
        "modalities": ["audio", "text"] if "audio" in session["output_modalities"] else ["text"],
        "instructions": session["instructions"],
        "voice": sink["voice"],
        "speed": sink["speed"],
        "input_audio_format": formats[source["format"]["type"]],
        "output_audio_format": formats[sink["format"]["type"]],
        "input_audio_transcription": source["transcription"],
        "input_audio_noise_reduction": source["noise_reduction"],
        "turn_detection": shown,
        "tools": session["tools"],
        "tool_choice": session["tool_choice"],
        "temperature": session.get("temperature", 0.8),
        "max_response_output_tokens": session["max_output_tokens"],
    }


def check_fields(wanted: Any, known: frozenset[str]) -> Json:
    """The `response` of a `response.create`, with nothing in it that is not known. Raises Refused."""
    if wanted is None:
        return {}
    if not isinstance(wanted, dict):
        raise Refused("invalid_type", "Invalid type for 'response': expected an object.", "response")
    for key in wanted:
        if key not in known:
            raise Refused("unknown_parameter", f"Unknown parameter: 'response.{key}'.", f"response.{key}")
    return dict(wanted)


def check_ga_response(wanted: Any) -> Json:
    """Of a GA client. Raises Refused."""
    return _check_aside(check_fields(wanted, _RESPONSE_GA))


def check_beta_response(wanted: Any) -> Json:
    """Of a client of the previews. Raises Refused."""
    return _check_aside(check_fields(wanted, _RESPONSE_BETA))


def _check_aside(wanted: Json) -> Json:
    if wanted.get("conversation", "auto") not in ("auto", "none"):
        raise Refused("invalid_value", "Invalid value: 'response.conversation'.", "response.conversation")
    if wanted.get("output_modalities") == ["audio", "text"]:
        raise Refused("invalid_value", "Invalid modalities: ['audio', 'text'].", "response.output_modalities")
    return wanted


def speak_beta(event: Json) -> list[Json]:
    """A server event (GA names) as a client of the previews gets it."""
    if event["type"] in _BETA_SILENT:
        return []
    event = {**event, "type": _BETA_EVENTS.get(event["type"], event["type"])}
    if "item" in event:
        event["item"] = _beta_item(event["item"])
    if "response" in event:
        event["response"] = {**event["response"], "output": [_beta_item(i) for i in event["response"]["output"]]}
    return [event]


def _beta_item(item: Json) -> Json:
    if "content" not in item:
        return item
    parts = [{**part, "type": _BETA_PARTS.get(part["type"], part["type"])} for part in item["content"]]
    return {**item, "content": parts}


def _checked(change: Json, known: Json = _GA, path: str = "session") -> Json:
    if path == "session" and change.get("type") != "realtime":
        if "type" not in change:
            raise Refused("missing_required_parameter", "Missing required parameter: 'session.type'.", "session.type")
        raise Refused("invalid_value", f"Invalid value: {change['type']!r}.", "session.type")
    for key, value in change.items():
        if key not in known:
            raise Refused("unknown_parameter", f"Unknown parameter: '{path}.{key}'.", f"{path}.{key}")
        inner = known[key]
        if inner is not None and isinstance(value, dict):
            _checked(value, inner, f"{path}.{key}")
    return change


def from_flat(change: Json) -> Json:
    """A change of a client of the previews. Raises Refused."""
    for key in change:
        if key not in _BETA:
            raise Refused("unknown_parameter", f"Unknown parameter: 'session.{key}'.", f"session.{key}")
    after: Json = {key: change[key] for key in ("instructions", "tools", "tool_choice", "model") if key in change}
    source: Json = {}
    sink: Json = {}
    if "modalities" in change:
        if sorted(change["modalities"]) not in (["audio", "text"], ["text"]):
            raise Refused("invalid_value", f"Invalid modalities: {change['modalities']}.", "session.modalities")
        after["output_modalities"] = ["audio"] if "audio" in change["modalities"] else ["text"]
    if "max_response_output_tokens" in change:
        after["max_output_tokens"] = change["max_response_output_tokens"]
    if "temperature" in change and not 0.6 <= float(change["temperature"]) <= 1.2:
        raise Refused("invalid_value", "Invalid 'session.temperature'.", "session.temperature")
    for side, name in ((source, "input_audio_format"), (sink, "output_audio_format")):
        if name in change:
            if change[name] not in _FORMATS:
                raise Refused("invalid_value", f"Invalid value: {change[name]!r}.", f"session.{name}")
            kind = _FORMATS[change[name]]
            side["format"] = {"type": kind, "rate": 24000} if kind == "audio/pcm" else {"type": kind}
    for ours, theirs in (("transcription", "input_audio_transcription"), ("turn_detection", "turn_detection")):
        if theirs in change:
            source[ours] = change[theirs]
    if "idle_timeout_ms" in (change.get("turn_detection") or {}):
        where = "session.turn_detection.idle_timeout_ms"
        raise Refused("unknown_parameter", f"Unknown parameter: '{where}'.", where)
    if "input_audio_noise_reduction" in change:
        source["noise_reduction"] = change["input_audio_noise_reduction"]
    sink |= {key: change[key] for key in ("voice", "speed") if key in change}
    after["audio"] = {"input": source, "output": sink}
    return after


def _merge(into: Json, change: Json) -> None:
    for key, value in change.items():
        if key in ("audio", "input", "output") and isinstance(value, dict):
            _merge(into[key], value)
        elif key == "turn_detection" and isinstance(value, dict) and value.get("type") == "server_vad":
            into[key] = {**_VAD_DEFAULTS, **value}
        else:
            into[key] = value


def _check_values(before: Json, after: Json) -> None:
    if after["model"] != before["model"]:
        raise Refused("invalid_value", "Cannot change the model of a session.", "session.model")
    if after["output_modalities"] not in (["audio"], ["text"]):
        found = after["output_modalities"]
        raise Refused("invalid_value", f"Invalid modalities: {found}.", "session.output_modalities")
    for side in ("input", "output"):
        sound = after["audio"][side]["format"]
        kind = sound.get("type") if isinstance(sound, dict) else None
        if kind not in _FORMATS.values():
            raise Refused("invalid_value", f"Invalid value: {sound!r}.", f"session.audio.{side}.format")
        if (kind == "audio/pcm") != ("rate" in sound):
            where = f"session.audio.{side}.format.rate"
            raise Refused("invalid_value", f"Invalid 'rate' for {kind}.", where)
    voice = after["audio"]["output"]["voice"]
    if after["voices"] and voice not in after["voices"] and not isinstance(voice, dict):
        raise Refused("invalid_value", f"Invalid value: {voice!r}.", "session.audio.output.voice")
    idle = (after["audio"]["input"]["turn_detection"] or {}).get("idle_timeout_ms")
    if idle is not None and not 5000 <= idle <= 30000:
        where = "session.audio.input.turn_detection.idle_timeout_ms"
        raise Refused("invalid_value", f"Invalid value: {idle}. Must be between 5000 and 30000.", where)
    for place, tool in enumerate(after["tools"]):
        if not isinstance(tool, dict) or tool.get("type") not in ("function", "mcp"):
            raise Refused("invalid_value", "Invalid tool.", f"session.tools[{place}].type")
        if tool["type"] == "function" and not tool.get("name"):
            where = f"session.tools[{place}].name"
            raise Refused("missing_required_parameter", f"Missing required parameter: '{where}'.", where)
