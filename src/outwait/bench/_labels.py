"""Wrong decisions that a user marked, as recordings that the bench and the training read.

A mark becomes a FLAC file with the minute before it and some seconds after, and a line in the folder's `manifest.csv`:
class `hold_false_resume` (nobody was there) or `hold_missed` (a person began to speak at the mark).
"""

from __future__ import annotations

import csv
from io import BytesIO
from pathlib import Path
from typing import Final, Literal

import numpy as np
import soundfile

from outwait.audio import g711
from outwait.bench._clips import Hold
from outwait.commands.listen import read_whole
from outwait.errors import OutwaitError

Mark = Literal["false_resume", "missed"]
BEFORE: Final = 60.0  # seconds kept before the mark: what the memory of the hold needs
AFTER: Final = 15.0  # seconds kept after it
COLUMNS: Final = ("path", "source", "class", "speaker", "language", "use", "offset")


def add_label(folder: Path, recording: Path, call: str, mark: Mark, at: float) -> Path:
    """Keep the moment `at` (seconds into `recording`, far end in its first channel) of `call`; returns the clip's path.

    Raises OutwaitError when the recording cannot be read or ends before `at`.
    """
    sound = read_whole(recording)
    if not 0 <= at <= g711.seconds(sound):
        raise OutwaitError(f"{recording} lasts {g711.seconds(sound):.1f} s, there is no {at:.1f} s in it")
    start = max(0.0, at - BEFORE)
    cut = sound[round(start * g711.RATE) : round((at + AFTER) * g711.RATE)]
    folder.mkdir(parents=True, exist_ok=True)
    clip = folder / f"{call}-{mark}-{round(at * 1000)}.flac"
    packed = BytesIO()
    soundfile.write(packed, g711.decode(cut), g711.RATE, format="FLAC")
    clip.write_bytes(packed.getbuffer())  # its errors are the system's own, which tell of a full disk
    manifest = folder / "manifest.csv"
    new = not manifest.exists()
    with manifest.open("a", newline="", encoding="utf-8") as table:
        writer = csv.writer(table)
        if new:
            writer.writerow(COLUMNS)
        writer.writerow((clip.name, call, f"hold_{mark}", "", "", "own", round(at - start, 3)))
    return clip


def read_labels(folder: Path) -> list[Hold]:
    """The marked moments of a folder as holds: a missed person returns at the mark, nobody at a false resume."""
    holds = []
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as table:
        for row in csv.DictReader(table):
            if row["class"] in ("hold_missed", "hold_false_resume"):
                samples, _ = soundfile.read(folder / row["path"], dtype="int16")
                hold = Hold(row["path"], "marked by a user", "none", row["language"] or "?")
                hold.ulaw = g711.encode(np.asarray(samples, np.int16))
                hold.returns = float(row["offset"]) if row["class"] == "hold_missed" else None
                holds.append(hold)
    return holds
