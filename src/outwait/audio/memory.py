"""What a call remembers of the voices it heard: so that a recording is known when it comes again.

Two memories. *Words* are sub-fingerprints after Haitsma and Kalker: 32 signs of how the spectrum's slope changes, one
word a frame, which survive gain, codecs and music underneath. The last second is looked for among all words of voices
heard before; what is found is not stored again, so the memory grows with new speech only. *Voices* are the net's
descriptions of who speaks, averaged over an utterance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from .net import FRAMES, VOICE

SUM: Final = 5  # frames added up before a word is taken: fast changes do not survive a codec
LAG: Final = 5  # frames between the two slopes compared
BEFORE: Final = SUM + LAG - 1  # frames before the first that are needed for its word
_LOW: Final = 4  # the first of the 33 bands of a word: 187 Hz to 2.6 kHz
_BITS: Final = 32
_WORD_SECONDS: Final = 0.02
_LONG: Final = 80  # words of a question at most: 1.6 s
_SHORT: Final = 40  # words of a question at least: 0.8 s
_COARSE: Final = 10  # words of a question that are looked for in the whole memory
_LEAST_AGE: Final = 150  # words: what is younger than 3 s is the same utterance
CAPACITY: Final = 60_000  # words: 20 minutes of speech not heard before; the oldest gives way
_AUDIBLE: Final = 10.0 ** (-5.6)  # power of a frame (-56 dBFS) below which its word is not asked about
_PAUSE: Final = 4  # stretches without a voice that end an utterance
_VOICES: Final = 24  # voices a call tells apart at most
_SAME: Final = 0.60  # cosine of two descriptions of one voice, at least


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a stretch."""

    repeated: float
    """0..1: how surely the last second was heard before"""
    familiar: float
    """0..1: likeness of the nearest voice heard earlier; 0.5 is the edge of sameness"""
    voice: int
    """number of the voice: of the nearest one when familiar, else the next free one; -1 when it is too early to say"""
    ago: float = 0.0
    """seconds since that voice was heard before; 0 when it was not"""


def fingerprint(band_power: NDArray[np.float32]) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """(rows, BEFORE + n, BANDS) band powers -> (rows, n) words, and whether each is loud enough to count."""
    rows, length, _ = band_power.shape
    total = band_power[:, SUM - 1 :, _LOW : _LOW + _BITS + 1].copy()
    for back in range(1, SUM):
        total += band_power[:, SUM - 1 - back : length - back, _LOW : _LOW + _BITS + 1]
    loud = np.log10(total + np.float32(1e-7))
    slope = loud[..., :-1] - loud[..., 1:]
    bits = slope[:, LAG:] > slope[:, :-LAG]
    words = np.packbits(bits, axis=2).view(np.uint32).reshape(rows, -1)
    return words, total[:, LAG:].sum(axis=2) > _AUDIBLE * SUM


class Memory:
    """One call's memory. Bounded: 240 kB of words and 3 kB of voices."""

    __slots__ = (
        "_asked", "_audible", "_clock", "_lock", "_misses", "_repeated", "_silent", "_sum", "_times",
        "_used", "_voices", "_weight", "_words",
    )  # fmt: skip

    def __init__(self) -> None:
        self._asked = np.zeros(_LONG, np.uint32)  # the last words heard
        self._audible = np.zeros(_LONG, np.bool_)
        self._clock = 0  # words heard in all
        self._words = np.zeros(1024, np.uint32)
        self._times = np.zeros(1024, np.int32)  # value of the clock at each word
        self._used = 0
        self._lock = -1  # where in the memory the last word was found, -1: nowhere
        self._misses = 0  # stretches in a row that the lock did not fit
        self._repeated = 0.0
        self._silent = _PAUSE  # stretches since a voice was heard
        self._sum = np.zeros(VOICE, np.float64)  # of the descriptions in this utterance
        self._weight = 0.0
        self._voices = np.zeros((0, VOICE), np.float64)

    def hear(
        self, words: NDArray[np.uint32], audible: NDArray[np.bool_], voice: NDArray[np.float32], speech: float
    ) -> Known:
        """One stretch: its 8 words and which of them count, (VOICE,) description, the speech score -> what is known."""
        self._clock += FRAMES
        self._asked[:-FRAMES] = self._asked[FRAMES:]
        self._asked[-FRAMES:] = words
        self._audible[:-FRAMES] = self._audible[FRAMES:]
        self._audible[-FRAMES:] = audible
        if speech < 0.4:
            self._silent += 1
            if self._silent == _PAUSE:
                self._settle()
            if self._silent >= _PAUSE:
                self._lock = -1
                self._repeated = 0.0
            elif self._lock >= 0:
                self._lock += FRAMES
            return Known(self._repeated if self._silent < _PAUSE else 0.0, 0.0, -1, self._ago())
        self._silent = 0
        self._search()
        if self._lock < 0:
            self._store(words)
        self._sum += speech * voice.astype(np.float64)
        self._weight += speech
        familiar, number = self._who()
        return Known(round(self._repeated * 256) / 256, familiar, number, self._ago())

    def dump(self) -> bytes:
        """Everything, as bytes for `load`."""
        return msgspec.msgpack.encode(
            _Stored(
                self._asked.tobytes(),
                self._audible.tobytes(),
                self._clock,
                self._words[: self._used].tobytes(),
                self._times[: self._used].tobytes(),
                self._lock,
                self._misses,
                self._repeated,
                self._silent,
                self._sum.tobytes(),
                self._weight,
                self._voices.tobytes(),
            )
        )

    @classmethod
    def load(cls, stored: bytes) -> Memory:
        """The memory that `dump` wrote. Raises ValueError for anything else."""
        try:
            kept = msgspec.msgpack.decode(stored, type=_Stored)
        except msgspec.DecodeError as error:
            raise ValueError(f"not a stored memory: {error}") from error
        self = cls()
        self._asked = np.frombuffer(kept.asked, np.uint32).copy()
        self._audible = np.frombuffer(kept.audible, np.bool_).copy()
        self._clock = kept.clock
        self._used = len(kept.words) // 4
        self._words = np.zeros(max(1024, self._used), np.uint32)
        self._words[: self._used] = np.frombuffer(kept.words, np.uint32)
        self._times = np.zeros(max(1024, self._used), np.int32)
        self._times[: self._used] = np.frombuffer(kept.times, np.int32)
        self._lock, self._misses, self._repeated, self._silent = kept.lock, kept.misses, kept.repeated, kept.silent
        self._sum = np.frombuffer(kept.sum, np.float64).copy()
        self._weight = kept.weight
        self._voices = np.frombuffer(kept.voices, np.float64).reshape(-1, VOICE).copy()
        return self

    def _search(self) -> None:
        """Set the lock, and how surely the last words are a repeat."""
        if self._lock >= 0:
            self._lock += FRAMES
            wrong = self._wrong(self._lock, _SHORT)
            if wrong <= 0.36:
                self._misses = 0
                self._repeated = _sure(self._wrong(self._lock, _LONG), wrong)
                return
            self._misses += 1
            if self._misses < 2:
                return
            self._lock = -1
            self._repeated = 0.0
        end = self._old()
        if end < _SHORT or int(self._audible[-_SHORT:].sum()) < _SHORT * 3 // 4:
            return
        step = _SHORT // _COARSE
        places = end - _SHORT + 1
        bits = np.zeros(places, np.uint16)
        for k in range(_COARSE):
            shift = k * step
            bits += np.bitwise_count(self._words[shift : shift + places] ^ self._asked[_LONG - _SHORT + shift])
        best = np.argpartition(bits, min(4, places - 1))[:5]
        self._misses = 0
        for place in best.tolist():
            if bits[place] > 0.40 * _BITS * _COARSE:
                continue
            for shift in (0, -1, 1):
                last = place + shift + _SHORT - 1
                if not _SHORT - 1 <= last < end:
                    continue
                wrong = self._wrong(last, _SHORT)
                sure = _sure(self._wrong(last, _LONG), wrong)
                if sure > max(0.25, self._repeated):
                    self._lock, self._repeated = last, sure

    def _ago(self) -> float:
        if not 0 <= self._lock < self._used or not self._repeated:
            return 0.0
        return round((self._clock - 1 - int(self._times[self._lock])) * _WORD_SECONDS, 2)

    def _wrong(self, last: int, count: int) -> float:
        """Share of wrong bits when the last `count` words heard are laid on the memory up to place `last`."""
        count = min(count, last + 1)
        if last >= self._used or count < _SHORT:
            return 0.5
        audible = self._audible[_LONG - count :]
        heard = int(audible.sum())
        if heard < _SHORT // 2:
            return 0.5
        wrong = np.bitwise_count(self._words[last + 1 - count : last + 1] ^ self._asked[_LONG - count :])
        return float(wrong[audible].sum()) / (heard * _BITS)

    def _old(self) -> int:
        """How many of the words stored are older than this utterance."""
        return int(np.searchsorted(self._times[: self._used], self._clock - _LEAST_AGE))

    def _store(self, words: NDArray[np.uint32]) -> None:
        if self._used + FRAMES > len(self._words):
            if self._used >= CAPACITY:
                keep = CAPACITY * 3 // 4
                self._words[:keep] = self._words[self._used - keep : self._used]
                self._times[:keep] = self._times[self._used - keep : self._used]
                self._used = keep
            else:
                size = min(2 * len(self._words), CAPACITY + FRAMES)
                self._words = np.resize(self._words, size)
                self._times = np.resize(self._times, size)
        new = slice(self._used, self._used + FRAMES)
        self._words[new] = words
        self._times[new] = np.arange(self._clock - FRAMES, self._clock)
        self._used += FRAMES

    # voices

    def _who(self) -> tuple[float, int]:
        if self._weight < 5.0:  # 0.8 s
            return 0.0, -1
        number, likeness = self._nearest()
        familiar = min(1.0, max(0.0, 0.5 + (likeness - _SAME) / 0.4))
        familiar = round(familiar * 256) / 256
        if familiar >= 0.5:
            return familiar, number
        return familiar, min(len(self._voices), _VOICES - 1)

    def _nearest(self) -> tuple[int, float]:
        if not len(self._voices):
            return -1, -1.0
        mean = self._sum / (np.linalg.norm(self._sum) + 1e-9)
        norms = np.linalg.norm(self._voices, axis=1) + 1e-9
        likeness = (self._voices @ mean) / norms
        number = int(likeness.argmax())
        return number, float(likeness[number])

    def _settle(self) -> None:
        """The utterance is over: it joins a voice or founds one."""
        if self._weight >= 5.0:
            number, likeness = self._nearest()
            mean = self._sum / (np.linalg.norm(self._sum) + 1e-9) * min(self._weight, 60.0)
            if likeness >= _SAME or len(self._voices) >= _VOICES:
                self._voices[number] += mean
            else:
                self._voices = np.vstack((self._voices, mean))
        self._sum = np.zeros(VOICE, np.float64)
        self._weight = 0.0


class _Stored(msgspec.Struct, array_like=True):
    asked: bytes
    audible: bytes
    clock: int
    words: bytes
    times: bytes
    lock: int
    misses: int
    repeated: float
    silent: int
    sum: bytes
    weight: float
    voices: bytes


def _sure(long: float, short: float) -> float:
    """Shares of wrong bits over 1.6 s and 0.8 s -> 0..1. Chance is 0.5; foreign speech hardly gets under 0.34."""
    return min(1.0, max(0.0, (0.38 - min(long, short + 0.03)) / 0.12))
