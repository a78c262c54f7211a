"""How sessions end, and messages that make no sense: what every engine's wire has in common."""

from __future__ import annotations

from dataclasses import dataclass

from outwait.call.events import Trouble


class Malformed(ValueError):
    """A message that is not of the form that its wire has, or lacks what it can't do without."""


@dataclass(frozen=True, slots=True)
class End:
    """Why a session must end."""

    trouble: Trouble
    detail: str
    code: int = 0  # WebSocket close code or HTTP status; 0: that of the close that follows


def refusal(status: int, detail: str, *, fatal: bool = False) -> End:
    """An HTTP status that says no. `fatal`: no further try would get around it, whatever the status."""
    busy = status in (408, 425, 429) or status >= 500
    return End(Trouble.BUSY if busy and not fatal else Trouble.REFUSED, f"HTTP {status} {detail}".strip(), status)
