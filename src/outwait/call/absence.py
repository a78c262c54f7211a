"""The leg without its media stream: waited for, looked for, and fetched back.

The carrier asks by itself what to do with a leg whose stream has ended. It may have asked a process that was dead, or
the answer may have been lost; a leg that is up and does not come back is told to ask once more.
"""

from __future__ import annotations

from typing import Literal

from outwait.call.clock import Deadlines
from outwait.call.policy import Policy
from outwait.call.states import Leg


class Absence:
    """Of one call. The deadlines are `reclaim` (the leg is up, and late) and `leg again` (nobody could say)."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._attached: list[float] = []  # wall s of re-attaches
        self._reclaimed = -1e9  # wall s at which the carrier was last told to ask again

    def attached(self, now: float) -> None:
        """The stream is back."""
        self._attached.append(now)

    def may_attach(self, now: float) -> bool:
        """Not so often in so short a time that it would go on for ever."""
        recent = [at for at in self._attached if now - at < self._policy.reattach_window]
        return len(recent) < self._policy.max_reattaches

    def reported(self, leg: Leg, waits: Deadlines, now: float) -> None:
        """The carrier says how the leg is."""
        waits.clear("leg again")
        if leg is Leg.IN_PROGRESS and "reclaim" not in waits:
            waits.set("reclaim", now + self._policy.reclaim_seconds)
        elif leg in (Leg.QUEUED, Leg.INITIATED, Leg.RINGING):  # after a restart: nobody has answered yet
            waits.set("re-attach", now + self._policy.ring_seconds + self._policy.ring_grace)

    def unknown(self, waits: Deadlines, now: float) -> None:
        """The carrier could not say."""
        waits.set("leg again", now + self._policy.reclaim_seconds)

    def asked(self, waits: Deadlines, now: float) -> None:
        """The carrier has asked by itself: the stream is on its way."""
        if "reclaim" in waits:
            waits.set("reclaim", now + self._policy.reclaim_again)

    def passed(
        self, name: Literal["reclaim", "leg again"], waits: Deadlines, now: float
    ) -> Literal["reclaim", "fetch"]:
        """One of our deadlines has come; what is to be done."""
        if name == "leg again":
            return "fetch"
        self._reclaimed = now
        waits.set("reclaim", now + self._policy.reclaim_again)
        return "reclaim"

    def pressed(self, now: float) -> None:
        """The carrier is asked to press keys, for which it replaces the stream."""
        self._reclaimed = now

    def our_doing(self, now: float) -> bool:
        """A stream that stops now was stopped by our own request, which crossed it on its way."""
        return now - self._reclaimed < self._policy.reclaim_again
