"""The company's side of the call: the leg that we dialled, or the one that came back in its place, and its stream.

A small machine of its own, as `SecondLeg` is for our user's telephone. It knows where the leg stands with the carrier
and never waits without a deadline; what its news means for the call, the call decides.
"""

from __future__ import annotations

from outwait.call import acts, notes
from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.absence import Absence
from outwait.call.bill import LineBill
from outwait.call.call_back import CallBack, Stage
from outwait.call.clock import Deadlines, MediaClock
from outwait.call.commands import AnyCommand, Tell
from outwait.call.ending import Result
from outwait.call.events import Trouble
from outwait.call.setup import Setup
from outwait.call.states import LEG, Leg, allowed
from outwait.call.turns import BYTES

_FOR_A_STREAM = ("ring", "ring gone", "stream", "stream gone", "re-attach", "reclaim", "leg again", "detached session")

WAITS = (*_FOR_A_STREAM, "line quiet", "line gone")
"""The names of its deadlines that mean nothing to a call that ends. `dial` and `leg fetch` still do."""

_OVER: dict[Leg, tuple[Result, str]] = {
    Leg.COMPLETED: ("indeterminate", "remote_hangup"),
    Leg.BUSY: ("client_error", "busy"),
    Leg.NO_ANSWER: ("client_error", "no_answer"),
    Leg.CANCELED: ("client_error", "canceled"),
    Leg.FAILED: ("upstream_error", "carrier_failed"),
}


class FirstLeg:
    """From the request to dial to the carrier's word that it is over."""

    def __init__(self, setup: Setup, waits: Deadlines, media: MediaClock, bill: LineBill, call_back: CallBack) -> None:
        self.leg = Leg.QUEUED
        self.carrier_call_id = ""
        self.stream = 0  # number of the open one; 0: none
        self.answered = False
        self._setup = setup
        self._policy = setup.policy
        self._waits = waits
        self._media = media
        self._bill = bill
        self._call_back = call_back
        self._absence = Absence(setup.policy)
        self._sequence = -1  # of the last status callback

    # --- dialling --------------------------------------------------------------------------------

    def dial(self, now: float) -> list[AnyCommand]:
        policy = self._policy
        self._waits.set("dial", now + policy.connect_seconds + policy.close_seconds)
        limit, judge = self._time_limit, policy.carrier_judges
        return [do.Dial(self._setup.to, self._setup.from_, policy.ring_seconds, limit, judge=judge)]

    def dialled(self, carrier_call_id: str, now: float, *, ending: bool) -> list[AnyCommand]:
        self._waits.clear("dial")
        if self.carrier_call_id:
            self._absence.asked(self._waits, now)
            return []
        self.carrier_call_id = carrier_call_id
        if not self.answered and not ending:
            self._waits.set("ring", now + self._policy.ring_seconds + self._policy.ring_grace)
        return [self._status()]

    def refused(self, trouble: Trouble, detail: str) -> list[acts.Step]:
        self._waits.clear("dial")
        self.leg = Leg.FAILED
        result: Result = "client_error" if trouble is Trouble.REFUSED else "upstream_error"
        return [Tell(notes.Status(status=self.leg.value)), acts.End(result, f"carrier_refused: {detail}")]

    # --- what the carrier says of it -------------------------------------------------------------

    def reported(self, event: ev.LegReported, now: float, *, detached: bool, ending: bool) -> list[acts.Step]:
        """`detached`: the call waits for its stream; `ending`: it is being ended already."""
        try:
            status = Leg(event.status)
        except ValueError:
            return []
        if event.sequence is not None and event.sequence <= self._sequence and not status.over:
            return []  # callbacks overtake each other
        self._sequence = max(self._sequence, event.sequence if event.sequence is not None else -1)
        self._waits.clear("leg fetch")
        steps: list[acts.Step] = []
        if status.over and event.duration is not None and self.answered:
            steps += self._bill.settle(event.duration)
        if detached:
            self._absence.reported(status, self._waits, now)
        if not allowed(LEG, self.leg, status):
            return steps
        self.leg = status
        if status is not Leg.INITIATED and not (status.over and self._call_back.outlives("remote_hangup")):
            steps.append(self._status())
        if status is Leg.IN_PROGRESS:
            self._waits.clear("ring", "ring gone")
            if not self.answered and not ending:
                self._waits.set("stream", now + self._policy.stream_wait)
        elif status.over:
            if ending:
                steps.append(Tell(notes.HangUpStep(at=self._media.at, step="callback", detail=status.value)))
            steps.append(acts.End(*_OVER[status]))
        return steps

    def unknown(self, gone: bool, now: float, *, detached: bool, ending: bool) -> list[acts.Step]:
        """The carrier knows of no such leg (`gone`), or could not say."""
        if gone or ending:
            self._waits.clear("leg fetch")
        if not gone:
            if detached:
                self._absence.unknown(self._waits, now)
            return []
        if not self.carrier_call_id:  # after a restart: it was never dialled, or refused
            self.leg = Leg.FAILED
            return [acts.End("server_error", "restart_before_dialling")]
        self.leg = Leg.COMPLETED
        return [acts.End(*_OVER[Leg.COMPLETED])]

    # --- its stream ------------------------------------------------------------------------------

    def may_attach(self, now: float) -> bool:
        """Its stream has not been lost so often that it would go on for ever, and it is not the leg of before, while
        the other side is waited for to call."""
        return self._call_back.stage is not Stage.WAITING and self._absence.may_attach(now)

    def stream_started(self, stream: int, now: float) -> list[AnyCommand]:
        """The newest is the one that counts."""
        commands: list[AnyCommand] = [do.CloseStream(self.stream)] if self.stream else []
        if self.leg in (Leg.QUEUED, Leg.INITIATED, Leg.RINGING):
            self.leg = Leg.IN_PROGRESS
            commands.append(self._status())
        self._waits.clear(*_FOR_A_STREAM)
        self.stream = stream
        self._media.attach(now)
        self._waits.set("line quiet", now + self._policy.line_quiet)
        if self.answered:
            self._absence.attached(now)
            return [*commands, Tell(notes.Attached(at=self._media.at))]
        self.answered = True
        return [*commands, Tell(notes.Answered()), *self._bill.answered()]

    def our_doing(self, now: float) -> bool:
        """A stream that stops now was stopped by our own request."""
        return self._absence.our_doing(now)

    def stream_lost(self, now: float) -> None:
        self.stream = 0
        self._media.detach(now)
        self._waits.clear("line quiet", "line gone", "stop")

    def detach(self, now: float) -> list[AnyCommand]:
        """The stream may come back, unless the leg is over: the carrier knows."""
        self._waits.set("re-attach", now + self._policy.reattach_seconds)
        self._waits.set("detached session", now + self._policy.detached_session_seconds)
        return self.fetch()

    def heard(self, event: ev.Heard, now: float) -> float:
        """Sound of the far end; media s at which it began."""
        self._waits.set("line quiet", now + self._policy.line_quiet)
        self._waits.clear("line gone")
        return self._media.hear(event.at, len(event.ulaw) / BYTES)

    def press(self, keys: str, now: float) -> list[AnyCommand]:
        """By the carrier's own means, for which it may replace the stream."""
        self._absence.pressed(now)
        return [do.PressByCarrier(self.carrier_call_id, keys)]

    # --- another in its place --------------------------------------------------------------------

    def let_go(self, now: float) -> list[AnyCommand]:
        """It has done its part; another will come, from the other side."""
        commands: list[AnyCommand] = []
        if not self.leg.over:  # the carrier may not think so yet
            commands.append(do.HangUp(self.carrier_call_id, cancel=False))
            self.leg = Leg.COMPLETED
        if self.stream:
            commands.append(do.CloseStream(self.stream))
        self.stream = 0
        self._media.detach(now)
        return commands

    def came_back(self, carrier_call_id: str, now: float) -> list[AnyCommand]:
        """Theirs is there, and rings."""
        self.carrier_call_id = carrier_call_id
        self.leg, self._sequence = Leg.RINGING, -1
        self._waits.set("stream", now + self._policy.stream_wait)
        return [self._status()]

    def limit(self, at: float) -> str:
        """The limit that has been reached; "": none. A leg that came from the other side has none with the carrier: it
        has the same one with us. `at`: media s of the call."""
        late = self._call_back.times > 0 and at - self._call_back.line_from > self._time_limit
        return "time_limit" if late else ""

    # --- its end ---------------------------------------------------------------------------------

    def hang_up(self) -> list[AnyCommand]:
        return [do.HangUp(self.carrier_call_id, not self.answered and self.leg is not Leg.IN_PROGRESS)]

    def transfer(self, to: str, most: int) -> list[AnyCommand]:
        """Whatever becomes of us, the carrier ends it: with the call's own limit, or after `most` seconds, when its
        money is spent."""
        limit = max(60, min(self._time_limit, most))
        return [do.Transfer(self.carrier_call_id, to, self._setup.from_, limit)]

    def fetch(self) -> list[AnyCommand]:
        """Ask the carrier."""
        return [do.FetchLeg(self.carrier_call_id)]

    def finish(self) -> None:
        """The call is over: what the carrier has not said is taken for granted."""
        if self.leg.over:
            return
        ended = Leg.COMPLETED if self.answered else Leg.CANCELED
        self.leg = ended if self.carrier_call_id else Leg.FAILED

    # --- time, processes -------------------------------------------------------------------------

    def passed(self, name: str, now: float) -> list[acts.Step]:
        """A deadline has come, perhaps one of ours."""
        match name:
            case "dial":
                return [acts.End("upstream_error", "carrier_silent")]
            case "ring" | "stream":  # the carrier's word may be lost: it is asked once
                self._waits.set(f"{name} gone", now + self._policy.connect_seconds)
                self._waits.set("leg fetch", now + 2 * self._policy.connect_seconds)
                return [*self.fetch()]
            case "ring gone" if "leg fetch" in self._waits:  # nor does it answer now
                return [acts.End("upstream_error", "carrier_silent")]
            case "ring gone":
                return [acts.End("client_error", "no_answer")]
            case "stream gone":
                return [acts.End("upstream_error", "no_media_stream")]
            case "re-attach":
                return [acts.End("upstream_error", "media_stream_lost")]
            case "reclaim" | "leg again":
                wanted = self._absence.passed(name, self._waits, now)
                return [*self.fetch()] if wanted == "fetch" else [do.ReclaimLeg(self.carrier_call_id)]
            case "line quiet":
                self._waits.set("line gone", now + self._policy.line_gone)
                return [*self.fetch()]
            case "line gone":
                return [acts.End("upstream_error", "line_silent")]
        return []

    def restarted(self, now: float) -> None:
        """A new process: its socket is gone."""
        self.stream = 0
        self._media.detach(now)

    def look_again(self, now: float, *, detached: bool) -> list[AnyCommand]:
        """After a restart the carrier knows whether it was dialled, and whether it is still up."""
        if not self.carrier_call_id:
            self._waits.set("dial", now + self._policy.connect_seconds + self._policy.close_seconds)
        elif detached:
            self._waits.set("re-attach", now + self._policy.reattach_seconds)
        return self.fetch()

    @property
    def _time_limit(self) -> int:
        return int(self._policy.max_hold_seconds) + self._policy.time_limit_margin

    def _status(self) -> Tell:
        return Tell(notes.Status(status=self.leg.value, carrier_call_id=self.carrier_call_id))
