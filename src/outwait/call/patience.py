"""Nobody waits in silence for an answer: what is said in the meantime, and how long they waited.

A small machine of its own. An engine that is known to be slow is not waited for: a short word is said as soon as the
person pauses. From any other an answer is expected first, and a phrase follows when it is late. What the engine says
then stands behind the phrase in the same queue, so one follows the other without a gap.
"""

from __future__ import annotations

from outwait.call.clock import Deadlines
from outwait.call.events import AnswerTimed
from outwait.call.notes import Reacted
from outwait.call.policy import Policy

WAIT = "patience"
"""The name of its deadline."""

STAGES = ("silence", "words", "first_word", "sentence", "first_sound")
"""Of an answer, as an engine of parts tells them."""

_NEWEST = 0.5  # share of the newest reaction in what is expected of the next one


class Patience:
    """One turn of the person after the other."""

    def __init__(self, policy: Policy, waits: Deadlines, usual: float) -> None:
        """`usual`: wall s from a person's last word to the engine's first sound, as far as is known beforehand."""
        self._policy = policy
        self._waits = waits
        self._expected = usual
        self._word: tuple[float, float] | None = None  # media and wall s: the last word that has no answer yet
        self._said_at: float | None = None  # media s: of the first phrase since then
        self._count = 0  # phrases on being late, since then
        self._stages: dict[str, float] = {}
        self._filler_at = -1e9  # media s: of the last short word

    def speaks(self) -> None:
        """The person speaks: nothing is owed until they have finished."""
        self._waits.clear(WAIT)
        self._word = None

    def paused(self, quiet: float, possible: bool, at: float, now: float) -> bool:
        """The person has paused for `quiet` media s; perhaps that was all. Whether to say a short word.

        `possible`: we say nothing else, and there is one.
        """
        self._begin(at - quiet, now - quiet)
        policy = self._policy
        slow = self._expected > policy.patience_seconds
        if not (slow and possible and at - self._filler_at >= policy.filler_pause):
            return False
        self._filler_at = self._said_at = at
        return True

    def stopped(self, at: float, now: float) -> None:
        """Their turn is over, and an answer is due."""
        if self._word is None:
            self._begin(at, now)
        self._waits.set(WAIT, now + self._policy.late_seconds)

    def owed(self, at: float, now: float) -> None:
        """An answer is due that nothing of theirs has to be waited for: a tool runs."""
        if WAIT not in self._waits:
            self.stopped(at, now)

    def late(self, quiet_line: bool, at: float, now: float) -> bool:
        """The answer is not there yet: whether a phrase is to be said now. `quiet_line`: we say nothing."""
        if self._word is None:
            return False
        wanted = quiet_line and self._count < self._policy.late_phrases
        if wanted:
            self._count += 1
            self._said_at = at if self._said_at is None else self._said_at
        if self._count < self._policy.late_phrases:
            self._waits.set(WAIT, now + self._policy.late_again)
        return wanted

    def timed(self, timed: AnswerTimed) -> None:
        """Where the time went until the sound that follows."""
        self._stages = {stage: getattr(timed, stage) for stage in STAGES}

    def answered(self, at: float, now: float) -> Reacted | None:
        """The engine's first sound; None: it answers nobody's words, or goes on with what it said."""
        word, said_at, stages = self._word, self._said_at, self._stages
        self.speaks()
        self._stages = {}
        if word is None:
            return None
        self._expected += _NEWEST * (now - word[1] - self._expected)
        answer = at - word[0]
        seconds = answer if said_at is None else said_at - word[0]
        return Reacted(at=word[0], seconds=seconds, answer=answer, phrase=said_at is not None, stages=stages)

    def _begin(self, word_at: float, word_now: float) -> None:
        self._word = (word_at, word_now)
        self._said_at = None
        self._count = 0
