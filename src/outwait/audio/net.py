"""The ear's net: a small causal convolutional net, run in numpy, on one or many calls at once.

It remembers the last 2.4 s and no more, so it cannot go deaf after minutes of music. Weights are 8-bit whole numbers
and activations whole numbers from 0 to 192 (grains of 1/32): every sum of products is a whole number under 2**24, which
float32 holds exactly. So the result does not depend on the order of additions, and neither on the batch, the cut, nor
the matrix library.

Shapes: B calls, T stretches of 8 frames. `training/net.py` is the same net for training.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .frontend import BANDS

Array = NDArray[np.float32]

FRAMES: Final = 8  # frames a stretch: 0.16 s
HEADS: Final = ("speech", "music", "singing", "tone", "noise", "live")
VOICE: Final = 32  # numbers that describe a voice
C1, C2, C3, WIDTH = 12, 24, 32, 96
DILATIONS: Final = (1, 2, 4)  # in stretches; with kernel 3 the net sees 2 * 7 stretches back
GRAINS: Final = 32  # grains in 1.0
TOP: Final = 192  # the largest activation, in grains

_PAST: Final = (
    (2, BANDS, 1),
    (1, BANDS // 2, C1),
    (1, BANDS // 4, C2),
    *((2 * d, WIDTH) for d in DILATIONS),
)  # what each layer keeps of a call: (steps, ...)
_SIZES: Final = tuple(int(np.prod(shape)) for shape in _PAST)
_CUTS: Final = tuple(int(cut) for cut in np.cumsum((0, *_SIZES)))
STATE_SIZE: Final = _CUTS[-1]  # numbers of state a call


@dataclass(frozen=True, slots=True)
class Net:
    """Weights, ready to multiply: one (inputs, outputs) matrix of whole numbers, one scale and one bias a layer."""

    matrices: tuple[Array, ...]
    scales: tuple[Array, ...]
    biases: tuple[Array, ...]

    @classmethod
    def load(cls) -> Net:
        """The net that ships with the package."""
        with resources.as_file(resources.files(__package__) / "ear.npz") as path:
            return cls.read(path)

    @classmethod
    def read(cls, path: Path) -> Net:
        """The net that `training.train` wrote."""
        with np.load(path) as stored:
            layers = range(sum(name.startswith("w") for name in stored.files))
            return cls(
                tuple(stored[f"w{i}"].astype(np.float32) for i in layers),
                tuple(stored[f"s{i}"].astype(np.float32) for i in layers),
                tuple(stored[f"b{i}"].astype(np.float32) for i in layers),
            )

    def run(self, frames: Array, state: Array) -> tuple[Array, Array]:
        """(B, T * 8, BANDS) features, (B, STATE_SIZE) state -> (B, T, 6 + VOICE) outputs and the state after them.

        The first six outputs are log odds in the order of HEADS, the rest describes the voice, not normalised.
        """
        rows = frames.shape[0]
        past = [state[:, a:b].reshape(rows, *shape) for a, b, shape in zip(_CUTS[:-1], _CUTS[1:], _PAST, strict=True)]
        kept: list[Array] = []

        def after(index: int, x: Array) -> Array:
            joined = np.concatenate((past[index], x), axis=1)
            kept.append(joined[:, joined.shape[1] - past[index].shape[1] :])
            return joined

        x = self._grains(0, _patches(after(0, frames[..., None]), width=5, step=1))
        x = self._grains(1, _patches(after(1, x), width=3, step=2))
        x = self._grains(2, _patches(after(2, x), width=3, step=2))
        x = self._grains(3, x.reshape(rows, x.shape[1] // 2, -1))
        for index, gap in enumerate(DILATIONS):
            long = after(3 + index, x)
            taps = np.concatenate((long[:, : -2 * gap], long[:, gap:-gap], long[:, 2 * gap :]), axis=2)
            x = self._grains(4 + index, taps, x)
        last = len(self.matrices) - 1
        out = _times(x, self.matrices[last]) * (self.scales[last] / np.float32(GRAINS)) + self.biases[last]
        return out, np.concatenate([piece.reshape(rows, -1) for piece in kept], axis=1)

    def _grains(self, layer: int, x: Array, add: Array | None = None) -> Array:
        y = _times(x, self.matrices[layer])
        y *= self.scales[layer]
        y += self.biases[layer] * np.float32(GRAINS)
        if add is not None:
            y += add
        np.rint(y, out=y)
        return np.clip(y, 0, TOP, out=y)


def start(rows: int) -> Array:
    """(rows, STATE_SIZE): the state of calls that have heard nothing yet; what came before counts as silence."""
    state = np.zeros((rows, STATE_SIZE), np.float32)
    state[:, : _SIZES[0]] = -96.0
    return state


def _times(x: Array, matrix: Array) -> Array:
    return (x.reshape(-1, matrix.shape[0]) @ matrix).reshape(*x.shape[:-1], matrix.shape[1])


def _patches(x: Array, width: int, step: int) -> Array:
    """(B, time, bands, channels) -> (B, time', bands / 2, 3 * width * channels): 3 x width patches, every 2nd band."""
    rows, _, bands, channels = x.shape
    side = width // 2
    padded = np.zeros((rows, x.shape[1], bands + 2 * side, channels), np.float32)
    padded[:, :, side : side + bands] = x
    view = np.lib.stride_tricks.sliding_window_view(padded, (3, width), axis=(1, 2))[:, ::step, ::2]
    # view: (B, time', bands / 2, channels, 3, width)
    return np.ascontiguousarray(view.transpose(0, 1, 2, 4, 5, 3)).reshape(*view.shape[:3], 3 * width * channels)
