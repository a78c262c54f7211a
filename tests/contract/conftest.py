"""Each database there is, empty, for what every store must do."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from outwait.store.sql import SqlStore

from .postgres import NoPostgres, postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    try:
        with postgres() as url:
            yield url
    except NoPostgres as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> str | None:
    """Of PostgreSQL; starting one blocks, so not within a loop."""
    return None if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def url(server: str | None, tmp_path: Path) -> str:
    """An empty database."""
    if server is None:
        return f"sqlite:///{tmp_path}/calls.db"
    name = f"calls_{uuid.uuid4().hex}"
    engine = create_async_engine(server.replace("postgresql", "postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await engine.dispose()
    return server.rsplit("/", 1)[0] + "/" + name


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    opened = await SqlStore.open(url)
    yield opened
    await opened.close()
