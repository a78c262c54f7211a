"""Whole tracks of hold music, on which nobody comes: what wakes the ear?

`outwait bench music FOLDER` plays every recording in FOLDER and below it to the ear, from beginning to end, as a hold
of its own: once as it is, then at other levels and on worse lines. It tells whether a company's music wakes the calls
to it. A track in which somebody speaks is no music; leave it out with `--except`.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from outwait.audio import g711
from outwait.audio.ear import Ear
from outwait.bench._clips import Hold
from outwait.bench._damage import DAMAGE, decibels, encoded
from outwait.bench.ear import decide, hear
from outwait.call.hold import HoldPolicy
from outwait.commands.listen import Unreadable, read_whole
from outwait.errors import OutwaitError

ENDINGS: Final = frozenset({".wav", ".ogg", ".oga", ".opus", ".flac", ".mp3"})
LEVELS: Final = (-28.0, -16.0)  # dBFS that a track has in the rounds after the first
LINES: Final = [name for name in DAMAGE if name != "quiet person"]  # there is none


@dataclass(slots=True)
class Heard:
    """One track, in all its rounds."""

    path: str
    seconds: float = 0.0
    """of all rounds together"""
    woken: list[tuple[str, float]] = field(default_factory=list)
    """false resumes: on what line, and seconds into the track"""


def main(arguments: list[str]) -> int:
    """Listen and print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="outwait bench music", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=3, help="times that each track is heard")
    parser.add_argument(
        "--except", dest="left_out", action="append", default=[], metavar="NAME", help="may have * in it"
    )
    parser.add_argument("--json", action="store_true", help="figures as one JSON object")
    options = parser.parse_args(arguments)
    paths = sorted(
        path
        for folder in options.folders
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDINGS and not any(fnmatch(path.name, name) for name in options.left_out)
    )
    if not paths:
        raise OutwaitError(f"no music in {', '.join(map(str, options.folders))}", usage=True)
    console = Console(stderr=True, soft_wrap=True)
    ear = Ear.load()
    tracks, unread = [], []
    for path in track(paths, "listening", console=console, transient=True):
        try:
            tracks.append(listen(ear, path, options.rounds))
        except Unreadable as error:
            unread.append(str(error))
    if options.json:
        sys.stdout.write(json.dumps({"tracks": [asdict(one) for one in tracks], "unread": unread}) + "\n")
    else:
        _show(tracks, unread)
    return 0


def listen(ear: Ear, path: Path, rounds: int) -> Heard:
    """Hear a track so often. Its lines hang on its name alone. Raises Unreadable."""
    ulaw = read_whole(path)
    sound = (g711.decode(ulaw) / 32768).astype(np.float32)
    loudness = 10 * float(np.log10(np.mean(sound.astype(np.float64) ** 2) + 1e-9))
    random = np.random.default_rng(zlib.crc32(path.name.encode()))
    heard = Heard(str(path))
    for number in range(rounds):
        damage, level = "none", loudness
        if number:
            damage = str(random.choice(LINES))
            level = float(random.uniform(*LEVELS))
            ulaw = encoded(DAMAGE[damage](sound * decibels(level - loudness), random))
        hold = Hold(path.name, "music", damage, "", ulaw)
        heard.seconds += hold.seconds
        line = f"{level:.0f} dBFS" + ("" if damage == "none" else f", {damage}")
        heard.woken += [(line, round(at, 2)) for at in decide(hear(ear, hold), HoldPolicy()).returned]
    return heard


def _show(tracks: list[Heard], unread: list[str]) -> None:
    console = Console(soft_wrap=True)
    hours = sum(one.seconds for one in tracks) / 3600
    count = sum(len(one.woken) for one in tracks)
    if count:
        table = Table(title="taken for a person")
        for name in ("track", "at, s", "line"):
            table.add_column(name, overflow="fold")
        for one in tracks:
            for line, at in one.woken:
                table.add_row(one.path, f"{at:.1f}", line)
        console.print(table)
    for error in unread:
        console.print(f"not read: {error}")
    rate = f", {count / hours:.2f} an hour" if hours else ""
    console.print(f"tracks: {len(tracks)}, {hours:.2f} h; false resumes: {count}{rate}", highlight=False)
