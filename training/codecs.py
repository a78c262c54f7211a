"""Telephone codecs by sox and ffmpeg: many seconds in one run, since starting a process costs more than coding."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# name -> (file ending, encoder arguments); AMR is sox's, the rest ffmpeg's
CODECS = {
    "gsm": ("gsm", ["-c:a", "libgsm"]),
    "g723": ("wav", ["-c:a", "g723_1", "-b:a", "6300"]),
    "g726": ("wav", ["-c:a", "g726", "-b:a", "16k"]),
    "speex": ("ogg", ["-c:a", "libspeex", "-cbr_quality", "4"]),
    "opus12": ("ogg", ["-c:a", "libopus", "-b:a", "12k", "-application", "voip"]),
    "opus8": ("ogg", ["-c:a", "libopus", "-b:a", "8k", "-application", "voip"]),
    "amr12": ("amr-nb", ["-C", "7"]),
    "amr6": ("amr-nb", ["-C", "2"]),
    "amr5": ("amr-nb", ["-C", "0"]),
}


def through(codec: str, sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """(samples,) at 8,000 Hz there and back; the same length, a codec's delay of some milliseconds stays in it."""
    ending, arguments = CODECS[codec]
    raw = np.clip(np.rint(sound * 32767), -32768, 32767).astype("<i2").tobytes()
    with tempfile.TemporaryDirectory() as folder:
        coded = Path(folder) / f"x.{ending}"
        if codec.startswith("amr"):
            form = ["-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1", "-"]
            _run(["sox", *form, *arguments, "-t", "amr-nb", str(coded)], raw)
            back = _run(["sox", "-t", "amr-nb", str(coded), *form], b"")
        else:
            form = ["-f", "s16le", "-ar", "8000", "-ac", "1"]
            quiet = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y"]
            _run([*quiet, *form, "-i", "-", *arguments, str(coded)], raw)
            back = _run([*quiet, "-i", str(coded), *form, "-"], b"")
    decoded = np.frombuffer(back, "<i2").astype(np.float32) / 32768
    return np.resize(np.concatenate((decoded, np.zeros(len(sound), np.float32))), len(sound)).astype(np.float32)


def _run(command: list[str], feed: bytes) -> bytes:
    return subprocess.run(command, input=feed, capture_output=True, check=True).stdout
