"""Speech to text: a whole turn in, its words out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import httpx2
import msgspec

from outwait.call.events import Trouble
from outwait.engines.cascade.sound import wav
from outwait.engines.cascade.wire import Failed, Service, Wires, asked


@dataclass(frozen=True, slots=True)
class Transcript:
    text: str
    seconds: float | None  # of audio, as billed; None: it does not say


class Recogniser(Protocol):
    """Writes down what was said."""

    def hear(self, turn: int, start: int, ulaw: bytes) -> None:
        """What the person says in this turn, from its byte `start` on: for those that listen while they speak."""

    async def transcribe(self, ulaw: bytes, turn: int) -> Transcript:
        """All of a turn so far. Raises Failed."""


class OpenAIRecogniser:
    """`POST /audio/transcriptions`, a file in a form, as OpenAI's and many local servers take it."""

    listens = False

    def __init__(self, service: Service) -> None:
        self.service = service
        self.model = service.model
        self.secure = service.secure

    async def open(self, wires: Wires) -> Recogniser:
        """Raises Failed."""
        return self.on(await wires.reach(self.service))

    def on(self, http: httpx2.AsyncClient) -> Recogniser:
        """With these connections."""
        return _Transcriptions(self.service, http)


class _Transcriptions:
    def __init__(self, service: Service, http: httpx2.AsyncClient) -> None:
        self._service = service
        self._http = http

    def hear(self, turn: int, start: int, ulaw: bytes) -> None:
        pass  # it takes whole turns

    async def transcribe(self, ulaw: bytes, turn: int) -> Transcript:
        form = {"model": self._service.model, "response_format": "json"}
        sound = {"file": ("turn.wav", wav(ulaw), "audio/wav")}
        async with asked(
            self._http, self._service, "POST", "/audio/transcriptions", data=form, files=sound
        ) as response:
            body = await response.aread()
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except msgspec.DecodeError as error:
            raise Failed(Trouble.REFUSED, 200, f"/audio/transcriptions: no transcript: {error}") from error
        usage = answer.usage
        return Transcript(answer.text.strip(), usage.seconds if usage is not None and usage.seconds else None)


class _Usage(msgspec.Struct):
    seconds: float | None = None


class _Answer(msgspec.Struct):
    text: str
    usage: _Usage | None = None
