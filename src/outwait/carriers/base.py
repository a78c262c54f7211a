"""What the house asks of a carrier. Adapters implement these; nothing else of a carrier is known outside its folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from outwait.call.events import AnyEvent, Trouble

Post = Callable[[AnyEvent], None]
"""Puts an event into a call's inbox. Never blocks, never fails."""


class CarrierError(Exception):
    """The carrier refused or could not be reached. `trouble` says whether trying again is of use."""

    def __init__(self, trouble: Trouble, detail: str, *, gone: bool = False) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.gone = gone  # it knows of no such call: it is over already


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a carrier can do, as data."""

    name: str
    marks: bool  # says when audio was played
    keys_keep_stream: bool  # sends keys without ending the media stream
    reattach: bool  # a lost media socket can come back to the same leg
    steady_frames: bool  # sends frames when nobody plays
    judges: bool = False  # tells who answered, when `dial` is asked for it


@dataclass(frozen=True, slots=True)
class LegReport:
    """The carrier's answer about a leg."""

    status: str  # Twilio's words
    duration: int | None  # s, when over


class Carrier(Protocol):
    """The carrier's REST side. Errors are CarrierError; every request has its own deadline."""

    capabilities: Capabilities

    async def dial(
        self, call_id: str, to: str, from_: str, *, ring_seconds: int, time_limit: int, judge: bool = False
    ) -> str:
        """Start a call; its id at the carrier. `judge`: tell who answers, where the capabilities have it."""

    async def hang_up(self, carrier_call_id: str, *, cancel: bool) -> None:
        """End it. Ended already is no error."""

    async def transfer(self, carrier_call_id: str, to: str, from_: str, *, time_limit: int) -> None:
        """Connect the leg with another number and leave it: its media stream ends. `from_` is what the other number
        sees, `time_limit` the s after which the carrier ends it."""

    async def fetch(self, carrier_call_id: str) -> LegReport:
        """Ask for its status."""

    async def reclaim(self, call_id: str, carrier_call_id: str) -> None:
        """Have the carrier drop what the leg does now and ask us what to do with it."""

    async def find(self, call_id: str, to: str) -> str | None:
        """The carrier's id of a call we may have dialled before a crash; None when there is none."""

    async def press(self, call_id: str, carrier_call_id: str, keys: str) -> None:
        """Press keys in the leg, the carrier's own way. Where `keys_keep_stream` is False the media stream ends for it,
        and a new one comes back to the same call."""

    async def up(self, from_: str) -> list[str]:
        """The carrier's ids of all legs from this number that have not ended, ours or not."""


class Stream(Protocol):
    """One media socket of one leg. Sending after its end is ignored; its end is told by StreamLost."""

    number: int

    async def play(self, ulaw: bytes) -> None: ...

    async def mark(self, name: str) -> None: ...

    async def clear(self) -> None: ...

    async def close(self, code: int = 1000) -> None:
        """Idempotent; ends within two seconds, by force if need be."""
