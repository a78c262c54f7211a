"""Holds composed from recordings: what a benchmark of the ear listens to, with the truth about who came back when.

All choices come from one seeded generator, so a seed is a benchmark.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from outwait.bench._clips import Clip, Hold, Library, Recorded, read_manifest
from outwait.bench._damage import DAMAGE, DAMAGE_SHARES, DAMAGES, encoded
from outwait.bench._kinds import KINDS
from outwait.bench._tape import HABITS, Habits, Tape

__all__ = ["HABITS", "KINDS", "Clip", "Composer", "Habits", "Hold", "Recorded", "read_manifest"]

SHORT: Final = (6.0, 40.0)  # seconds of a hold in which the person comes back at once


class Composer(Library):
    """Makes holds out of clips."""

    def holds(self, count: int, habits: Habits = HABITS) -> list[Hold]:
        """`count` holds, the kinds in turn."""
        return [self.hold(list(KINDS)[number % len(KINDS)], number, habits) for number in range(count)]

    def hold(self, kind: str, number: int, habits: Habits) -> Hold:
        """One hold of a kind in KINDS, with a person at its end."""
        r = self.random
        damage = str(r.choice(DAMAGES, p=DAMAGE_SHARES))
        hold = Hold(f"{kind}-{number}", kind, damage)
        tape = Tape(self, hold, habits)
        KINDS[kind](tape, float(r.uniform(*(SHORT if r.random() < habits.short else habits.seconds))))
        sound = np.concatenate(tape.parts)
        sound = DAMAGE[damage](sound, r)
        hold.ulaw = encoded(sound)
        return hold
