"""What is known of a number from earlier calls: its menus, what was chosen in them, how long one waits there."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from typing import Final

import msgspec

from outwait.call.reading import Option

MENUS: Final = 40  # menus kept of a number, the newest
WAITS: Final = 50  # waits kept, the newest
ALIKE: Final = 0.6  # share of words in common from which two prompts are the same one, heard a little differently
_TOKEN: Final = re.compile(r"[a-z0-9']+")
_STOP: Final = frozenset(
    _TOKEN.findall(
        "the a an to of for in on and or is are be will it that this if you your we our us i me my with at by do does "
        "have has not been please press say when find out ask about them they what how can would like want need call "
        "calling take tell get make then there number all any"
    )
)


class Choice(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was done in a menu, and led on."""

    menu: str
    """what the menu offered, see `signature`"""
    goal: str
    """what it was done for, see `goal`"""
    keys: str = ""
    """keys that were pressed"""
    say: str = ""
    """words that were said"""


class Wait(msgspec.Struct, frozen=True, array_like=True):
    """One wait in this number's queue."""

    at: float
    """when the call was answered, s since 1970"""
    seconds: float
    """media s on hold"""


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that is kept of a number."""

    choices: tuple[Choice, ...] = ()
    """the newest last"""
    by_machine: bool = False
    """a menu or a queue answered the last call"""
    by_carrier: bool = False
    """keys in band were not heard there: they are pressed the carrier's own way"""
    keep_say: str = ""
    """what was said to its queue to keep the place"""
    waits: tuple[Wait, ...] = ()
    """the newest last"""
    calls: int = 0
    """calls from which this was learned"""

    def choice(self, menu: str, goal: str) -> Choice | None:
        """What was done in this menu (its `signature`) for this goal."""
        fitting = [c for c in self.choices if likeness(c.menu, menu) >= ALIKE and likeness(c.goal, goal) >= ALIKE]
        return max(fitting, key=lambda c: likeness(c.menu, menu), default=None)


def signature(options: Iterable[Option], asks: str = "") -> str:
    """What a menu offers, in one line: the same however it is introduced."""
    offered = "; ".join(f"{option.key or option.say}: {option.label}" for option in options)
    return offered or asks


def goal(text: str) -> str:
    """What a way was taken for, so that it is known again without its words being kept: they are our user's."""
    return " ".join(sorted(f"g{zlib.crc32(stem.encode()):08x}" for stem in stems(tokens(text))))


def likeness(one: str, other: str) -> float:
    """0..1: share of their words that two texts have in common. Numbers weigh: another key is another menu."""
    a, b = set(_TOKEN.findall(one.lower())), set(_TOKEN.findall(other.lower()))
    if not a or not b:
        return 0.0
    if {word for word in a if word.isdecimal()} != {word for word in b if word.isdecimal()}:
        return 0.0
    return len(a & b) / len(a | b)


def stems(words: Iterable[str]) -> set[str]:
    """The words that carry meaning, as beginnings: "deliveries" and "delivered" are one."""
    return {word[:5] for word in words if word not in _STOP and len(word) > 1}


def tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower())
