"""The Live engine keeps what every engine promises, at both doors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest

from outwait.engines.base import Engine
from outwait.engines.live import azure_live_engine, live_engine
from outwait.testing.engine import EngineContract
from tests.engines.live.server import SILENCE, LivePeer, LiveServer, called, nested


class LiveFar:
    """A Live server. It has no responses: what begins one is its sound, or its backend."""

    def __init__(self, server: LiveServer, *, azure: bool) -> None:
        self._server = server
        self._peer: LivePeer | None = None
        self._works = False
        self.engine: Engine
        if azure:
            self.engine = azure_live_engine(
                endpoint=server.url, api_key="k", deployment="d", model="m", connect_seconds=1.0
            )
        else:
            self.engine = live_engine(api_key="k", model="m", base_url=f"{server.url}/v1", connect_seconds=1.0)

    @property
    def _now(self) -> LivePeer:
        assert self._peer is not None
        return self._peer

    async def open(self) -> None:
        self._peer = await self._server.next()
        await self._peer.start()

    async def respond(self, response: str) -> None:
        pass

    async def speak(self, response: str, ulaw: bytes) -> None:
        await self._now.sound(ulaw)

    async def call_tool(self, response: str, call_id: str, name: str, arguments: str) -> None:
        self._works = True
        await self._now.raw(nested({"type": "response.created", "response": {"id": response}}))
        await self._now.raw(called(call_id, name, arguments))
        await self._now.raw(called(call_id, name, arguments))  # told twice

    async def finish(self, response: str) -> None:
        if self._works:
            usage = {"input_tokens": 20, "output_tokens": 10}
            await self._now.raw(nested({"type": "response.completed", "response": {"id": response, "usage": usage}}))
        else:
            await self._now.sound(SILENCE)

    async def make_phrase(self, ulaw: bytes) -> None:
        raise AssertionError("it makes none")

    async def vanish(self) -> None:
        self._now.vanish()

    def refuse(self) -> None:
        self._server.refuse = (HTTPStatus.UNAUTHORIZED, b"")

    def overload(self) -> None:
        self._server.refuse = (HTTPStatus.TOO_MANY_REQUESTS, b"")

    def fall_silent(self) -> None:
        self._server.deaf = True


class TestLive(EngineContract):
    @pytest.fixture
    async def far(self) -> AsyncIterator[LiveFar]:
        async with LiveServer() as server:
            yield LiveFar(server, azure=False)


class TestAzureLive(EngineContract):
    @pytest.fixture
    async def far(self) -> AsyncIterator[LiveFar]:
        async with LiveServer() as server:
            yield LiveFar(server, azure=True)
