"""A switchboard that only writes down what it is asked, for tests of the web layer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from outwait.call.events import AnyEvent
from outwait.carriers.base import Stream
from outwait.config import Settings
from outwait.house.desk import CallRequest, Refused
from outwait.store.base import ApiKey, CallRow

TOKEN = "auth-token"
SID = "AC" + "1" * 32


def settings(**changed: Any) -> Settings:
    given: dict[str, Any] = {
        "twilio_account_sid": SID,
        "twilio_auth_token": TOKEN,
        "twilio_phone_number": "+12025550199",
        "port": 0,
    }
    return Settings.load(**(given | changed))


def call_object(call_id: str, **changed: Any) -> dict[str, Any]:
    """A call as the contract shows it."""
    return {
        "id": call_id,
        "to": "+12025550143",
        "from": "+12025550199",
        "task": "ask",
        "carrier": "twilio",
        "carrier_call_id": None,
        "status": "queued",
        "phase": "queued",
        "end_reason": None,
        "outcome": None,
        "created_at": "2026-11-22T10:00:00Z",
        "answered_at": None,
        "ended_at": None,
        "timeline": [],
        "transcript": [],
        "sessions": [],
        "cost": {
            "total_usd": 0.0,
            "model_usd": 0.0,
            "carrier_usd": 0.0,
            "without_parking_usd": 0.0,
            "estimated": False,
            "items": [],
        },
    } | changed


@dataclass
class FakeInbox:
    """Keeps what it gets; `full` makes the socket wait."""

    events: list[AnyEvent] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    def post(self, event: AnyEvent) -> None:
        self.events.append(event)
        self.changed.set()

    async def room(self) -> None:
        await self.open.wait()

    async def rest(self) -> None:
        pass

    async def until(self, done: Callable[[list[AnyEvent]], bool]) -> list[AnyEvent]:
        """All events, once there are enough."""
        async with asyncio.timeout(10):
            while not done(self.events):
                self.changed.clear()
                await self.changed.wait()
        return self.events


@dataclass
class FakeDesk:
    """A `Desk`."""

    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    told: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)
    more: asyncio.Event = field(default_factory=asyncio.Event)
    placed: list[tuple[CallRequest, str | None]] = field(default_factory=list)
    answers: list[tuple[str, str, bool]] = field(default_factory=list)
    reported: list[tuple[str, AnyEvent]] = field(default_factory=list)
    attached: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    refusal: Exception | None = None
    what: Literal["connect", "hangup"] = "connect"
    inbox: FakeInbox = field(default_factory=FakeInbox)
    stream: Stream | None = None
    stream_there: asyncio.Event = field(default_factory=asyncio.Event)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    drained: list[float] = field(default_factory=list)
    followers: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)
    draining: bool = False
    stranger: str = "CA2"  # a leg of no call

    async def place(self, request: CallRequest, idempotency_key: str | None) -> CallRow:
        if self.refusal is not None:
            raise self.refusal
        self.placed.append((request, idempotency_key))
        call_id = f"c{len(self.placed)}"
        self.calls[call_id] = call_object(call_id, task=request.task)
        return CallRow(call_id, 0.0, b"{}", self.calls[call_id], None, True, 1)

    async def hang_up(self, call_id: str) -> bool:
        if call_id not in self.calls:
            raise KeyError(call_id)
        return call_id not in self.ended

    async def get(self, call_id: str) -> dict[str, Any] | None:
        if self.refusal is not None:
            raise self.refusal
        return self.calls.get(call_id)

    async def page(self, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        if cursor == "wrong":
            raise ValueError("not a cursor of this server")
        return list(self.calls.values())[:limit], None

    async def notes(self, call_id: str, after: int) -> AsyncIterator[tuple[int, str, bytes]]:
        number = after
        self.followers += 1
        try:
            while True:
                told = self.told.get(call_id, [])
                while number < len(told):
                    kind, data = told[number]
                    number += 1
                    yield number, kind, data
                    if kind == "ended":
                        return
                self.more.clear()
                await self.more.wait()
        finally:
            self.followers -= 1
            self.left.set()

    async def answer(self, call_id: str, carrier_call_id: str, *, again: bool) -> Literal["connect", "hangup"]:
        if call_id not in self.calls:
            raise KeyError(call_id)
        self.answers.append((call_id, carrier_call_id, again))
        return self.what

    async def token(self, call_id: str) -> str:
        token = f"token-{len(self.tokens)}"
        self.tokens.add(token)
        return token

    async def report(self, call_id: str, event: AnyEvent, carrier_call_id: str = "") -> None:
        if call_id not in self.calls or carrier_call_id == self.stranger:
            raise KeyError(call_id)
        self.reported.append((call_id, event))

    async def attach(
        self, token: str, carrier_call_id: str, make: Callable[[int], Stream]
    ) -> tuple[Stream, FakeInbox] | None:
        self.attached.append((token, carrier_call_id))
        if self.refusal is not None:
            raise self.refusal
        if token not in self.tokens:
            return None
        self.tokens.discard(token)
        self.stream = make(len(self.attached))
        self.stream_there.set()
        return self.stream, self.inbox

    async def bearer(self, key: str) -> ApiKey | None:
        if self.refusal is not None:
            raise self.refusal
        return self.keys.get(key)

    async def drain(self, seconds: float) -> None:
        self.draining = True
        self.drained.append(seconds)


__all__ = ["SID", "TOKEN", "FakeDesk", "FakeInbox", "Refused", "call_object", "settings"]
