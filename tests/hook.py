"""A user's own server, which writes down what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Told:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Hook:
    """`answers`: the status of each answer in turn, the last one for ever. 0: none at all."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [204])
    told: list[Told] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            pairs = (line.partition(":") for line in head[1:] if line)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.told.append(Told(head[0].split()[1], headers, body))
            self.news.set()
            status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if status:
                location = "Location: http://127.0.0.1:1/\r\n" if 300 <= status < 400 else ""
                answer = f"HTTP/1.1 {status} X\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n"
                writer.write(answer.encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def hook() -> AsyncIterator[Hook]:
    """One on a port of its own."""
    here = Hook()
    server = await asyncio.start_server(here.serve, "127.0.0.1", 0)
    here.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?token=t"
    try:
        yield here
    finally:
        server.close()
        await server.wait_closed()
