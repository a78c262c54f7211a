"""Our user, who wants to speak to whoever ends a hold: a telephone that is rung, and a leg of its own each time."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.events import Trouble
from outwait.call.setup import Human
from outwait.sim.chaos import words
from outwait.sim.chaos.carrier import OVER, PATIENCE, RETRY, WIRE

if TYPE_CHECKING:
    from outwait.sim.chaos.world import World

FRAME = 0.2  # s
OF_CALLS = 0.3  # share of calls whose user is to be rung


class User:
    """Drawn from dice of their own, so that calls without them stay what they are."""

    def __init__(self, world: World, dice: Random) -> None:
        self._world = world
        self._dice = dice
        self.legs: dict[int, UserLeg] = {}
        self.rings: list[int] = []  # the leg of each
        self.human: Human | None = None
        if dice.random() < OF_CALLS:
            agent = "stays" if dice.random() < 0.4 else "leaves"
            self.human = Human(number="+12025550155", agent=agent)  # type: ignore[arg-type]  # one of the two

    @property
    def over(self) -> bool:
        return all(leg.over for leg in self.legs.values())

    @property
    def answered(self) -> bool:
        """They have picked up at least once."""
        return any(leg.answered_at for leg in self.legs.values())

    def dial(self, command: do.Dial) -> None:
        """They are rung."""
        self.rings.append(command.leg)
        self.legs[command.leg] = UserLeg(self._world, self._dice, command)

    def of_stream(self, number: int) -> UserLeg | None:
        """The leg whose media socket has this number in the living process."""
        return next((leg for leg in self.legs.values() if number and leg.stream == number), None)

    def process_gone(self) -> None:
        for leg in self.legs.values():
            leg.process_gone()


class UserLeg:
    """One ring and what comes of it."""

    def __init__(self, world: World, dice: Random, command: do.Dial) -> None:
        self._world = world
        self._dice = dice
        self.number = command.leg
        self.sid = f"CA{command.leg}"
        self.status = ""
        self.answered_at = 0.0
        self.over_at = 0.0
        self.stream = 0
        self._began = 0.0  # of the stream
        self._until = 0.0  # what is queued has been played then
        self._marks: list[tuple[float, str]] = []
        self._sequence = -1
        self._asked_at = 0.0
        roll = dice.random()
        if roll < 0.05:
            world.answer(ev.DialRefused(Trouble.BUSY, "503", leg=self.number), 0.2)
            return
        world.later(WIRE, self._created, command, roll)
        world.answer(ev.Dialled(self.sid, self.number), dice.uniform(0.1, 0.4))

    @property
    def over(self) -> bool:
        return not self.status or self.status in OVER

    # --- REST ------------------------------------------------------------------------------------

    def fetch(self) -> None:
        """A request for its status."""
        delay = self._dice.uniform(0.1, 0.5)
        if self._world.now < self._world.carrier.down_until:
            self._world.answer(ev.LegUnknown(gone=False, detail="503", leg=self.number), delay)
        elif not self.status:
            self._world.answer(ev.LegUnknown(gone=True, detail="never dialled", leg=self.number), delay)
        else:
            self._world.answer(ev.Dialled(self.sid, self.number), delay)
            report = ev.LegReported(self.status, None, self._duration, leg=self.number)
            self._world.answer(report, delay + 0.001)

    def hang_up(self) -> None:
        """A request to end it."""
        delay = self._dice.uniform(0.05, 0.4)
        if self._world.now < self._world.carrier.down_until:
            self._world.answer(ev.HangUpFailed(Trouble.BUSY, "503", leg=self.number), delay)
            return
        self._world.later(delay, self.end, "completed" if self.answered_at else "canceled")
        self._world.answer(ev.HungUp(leg=self.number), delay + 0.001)

    # --- the leg ---------------------------------------------------------------------------------

    def end(self, status: str) -> None:
        """It is over."""
        if self.over:
            return
        self.status, self.over_at = status, self._world.now
        self._callback()
        if self.stream:
            self._world.answer(ev.StreamStopped(self.stream), WIRE)
            self._lose(WIRE + 0.01)

    def process_gone(self) -> None:
        """Whoever had its socket is no more."""
        if self.stream:
            self.stream = 0
            self._world.later(self._dice.uniform(0.05, 0.5), self._ask, True)

    # --- the stream ------------------------------------------------------------------------------

    def play(self, ulaw: bytes) -> None:
        self._until = max(self._world.now, self._until) + len(ulaw) / words.RATE

    def mark(self, name: str) -> None:
        self._marks.append((max(self._world.now, self._until), name))

    def clear(self) -> None:
        self._until = self._world.now
        self._marks = [(self._world.now, name) for _, name in self._marks]

    def close(self) -> None:
        """The program closes its socket."""
        self._lose(2 * WIRE)
        if not self.over:
            self._world.later(self._dice.uniform(0.1, 0.5), self._ask, True)

    # --- below -----------------------------------------------------------------------------------

    @property
    def _duration(self) -> int | None:
        if self.status not in OVER:
            return None
        return round(self.over_at - self.answered_at) if self.answered_at else 0

    def _lose_media(self) -> None:
        """The socket breaks; the leg lives, and asks what to do."""
        if self.stream:
            self._world.faults["our user's media lost"] += 1
            self._world.judge.disturbed()
            self._lose(WIRE, code=1006)
            self._world.later(self._dice.uniform(0.1, 2.0), self._ask, True)

    def _lose(self, seconds: float, code: int = 1000) -> None:
        stream, self.stream = self.stream, 0
        self._marks.clear()
        self._world.answer(ev.StreamLost(stream, code), seconds)

    def _created(self, command: do.Dial, roll: float) -> None:
        world, dice = self._world, self._dice
        self.status = "ringing"
        self._callback()
        rings = dice.uniform(1.0, 25.0)
        if roll < 0.15:
            world.later(min(rings, command.ring_seconds), self._refused, "busy" if roll < 0.1 else "no-answer")
        elif rings < command.ring_seconds:
            world.later(rings, self._picked_up, command.time_limit)
        else:
            world.later(command.ring_seconds, self._refused, "no-answer")

    def _refused(self, status: str) -> None:
        if not self.answered_at:
            self.end(status)

    def _picked_up(self, time_limit: int) -> None:
        if self.over:
            return
        self.status, self.answered_at = "in-progress", self._world.now
        self._callback()
        self._world.later(time_limit, self.end, "completed")
        self._world.later(self._dice.choice((2.0, 15.0, 60.0, 300.0)), self.end, "completed")  # they have enough
        self._world.later(WIRE, self._ask, False)
        self._world.later(0.0, self._frame)

    def _callback(self) -> None:
        self._sequence += 1
        event = ev.LegReported(self.status, self._sequence, self._duration, leg=self.number)
        self._world.callback(event, WIRE)

    def _ask(self, again: bool) -> None:
        """What to do with it, asked of whichever process answers."""
        world = self._world
        if self.over or self.stream:
            return
        self._asked_at = self._asked_at or world.now
        told = world.instructions(again=again, leg=self.number)
        if told == "connect":
            self._asked_at = 0.0
            world.later(self._dice.uniform(0.05, 0.4), self._connect)
        elif told == "hangup" or world.now - self._asked_at > PATIENCE:
            self.end("completed")
        else:
            world.later(RETRY, self._ask, again)

    def _connect(self) -> None:
        if self.over or self.stream:
            return
        self.stream = self._world.attach(leg=self.number)
        self._began = self._until = self._world.now
        if not self.stream:
            self._world.later(RETRY, self._ask, True)
        elif self._dice.random() < 0.15:
            self._world.later(self._dice.uniform(0.5, 20.0), self._lose_media)

    def _frame(self) -> None:
        """A stretch of what they say, and what they have heard meanwhile."""
        world = self._world
        if self.over:
            return
        if self.stream:
            for at, name in [mark for mark in self._marks if mark[0] <= world.now + 1e-6]:
                self._marks.remove((at, name))
                world.answer(ev.Marked(self.stream, name), WIRE)
            sound = bytes((words.USER,)) * int(FRAME * words.RATE)
            world.answer(ev.Heard(self.stream, round(world.now - self._began, 3), sound), FRAME)
            if self._dice.random() < 0.002:
                world.answer(ev.KeyHeard(self.stream, self._dice.choice("09*")), WIRE)
        world.later(FRAME, self._frame)
