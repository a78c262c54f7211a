"""The ear of a process, shared by its calls: what several hear at the same time goes through it together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from outwait.audio.ear import Ear, Listening

TOGETHER_SECONDS = 0.04  # wall s that sound waits for that of other calls, to go through the ear with it


class Together:
    """Calls that hear something at the same time go through the ear together: sixteen cost a quarter of one each."""

    _all: ClassVar[WeakKeyDictionary[Ear, Together]] = WeakKeyDictionary()

    def __init__(self) -> None:
        self._waiting: dict[
            Listening, tuple[bytes, Callable[[list[Any]], None]]
        ] = {}  # sound, and who wants its scores
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def of(cls, ear: Ear) -> Together:
        """The one of this ear."""
        if ear not in cls._all:
            cls._all[ear] = cls()
        return cls._all[ear]

    def hear(
        self, ear: Ear, listening: Listening, ulaw: bytes, tell: Callable[[list[Any]], None], *, hurry: bool
    ) -> None:
        """`tell` gets the scores; in the next turn of the loop if there is a hurry."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # what waited for another loop waits in vain
            self._waiting, self._timer, self._loop = {}, None, loop
        if listening in self._waiting:  # a call may stand in a batch once only
            self._flush(ear)
        self._waiting[listening] = (ulaw, tell)
        if hurry:
            loop.call_soon(self._flush, ear)
        elif self._timer is None:
            self._timer = loop.call_later(TOGETHER_SECONDS, self._flush, ear)

    def _flush(self, ear: Ear) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        heard = ear.hear([(listening, ulaw) for listening, (ulaw, _) in waiting.items()])
        for (_, tell), scores in zip(waiting.values(), heard, strict=True):
            tell(scores)
