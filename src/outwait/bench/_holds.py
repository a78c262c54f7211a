"""Holds composed from recordings: what a benchmark of the ear listens to, with the truth about who came back when.

The recordings lie in folders with a `manifest.csv` (columns path, class, speaker, language, use). All choices come
from one seeded generator, so a seed is a benchmark.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from outwait.audio import g711

Sound = NDArray[np.float32]
RATE: Final = g711.RATE
LIVE: Final = ("speech", "speech_acted", "speech_phone")
RECORDED: Final = ("speech_prompt", "speech_tts")


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of a manifest."""

    path: Path
    kind: str
    """class of the manifest"""
    speaker: str
    """speaker, with the source before it"""
    language: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded voice in a hold."""

    start: float
    """seconds"""
    end: float
    """seconds"""
    clip: str
    """which recording"""
    first: bool
    """not heard before in this hold"""


@dataclass(slots=True)
class Hold:
    """A composed hold."""

    name: str
    kind: str
    """what the hold is made of"""
    damage: str
    """what the line did to it"""
    language: str = ""
    """of the person who comes back"""
    ulaw: bytes = b""
    returns: float | None = None
    """seconds where the person's first word begins; None when nobody comes"""
    recorded: list[Recorded] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return len(self.ulaw) / RATE

    @property
    def held(self) -> float:
        """Seconds on hold."""
        return self.returns if self.returns is not None else self.seconds


def read_manifest(folders: list[Path], use: str) -> list[Clip]:
    """The clips whose use is `use`, of every folder. Raises OSError when a manifest is missing."""
    clips = []
    for folder in folders:
        with (folder / "manifest.csv").open(newline="", encoding="utf-8") as table:
            for row in csv.DictReader(table):
                if row["use"] == use:
                    speaker = f"{row['source']}/{row['speaker']}"
                    clips.append(Clip(folder / row["path"], row["class"], speaker, row["language"]))
    return clips


class Composer:
    """Makes holds out of clips."""

    def __init__(self, clips: list[Clip], seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self._clips = clips
        self._sounds: dict[Path, Sound] = {}

    def holds(self, count: int) -> list[Hold]:
        """`count` holds, the kinds in turn."""
        return [self.hold(list(KINDS)[number % len(KINDS)], number) for number in range(count)]

    def hold(self, kind: str, number: int) -> Hold:
        """One hold of a kind in KINDS, with a person at its end."""
        r = self.random
        damage = str(r.choice(DAMAGES, p=DAMAGE_SHARES))
        hold = Hold(f"{kind}-{number}", kind, damage)
        tape = _Tape(self, hold)
        KINDS[kind](tape, float(r.uniform(70, 240)))
        sound = np.concatenate(tape.parts)
        sound = DAMAGE[damage](sound, r)
        hold.ulaw = g711.encode(np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16))
        return hold

    def sound(self, clip: Clip) -> Sound:
        """The clip at 8,000 Hz, silence at its ends cut off, at -20 dBFS where it sounds."""
        if clip.path not in self._sounds:
            samples, rate = soundfile.read(clip.path, dtype="float32", always_2d=True)
            mono = samples[:, 0] if rate == RATE else soxr.resample(samples[:, 0], rate, RATE)
            self._sounds[clip.path] = levelled(np.ascontiguousarray(mono, np.float32))
        return self._sounds[clip.path]

    def pick(self, kinds: tuple[str, ...], fits: Callable[[Clip], bool] = lambda _: True) -> Clip:
        """Any clip of these classes that fits; each source weighs the same as its root of clips."""
        groups: dict[str, list[Clip]] = {}
        for clip in self._clips:
            if clip.kind in kinds and fits(clip):
                groups.setdefault(clip.speaker.split("/")[0], []).append(clip)
        if not groups:
            raise LookupError(f"no recordings of class {' or '.join(kinds)}")
        names = sorted(groups)
        weights = np.sqrt([len(groups[name]) for name in names])
        group = groups[names[self.random.choice(len(names), p=weights / weights.sum())]]
        return group[self.random.integers(len(group))]

    def has(self, kind: str) -> bool:
        """Whether there are clips of this class."""
        return any(clip.kind == kind for clip in self._clips)


def levelled(sound: Sound) -> Sound:
    """Silence at the ends cut off, -20 dBFS where it sounds."""
    frames = len(sound) // 160
    if frames < 5:
        return sound
    power = np.mean(sound[: frames * 160].reshape(-1, 160) ** 2, axis=1)
    loud = power > max(1e-7, float(np.percentile(power, 95)) * 10**-3.5)
    where = np.flatnonzero(loud)
    if not len(where):
        return sound
    first, last = max(0, int(where[0]) - 2), min(frames, int(where[-1]) + 3)
    gain = 0.1 / float(np.sqrt(np.mean(power[loud])))
    return (sound[first * 160 : last * 160] * np.float32(gain)).astype(np.float32)


def noise(length: float, level: float, r: np.random.Generator) -> Sound:
    """Soft coloured noise of `level` dBFS; digital silence under -90."""
    count = round(length * RATE)
    if level < -90:
        return np.zeros(count, np.float32)
    white = r.standard_normal(count + 64)
    soft = np.convolve(white, r.uniform(0.2, 0.9) ** np.arange(32))[32 : 32 + count]
    return (soft / (soft.std() + 1e-9) * 10 ** (level / 20)).astype(np.float32) if count else soft.astype(np.float32)


def decibels(value: float) -> np.float32:
    """A gain in dB as a factor."""
    return np.float32(10 ** (value / 20))


class _Tape:
    """A hold while it is being made."""

    def __init__(self, composer: Composer, hold: Hold) -> None:
        self.c = composer
        self.r = composer.random
        self.hold = hold
        self.parts: list[Sound] = []
        self.length = 0
        self.heard: set[str] = set()
        self.loudness = float(self.r.uniform(-8, 4))  # of the bed against -20 dBFS
        self.prompt_level = float(self.r.uniform(-6, 3))
        self.speaker = ""  # of the announcements
        # An exchange has habits: how long it is quiet before and after an announcement, and with what hiss.
        self.before = float(self.r.choice([self.r.uniform(0.0, 0.35), self.r.uniform(0.0, 1.3)], p=[0.7, 0.3]))
        self.after = float(self.r.choice([self.r.uniform(0.05, 0.6), self.r.uniform(0.0, 1.5)], p=[0.7, 0.3]))
        self.every = float(self.r.uniform(8, 60))  # seconds between announcements, about
        self.hiss = float(self.r.choice([-99.0, self.r.uniform(-70, -50)], p=[0.75, 0.25]))

    @property
    def now(self) -> float:
        return self.length / RATE

    def add(self, sound: Sound) -> None:
        self.parts.append(sound.astype(np.float32))
        self.length += len(sound)

    def music(self, seconds: float, kinds: tuple[str, ...] = ("music",)) -> Sound:
        """Music of that length: pieces after each other, or one in a loop."""
        need = round(seconds * RATE)
        pieces: list[Sound] = []
        while sum(map(len, pieces)) < need:
            piece = self.c.sound(self.c.pick(kinds)) * decibels(self.loudness + float(self.r.uniform(-3, 3)))
            pieces += [piece] * int(self.r.integers(1, 4))
        joined = np.concatenate(pieces)[:need]
        return joined.astype(np.float32)

    def prompt(self, clip: Clip, under: Sound | None = None, duck: float = -14.0) -> None:
        """A recorded voice, over `under` turned down by `duck` dB when given."""
        voice = self.c.sound(clip) * decibels(self.prompt_level)
        voice = voice + noise(len(voice) / RATE, self.hiss, self.r)[: len(voice)]
        start = self.now
        if under is not None:
            voice = voice + np.resize(under, len(voice)) * decibels(duck)
        self.add(voice)
        name = clip.path.name
        self.hold.recorded.append(Recorded(start, self.now, name, name not in self.heard))
        self.heard.add(name)

    def prompts(self, count: int) -> list[Clip]:
        """Announcements of one voice, 1.2 s at least."""
        first = self.c.pick(RECORDED, lambda clip: len(self.c.sound(clip)) > 1.2 * RATE)
        self.speaker = first.speaker
        return [
            first,
            *(
                self.c.pick(RECORDED, lambda clip: clip.speaker == first.speaker and len(self.c.sound(clip)) > RATE)
                for _ in range(count - 1)
            ),
        ]

    def announce(self, clips: list[Clip], mode: str, kinds: tuple[str, ...] = ("music",)) -> None:
        """Announcements in the music, which stops or is turned down."""
        if mode == "stop":
            self.add(noise(self.before, self.hiss, self.r))
            for clip in clips:
                self.prompt(clip)
                self.add(noise(self.after * float(self.r.uniform(0.8, 1.2)), self.hiss, self.r))
        else:
            duck = float(self.r.uniform(-20, -8)) if mode == "duck" else -5.0
            under = self.music(8.0, kinds)
            for clip in clips:
                self.prompt(clip, under, duck)
                self.add(under[: round(float(self.r.uniform(0.05, 0.5)) * RATE)] * decibels(duck))

    def line(self, clip: Clip, short: bool = False) -> Sound:
        """What a person says: up to 4.5 s of a clip, at times up to 10, cut where it is quiet; or one short word."""
        sound = self.c.sound(clip)
        low, high = (0.3, 0.9) if short else ((1.0, 4.5) if self.r.random() < 0.8 else (4.0, 10.0))
        if len(sound) <= high * RATE:
            return sound
        start = 0
        frames = np.convolve(sound**2, np.ones(800) / 800, mode="same")[::80]
        first, last = int(low * 100), min(int(high * 100), len(frames) - 1)
        end = first + int(np.argmin(frames[first:last])) if last > first else last
        return sound[start : end * 80]

    def person(self, short: bool = False, over: Sound | None = None, lead: float | None = None) -> None:
        """The line opens, a person speaks, waits, speaks again, gives up."""
        r = self.r

        def fits(clip: Clip) -> bool:
            return clip.speaker != self.speaker and len(self.c.sound(clip)) > 0.3 * RATE

        # Some agents are machines too, or sound like a studio.
        machine = r.random() < 0.15 and any(c.kind == "speech_tts" and fits(c) for c in self.c._clips)
        first = self.c.pick(("speech_tts",) if machine else LIVE, fits)
        same = [
            c for c in self.c._clips if c.speaker == first.speaker and c.path != first.path and c.kind == first.kind
        ]
        self.hold.language = first.language or "?"
        level = -99.0 if r.random() < 0.4 else float(r.uniform(-62, -42))
        gain = decibels(float(r.uniform(-10, 3)) - (14 if self.hold.damage == "quiet person" else 0))
        lead = float(r.choice([r.uniform(0.1, 0.8), r.uniform(0.5, 2.0)])) if lead is None else lead
        begin = self.length

        def room(seconds: float) -> Sound:
            tone = noise(seconds, level, r)
            if over is not None:
                offset = self.length - begin
                tone = tone + np.resize(np.roll(over, -offset), len(tone))
            return tone.astype(np.float32)

        self.add(room(lead))
        self.hold.returns = self.now
        for turn in range(3):
            clip = first if turn == 0 or not same else same[r.integers(len(same))]
            words = self.line(clip, short) * gain
            self.add(words + room(len(words) / RATE)[: len(words)])
            self.add(room(float(r.uniform(3.0, 6.0)) if turn < 2 else 1.0))
            if self.now - self.hold.returns > 16:
                break


def _music(tape: _Tape, seconds: float) -> None:
    tape.add(tape.music(seconds))
    tape.person()


def _sung(tape: _Tape, seconds: float) -> None:
    kinds = ("music_vocals", "music_vocals", "music") if tape.c.has("music_vocals") else ("music",)
    tape.add(tape.music(seconds, kinds))
    tape.person()


def _repeated(tape: _Tape, seconds: float) -> None:
    clips = tape.prompts(int(tape.r.integers(1, 4)))
    mode = str(tape.r.choice(["stop", "stop", "duck", "over"]))
    turn = 0
    while tape.now < seconds:
        tape.add(tape.music(tape.every * float(tape.r.uniform(0.7, 1.3))))
        tape.announce([clips[turn % len(clips)]], mode)
        turn += 1
    tape.add(tape.music(float(tape.r.uniform(3, 15))))
    tape.person()


def _varying(tape: _Tape, seconds: float) -> None:
    clips = tape.prompts(12)
    mode = str(tape.r.choice(["stop", "stop", "duck"]))
    while tape.now < seconds:
        tape.add(tape.music(tape.every * float(tape.r.uniform(0.7, 1.3))))
        count = int(tape.r.integers(1, 4))
        tape.announce([clips[tape.r.integers(len(clips))] for _ in range(count)], mode)
    tape.add(tape.music(float(tape.r.uniform(3, 15))))
    tape.person()


def _radio(tape: _Tape, seconds: float) -> None:
    while tape.now < seconds:
        voice = tape.c.pick(("speech", "speech_phone"), lambda clip: len(tape.c.sound(clip)) > 2.5 * RATE)
        tape.speaker = voice.speaker
        under = tape.music(5.0) if tape.r.random() < 0.2 else None
        until = tape.now + float(tape.r.uniform(10, 40))
        while tape.now < until:
            near = tape.c.pick(("speech", "speech_phone"), lambda clip: clip.speaker == tape.speaker)
            tape.prompt(near, under, -16)
            tape.add(noise(float(tape.r.uniform(0.1, 0.6)), -70, tape.r))
        if tape.r.random() < 0.5:
            tape.add(tape.music(float(tape.r.uniform(2, 6))))
    tape.person()


def _silence(tape: _Tape, seconds: float) -> None:
    level = float(tape.r.choice([-99.0, -66.0, -58.0]))
    beep = tape.r.random() < 0.4
    while tape.now < seconds:
        tape.add(noise(15.0, level, tape.r))
        if beep:
            at = np.arange(int(0.3 * RATE)) / RATE
            tape.add((0.1 * np.sin(2 * np.pi * 1400 * at)).astype(np.float32))
    tape.person()


def _talk_only(tape: _Tape, seconds: float) -> None:
    clips = tape.prompts(int(tape.r.integers(1, 3)))
    turn = 0
    while tape.now < seconds:
        tape.add(noise(float(tape.r.uniform(8, 25)), -99, tape.r))
        tape.prompt(clips[turn % len(clips)])
        turn += 1
    tape.add(noise(float(tape.r.uniform(3, 15)), -99, tape.r))
    tape.person()


def _transfer(tape: _Tape, seconds: float) -> None:
    clips = tape.prompts(2)
    tape.add(tape.music(seconds * 0.5))
    tape.announce(clips[:1], "stop")
    pair, on, off = [((440, 480), 2.0, 4.0), ((400, 450), 0.8, 2.2), ((425, 425), 1.0, 4.0)][tape.r.integers(3)]
    for _ in range(int(tape.r.integers(1, 5))):
        at = np.arange(int(on * RATE)) / RATE
        tape.add((0.08 * (np.sin(2 * np.pi * pair[0] * at) + np.sin(2 * np.pi * pair[1] * at))).astype(np.float32))
        tape.add(noise(off, -99, tape.r))
    if tape.r.random() < 0.5:
        tape.announce(clips[1:], "stop")
        tape.add(tape.music(seconds * 0.4))
    tape.person()


def _short_word(tape: _Tape, seconds: float) -> None:
    tape.add(tape.music(seconds * 0.7))
    tape.announce(tape.prompts(1), "stop")
    tape.add(tape.music(seconds * 0.3))
    tape.person(short=True)


def _over_music(tape: _Tape, seconds: float) -> None:
    tape.add(tape.music(seconds))
    tape.person(over=tape.music(20.0) * decibels(-16), lead=float(tape.r.uniform(0.2, 1.0)))


def _crowd(tape: _Tape, seconds: float) -> None:
    crowd = np.zeros(round(seconds * RATE), np.float32)
    for _ in range(8):
        voices = np.concatenate([tape.c.sound(tape.c.pick(LIVE)) for _ in range(6)])
        crowd += np.roll(np.resize(voices, len(crowd)), int(tape.r.integers(len(crowd))))
    tape.add(crowd / (crowd.std() + 1e-9) * decibels(float(tape.r.uniform(-52, -42))))
    tape.person()


KINDS: Final[dict[str, Callable[[_Tape, float], None]]] = {
    "music": _music,
    "sung music": _sung,
    "repeated announcements": _repeated,
    "varying announcements": _varying,
    "radio talk": _radio,
    "silence": _silence,
    "announcements without music": _talk_only,
    "transfer": _transfer,
    "short word": _short_word,
    "person over music": _over_music,
    "crowd": _crowd,
}


def _lossy(sound: Sound, r: np.random.Generator) -> Sound:
    sound = sound.copy()
    rate = r.uniform(0.01, 0.05)
    lost = False
    for frame in range(1, len(sound) // 160):
        lost = r.random() < (0.4 if lost else rate)
        if lost:
            sound[frame * 160 : frame * 160 + 160] = 0.6 * sound[frame * 160 - 160 : frame * 160]
    return sound


def _gsm(sound: Sound, r: np.random.Generator) -> Sound:
    coded = io.BytesIO()
    soundfile.write(coded, np.clip(sound, -1, 1), RATE, format="WAV", subtype="GSM610")
    coded.seek(0)
    back, _ = soundfile.read(coded, dtype="float32")
    return np.asarray(back, np.float32)


DAMAGE: Final[dict[str, Callable[[Sound, np.random.Generator], Sound]]] = {
    "none": lambda sound, r: sound,
    "GSM": _gsm,
    "loss": _lossy,
    "GSM and loss": lambda sound, r: _lossy(_gsm(sound, r), r),
    "line noise": lambda sound, r: sound + noise(len(sound) / RATE, float(r.uniform(-52, -40)), r)[: len(sound)],
    "soft line": lambda sound, r: sound * decibels(-14),
    "clipped": lambda sound, r: np.clip(sound * 4, -0.4, 0.4),
    "quiet person": lambda sound, r: sound,
}
DAMAGES: Final = list(DAMAGE)
DAMAGE_SHARES: Final = [0.40, 0.13, 0.13, 0.07, 0.08, 0.06, 0.05, 0.08]
