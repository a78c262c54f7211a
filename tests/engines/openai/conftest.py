"""Servers for sessions to talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from outwait.engines.openai.frames import Dialect
from tests.contract.realtime_server import RealtimeServer


@pytest.fixture(params=["ga", "beta"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[RealtimeServer]:
    async with RealtimeServer(Dialect(request.param)) as server:
        yield server


@pytest.fixture
async def ga() -> AsyncIterator[RealtimeServer]:
    async with RealtimeServer() as server:
        yield server
