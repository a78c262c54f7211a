"""What a queue has said, and what is done about it without a paid session: places, waits, keys and words that keep
them, offers to call back. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from outwait.call.reading import Reading

AGAIN: Final = 8.0  # s in which the same request is not answered twice: it may have been said in two pieces


@dataclass(frozen=True, slots=True)
class Answer:
    """What a queue is answered: keys, or words."""

    keys: str = ""
    say: str = ""
    took: bool = False
    """it takes an offer to call back, or confirms that"""
    why: str = ""

    @property
    def what(self) -> str:
        """Keys or words."""
        return self.keys or self.say


class Queue:
    """One call's wait."""

    def __init__(self, *, takes: bool) -> None:
        """`takes`: an offer to call back may be taken."""
        self._takes = takes
        self.position: int | None = None
        self.wait_seconds: int | None = None
        self.hours = ""  # when they are open, in their words
        self.closed = False  # now, as they say
        self.heard_at: float | None = None  # media s
        self.offered = False  # to call back
        self.taken = False  # and we took it
        self._answered = ("", -1e9)  # keys or words, media s

    def hear(self, found: Reading, at: float) -> bool:
        """Whether this tells something about the wait. `at`: media s."""
        told = found.position is not None or found.wait_seconds is not None
        new_hours = bool(found.hours) and found.hours != self.hours
        if not (told or new_hours or (found.closed and not self.closed)):
            return False
        self.hours, self.closed = found.hours or self.hours, found.closed or self.closed
        self.position = found.position if found.position is not None else self.position
        self.wait_seconds = found.wait_seconds if found.wait_seconds is not None else self.wait_seconds
        self.heard_at = at
        return True

    def answer(self, found: Reading, at: float) -> Answer | None:
        """What it wants pressed."""
        answer = self._answer(found)
        if answer is None or (answer.what == self._answered[0] and at - self._answered[1] < AGAIN):
            return None
        self._answered = (answer.what, at)
        return answer

    def _answer(self, found: Reading) -> Answer | None:
        offer = found.callback
        if offer is not None:
            self.offered = True
            if self._takes and offer.key:
                self.taken = True
                return Answer(offer.key, took=True, why="a call back is taken")
        if self.taken and found.options and found.options[0].key:
            return Answer(found.options[0].key, took=True, why=f"the call back is confirmed: {found.options[0].label}")
        keys = found.keep or found.decline
        if self.taken or not (keys or found.keep_say):
            return None
        return Answer(keys, "" if keys else found.keep_say, why="the place in the queue is kept")
