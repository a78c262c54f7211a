"""Keys as sound: the dual tones of ITU-T Q.23, made for a mu-law line."""

from __future__ import annotations

import math
from functools import cache

KEYS = "0123456789*#ABCDw"
"""What can be pressed; `w` is half a second of waiting."""

_LOW = (697, 770, 852, 941)  # Hz, by row
_HIGH = (1209, 1336, 1477, 1633)  # Hz, by column
_ROWS = ("123A", "456B", "789C", "*0#D")
_RATE = 8000
_ON = 0.1  # s; receivers ask for 0.04 at least (Q.24), and some of it may be lost on the way
_OFF = 0.1  # s; receivers ask for 0.04
_WAIT = 0.5  # s
_GAP = 0.2  # s of nothing before the first key and behind the last: what is said beside them would spoil them
_LEVEL_HIGH = 10 ** (-7 / 20)  # of full scale, -7 dBFS; with the other tone below clipping
_LEVEL_LOW = 10 ** (-8.5 / 20)  # lines weaken high tones more: they are sent a little louder, as telephones do
_SILENCE = b"\xff"


def tones(keys: str) -> bytes:
    """Mu-law sound of these keys, with silence around them. Raises ValueError for anything that is no key."""
    gap = _SILENCE * int(_GAP * _RATE)
    return gap + b"".join(_tone(key) for key in keys) + gap


@cache
def _tone(key: str) -> bytes:
    if key == "w":
        return _SILENCE * int(_WAIT * _RATE)
    for low, row in zip(_LOW, _ROWS, strict=True):
        column = row.find(key)
        if column >= 0:
            sound = bytes(_mu_law(_sample(low, _HIGH[column], n)) for n in range(int(_ON * _RATE)))
            return sound + _SILENCE * int(_OFF * _RATE)
    raise ValueError(f"no such key: {key!r}")


def _sample(low: int, high: int, n: int) -> int:
    turn = 2 * math.pi * n / _RATE
    return round(32767 * (_LEVEL_LOW * math.sin(low * turn) + _LEVEL_HIGH * math.sin(high * turn)))


def _mu_law(sample: int) -> int:
    """One sample, ITU-T G.711. The fast tables live in `audio.g711`, which the core does not import."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 0x84
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> exponent + 3 & 0x0F) & 0xFF
