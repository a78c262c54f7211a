"""How a database is reached: its URL, its driver, what a connection needs before its first use, and its shape."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from outwait.store.base import StoreError

BUSY_SECONDS = 5.0  # wall s that SQLite waits for another process
CONNECT_SECONDS = 10.0  # wall s to wait for one of the connections
KEPT_CONNECTIONS, MOST_CONNECTIONS = 2, 10  # to SQLite: one writes, the others read
TURN_SECONDS = 0.01  # wall s between looks whether it is our turn
MIGRATION_SECONDS = 60.0  # wall s to wait for another database of this process to be brought up to date
_MIGRATION_LOCK = 0x6F757477  # any number, the same in every process
_alembic = threading.Lock()  # it keeps the database it works on in a module


def with_async_driver(text: str) -> URL:
    """The URL of a database that we can use. Raises StoreError."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        # The text may hold a password, so it is not repeated.
        raise StoreError("DATABASE_URL is not in SQLAlchemy's form, such as sqlite:///calls.db") from error
    kind = url.get_backend_name()
    if kind == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise StoreError("DATABASE_URL: a call log must be in a file, such as sqlite:///calls.db")
        return url.set(drivername="sqlite+aiosqlite")
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise StoreError(f"DATABASE_URL: {kind} is not supported; sqlite and postgresql are")


def make_engine(url: URL) -> AsyncEngine:
    """Not connected yet. Raises StoreError."""
    if url.get_backend_name() == "sqlite":
        file = Path(url.database or "").expanduser()
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the log holds what people said
        except OSError as error:
            raise StoreError(f"{file.parent}: {error.strerror}") from error
        url = url.set(database=str(file))
        engine = create_async_engine(
            url,
            connect_args={"timeout": BUSY_SECONDS},
            pool_reset_on_return=None,
            pool_size=KEPT_CONNECTIONS,
            max_overflow=MOST_CONNECTIONS - KEPT_CONNECTIONS,
        )
        sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_async_engine(
            url,
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=5,
            pool_timeout=CONNECT_SECONDS,
            connect_args={"connect_timeout": 5},
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise StoreError("PostgreSQL needs the extra: pip install 'outwait[postgres]'") from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver's guess
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("outwait_plain", False):
        return
    writes = connection.get_execution_options().get("outwait_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@asynccontextmanager
async def alone() -> AsyncIterator[None]:
    """The one of this process, on whatever loop, that may `migrate` now. Raises StoreError after MIGRATION_SECONDS."""
    until = time.monotonic() + MIGRATION_SECONDS
    # Looked at again and again: an Event belongs to one loop, and a thread that waits for the lock can't be called off.
    while not _alembic.acquire(blocking=False):
        if time.monotonic() > until:
            raise StoreError(f"another database of this process was not ready after {MIGRATION_SECONDS:.0f} s")
        await asyncio.sleep(TURN_SECONDS)
    try:
        yield
    finally:
        _alembic.release()


def migrate(connection: Connection) -> None:
    """Bring the database to its newest shape; no two at a time, see `alone`. Raises StoreError."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    if connection.dialect.name == "postgresql":  # two processes may start at the same time
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"the database is not one that this version can use: {' '.join(str(error).split())}"
        ) from error
