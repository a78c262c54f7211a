"""What the simulated services of a cascade insist on: the fields of OpenAI's HTTP wire, and nothing besides."""

from __future__ import annotations

import io
import wave
from email.parser import BytesParser
from typing import Any

import numpy as np

from outwait.audio import g711
from outwait.sim.mind import Turn, View

Json = dict[str, Any]

MAX_INPUT = 4096  # characters of one speech
SHORTEST_MS = 100  # of sound to be written down

_CHAT = {
    "model",
    "messages",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "temperature",
    "max_completion_tokens",
}
_SPEECH = {"model", "input", "voice", "response_format", "speed", "instructions", "stream_format"}
_FORM = {"file", "model", "response_format", "language", "prompt", "temperature"}
_MESSAGES = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}


class Refused(Exception):
    """Answered with this status, in OpenAI's form of an error."""

    def __init__(self, message: str, *, status: int = 400, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def body(self) -> Json:
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": str(self), "type": kind, "param": None, "code": self.code}}


def check_chat(body: Json) -> None:
    """A request for /chat/completions. Raises Refused."""
    _known(body, _CHAT, {"model", "messages"})
    if body.get("stream") is not True:
        raise Refused("This simulator only streams.")
    if set(body.get("stream_options") or {}) - {"include_usage"}:
        raise Refused("Unknown stream option.")
    for tool in body.get("tools") or []:
        _known(tool, {"type", "function"}, {"type", "function"})
        _known(tool["function"], {"name", "description", "parameters", "strict"}, {"name"})
        if tool["type"] != "function":
            raise Refused(f"Invalid type of tool: {tool['type']!r}")
    if not isinstance(body["messages"], list) or not body["messages"]:
        raise Refused("'messages' must not be empty.")
    _check_messages(body["messages"])


def _check_messages(messages: list[Json]) -> None:
    owed: list[str] = []
    for number, message in enumerate(messages):
        role = message.get("role")
        if role not in _MESSAGES:
            raise Refused(f"messages[{number}]: invalid role {role!r}")
        _known(message, _MESSAGES[role], {"role"})
        if role == "tool":
            if message.get("tool_call_id") not in owed:
                raise Refused("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'.")
            owed.remove(message["tool_call_id"])
        elif owed:
            raise Refused("An assistant message with 'tool_calls' must be followed by tool messages for each of them.")
        if not (message.get("content") or message.get("tool_calls")) or not isinstance(message.get("content", ""), str):
            raise Refused(f"messages[{number}]: no content")
        for call in message.get("tool_calls") or []:
            _known(call, {"id", "type", "function"}, {"id", "type", "function"})
            _known(call["function"], {"name", "arguments"}, {"name", "arguments"})
            owed.append(call["id"])
    if owed:
        raise Refused("An assistant message with 'tool_calls' must be followed by tool messages for each of them.")


def check_speech(body: Json) -> None:
    """A request for /audio/speech. Raises Refused."""
    _known(body, _SPEECH, {"model", "input", "voice"})
    if not isinstance(body["input"], str) or not 0 < len(body["input"]) <= MAX_INPUT:
        raise Refused("'input' must have between 1 and 4096 characters.")
    if body.get("response_format") not in ("pcm", "wav"):
        raise Refused("This simulator only speaks pcm and wav.")


def read_form(content_type: str, body: bytes) -> tuple[Json, bytes]:
    """A multipart form for /audio/transcriptions: its fields, and its sound as mu-law. Raises Refused."""
    if not content_type.startswith("multipart/form-data"):
        raise Refused("Expected multipart/form-data.")
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields: Json = {}
    for part in message.get_payload():
        name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
        data = part.get_payload(decode=True)  # type: ignore[union-attr]
        fields[str(name)] = data if name == "file" else bytes(data).decode()
    _known(fields, _FORM, {"file", "model"})
    return fields, _ulaw(fields.pop("file"))


def _ulaw(file: bytes) -> bytes:
    try:
        with wave.open(io.BytesIO(file)) as sound:
            form = (sound.getframerate(), sound.getnchannels(), sound.getsampwidth())
            frames = sound.readframes(sound.getnframes())
    except (wave.Error, EOFError) as error:
        raise Refused(f"Invalid file format: {error}") from None
    if form != (8000, 1, 2):
        raise Refused(f"This simulator only hears 8,000 samples a second of one channel: {form}")
    if len(frames) < 16 * SHORTEST_MS:
        raise Refused("Audio file is too short.", code="audio_too_short")
    return g711.encode(np.frombuffer(frames, "<i2"))


def view(body: Json) -> View:
    """The conversation as a mind sees it."""
    messages = body["messages"]
    instructions = messages[0]["content"] if messages[0]["role"] == "system" else ""
    rest = messages[1:] if instructions else messages
    request = rest[-1]["content"] if rest and rest[-1]["role"] == "system" else ""
    turns: list[Turn] = []
    for message in rest:
        role = "result" if message["role"] == "tool" else message["role"]
        if message.get("content"):
            turns.append(Turn(role, message["content"]))
        turns += [Turn("call", call["function"]["name"]) for call in message.get("tool_calls") or []]
    if request:
        turns.pop()
    tools = frozenset(tool["function"]["name"] for tool in body.get("tools") or [])
    return View(instructions, tuple(turns), tools, request=request)


def _known(given: Any, allowed: set[str], needed: set[str]) -> None:
    if not isinstance(given, dict):
        raise Refused("Expected an object.", code="invalid_type")
    if unknown := set(given) - allowed:
        raise Refused(f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}")
    if missing := needed - set(given):
        raise Refused(f"Missing required parameter: {', '.join(sorted(missing))}", code="missing_required_parameter")
