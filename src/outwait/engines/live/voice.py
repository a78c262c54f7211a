"""The model's output comes all the time, silence included. This finds the stretches in which it speaks.

Counted in its own sound, so that a session may run at any speed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outwait.audio import g711

BYTES = 8000  # of mu-law in a second
QUIET = 0.0006  # root mean square, as a share of full scale, below which nothing is said; what LiveKit's plugin uses
CUSHION = 0.16  # s of a stretch that are collected before it begins, against the network's unevenness
YIELD = 0.24  # s of silence after which the model has stopped, perhaps only to breathe
PAUSE = 0.8  # s of silence that end a stretch

_LEVEL = QUIET * 32768
_SILENT = frozenset(b"\xff\x7f")


@dataclass(frozen=True, slots=True)
class Began:
    """It speaks."""


@dataclass(frozen=True, slots=True)
class Spoke:
    ulaw: bytes


@dataclass(frozen=True, slots=True)
class Paused:
    """It has stopped, perhaps for a moment."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The stretch is over."""


Happened = Began | Spoke | Paused | Ended


class Voice:
    """`hear` takes the output as it comes, in pieces of any length."""

    def __init__(self) -> None:
        self.open = False  # a stretch goes on
        self.muted = False  # what comes until the next pause is not wanted
        self._quiet = b""  # since the last sound of the stretch: said only if it goes on
        self._collected = b""  # of a stretch that begins
        self._paused = False

    @property
    def speaking(self) -> bool:
        """It speaks just now."""
        return self.open and not self._paused

    def hear(self, ulaw: bytes) -> list[Happened]:
        """More of the output."""
        if self.muted:
            return self._muted(ulaw)
        if _loud(ulaw):
            return self._loud(ulaw)
        if not self.open and not self._collected:
            return []
        self._quiet += ulaw
        found: list[Happened] = []
        if self._collected:
            found += self._begin()  # it was short
        seconds = len(self._quiet) / BYTES
        if seconds >= YIELD and not self._paused:
            self._paused = True
            found.append(Paused())
        return found + (self.stop() if seconds >= PAUSE else [])

    def stop(self) -> list[Happened]:
        """The stretch is over, by its own silence or because it has to be."""
        found: list[Happened] = self._begin() if self._collected else []
        if self.open:
            found.append(Ended())
        self.open = self._paused = False
        self._quiet = self._collected = b""
        return found

    def mute(self) -> None:
        """Forget the stretch, and drop what still comes of it."""
        self.muted = True
        self.open = self._paused = False
        self._quiet = self._collected = b""

    def _loud(self, ulaw: bytes) -> list[Happened]:
        if self.open:
            piece, self._quiet, self._paused = self._quiet + ulaw, b"", False
            return [Spoke(piece)]
        self._collected += ulaw
        return self._begin() if len(self._collected) >= CUSHION * BYTES else []

    def _begin(self) -> list[Happened]:
        self.open = True
        piece, self._collected = self._collected, b""
        return [Began(), Spoke(piece)]

    def _muted(self, ulaw: bytes) -> list[Happened]:
        self._quiet = b"" if _loud(ulaw) else self._quiet + ulaw
        if len(self._quiet) >= YIELD * BYTES:
            self.muted, self._quiet = False, b""
        return []


def _loud(ulaw: bytes) -> bool:
    if _SILENT.issuperset(ulaw):
        return False
    samples = g711.decode(ulaw).astype(np.float64)
    return bool(np.sqrt(np.mean(samples * samples)) > _LEVEL)
