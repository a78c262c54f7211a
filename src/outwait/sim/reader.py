"""A recogniser for simulated calls: it knows what was said from the very sound, as the model's simulator does."""

from __future__ import annotations

from outwait.sim.hearing import Hearing


class SimReader:
    """A `Recogniser` that makes no mistakes. `read` is what it was asked, and what it answered."""

    name = "simulated"

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing
        self.read: list[tuple[float, str]] = []  # seconds of the clip, its words

    async def transcribe(self, ulaw: bytes) -> str:
        words = self._hearing.words(ulaw)
        self.read.append((len(ulaw) / 8000, words))
        return words
