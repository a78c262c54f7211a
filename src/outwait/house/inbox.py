"""What has happened to one call and has not been received yet; and the one timer for what the call waits for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from outwait.call import events as ev
from outwait.call.events import AnyEvent

FRAMES_AHEAD = 16  # media messages waiting in an inbox before the socket is read no further: a third of a second
CALM_FRAMES = 8  # media messages that a call on hold gets at once
CALM_SECONDS = 0.12  # wall s between; less than those frames last, so that a reader that was late catches up
BATCH_FRAMES = 5  # from so many at once the socket is one that gives all that has come, and is never late
BATCH_SECONDS = 0.155  # wall s between; the frames of the next one are eight then
MOST_JOINED = 16  # frames that are taken as one
MEASURED_SECONDS = 1.0  # media s over which the pace of a carrier is measured
BYTES = 8000  # of sound in a second
JOINT = 0.001  # s between two frames that are no gap: the carrier counts in milliseconds
FAST = 1.15  # times the pace of life from which a carrier is faster; our pauses allow 1.33


class Inbox:
    """The events of one call, in order, with back-pressure for those that come fifty times a second."""

    def __init__(self) -> None:
        self._events: deque[AnyEvent] = deque()
        self._frames = 0
        self._waiter: asyncio.Future[None] | None = None
        self._space = asyncio.Event()
        self._space.set()
        self._calm = False
        self._unread = 0  # frames since the reader last paused
        self._came = 0  # frames since it last asked for rest
        self._heard_at = 0.0  # s into the stream
        self._measured = (0.0, 0.0)  # loop s, and s into the stream then
        self._live = False  # the sound comes at the pace of life
        self._reader: asyncio.Future[None] | None = None  # where it pauses

    def post(self, event: AnyEvent) -> None:
        """Never blocks."""
        self._events.append(event)
        if type(event) is ev.Heard:
            self._frames += 1
            self._unread += 1
            self._came += 1
            self._heard_at = event.at
            if self._frames >= FRAMES_AHEAD:
                self._space.clear()
        self.wake()

    async def room(self) -> None:
        """Back-pressure for a media socket. Awaited after each frame."""
        if not self._space.is_set():
            await self._space.wait()

    async def rest(self) -> None:
        """Rest for a reader that nobody is in a hurry to hear. Awaited when all that came at once has been posted."""
        came, self._came = self._came, 0
        if self._calm and (came >= BATCH_FRAMES or self._unread >= CALM_FRAMES):
            self._unread = 0
            if self._lives():
                await self._pause(BATCH_SECONDS if came >= BATCH_FRAMES else CALM_SECONDS)

    def calm(self, calm: bool) -> None:
        """Whether frames are wanted only now and then. To read eight at once costs a third of reading them singly."""
        self._calm = calm
        if not calm and self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _lives(self) -> bool:
        """Whether the sound comes at the pace of life, measured over its last second. A carrier may be faster, and is
        not to be slowed down: at the pace that our pauses allow it would be seen to be fast, and they end."""
        now, at = asyncio.get_running_loop().time(), self._heard_at
        since, from_at = self._measured
        if at < from_at or at - from_at >= MEASURED_SECONDS:
            self._live = 0.0 <= at - from_at < (now - since) * FAST
            self._measured = (now, at)
        return self._live

    async def _pause(self, seconds: float) -> None:
        """Let frames gather in the socket: to read several at once costs a third of reading them singly."""
        loop = asyncio.get_running_loop()
        self._reader = loop.create_future()
        timer = loop.call_later(seconds, _done, self._reader)
        try:
            await self._reader
        finally:
            timer.cancel()
            self._reader = None

    @property
    def pending(self) -> bool:
        return bool(self._events)

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self) -> AnyEvent | None:
        if not self._events:
            return None
        event = self._events.popleft()
        if type(event) is ev.Heard:
            self._frames -= 1
            if self._calm:
                event = self._joined(event)
            if self._frames < FRAMES_AHEAD // 2:
                self._space.set()
        return event

    def _joined(self, first: ev.Heard) -> ev.Heard:
        """With the frames that follow it without a gap, as far as they are here: nobody needs them one by one."""
        pieces, until = [first.ulaw], first.at + len(first.ulaw) / BYTES
        while self._events and len(pieces) < MOST_JOINED:
            following = self._events[0]
            if type(following) is not ev.Heard or following.stream != first.stream:
                break
            if not abs(following.at - until) < JOINT:
                break
            pieces.append(following.ulaw)
            until += len(following.ulaw) / BYTES
            self._events.popleft()
            self._frames -= 1
        return ev.Heard(first.stream, first.at, b"".join(pieces)) if len(pieces) > 1 else first

    async def wait(self) -> None:
        """Until something is there, or `wake`."""
        if self._events:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def open_floodgate(self) -> None:
        """Nobody will read any more: let the sockets that wait find out."""
        self._space.set()
        self.calm(False)


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class Alarm:
    """One timer for a deadline that moves all the time: it is set anew only when it would ring too late."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at: float | None) -> None:
        """`at` on the loop's clock."""
        if at is None:
            return
        if self._handle is not None:
            if self._handle.when() <= at:
                return
            self._handle.cancel()
        self._handle = asyncio.get_running_loop().call_at(at, self._rung)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _rung(self) -> None:
        self._handle = None
        self._ring()
