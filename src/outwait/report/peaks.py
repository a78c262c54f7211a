"""The outline of a recording, small enough to travel inside a page."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from outwait.errors import OutwaitError

STEP = 0.02  # s; short enough for the ten seconds around a person's return
MOST = 360_000  # peaks of a side: two hours; longer calls get longer steps


def peaks_of(path: Path) -> dict[str, Any]:
    """Both sides of a call's recording (far end, agent) as base64 of one byte a step.

    A byte is 255 times the square root of the loudest sample, so that quiet speech can still be seen.
    """
    try:
        with soundfile.SoundFile(path) as sound:
            step = max(STEP, sound.frames / sound.samplerate / MOST)
            block = max(1, round(step * sound.samplerate))
            pieces = sound.blocks(blocksize=block * 4096, dtype="float32", always_2d=True)
            peaks = np.concatenate([_loudest(piece, block) for piece in pieces] or [np.zeros((0, 2), dtype=np.float32)])
            return {
                "step": block / sound.samplerate,
                "seconds": sound.frames / sound.samplerate,
                "far": _packed(peaks[:, 0]),
                "agent": _packed(peaks[:, 1] if sound.channels > 1 else np.zeros(0)),
            }
    except (soundfile.LibsndfileError, OSError) as error:
        raise OutwaitError(f"{path} can't be read as sound: {error}") from error


def _loudest(piece: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """The loudest sample of each block and channel; the last block may be short."""
    loudest: NDArray[np.float32] = np.maximum.reduceat(np.abs(piece), np.arange(0, len(piece), block), axis=0)
    return loudest


def _packed(peaks: NDArray[Any]) -> str:
    return base64.b64encode(np.round(255 * np.sqrt(np.clip(peaks, 0, 1))).astype(np.uint8).tobytes()).decode()
