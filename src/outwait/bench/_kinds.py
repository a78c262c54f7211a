"""The kinds of hold that a benchmark composes, each up to the moment where a person comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from outwait.bench._clips import LIVE
from outwait.bench._damage import RATE, decibels, noise
from outwait.bench._tape import Tape


def _music(tape: Tape, seconds: float) -> None:
    tape.add(tape.music(seconds))
    tape.person(over=str(tape.r.choice(["", "cut"], p=[0.8, 0.2])))


def _sung(tape: Tape, seconds: float) -> None:
    kinds = ("music_vocals", "music_vocals", "music") if tape.c.has("music_vocals") else ("music",)
    tape.add(tape.music(seconds, kinds))
    tape.person()


def _repeated(tape: Tape, seconds: float) -> None:
    clips = tape.prompts(int(tape.r.integers(1, 4)))
    mode = str(tape.r.choice(["stop", "duck", "over"], p=[0.5, 0.3, 0.2]))
    turn = 0
    if tape.r.random() < 0.3:
        tape.announce([clips[0]], "stop")
    while tape.now < seconds:
        tape.add(tape.music(tape.interval()))
        tape.announce([clips[turn % len(clips)]], mode)
        turn += 1
    tape.add(tape.music(tape.cut_short()))
    tape.person()


def _varying(tape: Tape, seconds: float) -> None:
    clips = tape.prompts(12)
    mode = str(tape.r.choice(["stop", "duck", "over"], p=[0.6, 0.3, 0.1]))
    while tape.now < seconds:
        tape.add(tape.music(tape.interval()))
        count = int(tape.r.integers(1, 4))
        tape.announce([clips[tape.r.integers(len(clips))] for _ in range(count)], mode)
    tape.add(tape.music(tape.cut_short()))
    tape.person()


def _radio(tape: Tape, seconds: float) -> None:
    hosts = {tape.c.pick(LIVE, lambda clip: len(tape.c.sound(clip)) > 2.5 * RATE).speaker for _ in range(3)}
    said = [clip for clip in tape.c.clips if clip.speaker in hosts and clip.kind in LIVE]
    while tape.now < seconds and said:
        host = said[tape.r.integers(len(said))].speaker
        over = tape.r.random() < 0.2
        until = tape.now + float(tape.r.uniform(10, 40))
        while tape.now < until and (left := [clip for clip in said if clip.speaker == host]):
            near = left[tape.r.integers(len(left))]
            said.remove(near)  # what is on the radio is said once
            under = tape.music(len(tape.c.sound(near)) / RATE) * decibels(-16) if over else None
            tape.prompt(near, under)
            tape.add(noise(float(tape.r.uniform(0.1, 0.6)), -70, tape.r))
        if tape.r.random() < 0.5:
            tape.add(tape.music(float(tape.r.uniform(2, 6))))
    tape.add(tape.music(max(0.0, seconds - tape.now)))
    tape.person()


def _silence(tape: Tape, seconds: float) -> None:
    level = float(tape.r.choice([-99.0, -66.0, -58.0]))
    beep = tape.r.random() < 0.4
    while tape.now < seconds:
        tape.add(noise(15.0, level, tape.r))
        if beep:
            at = np.arange(int(0.3 * RATE)) / RATE
            tape.add((0.1 * np.sin(2 * np.pi * 1400 * at)).astype(np.float32))
    tape.person()


def _talk_only(tape: Tape, seconds: float) -> None:
    clips = tape.prompts(int(tape.r.integers(1, 3)))
    turn = 0
    while tape.now < seconds:
        tape.add(noise(tape.interval(), -99, tape.r))
        tape.prompt(clips[turn % len(clips)])
        turn += 1
    tape.add(noise(tape.cut_short(), -99, tape.r))
    tape.person()


def _transfer(tape: Tape, seconds: float) -> None:
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


def _short_word(tape: Tape, seconds: float) -> None:
    tape.add(tape.music(seconds * 0.7))
    tape.announce(tape.prompts(1), "stop")
    tape.add(tape.music(seconds * 0.3))
    tape.person(short=True)


def _over_music(tape: Tape, seconds: float) -> None:
    if tape.r.random() < 0.4:
        tape.add(tape.music(seconds * 0.4))
        tape.announce(tape.prompts(1), str(tape.r.choice(["stop", "duck", "over"])))
    tape.add(tape.music(seconds))
    tape.person(over=str(tape.r.choice(["same", "soft"])), lead=float(tape.r.uniform(0.2, 1.0)))


def _crowd(tape: Tape, seconds: float) -> None:
    crowd = np.zeros(round(seconds * RATE), np.float32)
    for _ in range(8):
        voices = np.concatenate([tape.c.sound(tape.c.pick(LIVE)) for _ in range(6)])
        crowd += np.roll(np.resize(voices, len(crowd)), int(tape.r.integers(len(crowd))))
    tape.add(crowd / (crowd.std() + 1e-9) * decibels(float(tape.r.uniform(-52, -42))))
    tape.person()


KINDS: Final[dict[str, Callable[[Tape, float], None]]] = {
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
