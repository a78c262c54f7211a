from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from outwait.web.app import build

from .desk import FakeDesk, settings

PUBLIC = "https://voice.example.com/calls"


@pytest.fixture
async def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
async def api(desk: FakeDesk) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server without a key, on this machine."""
    app = build(desk, settings(), "http://127.0.0.1:8080")
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture
async def keyed(desk: FakeDesk) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server with a key and a public URL with a prefix; it does not send the key by itself."""
    app = build(desk, settings(api_key="a key", public_url=PUBLIC), PUBLIC)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="https://voice.example.com") as client:
        yield client
