"""The three small machines of a call: tables of legal edges. The pictures in the docs are drawn from them."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar


class Phase(StrEnum):
    """What the call is about just now."""

    QUEUED = "queued"
    DIALING = "dialing"
    RINGING = "ringing"
    TALKING = "talking"
    HOLDING = "holding"
    RESUMING = "resuming"
    DETACHED = "detached"
    ENDING = "ending"
    ENDED = "ended"


class Leg(StrEnum):
    """The carrier's side, in Twilio's words."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"

    @property
    def over(self) -> bool:
        return not LEG[self]


class Session(StrEnum):
    """One numbered connection to an engine."""

    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


PHASE: dict[Phase, frozenset[Phase]] = {
    Phase.QUEUED: frozenset({Phase.DIALING, Phase.ENDING, Phase.ENDED}),
    Phase.DIALING: frozenset({Phase.RINGING, Phase.TALKING, Phase.DETACHED, Phase.ENDING, Phase.ENDED}),
    Phase.RINGING: frozenset({Phase.TALKING, Phase.DETACHED, Phase.ENDING, Phase.ENDED}),
    Phase.TALKING: frozenset({Phase.HOLDING, Phase.DETACHED, Phase.ENDING, Phase.ENDED}),
    Phase.HOLDING: frozenset({Phase.RESUMING, Phase.DETACHED, Phase.ENDING, Phase.ENDED}),
    Phase.RESUMING: frozenset({Phase.TALKING, Phase.HOLDING, Phase.DETACHED, Phase.ENDING, Phase.ENDED}),
    Phase.DETACHED: frozenset({Phase.TALKING, Phase.HOLDING, Phase.RESUMING, Phase.ENDING, Phase.ENDED}),
    Phase.ENDING: frozenset({Phase.ENDED}),
    Phase.ENDED: frozenset(),
}

_OVER = frozenset({Leg.COMPLETED, Leg.BUSY, Leg.FAILED, Leg.NO_ANSWER, Leg.CANCELED})

LEG: dict[Leg, frozenset[Leg]] = {
    Leg.QUEUED: frozenset({Leg.INITIATED, Leg.RINGING, Leg.IN_PROGRESS}) | _OVER,
    Leg.INITIATED: frozenset({Leg.RINGING, Leg.IN_PROGRESS}) | _OVER,
    Leg.RINGING: frozenset({Leg.IN_PROGRESS}) | _OVER,
    Leg.IN_PROGRESS: frozenset({Leg.COMPLETED, Leg.FAILED, Leg.CANCELED}),
} | dict.fromkeys(_OVER, frozenset())

SESSION: dict[Session, frozenset[Session]] = {
    Session.OPENING: frozenset({Session.OPEN, Session.CLOSING, Session.CLOSED}),
    Session.OPEN: frozenset({Session.CLOSING, Session.CLOSED}),
    Session.CLOSING: frozenset({Session.CLOSED}),
    Session.CLOSED: frozenset(),
}

S = TypeVar("S", Phase, Leg, Session)


def allowed(table: dict[S, frozenset[S]], old: S, new: S) -> bool:
    """Whether the table has this edge. Staying where one is, is no edge."""
    return new in table[old]
