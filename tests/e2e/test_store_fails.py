"""The database fails in the middle of a call: the call goes on, and is whole in the log when the database is back."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from outwait.store import opening
from outwait.store.sql import SqlStore
from tests.e2e.house import house


@asynccontextmanager
async def locked(path: Path, _patch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Another program holds the write lock, for which it may have to wait."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@asynccontextmanager
async def full(path: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The disk is: the file can't grow by a page."""
    real = SqlStore.write
    with sqlite3.connect(path) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.close()
    limits = [pages]

    @asynccontextmanager
    async def write(self: SqlStore) -> AsyncIterator[AsyncConnection]:
        async with real(self) as connection:
            await connection.exec_driver_sql(f"PRAGMA max_page_count = {limits[0]}")
            yield connection

    patch.setattr(SqlStore, "write", write)
    yield
    limits[0] = 1_000_000


@pytest.mark.parametrize("failing", [locked, full], ids=["locked", "full"])
async def test_a_call_outlives_its_database(failing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.1)
    path = tmp_path / "calls.db"
    async with house("silence_hold", tmp_path, monkeypatch) as here:
        call_id = await here.place()
        await here.until(call_id, '"role":"agent"')
        async with failing(path, monkeypatch):
            await here.until(call_id, '"phase":"holding"')
            wish = {"to": here.stage.scenario.to, "task": "x" * 19_000}
            refused = await here.http.post("/v1/calls", json=wish)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "store_unavailable")
            assert refused.headers["retry-after"]
            await here.until(call_id, '"kind":"hold_ended"')
        record = await here.ended(call_id)
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
    assert len(here.stage.carrier.calls) == 1, "what was refused was not dialled"
    store = await SqlStore.open(f"sqlite:///{path}")
    log = await store.log(call_id)
    row = await store.get(call_id)
    await store.close()
    assert row is not None
    assert not row.live
    assert row.record == record
    assert [entry.seq for entry in log] == list(range(1, len(log) + 1)), "no entry is lost"
