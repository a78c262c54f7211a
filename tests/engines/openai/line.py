"""A session under test, over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from outwait.call.events import (
    AnyEvent,
    SessionClosed,
    SessionOpened,
)
from outwait.call.tools import schemas
from outwait.engines.openai import azure_engine, openai_engine
from outwait.engines.openai.session import RealtimeSession
from tests.contract.realtime_server import PATIENCE, Peer, RealtimeServer

KEY = "sk-test-0123456789abcdef"


class Line:
    """A session under test and all it posted."""

    def __init__(self, server: RealtimeServer, **settings: Any) -> None:
        self.events: list[AnyEvent] = []
        self._more = asyncio.Event()
        self._at = 0
        self.seed = settings.pop("seed", ())
        if server.beta:
            engine = azure_engine(
                endpoint=server.url,
                api_key=KEY,
                deployment="my dep",
                model="m",
                api_version="2024-10-01-preview",
                **settings,
            )
        else:
            engine = openai_engine(api_key=KEY, model="gpt-realtime-2.1", base_url=server.url + "/v1", **settings)
        self.session: RealtimeSession = engine.session(7, "Be brief.", self.seed, schemas(), self._post)
        self.task: asyncio.Task[None] | None = None

    def _post(self, event: AnyEvent) -> None:
        self.events.append(event)
        self._more.set()

    def start(self) -> None:
        self.task = asyncio.create_task(self.session.run())

    async def next(self) -> AnyEvent:
        async with asyncio.timeout(PATIENCE):
            while self._at == len(self.events):
                self._more.clear()
                await self._more.wait()
        self._at += 1
        return self.events[self._at - 1]

    async def over(self) -> SessionClosed:
        """Wait for the end; what was posted last."""
        assert self.task is not None
        async with asyncio.timeout(PATIENCE):
            await self.task
        closed = [event for event in self.events if isinstance(event, SessionClosed)]
        assert len(closed) == 1
        assert self.events[-1] is closed[0]
        return closed[0]


@contextlib.asynccontextmanager
async def opened(server: RealtimeServer, **settings: Any) -> AsyncIterator[tuple[Line, Peer]]:
    """An open session; closed at the end, if it is not over."""
    line = Line(server, **settings)
    line.start()
    peer = await server.open()
    assert await line.next() == SessionOpened(7)
    yield line, peer
    line.session.close()
    await line.over()
