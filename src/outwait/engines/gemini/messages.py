"""What a Gemini Live server says: JSON in, one typed message out.

A message of this wire is no event of one type but a bundle: whatever of it is filled has happened. Written from the
types of google-genai 3.4.0. What is not needed is not read, and nothing is required but that it is a JSON object.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from outwait.call.cost import Usage
from outwait.engines.ends import Malformed
from outwait.engines.told import count, word


class FunctionCall(msgspec.Struct, frozen=True):
    """The model calls a tool."""

    call_id: str
    name: str
    arguments: str  # JSON text


class Handle(msgspec.Struct, frozen=True):
    """What the server remembers can be resumed by this; empty: not from this point."""

    text: str


class Message(msgspec.Struct, frozen=True):
    """All that one message says."""

    ready: bool = False  # the setup is complete
    sound: bytes = b""  # 16-bit samples at 24,000 a second
    words: str = ""  # of the agent
    heard: str = ""  # words of the person
    heard_all: bool = False  # those were the last of this turn
    interrupted: bool = False  # the person has cut in
    generated: bool = False  # all of the answer has been made
    complete: bool = False  # the model waits for the person again
    calls: tuple[FunctionCall, ...] = ()
    revoked: tuple[str, ...] = ()  # ids of calls that are not wanted any more
    usage: Usage | None = None
    leaves_in: float | None = None  # s until the server closes
    handle: Handle | None = None
    speaking: bool | None = None  # the server hears the person begin (True) or stop (False)
    error: str = ""  # that came as a message


def parse(data: bytes | str) -> Message:
    """One message of the server. Raises Malformed, and nothing else."""
    try:
        told = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(str(error)[:200]) from None
    said = told.serverContent or _Content()
    heard = said.inputTranscription or _Words()
    update = told.sessionResumptionUpdate
    return Message(
        ready=told.setupComplete is not None,
        sound=b"".join(part.inlineData.data for part in _parts(said) if part.inlineData is not None),
        words=word((said.outputTranscription or _Words()).text),
        heard=word(heard.text),
        heard_all=heard.finished is True,
        interrupted=said.interrupted is True,
        generated=said.generationComplete is True,
        complete=said.turnComplete is True,
        calls=tuple(_call(call) for call in (told.toolCall or _Calls()).functionCalls or [] if word(call.id)),
        revoked=tuple(name for name in (told.toolCallCancellation or _Ids()).ids or [] if isinstance(name, str)),
        usage=usage(told.usageMetadata),
        leaves_in=None if told.goAway is None else _duration(told.goAway.timeLeft),
        handle=None if update is None else Handle(word(update.newHandle) if update.resumable is True else ""),
        speaking=_SPEAKING.get(word((told.voiceActivity or _Activity()).voiceActivityType)),
        error=word((told.error or _Error()).message),
    )


def parse_refusal(body: bytes) -> str:
    """The words in the body of a refused handshake; empty when there are none."""
    try:
        return word((msgspec.json.decode(body, type=_Wire).error or _Error()).message)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""


def usage(told: object) -> Usage | None:
    """The bill of a turn, by modality. A total without its parts is called audio: the dearer, so that a cap holds."""
    if not isinstance(told, dict):
        return None
    text_in, audio_in = _split(told.get("promptTokenCount"), told.get("promptTokensDetails"))
    text_cached, audio_cached = _split(told.get("cachedContentTokenCount"), told.get("cacheTokensDetails"))
    text_out, audio_out = _split(told.get("responseTokenCount"), told.get("responseTokensDetails"))
    return Usage(
        text_in=text_in + count(told.get("toolUsePromptTokenCount")),
        text_cached=min(text_cached, text_in),
        audio_in=audio_in,
        audio_cached=min(audio_cached, audio_in),
        text_out=text_out + count(told.get("thoughtsTokenCount")),
        audio_out=audio_out,
    )


# --- the wire's shapes --------------------------------------------------------------------------


class _Blob(msgspec.Struct):
    data: bytes = b""  # base64 on the wire


class _Part(msgspec.Struct):
    inlineData: _Blob | None = None


class _Turn(msgspec.Struct):
    parts: list[_Part] | None = None


class _Words(msgspec.Struct):
    text: Any = None
    finished: Any = None


class _Content(msgspec.Struct):
    modelTurn: _Turn | None = None
    turnComplete: Any = None
    interrupted: Any = None
    generationComplete: Any = None
    inputTranscription: _Words | None = None
    outputTranscription: _Words | None = None


class _Call(msgspec.Struct):
    id: Any = None
    name: Any = None
    args: Any = None


class _Calls(msgspec.Struct):
    functionCalls: list[_Call] | None = None


class _Ids(msgspec.Struct):
    ids: list[Any] | None = None


class _GoAway(msgspec.Struct):
    timeLeft: Any = None


class _Resumption(msgspec.Struct):
    newHandle: Any = None
    resumable: Any = None


class _Activity(msgspec.Struct):
    voiceActivityType: Any = None


class _Error(msgspec.Struct):
    message: Any = None


class _Wire(msgspec.Struct):
    setupComplete: dict[str, Any] | None = None
    serverContent: _Content | None = None
    toolCall: _Calls | None = None
    toolCallCancellation: _Ids | None = None
    usageMetadata: Any = None
    goAway: _GoAway | None = None
    sessionResumptionUpdate: _Resumption | None = None
    voiceActivity: _Activity | None = None
    error: _Error | None = None


_DECODER = msgspec.json.Decoder(_Wire)
_SPEAKING = {"ACTIVITY_START": True, "ACTIVITY_END": False}
_SECONDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")


def _parts(said: _Content) -> list[_Part]:
    return (said.modelTurn or _Turn()).parts or []


def _call(told: _Call) -> FunctionCall:
    arguments = msgspec.json.encode(told.args).decode() if isinstance(told.args, dict) else "{}"
    return FunctionCall(word(told.id), word(told.name), arguments)


def _split(total: object, details: object) -> tuple[int, int]:
    """Text and audio tokens. What the parts leave of the total is audio."""
    counts = {"TEXT": 0, "AUDIO": 0, "IMAGE": 0, "VIDEO": 0, "DOCUMENT": 0}
    for part in details if isinstance(details, list) else []:
        if isinstance(part, dict) and isinstance(kind := part.get("modality"), str) and kind.upper() in counts:
            counts[kind.upper()] += count(part.get("tokenCount"))
    rest = count(total) - sum(counts.values())
    return counts["TEXT"] + counts["DOCUMENT"], counts["AUDIO"] + max(0, rest)


def _duration(told: object) -> float:
    """Seconds, of a form like `50s` or `7.5s`. What makes no sense is soon."""
    found = _SECONDS.fullmatch(told) if isinstance(told, str) else None
    return float(found[1]) if found is not None else 0.0
