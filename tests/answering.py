"""A web server of a few lines, for tests of what asks other people's servers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Answer:
    """What to answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False  # end the connection in the middle of the answer


@contextlib.asynccontextmanager
async def answering(handler: Callable[[Asked], Answer]) -> AsyncIterator[tuple[str, list[Asked]]]:
    """The server's address, and all that it was asked, for as long as the context lasts."""
    asked: list[Asked] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            request = Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length", 0))))
            asked.append(request)
            answer = handler(request)
            length = len(answer.body) + (10 if answer.cut else 0)
            lines = [f"HTTP/1.1 {answer.status} Said", f"content-length: {length}", "connection: close"]
            lines += [f"{name}: {value}" for name, value in answer.headers.items()]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body)
            await writer.drain()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}", asked
