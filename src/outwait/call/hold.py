"""Are we on hold? Is a live person back? (placeholder: the payloads only; the logic is being written)"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


class Scored(msgspec.Struct, frozen=True):
    """What the ear made of one stretch."""

    at: float  # media s, end of the stretch
    seconds: float  # its length
    speech: float  # 0..1
    music: float  # 0..1
    singing: float  # 0..1
    tone: float  # 0..1
    noise: float  # 0..1
    level: float  # dBFS
    repeated: float  # 0..1


@dataclass(frozen=True)
class HoldPolicy:
    """How a hold and its end are recognised."""
