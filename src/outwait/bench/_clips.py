"""The recordings that holds are composed of, and what a composed hold is.

They lie in folders with a `manifest.csv` (columns path, class, speaker, language, use).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr

from outwait.bench._damage import RATE, Sound

LIVE: Final = ("speech", "speech_acted", "speech_phone")
RECORDED: Final = ("speech_prompt", "speech_tts")
FRAME: Final = 160  # samples
USUAL: Final = 0.1  # of full scale, root mean square: the level of a clip where it sounds, -20 dBFS


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of a manifest."""

    path: Path
    kind: str
    """class of the manifest"""
    speaker: str
    """speaker, with the source before it"""
    language: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded voice in a hold."""

    start: float
    """seconds"""
    end: float
    """seconds"""
    clip: str
    """which recording"""
    first: bool
    """not heard before in this hold"""


@dataclass(slots=True)
class Hold:
    """A composed hold."""

    name: str
    kind: str
    """what the hold is made of"""
    damage: str
    """what the line did to it"""
    language: str = ""
    """of the person who comes back"""
    ulaw: bytes = b""
    returns: float | None = None
    """seconds from which a person is on the line; None when nobody comes"""
    recorded: list[Recorded] = field(default_factory=list)
    word_after: float = 0.0
    """seconds from there to the beginning of their first word: some breathe first"""

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return len(self.ulaw) / RATE

    @property
    def held(self) -> float:
        """Seconds on hold."""
        return self.returns if self.returns is not None else self.seconds


def read_manifest(folders: list[Path], use: str) -> list[Clip]:
    """The clips whose use is `use`, of every folder. Raises OSError when a manifest is missing."""
    clips = []
    for folder in folders:
        with (folder / "manifest.csv").open(newline="", encoding="utf-8") as table:
            for row in csv.DictReader(table):
                if row["use"] == use:
                    speaker = f"{row['source']}/{row['speaker']}"
                    clips.append(Clip(folder / row["path"], row["class"], speaker, row["language"]))
    return clips


class Library:
    """Clips to choose from, by one seeded generator."""

    def __init__(self, clips: list[Clip], seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.clips = clips
        self._sounds: dict[Path, Sound] = {}

    def sound(self, clip: Clip) -> Sound:
        """The clip at 8,000 Hz, silence at its ends cut off, at -20 dBFS where it sounds."""
        if clip.path not in self._sounds:
            samples, rate = soundfile.read(clip.path, dtype="float32", always_2d=True)
            mono = samples[:, 0] if rate == RATE else soxr.resample(samples[:, 0], rate, RATE)
            self._sounds[clip.path] = levelled(np.ascontiguousarray(mono, np.float32))
        return self._sounds[clip.path]

    def pick(self, kinds: tuple[str, ...], fits: Callable[[Clip], bool] = lambda _: True) -> Clip:
        """Any clip of these classes that fits; each source weighs the same as its root of clips."""
        groups: dict[str, list[Clip]] = {}
        for clip in self.clips:
            if clip.kind in kinds and fits(clip):
                groups.setdefault(clip.speaker.split("/")[0], []).append(clip)
        if not groups:
            raise LookupError(f"no recordings of class {' or '.join(kinds)}")
        names = sorted(groups)
        weights = np.sqrt([len(groups[name]) for name in names])
        group = groups[names[self.random.choice(len(names), p=weights / weights.sum())]]
        return group[self.random.integers(len(group))]

    def has(self, kind: str) -> bool:
        """Whether there are clips of this class."""
        return any(clip.kind == kind for clip in self.clips)


def levelled(sound: Sound) -> Sound:
    """Silence at the ends cut off, -20 dBFS where it sounds."""
    frames = len(sound) // FRAME
    if frames < 5:
        return sound
    power = np.mean(sound[: frames * FRAME].reshape(-1, FRAME) ** 2, axis=1)
    loud = power > max(1e-7, float(np.percentile(power, 95)) * 10**-3.5)
    where = np.flatnonzero(loud)
    if not len(where):
        return sound
    first, last = max(0, int(where[0]) - 2), min(frames, int(where[-1]) + 3)
    gain = USUAL / float(np.sqrt(np.mean(power[loud])))
    return (sound[first * FRAME : last * FRAME] * np.float32(gain)).astype(np.float32)
