"""Words as they are written, cut into pieces that can be spoken one after the other."""

from __future__ import annotations

import re

LONGEST = 240  # characters of one piece
FIRST_CLAUSE = 60  # characters from which the first piece may end at a comma: the person waits for it

_END = re.compile(r"[.!?…。！？]+[\"'”’)\]*_`]*(?=\s)|\n+")
_CLAUSE = re.compile(r"[,;:—–]+(?=\s)")
_SHORT = re.compile(r"(?:\b(?:mr|mrs|ms|dr|st|no|vs|etc|e\.g|i\.e|a\.m|p\.m|approx)|\b[a-z]|^\d+)\.$", re.I)
_MARKUP = re.compile(r"[*_#`]+")


class Sentences:
    """`push` what comes, and speak what it returns; `rest` when nothing more will come."""

    def __init__(self) -> None:
        self._text = ""
        self._first = True

    def push(self, text: str) -> list[str]:
        """The pieces that are complete now."""
        self._text += text
        found: list[str] = []
        while (end := self._cut()) is not None:
            piece, self._text = clean(self._text[:end]), self._text[end:].lstrip()
            if piece:
                found.append(piece)
                self._first = False
        return found

    def rest(self) -> str:
        """What is left; may be empty."""
        piece, self._text = clean(self._text), ""
        return piece

    def _cut(self) -> int | None:
        for match in _END.finditer(self._text):
            if not _SHORT.search(self._text[: match.end()]):
                return match.end()
        if self._first and len(self._text) > FIRST_CLAUSE:
            for match in _CLAUSE.finditer(self._text):
                if match.end() >= FIRST_CLAUSE:
                    return match.end()
        if len(self._text) > LONGEST:
            space = self._text.rfind(" ", 0, LONGEST)
            return space if space > 0 else LONGEST
        return None


def clean(text: str) -> str:
    """Without the marks that a reader sees and a listener must not hear. Empty when there is nothing to be said."""
    words = " ".join(_MARKUP.sub("", text).split())
    return words if any(char.isalnum() for char in words) else ""
