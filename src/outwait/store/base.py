"""What the house asks of a store: the call log, from which a call can be rebuilt, and the call objects made from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import msgspec


class StoreError(Exception):
    """The store can't be read or written just now (disk full, locked, unreachable). Nothing was half written."""


class OverQuota(Exception):
    """A call that would be one too many; nothing was kept of it. `code` is a stable word, the message a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Fenced(StoreError):
    """Another process has taken this call over: this one must not touch it any more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a call's log."""

    seq: int  # 1, 2, 3 ... within the call, without gaps
    now: float  # monotonic s of the process that wrote it, as passed to `Call.receive`
    wall: float  # s since 1970, for the record
    epoch: int  # which process: grows by one at every take-over
    event: bytes  # JSON of the event
    commands: bytes  # JSON list of the commands, without sound


@dataclass(frozen=True, slots=True)
class CallRow:
    """What is kept of a call beside its log."""

    id: str
    created: float  # s since 1970
    setup: bytes  # JSON: task, numbers, policy, prices: all that `Call` was made with
    record: dict[str, Any]  # the call object of the HTTP API
    carrier_call_id: str | None
    live: bool  # not ended
    epoch: int
    owner: str = ""  # process that runs it; "": nobody
    api_key: str = ""  # id of the key that placed it; "": the configured one, or none
    reserved: float = 0.0  # USD that it may spend, counted against its key's day until it has ended
    webhook: str = ""  # who is told of its end, of a new call; not read back


class Letter(NamedTuple):
    """An event for a call that another process runs."""

    id: int
    call_id: str
    event: bytes  # JSON


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of something there may be when a call is created. None: as much as you like. A day is 24 hours."""

    live: int | None = None  # calls of this key at once
    calls: int | None = None  # calls of this key in a day
    usd: float | None = None  # spent or reserved by this key in a day
    to_number: int | None = None  # calls to the same number in a day, by anybody


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a key may do. None: no limit of its own."""

    calls_at_once: int | None = None
    calls_per_day: int | None = None
    usd_per_day: float | None = None
    countries: tuple[str, ...] | None = None
    # ISO 3166 letters, or "*"; None: the server's


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: without the key."""

    id: str
    name: str
    created: float  # s since 1970
    revoked: float | None  # s since 1970
    limits: Limits


class Store(Protocol):
    """Errors are StoreError, or ValueError for a wrong cursor."""

    async def create(self, row: CallRow, idempotency_key: str | None = None, quota: Quota | None = None) -> CallRow:
        """Keep a new call; with a key seen in the last day, the call of that key instead. Raises OverQuota; of calls
        that are created at once, no more than the quota's number are."""

    async def append(self, call_id: str, entries: Sequence[Entry], record: dict[str, Any] | None = None) -> None:
        """Add to the log, and replace the call object, in one transaction. Refused (StoreError) when the entries'
        epoch is not the call's: another process has taken it over."""

    async def take_over(self, call_id: str, owner: str = "") -> int:
        """Make this process the owner, whoever it was before; the new epoch."""

    async def claim(self, call_id: str, owner: str, wall: float) -> int | None:
        """Make this process the owner of a live call whose owner's lease is over; the new epoch. None: it is not to
        be had, or another process was faster."""

    async def beat(self, process: str, place: str, expires: float) -> None:
        """Renew a process's lease on its calls. `place` is what `processes` gives back."""

    async def processes(self) -> dict[str, str]:
        """The place of every process that holds a lease, over or not."""

    async def leave(self, process: str) -> None:
        """End a process's lease, one's own or a dead one's: its calls are free at once."""

    async def get(self, call_id: str) -> CallRow | None: ...

    async def by_carrier_id(self, carrier_call_id: str) -> CallRow | None:
        """The call of a leg, its first or (`second_legs` of a record) a further one."""

    async def log(self, call_id: str, after: int = 0) -> list[Entry]: ...

    async def page(self, limit: int, cursor: str | None) -> tuple[list[CallRow], str | None]:
        """Newest first, and the cursor of the next page."""

    async def live(self) -> list[CallRow]:
        """All calls that have not ended."""

    async def keep_memory(self, call_id: str, data: bytes, epoch: int) -> None:
        """Keep what the ear remembers of this call, instead of what was kept before. Raises Fenced."""

    async def memory(self, call_id: str) -> bytes | None:
        """What `keep_memory` was given last."""

    async def keep_number(self, number: str, data: bytes, now: float) -> None:
        """Keep what is known of a number (E.164), JSON, instead of what was kept before. `now`: s since 1970."""

    async def number(self, number: str) -> bytes | None:
        """What `keep_number` was given last."""

    async def keep_letter(self, call_id: str, event: bytes) -> None:
        """Leave an event for the process that runs this call."""

    async def letters(self, owner: str) -> list[Letter]:
        """Those for the calls of this process, oldest first."""

    async def forget_letters(self, ids: Sequence[int]) -> None:
        """They have been delivered; and those for calls that have ended are for nobody any more."""

    async def keep_token(self, digest: bytes, call_id: str, expires: float) -> None:
        """Remember a stream token by its SHA-256 until `expires`, s since 1970."""

    async def spend_token(self, digest: bytes, wall: float) -> str | None:
        """The call of an unspent, unexpired token, which is spent now; None otherwise."""

    async def close(self) -> None: ...
