"""A hold while it is being made: music, announcements with their habits, a person at the end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from outwait.bench._clips import FRAME, LIVE, RECORDED, USUAL, Clip, Hold, Library, Recorded, levelled
from outwait.bench._damage import RATE, Sound, decibels, noise

QUIET_PERSON: Final = -14.0  # dB
VOWEL: Final = -24.0  # dB against its usual level from which a voice says something, and does not only breathe
VOWEL_FRAMES: Final = 3  # of 20 ms, in a row, that it lasts
CONSONANT: Final = 0.1  # seconds of a word that may come before it


class Habits(NamedTuple):
    """How long holds last, and how often something is announced in them."""

    seconds: tuple[float, float]
    """of a hold before the person comes, about"""
    every: tuple[float, float]
    """seconds between announcements"""
    unsteady: tuple[float, ...]
    """shares by which that varies"""
    short: float
    """0..1: share of holds in which the person is back at once"""


HABITS: Final = Habits(seconds=(30.0, 480.0), every=(8.0, 150.0), unsteady=(0.02, 0.3), short=0.12)


class Tape:
    """Parts are added in order; what was recorded and when the person's first word fell is kept in the hold."""

    def __init__(self, composer: Library, hold: Hold, habits: Habits) -> None:
        self.c = composer
        self.r = composer.random
        self.hold = hold
        self.parts: list[Sound] = []
        self.length = 0
        self.heard: set[str] = set()  # names of the clips with voices
        self.voices: set[str] = set()  # who spoke in them
        self.loudness = float(self.r.uniform(-8, 4))  # of the bed against -20 dBFS
        self.prompt_level = float(self.r.uniform(-6, 3))
        # An exchange has habits: how long it is quiet before and after an announcement, and with what hiss.
        self.before = float(self.r.choice([self.r.uniform(0.0, 0.35), self.r.uniform(0.0, 1.3)], p=[0.7, 0.3]))
        self.after = float(self.r.choice([self.r.uniform(0.05, 0.6), self.r.uniform(0.0, 1.5)], p=[0.7, 0.3]))
        self.every = float(np.exp(self.r.uniform(*np.log(habits.every))))  # seconds between announcements, about
        self.unsteady = float(self.r.choice(habits.unsteady))  # share by which that varies
        self.hiss = float(self.r.choice([-99.0, self.r.uniform(-70, -50)], p=[0.75, 0.25]))
        self.restarts = bool(self.r.random() < 0.4)  # the music begins anew after an announcement
        self._track: Sound = np.zeros(0, np.float32)
        self._position = 0
        self._again = 0

    @property
    def now(self) -> float:
        return self.length / RATE

    def add(self, sound: Sound) -> None:
        self.parts.append(sound.astype(np.float32))
        self.length += len(sound)

    def music(self, seconds: float, kinds: tuple[str, ...] = ("music",)) -> Sound:
        """The next so many seconds of music: it goes on where it was, piece after piece, some pieces in a loop."""
        need = round(seconds * RATE)
        pieces: list[Sound] = []
        while need > 0:
            if self._position >= len(self._track):
                self._position = 0
                if self._again > 0:
                    self._again -= 1
                else:
                    self._again = int(self.r.integers(0, 3))
                    level = decibels(self.loudness + float(self.r.uniform(-3, 3)))
                    self._track = self.c.sound(self.c.pick(kinds)) * level
            piece = self._track[self._position : self._position + need]
            self._position += len(piece)
            need -= len(piece)
            pieces.append(piece)
        return np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, np.float32)

    def interval(self) -> float:
        """Seconds from one announcement to the next."""
        return self.every * float(self.r.uniform(1 - self.unsteady, 1 + self.unsteady))

    def cut_short(self) -> float:
        """Seconds from the last announcement to the person, who comes at any time before the next."""
        return self.every * float(self.r.uniform(0.1, 1.0))

    def prompt(self, clip: Clip, under: Sound | None = None, gain: float = 0.0) -> None:
        """A recorded voice, over `under` when given."""
        voice = self.c.sound(clip) * decibels(self.prompt_level + gain)
        voice = voice + noise(len(voice) / RATE, self.hiss, self.r)[: len(voice)]
        start = self.now
        if under is not None:
            voice = voice + under[: len(voice)]
        self.add(voice)
        name = clip.path.name
        self.hold.recorded.append(Recorded(start, self.now, name, name not in self.heard))
        self.heard.add(name)
        self.voices.add(clip.speaker)

    def prompts(self, count: int) -> list[Clip]:
        """Announcements of one voice, 1.2 s at least."""
        first = self.c.pick(RECORDED, lambda clip: len(self.c.sound(clip)) > 1.2 * RATE)
        return [
            first,
            *(
                self.c.pick(RECORDED, lambda clip: clip.speaker == first.speaker and len(self.c.sound(clip)) > RATE)
                for _ in range(count - 1)
            ),
        ]

    def announce(self, clips: list[Clip], mode: str, kinds: tuple[str, ...] = ("music",)) -> None:
        """Announcements in the music, which stops, is turned down, or plays on ("stop", "duck", "over")."""
        if mode == "stop":
            self.add(noise(self.before, self.hiss, self.r))
            for clip in clips:
                self.prompt(clip)
                self.add(noise(self.after * float(self.r.uniform(0.8, 1.2)), self.hiss, self.r))
            if self.restarts:
                self._position = 0
            return
        duck = float(self.r.uniform(-22, -8)) if mode == "duck" else float(self.r.uniform(-5, 0))
        gain = 0.0 if mode == "duck" else max(0.0, self.loudness - self.prompt_level + float(self.r.uniform(0, 9)))
        lead = self.music(float(self.r.uniform(0.05, 0.8)), kinds)
        self.add(lead * np.geomspace(1.0, decibels(duck), len(lead)).astype(np.float32))
        for clip in clips:
            self.prompt(clip, self.music(len(self.c.sound(clip)) / RATE, kinds) * decibels(duck), gain)
            self.add(self.music(float(self.r.uniform(0.05, 0.6)), kinds) * decibels(duck))

    def line(self, sound: Sound, short: bool = False) -> tuple[Sound, Sound]:
        """What a person says, and what is left: up to 4.5 s of a clip, often 10, cut where it is quiet; or a word."""
        low, high = (0.3, 0.9) if short else ((1.0, 4.5) if self.r.random() < 0.6 else (4.0, 10.0))
        if len(sound) <= high * RATE:
            return sound, sound[:0]
        power = np.cumsum(np.pad(sound.astype(np.float64) ** 2, 400))
        frames = (power[800:] - power[:-800])[::80]
        first, last = int(low * 100), min(int(high * 100), len(frames) - 1)
        end = first + int(np.argmin(frames[first:last])) if last > first else last
        return sound[: end * 80], levelled(sound[end * 80 :])

    def lines(self, clips: list[Clip], least: float, short: bool) -> Iterator[Sound]:
        """What a person says, one thing after the other and no sound of it twice; `least`: seconds of each."""
        for clip in clips:
            rest = self.c.sound(clip)
            while len(rest) > least * RATE:
                words, rest = self.line(rest, short)
                yield words

    def person(self, short: bool = False, over: str = "", lead: float | None = None) -> None:
        """The line opens, a person speaks, waits, speaks again, gives up. Nobody who was heard before in this hold.

        `over`: the music goes on as loud as before ("same"), turned down ("soft"), or stops with the first word
        ("cut"); else the line has opened before the first word.
        """
        r = self.r

        least = 0.3 if short else 1.0

        def fits(clip: Clip) -> bool:
            new = clip.speaker not in self.voices and clip.path.name not in self.heard
            return new and len(self.c.sound(clip)) > least * RATE

        # Some agents are machines too, or sound like a studio.
        machine = r.random() < 0.15 and any(c.kind == "speech_tts" and fits(c) for c in self.c.clips)
        first = self.c.pick(("speech_tts",) if machine else LIVE, fits)
        same = [c for c in self.c.clips if c.speaker == first.speaker and c.path != first.path and c.kind == first.kind]
        lines = self.lines([first, *(same[number] for number in r.permutation(len(same)))], least, short)
        self.hold.language = first.language or "?"
        level = -99.0 if r.random() < 0.4 else float(r.uniform(-62, -42))
        gain = float(r.uniform(-10, 3)) + (QUIET_PERSON if self.hold.damage == "quiet person" else 0.0)
        bed = 0.0
        if over in ("same", "soft"):
            bed = float(r.uniform(-4, 0)) if over == "same" else float(r.uniform(-16, -6))
            # a voice that can be heard over the music, though not always well
            gain = max(gain, self.loudness + bed + float(r.uniform(-1, 9)))
        lead = float(r.choice([r.uniform(0.1, 0.8), r.uniform(0.5, 2.0)])) if lead is None else lead

        def room(seconds: float) -> Sound:
            tone = noise(seconds, level, r)
            if over in ("same", "soft"):
                tone = tone + self.music(seconds)[: len(tone)] * decibels(bed)
            return tone.astype(np.float32)

        if over == "cut":
            self.add(self.music(lead))
        else:
            self.add(room(lead))
        self.hold.returns = self.now
        spoken = False
        for words in itertools.islice(lines, 3):
            if not spoken and (begins := first_word(words)) is not None:
                self.hold.word_after = self.now - self.hold.returns + begins
                spoken = True
            self.add(words * decibels(gain) + room(len(words) / RATE)[: len(words)])
            self.add(room(float(r.uniform(3.0, 6.0))))
            if self.now - self.hold.returns > 16:
                break
        self.add(room(max(1.0, 12.0 - (self.now - self.hold.returns))))


def first_word(sound: Sound) -> float | None:
    """Seconds to the first word in what a person says at the usual level; None when they only breathe."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    loud = np.mean(frames**2, axis=1) > (USUAL * decibels(VOWEL)) ** 2
    lasting = np.flatnonzero(np.convolve(loud, np.ones(VOWEL_FRAMES), "valid") == VOWEL_FRAMES)
    return max(0.0, float(lasting[0]) * FRAME / RATE - CONSONANT) if len(lasting) else None
