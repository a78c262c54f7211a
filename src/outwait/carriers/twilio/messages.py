"""Twilio's media messages, parsed once into typed structs, and ours as text. Pure.

Twilio sends JSON text; `sequenceNumber`, `chunk` and `timestamp` are strings. What is not used here is not read.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Final, Literal

import msgspec

MAX_TIMESTAMP = 7 * 24 * 3600 * 1000  # ms; no call lasts a week, so beyond it is nonsense


class BadMessage(ValueError):
    """Not a message of Twilio's media protocol."""


class Message(msgspec.Struct, frozen=True, tag_field="event", rename="camel"):
    """Base of all messages."""


class Connected(Message, frozen=True, tag="connected"):
    """The first message; says nothing more."""


class MediaFormat(msgspec.Struct, frozen=True, rename="camel"):
    encoding: str = ""
    sample_rate: int = 0  # Hz
    channels: int = 0

    @property
    def is_ulaw(self) -> bool:
        """Whether it is what this house speaks: mu-law, 8000 Hz, mono."""
        return (self.encoding, self.sample_rate, self.channels) == ("audio/x-mulaw", 8000, 1)


class StartBody(msgspec.Struct, frozen=True, rename="camel"):
    call_sid: str
    media_format: MediaFormat
    custom_parameters: dict[str, str] = msgspec.field(default_factory=dict)


class Start(Message, frozen=True, tag="start"):
    """The stream begins."""

    stream_sid: str
    start: StartBody


class MediaBody(msgspec.Struct, frozen=True, rename="camel"):
    payload: bytes  # mu-law; base64 on the wire
    timestamp: str | int  # ms since the stream began
    track: str = "inbound"


class Media(Message, frozen=True, tag="media"):
    stream_sid: str
    media: MediaBody


class DtmfBody(msgspec.Struct, frozen=True):
    digit: str


class Dtmf(Message, frozen=True, tag="dtmf"):
    stream_sid: str
    dtmf: DtmfBody


class MarkBody(msgspec.Struct, frozen=True):
    name: str


class Mark(Message, frozen=True, tag="mark"):
    """All that was sent before this mark was played, or cleared."""

    stream_sid: str
    mark: MarkBody


class Stop(Message, frozen=True, tag="stop"):
    """The call is over, or its TwiML was replaced."""

    stream_sid: str


class Unknown(msgspec.Struct, frozen=True):
    """A well-formed message of a kind that this version does not know."""

    event: str


ANSWERED_BY: Final[dict[str, Literal["person", "machine", "voicemail", "fax", "unknown"]]] = {
    "human": "person",
    "machine_start": "machine",
    "machine_end_beep": "voicemail",
    "machine_end_silence": "machine",
    "machine_end_other": "machine",
    "fax": "fax",
    "unknown": "unknown",
}
"""Twilio's answering machine detection, in our words."""

Inbound = Connected | Start | Media | Dtmf | Mark | Stop
_KNOWN = frozenset({"connected", "start", "media", "dtmf", "mark", "stop"})
_decode: Callable[[str | bytes], Inbound] = msgspec.json.Decoder(Inbound).decode
_decode_kind = msgspec.json.Decoder(Unknown).decode


def parse(text: str | bytes) -> Inbound | Unknown:
    """One message. Raises BadMessage."""
    try:
        return _decode(text)
    except msgspec.ValidationError as error:
        return _unknown(text, error)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadMessage(str(error)) from error


def seconds(media: Media) -> float:
    """Where this sound starts, seconds since the stream began. Raises BadMessage."""
    try:
        at = int(media.media.timestamp)
    except ValueError as error:
        raise BadMessage("timestamp is not a number") from error
    if not 0 <= at <= MAX_TIMESTAMP:
        raise BadMessage("timestamp out of range")
    return at / 1000


class Writer:
    """Makes the messages for one stream.

    Text is concatenated: it costs a tenth of an encoder, and the only free parts are encoded once or by name.
    """

    def __init__(self, stream_sid: str) -> None:
        sid = msgspec.json.encode(stream_sid).decode()
        self._media = '{"event":"media","streamSid":' + sid + ',"media":{"payload":"'
        self._mark = '{"event":"mark","streamSid":' + sid + ',"mark":{"name":'
        self._clear = '{"event":"clear","streamSid":' + sid + "}"

    def media(self, ulaw: bytes) -> str:
        return self._media + binascii.b2a_base64(ulaw, newline=False).decode("ascii") + '"}}'

    def mark(self, name: str) -> str:
        return self._mark + msgspec.json.encode(name).decode() + "}}"

    def clear(self) -> str:
        return self._clear


def _unknown(text: str | bytes, error: msgspec.ValidationError) -> Unknown:
    """Twilio may add kinds of messages at any time; a wrong message of a known kind is an error."""
    try:
        kind = _decode_kind(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadMessage(str(error)) from error
    if kind.event in _KNOWN:
        raise BadMessage(str(error)) from error
    return kind
