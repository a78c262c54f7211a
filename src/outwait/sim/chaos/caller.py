"""The company as one that calls back: it promises to, hangs up, and rings our number, sooner or later or never."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from outwait.call.notes import CallBack
from outwait.sim.chaos.company import Step
from outwait.sim.chaos.words import Kind

if TYPE_CHECKING:
    from outwait.sim.chaos.world import World

OF_CALLS = 0.15  # share of calls that take an offer to be called back
TRIES = 3  # times that it rings while nobody answers for us


class Caller:
    """Drawn from dice of its own, so that calls without it stay what they are."""

    def __init__(self, world: World, dice: Random) -> None:
        self._world = world
        self._dice = dice
        self.minutes: float | None = dice.choice((2.0, 10.0)) if dice.random() < OF_CALLS else None
        self.promised = self.times = 0  # promises, and calls that came of them
        self._waits = False  # the task does, for our call
        self._tries = 0

    def offers(self) -> bool:
        """Whether it offers to call back, just now, instead of a hold."""
        return self.minutes is not None and self.promised < 2 and self._dice.random() < 0.6

    def told(self, note: CallBack) -> None:
        """What the call says of it."""
        self._waits = note.state == "waiting"
        self.times += note.state == "back"
        if note.state == "promised":
            self.promised += 1
            if self._dice.random() < 0.8:  # otherwise we have to hang up
                self._world.later(self._dice.uniform(0.5, 12.0), self._world.carrier.end, "completed", "company")
        elif self._waits and self._dice.random() < 0.85:
            self._tries = 0
            self._world.later(self._dice.choice((3.0, 20.0, 100.0, 300.0)), self._ring)

    def _ring(self) -> None:
        world = self._world
        if not self._waits or world.finished_at:
            return
        if not world.carrier.over:  # the line is not free yet
            world.later(1.0, self._ring)
            return
        self._tries += 1
        sid = f"CA1.{self.promised}.{self._tries}"
        if world.calls_back(sid):
            world.company.begin_anew(_script(self._dice))
            world.carrier.comes_in(sid)
        elif self._tries < TRIES:
            world.later(20.0, self._ring)


def _script(dice: Random) -> list[Step]:
    """They know what they were asked."""
    hello, answer = Step("say", dice.uniform(0.6, 2.0), Kind.HELLO), Step("say", dice.uniform(0.8, 3.0), Kind.ANSWER)
    return [hello, Step("listen", 14.0), answer, Step("listen", 14.0), Step("say", 0.8, Kind.BYE)]
