"""How much of a text was understood: the word error rate, as recognisers are judged by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_SMALL: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
_SIGNS: Final = {"#": " pound ", "*": " star ", "&": " and ", "%": " percent ", "$": " dollars "}
_WORD: Final = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def words(text: str) -> list[str]:
    """The words alone: no case, no punctuation, and numbers in words; of a long number every digit is one.

    So "Press 2." and "press two" are the same, and "4712" is "four seven one two".
    """
    text = text.lower().replace("’", "'")
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    return [word for found in _WORD.findall(text) for word in _spoken(found)]


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Words left out, put in or taken for others, at least so many."""
    above = list(range(len(heard) + 1))
    for row, word in enumerate(said, 1):
        left = [row]
        for column, other in enumerate(heard, 1):
            left.append(min(above[column] + 1, left[-1] + 1, above[column - 1] + (word != other)))
        above = left
    return above[-1]


def _spoken(word: str) -> list[str]:
    if not word.isdigit():
        return [word]
    if int(word) < len(_SMALL):
        return [_SMALL[int(word)]]
    return [_SMALL[int(digit)] for digit in word]
