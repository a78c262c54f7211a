"""Where the time goes between a person's last word and the first sound of the answer."""

from __future__ import annotations


class StageClock:
    """Of one turn after the other; all wall seconds. A stage that is not new for this turn changes nothing.

    Where the work begins before the turn is over, what is left of its silence beside the work counts as silence: the
    stages are together the time that the person waited.
    """

    def __init__(self) -> None:
        self._silence = 0.0  # s of it before the work began
        self._times: list[float] = []  # the work's begin, words, first word, sentence, sound: as far as they have come

    def begin(self, silence: float, now: float) -> None:
        """After so much silence the turn is written down."""
        self._silence = silence
        self._times = [now]

    def forget(self) -> None:
        """What comes now is no answer to a turn of which the end is known."""
        self._times = []

    def words(self, now: float) -> None:
        """It is written down."""
        self._reach(1, now)

    def first_word(self, now: float) -> None:
        """The model has begun to answer."""
        self._reach(2, now)

    def sentence(self, now: float) -> None:
        """There is something to speak."""
        self._reach(3, now)

    def sound(self, now: float) -> None:
        """There is sound of it."""
        self._reach(4, now)

    def told(self, now: float) -> tuple[float, float, float, float, float] | None:
        """It is told. The silence and the four stages; None: this is not the first sound of an answer."""
        times, self._times = self._times, []
        if len(times) != 5:
            return None
        began, words, word, sentence, sound = times
        return self._silence + now - sound, words - began, word - words, sentence - word, sound - sentence

    def _reach(self, stage: int, now: float) -> None:
        if len(self._times) == stage:
            self._times.append(now)
