"""The structured brief of a call: who, which numbers, what was promised, what was asked last.

Read off the words by plain patterns, so that it costs no paid call and invents nothing: every line quotes what was
said, and says who said it. It keeps what matters when the conversation itself has grown too long to be handed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

MAX_LINES = 6  # of each kind, the newest
MAX_QUOTE = 160  # characters

_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_NAME = re.compile(r"\b(?:this is|my name is|you're speaking (?:to|with))\s+([A-Z][\w'-]+(?:\s[A-Z][\w'-]+)?)")
_DIGITS = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_NUMBER = re.compile(
    rf"\b(?:[A-Z]{{0,4}}-?\d[\dA-Z-]{{2,}}|\d+[.,:]\d+|[$€£]\s?\d+|{_DIGITS}(?:[\s-]+{_DIGITS}){{2,}})\b", re.I
)
_PROMISE = re.compile(
    r"\b(?:will|we'll|i'll|they'll|he'll|she'll|going to|by (?:mon|tues|wednes|thurs|fri|satur|sun)day)\b", re.I
)


class Line(NamedTuple):
    """One thing that was said."""

    who: Literal["human", "agent"]
    text: str


def brief(lines: Sequence[Line]) -> str:
    """The brief, empty when there is nothing to tell."""
    theirs = [sentence for line in lines if line.who == "human" for sentence in _sentences(line.text)]
    ours = [sentence for line in lines if line.who == "agent" for sentence in _sentences(line.text)]
    parts = [
        ("People", _unique(name for sentence in theirs for name in _NAME.findall(sentence))),
        ("Numbers, dates and amounts, as they said", _quotes(s for s in theirs if _NUMBER.search(s))),
        ("What they said will happen", _quotes(s for s in theirs if _PROMISE.search(s) and not s.endswith("?"))),
        ("What they asked last", _quotes([s for s in theirs if _asks(s)][-1:])),
        ("What you asked last", _quotes([s for s in ours if _asks(s)][-1:])),
    ]
    told = [f"{title}: {'; '.join(found)}" for title, found in parts if found]
    return "\n".join(told)


def _sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in _SENTENCE.findall(text) if sentence.strip()]


def _asks(sentence: str) -> bool:
    """A question with some matter to it: "Hello?" wants no answer half an hour later."""
    return sentence.endswith("?") and len(sentence.split()) > 2


def _quotes(sentences: Iterable[str]) -> list[str]:
    return [f'"{sentence[:MAX_QUOTE]}"' for sentence in _unique(sentences)]


def _unique(found: Iterable[str]) -> list[str]:
    """The newest of them, each once, in the order in which they were said."""
    return list(dict.fromkeys(reversed(list(found))))[:MAX_LINES][::-1]
