"""What Ultravox says: the answer to the making of a call, and the data messages on its socket, typed.

Written from what pipecat 1.14.0 and livekit-plugins-ultravox 1.8.9 send and expect. Sound comes beside these, in
binary frames of bare samples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from outwait.engines.ends import Malformed

Role = Literal["user", "agent"]


class Joinable(msgspec.Struct, frozen=True):
    """A call has been made, and waits to be joined."""

    url: str


class State(msgspec.Struct, frozen=True):
    """What the agent is at: idle, listening, thinking or speaking."""

    state: str


class Transcript(msgspec.Struct, frozen=True):
    """Words of one utterance: all of them, or more of them."""

    role: Role
    ordinal: int  # of the utterance
    text: str | None  # all so far
    delta: str | None  # what is new
    final: bool


class Invocation(msgspec.Struct, frozen=True):
    """A tool is called. The conversation stands still until it is answered."""

    call_id: str
    name: str
    arguments: str  # JSON text


class Cleared(msgspec.Struct, frozen=True):
    """The person has cut in: sound that was sent is not to be played."""


ServerMessage = State | Transcript | Invocation | Cleared


def parse(data: str) -> ServerMessage | None:
    """One data message; None for a type that is not read. Raises Malformed, and nothing else."""
    try:
        read = _READERS.get(_HEAD.decode(data).type)
        return None if read is None else read(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(str(error)[:200]) from None


def parse_made(body: bytes) -> Joinable:
    """The answer to the making of a call. Raises Malformed."""
    try:
        return Joinable(msgspec.json.decode(body, type=_Made).joinUrl)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(str(error)[:200]) from None


def parse_refusal(body: bytes) -> str:
    """The words of an answer that says no; empty when there are none."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    words = told.get("detail") or told.get("message") or "" if isinstance(told, dict) else ""
    return words if isinstance(words, str) else ""


class _Head(msgspec.Struct):
    type: str


class _Made(msgspec.Struct):
    joinUrl: str


class _State(msgspec.Struct):
    state: str


class _Transcript(msgspec.Struct):
    role: str
    ordinal: Any = None
    text: Any = None
    delta: Any = None
    final: Any = None


class _Invocation(msgspec.Struct):
    invocationId: str
    toolName: str = ""
    parameters: Any = None


_HEAD = msgspec.json.Decoder(_Head)
_STATE = msgspec.json.Decoder(_State)
_TRANSCRIPT = msgspec.json.Decoder(_Transcript)
_INVOCATION = msgspec.json.Decoder(_Invocation)
_ROLES: dict[str, Role] = {"user": "user", "agent": "agent"}


def _state(data: str) -> State:
    return State(_STATE.decode(data).state)


def _transcript(data: str) -> Transcript | None:
    told = _TRANSCRIPT.decode(data)
    role = _ROLES.get(told.role)
    if role is None:
        return None
    ordinal = told.ordinal if isinstance(told.ordinal, int) and not isinstance(told.ordinal, bool) else -1
    return Transcript(role, ordinal, _word(told.text), _word(told.delta), told.final is True)


def _invocation(data: str) -> Invocation:
    told = _INVOCATION.decode(data)
    arguments = msgspec.json.encode(told.parameters).decode() if isinstance(told.parameters, dict) else "{}"
    return Invocation(told.invocationId, told.toolName, arguments)


def _cleared(data: str) -> Cleared:
    return Cleared()


_READERS: dict[str, Callable[[str], ServerMessage | None]] = {
    "state": _state,
    "transcript": _transcript,
    "client_tool_invocation": _invocation,
    "playback_clear_buffer": _cleared,
}


def _word(told: object) -> str | None:
    return told if isinstance(told, str) else None
