"""What a Live server says: JSON text in, typed messages out.

There are no turns and no responses on this wire: the model's sound comes all the time, silence included, and words come
in fragments with their place on the session's timeline. Tools are called by a text model behind it (the *backend*),
whose own stream of events comes wrapped. What is not needed is not read; only what a message makes no sense without is
required.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from outwait.call.cost import Usage
from outwait.engines.ends import Malformed
from outwait.engines.openai.messages import ErrorSaid
from outwait.engines.told import count, moment, number, table, word

Status = Literal["completed", "failed", "incomplete"]


class Started(msgspec.Struct, frozen=True):
    session: str  # the server's id
    expires_at: float | None  # s since 1970, by the server's clock


class Used(msgspec.Struct, frozen=True):
    seconds: float  # of this session in all


class Closed(msgspec.Struct, frozen=True):
    """The server has finalised the session; a connection that ends without it confirms nothing."""

    reason: str  # close_requested, expired, content, remote_hangup, connection_lost
    seconds: float | None  # None: not told


class Sound(msgspec.Struct, frozen=True):
    """The next piece of the model's output, silence included."""

    ulaw: bytes


class PersonWords(msgspec.Struct, frozen=True):
    text: str
    start: int  # ms on the session's timeline


class AgentWords(msgspec.Struct, frozen=True):
    text: str
    start: int  # ms on the session's timeline


class BackendBegan(msgspec.Struct, frozen=True):
    work: str  # the delegation; empty: not told


class BackendCalled(msgspec.Struct, frozen=True):
    """The backend calls a function; its arguments are complete."""

    work: str
    call_id: str
    name: str
    arguments: str  # JSON text


class BackendEnded(msgspec.Struct, frozen=True):
    work: str
    status: Status
    usage: Usage | None  # None: not told
    detail: str


ServerMessage = (
    Started | Used | Closed | Sound | PersonWords | AgentWords | BackendBegan | BackendCalled | BackendEnded | ErrorSaid
)


def parse(data: bytes | str) -> ServerMessage | None:
    """One message of the server; None for a type that is not read. Raises Malformed, and nothing else."""
    try:
        read = _READERS.get(_HEAD.decode(data).type)
        return None if read is None else read(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(str(error)[:200]) from None


# --- the wire's shapes --------------------------------------------------------------------------


class _Head(msgspec.Struct):
    type: str


class _SessionBody(msgspec.Struct):
    id: Any = None
    expires_at: Any = None


class _Session(msgspec.Struct):
    session: _SessionBody = msgspec.field(default_factory=_SessionBody)


class _UsageBody(msgspec.Struct):
    seconds: Any = None


class _Usage(msgspec.Struct):
    usage: _UsageBody


class _Closing(msgspec.Struct):
    reason: Any = None
    usage: _UsageBody = msgspec.field(default_factory=_UsageBody)


class _Delta(msgspec.Struct):
    delta: bytes  # base64 on the wire


class _Words(msgspec.Struct):
    delta: str
    start_ms: Any = None


class _Wrapped(msgspec.Struct):
    event: dict[str, Any]
    delegation_id: Any = None


class _ErrorBody(msgspec.Struct):
    code: Any = None
    type: Any = None
    message: Any = None
    client_event_id: Any = None


class _Error(msgspec.Struct):
    error: _ErrorBody = msgspec.field(default_factory=_ErrorBody)
    client_event_id: Any = None


_HEAD = msgspec.json.Decoder(_Head)
_SESSION = msgspec.json.Decoder(_Session)
_USAGE = msgspec.json.Decoder(_Usage)
_CLOSING = msgspec.json.Decoder(_Closing)
_DELTA = msgspec.json.Decoder(_Delta)
_WORDS = msgspec.json.Decoder(_Words)
_WRAPPED = msgspec.json.Decoder(_Wrapped)
_ERROR = msgspec.json.Decoder(_Error)


def _started(data: bytes | str) -> Started:
    told = _SESSION.decode(data).session
    return Started(word(told.id), moment(told.expires_at))


def _used(data: bytes | str) -> Used | None:
    seconds = number(_USAGE.decode(data).usage.seconds)
    return None if seconds is None else Used(seconds)


def _closed(data: bytes | str) -> Closed:
    told = _CLOSING.decode(data)
    return Closed(word(told.reason), number(told.usage.seconds))


def _sound(data: bytes | str) -> Sound:
    return Sound(_DELTA.decode(data).delta)


def _person_words(data: bytes | str) -> PersonWords:
    told = _WORDS.decode(data)
    return PersonWords(told.delta, count(told.start_ms))


def _agent_words(data: bytes | str) -> AgentWords:
    told = _WORDS.decode(data)
    return AgentWords(told.delta, count(told.start_ms))


def _error(data: bytes | str) -> ErrorSaid:
    told = _ERROR.decode(data)
    about = word(told.error.client_event_id) or word(told.client_event_id)
    return ErrorSaid(word(told.error.code), word(told.error.type), word(told.error.message), about)


def _backend(data: bytes | str) -> ServerMessage | None:
    """An event of the Responses API, wrapped. Snapshots of a response come without its output, so that calls are read
    from their own events."""
    told = _WRAPPED.decode(data)
    work = word(told.delegation_id)
    match told.event.get("type"):
        case "response.created":
            return BackendBegan(work)
        case "response.output_item.done":
            return _called(work, table(told.event.get("item")))
        case "response.completed" | "response.failed" | "response.incomplete":
            response = table(told.event.get("response"))
            status = _STATUSES[told.event["type"]]
            return BackendEnded(work, status, _tokens(response.get("usage")), _why(response))
    return None


_STATUSES: dict[str, Status] = {
    "response.completed": "completed",
    "response.failed": "failed",
    "response.incomplete": "incomplete",
}


def _called(work: str, item: dict[str, Any]) -> BackendCalled | None:
    call_id = word(item.get("call_id"))
    if item.get("type") != "function_call" or not call_id or item.get("status") not in (None, "completed"):
        return None
    return BackendCalled(work, call_id, word(item.get("name")), word(item.get("arguments")))


def _tokens(told: object) -> Usage | None:
    if not isinstance(told, dict):
        return None
    text_in = count(told.get("input_tokens"))
    cached = count(table(told.get("input_tokens_details")).get("cached_tokens"))
    return Usage(text_in=text_in, text_cached=min(cached, text_in), text_out=count(told.get("output_tokens")))


def _why(response: dict[str, Any]) -> str:
    error = table(response.get("error") or response.get("incomplete_details"))
    return " ".join(why for key in ("code", "message", "reason") if (why := word(error.get(key))))


_READERS: dict[str, Callable[[bytes | str], ServerMessage | None]] = {
    "session.started": _started,
    "session.usage.updated": _used,
    "session.closed": _closed,
    "session.output_audio.delta": _sound,
    "session.input_transcript.delta": _person_words,
    "session.output_transcript.delta": _agent_words,
    "response.event": _backend,
    "error": _error,
}
