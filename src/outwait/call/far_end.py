"""The far end's last seconds, as they were heard: for the session that comes, and for whoever reads them."""

from __future__ import annotations

from collections import deque

from outwait.call.turns import BYTES


class FarEnd:
    """Mu-law, kept for so many seconds."""

    def __init__(self, most: float) -> None:
        """`most`: media s that are kept."""
        self._most = most
        self._kept: deque[tuple[float, bytes]] = deque()  # start, sound

    def hear(self, start: float, ulaw: bytes) -> None:
        """`start`: media s."""
        self._kept.append((start, ulaw))
        while self._kept and start - self._kept[0][0] > self._most:
            self._kept.popleft()

    def since(self, start: float) -> bytes:
        """From this moment on, media s, as far as it is still kept."""
        return b"".join(ulaw for at, ulaw in self._kept if at + len(ulaw) / BYTES > start)

    def between(self, start: float, end: float) -> bytes:
        """Between two moments, media s."""
        return b"".join(ulaw for at, ulaw in self._kept if at + len(ulaw) / BYTES > start and at < end)

    def clear(self) -> None:
        """A new process has none of it."""
        self._kept.clear()
