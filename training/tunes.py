"""Tunes from nothing: plucked, struck and blown notes, dense or sparse, with gaps.

Sparse solo instruments are what free recordings lack, and their onsets are what a voice is most easily heard in.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE = 8000
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10), (0, 2, 3, 5, 7, 9, 10))


def tune(seconds: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Music of that length, peak 0.5: one to three parts of one instrument each, in one key."""
    length = round(seconds * RATE)
    mixed = np.zeros(length + RATE, np.float32)
    scale = SCALES[random.integers(len(SCALES))]
    key = random.uniform(70, 160)
    beat = 60 / random.uniform(50, 150)
    for part in range(random.choice([1, 1, 2, 3])):
        play = instrument(random)
        octave = int(random.integers(0, 3)) if part else int(random.integers(1, 3))
        rest = random.uniform(0.0, 0.6)
        degree, at = int(random.integers(0, 7)), 0.0
        while at < seconds:
            held = beat * float(random.choice([0.25, 0.5, 0.5, 1, 1, 2]))
            if random.random() >= rest:
                chord = [0] if random.random() < 0.75 else [0, 2, 4]
                for above in chord:
                    up, step = divmod(degree + above, len(scale))
                    hertz = key * 2 ** (octave + up + scale[step] / 12)
                    if hertz < 1900:
                        note = play(hertz, min(held * random.uniform(0.6, 2.5), 4.0))
                        begin = round((at + random.uniform(0, 0.015)) * RATE)
                        note = note[: len(mixed) - begin]
                        mixed[begin : begin + len(note)] += note * np.float32(random.uniform(0.4, 1.0))
            degree = int(np.clip(degree + random.integers(-3, 4), -4, 9))
            at += held
    mixed = mixed[:length]
    if random.random() < 0.5:
        tail = random.standard_normal(int(random.uniform(0.2, 1.2) * RATE)).astype(np.float32)
        tail *= np.exp(-6.0 * np.arange(len(tail)) / len(tail)).astype(np.float32) * np.float32(0.04)
        tail[0] = 1.0
        size = 1 << int(np.ceil(np.log2(length + len(tail))))
        mixed = np.fft.irfft(np.fft.rfft(mixed, size) * np.fft.rfft(tail, size), size)[:length].astype(np.float32)
    return (0.5 * mixed / (np.abs(mixed).max() + 1e-6)).astype(np.float32)


def instrument(random: np.random.Generator) -> Callable[[float, float], NDArray[np.float32]]:
    """A function (hertz, seconds) -> samples, of one timbre."""
    partials = np.arange(1, int(random.integers(2, 9)))
    loud = random.uniform(0.2, 1.0, len(partials)) / partials ** random.uniform(0.5, 2.0)
    stretch = random.choice([0.0, random.uniform(0, 0.01)])  # bars and bells are not harmonic
    attack = random.choice([0.003, 0.008, 0.03, 0.12])
    decay = random.choice([0.0, 1.0, 3.0, 6.0, 12.0]) * random.uniform(0.7, 1.4)
    damp = random.uniform(0.0, 1.5)  # higher partials fade sooner
    vibrato = random.choice([0.0, 0.0, random.uniform(0.002, 0.008)])
    tremble = random.uniform(4, 6.5)

    def play(hertz: float, seconds: float) -> NDArray[np.float32]:
        at = np.arange(max(160, round(seconds * RATE))) / RATE
        phase = 2 * np.pi * hertz * (at + vibrato / tremble * np.sin(2 * np.pi * tremble * at))
        sound = np.zeros(len(at))
        for number, share in zip(partials, loud, strict=True):
            if hertz * number < 3700:
                fading = np.exp(-decay * damp * number * at / 3)
                sound += share * np.sin(number * (1 + stretch * number) * phase) * fading
        shape = np.minimum(1, at / attack) * np.exp(-decay * at) * np.clip((at[-1] - at) / 0.03, 0, 1)
        return (sound * shape).astype(np.float32)

    return play
