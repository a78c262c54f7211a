"""Values as servers send them: of another type than they should be, negative, absurd, or missing."""

from __future__ import annotations

from typing import Any


def table(told: object) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}


def word(told: object) -> str:
    return told if isinstance(told, str) else ""


def number(told: object) -> float | None:
    """One that can be of a meter: not negative, not absurd (a day of seconds, a month of tokens). None: it is none."""
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= 1e9:
        return None
    return float(told)


def count(told: object) -> int:
    """0 for what is none."""
    return int(number(told) or 0)


def moment(told: object) -> float | None:
    """Seconds since 1970; None: it is none."""
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < 1e11:
        return None
    return float(told)
