"""Makes the training set: `python -m training.make --audio ../shared/audio --packages DIR --out scenes.npz`."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import soundfile

from .codecs import CODECS, through
from .mistaken import taken_more_often
from .packages import from_packages
from .scenes import Composer, Scene, finish
from .singing import song
from .sources import RATE, Clip, from_manifest

SEED = 20261122
GROUP = 20  # scenes that share one run of a codec
CODED = 0.5  # share of scenes that go through a codec besides mu-law


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--audio", type=Path, action="append", required=True, help="folder with manifest.csv, repeatable"
    )
    parser.add_argument("--packages", type=Path, help="folder with unpacked Debian packages")
    parser.add_argument("--heard-by", type=Path, help="weights: music in which they hear a voice is taken more often")
    parser.add_argument("--scenes", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=SEED, help="other scenes of the same make")
    parser.add_argument("--songs", type=int, default=160)
    parser.add_argument("--songs-out", type=Path, help="also write 80 of the songs there, with a manifest.csv")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    clips = [clip for folder in options.audio for clip in from_manifest(folder, "train")]
    if options.packages:
        clips += from_packages(options.packages)
    if options.heard_by:
        clips = taken_more_often(clips, options.heard_by)
    sung = songs(clips, options.songs, options.seed)
    if options.songs_out:
        keep(sung[:80], options.songs_out)
    write(clips + sung, options.scenes, options.seed, options.out)


def songs(clips: list[Clip], count: int, seed: int) -> list[Clip]:
    """Sung clips made of the spoken and the instrumental ones."""
    random = np.random.default_rng(seed)
    speech = [c for c in clips if c.kind in ("speech", "speech_acted", "speech_tts") and len(c.samples) > 12000]
    music = [c for c in clips if c.kind == "music"]
    made = []
    for number in range(count):
        voices = [speech[random.integers(len(speech))] for _ in range(random.choice([1, 1, 1, 2, 4]))]
        under = music[random.integers(len(music))] if random.random() < 0.7 else None
        source = "sung-alone" if under is None else "sung-music"
        made.append(Clip(f"sung-{number}", source, "music_vocals", "", "", song(voices, under, random)))
    return made


def keep(sung: list[Clip], folder: Path) -> None:
    """The songs as recordings of their own, for `training.decision`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(("path", "source", "class", "speaker", "language", "use"))
        for clip in sung:
            soundfile.write(folder / f"{clip.path}.flac", clip.samples, RATE)
            writer.writerow((f"{clip.path}.flac", clip.source, clip.kind, "", "", "train"))


def write(clips: list[Clip], count: int, seed: int, out: Path) -> None:
    composer = Composer(clips, seed)
    random = np.random.default_rng(seed + 1)
    scenes: list[Scene] = []
    frames = []
    for first in range(0, count, GROUP):
        group = [composer.scene() for _ in range(min(GROUP, count - first))]
        sounds = np.stack([scene.sound for scene in group])
        if random.random() < CODED:
            codec = str(random.choice(list(CODECS)))
            sounds = through(codec, sounds.reshape(-1)).reshape(sounds.shape)
        frames += [finish(sound, random) for sound in sounds]
        for scene in group:
            scene.sound = np.zeros(0, np.float32)
        scenes += group
        print(f"{len(scenes)} of {count} scenes", file=sys.stderr, flush=True)  # noqa: T201
    np.savez(
        out,
        frames=np.stack(frames),
        truth=np.stack([s.truth for s in scenes]),
        weight=np.stack([s.weight for s in scenes]),
        voice=np.stack([s.voice for s in scenes]),
    )


if __name__ == "__main__":
    main()
