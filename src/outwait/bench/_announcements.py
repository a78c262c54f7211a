"""Announcements of a place or a wait, and what they say: recordings of whole sentences, and sentences that are put
together from single prompts as a telephone exchange does."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr

from outwait.bench._clips import levelled
from outwait.bench._damage import RATE, Sound
from outwait.errors import OutwaitError

SAID: Final = {
    "tts-*/*_01.*": (3, None),  # "You are now caller number three in the queue."
    "tts-*/p01.*": (3, None),
    "tts-*/*_02.*": (None, 1800),  # "The estimated wait time is greater than 30 minutes."
    "tts-*/p02.*": (None, 1800),
}
"""Whole sentences among the recordings, known by listening: place, and wait in s."""

ENDINGS: Final = (".wav", ".opus", ".ogg", ".flac", ".gsm", ".sln")
GAP: Final = 0.06  # s between two prompts: they have a little silence of their own
BOTH: Final = 7  # sentences with a place and a wait


@dataclass(frozen=True, slots=True)
class Announcement:
    """One sentence."""

    name: str
    sound: Sound
    """at 8,000 Hz"""
    position: int | None = None
    """the place that it tells, 1: next"""
    wait: int | None = None
    """the wait that it tells, s"""


def recorded(folder: Path) -> list[Announcement]:
    """The English ones among recordings with a manifest. Raises OutwaitError."""
    try:
        with (folder / "manifest.csv").open(newline="", encoding="utf-8") as table:
            english = {row["path"] for row in csv.DictReader(table) if row["language"] in ("", "en")}
    except (OSError, KeyError) as error:
        raise OutwaitError(f"{folder}: no recordings with a manifest.csv there: {error}") from error
    found = []
    for pattern, (position, wait) in SAID.items():
        for path in sorted(folder.glob(pattern)):
            name = path.relative_to(folder).as_posix()
            if name in english:
                found.append(Announcement(name, sound(path), position, wait))
    return found


def composed(folder: Path, most: int, seed: int) -> list[Announcement]:
    """From Asterisk's English prompts, in the order in which its queues say them; `most` of each form, drawn."""
    prompts = Prompts(folder)
    drawn = np.random.default_rng(seed)
    found: list[Announcement] = []
    for names, position, wait, highest in _FORMS:
        numbers = [number for number in range(2, highest + 1) if prompts.has([*_filled(names, number)])]
        if "N" not in names:
            numbers = [0] if prompts.has(names) else []
        for number in drawn.permutation(numbers)[:most]:
            words = [*_filled(names, int(number))]
            found.append(
                Announcement(
                    " ".join(words),
                    prompts.said(words),
                    position + int(number) if position is not None else None,
                    60 * int(number) if wait else None,
                )
            )
    places = [one for one in found if one.position is not None]
    waits = [one for one in found if one.wait is not None]
    for place, wait_ in zip(places[:BOTH], waits[-BOTH:], strict=False):
        both = np.concatenate([place.sound, _silence(0.2), wait_.sound])
        found.append(Announcement(f"{place.name} {wait_.name}", both, place.position, wait_.wait))
    return found


_FORMS: Final[list[tuple[list[str], int | None, bool, int]]] = [
    (["queue-youarenext"], 1, False, 0),
    (["queue-thereare", "N", "queue-callswaiting"], 0, False, 60),
    (["queue-quantity1", "N", "queue-quantity2"], 1, False, 60),
    (["conf-thereare", "N", "queue-quantity2"], 0, False, 80),
    (["queue-holdtime", "N", "queue-minutes"], None, True, 75),
    (["queue-holdtime", "queue-less-than", "N", "queue-minutes"], None, True, 75),
]
"""Prompts; what to add to the number for the place, None: it is none; whether it is a wait; the highest number."""


class Prompts:
    """A folder of them: the digits beside them or in a folder `digits`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Path | None] = {}

    def has(self, names: Sequence[str]) -> bool:
        """Whether all of these are there."""
        return all(self._path(name) is not None for name in names)

    def said(self, names: Sequence[str]) -> Sound:
        """One after the other."""
        pieces: list[Sound] = []
        for name in names:
            path = self._path(name)
            assert path is not None
            pieces += [sound(path), _silence(GAP)]
        return np.concatenate(pieces)

    def _path(self, name: str) -> Path | None:
        if name not in self._known:
            places = [self._folder / f"{name}{end}" for end in ENDINGS]
            places += [self._folder / "digits" / f"{name}{end}" for end in ENDINGS] if name.isdecimal() else []
            self._known[name] = next((path for path in places if path.is_file()), None)
        return self._known[name]


def _filled(names: Sequence[str], number: int) -> Iterator[str]:
    for name in names:
        if name != "N":
            yield name
        elif number <= 20 or number % 10 == 0:
            yield str(number)
        else:
            yield from (str(number - number % 10), str(number % 10))


def sound(path: Path) -> Sound:
    """At 8,000 Hz, without the silence at its ends, at the level of a telephone."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples[:, 0] if rate == RATE else soxr.resample(samples[:, 0], rate, RATE)
    return levelled(np.ascontiguousarray(mono, np.float32))


def _silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * RATE), np.float32)
