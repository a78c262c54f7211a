"""More music and voices from Debian packages, unpacked with `dpkg -x` into one folder (training/README.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from .sources import RATE, Clip, read

# source, class, glob under the folder, each nth of the small clips
SETS = (
    ("fretsonfire-muldjord", "music", "usr/share/games/fretsonfire/data/songs/muldjord/*/song.ogg", 1),
    ("fretsonfire-sectoid", "music", "usr/share/games/fretsonfire/data/songs/sectoid/*/song.ogg", 1),
    ("warzone2100-music", "music", "usr/share/games/warzone2100/music/albums/*/*.opus", 1),
    ("singularity-music", "music", "usr/share/games/singularity/music/*.ogg", 1),
    ("colobot-music", "music", "usr/share/games/colobot/music/*.ogg", 1),
    ("unknown-horizons", "music", "usr/share/unknown-horizons/content/audio/music/*.ogg", 1),
    ("drascula-music", "music", "usr/share/scummvm/drascula/audio/*.ogg", 1),
    ("klettres", "speech", "usr/share/klettres/*/syllab/*.ogg", 4),
    ("ktuberling", "speech", "usr/share/ktuberling/sounds/*/*.*", 3),
    ("asterisk-core-es", "speech_prompt", "usr/share/asterisk/sounds/es_MX_f_Allison/*.wav", 3),
)
SPOKEN = {"track29.ogg", "track31.ogg"}  # music in which somebody speaks: its truth is not known
PIECE = 20.0  # seconds: long music is cut, at most PIECES of a track
PIECES = 4
LONG = 0.6  # seconds: what a voice says at least, syllables of klettres apart


def from_packages(folder: Path) -> list[Clip]:
    """The clips of SETS that are there."""
    clips = []
    for source, kind, pattern, every in SETS:
        for path in sorted(folder.glob(pattern))[::every]:
            name = str(path.relative_to(folder))
            if kind == "music":
                if path.name not in SPOKEN:
                    clips += [Clip(f"{name}@{at:.0f}", source, kind, "", "", piece) for at, piece in pieces(path)]
                continue
            samples = read(path)
            if len(samples) >= LONG * RATE or source == "klettres":
                speaker = path.parts[-3] if source == "klettres" else path.parts[-2]
                clips.append(Clip(name, source, kind, speaker, "", samples))
    return clips


def pieces(path: Path) -> list[tuple[float, np.ndarray]]:
    """Up to PIECES pieces of a track, without reading the rest of it."""
    found = []
    with soundfile.SoundFile(path) as track:
        whole = track.frames / track.samplerate
        step = max(PIECE, whole / (PIECES + 1))
        for number in range(1, PIECES + 1):
            at = number * step if whole > 2 * PIECE else 0.0
            if at and at + PIECE > whole:
                break
            track.seek(int(at * track.samplerate))
            sound = track.read(int(PIECE * track.samplerate), dtype="float32", always_2d=True)[:, 0]
            if len(sound) > track.samplerate:
                found.append((at, soxr.resample(sound, track.samplerate, RATE).astype(np.float32)))
            if not at:
                break
    return found
