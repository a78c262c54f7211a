"""The world of one call: a clock that jumps from event to event, and everybody in it."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call import notes
from outwait.call.commands import AnyCommand
from outwait.call.events import AnyEvent, Trouble
from outwait.call.laws import LawBroken, Laws
from outwait.call.machine import Call
from outwait.call.setup import Setup
from outwait.call.states import Phase
from outwait.call.tools import ToolSpec
from outwait.sim.chaos import plan as plans
from outwait.sim.chaos import words
from outwait.sim.chaos.caller import Caller
from outwait.sim.chaos.carrier import Carrier
from outwait.sim.chaos.company import Company
from outwait.sim.chaos.judge import Judge
from outwait.sim.chaos.model import Model
from outwait.sim.chaos.process import Line, Process, rebuild
from outwait.sim.chaos.user import User
from outwait.testing import PRICES

START = 1000.0  # s
HORIZON = 7200.0  # s after which no call of this world may still be there
AFTERWARDS = 200.0  # s that the leg is watched after the call's end


@dataclass
class Played:
    """What came of one call.

    broken
        the law that it broke, in words; "" when it broke none
    dialogue
        the end of its trace, if one was kept
    """

    seed: int
    broken: str = ""
    result: str = ""
    cause: str = ""
    seconds: float = 0.0  # from begin to end, virtual
    events: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    dialogue: list[str] = field(default_factory=list)


def play(seed: int, *, keep: bool = False) -> Played:
    """One call. `keep`: the dialogue."""
    world = World(seed, keep=keep)
    played = Played(seed)
    try:
        world.run()
        world.judge.verdict()
    except LawBroken as broken:
        played.broken = str(broken)
    except Exception as error:  # noqa: BLE001  whatever the core raises is a broken law: it must never raise
        played.broken = f"the core never raises: {type(error).__name__}: {error}"
    played.result, played.cause = world.result, world.cause
    played.seconds, played.events = world.now - START, world.received
    played.faults = world.faults
    if world.trace is not None:
        played.dialogue = dialogue(world.trace)
    return played


TOOLS = (
    ToolSpec(name="look_up", description="x", parameters={"type": "object"}, timeout=6.0, idempotent=True),
    ToolSpec(name="book", description="x", parameters={"type": "object"}, timeout=6.0),
)
"""Of the agent's own."""


class World:
    """Everybody in one call's life."""

    def __init__(self, seed: int, *, keep: bool = False) -> None:
        self.dice = Random(seed)
        self.tool_dice = Random(~seed)  # of their own, so that what is done with tools moves nothing else
        self.now = START
        self.company = Company(self.dice)
        self.user = User(self, Random(seed ^ 0x5EED))
        self.caller = Caller(self, Random(seed ^ 0xCA11))
        self.plan = plans.draw(self.dice, self.company.expected)
        self.setup = Setup(
            id=f"call_{seed}",
            to="+12025550143",
            from_="+12025550199",
            task="Ask when order 4711 ships.",
            carrier="chaos",
            engine="openai",
            model="chaos",
            policy=self.plan.policy,
            prices=PRICES,
            phrases=self.plan.phrases,
            tools=TOOLS,
            human=self.user.human,
            call_back_minutes=self.caller.minutes,
        )
        self.laws = Laws(self.plan.policy)
        self.log: list[Line] = []
        self.store_down_until = 0.0
        self.forgotten = False  # a process died while the store was down: what it had done is not in the log
        self.trace: list[tuple[float, AnyEvent | str, list[AnyCommand]]] | None = [] if keep else None
        self.count = 0  # events but sound, for the plan's kills
        self.received = 0
        self.faults: Counter[str] = Counter()
        self.result = self.cause = ""
        self.finished_at = 0.0
        self.process: Process | None = None
        self.down = 0.0  # s without a process, in all
        self.model = Model(self)
        self.carrier = Carrier(self)
        self.judge = Judge(self)
        self._kills = sorted(self.plan.kills, key=lambda kill: kill.at)
        self._queue: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0
        self._armed: list[plans.Fault] = []  # waiting for their moment

    def run_tool(self, command: do.RunTool) -> None:
        """It comes back, fails, takes too long, or is never heard of."""
        self.judge.tool_runs(command)
        chance, key = self.tool_dice.random(), command.key
        if chance < 0.8:
            self.answer(ev.ToolAnswered(key, '{"ok":true}'), self.tool_dice.uniform(0.01, command.timeout))
        elif chance < 0.9:
            self.answer(ev.ToolFailed(key, "error", "out of order"), self.tool_dice.uniform(0.01, 2.0))
        elif chance < 0.95:
            self.answer(ev.ToolFailed(key, "timeout", ""), command.timeout)

    # --- time ------------------------------------------------------------------------------------

    def later(self, seconds: float, what: Callable[..., None], *arguments: Any) -> None:
        """Do this in `seconds`."""
        self._number += 1
        heapq.heappush(self._queue, (self.now + seconds, self._number, what, arguments))

    def run(self) -> None:
        """Until the call and its leg are over."""
        for fault in self.plan.faults:
            self.later(fault.after, self._arm, fault)
        self._start(Call(self.setup), ev.Begun())
        while not self._all_over():
            process = self.process
            deadline = process.call.deadline() if process is not None else None
            at = self._queue[0][0] if self._queue else HORIZON + START
            if deadline is not None and process is not None and deadline.at <= max(at, self.now):
                self.now = max(self.now, deadline.at)
                process.tick(deadline.at)
            elif self._queue:
                at, _, what, arguments = heapq.heappop(self._queue)
                self.now = max(self.now, at)
                what(*arguments)
            else:
                raise LawBroken(f"every wait has a deadline: nothing will ever happen, phase {self._phase()}")
            if self.now > START + HORIZON:
                raise LawBroken(f"every call ends: still {self._phase()} after {HORIZON:.0f} s")
            self._settle()
            if self._armed:
                self._strike_in_time()

    def _all_over(self) -> bool:
        if not self.finished_at:
            return False
        legs_over = self.carrier.over and self.user.over
        return legs_over or self.now > self.finished_at + AFTERWARDS

    def _phase(self) -> str:
        return self.process.call.phase.value if self.process is not None else "nowhere"

    def _settle(self) -> None:
        """A process leaves when its call is over, or has been let go."""
        process = self.process
        if process is None or not process.call.over:
            return
        process.leave()
        self.process = None
        if process.call.phase is not Phase.ENDED:
            self._process_gone()
            self._down_for(self.dice.choice((0.05, 0.5, 3.0)))

    # --- processes -------------------------------------------------------------------------------

    def answer(self, event: AnyEvent, seconds: float) -> None:
        """Something happens to the process that is there now; the next one does not learn of it."""
        if self.process is not None:
            self.later(seconds, self._deliver, self.process, event)

    def callback(self, event: AnyEvent, seconds: float, sid: str = "") -> None:
        """Something is told to whichever process will be there then. `sid`: of the company's leg that it is about."""
        self.later(seconds, self._call_back, event, sid)

    def instructions(self, *, again: bool, leg: int = 1) -> Literal["connect", "hangup", "wait", ""]:
        """The carrier asks what to do with a leg. Empty: nobody is there."""
        if self.finished_at:
            return "hangup"
        if self.process is None:
            return ""
        if self.process.call.released:
            return "wait"
        sid = self.carrier.sid if leg == 1 else f"CA{leg}"
        if (leg == 1 and not self._knows(self.process, sid)) or not self.process.call.answers_redirect(self.now, leg):
            return "hangup"
        process = self.process
        self._deliver(process, ev.Dialled(sid, leg))
        if not again:
            self._deliver(process, ev.LegReported("in-progress", leg=leg))
        return "connect"

    def attach(self, leg: int = 1) -> int:
        """A media socket has shown its token; its number, 0 when nobody takes it."""
        process = self.process
        sid = self.carrier.sid if leg == 1 else f"CA{leg}"
        if process is None or self.finished_at or (leg == 1 and not self._knows(process, sid)):
            return 0
        process.streams += 1
        process.living_streams.add(process.streams)
        number = process.streams
        self._deliver(process, ev.Dialled(sid, leg))
        self.later(0.0, self._deliver, process, ev.StreamStarted(number, leg))
        return number

    def kill_now(self) -> str:
        """At which stage of this event the process dies; empty: it lives."""
        if not self._kills or self.count < self._kills[0].at:
            return ""
        return self._kills[0].stage

    def process_dies(self, process: Process, event: AnyEvent) -> None:
        """`kill -9`. The log stays."""
        kill = self._kills.pop(0)
        self.faults[f"killed {kill.stage}"] += 1
        self._note(f"killed {kill.stage} at {type(event).__name__}, back in {kill.down:g} s")
        process.alive = False
        self.process = None
        self.forgotten = self.forgotten or process.unwritten
        self.judge.disturbed()
        self._process_gone()
        if not self.finished_at:
            self._down_for(kill.down)

    def _process_gone(self) -> None:
        self.model.process_gone()
        self.carrier.process_gone()
        self.user.process_gone()

    def _down_for(self, seconds: float) -> None:
        self.down += seconds
        self.later(seconds, self._take_up)

    def _take_up(self) -> None:
        """The next process rebuilds the call from its log."""
        laws = Laws(self.plan.policy)
        call = rebuild(self, self.log, laws)
        self.laws = laws
        if call.phase is Phase.ENDED:
            self.finished_at = self.finished_at or self.now
            return
        self._start(call, ev.Begun() if call.phase is Phase.QUEUED else ev.Restarted())

    def _start(self, call: Call, first: AnyEvent) -> None:
        process = self.process = Process(self, call)
        for name in self.plan.phrases:
            if self.dice.random() < 0.5:
                self._deliver(process, ev.PhraseReady(name, b"\xff" * 6400))
        self._deliver(process, first)

    def _deliver(self, process: Process, event: AnyEvent) -> None:
        if process.alive:
            self.received += 1
            process.post(event)

    def _call_back(self, event: AnyEvent, sid: str) -> None:
        if self.process is not None and self._knows(self.process, sid):
            self._deliver(self.process, event)

    @staticmethod
    def _knows(process: Process, sid: str) -> bool:
        """The call has no other leg of the company than this one, as far as it knows."""
        known = process.call.carrier_id(1)
        return not (sid and known and sid != known)

    # --- what the call tells ---------------------------------------------------------------------

    def told(self, command: AnyCommand) -> None:
        """A note, or the end, once it is in the log."""
        if isinstance(command, do.Finish):
            self.result, self.cause = command.result, command.cause
            self.finished_at = self.now
        elif isinstance(command, do.Tell):
            self.judge.note(command.note)
            if isinstance(command.note, notes.CallBack):
                self.caller.told(command.note)
            if isinstance(command.note, notes.Ended):
                self.judge.ended(command.note)

    def calls_back(self, sid: str) -> bool:
        """The company calls our number; whether somebody waits for that."""
        if self.process is None or self.process.call.released or self.finished_at:
            return False
        self._deliver(self.process, ev.CalledBack(sid))
        return True

    # --- faults ----------------------------------------------------------------------------------

    def _arm(self, fault: plans.Fault) -> None:
        self._armed.append(fault)
        self._strike_in_time()

    def _strike_in_time(self) -> None:
        """Faults strike when the call does what they are aimed at."""
        for fault in [fault for fault in self._armed if self._doing(fault.aim)]:
            self._armed.remove(fault)
            self._strike(fault.kind)

    def _doing(self, aim: str) -> bool:
        session, socket = self.model.session, self.carrier.socket
        match aim:
            case "speaking":
                return socket is not None and bool(socket.queue)
            case "answering":
                return session is not None and session.answering
            case "opening":
                return session is not None and not session.opened
            case "":
                return True
            case _:
                return self._phase() == aim

    def _strike(self, kind: str) -> None:
        if self.process is None or self.finished_at:
            return
        dice = self.dice
        session = self.model.session
        self.faults[kind] += 1
        self._note(kind)
        self.judge.disturbed()
        match kind:
            case "session lost":
                if session is not None:
                    session.end(Trouble.LOST, dice.choice((1000, 1001, 1006, 1011)))
            case "session expired":
                if session is not None:
                    session.end(Trouble.EXPIRED, 1001)
            case "session mute":
                if session is not None:
                    session.mute()
            case "media lost":
                self.carrier.lose_media(stop=False)
            case "media stopped":
                self.carrier.lose_media(stop=True)
            case "media deaf":
                if self.carrier.socket is not None:
                    self.carrier.socket.deaf_until = self.now + dice.choice((3.0, 8.0, 80.0))
            case "remote hang-up":
                self.carrier.end("completed", "company")
            case "user hang-up" | "user hang-up twice":
                self.process.post(ev.HangUpAsked())
                if kind.endswith("twice") and self.process is not None:
                    self.process.post(ev.HangUpAsked())
            case "slow":
                self.now += dice.choice((0.5, 2.0, 6.0))
            case "release":
                self.process.post(ev.Released())
            case "store down":
                self.store_down_until = self.now + dice.choice((1.0, 5.0, 30.0))
            case "carrier down":
                self.carrier.down_until = self.now + dice.choice((1.0, 5.0, 30.0))
            case _:
                self.model.troubles.append(kind.removeprefix("next session "))

    def _note(self, text: str) -> None:
        if self.trace is not None:
            self.trace.append((self.now, text, []))


def dialogue(trace: list[tuple[float, AnyEvent | str, list[AnyCommand]]]) -> list[str]:
    """A trace as a playbook prints it, without sound."""
    lines: list[str] = []
    for now, event, commands in trace:
        seen = [command for command in commands if not isinstance(command, do.SendAudio | do.Listen)]
        if isinstance(event, str):
            lines.append(f"{now - START:9.2f} !! {event}")
        elif seen or not isinstance(event, ev.Heard | ev.EarScored):
            spoken = f" of {len(event.ulaw) / words.RATE:g} s" if isinstance(event, ev.AgentSpoke | ev.Heard) else ""
            lines.append(f"{now - START:9.2f} >> {event!r:.{60 if spoken else 170}}{spoken}")
        lines += [f"          << {_shown(command)}" for command in seen]
    return lines


def _shown(command: AnyCommand) -> str:
    if isinstance(command, do.PlayAudio):
        spoken = "{}.{}".format(*words.read_word(command.ulaw)) if len(command.ulaw) == words.WORD else "sound"
        return f"PlayAudio(stream={command.stream}, {spoken})"
    return f"{command!r:.170}"
