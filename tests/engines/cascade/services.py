"""The three services on one port, as a test plays them by hand: every answer is what the test says, byte by byte."""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

PATIENCE = 20.0  # s that a test waits for anything


@dataclass
class Asked:
    """One request, and the way back to whoever asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    async def answer(self, status: int, body: bytes = b"", form: str = "application/json") -> None:
        """All at once."""
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {form}\r\nContent-Length: {len(body)}\r\n\r\n"
        await self.raw(head.encode() + body)

    async def begin(self, form: str = "text/event-stream") -> None:
        """An answer that comes in pieces: `send` them."""
        await self.raw(f"HTTP/1.1 200 OK\r\nContent-Type: {form}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())

    async def send(self, data: bytes) -> None:
        await self.raw(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def end(self) -> None:
        await self.raw(b"0\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    # What a model says.

    async def chunk(self, delta: dict[str, Any], finish: str | None = None) -> None:
        await self.event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    async def event(self, data: Any) -> None:
        await self.send(f"data: {json.dumps(data)}\n\n".encode())

    async def finish(self, why: str = "stop", *, usage: dict[str, Any] | None = None) -> None:
        await self.chunk({}, why)
        if usage is not None:
            await self.event({"choices": [], "usage": usage})
        await self.send(b"data: [DONE]\n\n")
        await self.end()


@dataclass
class Services:
    """Listens while it is entered. `/models` and transcriptions are answered by themselves; the rest is the test's."""

    words: str = "Hello?"  # of every transcription; None of them: the test answers
    by_hand: bool = False  # the test answers everything but /models
    refuse: int = 0  # HTTP status of every answer
    mute: bool = False  # takes requests, answers none
    cut: bool = False  # cuts every connection that asks
    url: str = ""
    chats: asyncio.Queue[Asked] = field(default_factory=asyncio.Queue)
    speeches: asyncio.Queue[Asked] = field(default_factory=asyncio.Queue)
    transcriptions: asyncio.Queue[Asked] = field(default_factory=asyncio.Queue)
    asked: list[Asked] = field(default_factory=list)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Services:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.vanish()
        await self._server.wait_closed()

    def vanish(self) -> None:
        """Cut every connection that has a request open."""
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                await self._handle(await _request(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _handle(self, asked: Asked) -> None:
        self.asked.append(asked)
        if self.cut:
            asked.writer.transport.abort()
        elif self.refuse:
            await asked.answer(self.refuse, b'{"error": {"message": "no", "code": "told_to"}}')
        elif self.mute:
            pass
        elif asked.path.endswith("/models"):
            await asked.answer(200, b"{}")
        elif asked.path.endswith("/transcriptions") and not self.by_hand:
            await asked.answer(200, json.dumps({"text": self.words}).encode())
        else:
            queues = {"completions": self.chats, "speech": self.speeches, "transcriptions": self.transcriptions}
            queues[asked.path.rpartition("/")[2]].put_nowait(asked)

    async def chat(self) -> Asked:
        async with asyncio.timeout(PATIENCE):
            return await self.chats.get()

    async def speech(self) -> Asked:
        async with asyncio.timeout(PATIENCE):
            return await self.speeches.get()


def telephone_wav(ulaw: bytes) -> bytes:
    """A WAV file in the telephone's own code: what goes in comes out."""
    riff = struct.pack("<4sI4s", b"RIFF", 36 + len(ulaw), b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 7, 1, 8000, 8000, 1, 8)
    return riff + form + struct.pack("<4sI", b"data", len(ulaw)) + ulaw


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, body, writer)
