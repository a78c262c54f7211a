"""The recordings that scenes are made of: read once, at 8 kHz, with what they are and who speaks."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 8000


@dataclass(frozen=True, slots=True)
class Clip:
    path: str
    source: str
    kind: str
    """class of the manifest: speech, speech_acted, speech_phone, speech_prompt, speech_tts, music, music_vocals ..."""
    speaker: str
    language: str
    samples: NDArray[np.float32]
    """full scale is 1.0"""
    share: float = 1.0
    """how often it is taken, beside the others of its source"""


def from_manifest(folder: Path, use: str) -> list[Clip]:
    """The clips of `manifest.csv` in `folder` whose `use` is "train" or "public_test"."""
    with (folder / "manifest.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["use"] == use]
    return [
        Clip(row["path"], row["source"], row["class"], row["speaker"], row["language"], read(folder / row["path"]))
        for row in rows
    ]


def read(path: Path) -> NDArray[np.float32]:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples[:, 0]
    if rate != RATE:
        import soxr

        mono = soxr.resample(mono, rate, RATE)
    return np.ascontiguousarray(mono, np.float32)
