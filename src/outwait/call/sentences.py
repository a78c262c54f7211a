"""Pieces of a voice that were read, and sentences that were cut in two between them. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from outwait.call.clips import Clip
from outwait.call.reading import Reading, read

NEAR: Final = 0.5  # s between two pieces of one sentence, at most


class Sentences:
    """Reads one call's pieces, in order."""

    def __init__(self) -> None:
        self._cut = ""  # words of a piece after which the voice went on
        self._until = 0.0  # media s: its end

    def read(self, clip: Clip, text: str) -> Reading:
        """The meaning of this piece; of a place or a wait that began in the piece before, too."""
        found = read(text)
        before = self._cut if abs(clip.start - self._until) <= NEAR else ""
        self._cut, self._until = ("" if clip.whole else text), clip.end
        if not before or not text:
            return found
        alone, joined = read(before), read(f"{before.rstrip(' .,!?')} {text}")  # its full stop is only the cut's
        position, wait = found.position, found.wait_seconds
        if joined.position not in (None, alone.position):
            position = joined.position
        if joined.wait_seconds not in (None, alone.wait_seconds):
            wait = joined.wait_seconds
        return msgspec.structs.replace(found, position=position, wait_seconds=wait)
