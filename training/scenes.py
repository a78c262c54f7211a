"""Training scenes: 16 s of what a held line may carry, with the truth of every frame.

A scene has a bed (music, singing, noise, room tone, digital silence), which may change or stop, and voices over it or
between it, live or recorded. Then it goes through a damaged line. All choices come from one seeded generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter, oaconvolve

from outwait.audio import g711
from outwait.audio.frontend import HOP, OVERLAP, features, power
from outwait.audio.net import FRAMES, HEADS
from outwait.bench._clips import LIVE, RECORDED
from outwait.bench._damage import encoded

from .sources import RATE, Clip
from .tunes import tune

Array = NDArray[np.float32]
STRETCHES = 100
LENGTH = STRETCHES * FRAMES * HOP
ODD_VOICES = 0.25  # share of the voices that are made much deeper or higher: children, actors
TUNES = 0.2  # share of the music that is made by `tunes`


@dataclass(slots=True)
class Scene:
    sound: Array
    """(samples,) before codec, loss and mu-law"""
    truth: NDArray[np.uint8]
    """(stretches, heads) share of the stretch, 0..255"""
    weight: NDArray[np.uint8]
    """(stretches, heads) 1 where the truth is sure"""
    voice: NDArray[np.int16]
    """(stretches,) speaker number, -1 where nobody or more than one speaks"""


class Composer:
    def __init__(self, clips: list[Clip], seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.by_kind: dict[str, list[list[Clip]]] = {}
        groups: dict[tuple[str, str], list[Clip]] = {}
        for clip in clips:
            groups.setdefault((clip.kind, clip.source), []).append(clip)
        for (kind, _), members in groups.items():
            self.by_kind.setdefault(kind, []).append(members)
        names = sorted({(c.source, c.speaker) for c in clips if c.speaker and c.kind.startswith("speech")})
        self.speakers = {name: number for number, name in enumerate(names)}

    def clip(self, *kinds: str) -> Clip:
        """Any clip of these kinds; the sources weigh with the root of their size."""
        groups = [group for kind in kinds for group in self.by_kind.get(kind, [])]
        weights = np.sqrt([len(group) for group in groups])
        group = groups[self.random.choice(len(groups), p=weights / weights.sum())]
        shares = np.cumsum([clip.share for clip in group])
        return group[int(np.searchsorted(shares, self.random.random() * shares[-1], side="right"))]

    def scene(self) -> Scene:
        r = self.random
        sound = np.zeros(LENGTH, np.float32)
        truth = {head: np.zeros(LENGTH // HOP, np.float32) for head in HEADS}
        voice_power = np.zeros(LENGTH // HOP, np.float32)
        bed_power = np.zeros(LENGTH // HOP, np.float32)
        live_known = np.zeros(LENGTH // HOP, np.float32)
        voice = np.full(LENGTH // HOP, -1, np.int16)
        # the bed
        at, before = 0, ""
        while at < LENGTH:
            length = int(r.uniform(1.0, 16.0) * RATE) if r.random() < 0.7 else LENGTH
            length = min(length, LENGTH - at) // HOP * HOP
            if length <= 0:
                break
            kind = str(r.choice(BEDS, p=P_BED))
            if before in ("silence", "room") and r.random() < 0.5:
                kind = str(r.choice(["music", "music_vocals"], p=[0.8, 0.2]))  # music out of silence is no voice
            piece = self.bed(kind, length)
            if before != "" and r.random() < 0.2:
                rise = min(length, int(r.uniform(0.05, 3.0) * RATE))
                piece[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
            before = kind
            sound[at : at + length] += piece
            frame = slice(at // HOP, (at + length) // HOP)
            loud = frame_power(piece)
            bed_power[frame] += loud
            heard = loud > 10 ** (-58 / 10)
            if kind == "music":
                truth["music"][frame] = heard_over(heard, 15)
            elif kind == "music_vocals":
                truth["music"][frame] = heard_over(heard, 15)
                truth["singing"][frame] = heard_over(heard, 15)
            elif kind == "tone":
                truth["tone"][frame] = heard
            elif kind in ("noise", "babble"):
                truth["noise"][frame] = heard
            at += length
        # the voices
        if r.random() < 0.8:
            at = int(r.uniform(0, 6) * RATE)
            recorded = r.random() < 0.4
            same = None
            while at < LENGTH - RATE // 2:
                clip = same or self.clip(*(RECORDED if recorded else LIVE))
                if r.random() < 0.5:
                    same = None
                piece = voice_of(clip.samples, r)
                if not recorded and r.random() < 0.3:
                    piece = in_room(piece, r)
                piece = piece[: LENGTH - at]
                piece = piece[: len(piece) // HOP * HOP]
                if len(piece) < HOP * 4:
                    break
                start = at // HOP * HOP
                frame = slice(start // HOP, start // HOP + len(piece) // HOP)
                active = activity(piece)
                gain = 10 ** (r.triangular(-42, -20, -10) / 20) / max(1e-5, rms(piece, active))
                piece = piece * np.float32(gain)
                under = sound[start : start + len(piece)]
                bed_rms = float(np.sqrt(np.mean(under**2)) + 1e-9)
                if bed_rms > 1e-4:
                    habit = r.choice(["stops", "turned down", "goes on"], p=[0.30, 0.25, 0.45])
                    if habit == "goes on":
                        # a person over music that nobody turned down, or a voice in noise
                        loud = bed_rms * 10 ** (r.uniform(-5, 16) / 20)
                        piece = piece * np.float32(min(loud / max(1e-5, rms(piece, active)), 0.9 / np.abs(piece).max()))
                    else:
                        duck = 10 ** ((-60 if habit == "stops" else r.uniform(-24, -3)) / 20)
                        start_duck = max(0, start - int(r.uniform(0, 1.5) * RATE))
                        stop_duck = min(LENGTH, start + len(piece) + int(r.uniform(0, 2.0) * RATE))
                        sound[start_duck:stop_duck] *= np.float32(duck)
                        frames = slice(start_duck // HOP, stop_duck // HOP)
                        bed_power[frames] *= duck**2
                        if habit == "stops":
                            for head in ("music", "singing", "tone", "noise"):
                                truth[head][frames] = 0
                sound[start : start + len(piece)] += piece
                truth["speech"][frame] = np.maximum(truth["speech"][frame], active)
                truth["live"][frame] = np.where(active > 0, float(not recorded), truth["live"][frame])
                live_known[frame] = np.maximum(live_known[frame], active)
                voice_power[frame] += frame_power(piece)
                voice[frame] = np.where(active > 0, self.speakers.get((clip.source, clip.speaker), -1), voice[frame])
                at = start + len(piece) + int(r.choice([r.uniform(0, 0.6), r.uniform(0.6, 5.0)]) * RATE)
                if r.random() < 0.3:
                    recorded = not recorded
        # the line
        sound += room(LENGTH, r.uniform(-90, -45), r)
        sound = line(sound, r)
        # what cannot be heard is not asked for
        weight = {head: np.ones(LENGTH // HOP, np.float32) for head in HEADS}
        smooth_voice, smooth_bed = smooth(voice_power), smooth(bed_power)
        weight["speech"] = np.where((truth["speech"] > 0) & (smooth_voice < 0.12 * smooth_bed), 0, 1)
        for head in ("music", "singing", "tone", "noise"):
            weight[head] = np.where((truth[head] > 0) & (smooth_bed < 0.004 * smooth_voice), 0, 1)
        weight["live"] = live_known * (smooth_voice > 0.5 * smooth_bed)

        def per_stretch(values: Array) -> Array:
            return values.reshape(-1, FRAMES).mean(axis=1)

        voice_stretch = voice.reshape(-1, FRAMES)
        same_voice = (voice_stretch >= 0).mean(axis=1) >= 0.5
        return Scene(
            sound,
            np.stack([np.rint(255 * per_stretch(truth[h])) for h in HEADS], axis=1).astype(np.uint8),
            np.stack([per_stretch(weight[h].astype(np.float32)) > 0.5 for h in HEADS], axis=1).astype(np.uint8),
            np.where(same_voice, voice_stretch.max(axis=1), -1).astype(np.int16),
        )

    def bed(self, kind: str, length: int) -> Array:
        r = self.random
        if kind == "silence":
            return np.zeros(length, np.float32)
        if kind == "babble":
            crowd = np.zeros(length, np.float32)
            for _ in range(int(r.integers(6, 12))):
                talk = np.resize(self.clip("speech", "speech_acted").samples, length)
                crowd += np.roll(talk, r.integers(length)) / (np.abs(talk).max() + 1e-6)
            return crowd * np.float32(10 ** (r.uniform(-50, -25) / 20) / (crowd.std() + 1e-6))
        if kind == "room":
            return room(length, r.uniform(-65, -38), r)
        clip = tune(length / RATE, r) if kind == "music" and r.random() < TUNES else self.clip(kind).samples
        speed = r.uniform(0.85, 1.18)
        need = int(length * speed) + 2
        start = r.integers(max(1, len(clip) - min(len(clip), need) + 1))
        piece = np.resize(clip[start:], need)
        if kind == "tone" and r.random() < 0.5:
            start = 0
            piece = np.resize(clip, need)
        piece = resample(piece, speed)[:length]
        level = r.uniform(-40, -10)
        return at_level(piece, level)


BEDS = ["music", "music_vocals", "noise", "babble", "tone", "room", "silence"]
P_BED = [0.38, 0.15, 0.07, 0.12, 0.06, 0.14, 0.08]


def at_level(sound: Array, level: float) -> Array:
    """The same sound at `level`, dBFS of its mean power."""
    return sound * np.float32(10 ** (level / 20) / (np.sqrt(np.mean(sound**2)) + 1e-6))


def finish(sound: Array, random: np.random.Generator) -> NDArray[np.int8]:
    """Lost packets, mu-law, and the features of what is left: (frames, BANDS)."""
    sound = lose(sound, random)
    ulaw = encoded(sound)
    samples = np.concatenate((np.zeros(OVERLAP, np.int16), g711.decode(ulaw)))
    return features(power(samples[None]))[0].astype(np.int8)


def room(length: int, level: float, r: np.random.Generator) -> Array:
    """Room tone or line noise of `level` dBFS, coloured at random."""
    if level < -88:
        return np.zeros(length, np.float32)
    white = r.standard_normal(length).astype(np.float32)
    tilt = r.uniform(0, 0.97)
    coloured = lfilter([1.0], [1.0, -tilt], white).astype(np.float32)
    return coloured * np.float32(10 ** (level / 20) / (coloured.std() + 1e-9))


def voice_of(samples: Array, r: np.random.Generator) -> Array:
    if len(samples) > 4 * RATE and r.random() < 0.7:
        start = r.integers(len(samples) - 2 * RATE)
        samples = samples[start : start + int(r.choice([r.uniform(0.3, 1.2), r.uniform(1.0, 8)]) * RATE)]
    speed = r.uniform(0.72, 1.4) if r.random() < ODD_VOICES else r.uniform(0.88, 1.14)
    return resample(samples, speed).astype(np.float32)


def in_room(samples: Array, r: np.random.Generator) -> Array:
    """A little reverberation: exponentially fading noise after the direct sound."""
    tail = r.standard_normal(int(r.uniform(0.1, 0.35) * RATE)).astype(np.float32)
    tail *= np.exp(-5.0 * np.arange(len(tail)) / len(tail)).astype(np.float32) * np.float32(r.uniform(0.02, 0.12))
    tail[0] = 1.0
    return oaconvolve(samples, tail)[: len(samples)].astype(np.float32)


def resample(samples: Array, speed: float) -> Array:
    at = np.arange(0, len(samples) - 1, speed)
    return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)


def frame_power(samples: Array) -> Array:
    return np.mean(samples[: len(samples) // HOP * HOP].reshape(-1, HOP) ** 2, axis=1)


def smooth(values: Array) -> Array:
    return np.convolve(values, np.ones(25) / 25)[12 : 12 + len(values)]


def heard_over(heard: NDArray[np.bool_], gap: int) -> Array:
    """Heard, and short gaps in between."""
    return (np.convolve(heard, np.ones(gap))[gap // 2 :][: len(heard)] > 0).astype(np.float32)


def activity(samples: Array) -> Array:
    """(frames,) 1.0 where the clean voice speaks; pauses under 0.2 s count as speaking."""
    decibels = 10 * np.log10(frame_power(samples) + 1e-10)
    top = np.percentile(decibels, 95)
    spoken = (decibels > top - 32) & (decibels > -65)
    closed = np.convolve(spoken, np.ones(9))[4 : 4 + len(spoken)] > 0
    return (np.convolve(~closed, np.ones(9))[4 : 4 + len(spoken)] < 0.5).astype(np.float32)


def rms(samples: Array, active: Array) -> float:
    chosen = samples[: len(active) * HOP].reshape(-1, HOP)[active > 0]
    return float(np.sqrt(np.mean(chosen**2))) if chosen.size else 0.0


def line(sound: Array, r: np.random.Generator) -> Array:
    """The damage that needs no codec: band, gain, clipping, loss."""
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    low, high = r.uniform(50, 320), r.uniform(3000, 4000)
    gain = 1 / (1 + (low / np.maximum(hertz, 1)) ** 6) / (1 + (hertz / high) ** 16)
    tilt = r.uniform(-4, 4)
    gain = gain * 10 ** (tilt * np.log2(np.maximum(hertz, 100) / 1000) / 20)
    sound = np.fft.irfft(spectrum * gain, len(sound)).astype(np.float32)
    sound *= np.float32(10 ** (r.uniform(-14, 8) / 20))
    if r.random() < 0.1:
        sound = np.clip(sound * 4, -0.5, 0.5)
    return np.clip(sound, -1, 1)


def lose(sound: Array, r: np.random.Generator) -> Array:
    """Packets of 20 ms lost alone or in bursts, filled with silence or with the packet before, fading."""
    if r.random() < 0.65:
        return sound
    sound = sound.copy()
    rate, stay = r.uniform(0.003, 0.05), r.uniform(0.0, 0.6)
    repeat = r.random() < 0.5
    lost = False
    for frame in range(1, len(sound) // HOP):
        lost = r.random() < (stay if lost else rate)
        if lost:
            where = slice(frame * HOP, (frame + 1) * HOP)
            sound[where] = 0.7 * sound[(frame - 1) * HOP : frame * HOP] if repeat else 0.0
    return sound
