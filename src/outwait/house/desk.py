"""What the web layer and the switchboard have to say to each other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from outwait.call.events import AnyEvent, CarrierJudged, LegReported
from outwait.call.setup import Human
from outwait.carriers.base import Stream
from outwait.store.base import ApiKey, CallRow, Quota


class Refused(Exception):
    """A request that can't be granted; nothing was done. The web layer turns it into the contract's error."""

    def __init__(self, code: str, message: str, *, field: str | None = None, status: int = 422) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.status = status


def leg_id(call_id: str, leg: int) -> str:
    """What the carrier is given to name a leg of a call: its first one goes by the call's id."""
    return call_id if leg == 1 else f"{call_id}.{leg}"


def call_and_leg(named: str) -> tuple[str, int]:
    """The other way round. Whatever else comes from outside is the name of a first leg, and unknown."""
    call_id, dot, leg = named.rpartition(".")
    if dot and leg.isascii() and leg.isdecimal() and len(leg) < 4 and int(leg) > 1:
        return call_id, int(leg)
    return named, 1


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A checked wish for a call."""

    to: str  # E.164
    from_: str  # E.164
    task: str
    engine: str | None = None  # None: the server's
    max_cost_usd: float | None = None
    max_hold_minutes: float | None = None
    metadata: dict[str, Any] | None = None
    disclosure: str | None = None  # how the agent names itself; None: the server's
    time_zone: str | None = None  # where the callee is, if the number does not say
    menu_path: tuple[str, ...] = ()  # what to look for in menus, in turn
    voicemail: Literal["message", "hang_up", "agent"] | None = None  # None: as the server's policy says
    outcome_schema: dict[str, Any] | None = None  # unchecked; None: words will do
    agent: str | None = None  # which of the server's agents; None: the first
    webhook_url: str | None = None  # who is told of its end; None: whom the server tells
    call_back_minutes: float | None = None  # how long the task waits to be called back; None: it does not
    human: Human | None = None  # who is rung when a person is there; None: nobody
    key: ApiKey | None = None  # who asks; None: the bearer of the configured key, or somebody on this machine


class Guard(Protocol):
    """Says which calls may be placed."""

    async def check(self, request: CallRequest) -> Quota:
        """What still has to be true when the call is stored. Raises Refused."""

    async def check_other(self, number: str, from_: str, countries: tuple[str, ...] | None, field: str) -> None:
        """Whether a number may be called in the course of a call: somebody it is transferred to, our user. Raises
        Refused. `countries`: of the key; None: it has no rule."""


class Inbox(Protocol):
    """Where a media socket puts what it hears."""

    def post(self, event: AnyEvent) -> None:
        """Never blocks."""

    async def room(self) -> None:
        """Wait until the call has kept up: back-pressure for a carrier that sends faster than real time."""

    async def rest(self) -> None:
        """All that came at once has been posted: wait as long as nobody is in a hurry to hear more."""


class Desk(Protocol):
    """What the web layer may ask of the switchboard."""

    async def place(self, request: CallRequest, idempotency_key: str | None) -> CallRow:
        """Store a call and start it. Raises Refused."""

    async def hang_up(self, call_id: str) -> bool:
        """Ask a live call to end; False when it has ended. Raises KeyError for an unknown one."""

    async def get(self, call_id: str) -> dict[str, Any] | None:
        """The call object, live or from the store."""

    async def page(self, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """Call objects, newest first."""

    def notes(self, call_id: str, after: int) -> AsyncIterator[tuple[int, str, bytes]]:
        """(number, kind, JSON) of the call's notes from number `after` + 1 on; ends after `ended`."""

    async def answer(self, call_id: str, carrier_call_id: str, *, again: bool) -> Literal["connect", "hangup", "wait"]:
        """The carrier asks what to do with a leg (`again`: after its stream has ended). `wait`: ask again in a moment,
        the next process will know. Raises KeyError."""

    async def called_back(self, from_: str, to: str, carrier_call_id: str) -> str | None:
        """Somebody calls our number `to`: the task that waits for them, which has been told; None: nobody does."""

    async def call_of(self, carrier_call_id: str) -> str:
        """Which call the carrier's id belongs to. Raises KeyError."""

    async def token(self, call_id: str) -> str:
        """A fresh stream token: good for one stream and ten minutes."""

    async def report(self, call_id: str, event: LegReported | CarrierJudged, carrier_call_id: str = "") -> None:
        """A callback of the carrier, about the leg that it calls so. Raises KeyError for an unknown call or leg."""

    async def attach(
        self, token: str, carrier_call_id: str, make: Callable[[int], Stream]
    ) -> tuple[Stream, Inbox] | None:
        """Give a media socket that shows this token to its call; `make` gets the stream's number. None: wrong token."""

    async def bearer(self, key: str) -> ApiKey | None:
        """Whose API key this is; None for one that opens nothing. Raises StoreError."""

    async def drain(self, seconds: float) -> None:
        """No new calls; let talking ones finish for so long, then release all for the next process."""

    @property
    def draining(self) -> bool: ...
