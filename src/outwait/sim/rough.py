"""A TCP proxy that misbehaves: some connections are slow, some are reset, cut in the middle of a frame, or go silent.

What becomes of a connection is drawn when it is made, from the proxy's seed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random

CHUNK = 4096  # bytes read at once
KINDS = ("slow", "reset", "cut", "half-open")
LEAST, MOST = 2.3, 5.5  # decimal logarithms of the bytes after which it goes wrong
SILENT = 20.0  # s after which a half-open connection is given up
SLOWEST = 0.05  # s that a slow connection keeps each piece


@dataclass
class RoughProxy:
    """One listening port before one real one.

    port
        where it listens; known once it runs
    target
        the real port on 127.0.0.1; may be set later
    share
        0..1: connections that go wrong
    made
        what has become of the connections so far
    """

    seed: int
    share: float = 0.3
    target: int = 0
    port: int = 0
    made: Counter[str] = field(default_factory=Counter)
    _dice: Random = field(default_factory=Random)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[RoughProxy]:
        """Listens for as long as the block lasts."""
        self._dice = Random(self.seed)
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        kind = self._dice.choice(KINDS) if self._dice.random() < self.share else "fine"
        after = int(10 ** self._dice.uniform(LEAST, MOST))
        self.made[kind] += 1
        with contextlib.suppress(OSError, asyncio.CancelledError):
            try:
                their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self.target)
            except OSError:
                writer.transport.abort()
                return
            await _Connection(kind, after, reader, writer, their_reader, their_writer).run()


class _Connection:
    def __init__(
        self,
        kind: str,
        after: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        their_reader: asyncio.StreamReader,
        their_writer: asyncio.StreamWriter,
    ) -> None:
        self._kind = kind
        self._left = after  # bytes until it goes wrong
        self._ways = ((reader, their_writer), (their_reader, writer))
        self._writers = (writer, their_writer)
        self._silent = False

    async def run(self) -> None:
        """Until both sides are closed, or it goes wrong."""
        pumps = [asyncio.create_task(self._pump(*way)) for way in self._ways]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            # One side has ended: what the other still has to say arrives, for a moment.
            await asyncio.wait(pumps, timeout=1.0)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for writer in self._writers:
                writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if self._silent:
                    continue
                if self._kind == "slow":
                    await asyncio.sleep(min(SLOWEST, len(data) / 20_000))
                self._left -= len(data)
                if self._left <= 0 and self._kind in ("reset", "cut", "half-open"):
                    await self._go_wrong(data, writer)
                    return
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()

    async def _go_wrong(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if self._kind == "cut":
            writer.write(data[: max(1, len(data) // 2)])
            await writer.drain()
            for each in self._writers:
                each.close()
        elif self._kind == "reset":
            for each in self._writers:
                each.transport.abort()
        else:
            self._silent = True
            await asyncio.sleep(SILENT)
