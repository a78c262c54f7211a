"""Who said what, known from the sound itself: the truth behind the simulated transcription.

Whoever speaks registers the very bytes it sends with the words in them. Whoever must understand looks for probes of
those bytes in what it got: cut at any place, joined in any way, heard only in part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from outwait.audio import g711

PROBE_BYTES = 80  # 10 ms; long enough that speech does not repeat by chance
LOUD = 300.0  # mean magnitude of a 16-bit sample from which it is a voice, and not the room, which repeats


@dataclass(frozen=True)
class Utterance:
    """Something said.

    text
        the words
    audio
        mu-law, exactly as sent
    kind
        "person" or "announcement"
    """

    text: str
    audio: bytes
    kind: str


class Hearing:
    """The registry: `said` from the speakers, `words` for the listeners."""

    def __init__(self) -> None:
        self._known: dict[bytes, Utterance] = {}
        self._probes: dict[bytes, list[tuple[int, bytes]]] = {}

    def said(self, text: str, audio: bytes, kind: str = "person") -> None:
        """Register an utterance. Known bytes are registered once."""
        if audio in self._known:
            return
        self._known[audio] = Utterance(text, audio, kind)
        self._probes[audio] = _probes(audio, max(4, 2 * len(text.split())))

    def utterances(self, audio: bytes) -> list[tuple[int, Utterance, str]]:
        """(offset in bytes, utterance, the words of it that are in `audio`), in order."""
        found: list[_Found] = []
        for known, utterance in self._known.items():
            probes = self._probes[known]
            places = [audio.find(probe) for _, probe in probes]
            hits = [number for number, place in enumerate(places) if place >= 0]
            if not hits:
                continue
            first = 0.0 if hits[0] == 0 else probes[hits[0]][0] / len(known)
            last = 1.0 if hits[-1] == len(probes) - 1 else (probes[hits[-1]][0] + PROBE_BYTES) / len(known)
            text = _part(utterance.text, first, last)
            if text:
                found.append(_Found(places[hits[0]], places[hits[-1]], utterance, text))
        return [(one.start, one.utterance, one.text) for one in _once(found)]

    def words(self, audio: bytes) -> str:
        """What a transcriber would write; "" when nobody spoke."""
        return " ".join(text for _, _, text in self.utterances(audio))


class _Found(NamedTuple):
    """Where its first and its last probe were heard, bytes; what; and which of its words."""

    start: int
    end: int
    utterance: Utterance
    text: str


def _once(found: list[_Found]) -> list[_Found]:
    """In order. What is said on every call is known as it was said on each: of these the one is meant that is heard
    most fully."""
    kept: list[_Found] = []
    for one in sorted(found, key=lambda one: (-len(one.text), one.start)):
        twins = [other for other in kept if other.utterance.text == one.utterance.text]
        if not any(one.start <= other.end and other.start <= one.end for other in twins):
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)


def _probes(audio: bytes, count: int) -> list[tuple[int, bytes]]:
    """About `count` places spread over the utterance where somebody speaks."""
    found = []
    step = max(PROBE_BYTES, len(audio) // (count + 1))
    for start in range(0, max(1, len(audio) - PROBE_BYTES), step):
        for at in range(start, min(start + step, len(audio) - PROBE_BYTES), PROBE_BYTES):
            probe = audio[at : at + PROBE_BYTES]
            if float(abs(g711.decode(probe).astype("int32")).mean()) >= LOUD:
                found.append((at, probe))
                break
    return found


def _part(text: str, first: float, last: float) -> str:
    words = text.split()
    return " ".join(words[round(first * len(words)) : round(last * len(words))])
