"""What is SQLite's alone: the file, its locks, its being full; and which URLs are taken."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from outwait.store import opening, sql
from outwait.store.base import CallRow, Entry, StoreError
from outwait.store.sql import SqlStore
from outwait.store.tables import metadata

ROW = CallRow(id="c1", created=1.0, setup=b"{}", record={"phase": "queued"}, carrier_call_id=None, live=True, epoch=1)


def entry(seq: int, event: bytes = b"{}") -> Entry:
    return Entry(seq=seq, now=0.0, wall=0.0, epoch=1, event=event, commands=b"[]")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "calls.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(f"sqlite:///{path}")
    yield opened
    await opened.close()


async def test_uses_the_write_ahead_log(store: SqlStore, path: Path) -> None:
    await store.create(ROW)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


async def test_migrations_make_the_tables(store: SqlStore, path: Path) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_a_database_of_a_later_version_is_left_alone(store: SqlStore, path: Path) -> None:
    async with store._engine.connect() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        await connection.commit()
    with pytest.raises(StoreError, match="9999"):
        await SqlStore.open(f"sqlite:///{path}")


async def test_a_database_of_the_first_version_is_brought_along(path: Path) -> None:
    opened = await SqlStore.open(f"sqlite:///{path}")
    await opened.create(ROW)
    async with opened.write() as connection:
        await connection.run_sync(lambda sync: _downgrade(sync, "0002"))
        await connection.exec_driver_sql("""UPDATE calls SET record = '{"to": "+12025550143", "phase": "queued"}'""")
    await opened.close()
    again = await SqlStore.open(f"sqlite:///{path}")
    kept = await again.get("c1")
    assert kept is not None
    assert (kept.owner, kept.api_key) == ("", "")
    async with again.read() as connection:
        assert (await connection.exec_driver_sql("SELECT callee FROM calls")).scalar_one() == "+12025550143"
    await again.close()


def _downgrade(connection: sa.Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(sql.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


async def test_a_full_disk_leaves_nothing_half_written(store: SqlStore, path: Path) -> None:
    await store.create(ROW)
    await store.append("c1", [entry(1)])
    async with store._engine.connect() as connection:  # the pool's one connection: the limit is per connection
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"):
        await store.append("c1", [entry(2), entry(3, b'"' + b"x" * 100_000 + b'"')], {"phase": "talking"})
    async with store._engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    assert [line.seq for line in await store.log("c1")] == [1]
    kept = await store.get("c1")
    assert kept is not None
    assert kept.record == {"phase": "queued"}
    await store.append("c1", [entry(2)])


async def test_a_lock_held_elsewhere_is_a_store_error(
    path: Path, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.create(ROW)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with store._engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA busy_timeout = 1")
    with pytest.raises(StoreError, match="locked"):
        await store.append("c1", [entry(1)])
    assert await store.log("c1") == []  # readers are not in the way
    other.execute("ROLLBACK")
    other.close()
    await store.append("c1", [entry(1)])


async def test_only_its_user_can_read_the_folder(tmp_path: Path) -> None:
    await (await SqlStore.open(f"sqlite:///{tmp_path}/kept/calls.db")).close()
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


async def test_a_folder_that_cannot_be_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        await SqlStore.open(f"sqlite:///{tmp_path}/file/calls.db")


async def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "calls.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError):
        await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://a:secret@b/c", "secret:://x"]
)
async def test_refuses_other_databases_without_repeating_a_secret(url: str) -> None:
    with pytest.raises(StoreError, match="DATABASE_URL") as refused:
        await SqlStore.open(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"])
def test_postgresql_goes_by_psycopg(url: str) -> None:
    assert opening.with_async_driver(url).drivername == "postgresql+psycopg"


async def test_new_databases_can_be_opened_at_once(tmp_path: Path) -> None:
    """By servers of one process, also where each has a loop and a thread of its own."""

    async def opened(name: str) -> bool:
        store = await SqlStore.open(f"sqlite:///{tmp_path}/{name}.db")
        there = await store.get("c1")
        await store.close()
        return there is None

    assert all(await asyncio.gather(*(opened(f"here{n}") for n in range(4))))
    others = (asyncio.to_thread(asyncio.run, opened(f"there{n}")) for n in range(3))
    assert all(await asyncio.gather(*others, opened("here")))


async def test_a_database_that_is_never_ready_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MIGRATION_SECONDS", 0.05)
    async with opening.alone():
        with pytest.raises(StoreError, match="was not ready"):
            async with opening.alone():
                pass
    async with opening.alone():
        pass
