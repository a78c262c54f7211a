"""The ear's net for training: the arithmetic of `outwait.audio.net`, with gradients.

Weights are rounded to 8 bits and activations to 1/32 in the forward pass already, so what is trained is what ships.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from outwait.audio.frontend import BANDS
from outwait.audio.net import C1, C2, C3, DILATIONS, GRAINS, HEADS, TOP, VOICE, WIDTH


def grained(x: Tensor) -> Tensor:
    """Round to 1/32 between 0 and 6; the gradient is that of the clamp."""
    y = x.clamp(0.0, TOP / GRAINS)
    return y + (torch.round(y * GRAINS) / GRAINS - y).detach()


def scale_of(weight: Tensor) -> Tensor:
    return weight.detach().abs().amax(dim=0).clamp_min(1e-8) / 127.0


def eight_bits(weight: Tensor) -> Tensor:
    """(inputs, outputs) weights, rounded to 8 bits an output; the gradient passes through."""
    scale = scale_of(weight)
    return weight + (torch.round(weight / scale) * scale - weight).detach()


class Layer(nn.Module):
    def __init__(self, inputs: int, outputs: int, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) * gain * (2.0 / inputs) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))


class TrainingNet(nn.Module):
    voice_size = VOICE

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                Layer(15, C1),
                Layer(9 * C1, C2),
                Layer(9 * C2, C3),
                Layer(2 * (BANDS // 8) * C3, WIDTH),
                *(Layer(3 * WIDTH, WIDTH, 0.5) for _ in DILATIONS),
                Layer(WIDTH, len(HEADS) + VOICE),
            ]
        )

    def forward(self, frames: Tensor) -> Tensor:
        """(B, T * 8, BANDS) features (whole numbers, as at run time) -> (B, T, 6 + VOICE)."""
        rows, steps, _ = frames.shape
        x = frames[:, None] / GRAINS  # (B, 1, time, bands)
        x = functional.pad(x, (0, 0, 2, 0), value=-96.0 / GRAINS)  # silence before the first frame
        x = self._conv(0, functional.pad(x, (2, 2, 0, 0)), 5, 1)
        x = self._conv(1, functional.pad(x, (1, 1, 1, 0)), 3, 2)
        x = self._conv(2, functional.pad(x, (1, 1, 1, 0)), 3, 2)
        # (B, C3, steps / 4, 5) -> (B, T, 2 * 5 * C3), in the order of the run-time net
        x = x.permute(0, 2, 3, 1).reshape(rows, steps // 8, -1)
        x = grained(self._dense(3, x))
        for index, gap in enumerate(DILATIONS):
            long = functional.pad(x, (0, 0, 2 * gap, 0))
            taps = torch.cat((long[:, : -2 * gap], long[:, gap:-gap], long[:, 2 * gap :]), dim=2)
            x = grained(self._dense(4 + index, taps) + x)
        return self._dense(len(self.layers) - 1, x)

    def _dense(self, index: int, x: Tensor) -> Tensor:
        layer = self.layers[index]
        return x @ eight_bits(layer.weight) + layer.bias

    def _conv(self, index: int, x: Tensor, width: int, step: int) -> Tensor:
        layer = self.layers[index]
        channels = x.shape[1]
        kernel = eight_bits(layer.weight).reshape(3, width, channels, -1).permute(3, 2, 0, 1)
        return grained(functional.conv2d(x, kernel, layer.bias, stride=(step, 2)))

    def restore(self, path: Path) -> None:
        """Take over weights that `export` wrote."""
        stored = np.load(path)
        with torch.no_grad():
            for index, layer in enumerate(self.layers):
                layer.weight.copy_(torch.from_numpy(stored[f"w{index}"].astype(np.float32) * stored[f"s{index}"]))
                layer.bias.copy_(torch.from_numpy(stored[f"b{index}"]))

    def export(self, path: Path) -> None:
        """Write the weights as the run-time net reads them."""
        arrays: dict[str, np.ndarray] = {}
        for index, layer in enumerate(self.layers):
            scale = scale_of(layer.weight)
            arrays[f"w{index}"] = torch.round(layer.weight.detach() / scale).to(torch.int8).numpy()
            arrays[f"s{index}"] = scale.numpy().astype(np.float32)
            arrays[f"b{index}"] = layer.bias.detach().numpy().astype(np.float32)
        np.savez_compressed(path, **arrays)
