"""Who said what, known from the sound itself: the truth behind the simulated transcription.

Whoever speaks registers the very bytes it sends with the words in them. Whoever must understand looks for probes of
those
bytes in what it got: cut at any place, joined in any way, heard only in part.
"""

from __future__ import annotations

from dataclasses import dataclass

PROBE_BYTES = 80  # 10 ms; long enough that speech does not repeat by chance
_QUIET = frozenset(b"\xff\x7f\xfe\x7e\xfd\x7d")


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
        self._probes[audio] = _probes(audio, max(4, len(text.split())))

    def utterances(self, audio: bytes) -> list[tuple[int, Utterance, str]]:
        """(offset in bytes, utterance, the words of it that are in `audio`), in order."""
        found: list[tuple[int, Utterance, str]] = []
        for known, utterance in self._known.items():
            probes = self._probes[known]
            hits = [(at, place) for at, probe in probes if (place := audio.find(probe)) >= 0]
            if not hits:
                continue
            first, last = hits[0][0] / len(known), (hits[-1][0] + PROBE_BYTES) / len(known)
            whole = len(hits) == len(probes)
            text = utterance.text if whole else _part(utterance.text, first, last)
            if text:
                found.append((hits[0][1], utterance, text))
        return sorted(found, key=lambda entry: entry[0])

    def words(self, audio: bytes) -> str:
        """What a transcriber would write; "" when nobody spoke."""
        return " ".join(text for _, _, text in self.utterances(audio))


def _probes(audio: bytes, count: int) -> list[tuple[int, bytes]]:
    """About `count` places spread over the utterance that are not silence."""
    found = []
    step = max(PROBE_BYTES, len(audio) // (count + 1))
    for start in range(0, max(1, len(audio) - PROBE_BYTES), step):
        for at in range(start, min(start + step, len(audio) - PROBE_BYTES), PROBE_BYTES):
            probe = audio[at : at + PROBE_BYTES]
            if sum(byte in _QUIET for byte in probe) < PROBE_BYTES // 4:
                found.append((at, probe))
                break
    return found


def _part(text: str, first: float, last: float) -> str:
    words = text.split()
    return " ".join(words[int(first * len(words)) : max(1, round(last * len(words)))])
