"""The carrier: one leg, its media streams one after the other, its callbacks, its REST side."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.events import Trouble
from outwait.sim.chaos import words

if TYPE_CHECKING:
    from outwait.sim.chaos.world import World

WIRE = 0.03  # s, one way
RETRY = 1.0  # s after which instructions are asked for again, when nobody could say
PATIENCE = 70.0  # s that the carrier goes on asking
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


@dataclass(slots=True)
class Played:
    """One thing in a stream's queue: a stretch of sound or a mark, and when it has been played."""

    until: float
    word: tuple[int, int] | None = None
    mark: str = ""
    user: bool = False  # our user says it


@dataclass(slots=True)
class Socket:
    """One media stream."""

    number: int  # as the process that has it counts
    began: float
    queue: deque[Played] = field(default_factory=deque)
    until: float = 0.0  # when all that is queued will have been played
    deaf_until: float = 0.0  # no frame is sent before
    open: bool = True


class Carrier:
    """The leg's world. `status` is the leg's, whatever callbacks say."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.sid = ""
        self.dials = 0
        self.status = ""
        self.answered_at = 0.0
        self.over_at = 0.0
        self.ended_by = ""  # company, us, limit, webhook, no answer ...
        self.socket: Socket | None = None
        self.down_until = 0.0  # the REST side fails before
        self.heard: list[tuple[float, tuple[int, int]]] = []  # words of the agent that the far end heard
        self.keys = 0
        self.clears = 0
        self._sequence = -1
        self._last_callback = 0.0
        self._agent_at = -1e9  # when the far end last heard the agent
        self._asked_at = 0.0
        self.parked = False  # on instructions that keep it up until somebody fetches it

    @property
    def over(self) -> bool:
        """The leg has ended, or never was."""
        return not self.status or self.status in OVER

    # --- REST ------------------------------------------------------------------------------------

    def dial(self, command: do.Dial) -> None:
        """A request to create the call."""
        world, dice = self._world, self._world.dice
        self.dials += 1
        kind = world.plan.dial
        if kind in ("refused", "busy", "lost"):
            trouble = {"refused": Trouble.REFUSED, "busy": Trouble.BUSY, "lost": Trouble.LOST}[kind]
            world.answer(ev.DialRefused(trouble, kind), 9.0 if kind == "lost" else 0.2)
            return
        world.later(WIRE, self._created, command)
        if kind == "lost after dialling":
            world.answer(ev.DialRefused(Trouble.LOST, "no answer"), 9.5)
        else:
            late = dice.uniform(2.0, 8.0) if kind == "late" else dice.uniform(0.1, 0.4)
            world.answer(ev.Dialled("CA1"), late)

    def fetch(self, carrier_call_id: str) -> None:
        """A request for the leg's status."""
        world = self._world
        delay = world.dice.uniform(0.1, 0.5)
        if world.now < self.down_until:
            world.answer(ev.LegUnknown(gone=False, detail="503"), delay)
        elif not self.sid:
            world.answer(ev.LegUnknown(gone=True, detail="never dialled"), delay)
        elif carrier_call_id not in ("", self.sid):
            world.answer(ev.LegReported("completed"), delay)
        else:
            if not carrier_call_id:
                world.answer(ev.Dialled(self.sid), delay)
            world.answer(ev.LegReported(self.status or "queued", None, self._duration), delay + 0.001)

    def reclaim(self) -> None:
        """A request to ask again what to do with the leg."""
        world = self._world
        delay = world.dice.uniform(0.05, 0.4)
        if world.now < self.down_until:
            if world.dice.random() < 0.7:
                world.answer(ev.LegUnknown(gone=False, detail="503"), delay)
                return
        elif self.status != "in-progress":
            world.answer(ev.LegUnknown(gone=self.over, detail="not in progress"), delay)
            return
        world.later(delay, self._replace)

    def hang_up(self, carrier_call_id: str) -> None:
        """A request to end the leg."""
        world, dice = self._world, self._world.dice
        delay = dice.uniform(0.05, 0.4)
        if carrier_call_id != self.sid:  # one that is long over: another one has come since
            world.answer(ev.HungUp(), delay)
            return
        if world.now < self.down_until:
            if dice.random() < 0.3:  # done, and the answer was lost
                world.later(delay, self.end, "canceled" if not self.answered_at else "completed", "us")
            world.answer(ev.HangUpFailed(Trouble.BUSY, "503"), delay)
            return
        world.later(delay, self.end, "canceled" if not self.answered_at else "completed", "us")
        world.answer(ev.HungUp(), delay + 0.001)

    # --- a call to our number --------------------------------------------------------------------

    def comes_in(self, sid: str) -> None:
        """The company calls, and is put through."""
        self.sid, self.status, self.answered_at = sid, "in-progress", self._world.now
        self.over_at, self.ended_by, self._asked_at, self.parked = 0.0, "", 0.0, False
        self._sequence = -1
        self._world.later(self._world.dice.uniform(0.05, 0.4), self._connect)
        self._world.later(0.0, self._frame)

    # --- the leg ---------------------------------------------------------------------------------

    def end(self, status: str, by: str) -> None:
        """The leg is over."""
        if self.over:
            return
        self.status, self.ended_by, self.over_at = status, by, self._world.now
        self._callback()
        self.close_socket(stop=True)

    def lose_media(self, *, stop: bool) -> None:
        """The media socket breaks; the leg lives, and asks what to do."""
        if self.socket is not None:
            self.close_socket(stop=stop, code=1006)
            self._world.later(self._world.dice.uniform(0.1, 2.0), self._ask, True)

    def process_gone(self) -> None:
        """Whoever had our socket is no more."""
        if self.socket is not None:
            self.socket = None
            self._world.later(self._world.dice.uniform(0.05, 0.5), self._ask, True)

    # --- the stream ------------------------------------------------------------------------------

    def play(self, number: int, ulaw: bytes) -> None:
        socket = self._mine(number)
        if socket is not None:
            socket.until = max(self._world.now, socket.until) + len(ulaw) / words.RATE
            user = ulaw[0] == words.USER
            agent = len(ulaw) == words.WORD and ulaw[0] != words.QUIET and not user
            socket.queue.append(Played(socket.until, words.read_word(ulaw) if agent else None, user=user))

    def mark(self, number: int, name: str) -> None:
        socket = self._mine(number)
        if socket is not None:
            socket.queue.append(Played(max(self._world.now, socket.until), mark=name))

    def clear(self, number: int) -> None:
        socket = self._mine(number)
        if socket is None:
            return
        self.clears += 1
        self._play_until(socket, self._world.now)
        for played in socket.queue:  # its marks come back at once
            if played.mark:
                self._world.answer(ev.Marked(number, played.mark), WIRE)
        socket.queue.clear()
        socket.until = self._world.now

    def close(self, number: int) -> None:
        """The program closes its socket."""
        if self._mine(number) is None:
            return
        self.socket = None
        self._world.answer(ev.StreamLost(number, 1000), 2 * WIRE)
        if not self.over:
            self._world.later(self._world.dice.uniform(0.1, 0.5), self._ask, True)

    def close_socket(self, *, stop: bool, code: int = 1000) -> None:
        """The carrier closes it, with or without saying so."""
        socket, self.socket = self.socket, None
        if socket is not None:
            if stop:
                self._world.answer(ev.StreamStopped(socket.number), WIRE)
            self._world.answer(ev.StreamLost(socket.number, code), WIRE + self._world.dice.choice((0.01, 0.3)))

    def remaining(self) -> list[tuple[int, int]]:
        """Words that the far end has not heard yet."""
        if self.socket is None:
            return []
        return [played.word for played in self.socket.queue if played.word and played.until > self._world.now + 1e-6]

    # --- below -----------------------------------------------------------------------------------

    @property
    def _duration(self) -> int | None:
        if self.status not in OVER:
            return None
        return round(self.over_at - self.answered_at) if self.answered_at else 0

    def _mine(self, number: int) -> Socket | None:
        return self.socket if self.socket is not None and self.socket.number == number else None

    def _created(self, command: do.Dial) -> None:
        world, pickup = self._world, self._world.company.pickup
        self.sid = "CA1"
        self.status = "queued"
        world.later(0.1, self._progress, "initiated")
        world.later(0.3, self._progress, "ringing")
        if pickup.refuses:
            world.later(0.3 + pickup.ring, self.end, pickup.refuses, "company")
        elif pickup.ring < command.ring_seconds:
            world.later(0.3 + pickup.ring, self._picked_up, command.time_limit)
        else:
            world.later(0.3 + command.ring_seconds, self._nobody)

    def _progress(self, status: str) -> None:
        if not self.over and not self.answered_at:
            self.status = status
            self._callback()

    def _nobody(self) -> None:
        if not self.answered_at:
            self.end("no-answer", "no answer")

    def _picked_up(self, time_limit: int) -> None:
        if self.over:
            return
        self.status = "in-progress"
        self.answered_at = self._world.now
        self._callback()
        self._world.later(time_limit, self.end, "completed", "limit")
        self._world.later(WIRE, self._ask, False)
        self._world.later(0.0, self._frame)

    def _callback(self) -> None:
        """Tell the status: late, twice or never, when the world is wild."""
        self._sequence += 1
        world, dice, wild = self._world, self._world.dice, self._world.plan.wild
        event = ev.LegReported(self.status, self._sequence, self._duration)
        if wild and dice.random() < wild * 0.3:
            return
        late = dice.uniform(0.0, 6.0) if wild and dice.random() < wild else 0.0
        world.callback(event, WIRE + late, self.sid)
        if wild and dice.random() < wild * 0.3:
            world.callback(event, WIRE + late + dice.uniform(0.0, 3.0), self.sid)

    def _ask(self, again: bool) -> None:
        """What to do with the leg, asked of whichever process answers."""
        world = self._world
        if self.over or self.parked or self.socket is not None:
            return
        self._asked_at = self._asked_at or world.now
        told: Literal["connect", "hangup", "wait", ""] = world.instructions(again=again)
        if told == "connect":
            self._asked_at = 0.0
            world.later(world.dice.uniform(0.05, 0.4), self._connect)
        elif told == "hangup" or (not told and not world.plan.fallback) or world.now - self._asked_at > PATIENCE:
            self.end("completed", "webhook" if told == "hangup" else "nobody answers")
        elif not told and world.plan.parks:
            self.parked = True
            world.later(PATIENCE, self._park_over)
        else:
            world.later(RETRY, self._ask, again)

    def _park_over(self) -> None:
        if self.parked:
            self.end("completed", "nobody answers")

    def _replace(self) -> None:
        """What the leg does is dropped, be it a stream that has just come."""
        if self.over or self.status != "in-progress":
            return
        self.parked = False
        if self.socket is not None:
            self.close_socket(stop=True)
        self._asked_at = 0.0
        self._world.later(self._world.dice.uniform(0.05, 0.3), self._ask, True)

    def _connect(self) -> None:
        if self.over or self.socket is not None:
            return
        number = self._world.attach()
        if number:
            self.socket = Socket(number, self._world.now)
        else:
            self._world.later(RETRY, self._ask, True)

    def _frame(self) -> None:
        """A stretch of the far end, and what has been played meanwhile."""
        world, company = self._world, self._world.company
        if self.over:
            return
        if company.gone:
            self.end("completed", "company")
            return
        socket = self.socket
        spoke = socket is not None and self._play_until(socket, world.now)
        busy = socket is not None and bool(socket.queue)
        seconds = world.plan.hold_frame if company.held and not busy else world.plan.talk_frame
        code = company.frame(seconds, 0.0 if spoke else world.now - self._agent_at, spoke)
        if socket is not None and socket.open and world.now >= socket.deaf_until:
            at = round(world.now - socket.began, 3)
            world.answer(ev.Heard(socket.number, at, words.far_end(code, int(seconds * words.RATE))), seconds)
        world.later(seconds, self._frame)

    def _play_until(self, socket: Socket, now: float) -> bool:
        """Whether the far end heard a word meanwhile."""
        world, spoke = self._world, False
        while socket.queue and socket.queue[0].until <= now + 1e-6:
            played = socket.queue.popleft()
            if played.mark:
                self._return_mark(socket.number, played.mark)
            elif played.user:
                self._agent_at = played.until
                spoke = True
            elif played.word is not None:
                self.heard.append((played.until, played.word))
                self._agent_at = played.until
                spoke = True
            else:
                world.company.keys()
                self.keys += 1
                self._agent_at = played.until
                spoke = True
        return spoke or bool(socket.queue and socket.queue[0].word)

    def _return_mark(self, number: int, name: str) -> None:
        world, wild = self._world, self._world.plan.wild
        late = world.dice.uniform(0.0, 1.0) if wild and world.dice.random() < wild * 0.3 else 0.0
        world.answer(ev.Marked(number, name), WIRE + late)
        if wild and world.dice.random() < wild * 0.1:
            world.answer(ev.Marked(number, name), WIRE + 2 * late + 0.2)
