"""What a line does to a composed hold."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from outwait.audio import g711

Sound = NDArray[np.float32]
RATE: Final = g711.RATE


def noise(length: float, level: float, r: np.random.Generator) -> Sound:
    """Soft coloured noise of `level` dBFS; digital silence under -90."""
    count = round(length * RATE)
    if level < -90:
        return np.zeros(count, np.float32)
    white = r.standard_normal(count + 64)
    soft = np.convolve(white, r.uniform(0.2, 0.9) ** np.arange(32))[32 : 32 + count]
    return (soft / (soft.std() + 1e-9) * 10 ** (level / 20)).astype(np.float32) if count else soft.astype(np.float32)


def encoded(sound: Sound) -> bytes:
    """Mu-law of samples in -1..1; louder ones are clipped."""
    return g711.encode(np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16))


def decibels(value: float) -> np.float32:
    """A gain in dB as a factor."""
    return np.float32(10 ** (value / 20))


def _lossy(sound: Sound, r: np.random.Generator) -> Sound:
    sound = sound.copy()
    rate = r.uniform(0.01, 0.05)
    lost = False
    for frame in range(1, len(sound) // 160):
        lost = r.random() < (0.4 if lost else rate)
        if lost:
            sound[frame * 160 : frame * 160 + 160] = 0.6 * sound[frame * 160 - 160 : frame * 160]
    return sound


def _gsm(sound: Sound, r: np.random.Generator) -> Sound:
    coded = io.BytesIO()
    soundfile.write(coded, np.clip(sound, -1, 1), RATE, format="WAV", subtype="GSM610")
    coded.seek(0)
    back, _ = soundfile.read(coded, dtype="float32")
    return np.asarray(back, np.float32)


DAMAGE: Final[dict[str, Callable[[Sound, np.random.Generator], Sound]]] = {
    "none": lambda sound, r: sound,
    "GSM": _gsm,
    "loss": _lossy,
    "GSM and loss": lambda sound, r: _lossy(_gsm(sound, r), r),
    "line noise": lambda sound, r: sound + noise(len(sound) / RATE, float(r.uniform(-52, -40)), r)[: len(sound)],
    "soft line": lambda sound, r: sound * decibels(-14),
    "clipped": lambda sound, r: np.clip(sound * 4, -0.4, 0.4),
    "quiet person": lambda sound, r: sound,
}
DAMAGES: Final = list(DAMAGE)
DAMAGE_SHARES: Final = [0.40, 0.13, 0.13, 0.07, 0.08, 0.06, 0.05, 0.08]
