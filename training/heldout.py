"""More recordings to test on, never to train on: `python -m training.heldout --packages DIR --audio DIR --out DIR`.

Prompts in Italian, Russian, Spanish and French, acted Czech and English, and music from Debian packages
(training/README.md), and songs made of the test set's own voices and
music. Writes 8,000 Hz FLAC and a manifest.csv that `outwait bench ear` reads.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import soundfile

from .packages import pieces
from .singing import song
from .sources import RATE, from_manifest, read
from .steel_sky import lines

SOUNDS = "usr/share/asterisk/sounds"
# source, class, speaker, language, glob, how many
SETS = (
    ("asterisk-prompt-it-menardi", "speech_prompt", "Menardi", "it", f"{SOUNDS}/it_IT_f_Menardi/*.*", 60),
    ("asterisk-core-it", "speech_prompt", "Carlo", "it", f"{SOUNDS}/it_IT_m_Carlo/*.wav", 60),
    ("asterisk-core-ru", "speech_prompt", "IvrvoiceRU", "ru", f"{SOUNDS}/ru_RU_f_IvrvoiceRU/*.wav", 60),
    ("asterisk-prompt-es-co", "speech_prompt", "es-co", "es", f"{SOUNDS}/es/*.*", 60),
    ("asterisk-prompt-fr-armelle", "speech_prompt", "Armelle", "fr", f"{SOUNDS}/fr/*.*", 60),
    ("fillets-cs", "speech_acted", "cs", "cs", "usr/share/games/fillets-ng/sound/*/cs/*.ogg", 120),
)
# Of these the decision is fitted on some (use `fit`); the net is trained on none of them.
FIT = {"asterisk-core-it", "asterisk-prompt-es-co"}
MUSIC = (
    ("fillets-music", "usr/share/games/fillets-ng/music/*.ogg"),
    ("lincity-music", "usr/share/games/lincity-ng/music/default/*.ogg"),
)
PIECES = 4  # of a track, at most
SONGS = 40
LINES = 500  # of the actors of training.steel_sky


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    random = np.random.default_rng(5)
    options.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for source, kind, speaker, language, pattern, count in SETS:
        paths = sorted(options.packages.glob(pattern))
        for number in random.permutation(len(paths)):
            samples = _gsm(paths[number]) if paths[number].suffix == ".gsm" else read(paths[number])
            if len(samples) < RATE:
                continue
            name = f"{source}-{number}.flac"
            soundfile.write(options.out / name, samples, RATE)
            rows.append((name, source, kind, speaker, language, "fit" if source in FIT else "public_test"))
            count -= 1
            if not count:
                break
    for source, pattern in MUSIC:
        for path in sorted(options.packages.glob(pattern)):
            for number, (_, piece) in enumerate(pieces(path, PIECES)):
                name = f"{source}-{path.stem}-{number}.flac"
                soundfile.write(options.out / name, piece, RATE)
                half = source == "fillets-music" and sum(map(ord, path.stem)) % 2 == 0
                rows.append((name, source, "music", "", "", "fit" if half else "public_test"))
    for number, section, samples in lines(options.packages, LINES):
        name = f"steel-sky-{number}.flac"
        soundfile.write(options.out / name, samples, RATE)
        use = "fit" if int(section[1:]) % 2 == 0 else "public_test"
        rows.append((name, "steel-sky", "speech_acted", section, "en", use))
    clips = from_manifest(options.audio, "public_test")
    voices = [c for c in clips if c.kind in ("speech", "speech_acted") and len(c.samples) > 12000]
    music = [c for c in clips if c.kind == "music"]
    for number in range(SONGS):
        chosen = [voices[random.integers(len(voices))] for _ in range(random.choice([1, 1, 2, 3]))]
        under = music[random.integers(len(music))] if random.random() < 0.8 else None
        name = f"sung-{number}.flac"
        soundfile.write(options.out / name, song(chosen, under, random), RATE)
        rows.append((name, "sung-test", "music_vocals", "", "", "public_test"))
    with (options.out / "manifest.csv").open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(("path", "source", "class", "speaker", "language", "use"))
        writer.writerows(rows)


def _gsm(path: Path) -> np.ndarray:
    samples, _ = soundfile.read(path, dtype="float32", format="RAW", subtype="GSM610", samplerate=RATE, channels=1)
    return samples


if __name__ == "__main__":
    main()
