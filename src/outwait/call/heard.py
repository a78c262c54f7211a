"""What a recogniser makes of a queue's announcement, put right before it is read: words that sound alike, and numbers
that an exchange puts together from two recordings. English, plain lower-case words. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from outwait.call.numerals import CARDINAL

_ALIKE: Final = {
    **dict.fromkeys(("color", "colour", "collar", "coller"), "caller"),
    **dict.fromkeys(("colors", "colours", "collars", "collers"), "callers"),
    **dict.fromkeys(("q", "cue", "que", "queues"), "queue"),
    "weight": "wait",
    "weights": "waits",
}
"""What stands for what, where places and waits are told."""

_PAIRS: Final = {("calling", "number"): "caller", ("called", "number"): "caller", ("whole", "time"): "hold"}
"""The same for words that mean it only before another one."""

_TWO_AND_FOUR: Final = {"to": 2, "too": 2, "for": 4, "fore": 4}
_COUNTED: Final = frozenset({"minute", "minutes", "second", "seconds", "caller", "callers", "calls", "waiting"})
"""Behind a number, these show that the word before them is its end."""


def telephone(words: Sequence[str]) -> list[str]:
    """The words of one sentence as they were meant."""
    return _numbers([_meant(words, place) for place in range(len(words))])


def continues(before: Sequence[str], words: Sequence[str]) -> bool:
    """A full stop has come between the two recordings of a number, or behind it: "caller number 40. 5.", "more than
    twenty. Callers waiting"."""
    if _tens(before[-1]) and _ones(words, 0):
        return True
    return words[0] in _COUNTED and (before[-1].isdecimal() or before[-1] in CARDINAL)


def _meant(words: Sequence[str], place: int) -> str:
    word = words[place]
    following = words[place + 1] if place + 1 < len(words) else ""
    if following == "a" and place + 2 < len(words):  # "called a number"
        following = words[place + 2]
    return _PAIRS.get((word, following)) or _ALIKE.get(word, word)


def _numbers(words: list[str]) -> list[str]:
    joined: list[str] = []
    for place, word in enumerate(words):
        ones = _ones(words, place)
        tens = _tens(joined[-1]) if joined else 0
        if tens and ones:
            joined[-1] = str(tens + ones)
        else:
            joined.append(word)
    return joined


def _tens(word: str) -> int:
    value = int(word) if word.isdecimal() and word.isascii() and len(word) == 2 else CARDINAL.get(word, 0)
    return value if value >= 20 and value % 10 == 0 else 0


def _ones(words: Sequence[str], place: int) -> int:
    word = words[place]
    if word in _TWO_AND_FOUR:
        return _TWO_AND_FOUR[word] if words[place + 1 : place + 2] and words[place + 1] in _COUNTED else 0
    value = int(word) if word.isdecimal() and word.isascii() and len(word) == 1 else CARDINAL.get(word, 0)
    return value if value < 10 else 0
