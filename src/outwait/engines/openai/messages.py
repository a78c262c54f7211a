"""What a Realtime server says: JSON text in, typed messages out, for all dialects.

The preview dialect ("beta", dated Azure api-versions, Voice Live) differs from the current one ("GA") in the names of
a few events, so one mapping of names serves all: every message goes through it, whatever dialect was asked for,
because both have been seen in either. What is not needed is not read; only what a message makes no sense
without is required, so that a server may grow fields, leave some out, or send null.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from outwait.call.cost import USER_TOKENS, Usage
from outwait.engines.ends import Malformed
from outwait.engines.told import count, moment, number, table, word

BETA_NAMES = {
    "response.audio.delta": "response.output_audio.delta",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
}
"""Beta name -> GA name, of the messages that are read."""

PHRASE_KEY = "outwait_phrase"
"""The key of a response's metadata that says which phrase it speaks."""

Status = Literal["completed", "cancelled", "failed", "incomplete"]


class SessionCreated(msgspec.Struct, frozen=True):
    expires_at: float | None  # s since 1970, by the server's clock


class SessionUpdated(msgspec.Struct, frozen=True):
    expires_at: float | None  # s since 1970, by the server's clock


class SpeechStarted(msgspec.Struct, frozen=True):
    item: str
    at: int  # ms of appended audio


class SpeechStopped(msgspec.Struct, frozen=True):
    item: str
    at: int  # ms of appended audio


class Committed(msgspec.Struct, frozen=True):
    item: str


class Transcribed(msgspec.Struct, frozen=True):
    item: str
    text: str
    usage: Usage | None  # None: not told


class TranscriptionFailed(msgspec.Struct, frozen=True):
    item: str


class ResponseCreated(msgspec.Struct, frozen=True):
    response: str
    phrase: str | None  # what its metadata says that it speaks


class AudioDelta(msgspec.Struct, frozen=True):
    response: str
    item: str
    ulaw: bytes


class WordsDelta(msgspec.Struct, frozen=True):
    response: str
    item: str
    text: str


class FunctionCall(msgspec.Struct, frozen=True):
    call_id: str
    name: str
    arguments: str  # JSON text
    complete: bool  # False: cut, the arguments may be half


class ItemDone(msgspec.Struct, frozen=True):
    """An item of a response is finished. Only function calls are of interest."""

    response: str
    call: FunctionCall | None


class ResponseDone(msgspec.Struct, frozen=True):
    response: str
    phrase: str | None
    status: Status
    code: str  # of the error, when it failed
    detail: str
    usage: Usage | None  # None: not told
    calls: tuple[FunctionCall, ...]


class ErrorSaid(msgspec.Struct, frozen=True):
    code: str
    type: str
    text: str
    event_id: str  # of our message that it is about; empty: not told

    @property
    def name(self) -> str:
        """The code, or what stands for it when there is none."""
        return self.code or self.type or "error"


ServerMessage = (
    SessionCreated
    | SessionUpdated
    | SpeechStarted
    | SpeechStopped
    | Committed
    | Transcribed
    | TranscriptionFailed
    | ResponseCreated
    | AudioDelta
    | WordsDelta
    | ItemDone
    | ResponseDone
    | ErrorSaid
)


def parse(data: bytes | str) -> ServerMessage | None:
    """One message of the server; None for a type that is not read. Raises Malformed, and nothing else."""
    try:
        name = _HEAD.decode(data).type
        read = _READERS.get(BETA_NAMES.get(name, name))
        return None if read is None else read(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(str(error)[:200]) from None


def parse_refusal(body: bytes) -> ErrorSaid:
    """The error in the body of a refused handshake. Empty strings when there is none."""
    try:
        told = msgspec.json.decode(body, type=_Error).error
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        told = None
    return _error_said(told)


def response_usage(told: object) -> Usage | None:
    """The bill of a response. All parts are optional on the wire; a missing one is made up from the totals.

    When it is not said which of the cached tokens are text, text is taken first: it is the cheaper discount.
    """
    if not isinstance(told, dict):
        return None
    into = table(told.get("input_token_details"))
    out = table(told.get("output_token_details"))
    # A total without its parts is called audio: the dearer, so that a cap holds
    text_in, audio_in = _parts(count(told.get("input_tokens")), into)
    text_out, audio_out = _parts(count(told.get("output_tokens")), out)
    cached = table(into.get("cached_tokens_details"))
    if cached:
        text_cached, audio_cached = count(cached.get("text_tokens")), count(cached.get("audio_tokens"))
    else:
        all_cached = count(into.get("cached_tokens"))
        text_cached = min(all_cached, text_in)
        audio_cached = all_cached - text_cached
    return Usage(
        text_in=text_in,
        text_cached=min(text_cached, text_in),
        audio_in=audio_in,
        audio_cached=min(audio_cached, audio_in),
        text_out=text_out,
        audio_out=audio_out,
    )


def transcript_usage(told: object) -> Usage | None:
    """The bill of a transcript: seconds, or tokens and the seconds they stand for, as some prices are per minute."""
    if not isinstance(told, dict):
        return None
    if told.get("type") == "duration":
        return Usage(seconds=number(told.get("seconds")) or 0.0)
    text_in, audio_in = _parts(count(told.get("input_tokens")), table(told.get("input_token_details")))
    return Usage(
        text_in=text_in,
        audio_in=audio_in,
        text_out=count(told.get("output_tokens")),
        seconds=audio_in / USER_TOKENS,
    )


# --- the wire's shapes --------------------------------------------------------------------------


class _Head(msgspec.Struct):
    type: str


class _ErrorBody(msgspec.Struct):
    code: Any = None
    type: Any = None
    message: Any = None
    event_id: Any = None


class _Error(msgspec.Struct):
    error: _ErrorBody | None = None


class _SessionBody(msgspec.Struct):
    expires_at: Any = None


class _Session(msgspec.Struct):
    session: _SessionBody = msgspec.field(default_factory=_SessionBody)


class _Speech(msgspec.Struct):
    item_id: str = ""
    audio_start_ms: Any = None
    audio_end_ms: Any = None


class _Named(msgspec.Struct):
    item_id: str


class _Transcript(msgspec.Struct):
    item_id: str
    status: Any = None
    transcript: str | None = None
    usage: Any = None


class _ResponseBody(msgspec.Struct):
    id: str
    status: Any = None
    status_details: Any = None
    output: Any = None
    usage: Any = None
    metadata: Any = None


class _Response(msgspec.Struct):
    response: _ResponseBody


class _Audio(msgspec.Struct):
    response_id: str
    item_id: str
    delta: bytes  # base64 on the wire


class _Words(msgspec.Struct):
    response_id: str
    item_id: str
    delta: str


class _Item(msgspec.Struct):
    response_id: str
    item: Any = None


_HEAD = msgspec.json.Decoder(_Head)
_SESSION = msgspec.json.Decoder(_Session)
_SPEECH = msgspec.json.Decoder(_Speech)
_NAMED = msgspec.json.Decoder(_Named)
_TRANSCRIPT = msgspec.json.Decoder(_Transcript)
_RESPONSE = msgspec.json.Decoder(_Response)
_AUDIO = msgspec.json.Decoder(_Audio)
_WORDS = msgspec.json.Decoder(_Words)
_ITEM = msgspec.json.Decoder(_Item)
_ERROR = msgspec.json.Decoder(_Error)


def _session_created(data: bytes | str) -> SessionCreated:
    return SessionCreated(moment(_SESSION.decode(data).session.expires_at))


def _greeted(data: bytes | str) -> SessionCreated:
    """xAI may greet with the conversation, not with the session."""
    return SessionCreated(None)


def _session_updated(data: bytes | str) -> SessionUpdated:
    return SessionUpdated(moment(_SESSION.decode(data).session.expires_at))


def _speech_started(data: bytes | str) -> SpeechStarted:
    told = _SPEECH.decode(data)
    return SpeechStarted(told.item_id, count(told.audio_start_ms))


def _speech_stopped(data: bytes | str) -> SpeechStopped:
    told = _SPEECH.decode(data)
    return SpeechStopped(told.item_id, count(told.audio_end_ms))


def _committed(data: bytes | str) -> Committed:
    return Committed(_NAMED.decode(data).item_id)


def _transcribed(data: bytes | str) -> Transcribed | None:
    told = _TRANSCRIPT.decode(data)
    if told.status == "in_progress":  # xAI: a version of it that is not the last
        return None
    return Transcribed(told.item_id, (told.transcript or "").strip(), transcript_usage(told.usage))


def _transcription_failed(data: bytes | str) -> TranscriptionFailed:
    return TranscriptionFailed(_NAMED.decode(data).item_id)


def _response_created(data: bytes | str) -> ResponseCreated:
    told = _RESPONSE.decode(data).response
    return ResponseCreated(told.id, _phrase(told.metadata))


def _audio_delta(data: bytes | str) -> AudioDelta:
    told = _AUDIO.decode(data)
    return AudioDelta(told.response_id, told.item_id, told.delta)


def _words_delta(data: bytes | str) -> WordsDelta:
    told = _WORDS.decode(data)
    return WordsDelta(told.response_id, told.item_id, told.delta)


def _item_done(data: bytes | str) -> ItemDone:
    told = _ITEM.decode(data)
    return ItemDone(told.response_id, _call(told.item))


def _response_done(data: bytes | str) -> ResponseDone:
    told = _RESPONSE.decode(data).response
    details = table(told.status_details)
    error = table(details.get("error"))
    code = word(error.get("code")) or word(error.get("type"))
    said = word(told.status)
    status = _STATUSES.get(said)
    unknown = "" if status else f"status {said!r}"
    calls = (_call(item) for item in told.output) if isinstance(told.output, list) else ()
    return ResponseDone(
        response=told.id,
        phrase=_phrase(told.metadata),
        status=status or "failed",
        code=code,
        detail=" ".join(filter(None, (unknown, word(details.get("reason")), code, word(error.get("message"))))),
        usage=response_usage(told.usage),
        calls=tuple(call for call in calls if call is not None),
    )


def _error(data: bytes | str) -> ErrorSaid:
    return _error_said(_ERROR.decode(data).error)


_READERS: dict[str, Callable[[bytes | str], ServerMessage | None]] = {
    "session.created": _session_created,
    "conversation.created": _greeted,
    "session.updated": _session_updated,
    "input_audio_buffer.speech_started": _speech_started,
    "input_audio_buffer.speech_stopped": _speech_stopped,
    "input_audio_buffer.committed": _committed,
    "conversation.item.input_audio_transcription.completed": _transcribed,
    "conversation.item.input_audio_transcription.failed": _transcription_failed,
    "response.created": _response_created,
    "response.output_audio.delta": _audio_delta,
    "response.output_audio_transcript.delta": _words_delta,
    # Not response.function_call_arguments.done: it comes for interrupted responses too, with half the arguments
    "response.output_item.done": _item_done,
    "response.done": _response_done,
    "error": _error,
}

_STATUSES: dict[str, Status] = {
    "completed": "completed",
    "cancelled": "cancelled",
    "failed": "failed",
    "incomplete": "incomplete",
}


def _call(item: object) -> FunctionCall | None:
    told = table(item)
    call_id = word(told.get("call_id"))
    if told.get("type") != "function_call" or not call_id:
        return None
    return FunctionCall(
        call_id=call_id,
        name=word(told.get("name")),
        arguments=word(told.get("arguments")),
        complete=told.get("status") in (None, "completed"),  # xAI: not always told
    )


def _error_said(told: _ErrorBody | None) -> ErrorSaid:
    if told is None:
        return ErrorSaid("", "", "", "")
    return ErrorSaid(word(told.code), word(told.type), word(told.message), word(told.event_id))


def _phrase(metadata: object) -> str | None:
    phrase = table(metadata).get(PHRASE_KEY)
    return phrase if isinstance(phrase, str) else None


def _parts(total: int, details: dict[str, Any]) -> tuple[int, int]:
    """Text and audio tokens."""
    text = details.get("text_tokens")
    audio = details.get("audio_tokens")
    if audio is None:
        rest = total - count(text) - count(details.get("image_tokens"))
        return count(text), max(0, rest)
    if text is None:
        rest = total - count(audio) - count(details.get("image_tokens"))
        return max(0, rest), count(audio)
    return count(text), count(audio)
