"""Who is called: a script of talk, holds and silences, played on the leg frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from outwait.sim.chaos.words import QUIET, Kind

QUIET_ENOUGH = 0.8  # s without a word of the agent after which it has finished


@dataclass(slots=True)
class Step:
    """One line of the script."""

    verb: Literal["say", "listen", "keys", "sound", "wait"]
    seconds: float  # length, or patience
    kind: Kind = Kind.SILENCE
    held: bool = False  # nobody is there


@dataclass(frozen=True, slots=True)
class Pickup:
    """Whether anybody answers."""

    ring: float  # s
    refuses: str = ""  # busy, failed, or nothing


class Company:
    """One called party. `frame` is asked for what it says, again and again, until it has hung up."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        roll = dice.random()
        refuses = "busy" if roll < 0.03 else "failed" if roll < 0.05 else ""
        self.pickup = Pickup(ring=1e9 if roll > 0.97 else dice.uniform(0.5, 6.0), refuses=refuses)
        self.steps = _script(dice)
        self.kinds: dict[int, Kind] = {QUIET: Kind.SILENCE}  # of every utterance
        self.asked_to_hold = 0
        self._done = 0.0  # s of this step
        self._number = QUIET
        self._count = 0
        self._heard_agent = False

    @property
    def expected(self) -> float:
        """s that the script takes if all goes well."""
        return self.pickup.ring % 60.0 + sum(
            min(s.seconds, 5.0) if s.verb == "listen" else s.seconds for s in self.steps
        )

    @property
    def held(self) -> bool:
        """Nobody is there."""
        return bool(self.steps) and self.steps[0].held

    @property
    def gone(self) -> bool:
        """It has hung up."""
        return not self.steps

    def frame(self, seconds: float, agent_quiet: float, agent_spoke: bool) -> int:
        """What is heard in the next `seconds`. `agent_quiet`: s since the agent's last word."""
        step = self.steps[0]
        if self._done == 0.0:
            self._number = self._new(step.kind)
            self._heard_agent = False
        self._done += seconds
        number = self._number
        self._heard_agent = self._heard_agent or agent_spoke
        if step.verb == "listen":
            over = (self._heard_agent and agent_quiet >= QUIET_ENOUGH) or self._done >= step.seconds
        else:
            over = self._done >= step.seconds
        if over:
            self.steps.pop(0)
            self._done = 0.0
        return number

    def begin_anew(self, steps: list[Step]) -> None:
        """On another line."""
        self.steps, self._done = steps, 0.0

    def keys(self) -> None:
        """The agent has pressed a key."""
        if self.steps and self.steps[0].verb == "keys":
            self._done = self.steps[0].seconds

    def _new(self, kind: Kind) -> int:
        if kind is Kind.SILENCE:
            return QUIET
        if kind is Kind.PLEASE_HOLD:
            self.asked_to_hold += 1
        self._count = self._count % 250 + 1
        self.kinds[self._count] = kind
        return self._count


def _script(dice: Random) -> list[Step]:
    steps: list[Step] = []
    if dice.random() < 0.12:
        steps += [Step("say", 3.0, Kind.MENU), Step("keys", 8.0)]
    if dice.random() < 0.9:
        steps.append(Step("say", dice.uniform(0.6, 2.0), Kind.HELLO))
    for _ in range(dice.choice((0, 1, 1, 2))):
        steps += [Step("listen", 14.0), Step("say", dice.uniform(0.6, 4.0), Kind.CHAT)]
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
        steps.append(Step("listen", 14.0))
        if dice.random() < 0.85:
            steps += [Step("say", dice.uniform(0.8, 1.6), Kind.PLEASE_HOLD), Step("sound", dice.uniform(0.3, 2.5))]
        steps += _hold(dice)
        steps.append(Step("say", dice.uniform(0.8, 2.5), Kind.CHAT))
    steps += [Step("listen", 14.0), Step("say", dice.uniform(0.8, 3.0), Kind.ANSWER), Step("listen", 14.0)]
    if dice.random() < 0.1:
        steps += [Step("sound", 60.0, Kind.TONE, held=True)]
    return [*steps, Step("say", 0.8, Kind.BYE), Step("wait", dice.choice((2.0, 12.0)))]


def _hold(dice: Random) -> list[Step]:
    """Music, recordings and silence, in turn."""
    total = dice.choice((6.0, 15.0, 30.0, 30.0, 60.0, 200.0 if dice.random() < 0.2 else 20.0))
    parts: list[Step] = []
    while total > 0:
        kind = dice.choices((Kind.MUSIC, Kind.SILENCE, Kind.ANNOUNCEMENT), (6, 2, 2))[0]
        seconds = min(total, dice.uniform(2.0, 6.0) if kind is Kind.ANNOUNCEMENT else dice.uniform(4.0, 40.0))
        parts.append(Step("sound", seconds, kind, held=True))
        total -= seconds
    if dice.random() < 0.5:
        parts.append(Step("sound", 0.6, held=True))
    return parts
