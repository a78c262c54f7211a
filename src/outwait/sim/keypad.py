"""The far end's ear for keys: dual tones in what it hears, 20 ms at a time. Pure."""

from __future__ import annotations

import numpy as np

from outwait.audio import g711

_LOW = (697.0, 770.0, 852.0, 941.0)  # Hz, by row
_HIGH = (1209.0, 1336.0, 1477.0, 1633.0)  # Hz, by column
_KEYS = ("123A", "456B", "789C", "*0#D")
_FRAME = 160  # samples
_LOUD = 300.0  # RMS of 16-bit samples from which a frame may be a key
_SHARE = 0.7  # of the frame's energy that the two tones make
_TWIST = 10.0  # times by which one tone may be stronger than the other, in power
_AT = np.arange(_FRAME) / g711.RATE
_WAVES = np.exp(-2j * np.pi * np.outer((*_LOW, *_HIGH), _AT))


class Keypad:
    """Says which key has begun, once for each time it is pressed."""

    def __init__(self) -> None:
        self._last = ""  # the key of the last frame
        self._told = False  # and whether it was told

    def hear(self, frame: bytes) -> str:
        """Twenty milliseconds of mu-law; the key that they make certain, or ""."""
        key = _key(frame)
        if key != self._last:
            self._last, self._told = key, False
            return ""
        if not key or self._told:
            return ""
        self._told = True
        return key


def _key(frame: bytes) -> str:
    if len(frame) != _FRAME:
        return ""
    samples = g711.decode(frame).astype(np.float64)
    energy = float((samples**2).sum())
    if energy < _LOUD**2 * _FRAME:
        return ""
    power = np.abs(_WAVES @ samples) ** 2 * 2 / _FRAME  # what each tone has of the energy
    row, column = int(power[:4].argmax()), int(power[4:].argmax())
    low, high = float(power[row]), float(power[4 + column])
    if low + high < _SHARE * energy or max(low, high) > _TWIST * min(low, high):
        return ""
    return _KEYS[row][column]
