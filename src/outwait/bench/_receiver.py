"""Receivers of keys that are not ours, and the lines between: one after the rules of ITU-T Q.24, and multimon-ng."""

from __future__ import annotations

import difflib
import io
import subprocess
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

Sound = NDArray[np.int16]
BLOCK: Final = 102  # samples, as long as a receiver's filters are


def receiver(sound: Sound) -> str:
    """A receiver by the book: filters of 12.75 ms; a key counts from its second block on, and is over after three
    blocks without it (Q.24: 40 ms make a key, interruptions under 20 ms do not end it)."""
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
    pressed, last, hits, misses, current = "", "", 0, 0, ""
    for start in range(0, len(sound) - BLOCK + 1, BLOCK):
        block = sound[start : start + BLOCK].astype(float)
        power = [[goertzel(block, hertz) for hertz in group] for group in (rows, columns)]
        low, high = (max(group) for group in power)
        clear = all(sum(value * 4 > max(group) for value in group) == 1 for group in power)
        enough = low + high > 0.42 * BLOCK * float(block @ block) and low > 1e7 and high > 1e7
        hit = ""
        if clear and enough and 1 / 6 < low / high < 8:
            hit = "123A456B789C*0#D"[4 * power[0].index(low) + power[1].index(high)]
        hits = hits + 1 if hit and hit == last else 1 if hit else 0
        last = hit
        if current:
            misses = 0 if hit == current else misses + 1
            if misses >= 3:
                current = ""
        if not current and hits >= 2:
            current, misses = hit, 0
            pressed += hit
    return pressed


def goertzel(block: NDArray[np.float64], hertz: float) -> float:
    """Power at a frequency."""
    turn = 2 * np.cos(2 * np.pi * hertz / 8000)
    one = two = 0.0
    for sample in block:
        one, two = sample + turn * one - two, one
    return float(one * one + two * two - turn * one * two)


def multimon(sound: Sound, folder: Path) -> str:
    """What multimon-ng hears. `folder`: for its input."""
    raw = folder / "keys.raw"
    raw.write_bytes((soxr.resample(sound / 32768, 8000, 22050) * 32767).astype("<i2").tobytes())
    command = ["multimon-ng", "-q", "-a", "DTMF", "-t", "raw", str(raw)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "".join(line.split()[-1] for line in told.splitlines() if line.startswith("DTMF"))


def gsm(sound: Sound) -> Sound:
    """Through a mobile network's full-rate codec."""
    file = io.BytesIO()
    soundfile.write(file, sound, 8000, format="WAV", subtype="GSM610")
    file.seek(0)
    return np.asarray(soundfile.read(file, dtype="int16")[0][: len(sound)])


def lossy(sound: Sound, share: float, seed: int) -> Sound:
    """Packets of 20 ms that did not come."""
    packets = sound[: len(sound) // 160 * 160].reshape(-1, 160).copy()
    packets[np.random.default_rng(seed).random(len(packets)) < share] = 0
    return packets.reshape(-1)


def right(heard: str, pressed: str) -> float:
    """Share of keys that came through, in order; one that came twice counts against it."""
    blocks = difflib.SequenceMatcher(None, pressed, heard, autojunk=False).get_matching_blocks()
    same = sum(block.size for block in blocks)
    return (same - max(0, len(heard) - same)) / len(pressed)
