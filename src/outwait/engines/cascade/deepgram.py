"""Deepgram's ears, over a WebSocket while the person speaks, and its voices.

Written from developers.deepgram.com (listen streaming, finalize, audio keep alive, close stream, speak); run against a
strict simulator only. A session's socket is opened with the session and closed with it, so none is open on hold. Only
the person's turns are sent, not the silence between them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from urllib.parse import urlencode

import httpx2
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from outwait.audio import g711
from outwait.call.events import Trouble
from outwait.engines.cascade.stt import Recogniser, Transcript
from outwait.engines.cascade.tts import Speaker
from outwait.engines.cascade.wire import CLOSE_SECONDS, Failed, Service, Wires, asked, refusal

URL = "https://api.deepgram.com/v1"
AUTH = ("Authorization", "Token ")
LISTEN_MODEL = "nova-3"
SPEAK_MODEL = "aura-2-thalia-en"
KEEP_ALIVE = 4.0  # s without a message of ours; the server closes after 10
FLUSHED = 1.0  # s that the rest of the words is waited for, [unverified]: with nothing left to flush none may come
ALL_OF_IT = {"encoding": "mulaw", "sample_rate": "8000"}


class DeepgramRecogniser:
    """`wss .../listen`: sound as it comes, words as they are known; `Finalize` brings the rest at once."""

    listens = True

    def __init__(self, service: Service) -> None:
        self.service = service
        self.model = f"deepgram/{service.model}-streaming"
        self.secure = service.secure

    async def open(self, wires: Wires) -> Recogniser:
        """Raises Failed."""
        query = {"model": self.service.model, **ALL_OF_IT, "channels": "1", "punctuate": "true", "smart_format": "true"}
        url = f"{self.service.base.replace('http', 'ws', 1)}/listen?{urlencode(query)}"
        try:
            socket = await connect(
                url,
                additional_headers=self.service.headers,
                ssl=wires.tls if self.secure else None,
                proxy=None if self.service.loopback else True,
                compression=None,
                close_timeout=CLOSE_SECONDS,
            )
        except InvalidStatus as refused:
            raise refusal(self.service, refused.response.status_code, bytes(refused.response.body or b"")) from refused
        except (OSError, InvalidHandshake, TimeoutError) as lost:
            raise Failed(Trouble.LOST, 0, f"/listen: {self.service.clean(str(lost))}") from lost
        line = _Line(self.service, socket)
        wires.closing.push_async_callback(line.close)
        return line


class _Line:
    """One socket. `hear` and `transcribe` are told which turn of the person it is."""

    def __init__(self, service: Service, socket: ClientConnection) -> None:
        self._service = service
        self._socket = socket
        self._turn = 0
        self._sent = 0  # bytes of this turn
        self._unbilled = 0  # bytes sent and not told of
        self._words: list[str] = []  # of this turn, final
        self._pieces: asyncio.Queue[bytes | str] = asyncio.Queue()  # to be sent, in order
        self._flushed = asyncio.Event()
        self._lost: Failed | None = None
        self._tasks = [asyncio.create_task(work, name="deepgram") for work in (self._send(), self._read())]

    def hear(self, turn: int, start: int, ulaw: bytes) -> None:
        """This turn from its byte `start` on; what was sent before is not sent again."""
        if turn != self._turn:
            self._turn, self._sent = turn, 0
            self._words.clear()
        new = ulaw[max(0, self._sent - start) :]
        if new:
            self._sent += len(new)
            self._unbilled += len(new)
            self._pieces.put_nowait(new)

    async def transcribe(self, ulaw: bytes, turn: int) -> Transcript:
        """Raises Failed."""
        self.hear(turn, 0, ulaw)
        self._flushed.clear()
        self._pieces.put_nowait('{"type":"Finalize"}')
        try:
            async with asyncio.timeout(FLUSHED):
                await self._flushed.wait()
        except TimeoutError:
            pass  # then there was nothing left
        if self._lost is not None:
            raise self._lost
        seconds, self._unbilled = self._unbilled / g711.RATE, 0
        return Transcript(" ".join(self._words).strip(), seconds)

    async def close(self) -> None:
        """Say so, and close the socket."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.send('{"type":"CloseStream"}')
        await self._socket.close()

    async def _send(self) -> None:
        with contextlib.suppress(ConnectionClosed):  # whoever reads says why
            while True:
                piece: bytes | str = '{"type":"KeepAlive"}'
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(KEEP_ALIVE):
                        piece = await self._pieces.get()
                await self._socket.send(piece)

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                self._told(message)
        except ConnectionClosed:
            pass
        if self._lost is None:
            why = f"{self._socket.close_code} {self._socket.close_reason}"
            self._lost = Failed(Trouble.LOST, 0, f"/listen: closed: {self._service.clean(why)}")
        self._flushed.set()

    def _told(self, message: str | bytes) -> None:
        try:
            told = msgspec.json.decode(message, type=_Message)
        except msgspec.DecodeError:
            return  # none of ours
        if told.type == "Error":
            words = self._service.clean(told.description or told.message or "an error")
            self._lost = Failed(Trouble.BUSY, 0, f"/listen: {words}")
            self._flushed.set()
        elif told.type == "Results" and told.is_final:
            text = told.channel.alternatives[0].transcript if told.channel.alternatives else ""
            if text:
                self._words.append(text)
            if told.from_finalize:
                self._flushed.set()


class _Alternative(msgspec.Struct):
    transcript: str = ""


class _Channel(msgspec.Struct):
    alternatives: list[_Alternative] = []


class _Message(msgspec.Struct):
    type: str = ""
    is_final: bool = False
    from_finalize: bool = False
    channel: _Channel = msgspec.field(default_factory=_Channel)
    description: str | None = None
    message: str | None = None


class DeepgramSpeaker:
    """`POST /speak`: a sentence in, the telephone's own code out as it is made. The voice is the model."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.model = f"deepgram/{'-'.join(service.model.split('-')[:2])}"
        self.voice = service.model
        self.secure = service.secure

    async def open(self, wires: Wires) -> Speaker:
        """Raises Failed."""
        return _Speech(self.service, await wires.reach(self.service))


class _Speech:
    def __init__(self, service: Service, http: httpx2.AsyncClient) -> None:
        self._service = service
        self._http = http

    async def speak(self, text: str) -> AsyncGenerator[bytes, None]:
        path = f"/speak?{urlencode({'model': self._service.model, **ALL_OF_IT, 'container': 'none'})}"
        async with asked(self._http, self._service, "POST", path, json={"text": text}) as response:
            async for data in response.aiter_bytes():
                if data:
                    yield data
