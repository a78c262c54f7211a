"""The far end's sound on its way to the ear, in stretches of its scores."""

from __future__ import annotations

from outwait.call.commands import AnyCommand, Listen
from outwait.call.turns import BYTES

_STRETCH = 1280  # bytes given to the ear at once


class EarFeed:
    """What it has not been given yet."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def hear(self, ulaw: bytes, at: float) -> list[AnyCommand]:
        """Mu-law that ends at `at`, media s."""
        self._kept += ulaw
        if len(self._kept) < _STRETCH:
            return []
        listen = Listen(at - len(self._kept) / BYTES, bytes(self._kept))
        self._kept.clear()
        return [listen]

    def clear(self) -> None:
        """The stream is gone; what follows does not join on."""
        self._kept.clear()
