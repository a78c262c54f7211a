"""Speech from nothing: a source-filter voice for words nobody has recorded.

Glottal harmonics under moving formants for what is voiced, coloured noise for what is not. Nobody would take it for a
person, but it has what a detector looks for: pitch that moves, four or five syllables a second, formants, hiss, pauses.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 8000  # samples a second

Samples = NDArray[np.float64]

_VOWELS = {  # first three formants, Hz
    "a": (730.0, 1250.0, 2500.0),
    "e": (520.0, 1850.0, 2550.0),
    "i": (310.0, 2200.0, 2900.0),
    "o": (480.0, 900.0, 2450.0),
    "u": (330.0, 1000.0, 2300.0),
    "y": (320.0, 2050.0, 2700.0),
}
_SONORANTS = {"m": (250.0, 1100.0, 2200.0), "n": (260.0, 1500.0, 2400.0), "l": (360.0, 1100.0, 2600.0)}
_SONORANTS |= {"r": (380.0, 1250.0, 1650.0), "w": (300.0, 700.0, 2200.0), "j": (300.0, 2100.0, 2900.0)}
_HISSES = {"s": 3200.0, "z": 3000.0, "c": 2800.0, "x": 2900.0, "f": 2200.0, "v": 1800.0, "h": 1300.0}
_GAPS = {",": 0.22, ";": 0.28, ":": 0.28, ".": 0.42, "?": 0.42, "!": 0.42}


@dataclass(frozen=True)
class Timbre:
    """How a voice differs from the next one.

    pitch
        mean fundamental, Hz
    swing
        how far the pitch moves, as a share of itself
    tract
        formants are multiplied by this (1 = an adult man)
    tempo
        syllables are this much shorter than usual
    """

    pitch: float
    swing: float = 0.18
    tract: float = 1.0
    tempo: float = 1.0


@dataclass(frozen=True)
class _Sound:
    seconds: float
    voiced: float  # 0..1
    hiss: float  # 0..1
    formants: tuple[float, float, float]
    hiss_hz: float
    stressed: bool


def synthesise(text: str, timbre: Timbre) -> Samples:
    """The words as sound in -1..1; the same text and voice give the same samples."""
    sounds = _sounds(text, timbre.tempo)
    rng = np.random.default_rng(zlib.crc32(text.encode()))
    lengths = [max(1, round(sound.seconds * RATE)) for sound in sounds]
    total = sum(lengths)
    voiced = _smooth(np.repeat([sound.voiced for sound in sounds], lengths), 0.012)
    hiss = _smooth(np.repeat([sound.hiss for sound in sounds], lengths), 0.006)
    formants = [
        _smooth(np.repeat([sound.formants[number] for sound in sounds], lengths), 0.03) * timbre.tract
        for number in range(3)
    ]
    stress = _smooth(np.repeat([float(sound.stressed) for sound in sounds], lengths), 0.08)
    pitch = _pitch(text, total, timbre, stress)
    tone = _harmonics(pitch, formants) * voiced * (0.75 + 0.5 * stress)
    noise = _noise(rng, total, np.repeat([sound.hiss_hz for sound in sounds], lengths)) * hiss
    speech = tone + 0.5 * noise
    loudest = float(np.abs(speech).max())
    return speech / loudest * 0.5 if loudest else speech


def _sounds(text: str, tempo: float) -> list[_Sound]:
    found: list[_Sound] = [_quiet(0.05)]
    for word in text.lower().split():
        stressed = len(word) > 3
        for place, letter in enumerate(word):
            before = word[place - 1] if place else ""
            if letter in _GAPS:
                found.append(_quiet(_GAPS[letter]))
            elif letter in _VOWELS:
                same = before in _VOWELS
                silent_e = letter == "e" and place and word.rstrip(".,?!").endswith("e") and place == len(word) - 1
                length = 0.0 if silent_e else (0.05 if same else 0.13 if stressed else 0.09)
                found.append(_Sound(length / tempo, 1.0, 0.0, _VOWELS[letter], 1000.0, stressed and not same))
                stressed = stressed and same
            elif letter in _SONORANTS:
                found.append(_Sound(0.055 / tempo, 0.45, 0.0, _SONORANTS[letter], 1000.0, False))
            elif letter in _HISSES:
                found.append(_Sound(0.075 / tempo, 0.05, 0.7, (400.0, 1500.0, 2500.0), _HISSES[letter], False))
            elif letter.isalnum():
                found.append(_quiet(0.03 / tempo))
                found.append(_Sound(0.025 / tempo, 0.1, 0.9, (400.0, 1500.0, 2500.0), 2400.0, False))
        found.append(_quiet(0.02))
    found.append(_quiet(0.05))
    return [sound for sound in found if sound.seconds > 0]


def _quiet(seconds: float) -> _Sound:
    return _Sound(seconds, 0.0, 0.0, (500.0, 1500.0, 2500.0), 1000.0, False)


def _pitch(text: str, total: int, timbre: Timbre, stress: Samples) -> Samples:
    along = np.linspace(0.0, 1.0, total)
    fall = 1.0 + timbre.swing * (0.5 - along)
    rise = timbre.swing * 1.6 * np.clip((along - 0.8) / 0.2, 0, 1) if text.rstrip().endswith("?") else 0.0
    waver = 0.02 * np.sin(2 * np.pi * 5.3 * np.arange(total) / RATE)
    return np.asarray(timbre.pitch * (fall + rise + waver + timbre.swing * 0.6 * stress))


def _harmonics(pitch: Samples, formants: list[Samples]) -> Samples:
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = np.zeros_like(pitch)
    widths = (80.0, 110.0, 160.0)
    for number in range(1, int(3800 / float(pitch.min())) + 1):
        hertz = pitch * number
        strength = np.zeros_like(pitch)
        for place, (formant, width) in enumerate(zip(formants, widths, strict=True)):
            strength += (0.7**place) / (1.0 + ((hertz - formant) / width) ** 2)
        tone += np.where(hertz < 3800, (strength + 0.03) / number**0.4 * np.sin(number * phase), 0.0)
    return tone


def _noise(rng: np.random.Generator, total: int, centre: Samples) -> Samples:
    white = rng.standard_normal(total)
    out = np.zeros(total)
    for hertz in np.unique(centre):
        spectrum = np.fft.rfft(white)
        scale = np.fft.rfftfreq(total, 1 / RATE)
        band = 1.0 / (1.0 + ((scale - hertz) / 700.0) ** 2)
        out = np.where(centre == hertz, np.fft.irfft(spectrum * band, total), out)
    return out


def _smooth(values: NDArray[np.float64], seconds: float) -> Samples:
    width = max(1, round(seconds * RATE))
    kernel = np.hanning(width + 2)[1:-1]
    padded = np.pad(values.astype(np.float64), (width, width), mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), "same")[width:-width]
