"""Samples to spectra: what both the net and the memory of the ear look at.

One frame is 20 ms (160 samples at 8,000 a second), seen through a 32 ms window that ends with the frame, so a frame
knows nothing of what comes after it. Every step works on each row alone, with a fixed order of additions: the same
samples give the same bits, however many calls share a batch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HOP = 160  # samples a frame
WINDOW = 256  # samples a frame looks at: its own and the OVERLAP before it
OVERLAP = WINDOW - HOP
BANDS = 40
FLOOR_DB = -96.0  # dB re full scale: below mu-law's smallest step, the value of digital silence

# FFT bins of 31.25 Hz where the bands begin: from 62.5 Hz, below which there is only hum; the last ends at bin 127.
_EDGES = np.array(
    [
        2,
        *range(4, 16),
        *range(16, 32, 2),
        32,
        35,
        38,
        41,
        44,
        47,
        51,
        55,
        59,
        63,
        68,
        73,
        78,
        84,
        90,
        97,
        104,
        112,
        120,
    ],
    dtype=np.intp,
)
CENTRES = np.rint((_EDGES + np.append(_EDGES[1:], 128) - 1) * 31.25 / 2)  # Hz, the middle of each band
_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
# A full-scale sine gives 0 dB: the window's coherent gain is WINDOW / 4 a side.
_SCALE = np.float32(1.0 / (32768.0 * WINDOW / 4))


def power(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """(rows, OVERLAP + n * HOP) samples -> (rows, n, BANDS) band powers, 1.0 for a full-scale sine in the band."""
    rows, length = samples.shape
    frames = (length - OVERLAP) // HOP
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW, axis=1)[:, ::HOP]
    spectrum = np.fft.rfft((windows * _HANN).reshape(rows * frames, WINDOW), axis=1)[:, :128]
    spectrum *= _SCALE
    energy = spectrum.real * spectrum.real + spectrum.imag * spectrum.imag
    bands: NDArray[np.float32] = np.add.reduceat(energy, _EDGES, axis=1).reshape(rows, frames, BANDS)
    return bands


def features(band_power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Band powers -> whole numbers for the net: 2 a dB, 0 at -48 dB, from -96 (silence) to 96 (full scale)."""
    tiny = np.float32(10.0 ** (FLOOR_DB / 10))
    whole: NDArray[np.float32] = np.rint(np.float32(20) * np.log10(np.maximum(band_power, tiny)) + np.float32(96))
    return whole


def levels(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """(rows, n * HOP) samples -> (rows, n) loudness of each frame, dBFS (a full-scale square wave is 0)."""
    rows, length = samples.shape
    wide = samples.reshape(rows, length // HOP, HOP).astype(np.float64)
    mean = np.einsum("rfs,rfs->rf", wide, wide) / (HOP * 32768.0**2)
    decibels: NDArray[np.float64] = 10.0 * np.log10(np.maximum(mean, 10.0 ** (FLOOR_DB / 10)))
    return decibels
