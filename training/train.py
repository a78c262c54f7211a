"""Trains the ear on scenes and writes the weights: `python -m training.train --scenes scenes.npz --out ear.npz`.

One thread, one seed, no GPU; a step takes about 0.13 s of one core.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from outwait.audio.net import HEADS

from .net import TrainingNet

SEED = 7
BATCH = 16
LABEL = len(HEADS)
# How much each head counts; a voice wrongly heard in music is dearer than a late one.
HEAD_WEIGHTS = torch.tensor([2.5, 1.5, 1.0, 0.7, 0.5, 0.3])
VOICE_WEIGHT = 0.15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=Path, action="append", required=True, help="repeatable")
    parser.add_argument("--check", type=Path, help="scenes never trained on, for the closing figures")
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--minutes", type=float, default=60.0, help="be done by then, however few the steps")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--rate", type=float, default=4e-3, help="largest learning rate")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    net = TrainingNet()
    if options.start:
        net.restore(options.start)
    train(net, options.scenes, options.steps, options.minutes, options.rate)
    net.export(options.out)
    if options.check:
        check(net, options.check)


def train(net: TrainingNet, scenes: list[Path], steps: int, minutes: float, rate: float) -> None:
    """The learning rate rises for a twentieth of the way and falls to nought, by steps or by time, which is faster."""
    parts = [np.load(path) for path in scenes]
    frames, truth, weight, voice = (
        np.concatenate([part[name] for part in parts]) for name in ("frames", "truth", "weight", "voice")
    )
    random = np.random.default_rng(SEED)
    speakers = torch.nn.Parameter(torch.randn(net.voice_size, int(voice.max()) + 1) * 0.1)
    optimiser = torch.optim.AdamW([*net.parameters(), speakers], lr=1e-3, weight_decay=1e-4)
    began = time.monotonic()
    order: list[int] = []
    for step in range(steps):
        way = max(step / steps, (time.monotonic() - began) / (60 * minutes))
        if way >= 1.0:
            break
        for group in optimiser.param_groups:
            group["lr"] = rate * min(way / 0.05 + 0.02, 0.5 + 0.5 * math.cos(math.pi * way))
        if len(order) < BATCH:
            order = random.permutation(len(frames)).tolist()
        chosen = sorted(order.pop() for _ in range(BATCH))
        gain = random.integers(-16, 8, (BATCH, 1, 1)).astype(np.float32)
        x = frames[chosen].astype(np.float32)
        x = torch.from_numpy(np.where(x > -96, np.clip(x + gain, -96, 96), -96))
        y = torch.from_numpy(truth[chosen].astype(np.float32) / 255.0)
        w = torch.from_numpy(weight[chosen].astype(np.float32)) * HEAD_WEIGHTS
        out = net(x)
        loss = functional.binary_cross_entropy_with_logits(out[..., :LABEL], y, weight=w, reduction="sum") / w.sum()
        voices = voice_loss(out[..., LABEL:], torch.from_numpy(voice[chosen].astype(np.int64)), speakers)
        optimiser.zero_grad()
        (loss + VOICE_WEIGHT * voices).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        if step % 200 == 0:
            spent = time.monotonic() - began
            print(f"step {step} loss {loss.item():.4f} voices {voices.item():.3f} {spent:.0f} s", flush=True)  # noqa: T201


def voice_loss(described: Tensor, voice: Tensor, speakers: Tensor) -> Tensor:
    """One description a speaker and scene, its mean, against all speakers: additive-margin softmax."""
    means, names = [], []
    for row in range(len(voice)):
        for name in torch.unique(voice[row]).tolist():
            spoken = voice[row] == name
            count = int(spoken.sum())
            if name >= 0 and count >= 5:
                # a random stretch of 0.8 to 3 s, as the ear will have it
                where = torch.nonzero(spoken)[:, 0]
                length = int(torch.randint(5, 20, (1,)))
                first = int(torch.randint(0, max(1, count - length), (1,)))
                means.append(described[row, where[first : first + length]].mean(dim=0))
                names.append(name)
    if not means:
        return described.sum() * 0.0
    cosine = functional.normalize(torch.stack(means), dim=1) @ functional.normalize(speakers, dim=0)
    target = torch.tensor(names)
    margin = functional.one_hot(target, speakers.shape[1]) * 0.15
    return functional.cross_entropy(20.0 * (cosine - margin), target)


def check(net: TrainingNet, scenes: Path) -> None:
    data = np.load(scenes)
    with torch.no_grad():
        odds = net(torch.from_numpy(data["frames"].astype(np.float32)))[..., :LABEL].numpy()
    for index, head in enumerate(HEADS):
        sure = data["weight"][..., index] > 0
        heard, true = odds[..., index][sure] > 0, data["truth"][..., index][sure] > 127
        print(f"{head}: found {heard[true].mean():.4f}, false {heard[~true].mean():.4f}")  # noqa: T201


if __name__ == "__main__":
    main()
