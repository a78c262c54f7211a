"""Does the agent's voice carry its words? Its own ears, or any other, listen to what the other side heard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from outwait.local.stt import LocalRecogniser
from outwait.local.words import word_errors, words

BYTES = 8000  # of mu-law in a second
LONGEST = 25.0  # s that are read at once
MARGIN = 0.3  # s before and behind a stretch of voice


@dataclass(frozen=True, slots=True)
class Understood:
    """What came of the agent's words on their way through the telephone."""

    words: int
    errors: int
    heard: str

    @property
    def word_error(self) -> float:
        return self.errors / max(1, self.words)


def understand(ears: LocalRecogniser, said: str, line: bytes, stretches: Iterable[tuple[float, float]]) -> Understood:
    """`said`: all that the agent said; `line`: its side of the call, mu-law; `stretches`: s, where it was heard."""
    heard = " ".join(ears.words(line[_place(start) : _place(end)]) for start, end in _together(stretches))
    told = words(said)
    return Understood(len(told), word_errors(told, words(heard)), heard)


def _together(stretches: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Near ones as one, as long as that is not too long: a recogniser hears a sentence better than its pieces."""
    found: list[tuple[float, float]] = []
    for start, end in stretches:
        start, end = max(0.0, start - MARGIN), end + MARGIN
        if found and start - found[-1][1] < 1.0 and end - found[-1][0] <= LONGEST:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _place(at: float) -> int:
    return int(at * BYTES)
