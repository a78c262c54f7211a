"""Keys that we make, decoded by receivers that are not ours, on several lines.

By a receiver after ITU-T Q.24, and by multimon-ng where it is installed. `right` counts keys in order; one that comes
twice counts against it. multimon-ng takes a gap of some milliseconds, which GSM leaves, for the end of a key: its
repeats are not counted. Exit status 1 when less than the limit is right.
"""

from __future__ import annotations

import argparse
import difflib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from outwait.audio import g711
from outwait.bench._receiver import Sound, gsm, lossy, multimon, receiver, right
from outwait.call.keys import KEYS, tones

LINES: Final[dict[str, tuple[Callable[[Sound, int], Sound], float]]] = {
    "G.711": (lambda sound, seed: sound, 1.0),
    "GSM": (lambda sound, seed: gsm(sound), 0.99),
    "2 % lost": (lambda sound, seed: lossy(sound, 0.02, seed), 0.99),
    "GSM, 2 % lost": (lambda sound, seed: lossy(gsm(sound), 0.02, seed), 0.99),
}
"""Name, what it does to sound, and the share of keys that must be right behind it."""


def main(arguments: list[str]) -> int:
    """Press, decode, print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="outwait bench keys", description=__doc__)
    parser.add_argument("--keys", type=int, default=400, help="that are pressed on each line, drawn")
    parser.add_argument("--seeds", type=int, default=3, help="how often each line is tried")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    short = False
    for line, (through, limit) in LINES.items():
        shares = decoded(options.keys, options.seeds, through)
        short = short or min(shares.values()) < limit
        if options.json:
            sys.stdout.write(json.dumps({"line": line, "limit": limit, "right": shares}) + "\n")
        else:
            told = ", ".join(f"{name} {share:.2%}" for name, share in shares.items())
            sys.stdout.write(f"{line}: {told} (limit {limit:.0%})\n")
    return 1 if short else 0


def decoded(keys: int, seeds: int, through: Callable[[Sound, int], Sound]) -> dict[str, float]:
    """Share of the keys that each receiver has right."""
    shares: dict[str, list[float]] = {"Q.24": []}
    for seed in range(seeds):
        pressed = "".join(np.random.default_rng(seed).choice(list(KEYS.replace("w", "")), keys))
        far = through(g711.decode(tones(pressed)), seed)
        shares["Q.24"].append(right(receiver(far), pressed))
        if shutil.which("multimon-ng") is not None:
            with TemporaryDirectory() as folder:
                heard = multimon(far, Path(folder))
            blocks = difflib.SequenceMatcher(None, pressed, heard, autojunk=False).get_matching_blocks()
            shares.setdefault("multimon-ng", []).append(sum(block.size for block in blocks) / keys)
    return {name: sum(found) / len(found) for name, found in shares.items()}
