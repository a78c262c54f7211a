"""What is heard, as bytes: an utterance of the far end is a run of its number, a word of the agent a run of its own."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache

RATE = 8000  # bytes a second
WORD = 1600  # bytes of one word of the agent: one piece of the playout, 0.2 s
QUIET = 255  # the byte of silence
USER = 254  # the byte of our user, whatever they say


class Kind(StrEnum):
    """What an utterance of the far end is."""

    SILENCE = "silence"
    HELLO = "hello"
    CHAT = "chat"
    PLEASE_HOLD = "please hold"
    ANSWER = "answer"
    BYE = "bye"
    MENU = "menu"
    ANNOUNCEMENT = "announcement"
    MUSIC = "music"
    TONE = "tone"

    @property
    def live(self) -> bool:
        """A person says it."""
        return self in _LIVE

    @property
    def spoken(self) -> bool:
        return self in _LIVE or self in (Kind.MENU, Kind.ANNOUNCEMENT)


_LIVE = frozenset({Kind.HELLO, Kind.CHAT, Kind.PLEASE_HOLD, Kind.ANSWER, Kind.BYE})

SCORES: dict[Kind, dict[str, float]] = {
    Kind.SILENCE: {"level": -70.0},
    Kind.MENU: {"speech": 0.95, "live": 0.2},
    Kind.ANNOUNCEMENT: {"speech": 0.95, "live": 0.1, "repeated": 1.0},
    Kind.MUSIC: {"music": 0.95, "live": 0.1},
    Kind.TONE: {"tone": 0.95},
} | {kind: {"speech": 0.95, "live": 0.9} for kind in _LIVE}
"""What the ear makes of each."""


@cache
def far_end(number: int, length: int) -> bytes:
    """Sound of the far end: `number` names the utterance."""
    return bytes((number,)) * length


@cache
def word(sentence: int, index: int) -> bytes:
    """Sound of one word of the agent."""
    return (sentence << 5 | index).to_bytes(2, "big") * (WORD // 2)


def read_word(ulaw: bytes) -> tuple[int, int]:
    """Sentence and index."""
    number = int.from_bytes(ulaw[:2], "big")
    return number >> 5, number & 31


def text(sentence: int, index: int) -> str:
    """One word, written; all are of one length, so that the share of sound is the share of text."""
    return f"{sentence:04d}.{index:02d} "


def read_text(words: str) -> list[tuple[int, int]]:
    """The words of a text."""
    return [(int(s), int(i)) for s, i in re.findall(r"(\d{4})\.(\d{2})", words)]
