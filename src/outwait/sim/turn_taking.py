"""How the simulated servers of Gemini and Ultravox take turns: where the person's begins and ends, and when each piece
of an answer is due."""

from __future__ import annotations

from collections.abc import Iterator

from outwait.sim.realtime_vad import Vad

CHUNK_MS = 100  # of an answer in one piece
KEPT_MS = 500  # of sound before a voice is noticed
_MS = 8  # bytes of mu-law

Piece = tuple[float, bytes, str]
"""When it is due, its sound (mu-law), and the words that come with it."""


class PersonsTurn:
    """Cuts the turns of a person out of their sound."""

    def __init__(self, silence_ms: int = 500) -> None:
        """`silence_ms`: that end a turn."""
        self._vad = Vad(0.5, silence_ms)
        self._sound = b""

    @property
    def speaking(self) -> bool:
        return self._vad.speaking

    def feed(self, ulaw: bytes) -> Iterator[bool]:
        """More sound. True: a turn begins; False: it is over, and may be taken."""
        self._sound += ulaw
        for speech in self._vad.feed(ulaw):
            if speech.began:
                self._sound = self._sound[-KEPT_MS * _MS - len(ulaw) :]
            yield speech.began
        if not self._vad.speaking:
            self._sound = self._sound[-KEPT_MS * _MS :]

    def take(self) -> bytes:
        """The sound of the turn that is over."""
        taken, self._sound = self._sound, b""
        return taken


def script(words: str, speech: bytes, begin: float, speed: float) -> list[Piece]:
    """An answer in pieces, from `begin` on, `speed` times as fast as it is spoken."""
    step = CHUNK_MS * _MS
    chunks = [speech[at : at + step] for at in range(0, len(speech), step)]
    listed, said, found = words.split(" "), 0, []
    for number, chunk in enumerate(chunks, 1):
        upto = max(1, round(len(listed) * number / len(chunks)))
        text = ("" if not said else " ") + " ".join(listed[said:upto]) if upto > said else ""
        said = max(said, upto)
        found.append((begin + (number - 1) * CHUNK_MS / 1000 / speed, chunk, text))
    return found
