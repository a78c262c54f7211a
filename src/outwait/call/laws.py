"""The laws that every trace of a call obeys, whatever happens. Tests assert them; in production they are counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call import notes
from outwait.call.commands import AnyCommand, Tell
from outwait.call.events import AnyEvent
from outwait.call.parking import Parking
from outwait.call.policy import Policy

_HARMLESS = frozenset({ev.Heard, ev.EarScored, ev.Marked, ev.AgentSpoke, ev.AgentWrote})
"""Events that come many times a second; without a command they can break nothing."""


class LawBroken(AssertionError):
    """A trace did what no trace may do."""


class Laws:
    """Watches one call. Give it every event with its commands; it raises LawBroken."""

    def __init__(self, policy: Policy, *, by_time: bool = False) -> None:
        """`by_time`: every engine of the call bills by the second of an open session."""
        self._policy = policy
        self._drained = Parking.of(policy, by_time=by_time).drain + 2 * policy.close_seconds
        self._opened: set[int] = set()
        self._living: int | None = None
        self._ready = False
        self._ran: set[str] = set()  # tools
        self._dials = 0
        self._second = _SecondLegs(self._require)
        self._hung_up = False
        self._taken = False
        self._finished = False
        self._holding_since: float | None = None
        self._dearest = 0
        self._before = 0

    def observe(self, event: AnyEvent, commands: Sequence[AnyCommand], now: float) -> None:
        """One step of a trace; `now` as given to `receive`."""
        if not commands and type(event) in _HARMLESS:
            return
        if isinstance(event, ev.SessionOpened) and event.session == self._living:
            self._ready = True
        if isinstance(event, ev.SessionClosed) and event.session == self._living:
            self._living = None
            self._ready = False
        self._second.happened(event)
        if isinstance(event, ev.HungUp) and event.leg == 1 and self._hung_up:
            self._taken = True
        if isinstance(event, ev.CalledBack):  # another leg: none of it has been hung up
            self._hung_up = self._taken = False
        if isinstance(event, ev.Restarted):
            self._living, self._ready, self._hung_up = None, False, False
        for command in commands:
            if type(command) is do.Listen and not self._finished:
                continue
            self._require(not self._finished, "Finish is the last command", command)
            if not (isinstance(event, ev.LegReported) and _is_bill(command)):  # the carrier's word is beyond our cap
                self._check(command, now)
        if self._holding_since is not None and self._living is not None:
            late = now - self._holding_since > self._drained + 1.0 and isinstance(event, ev.TimePassed)
            closing = any(isinstance(command, do.CloseSession) for command in commands)  # a process that was late
            self._require(not late or closing, "past the close deadline no session is open on hold", event)

    def _check(self, command: AnyCommand, now: float) -> None:
        if self._second.check(command):
            return
        match command:
            case do.OpenSession(session=session):
                self._require(session not in self._opened, "a session is opened once", command)
                self._require(self._living is None, "never two sessions at a time", command)
                self._require(self._holding_since is None, "no session is opened on hold", command)
                self._opened.add(session)
                self._living, self._ready = session, False
            case do.CloseSession(session=session):
                self._require(session == self._living, "only a living session is closed", command)
                self._ready = False
            case do.SendAudio(session=session):
                self._require(
                    session == self._living and self._ready, "no audio to a session that is not open", command
                )
                self._require(self._holding_since is None, "on hold no audio reaches a model", command)
            case do.AskResponse(session=session):
                self._require(session == self._living and self._ready, "only an open session is asked", command)
                self._require(self._holding_since is None, "on hold no response is asked for", command)
            case do.RunTool(key=key, idempotent=idempotent):
                self._require(idempotent or key not in self._ran, "a tool is run once", command)
                self._ran.add(key)
            case do.PlayAudio():
                self._require(not self._hung_up, "nothing is played after hanging up", command)
            case do.Dial():
                self._dials += 1
                self._require(self._dials == 1, "a call is dialled once", command)
            case do.HangUp():
                self._require(not self._taken, "a leg is not hung up again once it is", command)
                self._hung_up = True
            case do.Finish():
                self._require(self._living is None, "no session outlives its call", command)
                self._finished = True
            case Tell(note=notes.SessionNote(session=session, state="closed")) if session == self._living:
                self._living, self._ready = None, False  # an adapter that never says so is not waited for
            case Tell(note=notes.Phase(phase=phase)):
                self._holding_since = now if phase == "holding" else None
            case Tell(note=notes.Spent(what=what, micro_usd=micro, total_micro_usd=total)):
                if what in _OF_THE_MODEL:
                    self._dearest = max(self._dearest, micro)
                cap = self._policy.max_cost_micro_usd
                if cap is not None and what not in _OF_THE_MODEL:
                    self._require(
                        total <= cap + self._dearest * 2, "spend stays under the cap and one response", command
                    )
            case _:
                pass

    @staticmethod
    def _require(kept: bool, law: str, what: object) -> None:
        if not kept:
            raise LawBroken(f"{law}: {what!r:.300}")


_OF_THE_MODEL = ("response", "phrase", "transcription", "session", "backend")
"""Lines of the bill that come when they come: what was asked for before the cap was reached is paid."""


class _SecondLegs:
    """Our user's own telephones: one at a time, each dialled once and always ended, and no sound to one gone."""

    def __init__(self, require: Callable[[bool, str, object], None]) -> None:
        self._require = require
        self._dialled: set[int] = set()
        self._living: int | None = None
        self._streams: dict[int, bool] = {}  # those of second legs: whether they are open

    def happened(self, event: AnyEvent) -> None:
        match event:
            case ev.StreamStarted(stream=stream, leg=leg) if leg > 1:
                self._streams[stream] = True
            case ev.StreamStarted(stream=stream):
                self._streams.pop(stream, None)  # a new process counts its streams anew
            case ev.StreamLost(stream=stream) if stream in self._streams:
                self._streams[stream] = False
            case ev.Restarted():
                self._streams = dict.fromkeys(self._streams, False)
            case _:
                pass

    def check(self, command: AnyCommand) -> bool:
        """Whether this command was about them alone."""
        match command:
            case do.Dial(leg=leg) if leg > 1:
                self._require(leg not in self._dialled, "a second leg is dialled once", command)
                self._require(self._living is None, "never two second legs at a time", command)
                self._dialled.add(leg)
                self._living = leg
            case do.HangUp(leg=leg) if leg > 1:
                self._require(leg in self._dialled, "only a second leg that was dialled is hung up", command)
            case do.PlayAudio(stream=stream) if stream in self._streams:
                self._require(self._streams[stream], "no sound to a second leg that is gone", command)
            case do.CloseStream(stream=stream) if stream in self._streams:
                self._streams[stream] = False
            case Tell(note=notes.SecondLeg(leg=leg, state="ended")):
                self._living = None if leg == self._living else self._living
            case do.Finish():
                self._require(self._living is None, "no second leg outlives its call", command)
                return False
            case _:
                return False
        return True


def _is_bill(command: AnyCommand) -> bool:
    return isinstance(command, Tell) and isinstance(command.note, notes.Spent)
