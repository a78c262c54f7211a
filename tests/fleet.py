"""Several processes on one database, and a carrier that remembers what they did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from outwait.audio.ear import Ear
from outwait.call.events import Trouble
from outwait.call.policy import Policy
from outwait.carriers.base import CarrierError, LegReport
from outwait.carriers.twilio.rest import CAPABILITIES
from outwait.engines.openai import openai_engine
from outwait.house.desk import CallRequest
from outwait.house.furnishing import House
from outwait.house.guard import Guardian, Rules
from outwait.house.phrases import PhraseLibrary
from outwait.house.reaper import Lease, Reaper
from outwait.house.switchboard import Switchboard
from outwait.prices import PriceTable
from outwait.store.base import CallRow
from outwait.store.book import Book
from outwait.store.sql import SqlStore

TO, FROM = "+12025550143", "+12025550199"
WISH = CallRequest(to=TO, from_=FROM, task="ask")
TRANSCRIPTION = "gpt-transcribe"
ENGINE = openai_engine(
    api_key="x",
    model="gpt-realtime-2.1",
    base_url="http://127.0.0.1:9/v1",
    voice="marin",
    transcription=TRANSCRIPTION,
)
PRICES = PriceTable.load(None).prices("openai", "gpt-realtime-2.1", TRANSCRIPTION, "twilio")


@dataclass
class Exchange:
    """A `Carrier` whose legs ring until somebody ends them."""

    legs: dict[str, str] = field(default_factory=dict)  # id -> status
    dialled: list[str] = field(default_factory=list)  # calls
    hung_up: list[str] = field(default_factory=list)
    capabilities = CAPABILITIES
    down: bool = False

    async def dial(self, call_id: str, to: str, from_: str, *, ring_seconds: int, time_limit: int) -> str:
        self.dialled.append(call_id)
        leg = f"CA{len(self.dialled)}"
        self.legs[leg] = "ringing"
        return leg

    async def hang_up(self, carrier_call_id: str, *, cancel: bool) -> None:
        self.hung_up.append(carrier_call_id)
        self.legs[carrier_call_id] = "canceled" if cancel else "completed"

    async def fetch(self, carrier_call_id: str) -> LegReport:
        status = self.legs[carrier_call_id]
        return LegReport(status, 10 if status == "completed" else None)

    async def reclaim(self, call_id: str, carrier_call_id: str) -> None:
        raise CarrierError(Trouble.REFUSED, "not in progress")

    async def find(self, call_id: str, to: str) -> str | None:
        return None

    async def up(self, from_: str) -> list[str]:
        if self.down:
            raise CarrierError(Trouble.LOST, "nobody there")
        assert from_ == FROM
        return [leg for leg, status in self.legs.items() if status in ("ringing", "in-progress")]


@dataclass
class Clock:
    now: float = datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    path: Path
    exchange: Exchange = field(default_factory=Exchange)
    clock: Clock = field(default_factory=Clock)
    dead: set[str] = field(default_factory=set)
    rules: Rules = field(default_factory=lambda: Rules(own_number=FROM))

    @asynccontextmanager
    async def process(self, name: str) -> AsyncIterator[Process]:
        """One process of the fleet."""
        async with AsyncExitStack() as stack:
            store = await SqlStore.open(f"sqlite:///{self.path}")
            stack.push_async_callback(store.close)
            lease = Lease(store, name, self.clock, place=name, is_dead=self.dead.__contains__)
            await lease.bury()
            await lease.renew()
            house = House(
                store=store,
                carrier=self.exchange,
                engines={"openai": ENGINE},
                ear=Ear.load(),
                phrases=PhraseLibrary(self.path.parent / "phrases"),
                policy=Policy(callback_seconds=0.05),  # the exchange sends none
                prices=lambda engine, model: PRICES,
                engine="openai",
                guard=Guardian(self.rules, Book(store), self.clock),
                keys=Book(store).key_of,
                process=name,
                wall=self.clock,
            )
            board = await stack.enter_async_context(Switchboard(house))
            counted: list[str] = []
            reaper = Reaper(lease, board, store, self.exchange, self.clock, own_number=FROM, on_reaped=counted.append)
            yield Process(name, board, store, reaper, counted)


@dataclass
class Process:
    name: str
    board: Switchboard
    store: SqlStore
    reaper: Reaper
    counted: list[str]

    async def stop(self) -> None:
        """As a server does that was told to end."""
        await self.board.drain(0.0)
        await self.store.leave(self.name)

    async def dialled(self, call_id: str) -> CallRow:
        """The call, once the carrier has it."""
        notes = self.board.notes(call_id, 0)
        async for _, kind, data in notes:
            if kind == "status" and b'"CA' in data:
                break
        await notes.aclose()  # type: ignore[attr-defined]
        row = await self.store.get(call_id)
        assert row is not None
        return row

    async def ended(self, call_id: str) -> dict[str, Any]:
        """The call object when it is over."""
        async for _ in self.board.notes(call_id, 0):
            pass
        call = await self.board.get(call_id)
        assert call is not None
        return call
