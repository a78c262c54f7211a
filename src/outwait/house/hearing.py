"""The ear of a process, shared by its calls: what several hear at the same time goes through it together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from outwait.audio.ear import Ear, Listening, Score

TOGETHER_SECONDS = 0.04  # wall s that sound waits for that of other calls: sixteen cost a quarter of one each

Tell = Callable[[list[Score]], None]
"""Gets the scores of what was heard."""


class Hearing:
    """The ear, and the sound that waits for it. Used on one event loop."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self._waiting: dict[Listening, tuple[bytes, Tell]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> Listening:
        """A call begins."""
        return self._ear.open()

    def hear(self, listening: Listening, ulaw: bytes, tell: Tell, *, hurry: bool) -> None:
        """`tell` gets the scores soon; in the next turn of the loop if there is a hurry."""
        loop = asyncio.get_running_loop()
        if listening in self._waiting:  # a call may stand in a batch once only
            self._flush()
        self._waiting[listening] = (ulaw, tell)
        if hurry:
            loop.call_soon(self._flush)
        elif self._timer is None:
            self._timer = loop.call_later(TOGETHER_SECONDS, self._flush)

    def close(self) -> None:
        """Whatever still waits, waits in vain."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._waiting.clear()

    def _flush(self) -> None:
        waiting = self._waiting.copy()
        self.close()
        if not waiting:
            return
        heard = self._ear.hear([(listening, ulaw) for listening, (ulaw, _) in waiting.items()])
        for (_, tell), scores in zip(waiting.values(), heard, strict=True):
            tell(scores)
