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

    def mark(self, payload: bytes, now: float) -> bytes:
        """This payload as it is sent now."""
        return self.number(now) + payload[ID_DIGITS:]

    def took(self, payload: bytes, now: float) -> None:
        """A payload is here, of one frame or several."""
        self.arrived(payload[:ID_DIGITS], now)
        if len(payload) * 3 // 4 >= 2 * FRAME:
            sound = base64.b64decode(payload)
            for at in range(FRAME, len(sound) - FRAME + 1, FRAME):
                self.arrived(base64.b64encode(sound[at : at + 6]), now)

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


class Clicks(Delays):
    """How long sound is on its way through who resamples it, so that numbers don't arrive: now and then a frame of all
    that are sent is loud, and the next loud one that arrives is that one."""

    EVERY: Final = 0.3  # s from one to the next at least: none is sent before the last one has arrived
    LOST: Final = 10.0  # s after which it is not waited for any more

    def __init__(self, quiet: bytes, loud: bytes, is_loud: Callable[[bytes], bool]) -> None:
        """`quiet`, `loud`: payloads as they are sent; `is_loud`: of one as it arrives."""
        super().__init__()
        self._quiet = quiet
        self._loud = loud
        self._is_loud = is_loud
        self._last = -self.EVERY  # when the last loud one was sent
        self._open = False  # it has not arrived yet

    def mark(self, payload: bytes, now: float) -> bytes:
        if now - self._last < (self.LOST if self._open else self.EVERY):
            return self._quiet
        self._last, self._open = now, True
        return self._loud

    def took(self, payload: bytes, now: float) -> None:
        if self._open and self._is_loud(payload):
            self._open = False
            if self.watching:
                self.seconds.append(now - self._last)


def payloads(ulaw: bytes) -> list[bytes]:
    """Sound as base64 payloads of 20 ms each."""
    return [base64.b64encode(ulaw[at : at + FRAME]) for at in range(0, len(ulaw) - FRAME + 1, FRAME)]
