"""Signalling tones in the far end's sound: keys, ringback, busy, reorder, dial, special information, fax, beeps.

Frequencies and cadences: keys ITU-T Q.23 and Q.24; ringback, busy, reorder and dial ITU-T E.180, where a country's own
are all near 425 Hz or pairs between 350 and 620; special information tones Q.35; fax T.30. A frame is 20 ms. What is
told depends on the sound alone and not on how its bytes were cut.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import g711

Kind = Literal["key", "ringback", "busy", "reorder", "dial", "sit", "fax", "beep"]

FRAME: Final = 160  # samples
_SECONDS: Final = FRAME / g711.RATE
_BATCH: Final = 16  # frames looked at together: one look costs as much as sixteen
_KEYS: Final = ("123A", "456B", "789C", "*0#D")
_ROWS: Final = np.array([697.0, 770.0, 852.0, 941.0])  # Hz
_COLUMNS: Final = np.array([1209.0, 1336.0, 1477.0, 1633.0])  # Hz
_BIN: Final = g711.RATE / FRAME  # Hz, 50

_FAINT: Final = (32768.0 * 10 ** (-42 / 20)) ** 2 / 2  # power of a frame below which nothing is a signal, -42 dBFS
_KEY_SHARE: Final = 0.8  # of a frame's energy that the two frequencies of a key carry at least
_TWIST: Final = 10 ** (9 / 10)  # power by which one of them may exceed the other; Q.24 has 8 dB at most
_APART: Final = 10 ** (5 / 10)  # power by which each exceeds its neighbours
_TONE_SHARE: Final = 0.9  # of a frame's energy within 100 Hz of its strongest frequency
_LOW: Final = (6, 14)  # bins of call-progress tones: 300 to 650 Hz
_LOW_SHARE: Final = 0.85  # of a frame's energy in these: pairs and modulated tones spread a little
_LOW_HERTZ: Final = (330.0, 650.0)
_LONGEST_PAUSE: Final = 0.8  # s, of a busy tone: what comes later is another signal
_STEADY: Final = 0.03  # change of frequency within one tone, as a share
_EVEN: Final = 10 ** (2.5 / 10)  # change of power within one tone: a signal is as loud at its end as it began


@dataclass(frozen=True, slots=True)
class Tone:
    """One signal."""

    kind: Kind
    start: float
    """seconds of sound heard before it began"""
    end: float
    """seconds of sound heard when it was told from others or ended, whichever came first"""
    key: str = ""
    """which key"""
    hertz: float = 0.0
    """of a beep"""


@dataclass(slots=True)
class _Run:
    """The same signal, frame after frame."""

    label: str  # a key, "low" (one frequency or two of call progress) or "tone" (one frequency elsewhere)
    hertz: float  # 0: more than one
    power: float  # of its second frame, the first whole one; 0: there was none yet
    first: int  # frames
    last: int

    @property
    def seconds(self) -> float:
        return (self.last - self.first + 1) * _SECONDS


class _Label(NamedTuple):
    """What one frame is."""

    name: str
    hertz: float
    power: float


class ToneFinder:
    """One call's far end. Sound in, signals out."""

    __slots__ = ("_frames", "_gap", "_past", "_rest", "_run", "_told")

    def __init__(self) -> None:
        self._rest = b""
        self._frames = 0  # looked at
        self._run: _Run | None = None
        self._gap = 0  # frames since the run was last heard
        self._told = False  # the run's meaning is known already
        self._past: list[_Run] = []  # runs before, as far as they make a pattern

    def hear(self, ulaw: bytes) -> list[Tone]:
        """Mu-law of any length, in order -> what was recognised in it, oldest first; at most 0.32 s late."""
        self._rest += ulaw
        size = _BATCH * FRAME
        found: list[Tone] = []
        while len(self._rest) >= size:
            batch, self._rest = self._rest[:size], self._rest[size:]
            found += self._look(batch)
        return found

    def skip(self, length: int) -> None:
        """So many bytes were heard that carry no signal, by whoever knows that. Whole batches, or the beat is lost."""
        self._rest = b""
        self._frames += length // FRAME
        self._run = None
        self._past = []

    def _look(self, batch: bytes) -> list[Tone]:
        labels = _labels(batch)
        if labels is None and self._run is None and not self._past:
            self._frames += _BATCH
            return []
        found: list[Tone] = []
        for number in range(_BATCH):
            found += self._step(labels[number] if labels is not None else None)
            self._frames += 1
        return found

    def _step(self, label: _Label | None) -> list[Tone]:
        """One frame. A run survives one frame that is lost or garbled."""
        run = self._run
        if run is not None and label is not None and _same(run, label):
            run.last = self._frames
            run.power = run.power or label.power
            self._gap = 0
            return self._going_on(run)
        found: list[Tone] = []
        if run is not None:
            self._gap += 1
            if self._gap < 2 and label is None:
                return []
            found += self._ended(run)
            self._run = None
        if label is not None:
            self._run = _Run(label.name, label.hertz, 0.0, self._frames, self._frames)
            self._gap = 0
            self._told = False
            return found
        return found + self._quiet()

    def _going_on(self, run: _Run) -> list[Tone]:
        if self._told:
            return []
        kind: Kind | None = None
        if run.label in ("tone", "low"):
            if run.label == "tone" and abs(run.hertz - 2100) < 25 and run.seconds >= 1.2:
                kind = "fax"
            elif run.label == "low" and run.seconds >= 5.0:
                kind = "dial"
        elif run.seconds >= 2 * _SECONDS:
            self._told = True
            return [Tone("key", run.first * _SECONDS, (run.last + 1) * _SECONDS, key=run.label)]
        if kind is None:
            return []
        self._told = True
        return [self._tell(kind, run.first, run.last)]

    def _ended(self, run: _Run) -> list[Tone]:
        if self._told or run.label not in ("tone", "low") or run.seconds < 4 * _SECONDS:
            return []
        self._past = [*self._past[-7:], run]
        past = self._past
        if _special(past[-3:]):
            self._past = []
            return [self._tell("sit", past[-3].first, run.last)]
        if len(past) >= 2 and _calling_fax(past[-2], run):
            self._past = []
            return [self._tell("fax", past[-2].first, run.last)]
        cadence = _cadence(past)
        if cadence is not None:
            return [self._tell(cadence, past[-3].first, run.last)]
        return []

    def _quiet(self) -> list[Tone]:
        """No tone now: what came before may have been all there is."""
        if not self._past:
            return []
        last = self._past[-1]
        gap = (self._frames - last.last) * _SECONDS
        if last.label == "low" and gap >= 1.0 and _rings(self._past):
            first = self._past[-2].first if last.seconds < 0.7 and len(self._past) > 1 else last.first
            self._past = []
            return [self._tell("ringback", first, last.last)]
        fax = abs(last.hertz - 1100) < 38 and 0.4 <= last.seconds <= 0.65  # it may come again
        if gap <= (4.0 if fax else 1.0 if last.label == "low" else 0.3):
            return []
        alone = len(self._past) == 1 or (last.first - self._past[-2].last) * _SECONDS > 1.0
        self._past = []
        longest = 0.75 if last.label == "low" else 3.0
        if alone and last.hertz and 0.1 <= last.seconds <= longest and 350 <= last.hertz <= 2500:
            return [Tone("beep", last.first * _SECONDS, (last.last + 1) * _SECONDS, hertz=last.hertz)]
        return []

    @staticmethod
    def _tell(kind: Kind, first: int, last: int) -> Tone:
        return Tone(kind, first * _SECONDS, (last + 1) * _SECONDS)


def _same(run: _Run, label: _Label) -> bool:
    if run.label != label.name or run.label != "tone":
        return run.label == label.name
    even = not run.power or run.power / _EVEN <= label.power <= run.power * _EVEN
    return even and abs(label.hertz - run.hertz) <= _STEADY * run.hertz


def _special(runs: list[_Run]) -> bool:
    """Three rising tones of a third of a second each (Q.35: 950, 1400, 1800 Hz; in America also 914, 1371, 1777)."""
    if len(runs) < 3 or any(not 0.2 <= run.seconds <= 0.5 for run in runs):
        return False
    close = all((b.first - a.last) * _SECONDS < 0.2 for a, b in itertools.pairwise(runs))
    wanted = ((890, 1010), (1340, 1450), (1740, 1850))
    return close and all(low <= run.hertz <= high for run, (low, high) in zip(runs, wanted, strict=True))


def _calling_fax(before: _Run, run: _Run) -> bool:
    """T.30: half a second of 1,100 Hz every three and a half."""
    both = all(abs(r.hertz - 1100) < 38 and 0.4 <= r.seconds <= 0.65 for r in (before, run))
    return both and 3.0 <= (run.first - before.first) * _SECONDS <= 4.2


def _cadence(past: list[_Run]) -> Kind | None:
    """Three equal beeps with equal gaps: busy, or reorder when they are quick."""
    last = past[-3:]
    if len(last) < 3 or any(run.label != "low" for run in last):
        return None
    on = [run.seconds for run in last]
    off = [(b.first - a.last - 1) * _SECONDS for a, b in itertools.pairwise(last)]
    if max(on) - min(on) > 0.1 or max(off) - min(off) > 0.1 or not 0.5 <= max(on) / max(max(off), 0.01) <= 2.0:
        return None
    if min(on) >= 0.33 and max(on) <= 0.8 and max(off) <= _LONGEST_PAUSE:
        return "busy"
    return "reorder" if min(on) >= 0.15 and max(on) < 0.33 and max(off) <= 0.45 else None


def _rings(past: list[_Run]) -> bool:
    """One long ring, or two short ones together, and then a second and more of nothing."""
    last = past[-1]
    if 0.8 <= last.seconds <= 2.6:
        return True
    two = len(past) > 1 and past[-2].label == "low" and (last.first - past[-2].last) * _SECONDS < 0.45
    more = len(past) > 2 and (past[-2].first - past[-3].last) * _SECONDS < 1.0
    return two and not more and 0.3 <= last.seconds <= 0.6


# --- one batch of frames ------------------------------------------------------------------------


def _probe() -> NDArray[np.float32]:
    """Sines and cosines of the keys' frequencies: (FRAME, 16)."""
    phase = 2 * np.pi * np.outer(np.arange(FRAME), np.concatenate((_ROWS, _COLUMNS))) / g711.RATE
    return np.concatenate((np.cos(phase), np.sin(phase)), axis=1).astype(np.float32)


_PROBE: Final = _probe()


def _labels(batch: bytes) -> list[_Label | None] | None:
    """What each frame is; None when none of them is any signal."""
    frames = g711.decode(batch).reshape(_BATCH, FRAME).astype(np.float32)
    power = np.einsum("ij,ij->i", frames, frames) / FRAME
    loud = power > _FAINT
    if not loud.any():
        return None
    spectrum = np.fft.rfft(frames, axis=1)
    bins = (spectrum.real**2 + spectrum.imag**2)[:, 1:-3] * (2.0 / (FRAME * FRAME))
    total = np.maximum(power, 1.0)
    peak = np.minimum(np.maximum(bins.argmax(axis=1), 2), bins.shape[1] - 3)
    near = np.take_along_axis(bins, peak[:, None] + np.arange(-2, 3), axis=1).sum(axis=1)
    single = loud & (near >= _TONE_SHARE * total)
    low = loud & (bins[:, _LOW[0] - 1 : _LOW[1] - 1].sum(axis=1) >= _LOW_SHARE * total)
    waves = frames @ _PROBE
    keyed = (waves[:, :8] ** 2 + waves[:, 8:] ** 2) * (2.0 / (FRAME * FRAME))
    pair = keyed[:, :4].max(axis=1) + keyed[:, 4:].max(axis=1)
    key = loud & (pair >= _KEY_SHARE * total)
    if not (single | low | key).any():
        return None
    found: list[_Label | None] = [None] * _BATCH
    for number in np.flatnonzero(single | low | key).tolist():
        pressed = _key(keyed[number]) if key[number] else ""
        if pressed:
            found[number] = _Label(pressed, 0.0, 0.0)
            continue
        hertz = _hertz(frames[number]) if single[number] else 0.0
        if low[number] and (not hertz or _LOW_HERTZ[0] <= hertz <= _LOW_HERTZ[1]):
            found[number] = _Label("low", hertz, 0.0)
        elif hertz:
            found[number] = _Label("tone", hertz, float(power[number]))
    return found


def _key(keyed: NDArray[np.float32]) -> str:
    """The key whose two frequencies stand out; "" when none does."""
    rows, columns = keyed[:4], keyed[4:]
    row, column = int(rows.argmax()), int(columns.argmax())
    if max(rows[row], columns[column]) > _TWIST * min(rows[row], columns[column]):
        return ""
    if rows[row] < _APART * np.delete(rows, row).max() or columns[column] < _APART * np.delete(columns, column).max():
        return ""
    return _KEYS[row][column]


def _hertz(frame: NDArray[np.float32]) -> float:
    """The frequency of a pure tone: each sample is the one before, turned on by as much."""
    middle = frame[1:-1]
    cosine = float((frame[:-2] + frame[2:]) @ middle) / (2.0 * float(middle @ middle) + 1e-9)
    return float(np.arccos(min(1.0, max(-1.0, cosine)))) * g711.RATE / (2 * np.pi)
