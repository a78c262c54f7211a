"""Somebody is rung to take a call over: they are told what it is about, and say with a key whether they take it. Pure.

A key, and not just staying on the line: a voicemail stays, too.
"""

from __future__ import annotations

from typing import Final, Literal

from outwait.call.commands import AnyCommand
from outwait.call.policy import Policy
from outwait.call.turns import Playout

TAKES, DECLINES = "1", "2"
"""The keys."""

AGAIN: Final = 5.0  # s of silence after which they are told once more
TIMES: Final = 2  # that they are told


class Asking:
    """One of them. Times are media s of their leg."""

    def __init__(self, policy: Policy) -> None:
        self._mouth = Playout(policy)
        self._most = policy.ask_seconds
        self._words = b""  # mu-law
        self._told = 0  # times
        self._since = 0.0  # they have answered
        self._quiet_from = 0.0  # nothing has been said to them since

    def answered(self, at: float) -> None:
        """They are on the line."""
        self._since = self._quiet_from = at

    def words(self, ulaw: bytes) -> None:
        """What they are told is at hand."""
        self._words = ulaw

    def rewind(self) -> None:
        """Their stream was lost, with what had not been played."""
        self._mouth.rewind()

    def marked(self, name: str) -> None:
        self._mouth.marked(name)

    def advance(self, stream: int, at: float) -> list[AnyCommand]:
        """Tell them, and once more when they do not answer."""
        if not self._mouth.quiet:
            self._quiet_from = at
        waited = not self._told or at - self._quiet_from >= AGAIN
        if self._words and self._told < TIMES and self._mouth.quiet and waited:
            self._told += 1
            self._mouth.phrase("", self._words)
        return self._mouth.advance(stream, at)

    def late(self, at: float) -> bool:
        """They have had time enough."""
        return at - self._since > self._most

    def stop(self, stream: int) -> list[AnyCommand]:
        """They have decided."""
        cut, _ = self._mouth.interrupt(stream)
        self._mouth.finished.clear()
        return cut

    @staticmethod
    def answer(key: str) -> Literal["takes", "declines"] | None:
        """What a key of theirs means."""
        return "takes" if key == TAKES else "declines" if key == DECLINES else None
