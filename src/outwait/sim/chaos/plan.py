"""What goes wrong on one call, drawn from its seed before it begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from outwait.call.hold import HoldPolicy
from outwait.call.policy import Policy

Stage = Literal["before the log", "before its effect", "after its effect"]

STAGES: tuple[Stage, ...] = ("before the log", "before its effect", "after its effect")

FAULTS = {
    "session lost": 8,
    "session expired": 4,
    "session mute": 5,
    "next session refused": 1,
    "next session busy": 4,
    "next session lost": 4,
    "next session mute": 3,
    "media lost": 8,
    "media stopped": 2,
    "media deaf": 3,
    "remote hang-up": 5,
    "user hang-up": 6,
    "user hang-up twice": 1,
    "slow": 5,
    "release": 4,
    "store down": 4,
    "carrier down": 4,
}
"""Kinds of faults at a moment, and their weights."""

DIALS = {"": 87, "refused": 1, "busy": 1, "lost": 1, "lost after dialling": 3, "late": 4}
"""What becomes of the request that dials."""


AIMS = ("", "", "", "speaking", "speaking", "answering", "answering", "opening", "resuming", "holding", "ending")
"""What the call must be doing when a fault strikes; empty: anything."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong."""

    after: float  # s since the call began
    kind: str
    aim: str


@dataclass(frozen=True, slots=True)
class Kill:
    """The process dies without a word."""

    at: int  # event that it dies at, counted without sound
    stage: Stage
    down: float  # s until the next process is there


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a call's world is going to do to it."""

    policy: Policy
    phrases: dict[str, str]
    talk_frame: float  # s
    hold_frame: float  # s
    wild: float  # 0..1: share of the carrier's messages that come late, twice, or not at all
    faults: list[Fault] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    dial: str = ""
    fallback: bool = True  # while no process answers, the carrier asks again elsewhere
    parks: bool = False  # elsewhere is a document that only keeps the leg up for a while
    twin_at: int = 0  # event after which a call rebuilt from the log runs beside the living one; 0: none
    forgets: float = 0.0  # 0..1: how often the model does not call a tool that it should call

    @property
    def keeps_log(self) -> bool:
        """The call is going to be rebuilt."""
        return bool(self.kills or self.twin_at) or any(fault.kind in ("release", "store down") for fault in self.faults)


def draw(dice: Random, expected: float) -> Plan:
    """`expected`: s that the call's script takes."""
    faults: list[Fault] = []
    kills: list[Kill] = []
    trouble = dice.choice((0, 0, 1, 1, 1, 2, 2, 3, 5))
    for _ in range(trouble):
        if dice.random() < 0.25:
            stage = dice.choice(STAGES)
            kills.append(Kill(dice.randint(1, dice.choice((12, 40, 90))), stage, _down(dice)))
        else:
            kind = dice.choices(list(FAULTS), list(FAULTS.values()))[0]
            faults.append(Fault(round(dice.uniform(0.0, expected * 1.05), 2), kind, dice.choice(AIMS)))
    phrases = {"resume": "Hello, I'm here.", "budget": "Goodbye."} if dice.random() < 0.5 else {}
    return Plan(
        policy=_policy(dice),
        phrases=phrases,
        talk_frame=dice.choice((0.1, 0.2, 0.2, 0.2, 0.3, 0.3)),
        hold_frame=dice.choice((0.4, 0.6, 0.8, 1.0)),
        wild=dice.choice((0.0, 0.0, 0.1, 0.4)) if trouble else 0.0,
        faults=faults,
        kills=kills,
        dial=dice.choices(list(DIALS), list(DIALS.values()))[0] if trouble else "",
        fallback=dice.random() < 0.85,
        parks=dice.random() < 0.2,
        twin_at=dice.randint(1, 60) if dice.random() < 0.2 else 0,
        forgets=dice.choice((0.0, 0.0, 0.0, 0.3)),
    )


def _down(dice: Random) -> float:
    return dice.choice((0.1, 0.5, 2.0, 8.0, 30.0, 90.0))


def _policy(dice: Random) -> Policy:
    cap = dice.choice((None,) * 10 + (60_000, 120_000))
    return Policy(
        hold=HoldPolicy(dead_silence=300.0),
        park=dice.choice(("close", "close", "close", "gate")),
        max_cost_micro_usd=cap,
        max_hold_seconds=dice.choice((3600.0,) * 7 + (25.0,)),
        max_session_seconds=dice.choice((3300.0, 3300.0, 40.0)),
        listen_first=dice.choice((2.0, 1.0)),
        drain_seconds=dice.choice((3.0, 3.0, 0.5)),
        engine="openai",
        model="chaos",
    )
