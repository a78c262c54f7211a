"""The session around the machine: what is on its way to a service when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from outwait.call.events import AnyEvent, PhraseFailed, SessionClosed, SessionOpened
from outwait.engines.cascade import session as module
from outwait.engines.cascade.session import CascadeSession
from outwait.engines.cascade.stack import Stack
from outwait.engines.cascade.wire import ON_STEP, Wires


class Part:
    """Every part of the cascade; as a synthesiser it takes its time to be told what to speak."""

    model = "slow"
    secure = False
    listens = False
    voice = "any"

    def __init__(self) -> None:
        self.asked, self.through = asyncio.Event(), asyncio.Event()

    async def open(self, wires: Wires) -> Part:
        return self

    def hear(self, turn: int, start: int, ulaw: bytes) -> None:
        raise AssertionError("nobody speaks")

    async def transcribe(self, ulaw: bytes, turn: int) -> object:
        raise AssertionError("nobody speaks")

    async def write(self, messages: object, tools: object) -> AsyncGenerator[object, None]:
        raise AssertionError("nobody speaks")
        yield

    async def speak(self, text: str) -> AsyncGenerator[bytes, None]:
        ON_STEP.get()("sending")
        self.asked.set()
        await self.through.wait()
        ON_STEP.get()("sent")
        await asyncio.get_running_loop().create_future()
        yield b""


@pytest.mark.parametrize("gets_there", [True, False])
async def test_a_request_on_its_way_at_the_end_is_charged(monkeypatch: pytest.MonkeyPatch, gets_there: bool) -> None:
    if not gets_there:
        monkeypatch.setattr(module, "SEND_SECONDS", 0.01)
    part = Part()
    told: list[AnyEvent] = []
    stack = Stack(part, part, part)  # type: ignore[arg-type]
    session = CascadeSession(1, stack, "Order a pizza.", [], [], told.append)
    session.make_phrase("here", "Hello, I am here.")
    session.make_phrase("there", "Goodbye.")
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(session.run())
        await part.asked.wait()
        session.close()
        await asyncio.sleep(0)
        if gets_there:
            part.through.set()
    opened, here, there, closed = told
    assert isinstance(opened, SessionOpened)
    assert isinstance(here, PhraseFailed)
    assert here.usage is not None
    assert (here.usage.characters, here.usage.estimated) == (17, True)
    assert isinstance(there, PhraseFailed)
    assert there.usage is None, "it waited its turn"
    assert isinstance(closed, SessionClosed)
