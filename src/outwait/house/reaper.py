"""Finds what was lost sight of: calls whose process has died, and legs that are up at the carrier though their call is
over here.

Every process holds a lease on its calls and renews it while it lives. Nobody takes a call from a process whose lease
runs, so that many can work on one database, and a new one can start while others are at work.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import structlog

from outwait.carriers.base import Carrier, CarrierError
from outwait.store.base import CallRow, Store, StoreError

BEAT_SECONDS = 10.0  # wall s between renewals
LEASE_SECONDS = 35.0  # wall s that a lease lasts: three renewals may fail
SWEEP_SECONDS = 60.0  # wall s between looks at the carrier
PRUNE_SECONDS = 3600.0  # wall s between deletions of what is too old
SETTLED_SECONDS = 30.0  # wall s after a call's end in which the carrier may not have noticed it yet

log = structlog.get_logger(__name__)


class Board(Protocol):
    """What is asked of the switchboard."""

    async def take_up(self) -> int:
        """Go on with every call that has no living owner; how many."""

    @property
    def callers(self) -> set[str]:
        """Numbers that calls came from, E.164."""


def new_process() -> str:
    """A name for this process that no other will ever have."""
    return f"process_{secrets.token_hex(8)}"


class Lease:
    """A process's hold on its calls.

    place
        what another process on this machine can tell our death by
    is_dead
        whether the process at such a place is certainly no more
    """

    def __init__(
        self,
        store: Store,
        process: str,
        wall: Callable[[], float],
        place: str | None = None,
        is_dead: Callable[[str], bool] | None = None,
    ) -> None:
        self._store = store
        self._process = process
        self._wall = wall
        self._place = here() if place is None else place
        self._is_dead = is_dead or has_died

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """From before the first call is taken until after the last one has been let go."""
        await self.bury()
        await self.renew()
        try:
            yield
        finally:
            with suppress(StoreError):  # then it runs out by itself
                await self._store.leave(self._process)

    async def renew(self) -> None:
        """Once more so long from now."""
        await self._store.beat(self._process, self._place, self._wall() + LEASE_SECONDS)

    async def bury(self) -> None:
        """Free the calls of processes that have died on this machine, so that a restart need not wait for their leases
        to run out."""
        for process, place in (await self._store.processes()).items():
            if process != self._process and self._is_dead(place):
                log.info("a process has died; its calls are free", process=process)
                await self._store.leave(process)


class Reaper:
    """Renews the lease, takes up what is left over, and ends legs that nobody here knows of any more."""

    def __init__(
        self,
        lease: Lease,
        board: Board,
        store: Store,
        carrier: Carrier,
        wall: Callable[[], float],
        *,
        own_number: str | None = None,
        on_reaped: Callable[[str], None] = lambda what: None,
        prune: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """`on_reaped` counts: `call` for one taken up, `leg` for one ended. `prune` deletes what is too old."""
        self._lease = lease
        self._board = board
        self._store = store
        self._carrier = carrier
        self._wall = wall
        self._own_number = own_number
        self._on_reaped = on_reaped
        self._prune = prune

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """As long as the context lasts."""
        task = asyncio.create_task(self._run(), name="reaper")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def beat(self) -> None:
        """Renew, and take up what is left over. A failing database is told and tried again."""
        try:
            await self._lease.renew()
            await self._lease.bury()
            for _ in range(await self._board.take_up()):
                self._on_reaped("call")
        except StoreError as error:
            log.warning("leases can't be renewed or read just now", error=str(error))

    async def sweep(self) -> None:
        """End the legs that are up at the carrier though their call ended here a while ago. A leg that is in no call
        of ours is somebody else's, who uses the same number."""
        for number in sorted(self._board.callers | ({self._own_number} if self._own_number else set())):
            try:
                for leg in await self._carrier.up(number):
                    row = await self._store.by_carrier_id(leg)
                    if row is not None and self._is_long_over(row, leg):
                        log.warning("a leg is up though its call has ended; ending it", call=row.id)
                        await self._carrier.hang_up(leg, cancel=False)
                        self._on_reaped("leg")
            except CarrierError as error:
                log.warning("the carrier can't be asked which legs are up", error=str(error)[:200])
            except StoreError as error:
                log.warning("the store can't be asked whose legs are up", error=str(error))

    def _is_long_over(self, row: CallRow, leg: str) -> bool:
        ended = row.record.get("ended_at")
        if row.live or not isinstance(ended, str):
            return False
        if (row.record.get("end_reason") or {}).get("cause") == "transferred" and leg == row.carrier_call_id:
            return False  # others talk on it; it has a time limit of its own
        return datetime.fromisoformat(ended).replace(tzinfo=UTC).timestamp() < self._wall() - SETTLED_SECONDS

    async def prune(self) -> None:
        """Once more delete what is too old."""
        try:
            if self._prune is not None:
                await self._prune()
        except StoreError as error:
            log.warning("old calls can't be pruned just now", error=str(error))

    async def _run(self) -> None:
        beats = 0
        while True:
            if beats % round(SWEEP_SECONDS / BEAT_SECONDS) == 0:
                await self.sweep()
            if beats % round(PRUNE_SECONDS / BEAT_SECONDS) == 0:
                await self.prune()
            await asyncio.sleep(BEAT_SECONDS)
            await self.beat()
            beats += 1


def here() -> str:
    """This machine since its start, what a process id means on it, and this process; "" where that can't be told."""
    if sys.platform != "linux":
        return ""
    try:
        return f"{_machine()} {os.getpid()} {_started(os.getpid())}"
    except OSError:
        return ""


def has_died(place: str) -> bool:
    """Whether the process at a place is certainly no more; of another machine that is never certain."""
    parts = place.split()
    if sys.platform != "linux" or len(parts) != 4 or not parts[2].isdecimal():
        return False
    try:
        if " ".join(parts[:2]) != _machine():
            return False
        return _started(int(parts[2])) != parts[3]
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {os.readlink('/proc/self/ns/pid')}"


def _started(process: int) -> str:
    """When, in ticks since the machine's start: process ids are used again."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
