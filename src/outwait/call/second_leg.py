"""Our user's own telephone: a further leg of the call, dialled at most once and always ended.

A small machine of its own. What it says to whom is none of its business (`HandOver` joins the two legs); it knows
where its leg stands, and never waits without a deadline. A call may have several, one after the other: they have
numbers from 2 on.
"""

from __future__ import annotations

from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call import notes
from outwait.call.clock import Deadlines, MediaClock
from outwait.call.commands import AnyCommand, Tell
from outwait.call.policy import Policy
from outwait.call.states import LEG, Leg, allowed

WAITS = tuple(f"second {what}" for what in ("dial", "ring", "stream", "re-attach", "fetch", "hang-up", "hang-up again"))
"""The names of its deadlines."""


class SecondLeg:
    """One of them, from the request to dial to the carrier's word that it is over, or to our last try to end it."""

    def __init__(self, number: int, to: str, from_: str, why: str, policy: Policy, waits: Deadlines) -> None:
        self.number = number
        self.to = to
        self.carrier_call_id = ""
        self.leg = Leg.QUEUED
        self.stream = 0  # number of the open one; 0: none
        self.clock = MediaClock()  # its own media time, from its answer
        self.over = False
        self.ending = ""  # why it ends; "": it does not
        self._from = from_
        self._why = why
        self._policy = policy
        self._waits = waits
        self._hangups = 0  # asked
        self._asked = False  # and no answer yet
        self._closing = False  # its socket

    @property
    def answered(self) -> bool:
        """Somebody took it, and it has a stream, or had one."""
        return self.clock.started

    def dial(self, at: float, now: float) -> list[AnyCommand]:
        """`at`: media s of the call."""
        policy = self._policy
        self._waits.set("second dial", now + policy.connect_seconds + policy.close_seconds)
        dial = do.Dial(self.to, self._from, policy.second_ring_seconds, policy.second_limit, self.number)
        return [self._note("dialing", at, self._why), dial]

    def dialled(self, carrier_call_id: str, at: float, now: float) -> list[AnyCommand]:
        self._waits.clear("second dial")
        if self.carrier_call_id or self.over:
            return []
        self.carrier_call_id = carrier_call_id
        if not (self.answered or self.ending):
            self._waits.set("second ring", now + self._policy.second_ring_seconds + self._policy.connect_seconds)
        return [self._note("ringing", at)]

    def refused(self, detail: str, at: float) -> list[AnyCommand]:
        self.leg = Leg.FAILED
        return self.end(f"refused: {detail}", at)

    def reported(self, event: ev.LegReported, at: float, now: float) -> list[AnyCommand]:
        try:
            status = Leg(event.status)
        except ValueError:
            return []
        self._waits.clear("second fetch")
        if not allowed(LEG, self.leg, status):
            return []
        self.leg = status
        if status is Leg.IN_PROGRESS and not self.answered and not self.ending:
            self._waits.clear("second ring")
            self._waits.set("second stream", now + self._policy.stream_wait)
        if status.over:
            return self.end(_OVER.get(status, "they hung up"), at)
        return []

    def unknown(self, gone: bool, at: float) -> list[AnyCommand]:
        self._waits.clear("second fetch")
        if not gone:
            return []
        self.leg = Leg.COMPLETED if self.answered else Leg.FAILED
        return self.end("they hung up" if self.answered else "it was never dialled", at)

    def stream_started(self, stream: int, at: float, now: float) -> list[AnyCommand]:
        """`answered` is told by the first one only."""
        if self.ending or self.over:
            return [do.CloseStream(stream)]
        commands: list[AnyCommand] = [do.CloseStream(self.stream)] if self.stream else []
        self._waits.clear("second dial", "second ring", "second stream", "second re-attach", "second fetch")
        if not self.answered:
            self.leg = Leg.IN_PROGRESS
            commands.append(self._note("answered", at))
        self.stream = stream
        self.clock.attach(now)
        return commands

    def stream_lost(self, now: float) -> list[AnyCommand]:
        """It may come back, unless the leg is over: the carrier knows."""
        self.stream = 0
        self.clock.detach(now)
        if self.ending:
            return []
        self._waits.set("second re-attach", now + self._policy.reattach_seconds)
        return self._fetch()

    def restarted(self, now: float) -> list[AnyCommand]:
        """A new process: its socket is gone, and what was asked may not have been heard."""
        if self.over:
            return []
        self.stream, self._asked, self._closing = 0, False, False
        self.clock.detach(now)
        if not self.carrier_call_id:  # the carrier knows whether it was dialled
            self._waits.set("second dial", now + self._policy.connect_seconds + self._policy.close_seconds)
            return self._fetch()
        if self.ending:
            return []
        wait = self._policy.reattach_seconds if self.answered else self._policy.second_ring_seconds
        self._waits.set("second re-attach", now + wait)
        return self._fetch()

    def end(self, why: str, at: float) -> list[AnyCommand]:
        """Bring it to its end. Whoever ends it first gives the reason."""
        if not self.ending:
            self.ending = why
            self._waits.clear(*WAITS[1:5])
        return []

    def hung_up(self) -> None:
        self._asked = False
        self.leg = Leg.COMPLETED if self.answered else Leg.CANCELED
        self._waits.clear("second hang-up", "second hang-up again")

    def hang_up_failed(self, now: float) -> None:
        """Again, a few times; then our socket closes, and its next request for instructions is told to hang up."""
        if not self._asked:
            return
        self._asked = False
        self._waits.clear("second hang-up")
        if self._hangups > len(self._policy.hangup_delays):
            self.leg = Leg.FAILED
        else:
            self._waits.set("second hang-up again", now + self._policy.hangup_delays[self._hangups - 1])

    def passed(self, name: str, at: float, now: float) -> list[AnyCommand]:
        """One of its deadlines has come."""
        match name:
            case "second dial":
                self.leg = self.leg if self.carrier_call_id else Leg.FAILED
                return self.end("the carrier is silent", at)
            case "second ring":
                return self.end("nobody answered", at)
            case "second stream":
                return self.end("no media stream", at)
            case "second re-attach":
                return self.end("its stream was lost", at)
            case "second hang-up":
                self.hang_up_failed(now)
        return []

    def settle(self, at: float, now: float) -> list[AnyCommand]:
        """Level-triggered: whatever has happened, bring its end on."""
        if not self.ending or self.over:
            return []
        commands: list[AnyCommand] = []
        dialling = "second dial" in self._waits
        if not self.leg.over and self.carrier_call_id and not self._asked and "second hang-up again" not in self._waits:
            self._hangups += 1
            self._asked = True
            self._waits.set("second hang-up", now + self._policy.connect_seconds)
            commands.append(do.HangUp(self.carrier_call_id, not self.answered, self.number))
        if self.stream and not self._closing and (self.leg.over or self._hangups):
            self._closing = True
            commands.append(do.CloseStream(self.stream))
        if (self.leg.over or not (self.carrier_call_id or dialling)) and not self.stream:
            self.over = True
            self._waits.clear(*WAITS)
            commands.append(self._note("ended", at, self.ending))
        return commands

    def _fetch(self) -> list[AnyCommand]:
        return [do.FetchLeg(self.carrier_call_id, self.number, self.to)]

    def _note(self, state: str, at: float, why: str = "") -> Tell:
        note = {"at": at, "leg": self.number, "state": state, "to": self.to, "why": why}
        return Tell(notes.SecondLeg(**note, carrier_call_id=self.carrier_call_id))  # type: ignore[arg-type]


_OVER = {Leg.BUSY: "busy", Leg.NO_ANSWER: "nobody answered", Leg.FAILED: "the carrier failed", Leg.CANCELED: "canceled"}
