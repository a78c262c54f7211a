"""More music and voices from Debian packages, unpacked with `dpkg -x` into one folder (training/README.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from .sources import RATE, Clip, read

WHOLE = 21  # pieces: the first seven minutes of a track
# source, class, glob under the folder; of music so many pieces of a track at most, of speech each nth of the clips
SETS = (
    ("fretsonfire-muldjord", "music", "usr/share/games/fretsonfire/data/songs/muldjord/*/song.ogg", 4),
    ("fretsonfire-sectoid", "music", "usr/share/games/fretsonfire/data/songs/sectoid/*/song.ogg", 4),
    ("warzone2100-music", "music", "usr/share/games/warzone2100/music/albums/*/*.opus", 4),
    ("singularity-music", "music", "usr/share/games/singularity/music/*.ogg", 4),
    ("colobot-music", "music", "usr/share/games/colobot/music/*.ogg", 4),
    ("unknown-horizons", "music", "usr/share/unknown-horizons/content/audio/music/*.ogg", 4),
    ("drascula-music", "music", "usr/share/scummvm/drascula/audio/*.ogg", 4),
    ("adonthell-data", "music", "usr/share/games/adonthell/games/wastesedge/audio/*.ogg", WHOLE),
    ("asc-music", "music", "usr/share/games/asc/music/*.mp3", WHOLE),
    ("enigma-data", "music", "usr/share/games/enigma/music/*/*.ogg", WHOLE),
    ("extremetuxracer-data", "music", "usr/share/games/etr/music/*.ogg", WHOLE),
    ("freeorion-data", "music", "usr/share/games/freeorion/default/data/sound/artificial*.ogg", WHOLE),
    ("frozen-bubble-data", "music", "usr/share/games/frozen-bubble/snd/*zik*.ogg", WHOLE),
    ("hedgewars-data", "music", "usr/share/games/hedgewars/Data/Music/*.ogg", WHOLE),
    ("hex-a-hop-data", "music", "usr/share/games/hex-a-hop/hex-a-hop/music*.ogg", WHOLE),
    ("megaglest-data", "music", "usr/share/games/megaglest/techs/megapack/factions/*/music/*.ogg", WHOLE),
    ("nexuiz-music", "music", "sound/cdtracks/*.ogg", WHOLE),
    ("openclonk-data", "music", "usr/share/games/openclonk/Music.ocg/*.ogg", WHOLE),
    ("planetblupi-music-ogg", "music", "usr/share/planetblupi/music/*.ogg", WHOLE),
    ("redeclipse-data", "music", "usr/share/games/redeclipse/data/sounds/music/*.ogg", WHOLE),
    ("supertux-data", "music", "usr/share/games/supertux2/music/*/*.ogg", WHOLE),
    ("torcs-data", "music", "usr/share/games/torcs/data/music/*.ogg", WHOLE),
    ("trackballs-data", "music", "usr/share/games/trackballs/music/*.ogg", WHOLE),
    ("warmux-data", "music", "usr/share/games/warmux/music/*/*.ogg", WHOLE),
    ("widelands-data", "music", "usr/share/games/widelands/data/music/*.ogg", WHOLE),
    ("xmoto-data", "music", "usr/share/games/xmoto/Textures/Musics/*.ogg", WHOLE),
    ("klettres", "speech", "usr/share/klettres/*/syllab/*.ogg", 4),
    ("ktuberling", "speech", "usr/share/ktuberling/sounds/*/*.*", 3),
    ("asterisk-core-es", "speech_prompt", "usr/share/asterisk/sounds/es_MX_f_Allison/*.wav", 3),
)
# music in which somebody speaks (two detectors say so): its truth is not known
SPOKEN = {
    "track2.ogg",
    "track4.ogg",
    "track29.ogg",
    "track31.ogg",
    "at-demo-5.ogg",
    "calling-bogus.ogg",
    "digital-pursuit.ogg",
    "infight.ogg",
    "time_to_strike.mp3",
    "Halloween.ogg",
    "Mike_Errecart.-.Monkey-bubble.ogg",
}
# tracks that are kept to test on: `public_test` in the manifest
KEPT = {"oriental.ogg", "sdmusic.ogg", "snow.ogg", "thru-the-mirror.ogg"}
PIECE = 20.0  # seconds: long music is cut
LONG = 0.6  # seconds: what a voice says at least, syllables of klettres apart


def from_packages(folder: Path) -> list[Clip]:
    """The clips of SETS that are there."""
    clips = []
    for source, kind, pattern, share in SETS:
        paths = sorted(folder.glob(pattern))
        for path in paths if kind == "music" else paths[::share]:
            name = str(path.relative_to(folder))
            if kind == "music":
                if path.name not in SPOKEN | KEPT:
                    cut = pieces(path, share)
                    clips += [Clip(f"{name}@{at:.0f}", source, kind, "", "", piece) for at, piece in cut]
                continue
            samples = read(path)
            if len(samples) >= LONG * RATE or source == "klettres":
                speaker = path.parts[-3] if source == "klettres" else path.parts[-2]
                clips.append(Clip(name, source, kind, speaker, "", samples))
    return clips


def pieces(path: Path, most: int) -> list[tuple[float, np.ndarray]]:
    """At most so many pieces of a track, spread over it, without reading the rest of it."""
    found = []
    with soundfile.SoundFile(path) as track:
        whole = track.frames / track.samplerate
        step = max(PIECE, whole / (most + 1))
        for number in range(1, most + 1):
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
