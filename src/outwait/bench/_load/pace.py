"""Time and sound of the load: senders in real time, and how long what they sent was on its way."""

from __future__ import annotations

import asyncio
import base64
import heapq
import time
from collections import deque
from collections.abc import Callable
from typing import Final

FRAME: Final = 160  # bytes of mu-law in 20 ms
FRAME_SECONDS: Final = 0.02
ID_DIGITS: Final = 8  # base64 characters at the front of a payload that number it: six bytes of its sound

clock = time.perf_counter


class Pacer:
    """Calls many senders in real time, each every 20 ms, spread over those 20 ms."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[float], bool]]] = []
        self._count = 0
        self._wake = asyncio.Event()
        self.late: list[float] = []
        """seconds that sends were late: the generator's own fault, not the server's"""

    def add(self, send: Callable[[float], bool]) -> None:
        """`send(now)` is called until it returns False."""
        self._count += 1
        phase = (self._count * 0.618034) % 1.0  # even, and no two alike
        heapq.heappush(self._due, (clock() + phase * FRAME_SECONDS, self._count, send))
        self._wake.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            if not self._due:
                self._wake.clear()
                await self._wake.wait()
            now = clock()
            while self._due and self._due[0][0] <= now:
                due, number, send = self._due[0]
                self.late.append(now - due)
                if send(now):
                    heapq.heapreplace(self._due, (due + FRAME_SECONDS, number, send))
                else:
                    heapq.heappop(self._due)
                now = clock()
            if self._due:
                await asyncio.sleep(max(0.0, self._due[0][0] - now))


class Delays:
    """How long numbered frames were on their way, for the frames that arrive while `watching`."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque(maxlen=1 << 16)
        self._first = 0  # number of the frame in front of `_sent`
        self.watching = False
        self.seconds: list[float] = []

    def number(self, now: float) -> bytes:
        """The digits for a frame that is sent now."""
        if len(self._sent) == self._sent.maxlen:
            self._first += 1
        self._sent.append(now)
        return b"%08d" % (self._first + len(self._sent) - 1)

    def arrived(self, digits: bytes, now: float) -> None:
        """A frame with these digits is here."""
        if self.watching:
            index = int(digits) - self._first
            if 0 <= index < len(self._sent):
                self.seconds.append(now - self._sent[index])


def payloads(ulaw: bytes) -> list[bytes]:
    """Sound as base64 payloads of 20 ms each."""
    return [base64.b64encode(ulaw[at : at + FRAME]) for at in range(0, len(ulaw) - FRAME + 1, FRAME)]
