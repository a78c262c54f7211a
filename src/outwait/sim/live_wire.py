"""The Live wire as its server insists on it: client events and the configuration of a session, every field known.

From the vendor's own description of the events; what it refuses is refused here with an error that names the field.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
from typing import Any, TypeAlias

from outwait.sim.mind import Turn
from outwait.sim.pipes import Message
from outwait.sim.realtime_bill import of_text
from outwait.sim.realtime_dialect import Refused

Json: TypeAlias = dict[str, Any]

MAX_MESSAGES = 128
MAX_HISTORY = 8192  # tokens
MAX_INSTRUCTIONS = 16_384  # tokens
MAX_APPEND = 500  # tokens
MAX_FIXTURE = 30 * 24_000 * 2  # bytes
MESSAGE_OVERHEAD = 4  # tokens

VOICES = frozenset({"alloy", "ash", "ballad", "beacon", "bossa", "cedar", "cinder", "coral", "delta", "echo", "gleam"})
VOICES |= {"marin", "meridian", "quartz", "ripple", "sage", "shida", "shimmer", "stone", "tempo", "verse", "vesper"}
VOICES |= {"willow"}
_RATES = {"audio/pcm": (16_000, 24_000), "audio/pcmu": (8000,), "audio/pcma": (8000,)}
_PARTS = {"developer": {"input_text"}, "user": {"input_text"}, "assistant": {"text", "output_text"}}

# Fields of each client event beside type and event_id: those it must have, and those it may.
_EVENTS: dict[str, tuple[set[str], set[str]]] = {
    "session.start": ({"session"}, set()),
    "session.update": ({"session"}, set()),
    "session.input_audio.append": ({"audio"}, set()),
    "session.input_audio.mute": (set(), set()),
    "session.input_audio.unmute": (set(), set()),
    "session.output_audio.fixture.play": ({"audio"}, set()),
    "session.instructions.append": ({"content", "delegation_id"}, set()),
    "session.thinking.append": ({"content", "delegation_id"}, set()),
    "session.commentary.append": ({"content", "delegation_id"}, set()),
    "response.item.create": ({"item"}, set()),
    "response.create": (set(), set()),
    "session.close": (set(), set()),
}
_SESSION = {"model", "audio", "delegation", "input", "instructions", "safety_identifier", "store"}
_BACKEND = {
    "model",
    "instructions",
    "max_output_tokens",
    "parallel_tool_calls",
    "reasoning",
    "service_tier",
    "text",
    "tool_choice",
    "tools",
}
_TOOL = {"type", "name", "description", "parameters", "strict"}


class Outbox:
    """What the server of one session says, with ids of its own and the client's where it is answered."""

    def __init__(self, number: int, errors: list[str]) -> None:
        """`errors`: where the codes of what is refused are put down."""
        self._number = number
        self._errors = errors
        self._count = itertools.count(1)
        self._out: list[Message] = []

    def emit(self, event: Json, *, name: bool = True) -> None:
        """`name`: the event has an id."""
        self._out.append(json.dumps(({"event_id": self.new_id("event")} if name else {}) | event))

    def answer(self, event: Json, kind: str, **fields: Any) -> None:
        """To a client event."""
        about = {"client_event_id": event["event_id"]} if event.get("event_id") else {}
        self.emit({"type": kind, **fields, **about})

    def error(self, code: str, message: str, param: str | None, about: Any) -> None:
        """A refusal; `about`: the id of the client event, if it had one."""
        self._errors.append(code)
        error = {"type": "invalid_request_error", "code": code, "message": message, "param": param}
        self.emit({"type": "error", "error": error | ({"client_event_id": about} if isinstance(about, str) else {})})

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_s{self._number}_{next(self._count)}"

    def take(self) -> list[Message]:
        """What has been said since the last time."""
        out, self._out = self._out, []
        return out


def check_event(event: Json) -> None:
    """A client event has the fields of its type. Raises Refused."""
    fields = _EVENTS.get(event["type"])
    if fields is None:
        known = ", ".join(sorted(_EVENTS))
        raise Refused("unknown_event", f"Unknown event type {event['type']!r}. Supported: {known}.", "type")
    must, may = fields
    _known(event, must | may | {"type", "event_id"}, "")
    for name in sorted(must - event.keys()):
        raise Refused("missing_required_parameter", f"Missing required parameter: '{name}'.", name)


def check_session(session: Any, models: frozenset[str]) -> Json:
    """What `session.start` asks for. Raises Refused."""
    if not isinstance(session, dict):
        raise Refused("invalid_type", "Invalid type for 'session'.", "session")
    _known(session, _SESSION, "session.")
    if session.get("model") not in models:
        raise Refused("model_not_found", f"The model {session.get('model')!r} does not exist.", "session.model")
    if of_text(session.get("instructions") or "") > MAX_INSTRUCTIONS:
        raise Refused("string_above_max_length", "'session.instructions' is too long.", "session.instructions")
    _check_audio(session.get("audio") or {})
    _check_delegation(session.get("delegation") or {"type": "client"})
    history(session.get("input") or [])
    return session


def check_fork(session: Any) -> Json:
    """What `session.start` may change of a stored session that goes on. Raises Refused."""
    _known(session, {"audio", "delegation", "store"}, "session.")
    _known(session.get("audio") or {}, {"format"}, "session.audio.")
    _check_audio(session.get("audio") or {})
    return dict(session)


def check_update(session: Any, delegation: str) -> None:
    """A session may change how its backend works, and nothing else. Raises Refused."""
    if not isinstance(session, dict):
        raise Refused("invalid_type", "Invalid type for 'session'.", "session")
    _known(session, {"delegation"}, "session.")
    wanted = session.get("delegation") or {}
    if wanted.get("type") != delegation:
        raise Refused("invalid_value", "The delegation type cannot change.", "session.delegation.type")
    _known(wanted.get("responses") or {}, _BACKEND, "session.delegation.responses.")


def history(messages: Any) -> list[Turn]:
    """What was said before. Raises Refused."""
    if not isinstance(messages, list) or len(messages) > MAX_MESSAGES:
        raise Refused("invalid_value", f"'session.input' takes at most {MAX_MESSAGES} messages.", "session.input")
    turns: list[Turn] = []
    tokens = 0
    for place, message in enumerate(messages):
        where = f"session.input[{place}]"
        if not isinstance(message, dict) or message.get("type", "message") != "message":
            raise Refused("invalid_value", f"{where} is no message.", where)
        _known(message, {"type", "role", "content", "id", "status"}, f"{where}.")
        role, content = message.get("role"), message.get("content")
        if role not in _PARTS:
            raise Refused("invalid_value", f"Invalid value: {role!r}.", f"{where}.role")
        if not isinstance(content, list) or len(content) != 1:
            raise Refused("invalid_value", f"{where}.content takes exactly one part.", f"{where}.content")
        part = content[0]
        if not isinstance(part, dict) or part.get("type") not in _PARTS[role] or not isinstance(part.get("text"), str):
            raise Refused("invalid_value", f"{where}.content[0] is no text of this role.", f"{where}.content[0]")
        tokens += of_text(part["text"]) + MESSAGE_OVERHEAD
        turns.append(Turn("system" if role == "developer" else role, part["text"]))
    if tokens > MAX_HISTORY:
        raise Refused("input_too_long", f"'session.input' renders to {tokens} tokens.", "session.input")
    return turns


def check_context(event: Json, delegation: str, known: set[str]) -> str:
    """The content of an append. Raises Refused."""
    content, about = event["content"], event["delegation_id"]
    if not isinstance(content, str) or not content.strip():
        raise Refused("invalid_value", "'content' must be text.", "content")
    if of_text(content) > MAX_APPEND:
        raise Refused("string_above_max_length", f"'content' takes at most {MAX_APPEND} tokens.", "content")
    if about is not None and (delegation != "client" or about not in known):
        raise Refused("invalid_value", "Unknown 'delegation_id'.", "delegation_id")
    return content


def decode(encoded: Any) -> bytes:
    """Sound in base64. Raises Refused."""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Refused("invalid_value", "Invalid 'audio': not base64.", "audio") from None


def _check_audio(audio: Any) -> None:
    _known(audio, {"format", "output"}, "session.audio.")
    form = audio.get("format")
    if form is not None:
        _known(form, {"type", "rate"}, "session.audio.format.")
        if form.get("rate") not in _RATES.get(form.get("type"), ()):
            raise Refused("invalid_value", f"Invalid format: {form!r}.", "session.audio.format")
    output = audio.get("output") or {}
    _known(output, {"voice"}, "session.audio.output.")
    if output.get("voice", "marin") not in VOICES:
        raise Refused("invalid_value", f"Invalid voice: {output['voice']!r}.", "session.audio.output.voice")


def _check_delegation(delegation: Any) -> None:
    kind = delegation.get("type")
    if kind not in ("client", "responses"):
        raise Refused("invalid_value", f"Invalid value: {kind!r}.", "session.delegation.type")
    more = {"responses"} if kind == "responses" else set()
    _known(delegation, {"type", "acknowledgement_delay_ms"} | more, "session.delegation.")
    if kind == "client":
        return
    backend = delegation.get("responses")
    if not isinstance(backend, dict) or not isinstance(backend.get("model"), str):
        where = "session.delegation.responses.model"
        raise Refused("missing_required_parameter", f"Missing required parameter: '{where}'.", where)
    _known(backend, _BACKEND, "session.delegation.responses.")
    for place, tool in enumerate(backend.get("tools") or []):
        where = f"session.delegation.responses.tools[{place}]"
        _known(tool, _TOOL, f"{where}.")
        if tool.get("type") != "function" or not isinstance(tool.get("name"), str):
            raise Refused("invalid_value", f"{where} is no function.", where)


def _known(table: Any, names: set[str], where: str) -> None:
    """Unknown fields are refused, as the real server does."""
    if not isinstance(table, dict):
        raise Refused("invalid_type", f"Invalid type for '{where.rstrip('.')}'.", where.rstrip("."))
    for name in sorted(table.keys() - names):
        raise Refused("unknown_parameter", f"Unknown parameter: '{where}{name}'.", f"{where}{name}")
