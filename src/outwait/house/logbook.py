"""The log of one call on its way into the store: what acts is written before it acts, the rest soon, in order.

A store that fails keeps the call alive: the entries wait in memory and are written when it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from outwait import call_log
from outwait.call import events as ev
from outwait.call.commands import AnyCommand
from outwait.call.events import AnyEvent
from outwait.store.base import Entry, Fenced, Store, StoreError

TOGETHER_SECONDS = 0.25  # between two moments at which what was quiet is written
RETRY_SECONDS = 2.0  # between tries to write a log that could not be written
PATIENCE_SECONDS = 3600.0  # for which the log of a call that is over waits for its store

log = structlog.get_logger(__name__)

Show = Callable[[], dict[str, Any]]
"""Makes the call object."""


class Logbook:
    """Of a call that runs here. `fenced`: another process has it, and nothing is written any more."""

    def __init__(
        self,
        call_id: str,
        store: Store,
        *,
        wall: Callable[[], float],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        tell: Callable[[AnyEvent | None], None],
        seq: int,
        epoch: int,
    ) -> None:
        """`seq` and `epoch` go on where the log ends. `spawn` runs a task beside the call; `tell` gives it an event, or
        only wakes it."""
        self.fenced = False
        self._call_id = call_id
        self._store = store
        self._wall = wall
        self._spawn = spawn
        self._tell = tell
        self._seq = seq
        self._epoch = epoch
        self._quiet = call_log.Quiet()
        self._entries: list[Entry] = []  # not written yet
        self._record: Show | None = None  # to be written with them
        self._writing = asyncio.Lock()
        self._soon = False  # a task waits to write them
        self._later: asyncio.TimerHandle | None = None  # when they are written at the latest
        self._not_before = 0.0  # loop s: the store failed, and is not tried before
        self._log = log.bind(call=call_id)

    async def add(self, now: float, event: AnyEvent, commands: Sequence[AnyCommand], record: Show | None) -> None:
        """An event and what came of it. Returns when it is written, if it does something outside."""
        self._pack_quiet(now)
        self._add(now, call_log.pack_event(event), call_log.pack_commands(commands))
        self._record = record or self._record
        if call_log.acts(commands):
            await self._write()
        elif not self._soon:  # the sound of the call does not wait for it
            self._soon = True
            self._spawn(self._write())

    def add_quiet(self, now: float, event: AnyEvent) -> None:
        """An event of which nothing came but sound. All calls write these at the same moments, so that one transaction
        serves many."""
        self._quiet.add(now, event)
        if self._quiet.due(now):
            self._pack_quiet(now)
            if self._later is None:
                loop = asyncio.get_running_loop()
                wait = TOGETHER_SECONDS - loop.time() % TOGETHER_SECONDS
                self._later = loop.call_later(wait, lambda: self._spawn(self._write()))

    async def finish(self, now: float, record: Show) -> None:
        """Write all that is left, as soon as the store lets us. Whoever can't wait cancels."""
        self.rest()
        self._pack_quiet(now)
        count, written = len(self._entries), False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not written:
                    self._not_before = 0.0
                    self._record = record
                    await self._write()
                    written = not self._entries
                    if not written:
                        await asyncio.sleep(RETRY_SECONDS)
        except TimeoutError:
            pass
        finally:
            if not written:
                self._log.error("the end of the call log is lost", entries=count)

    def rest(self) -> None:
        """Nothing is written of itself any more."""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def _pack_quiet(self, now: float) -> None:
        packed = self._quiet.take()
        if packed is not None:
            self._add(now, packed, b"[]")

    def _add(self, now: float, event: bytes, commands: bytes) -> None:
        self._seq += 1
        entry = Entry(seq=self._seq, now=now, wall=self._wall(), epoch=self._epoch, event=event, commands=commands)
        self._entries.append(entry)

    async def _write(self) -> None:
        async with self._writing:
            self._soon = False
            self.rest()
            now = asyncio.get_running_loop().time()
            if not self._entries or now < self._not_before:
                return
            entries, record = self._entries, self._record
            self._entries, self._record = [], None
            try:
                await self._store.append(self._call_id, entries, record() if record is not None else None)
            except Fenced:
                self._log.warning("another process has taken this call over; this one lets it go")
                self.fenced = True
                self._tell(None)
            except StoreError as error:
                self._entries, self._record = entries + self._entries, self._record or record
                if not self._not_before:
                    self._log.error("the call log can't be written; it is kept in memory", error=str(error))
                    self._tell(ev.LogFailed(detail=str(error)[:200]))
                self._not_before = now + RETRY_SECONDS
            else:
                self._not_before = 0.0
