"""The other side has promised to call back: its leg may end, and the task waits for theirs.

A small machine of its own: nothing, promised, waiting, back. While it waits there is no leg, no stream and no session.
"""

from __future__ import annotations

from enum import StrEnum

from outwait.call.clock import Deadlines
from outwait.call.policy import Policy

WAIT, GOODBYE = "call back", "call back goodbye"
"""The names of its deadlines: for the call itself, and for the other side to hang up after its promise."""

ENDS = ("remote_hangup", "line_silent", "media_stream_lost")
"""Causes that end a leg and not the task, once there is a promise."""


class Stage(StrEnum):
    """How far it has come."""

    NONE = "none"
    PROMISED = "promised"
    WAITING = "waiting"
    BACK = "back"


class CallBack:
    """Of one call, which may be called back more than once."""

    def __init__(self, minutes: float | None, policy: Policy, waits: Deadlines) -> None:
        """`minutes`: how long the task waits; None: it does not."""
        self.stage = Stage.NONE
        self.why = ""
        self.times = 0  # called back so far
        self.line_from = 0.0  # media s at which the leg that counts began
        self._minutes = minutes
        self._policy = policy
        self._waits = waits

    @property
    def allowed(self) -> bool:
        """The task may wait for one."""
        return self._minutes is not None

    @property
    def line(self) -> int:
        """The leg that is billed: 1 the one we dialled, 0 and below those that came back."""
        return 1 - self.times

    def promise(self, why: str, now: float) -> None:
        """They will call. If they do not end this leg by themselves, we do."""
        self.stage, self.why = Stage.PROMISED, why
        self._waits.set(GOODBYE, now + self._policy.call_back_goodbye)

    def outlives(self, cause: str) -> bool:
        """The leg is over, or it is over once more; the task is not."""
        return self.stage in (Stage.PROMISED, Stage.WAITING) and cause in ENDS

    def wait(self, now: float) -> None:
        """The leg is over; from here the promise counts."""
        self.stage = Stage.WAITING
        self._waits.clear(GOODBYE)
        self._waits.set(WAIT, now + 60.0 * (self._minutes or 0.0))

    def came(self, at: float) -> None:
        """They call. `at`: media s of the call."""
        self.stage = Stage.BACK
        self.times += 1
        self.line_from = at
        self._waits.clear(WAIT)
