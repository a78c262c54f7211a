"""More music and syllables from Debian packages, unpacked with `dpkg -x` into one folder (training/README.md)."""

from __future__ import annotations

from pathlib import Path

from .sources import RATE, Clip, read

# source, class, glob under the folder
SETS = (
    ("fretsonfire-muldjord", "music", "usr/share/games/fretsonfire/data/songs/muldjord/*/song.ogg"),
    ("fretsonfire-sectoid", "music", "usr/share/games/fretsonfire/data/songs/sectoid/*/song.ogg"),
    ("warzone2100-music", "music", "usr/share/games/warzone2100/music/albums/*/*.opus"),
    ("klettres", "speech", "usr/share/klettres/*/syllab/*.ogg"),
)
PIECE = 20.0  # seconds: long music is cut, at most PIECES of a track
PIECES = 4
EVERY = {"klettres": 4}  # of many small clips, each nth


def from_packages(folder: Path) -> list[Clip]:
    """The clips of SETS that are there."""
    clips = []
    for source, kind, pattern in SETS:
        paths = sorted(folder.glob(pattern))[:: EVERY.get(source, 1)]
        for path in paths:
            samples = read(path)
            speaker = path.parts[-3] if source == "klettres" else ""
            size = int(PIECE * RATE)
            starts = range(size, max(size + 1, len(samples) - size), max(size, len(samples) // (PIECES + 1)))
            if kind != "music":
                clips.append(Clip(str(path.relative_to(folder)), source, kind, speaker, "", samples))
                continue
            for start in list(starts)[:PIECES]:
                piece = samples[start : start + size]
                if len(piece) > RATE:
                    clips.append(Clip(f"{path.relative_to(folder)}@{start}", source, kind, "", "", piece))
    return clips
