"""Where the time goes between a person's last word and the first sound of the answer."""

from __future__ import annotations


class StageClock:
    """Of one turn after the other; all wall seconds. A stage that is not new for this turn changes nothing."""

    def __init__(self) -> None:
        self._silence = 0.0  # s that ended the turn
        self._times: list[float] = []  # end of the turn, its words, first word, sentence: as far as they have come

    def turn_ended(self, silence: float, now: float) -> None:
        """The person's turn is over, after so much silence."""
        self._silence = silence
        self._times = [now]

    def words(self, now: float) -> None:
        """It is written down."""
        self._reach(1, now)

    def first_word(self, now: float) -> None:
        """The model has begun to answer."""
        self._reach(2, now)

    def sentence(self, now: float) -> None:
        """There is something to speak."""
        self._reach(3, now)

    def first_sound(self, now: float) -> tuple[float, float, float, float, float] | None:
        """It is spoken. The silence and the four stages behind it; None: this is not the first sound of an answer."""
        times, self._times = self._times, []
        if len(times) != 4:
            return None
        ended, words, word, sentence = times
        return self._silence, words - ended, word - words, sentence - word, now - sentence

    def _reach(self, stage: int, now: float) -> None:
        if len(self._times) == stage:
            self._times.append(now)
