"""Singing out of speech, since sung music with a free licence is scarce.

The WORLD vocoder (pyworld) takes a spoken line apart; its pitch is put on the notes of a scale with vibrato and
glides, its vowels are drawn out, several voices make a choir, and free instrumental music plays along or not.
"""

from __future__ import annotations

import numpy as np
import pyworld
from numpy.typing import NDArray

from .sources import RATE, Clip

SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10))


def sing(clip: Clip, random: np.random.Generator) -> NDArray[np.float32]:
    """One spoken clip, sung: 4 to 14 s at 8,000 Hz, peak 0.5."""
    speech = clip.samples[: 6 * RATE].astype(np.float64)
    pitch, times = pyworld.dio(speech, RATE, frame_period=5.0)
    pitch = pyworld.stonemask(speech, pitch, times, RATE)
    envelope = pyworld.cheaptrick(speech, pitch, times, RATE)
    breath = pyworld.d4c(speech, pitch, times, RATE)
    voiced = pitch > 0
    speed = np.where(voiced, random.uniform(0.3, 0.65), random.uniform(0.8, 1.0))
    at = np.interp(
        np.arange(0, (1 / speed).sum()), np.concatenate(([0], np.cumsum(1 / speed)))[:-1], np.arange(len(speed))
    )
    at = np.clip(np.rint(at).astype(int), 0, len(speed) - 1)
    envelope, breath, voiced = envelope[at], breath[at], voiced[at]
    base = float(np.median(pitch[pitch > 0])) if (pitch > 0).any() else 180.0
    base *= 2 ** random.uniform(-0.2, 0.6)
    scale = SCALES[random.integers(len(SCALES))]
    note_length = random.uniform(0.18, 0.7)
    melody = np.empty(len(at))
    step, filled = int(random.integers(0, 7)), 0
    while filled < len(at):
        length = int(note_length * random.choice([0.5, 1, 1, 2, 3]) * 200) + 1
        step = int(np.clip(step + random.integers(-2, 3), -3, 10))
        octave, degree = divmod(step, len(scale))
        melody[filled : filled + length] = base * 2 ** (octave + scale[degree] / 12)
        filled += length
    glide = np.ones(12) / 12
    melody = np.convolve(np.pad(melody, (6, 6), mode="edge"), glide, mode="same")[6:-6]
    vibrato = 1 + random.uniform(0, 0.025) * np.sin(2 * np.pi * random.uniform(4.5, 6.5) * np.arange(len(at)) * 0.005)
    sung = pyworld.synthesize(np.where(voiced, melody * vibrato, 0.0), envelope, breath, RATE, 5.0)
    return (0.5 * sung / (np.abs(sung).max() + 1e-9)).astype(np.float32)[: 14 * RATE]


def song(voices: list[Clip], music: Clip | None, random: np.random.Generator) -> NDArray[np.float32]:
    """One to four voices, with music 0 to 14 dB under or over them when there is any."""
    parts = [sing(voice, random) for voice in voices]
    length = max(len(part) for part in parts)
    mixed = np.zeros(length, np.float32)
    for part in parts:
        mixed[: len(part)] += part
    if music is not None:
        start = random.integers(max(1, len(music.samples) - length))
        under = np.resize(music.samples[start:], length)
        loud, soft = np.sqrt(np.mean(mixed**2)), np.sqrt(np.mean(under**2)) + 1e-6
        mixed += under * np.float32(loud / soft * 10 ** (random.uniform(-14, 4) / 20))
    return (0.5 * mixed / (np.abs(mixed).max() + 1e-9)).astype(np.float32)
