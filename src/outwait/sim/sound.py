"""The sounds of the world, by name: voices, hold music, line noise. 8,000 samples a second, mu-law bytes out.

For words the order is: a clip that comes with the package, espeak-ng when it is installed and there is time
(`prepare`), a synthetic voice. For music: Asterisk's folder when it is installed, else generated.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tomllib
from collections.abc import Iterable
from importlib import resources
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from outwait.audio import g711
from outwait.sim import music, voice

RATE = 8000
SPEECH_RMS = 0.1  # of full scale, where there is speech
MUSIC_RMS = 0.06
MUSIC_ROUND = 90.0  # seconds of generated music before it repeats
SILENCE_ROUND = 30.0
OFFICE_ROUND = 45.0
OFFICE_RMS = 0.012
BEEP_HZ = 1000.0
FRAME = 160  # samples
TAKES = (0.0, 0.1, -0.1, 0.2, -0.2)  # how much faster and higher a person says the same again, as a share
STRESS = 0.05  # by which that changes from one syllable to the next
SYLLABLE = 0.3  # seconds
FINE = 4  # times as many samples between which sound is taken where it is stretched
MUSIC_FOLDERS = (Path("/usr/share/asterisk/moh"), Path("/var/lib/asterisk/moh"))
ESPEAK_LIMIT = 20.0  # wall seconds

Samples = NDArray[np.float64]

VOICES: dict[str, tuple[str, voice.Timbre]] = {  # espeak-ng's name, and the synthetic voice
    "clerk": ("en-us+m3", voice.Timbre(118.0)),
    "colleague": ("en-gb+f2", voice.Timbre(195.0, tract=1.14, tempo=1.05)),
    "recorded": ("en-us+f4", voice.Timbre(178.0, swing=0.1, tract=1.12, tempo=0.95)),
    "agent": ("en-us+f3", voice.Timbre(205.0, swing=0.22, tract=1.16, tempo=1.1)),
}

_prepared: dict[tuple[str, str], NDArray[np.float64]] = {}  # (voice, words) -> sound


class SoundError(Exception):
    """No such voice, style or file; the text names it."""


def prepare(lines: Iterable[tuple[str, str]], pieces: Iterable[tuple[str, Path | None]] = ()) -> None:
    """Make sounds ahead, in the best way there is; blocks, for seconds perhaps: call it in a thread.

    lines
        (voice, words)
    pieces
        (hold sound, folder of the scenario)
    """
    for by, text in lines:
        if (by, text) not in _prepared and _clips().get((by, text)) is None and by in VOICES:
            found = _espeak(text, VOICES[by][0])
            if found is not None:
                _prepared[by, text] = tighten(normalise(found, SPEECH_RMS))
        _speech(text, by)
    for name, folder in pieces:
        hold_piece(name, 0.0, folder)


def speak(text: str, by: str = "clerk", level: float = 0.0) -> bytes:
    """The words as mu-law; never waits for another program. `level`: dB relative to the usual level."""
    return g711.encode(_pcm(_speech(text, by) * 10 ** (level / 20)))


@functools.lru_cache(maxsize=64)
def recording(path: Path, level: float = 0.0) -> bytes:
    """Recorded speech from a sound file as mu-law. `level`: dB relative to the usual level. Raises SoundError."""
    return g711.encode(_pcm(normalise(read(path), SPEECH_RMS) * 10 ** (level / 20)))


@functools.lru_cache(maxsize=64)
def again(speech: bytes, take: int) -> bytes:
    """The same words said once more by the same person: nobody repeats themselves to the sample.

    take
        how often they were said before; 0 = this is the first time
    """
    if not take:
        return speech
    samples = g711.decode(speech).astype(np.float64)
    rng = np.random.default_rng((take, len(speech)))
    pace = 1.0 + TAKES[take % len(TAKES)]
    longest = round(len(samples) / (pace - STRESS)) + 1
    syllables = longest // round(SYLLABLE * RATE) + 2
    along = np.arange(longest) / (SYLLABLE * RATE)
    at = np.cumsum(pace + np.interp(along, np.arange(syllables), rng.uniform(-STRESS, STRESS, syllables)))
    fine = soxr.resample(samples, RATE, RATE * FINE)
    said = np.interp(at[at < len(samples)] * FINE, np.arange(len(fine)), fine)
    return g711.encode(np.clip(said, -32768, 32767).astype(np.int16))


@functools.lru_cache(maxsize=16)
def hold_piece(name: str, level: float = 0.0, folder: Path | None = None) -> bytes:
    """One round of a hold sound as mu-law, whole frames of 20 ms, to be looped.

    level
        dB relative to the usual level
    name
        "moh" (installed, else generated), a style of `music.STYLES`, "silence", or a sound file (relative to `folder`)
    """
    piece = _piece(name, folder)
    if len(piece) < FRAME:
        raise SoundError(f"{name}: no sound in it")
    return g711.encode(_pcm(piece[: len(piece) // FRAME * FRAME] * 10 ** (level / 20)))


def ringback(seconds: float) -> bytes:
    """What a caller hears while it rings elsewhere; mu-law."""
    return g711.encode(_pcm(music.ringback(seconds)))


def beep(seconds: float) -> bytes:
    """The tone after which an answering machine records; mu-law."""
    return g711.encode(_pcm(music.tone((BEEP_HZ,), seconds)))


def under(speech: bytes, piece: bytes, at: int, drop: float) -> bytes:
    """Speech over looped hold sound that is `drop` dB softer meanwhile; mu-law, whole frames.

    at
        where in the loop, bytes
    """
    length = -(-len(speech) // FRAME) * FRAME
    start = at % len(piece)
    low = g711.decode((piece * (2 + length // len(piece)))[start : start + length]).astype(np.float64)
    mixed = low * 10 ** (-drop / 20)
    mixed[: len(speech)] += g711.decode(speech)
    return g711.encode(np.clip(mixed, -32768, 32767).astype(np.int16))


def room(seconds: float, seed: int = 0) -> bytes:
    """What a person's telephone sends when nobody speaks, to be looped; mu-law."""
    return g711.encode(_pcm(music.room(seconds, seed)))


def mix(speech: bytes, background: bytes, at: int) -> bytes:
    """Speech in a room; mu-law, whole frames. `at`: where in the looped background, bytes."""
    return under(speech, background, at, 0.0)


def installed_music() -> list[Path]:
    """Hold music found on this machine."""
    return [path for folder in MUSIC_FOLDERS if folder.is_dir() for path in sorted(folder.rglob("*.wav"))]


def office(seconds: float) -> Samples:
    """An open room behind a microphone that nobody speaks into: low voices too many to follow, keys, a chair."""
    rng = np.random.default_rng(11)
    length = round(seconds * RATE)
    mixed = music.room(seconds, 11, 0.004)
    for number in range(5):
        words = " ".join("".join(rng.choice(list("abdegilmnorstu"), rng.integers(2, 8))) for _ in range(60))
        talk = voice.synthesise(words, voice.Timbre(100.0 + 30 * number, tract=0.9 + 0.07 * number))
        talk = np.tile(talk, length // len(talk) + 1)[:length]
        mixed += 0.02 * np.roll(talk, int(rng.integers(length)))
    for at in rng.integers(0, length - 400, round(seconds * 2)):
        mixed[at : at + 200] += rng.standard_normal(200) * np.exp(-np.arange(200) / 30) * 0.05
    return np.asarray(mixed)


def read(path: Path) -> Samples:
    """The first channel of a sound file at 8,000 samples a second, in -1..1. Raises SoundError."""
    try:
        data, rate = soundfile.read(path, dtype="float64", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise SoundError(f"{path}: {error}") from None
    return np.asarray(soxr.resample(data[:, 0], rate, RATE) if rate != RATE else data[:, 0], dtype=np.float64)


def normalise(sound: Samples, rms: float) -> Samples:
    """Scaled so that the parts that are not silence have this RMS (0..1)."""
    blocks = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    power = (blocks**2).mean(axis=1) if len(blocks) else np.zeros(1)
    active = power[power > power.max() * 0.01] if power.max() > 0 else power
    loud = float(np.sqrt(active.mean())) if len(active) else 0.0
    return sound * (rms / loud) if loud > 0 else sound


def tighten(speech: Samples, longest: float = 0.3) -> Samples:
    """Pauses inside the speech cut down to `longest` seconds, so that one thing said is one turn."""
    block = RATE // 100
    blocks = speech[: len(speech) // block * block].reshape(-1, block)
    if not len(blocks):
        return speech
    power = (blocks**2).mean(axis=1)
    kept, quiet = [], 0
    for piece, loud in zip(blocks, power > power.max() * 0.001, strict=True):
        quiet = 0 if loud else quiet + 1
        if quiet <= longest * 100:
            kept.append(piece)
    return np.concatenate(kept)


def _speech(text: str, by: str) -> Samples:
    found = _prepared.get((by, text))
    if found is not None:
        return found
    if by not in VOICES:
        raise SoundError(f"no voice {by!r}; there are: {', '.join(VOICES)}")
    sound = _clip(clip) if (clip := _clips().get((by, text))) else voice.synthesise(text, VOICES[by][1])
    _prepared[by, text] = found = tighten(normalise(sound, SPEECH_RMS))
    return found


def _piece(name: str, folder: Path | None) -> Samples:
    if name == "silence":
        return music.comfort_noise(SILENCE_ROUND, 7)
    if name == "office":
        return normalise(office(OFFICE_ROUND), OFFICE_RMS)
    if name in music.STYLES:
        return normalise(music.hold_music(name, MUSIC_ROUND), MUSIC_RMS)
    if name != "moh":
        return normalise(read((folder or Path()) / name), MUSIC_RMS)
    installed = [normalise(read(path), MUSIC_RMS) for path in installed_music()]
    made = [normalise(music.hold_music(style, MUSIC_ROUND), MUSIC_RMS) for style in music.STYLES]
    return np.concatenate(installed or made)


@functools.lru_cache(maxsize=1)
def _clips() -> dict[tuple[str, str], str]:
    table = tomllib.loads((resources.files("outwait.sim") / "sounds" / "lines.toml").read_text("utf-8"))
    return {(line["voice"], line["text"]): line["file"] for line in table["line"]}


def _clip(name: str) -> Samples:
    data = (resources.files("outwait.sim") / "sounds" / name).read_bytes()
    sound, _ = soundfile.read(BytesIO(data), dtype="float64")
    return np.asarray(sound, dtype=np.float64)


def _espeak(text: str, name: str) -> Samples | None:
    program = shutil.which("espeak-ng")
    if program is None:
        return None
    command = [program, "-v", name, "-s", "165", "--stdout", "--", text]
    try:
        wav = subprocess.run(command, capture_output=True, timeout=ESPEAK_LIMIT, check=True).stdout
        data, rate = soundfile.read(BytesIO(wav), dtype="float64", always_2d=True)
    except (OSError, subprocess.SubprocessError, soundfile.LibsndfileError):
        return None
    return np.asarray(soxr.resample(data[:, 0], rate, RATE), dtype=np.float64)


def _pcm(sound: Samples) -> NDArray[np.int16]:
    return np.asarray(np.clip(sound, -1, 1) * 32767, dtype=np.int16)
