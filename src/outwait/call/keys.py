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
_ON = 0.1  # s; the standard asks for 0.04 at least
_OFF = 0.1  # s
_WAIT = 0.5  # s
_LEVEL = 10 ** (-9 / 20)  # of full scale for each of the two tones, -9 dBFS: together below clipping
_SILENCE = b"\xff"


def tones(keys: str) -> bytes:
    """Mu-law sound of these keys. Raises ValueError for anything that is no key."""
    return b"".join(_tone(key) for key in keys)


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
    both = math.sin(2 * math.pi * low * n / _RATE) + math.sin(2 * math.pi * high * n / _RATE)
    return round(32767 * _LEVEL * both)


def _mu_law(sample: int) -> int:
    """One sample, ITU-T G.711. The fast tables live in `audio.g711`, which the core does not import."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 0x84
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> exponent + 3 & 0x0F) & 0xFF
