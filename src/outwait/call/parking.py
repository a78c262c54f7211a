"""What becomes of a session when the line goes on hold, by how its engine is billed.

One that is billed by tokens costs nothing while it is deaf and dumb: policy may keep it for a while (`gate`), because
many holds are short. One that is billed by time costs the same muted as talking: it is closed at once, and it gets no
more than the rest of the sentence it is in.
"""

from __future__ import annotations

from dataclasses import dataclass

from outwait.call.clock import Deadlines
from outwait.call.policy import Policy


@dataclass(frozen=True, slots=True)
class Parking:
    """How a session is parked. Seconds of hold, by the clock or in sound, whichever are over first."""

    gate: float
    # s that it is kept open, without sound and without being asked anything
    drain: float
    # s after which it is closed, whatever it is at
    awaits_words: bool
    # it may stay until the person's last words are written down, too

    @classmethod
    def of(cls, policy: Policy, *, by_time: bool) -> Parking:
        """`by_time`: the engine bills by the second of an open session."""
        gate = policy.gate_seconds if policy.park == "gate" and not by_time else 0.0
        return cls(gate=gate, drain=gate + policy.drain_seconds, awaits_words=not by_time)


class Parked:
    """How long the session that was there when the line went on hold is kept. Its deadlines are `gate` and `drain`."""

    def __init__(self, waits: Deadlines) -> None:
        self._waits = waits
        self._gate_until = 0.0  # media s: it is kept, deaf and dumb
        self._drain_until = 0.0  # media s: it may finish what it has begun

    def begin(self, parking: Parking, at: float, now: float) -> None:
        """The line is on hold."""
        self._gate_until, self._drain_until = at + parking.gate, at + parking.drain
        self._waits.set("drain", now + parking.drain)
        if parking.gate:
            self._waits.set("gate", now + parking.gate)

    def over(self) -> None:
        """It is wanted again."""
        self._waits.clear("gate", "drain")

    def closes(self, at: float, *, busy: bool) -> bool:
        """It is to be closed now. `busy`: it is at something that it should finish."""
        done = not busy and ("gate" not in self._waits or at >= self._gate_until)
        return done or "drain" not in self._waits or at >= self._drain_until
