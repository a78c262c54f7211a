"""What reaches another process than the one that runs the call (a status callback, a wish to hang up): it is left in
the store, where its owner looks every second, and so does whoever takes the call up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import structlog

from outwait import call_log
from outwait.call.events import AnyEvent
from outwait.store.base import Store, StoreError

LOOK_SECONDS = 1.0  # wall s between looks

log = structlog.get_logger(__name__)


class Letters:
    """Of one process: those for its own calls, and those it leaves for others."""

    def __init__(self, store: Store, process: str, deliver: Callable[[str, AnyEvent], bool]) -> None:
        """`deliver` gives an event to a call; False when it does not run here."""
        self._store = store
        self._process = process
        self._deliver = deliver

    async def leave(self, call_id: str, event: AnyEvent) -> None:
        """For whoever runs this call. Raises StoreError."""
        await self._store.keep_letter(call_id, call_log.pack_event(event))

    async def collect(self) -> None:
        """Deliver what is there. One that comes twice does no harm, one that is lost would: so it is forgotten after
        its delivery. Raises StoreError."""
        done = []
        for letter in await self._store.letters(self._process):
            try:
                ((_, event),) = call_log.unpack_event(letter.event)
            except (msgspec.MsgspecError, ValueError) as error:  # left by another version
                log.warning("a letter can't be read", call=letter.call_id, error=str(error))
                done.append(letter.id)
                continue
            if self._deliver(letter.call_id, event):
                done.append(letter.id)
        if done:
            await self._store.forget_letters(done)

    @asynccontextmanager
    async def collecting(self) -> AsyncIterator[None]:
        """As long as the context lasts."""
        task = asyncio.create_task(self._run(), name="letters")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.collect()
            except StoreError as error:
                if not failing:
                    log.warning("letters can't be collected just now", error=str(error))
                failing = True
            else:
                failing = False
