"""Nobody who has come back is left in silence: until the agent speaks, a phrase says now and then that all is well.

A small machine of its own. It begins with the resume and ends with the agent's first sound; its waits are on the wall,
for what is late is a network.
"""

from __future__ import annotations

from outwait.call.clock import Deadlines
from outwait.call.policy import Policy

WAIT = "pickup"
"""The name of its deadline."""


class Pickup:
    """One resume after the other."""

    def __init__(self, policy: Policy, waits: Deadlines) -> None:
        self._policy = policy
        self._waits = waits
        self._said = 0  # phrases since the person came back

    def begin(self, now: float) -> None:
        """A person is back; the session that is to answer is being opened."""
        self._said = 0
        self._waits.set(WAIT, now + self._policy.pickup_seconds)

    def over(self) -> None:
        """The agent speaks, or nobody is there."""
        self._waits.clear(WAIT)

    def late(self, quiet: bool, now: float) -> bool:
        """The agent is still not heard: whether a phrase is to be said now. `quiet`: nothing else is being said."""
        wanted = quiet and self._said < self._policy.pickup_phrases
        if wanted:
            self._said += 1
        if self._said < self._policy.pickup_phrases:
            self._waits.set(WAIT, now + self._policy.pickup_seconds)
        return wanted
