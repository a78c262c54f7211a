"""The call log in a SQL database: SQLite for one machine, PostgreSQL for many. One code for both.

SQLite: write-ahead log, one writer at a time in this process, and a writer takes its lock at the beginning of a
transaction, so that a read never has to be upgraded in the middle of one.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Self

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from outwait.store.base import CallRow, Entry, Fenced, Letter, OverQuota, Quota, StoreError
from outwait.store.opening import alone, make_engine, migrate, with_async_driver
from outwait.store.tables import (
    calls,
    deliveries,
    entries,
    idempotency,
    legs,
    letters,
    memories,
    numbers,
    processes,
    tokens,
)

DEADLINE = 10.0  # wall s for one operation
PLAIN_DEADLINE = 3600.0  # wall s for one that rewrites the file
KEY_SECONDS = 86_400.0  # s that an idempotency key is honoured
DAY = 86_400.0  # s over which a quota counts
FORGOTTEN_SECONDS = 86_400.0  # s after which the lease of a process that is no more is forgotten
_QUOTA_LOCK = 0x6F757478  # any number, the same in every process


class SqlStore:
    """A `Store`. Made by `SqlStore.open`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._writing = asyncio.Lock()
        self._appending = asyncio.Lock()
        self._appends: list[_Append] = []  # wait to be written, by whoever gets the lock
        # A commit whose answer got lost is tried again by the caller: what is there already is there.
        insert = sqlite.insert if self.is_sqlite else postgresql.insert
        self._insert_entry = insert(entries).on_conflict_do_nothing()
        self._insert_leg = insert(legs).on_conflict_do_nothing()

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect, and bring the database to its newest shape. Raises StoreError, for a wrong URL too.

        url
            SQLAlchemy's form: `sqlite:///calls.db`, `postgresql://user:password@host/name`
        """
        store = cls(make_engine(with_async_driver(url)))
        try:
            async with alone(), store.write() as connection:
                await connection.run_sync(migrate)
        except StoreError:
            await store.close()
            raise
        return store

    async def create(self, row: CallRow, idempotency_key: str | None = None, quota: Quota | None = None) -> CallRow:
        try:
            async with self.write() as connection:
                if idempotency_key is not None:
                    earlier = await _of_key(connection, idempotency_key, row.created)
                    if earlier is not None:
                        return earlier
                if quota is not None:
                    if not self.is_sqlite:  # SQLite has one writer anyway
                        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_QUOTA_LOCK)))
                    await _check_quota(connection, row, quota)
                await connection.execute(_INSERT_CALL, _values(row))
                if row.webhook:
                    line = {"call_id": row.id, "url": row.webhook, "state": "waiting"}
                    await connection.execute(deliveries.insert(), line)
                if idempotency_key is not None:
                    key = {"key": idempotency_key, "call_id": row.id, "created": row.created}
                    await connection.execute(idempotency.insert(), key)
                return row
        except _Duplicate:
            # Another process was faster with this key, and its call is to be found now.
            if idempotency_key is None:
                raise
            async with self.read() as connection:
                earlier = await _of_key(connection, idempotency_key, row.created, forget=False)
            if earlier is None:
                raise
            return earlier

    async def append(self, call_id: str, entries: Sequence[Entry], record: dict[str, Any] | None = None) -> None:
        if not entries:
            if record is not None:
                raise ValueError("a record goes with the entries that changed it")
            return
        mine = _Append(call_id, entries, record)
        self._appends.append(mine)
        async with self._appending:
            if mine not in self._appends:  # whoever was before took it along
                mine.raise_failure()
                return
            together, self._appends = self._appends, []
            try:
                await self._write_all(together)
            except BaseException:  # of this caller: the others' are written by the next of them
                self._appends = [one for one in together if one is not mine and not one.done] + self._appends
                raise
        mine.raise_failure()

    async def _write_all(self, appends: list[_Append]) -> None:
        """In one transaction, with as few statements for many calls as for one: each is a trip to another thread."""
        try:
            async with self.write() as connection:
                held = await self._held(connection, appends)
                await self._write_ours(connection, [one for one in appends if (one.call_id, one.epoch) in held])
                for one in appends:
                    if (one.call_id, one.epoch) not in held:
                        one.failure = Fenced(f"call {one.call_id} is not ours any more")
        except _Duplicate as error:  # one call's trouble, and not the others'
            if len(appends) == 1:
                appends[0].failure = error
            else:
                for one in appends:
                    await self._write_all([one])
        except StoreError as error:
            for one in appends:
                one.failure = error
        for one in appends:
            one.done = True

    async def _held(self, connection: AsyncConnection, appends: Sequence[_Append]) -> set[tuple[str, int]]:
        """Each call with its epoch, which stays as it is until the end of the transaction."""
        ids = sorted({one.call_id for one in appends})
        wanted = sa.select(calls.c.id, calls.c.epoch).where(calls.c.id.in_(ids)).order_by(calls.c.id).with_for_update()
        return {(line.id, line.epoch) for line in await connection.execute(wanted)}

    async def _write_ours(self, connection: AsyncConnection, appends: Sequence[_Append]) -> None:
        changed, ended, due = [], [], []
        for one in appends:
            if one.record is None:
                continue
            values = {"of": one.call_id, "by": one.epoch} | _changes(one.record)
            if one.record.get("phase") == "ended":
                ended.append(values | {"spent": _total(one.record)})
                due.append({"of": one.call_id, "at": one.entries[-1].wall})
            else:
                changed.append(values)
        if changed:
            await connection.execute(_CHANGE_CALL, changed)
        if ended:
            await connection.execute(_END_CALL, ended)
            await connection.execute(_DELIVER, due)
            await connection.execute(_FORGET_SOUND, due)
        legs = [further for one in appends for further in _further_legs(one)]
        if legs:
            await connection.execute(self._insert_leg, legs)
        lines = [_line(one.call_id, entry) for one in appends for entry in one.entries]
        if lines:
            await connection.execute(self._insert_entry, lines)

    async def take_over(self, call_id: str, owner: str = "") -> int:
        epoch = await self._own(call_id, owner)
        if epoch is None:
            raise KeyError(call_id)
        return epoch

    async def claim(self, call_id: str, owner: str, wall: float) -> int | None:
        alive = sa.select(processes.c.id).where(processes.c.id == calls.c.owner, processes.c.expires > wall).exists()
        return await self._own(call_id, owner, calls.c.live, ~alive)

    async def beat(self, process: str, place: str, expires: float) -> None:
        async with self.write() as connection:
            renewed = processes.update().where(processes.c.id == process).values(expires=expires)
            if not (await connection.execute(renewed)).rowcount:
                line = {"id": process, "place": place, "expires": expires}
                await connection.execute(processes.insert(), line)
            await connection.execute(processes.delete().where(processes.c.expires < expires - FORGOTTEN_SECONDS))

    async def processes(self) -> dict[str, str]:
        async with self.read() as connection:
            return {line.id: line.place for line in await connection.execute(sa.select(processes))}

    async def leave(self, process: str) -> None:
        async with self.write() as connection:
            await connection.execute(processes.delete().where(processes.c.id == process))

    async def get(self, call_id: str) -> CallRow | None:
        if "\0" in call_id:  # comes from outside, and PostgreSQL can't even be asked about it
            return None
        return await self._one(sa.select(calls).where(calls.c.id == call_id))

    async def by_carrier_id(self, carrier_call_id: str) -> CallRow | None:
        further = sa.select(legs.c.call_id).where(legs.c.carrier_call_id == carrier_call_id)
        return await self._one(
            sa.select(calls).where(sa.or_(calls.c.carrier_call_id == carrier_call_id, calls.c.id.in_(further)))
        )

    async def log(self, call_id: str, after: int = 0) -> list[Entry]:
        lines = sa.select(entries).where(entries.c.call_id == call_id, entries.c.seq > after).order_by(entries.c.seq)
        async with self.read() as connection:
            return [_entry(line) for line in await connection.execute(lines)]

    async def page(self, limit: int, cursor: str | None) -> tuple[list[CallRow], str | None]:
        newest = sa.select(calls).order_by(calls.c.created.desc(), calls.c.id.desc()).limit(limit + 1)
        if cursor is not None:
            newest = newest.where(sa.tuple_(calls.c.created, calls.c.id) < _position(cursor))
        async with self.read() as connection:
            rows = [_row(line) for line in await connection.execute(newest)]
        more = len(rows) > limit
        return rows[:limit], _cursor(rows[limit - 1]) if more else None

    async def live(self) -> list[CallRow]:
        unfinished = sa.select(calls).where(calls.c.live).order_by(calls.c.created, calls.c.id)
        async with self.read() as connection:
            return [_row(line) for line in await connection.execute(unfinished)]

    async def keep_memory(self, call_id: str, data: bytes, epoch: int) -> None:
        held = sa.select(calls.c.id).where(calls.c.id == call_id, calls.c.epoch == epoch).with_for_update()
        async with self.write() as connection:
            if (await connection.execute(held)).one_or_none() is None:
                raise Fenced(f"call {call_id} is not ours any more")
            await connection.execute(memories.delete().where(memories.c.call_id == call_id))
            await connection.execute(memories.insert(), {"call_id": call_id, "data": data})

    async def memory(self, call_id: str) -> bytes | None:
        async with self.read() as connection:
            found = await connection.execute(sa.select(memories.c.data).where(memories.c.call_id == call_id))
            data: bytes | None = found.scalar_one_or_none()
        return data

    async def keep_number(self, number: str, data: bytes, now: float) -> None:
        async with self.write() as connection:
            await connection.execute(numbers.delete().where(numbers.c.number == number))
            await connection.execute(numbers.insert(), {"number": number, "data": data.decode(), "updated": now})

    async def number(self, number: str) -> bytes | None:
        async with self.read() as connection:
            found = await connection.execute(sa.select(numbers.c.data).where(numbers.c.number == number))
            data: str | None = found.scalar_one_or_none()
        return data.encode() if data is not None else None

    async def keep_letter(self, call_id: str, event: bytes) -> None:
        async with self.write() as connection:
            await connection.execute(letters.insert(), {"call_id": call_id, "event": event.decode()})

    async def letters(self, owner: str) -> list[Letter]:
        async with self.read() as connection:
            found = await connection.execute(_LETTERS, {"owner": owner})
            return [Letter(line.id, line.call_id, line.event.encode()) for line in found]

    async def forget_letters(self, ids: Sequence[int]) -> None:
        over = sa.select(calls.c.id).where(~calls.c.live)
        done = letters.delete().where(sa.or_(letters.c.id.in_(ids), letters.c.call_id.in_(over)))
        async with self.write() as connection:
            await connection.execute(done)

    async def keep_token(self, digest: bytes, call_id: str, expires: float) -> None:
        async with self.write() as connection:
            # Tokens live for minutes: what expired a day before this one will was not wanted.
            await connection.execute(tokens.delete().where(tokens.c.expires < expires - KEY_SECONDS))
            await connection.execute(tokens.insert(), {"digest": digest, "call_id": call_id, "expires": expires})

    async def spend_token(self, digest: bytes, wall: float) -> str | None:
        spent = tokens.delete().where(tokens.c.digest == digest).returning(tokens.c.call_id, tokens.c.expires)
        async with self.write() as connection:
            found = (await connection.execute(spent)).one_or_none()
        return str(found.call_id) if found is not None and found.expires > wall else None

    async def close(self) -> None:
        async with self._writing:
            await self._engine.dispose()

    async def _own(self, call_id: str, owner: str, *which: sa.ColumnElement[bool]) -> int | None:
        mine = calls.c.id == call_id
        grown = calls.update().where(mine, *which).values(epoch=calls.c.epoch + 1, owner=owner).returning(calls.c.epoch)
        async with self.write() as connection:
            # PostgreSQL does not ask `which` of other tables again when an update has waited for another one. So it is
            # the lock that waits, and the update sees what came of it.
            await connection.execute(sa.select(calls.c.id).where(mine).with_for_update())
            epoch: int | None = (await connection.execute(grown)).scalar_one_or_none()
        return epoch

    async def _one(self, query: sa.Select[Any]) -> CallRow | None:
        async with self.read() as connection:
            line = (await connection.execute(query)).one_or_none()
        return None if line is None else _row(line)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction. It is committed as a whole, or nothing of it is."""
        turn: AbstractAsyncContextManager[Any] = self._writing if self.is_sqlite else nullcontext()
        async with _failures(), turn, self._engine.connect() as connection:
            if self.is_sqlite:
                connection = await connection.execution_options(outwait_writes=True)
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def plain(self) -> AsyncIterator[AsyncConnection]:
        """A connection without a transaction, for what SQLite only does outside of one, and takes its time over."""
        async with _failures(PLAIN_DEADLINE), self._writing, self._engine.connect() as connection:
            yield await connection.execution_options(outwait_plain=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with _failures(), self._engine.connect() as connection:
            yield connection


@dataclass(eq=False, slots=True)
class _Append:
    """What `append` was given."""

    call_id: str
    entries: Sequence[Entry]
    record: dict[str, Any] | None
    done: bool = False
    failure: StoreError | None = None

    @property
    def epoch(self) -> int:
        return self.entries[0].epoch

    def raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure


class _Duplicate(StoreError):
    """The same key twice."""


@asynccontextmanager
async def _failures(deadline: float = DEADLINE) -> AsyncIterator[None]:
    """What goes wrong with the database is the world's failure, not ours."""
    try:
        async with asyncio.timeout(deadline):
            yield
    except IntegrityError as error:
        raise _Duplicate(_one_line(error.orig)) from error
    except DBAPIError as error:
        raise StoreError(_one_line(error.orig)) from error
    except (PoolTimeout, TimeoutError, OSError) as error:
        raise StoreError(f"the database does not answer: {error}") from error


def _one_line(error: object) -> str:
    """Without PostgreSQL's details, which repeat what was to be written: words that people said."""
    return " ".join(re.split(r"\n(?:DETAIL|CONTEXT):", str(error))[0].split())


async def _of_key(connection: AsyncConnection, key: str, now: float, *, forget: bool = True) -> CallRow | None:
    """The call that this key made in the last day; an older use of the key is forgotten."""
    if forget:
        await connection.execute(idempotency.delete().where(idempotency.c.created <= now - KEY_SECONDS))
    joined = sa.select(calls).join(idempotency, idempotency.c.call_id == calls.c.id).where(idempotency.c.key == key)
    line = (await connection.execute(joined)).one_or_none()
    return None if line is None else _row(line)


async def _check_quota(connection: AsyncConnection, row: CallRow, quota: Quota) -> None:
    since = calls.c.created > row.created - DAY
    ours = sa.select(
        sa.func.count(), sa.func.coalesce(sa.func.sum(calls.c.spent), 0.0), sa.func.count().filter(calls.c.live)
    ).where(calls.c.api_key == row.api_key, sa.or_(since, calls.c.live))
    count, spent, live = (await connection.execute(ours)).one()
    if quota.live is not None and live >= quota.live:
        raise OverQuota("too_many_at_once", f"this key has {live} calls running and may have {quota.live}")
    if quota.calls is not None and count >= quota.calls:
        raise OverQuota("too_many_today", f"this key has placed {count} calls in the last 24 hours: its limit")
    if quota.usd is not None and spent + row.reserved > quota.usd + 1e-9:
        left = max(0.0, quota.usd - spent)
        raise OverQuota("spend_limit", f"this key has {left:.2f} USD left of the {quota.usd:.2f} it may spend in a day")
    if quota.to_number is not None:
        rung = sa.select(sa.func.count()).where(calls.c.callee == _values(row)["callee"], since)
        if int((await connection.execute(rung)).scalar_one()) >= quota.to_number:
            raise OverQuota("too_many_to_number", f"this number was called {quota.to_number} times in 24 hours: enough")


# Made once: building a statement costs more than running it.
_INSERT_CALL = calls.insert()
_FORGET_SOUND = memories.delete().where(memories.c.call_id == sa.bindparam("of"))
_OUR_CALL = calls.update().where(calls.c.id == sa.bindparam("of"), calls.c.epoch == sa.bindparam("by"))
_CHANGE_CALL = _OUR_CALL.values({name: sa.bindparam(name) for name in ("record", "carrier_call_id", "live")})
_END_CALL = _CHANGE_CALL.values({"spent": sa.bindparam("spent")})
_LETTERS = (
    sa.select(letters)
    .join(calls, calls.c.id == letters.c.call_id)
    .where(calls.c.owner == sa.bindparam("owner"), calls.c.live)
    .order_by(letters.c.id)
)
_DELIVER = (
    deliveries.update()
    .where(deliveries.c.call_id == sa.bindparam("of"), deliveries.c.state == "waiting")
    .values(state="due", due=sa.bindparam("at"), ended=sa.bindparam("at"))
)
_json = msgspec.json.Encoder().encode


def _values(row: CallRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "created": row.created,
        "setup": row.setup.decode(),
        "record": _json(row.record).decode(),
        "carrier_call_id": row.carrier_call_id,
        "live": row.live,
        "epoch": row.epoch,
        "owner": row.owner,
        "api_key": row.api_key,
        "callee": str(row.record.get("to", ""))[:32],
        "spent": row.reserved,
        "words": True,
    }


def _changes(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "record": _json(record).decode(),
        "carrier_call_id": record.get("carrier_call_id"),
        "live": record.get("phase") != "ended",
    }


def _further_legs(one: _Append) -> list[dict[str, str]]:
    found = one.record.get("second_legs", []) if one.record is not None else []
    ids = (leg.get("carrier_call_id") for leg in found)
    return [{"carrier_call_id": known, "call_id": one.call_id} for known in ids if known]


def _total(record: dict[str, Any]) -> float:
    return float(record.get("cost", {}).get("total_usd", 0.0))


def _row(line: sa.Row[Any]) -> CallRow:
    return CallRow(
        id=line.id,
        created=line.created,
        setup=line.setup.encode(),
        record=msgspec.json.decode(line.record),
        carrier_call_id=line.carrier_call_id,
        live=bool(line.live),
        epoch=line.epoch,
        owner=line.owner,
        api_key=line.api_key,
        reserved=line.spent if line.live else 0.0,
    )


def _line(call_id: str, entry: Entry) -> dict[str, Any]:
    return {
        "call_id": call_id,
        "seq": entry.seq,
        "now": entry.now,
        "wall": entry.wall,
        "epoch": entry.epoch,
        "event": entry.event.decode(),
        "commands": entry.commands.decode(),
    }


def _entry(line: sa.Row[Any]) -> Entry:
    return Entry(
        seq=line.seq,
        now=line.now,
        wall=line.wall,
        epoch=line.epoch,
        event=line.event.encode(),
        commands=line.commands.encode(),
    )


def _cursor(row: CallRow) -> str:
    return base64.urlsafe_b64encode(_json([row.created, row.id])).decode().rstrip("=")


def _position(cursor: str) -> tuple[float, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        created, call_id = msgspec.json.decode(text, type=tuple[float, str])
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise ValueError("not a cursor of this server") from error
    return created, call_id
