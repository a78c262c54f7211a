"""Hold music and line tones from nothing, at 8,000 samples a second, in -1..1."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

RATE = 8000

Samples = NDArray[np.float64]

_SCALE = (0, 2, 4, 5, 7, 9, 11)  # semitones of a major scale
_TURNS = ((0, 5, 3, 4), (0, 3, 4, 0), (5, 3, 0, 4), (0, 4, 5, 3))  # chord progressions, as degrees


def hold_music(style: str, seconds: float, seed: int = 0) -> Samples:
    """A piece of hold music of one of `STYLES`; it loops by itself when longer than one round."""
    rng = np.random.default_rng(zlib.crc32(style.encode()) + seed)
    tempo, round_of = STYLES[style]
    beat = 60.0 / tempo
    bars = [degree for degree in _TURNS[int(rng.integers(len(_TURNS)))] for _ in range(2)]
    key = 45 + int(rng.integers(12))
    one = _hall(rng, round_of(rng, key, bars, beat))
    loud = float(np.sqrt(np.mean(one**2))) or 1.0
    one = np.tanh(one / loud * 0.12)
    needed = round(seconds * RATE)
    return np.tile(one, needed // len(one) + 1)[:needed]


def tone(frequencies: tuple[float, ...], seconds: float, level: float = 0.12) -> Samples:
    """A steady tone of several frequencies, Hz."""
    at = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(sum(level * np.sin(2 * np.pi * hertz * at) for hertz in frequencies))


def cadence(frequencies: tuple[float, ...], on: float, off: float, seconds: float) -> Samples:
    """A tone that comes and goes: ringback, busy, reorder."""
    one = np.concatenate([tone(frequencies, on), np.zeros(round(off * RATE))])
    needed = round(seconds * RATE)
    return np.tile(one, needed // len(one) + 1)[:needed]


def ringback(seconds: float) -> Samples:
    """What a caller hears while it rings (North America)."""
    return cadence((440.0, 480.0), 2.0, 4.0, seconds)


def busy(seconds: float) -> Samples:
    """Engaged tone (North America)."""
    return cadence((480.0, 620.0), 0.5, 0.5, seconds)


def special_information() -> Samples:
    """The three rising tones before "the number you have dialled"."""
    return np.concatenate([tone((hertz,), length) for hertz, length in ((985.2, 0.38), (1428.5, 0.27), (1776.7, 0.38))])


def dtmf(digits: str) -> Samples:
    """Dual tones, 100 ms on and 100 ms off; `w` is half a second of nothing."""
    rows, columns = (697.0, 770.0, 852.0, 941.0), (1209.0, 1336.0, 1477.0, 1633.0)
    keys = ("123A", "456B", "789C", "*0#D")
    where = {key: (rows[r], columns[c]) for r, line in enumerate(keys) for c, key in enumerate(line)}
    parts = [np.zeros(0)]
    for digit in digits.upper():
        sound = tone(where[digit], 0.1, 0.3) if digit in where else np.zeros(round(0.4 * RATE))
        parts += [sound, np.zeros(round(0.1 * RATE))]
    return np.concatenate(parts)


def comfort_noise(seconds: float, seed: int = 0, level: float = 0.0006) -> Samples:
    """The quiet hiss of an open line; `level`: RMS in -1..1."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(round(seconds * RATE)) * level


def room(seconds: float, seed: int = 0, level: float = 0.0025) -> Samples:
    """What an open microphone hears when nobody speaks: low, uneven, never quite still. `level`: RMS in -1..1."""
    rng = np.random.default_rng(seed)
    length = round(seconds * RATE)
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    shape = np.clip(hertz / 150, 0, 1) / np.maximum(hertz, 150) ** 0.7 * (hertz < 3600)
    hum = np.fft.irfft(np.fft.rfft(rng.standard_normal(length)) * shape, length)
    at = np.arange(length) / RATE
    drift = 1.0 + 0.3 * np.sin(2 * np.pi * at * round(seconds * 0.31) / seconds)
    hum *= drift
    return np.asarray(hum * (level / float(np.sqrt(np.mean(hum**2)))))


def _note(hertz: float, seconds: float, shape: Callable[[Samples], Samples], decay: float) -> Samples:
    at = np.arange(max(1, round(seconds * RATE))) / RATE
    attack = np.minimum(1.0, at / 0.008)
    release = np.minimum(1.0, (seconds - at) / 0.02)
    return np.asarray(shape(2 * np.pi * hertz * at) * attack * np.clip(release, 0, 1) * np.exp(-decay * at))


def _electric_piano(phase: Samples) -> Samples:
    return np.asarray(np.sin(phase + 0.8 * np.sin(phase)) + 0.2 * np.sin(3 * phase))


def _strings(phase: Samples) -> Samples:
    return np.asarray(sum(np.sin(number * phase) / number for number in range(1, 6)))


def _pluck(phase: Samples) -> Samples:
    return np.asarray(np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.3 * np.sin(4 * phase))


def _hertz(key: int, degree: int, octave: int = 0) -> float:
    steps = _SCALE[degree % 7] + 12 * (degree // 7 + octave)
    return 440.0 * float(2 ** ((key + steps - 69) / 12))


def _hall(rng: np.random.Generator, dry: Samples, seconds: float = 1.4, share: float = 0.5) -> Samples:
    """The piece in a room, its tail wrapped around to its beginning, so that it loops without a seam."""
    length = round(seconds * RATE)
    tail = rng.standard_normal(length) * np.exp(-5.0 * np.arange(length) / length)
    wet = np.fft.irfft(np.fft.rfft(dry) * np.fft.rfft(tail, len(dry)), len(dry))
    wet *= float(np.sqrt(np.mean(dry**2)) / np.sqrt(np.mean(wet**2)))
    return np.asarray((1 - share) * dry + share * wet)


def _pad(key: int, degree: int, seconds: float, octave: int = 1) -> Samples:
    """A held chord."""
    return np.asarray(sum(_note(_hertz(key, degree + third, octave), seconds, _strings, 0.15) for third in (0, 2, 4)))


def _mix(length: float, notes: list[tuple[float, Samples]]) -> Samples:
    out = np.zeros(round(length * RATE))
    for start, sound in notes:
        begin = round(start * RATE)
        piece = sound[: len(out) - begin]
        out[begin : begin + len(piece)] += piece
    return out


def _lounge(rng: np.random.Generator, key: int, bars: list[int], beat: float) -> Samples:
    notes = []
    for bar, degree in enumerate(bars):
        start = bar * 4 * beat
        notes.append((start, 0.25 * _pad(key, degree, 4 * beat)))
        for step in range(4):
            for third in (0, 2, 4, 6):
                notes.append(
                    (start + step * beat, 0.4 * _note(_hertz(key, degree + third, 1), beat, _electric_piano, 3))
                )
        for step in range(8):
            if rng.random() < 0.6:
                pick = degree + int(rng.choice((0, 2, 4, 5, 7)))
                notes.append((start + step * beat / 2, 0.8 * _note(_hertz(key, pick, 2), beat, _pluck, 4)))
        notes.append((start, _note(_hertz(key, degree), 2 * beat, _pluck, 1.5)))
    return _mix(len(bars) * 4 * beat, notes)


def _strings_piece(rng: np.random.Generator, key: int, bars: list[int], beat: float) -> Samples:
    notes = []
    melody = np.cumsum(rng.integers(-2, 3, len(bars) * 2))
    for bar, degree in enumerate(bars):
        for third in (0, 2, 4):
            notes.append((bar * 4 * beat, 0.4 * _note(_hertz(key, degree + third, 1), 4 * beat, _strings, 0.2)))
    for place, (here, there) in enumerate(pairwise([*melody, melody[0]])):
        pitch = int(here + there) // 2
        notes.append((place * 2 * beat, 0.5 * _note(_hertz(key, pitch % 10, 2), 2 * beat, _strings, 0.6)))
    return _mix(len(bars) * 4 * beat, notes)


def _beat_piece(rng: np.random.Generator, key: int, bars: list[int], beat: float) -> Samples:
    notes = []
    for bar, degree in enumerate(bars):
        start = bar * 4 * beat
        notes.append((start, 0.6 * _pad(key, degree, 4 * beat)))
        for step in range(8):
            at = start + step * beat / 2
            hat = rng.standard_normal(round(0.03 * RATE)) * np.exp(-np.arange(round(0.03 * RATE)) / 50)
            notes.append((at, 0.12 * hat))
            notes.append((at, 0.6 * _note(_hertz(key, degree), beat / 2, _pluck, 3)))
            pick = (0, 2, 4, 7)[step % 4]
            notes.append((at, 0.5 * _note(_hertz(key, degree + pick, 2), beat, _electric_piano, 2)))
            if step in (2, 6):
                snare = rng.standard_normal(round(0.08 * RATE)) * np.exp(-np.arange(round(0.08 * RATE)) / 150)
                notes.append((at, 0.25 * snare))
    return _mix(len(bars) * 4 * beat, notes)


STYLES: dict[str, tuple[float, Callable[[np.random.Generator, int, list[int], float], Samples]]] = {
    "lounge": (92.0, _lounge),
    "strings": (72.0, _strings_piece),
    "beat": (112.0, _beat_piece),
}
