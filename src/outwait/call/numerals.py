"""Numbers as they are spoken, or as a recogniser writes them: "4", "four", "the fourth", "twenty-five", "for"."""

from __future__ import annotations

from collections.abc import Sequence

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh"),
    "twelfth",
)

CARDINAL = {word: n for n, word in enumerate(_ONES)} | {word: 20 + 10 * n for n, word in enumerate(_TENS)}
"""Words of numbers up to ninety-nine, single."""

ORDINAL = {word: n for n, word in enumerate(_ORDINALS, 1)} | {"next": 1}
"""Words of places in a queue."""

KEY = {word: str(n) for n, word in enumerate(_ONES[:10])} | {
    "oh": "0", "won": "1", "to": "2", "too": "2", "tu": "2", "tree": "3", "for": "4", "fore": "4", "ate": "8",
    "star": "*", "asterisk": "*", "pound": "#", "hash": "#", "hashtag": "#", "sharp": "#", "square": "#",
}  # fmt: skip
"""What a key is called right after "press", also by a recogniser that hears it wrong."""


def key(word: str) -> str:
    """The key, "" when it is none. "*" and "#" may be written as they are."""
    if word in ("*", "#") or (word.isdecimal() and word.isascii() and len(word) <= 2):
        return word if len(word) == 1 else ""
    return KEY.get(word, "")


def number(words: Sequence[str], at: int = 0) -> tuple[int, int] | None:
    """The number that begins at this word, and how many words it takes; None when there is none."""
    word = words[at] if at < len(words) else ""
    if word.isdecimal() and word.isascii() and len(word) <= 6:
        return int(word), 1
    if word in ("a", "an") and at + 1 < len(words) and words[at + 1] == "hundred":
        return _hundreds(1, words, at, 2)
    value = CARDINAL.get(word)
    if value is None:
        return None
    if value and at + 1 < len(words) and words[at + 1] == "hundred":
        return _hundreds(value, words, at, 2)
    if value >= 20 and at + 1 < len(words):
        ones = CARDINAL.get(words[at + 1], 0)
        if 1 <= ones <= 9:
            return value + ones, 2
    return value, 1


def ordinal(word: str) -> int | None:
    """1 for "first", "1st" or "next"."""
    if word[-2:] in ("st", "nd", "rd", "th") and word[:-2].isdecimal() and word.isascii() and len(word) <= 6:
        return int(word[:-2])
    return ORDINAL.get(word)


def _hundreds(hundreds: int, words: Sequence[str], at: int, used: int) -> tuple[int, int]:
    following = at + used
    if following < len(words) and words[following] == "and":
        following += 1
    rest = number(words, following)
    if rest is not None and rest[0] < 100:
        return hundreds * 100 + rest[0], following + rest[1] - at
    return hundreds * 100, used
