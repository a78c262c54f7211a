"""Samples of one rate become samples of another, as they come: exact in time, and no more than a few ms late.

A polyphase filter for the simple ratios of telephones and models (8,000 to 16,000, 24,000 to 8,000). However the
sound is cut into pieces, the same samples come out, and at the end there are exactly as many as the time is long. On
the way to a multiple of the rate, the samples that there were stay what they are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_ZEROS = 16  # crossings of the filter's kernel on each side: how steep it is
_PASS = 0.92  # share of the band that is kept when there will be less of it; upwards all of it is
_BETA = 6.0  # of the Kaiser window: about 60 dB


class Resampler:
    """One stream. Samples are signed 16-bit integers, one channel."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        """Rates in samples a second."""
        common = math.gcd(rate_in, rate_out)
        self._up, self._down = rate_out // common, rate_in // common
        wide = max(self._up, self._down)
        self._reach = _ZEROS * wide  # samples of the fine grid that the kernel looks ahead and back
        at = np.arange(-self._reach, self._reach + 1)
        band = _PASS if self._down > 1 else 1.0
        kernel = np.sinc(at * band / wide) * np.kaiser(len(at), _BETA)
        gain = self._up / kernel.sum() if self._down > 1 else 1.0
        self._kernel = (kernel * gain).astype(np.float32)
        self._fine = np.zeros(self._reach, np.float32)  # the fine grid, from `_reach` before the next sample out

    def take(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """More of it; what can be said of the other rate by now."""
        fine = np.zeros(len(samples) * self._up, np.float32)
        fine[:: self._up] = samples
        return self._advance(fine)

    def end(self) -> NDArray[np.int16]:
        """What was still on its way; the stream begins anew."""
        rest = self._advance(np.zeros(self._reach, np.float32))
        self._fine = np.zeros(self._reach, np.float32)
        return rest

    def _advance(self, more: NDArray[np.float32]) -> NDArray[np.int16]:
        self._fine = np.concatenate([self._fine, more])
        ready = len(self._fine) - 2 * self._reach  # places of the fine grid whose surroundings are all here
        if ready <= 0:
            return np.zeros(0, np.int16)
        places = range(0, ready, self._down)
        found = sliding_window_view(self._fine, len(self._kernel))[:: self._down][: len(places)] @ self._kernel
        self._fine = self._fine[len(places) * self._down :]
        samples: NDArray[np.int16] = np.clip(np.rint(found), -32768, 32767).astype(np.int16)
        return samples
