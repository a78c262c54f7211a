"""More music and voices from Debian packages, unpacked with `dpkg -x` into one folder (training/README.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from .sources import RATE, Clip, read

WHOLE = 21  # pieces: the first seven minutes of a track
# source, glob under the folder, pieces of a track at most
MUSIC = (
    ("fretsonfire-muldjord", "usr/share/games/fretsonfire/data/songs/muldjord/*/song.ogg", 4),
    ("fretsonfire-sectoid", "usr/share/games/fretsonfire/data/songs/sectoid/*/song.ogg", 4),
    ("warzone2100-music", "usr/share/games/warzone2100/music/albums/*/*.opus", 4),
    ("singularity-music", "usr/share/games/singularity/music/*.ogg", 4),
    ("colobot-music", "usr/share/games/colobot/music/*.ogg", 4),
    ("unknown-horizons", "usr/share/unknown-horizons/content/audio/music/*.ogg", 4),
    ("drascula-music", "usr/share/scummvm/drascula/audio/*.ogg", 4),
    ("adonthell-data", "usr/share/games/adonthell/games/wastesedge/audio/*.ogg", WHOLE),
    ("asc-music", "usr/share/games/asc/music/*.mp3", WHOLE),
    ("enigma-data", "usr/share/games/enigma/music/*/*.ogg", WHOLE),
    ("extremetuxracer-data", "usr/share/games/etr/music/*.ogg", WHOLE),
    ("freeorion-data", "usr/share/games/freeorion/default/data/sound/artificial*.ogg", WHOLE),
    ("frozen-bubble-data", "usr/share/games/frozen-bubble/snd/*zik*.ogg", WHOLE),
    ("hedgewars-data", "usr/share/games/hedgewars/Data/Music/*.ogg", WHOLE),
    ("hex-a-hop-data", "usr/share/games/hex-a-hop/hex-a-hop/music*.ogg", WHOLE),
    ("megaglest-data", "usr/share/games/megaglest/techs/megapack/factions/*/music/*.ogg", WHOLE),
    ("nexuiz-music", "sound/cdtracks/*.ogg", WHOLE),
    ("openclonk-data", "usr/share/games/openclonk/Music.ocg/*.ogg", WHOLE),
    ("planetblupi-music-ogg", "usr/share/planetblupi/music/*.ogg", WHOLE),
    ("redeclipse-data", "usr/share/games/redeclipse/data/sounds/music/*.ogg", WHOLE),
    ("supertux-data", "usr/share/games/supertux2/music/*/*.ogg", WHOLE),
    ("torcs-data", "usr/share/games/torcs/data/music/*.ogg", WHOLE),
    ("trackballs-data", "usr/share/games/trackballs/music/*.ogg", WHOLE),
    ("warmux-data", "usr/share/games/warmux/music/*/*.ogg", WHOLE),
    ("widelands-data", "usr/share/games/widelands/data/music/*.ogg", WHOLE),
    ("xmoto-data", "usr/share/games/xmoto/Textures/Musics/*.ogg", WHOLE),
)
# source, class, glob under the folder, each nth of the clips
VOICES = (
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
    """The clips of MUSIC and VOICES that are there."""
    clips = []
    for source, pattern, most in MUSIC:
        for path in sorted(folder.glob(pattern)):
            if path.name not in SPOKEN | KEPT:
                name = path.relative_to(folder)
                clips += [Clip(f"{name}@{at:.0f}", source, "music", "", "", piece) for at, piece in pieces(path, most)]
    for source, kind, pattern, every in VOICES:
        for path in sorted(folder.glob(pattern))[::every]:
            samples = read(path)
            if len(samples) >= LONG * RATE or source == "klettres":
                speaker = path.parts[-3] if source == "klettres" else path.parts[-2]
                clips.append(Clip(str(path.relative_to(folder)), source, kind, speaker, "", samples))
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
