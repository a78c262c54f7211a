"""A package of somebody else: an engine that answers everything with one sentence and a hang-up, and a carrier whose
only callee says hello. Neither needs a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from outwait.call.commands import SeedItem
from outwait.call.cost import Usage
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    AnyEvent,
    Heard,
    LegReported,
    Marked,
    PersonCommitted,
    PersonSaid,
    PhraseFailed,
    ResponseEnded,
    ResponseStarted,
    SessionClosed,
    SessionOpened,
    StreamLost,
    ToolCalled,
    Trouble,
)
from outwait.carriers.base import Capabilities as CarrierCapabilities
from outwait.carriers.base import CarrierError, LegReport
from outwait.engines.base import Capabilities

SECOND = b"\x55" * 8000
SILENCE = b"\xff" * 160


class TinySession:
    """Answers once."""

    def __init__(self, number: int, post: Callable[[AnyEvent], None]) -> None:
        self._number = number
        self._post = post
        self._over = asyncio.Event()
        self._heard = 0
        self._responses = 0

    def send_audio(self, ulaw: bytes) -> None:
        if not self._heard:
            self._post(PersonCommitted(self._number, "i1"))
            self._post(PersonSaid(self._number, "i1", "Hello?"))
        self._heard += len(ulaw)

    def commit_turn(self) -> None: ...

    def ask_response(self, instructions: str, *, tools: bool) -> None:
        if self._over.is_set():
            return
        self._responses += 1
        n, response = self._number, f"r{self._responses}"
        self._post(ResponseStarted(n, response))
        self._post(AgentWrote(n, response, "a1", "Thank you, goodbye."))
        self._post(AgentSpoke(n, response, "a1", SECOND))
        if tools:
            self._post(
                ToolCalled(n, response, "c1", "hangup_call", '{"reason": "done", "outcome": "They said hello."}')
            )
        self._post(ResponseEnded(n, response, "completed", Usage(text_in=100, text_out=5, audio_out=20)))

    def cancel_response(self) -> None: ...

    def truncate_item(self, item: str, heard_ms: int) -> None: ...

    def answer_tool(self, call_id: str, output: str) -> None: ...

    def make_phrase(self, phrase: str, text: str) -> None:
        if not self._over.is_set():
            self._post(PhraseFailed(self._number, phrase, "this engine makes none"))

    def close(self) -> None:
        self._over.set()

    async def run(self) -> None:
        if not self._over.is_set():
            self._post(SessionOpened(self._number))
        try:
            await self._over.wait()
        finally:
            self._over.set()
            self._post(SessionClosed(self._number, None, 1000, ""))


class TinyEngine:
    capabilities = Capabilities(
        name="tiny", model="tiny-1", billing="tokens", max_session_seconds=3600.0, makes_phrases=False
    )

    def session(
        self,
        number: int,
        instructions: str,
        seed: Sequence[SeedItem],
        tools: Sequence[dict[str, object]],
        post: Callable[[AnyEvent], None],
    ) -> TinySession:
        return TinySession(number, post)


def engine(environment: Mapping[str, str]) -> TinyEngine:
    if "TINY_KEY" not in environment:
        raise ValueError("TINY_KEY is not set")
    return TinyEngine()


def broken(environment: Mapping[str, str]) -> TinyEngine:
    raise RuntimeError("out of order")


class TinyStream:
    def __init__(self, number: int, line: TinyLeg) -> None:
        self.number = number
        self._line = line

    async def play(self, ulaw: bytes) -> None: ...

    async def mark(self, name: str) -> None:
        self._line.post(Marked(self.number, name))

    async def clear(self) -> None: ...

    async def close(self, code: int = 1000) -> None:
        self._line.closed.set()


class TinyLeg:
    """One call: rings, is answered, hears a second of hello and then silence."""

    def __init__(self, call_id: str, to: str, from_: str) -> None:
        self.call_id, self.to, self.from_ = call_id, to, from_
        self.status = "ringing"
        self.closed = asyncio.Event()
        self.post: Callable[[AnyEvent], None] = lambda event: None

    @property
    def up(self) -> bool:
        return self.status in ("ringing", "in-progress")


class TinyCarrier:
    capabilities = CarrierCapabilities(
        name="tinyline", marks=True, keys_keep_stream=True, reattach=False, steady_frames=True
    )

    def __init__(self, kit: TinyKit) -> None:
        self._kit = kit
        self.legs: dict[str, TinyLeg] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def dial(self, call_id: str, to: str, from_: str, *, ring_seconds: int, time_limit: int) -> str:
        leg = f"leg{len(self.legs) + 1}"
        self.legs[leg] = TinyLeg(call_id, to, from_)
        if self._kit.desk is not None:
            task = asyncio.create_task(self._ring(leg, self._kit.desk))
            self.tasks.add(task)
        return leg

    async def _ring(self, name: str, desk: Any) -> None:
        leg = self.legs[name]
        if await desk.answer(leg.call_id, name, again=False) != "connect":
            return
        leg.status = "in-progress"
        attached = await desk.attach(await desk.token(leg.call_id), name, lambda number: TinyStream(number, leg))
        assert attached is not None
        stream, inbox = attached
        leg.post = inbox.post
        at = 0.0
        while not leg.closed.is_set():
            await inbox.room()
            inbox.post(Heard(stream.number, round(at, 3), SILENCE))
            at += 0.02
            await asyncio.sleep(0.001)
        inbox.post(StreamLost(stream.number, 1000))
        await desk.report(leg.call_id, LegReported(leg.status, duration=round(at)))

    async def hang_up(self, carrier_call_id: str, *, cancel: bool) -> None:
        leg = self.legs.get(carrier_call_id)
        if leg is not None and leg.up:
            leg.status = "completed" if leg.status == "in-progress" else "canceled"
            leg.closed.set()

    async def fetch(self, carrier_call_id: str) -> LegReport:
        if carrier_call_id not in self.legs:
            raise CarrierError(Trouble.REFUSED, "no such leg", gone=True)
        leg = self.legs[carrier_call_id]
        return LegReport(leg.status, None if leg.up else 1)

    async def reclaim(self, call_id: str, carrier_call_id: str) -> None: ...

    async def find(self, call_id: str, to: str) -> str | None:
        found = (name for name, leg in self.legs.items() if leg.up and (leg.call_id, leg.to) == (call_id, to))
        return next(found, None)

    async def up(self, from_: str) -> list[str]:
        return [name for name, leg in self.legs.items() if leg.up and leg.from_ == from_]


class TinyKit:
    number = "+12025550199"

    def __init__(self) -> None:
        self.desk: Any = None

    @asynccontextmanager
    async def open(self, public_url: str) -> AsyncIterator[TinyCarrier]:
        made = TinyCarrier(self)
        yield made
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)

    def application(self, desk: Any, public_url: str) -> Any:
        self.desk = desk

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            body = f"{scope['path']} of {public_url}".encode()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})

        return answer


def carrier(environment: Mapping[str, str]) -> TinyKit:
    return TinyKit()
