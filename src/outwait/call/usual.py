"""How long one usually waits at a number, and when it is best to call: from the waits that were kept. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

import msgspec

from outwait.call.known import Wait

ENOUGH: Final = 2  # waits in an hour of the day before it is compared with others


class Usual(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is usual at a number."""

    waits: int
    """from how many"""
    seconds: float
    """median, media s on hold"""
    longest: float
    """media s"""
    best_hour: int | None = None
    """hour of the callee's day with the shortest median, 0..23; None: too little is known to compare"""
    best_seconds: float | None = None
    """median of that hour, media s"""


def usual(waits: Sequence[Wait], hour: Callable[[float], int]) -> Usual | None:
    """`hour`: of the callee's day, of a moment in s since 1970. None: nobody has waited yet."""
    if not waits:
        return None
    by_hour: dict[int, list[float]] = {}
    for wait in waits:
        by_hour.setdefault(hour(wait.at), []).append(wait.seconds)
    compared = {at: median(seconds) for at, seconds in by_hour.items() if len(seconds) >= ENOUGH}
    best = min(compared, key=lambda at: compared[at]) if len(compared) >= ENOUGH else None
    every = [wait.seconds for wait in waits]
    return Usual(
        waits=len(every),
        seconds=round(median(every), 1),
        longest=max(every),
        best_hour=best,
        best_seconds=round(compared[best], 1) if best is not None else None,
    )
