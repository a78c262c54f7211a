"""One process that has the call: receives, writes down, performs, as the runner does, and dies when the plan says."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from outwait import call_log
from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.commands import AnyCommand
from outwait.call.events import AnyEvent
from outwait.call.hold import Scored
from outwait.call.laws import LawBroken, Laws
from outwait.call.machine import Call
from outwait.sim.chaos import words

if TYPE_CHECKING:
    from outwait.sim.chaos.world import World

SOUND = (ev.Heard, ev.EarScored, ev.Marked)  # not counted when an event is to be hit
STORE_RETRY = 2.0  # s


class Line(msgspec.Struct):
    """One entry of the log."""

    now: float
    event: bytes
    commands: bytes


class Process:
    """One process' half of the call."""

    def __init__(self, world: World, call: Call) -> None:
        self.world = world
        self.call = call
        self.alive = True
        self.streams = 0  # counted from 1 in every process
        self.living_streams: set[int] = set()
        self._inbox: deque[AnyEvent] = deque()
        self._busy = False
        self._keeps_log = world.plan.keeps_log
        self._quiet = call_log.Quiet()
        self._unwritten: list[Line] = []
        self._write_after = 0.0
        self.twin: Call | None = None
        self._same_moment = 0

    def post(self, event: AnyEvent) -> None:
        """Something has happened."""
        self._inbox.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._inbox and self.alive:
                self._receive(self._inbox.popleft())
        finally:
            self._busy = False

    def tick(self, deadline_at: float) -> None:
        """The call's deadline has come."""
        self._same_moment = self._same_moment + 1 if deadline_at <= self.world.now - 1e-9 or self._same_moment else 0
        if self._same_moment > 200:
            raise LawBroken(f"a deadline that has come goes away: {self.call.deadline()}")
        self.post(ev.TimePassed())
        following = self.call.deadline()
        if following is None or following.at > self.world.now:
            self._same_moment = 0

    @property
    def unwritten(self) -> bool:
        """There are events that the log does not have."""
        return bool(self._unwritten)

    def leave(self) -> None:
        """The call is over, or let go: what is not written is written."""
        self._pack()
        self._flush(force=True)
        self.alive = False

    # --- one event -------------------------------------------------------------------------------

    def _receive(self, event: AnyEvent) -> None:
        world = self.world
        kill = ""
        if not isinstance(event, SOUND):
            world.count += 1
            kill = world.kill_now()
        if kill == "before the log":
            world.process_dies(self, event)
            return
        now = world.now
        if isinstance(event, ev.StreamLost):
            self.living_streams.discard(event.stream)
        if isinstance(event, ev.SessionClosed):
            world.model.sessions.pop(event.session, None)
        commands = self.call.receive(event, now)
        if world.trace is not None:
            world.trace.append((now, event, commands))
        if not self._keeps_log:
            pass
        elif commands and call_log.visible(commands):
            self._pack()
            packed = call_log.pack_commands(commands)
            self._unwritten.append(Line(now, call_log.pack_event(event), packed))
            self._flush()
        else:
            self._quiet.add(now, event)
            if self._quiet.due(now):
                self._pack()
                self._flush()
        world.laws.observe(event, commands, now)
        for command in commands:
            if isinstance(command, do.Tell | do.Finish):
                world.told(command)
        if self.twin is not None:
            self._compare(event, commands, now)
        if kill == "before its effect":
            world.process_dies(self, event)
            return
        for command in commands:
            self._perform(command)
        if kill:
            world.process_dies(self, event)
        elif world.plan.twin_at and world.count >= world.plan.twin_at and self.twin is None:
            self._bear_twin()

    def _pack(self) -> None:
        packed = self._quiet.take()
        if packed is not None:
            self._unwritten.append(Line(self.world.now, packed, b"[]"))

    def _flush(self, *, force: bool = False) -> None:
        world = self.world
        if not force and (world.now < self._write_after or not self._unwritten):
            return
        if world.now < world.store_down_until and not force:
            if not self._write_after:
                self._inbox.append(ev.LogFailed("locked"))
            self._write_after = world.now + STORE_RETRY
            return
        self._write_after = 0.0
        world.log += self._unwritten
        self._unwritten = []

    # --- the same call, rebuilt ------------------------------------------------------------------

    def _bear_twin(self) -> None:
        self._pack()
        self.twin = rebuild(self.world, [*self.world.log, *self._unwritten])

    def _compare(self, event: AnyEvent, commands: Sequence[AnyCommand], now: float) -> None:
        assert self.twin is not None
        twins = self.twin.receive(event, now)
        if _plain(twins) != _plain(commands):
            raise LawBroken(
                f"a rebuilt call does the same: on {event!r:.200} it does {_plain(twins)!r:.600} "
                f"and not {_plain(commands)!r:.600}"
            )

    # --- commands --------------------------------------------------------------------------------

    def _perform(self, command: AnyCommand) -> None:
        world = self.world
        match command:
            case do.Tell() | do.Finish():
                pass
            case do.Listen(at=at, ulaw=ulaw):
                kind = world.company.kinds.get(ulaw[0], words.Kind.SILENCE)
                seconds = len(ulaw) / words.RATE
                scores = words.SCORES[kind]
                self._inbox.append(ev.EarScored(_scored(round(at + seconds, 3), seconds, scores)))
            case do.PlayAudio() | do.PlayMark() | do.ClearAudio() | do.CloseStream():
                self._to_stream(command)
            case do.Dial(leg=leg) if leg > 1:
                world.user.dial(command)
            case do.Dial():
                world.carrier.dial(command)
            case do.FetchLeg(leg=leg) if leg > 1:
                world.user.legs[leg].fetch()
            case do.FetchLeg(carrier_call_id=carrier_call_id):
                world.carrier.fetch(carrier_call_id)
            case do.ReclaimLeg():
                world.carrier.reclaim()
            case do.HangUp(leg=leg) if leg > 1:
                world.user.legs[leg].hang_up()
            case do.HangUp(carrier_call_id=carrier_call_id):
                world.judge.hangs_up()
                world.carrier.hang_up(carrier_call_id)
            case do.OpenSession():
                world.model.open(command)
            case do.RunTool():
                world.run_tool(command)
            case _:
                self._to_session(command)

    def _to_stream(self, command: do.PlayAudio | do.PlayMark | do.ClearAudio | do.CloseStream) -> None:
        """Of either leg."""
        user, carrier, stream = self.world.user.of_stream(command.stream), self.world.carrier, command.stream
        match command:
            case do.PlayAudio(ulaw=ulaw):
                user.play(ulaw) if user is not None else carrier.play(stream, ulaw)
            case do.PlayMark(name=name):
                user.mark(name) if user is not None else carrier.mark(stream, name)
            case do.ClearAudio():
                user.clear() if user is not None else carrier.clear(stream)
            case do.CloseStream() if stream in self.living_streams:
                user.close() if user is not None else carrier.close(stream)

    def _to_session(self, command: AnyCommand) -> None:
        session = self.world.model.sessions.get(getattr(command, "session", 0))
        if session is None:
            return
        match command:
            case do.SendAudio(ulaw=ulaw):
                session.hear(ulaw)
            case do.CommitTurn():
                session.commit()
            case do.AskResponse(instructions=instructions, tools=tools):
                session.ask(instructions, tools)
            case do.CancelResponse():
                session.cancel()
            case do.MakePhrase(phrase=phrase):
                session.phrase(phrase)
            case do.AnswerTool(call_id=call_id):
                self.world.judge.tool_answered(call_id)
            case do.CloseSession():
                session.close()
            case _:
                pass


def rebuild(world: World, lines: Sequence[Line], laws: Laws | None = None) -> Call:
    """The call as its log tells it. Raises LawBroken where it does something else than it did."""
    call = Call(world.setup)
    for line in lines:
        today: list[AnyCommand] = []
        for at, event in call_log.unpack_event(line.event):
            now = line.now if at is None else at
            commands = call.receive(event, now)
            if laws is not None:
                laws.observe(event, commands, now)
            today += commands
        if call_log.pack_commands(today) != line.commands:
            then = call_log.unpack_commands(line.commands)
            raise LawBroken(f"a rebuilt call does the same: {line.event!r:.300}: {today!r:.600} and not {then!r:.600}")
    return call


def _plain(commands: Sequence[AnyCommand]) -> list[object]:
    """Sound by its length, as the log keeps it."""
    return [
        (type(command).__name__, len(command.ulaw))
        if isinstance(command, do.PlayAudio | do.SendAudio | do.Listen)
        else command
        for command in commands
    ]


def _scored(at: float, seconds: float, scores: dict[str, float]) -> Scored:
    return Scored(
        at=at,
        seconds=seconds,
        speech=scores.get("speech", 0.0),
        music=scores.get("music", 0.0),
        singing=0.0,
        tone=scores.get("tone", 0.0),
        noise=0.0,
        level=scores.get("level", -25.0),
        repeated=scores.get("repeated", 0.0),
        live=scores.get("live", 0.5),
    )
