"""What the simulators talk through: a message pipe, in memory or over a WebSocket, with the same five methods."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable
from typing import Protocol, TypeAlias

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed

Message: TypeAlias = str | bytes


class PipeClosed(Exception):
    """The other side is gone, or this side has closed.

    code
        WebSocket close code; 1006 = vanished without a close frame
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code
        self.reason = reason


class Pipe(Protocol):
    """One end of a two-way stream of whole messages."""

    async def send(self, message: Message) -> None:
        """Hand a message over; waits while the other side is behind. Raises PipeClosed."""

    async def recv(self) -> Message:
        """The next message. Raises PipeClosed when there will be none."""

    async def settle(self, behind: int = 0) -> None:
        """Wait until the other side has taken what was sent, but for what was sent since the last `behind` calls."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close politely. Closing twice is fine."""

    def abort(self) -> None:
        """Vanish: no close frame (the other side sees 1006)."""


class MemoryPipe:
    """One end of an in-memory pipe; `memory_pipe()` makes the two ends."""

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._inbox: deque[Message] = deque()
        self._changed = asyncio.Event()
        self._closed: PipeClosed | None = None
        self._sent = 0
        self._marks: deque[int] = deque()  # how much had been sent at the last calls of `settle`
        self.peer: MemoryPipe = self

    @property
    def closed(self) -> bool:
        """True once either side has closed."""
        return self._closed is not None

    async def send(self, message: Message) -> None:
        while len(self.peer._inbox) >= self._limit and not self._closed:
            await self._wait_for_peer()
        if self._closed:
            raise self._closed
        self._sent += 1
        self.peer._inbox.append(message)
        self.peer._changed.set()

    async def recv(self) -> Message:
        while not self._inbox:
            if self._closed:
                raise self._closed
            self._changed.clear()
            await self._changed.wait()
        message = self._inbox.popleft()
        self.peer._changed.set()
        return message

    async def settle(self, behind: int = 0) -> None:
        self._marks.append(self._sent)
        while len(self._marks) > behind:
            mark = self._marks.popleft()
            while self._sent - len(self.peer._inbox) < mark and not self._closed:
                await self._wait_for_peer()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._end(PipeClosed(code, reason))

    def abort(self) -> None:
        self._end(PipeClosed(1006))

    async def _wait_for_peer(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _end(self, why: PipeClosed) -> None:
        for side in (self, self.peer):
            side._closed = side._closed or why
            side._changed.set()


def memory_pipe(limit: int = 64) -> tuple[MemoryPipe, MemoryPipe]:
    """Two connected ends. `limit`: messages one side may be behind before `send` waits."""
    left, right = MemoryPipe(limit), MemoryPipe(limit)
    left.peer, right.peer = right, left
    return left, right


class SocketPipe:
    """A WebSocket (client or server side of the `websockets` library) as a pipe."""

    SETTLE_LIMIT = 10.0  # wall seconds

    def __init__(self, socket: Connection) -> None:
        self._socket = socket
        self._pongs: deque[Awaitable[float]] = deque()

    async def send(self, message: Message) -> None:
        try:
            await self._socket.send(message)
        except ConnectionClosed as closed:
            raise _translate(closed) from None

    async def recv(self) -> Message:
        try:
            return await self._socket.recv()
        except ConnectionClosed as closed:
            raise _translate(closed) from None

    async def settle(self, behind: int = 0) -> None:
        try:
            self._pongs.append(await self._socket.ping())
            while len(self._pongs) > behind:
                await asyncio.wait_for(self._pongs.popleft(), self.SETTLE_LIMIT)
        except ConnectionClosed as closed:
            raise _translate(closed) from None
        except TimeoutError:
            return

    async def close(self, code: int = 1000, reason: str = "") -> None:
        with contextlib.suppress(ConnectionClosed):
            await self._socket.close(code, reason)

    def abort(self) -> None:
        self._socket.transport.abort()


def _translate(closed: ConnectionClosed) -> PipeClosed:
    frame = closed.rcvd or closed.sent
    return PipeClosed(frame.code if frame else 1006, frame.reason if frame else "")
