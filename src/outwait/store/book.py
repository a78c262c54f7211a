"""What the house keeps beside its calls: API keys, numbers that are not called, and how long everything is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from outwait.store.base import ApiKey, Limits, StoreError
from outwait.store.sql import SqlStore
from outwait.store.tables import (
    api_keys,
    calls,
    deliveries,
    do_not_call,
    entries,
    idempotency,
    letters,
    memories,
    numbers,
    tokens,
)

PREFIX = "ow_"  # of every key that we make, so that a leaked one can be found by a scanner
KEY_LENGTH = len(PREFIX) + 43  # characters: 256 random bits
_BATCH = 200  # calls changed in one transaction


class Taken(Exception):
    """There is a key of this name already."""


class Book:
    """Beside a store, in the same database."""

    def __init__(
        self, store: SqlStore, on_words_gone: Callable[[Collection[str]], None] = lambda call_ids: None
    ) -> None:
        """`on_words_gone` is told whose words, or all, have been deleted: what else is kept of them should go too."""
        self._store = store
        self._on_words_gone = on_words_gone

    # --- API keys --------------------------------------------------------------------------------

    async def add_key(self, name: str, limits: Limits, wall: float) -> str:
        """A new key, which is told this once and kept as its SHA-256: it has 256 random bits, so that a slow hash would
        add nothing. Raises Taken."""
        key = PREFIX + secrets.token_urlsafe(32)
        line = {
            "id": f"key_{secrets.token_hex(6)}",
            "name": name,
            "digest": digest(key),
            "created": wall,
            "revoked": None,
            "limits": msgspec.json.encode(limits).decode(),
        }
        async with self._store.write() as connection:
            named = sa.select(api_keys.c.id).where(api_keys.c.name == name)
            if (await connection.execute(named)).one_or_none() is not None:
                raise Taken(name)
            await connection.execute(api_keys.insert(), line)
        return key

    async def key_of(self, key: str) -> ApiKey | None:
        """Whose key this is; None for an unknown or revoked one. Only what looks like a key is looked up."""
        if not key.startswith(PREFIX) or len(key) != KEY_LENGTH:
            return None
        wanted = sa.select(api_keys).where(api_keys.c.digest == digest(key), api_keys.c.revoked.is_(None))
        async with self._store.read() as connection:
            line = (await connection.execute(wanted)).one_or_none()
        return None if line is None else _key(line)

    async def keys(self) -> list[ApiKey]:
        """All, oldest first."""
        async with self._store.read() as connection:
            lines = await connection.execute(sa.select(api_keys).order_by(api_keys.c.created, api_keys.c.id))
            return [_key(line) for line in lines]

    async def revoke_key(self, name: str, wall: float) -> bool:
        """From now on it opens nothing. False: there is none of this name that does."""
        gone = api_keys.update().where(api_keys.c.name == name, api_keys.c.revoked.is_(None)).values(revoked=wall)
        async with self._store.write() as connection:
            return bool((await connection.execute(gone)).rowcount)

    # --- numbers that are not called -------------------------------------------------------------

    async def do_not_call(self, number: str, note: str, wall: float) -> bool:
        """False: it was on the list already."""
        async with self._store.write() as connection:
            if await _on_list(connection, number):
                return False
            await connection.execute(do_not_call.insert(), {"number": number, "added": wall, "note": note})
        return True

    async def may_call_again(self, number: str) -> bool:
        """Off the list. False: it was not on it."""
        async with self._store.write() as connection:
            return bool((await connection.execute(do_not_call.delete().where(do_not_call.c.number == number))).rowcount)

    async def not_called(self, number: str) -> bool:
        """Whether a number is on the list."""
        async with self._store.read() as connection:
            return await _on_list(connection, number)

    async def do_not_call_list(self) -> list[tuple[str, float, str]]:
        """(number, added at s since 1970, note), oldest first."""
        async with self._store.read() as connection:
            lines = await connection.execute(sa.select(do_not_call).order_by(do_not_call.c.added, do_not_call.c.number))
            return [(line.number, line.added, line.note) for line in lines]

    # --- how long things are kept ----------------------------------------------------------------

    async def prune(self, calls_before: float | None, words_before: float | None, *, dry: bool) -> tuple[int, int]:
        """Delete calls created before a moment, and the words of those before another (s since 1970). Calls that run
        are left alone. How many of each; `dry`: how many it would be."""
        deleted = stripped = 0
        if calls_before is not None:
            old = sa.and_(~calls.c.live, calls.c.created < calls_before)
            deleted = await self._count(old) if dry else await self._in_batches(old, _delete)
        if words_before is not None:
            wordy = sa.and_(~calls.c.live, calls.c.created < words_before, calls.c.words)
            if calls_before is not None:
                wordy = sa.and_(wordy, calls.c.created >= calls_before)
            stripped = await self._count(wordy) if dry else await self._in_batches(wordy, _strip)
        if not dry:
            if calls_before is not None:
                async with self._erasing() as connection:
                    await connection.execute(numbers.delete().where(numbers.c.updated < calls_before))
            await self._shrink_log()
        return deleted, stripped

    async def forget(self, number: str) -> tuple[int, int]:
        """Delete every ended call to a number, with all that is kept of it and was learned of it, and rewrite the file
        so that no trace is left in it. How many were deleted, and how many still run and were left."""
        theirs = calls.c.callee == number
        deleted = await self._in_batches(sa.and_(theirs, ~calls.c.live), _delete)
        async with self._erasing() as connection:
            await connection.execute(numbers.delete().where(numbers.c.number == number))
        if deleted and self._store.is_sqlite:
            async with self._store.plain() as connection:
                await connection.exec_driver_sql("VACUUM")
        await self._shrink_log()
        return deleted, await self._count(theirs)

    async def _count(self, which: sa.ColumnElement[bool]) -> int:
        async with self._store.read() as connection:
            return int(
                (await connection.execute(sa.select(sa.func.count()).select_from(calls).where(which))).scalar_one()
            )

    async def _in_batches(self, which: sa.ColumnElement[bool], change: Any) -> int:
        """So that the calls that run get their turn between."""
        done = 0
        while True:
            async with self._erasing() as connection:
                found = await connection.execute(sa.select(calls.c.id).where(which).limit(_BATCH))
                ids = [line.id for line in found]
                if ids:
                    await change(connection, ids)
            self._on_words_gone(ids)
            done += len(ids)
            if len(ids) < _BATCH:
                return done

    @asynccontextmanager
    async def _erasing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that overwrites what it deletes."""
        async with self._store.write() as connection:
            if self._store.is_sqlite:
                await connection.exec_driver_sql("PRAGMA secure_delete = ON")
            yield connection

    async def _shrink_log(self) -> None:
        """SQLite's write-ahead log still holds what was there before; a reader may keep us from it, until next time."""
        if self._store.is_sqlite:
            async with self._store.plain() as connection:
                await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def digest(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).digest()


async def _on_list(connection: AsyncConnection, number: str) -> bool:
    wanted = sa.select(do_not_call.c.number).where(do_not_call.c.number == number)
    return (await connection.execute(wanted)).one_or_none() is not None


async def _delete(connection: AsyncConnection, ids: Collection[str]) -> None:
    for table in (entries, memories, tokens, idempotency, letters, deliveries):
        await connection.execute(table.delete().where(table.c.call_id.in_(ids)))
    await connection.execute(calls.delete().where(calls.c.id.in_(ids)))


_BARE: dict[str, Any] = {
    "task": "",
    "metadata": {},
    "transcript": [],
    "outcome": None,
    "outcome_reason": None,
    "result": None,
    "result_faults": [],
    "evidence": [],
    "menu": [],
}


async def _strip(connection: AsyncConnection, ids: Collection[str]) -> None:
    """What was said and what was to be said; who, when, how long, how it ended and what it cost stay."""
    for table in (entries, memories, tokens, letters, deliveries):
        await connection.execute(table.delete().where(table.c.call_id.in_(ids)))
    for line in (await connection.execute(sa.select(calls).where(calls.c.id.in_(ids)))).all():
        record = msgspec.json.decode(line.record)
        setup = msgspec.json.decode(line.setup)
        bare = record | _BARE
        for decision in bare.get("decisions", []):
            decision["why"] = ""
        values = {
            "record": msgspec.json.encode(bare).decode(),
            "setup": msgspec.json.encode(setup | {"task": "", "metadata": {}, "outcome_schema": None}).decode(),
            "words": False,
        }
        await connection.execute(calls.update().where(calls.c.id == line.id).values(values))


def _key(line: sa.Row[Any]) -> ApiKey:
    try:
        limits = msgspec.json.decode(line.limits, type=Limits)
    except msgspec.DecodeError as error:
        raise StoreError(f"the limits of the key {line.name} can't be read") from error
    return ApiKey(id=line.id, name=line.name, created=line.created, revoked=line.revoked, limits=limits)
