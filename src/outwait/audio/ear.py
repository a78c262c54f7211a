"""The ear: mu-law in, scores out, six times a second, for one call or for hundreds at once.

`Ear` holds the net and is shared; `Listening` is what one call has heard so far. A stretch is 0.16 s. The scores of a
stretch depend on the sound up to its end and on nothing else: not on how the bytes were cut, not on which other calls
shared the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from . import frontend, g711
from .memory import BEFORE, Memory, fingerprint
from .net import FRAMES, HEADS, STATE_SIZE, VOICE, Net, start

STRETCH: Final = FRAMES * frontend.HOP  # samples a stretch: 1,280
SECONDS: Final = STRETCH / g711.RATE  # 0.16
_BLOCK: Final = 64  # stretches worked on at a time, at most: bounds memory, not results


class Score(NamedTuple):
    """What one stretch of sound is. A field without a unit is from 0 to 1, in steps of 1/256.

    The order is that of `outwait.call.hold_events.Scored`, which takes them by place.
    """

    at: float
    """media seconds heard when the score was made: the end of the stretch"""
    seconds: float
    """length of the stretch, seconds"""
    speech: float
    """somebody speaks, live or recorded"""
    music: float
    """music plays, sung or not, also under a voice"""
    singing: float
    """somebody sings"""
    tone: float
    """a signalling tone: ringback, busy, a beep"""
    noise: float
    """noise that is more than the line's own floor"""
    level: float
    """loudness of the stretch, dBFS, in steps of 0.25"""
    repeated: float
    """how surely the voice of the last second was heard, sample for sample, earlier in this call"""
    floor: float
    """loudness of the quietest 20 ms of the stretch, dBFS, in steps of 0.25; -96 is digital silence"""
    live: float
    """how little the voice sounds like a studio recording; 0.5 when there is no voice"""
    familiar: float
    """how much the voice resembles the nearest one heard earlier in this call"""
    voice: int
    """number of that earlier voice in this call, from 0; -1 when there is none"""
    hertz: float
    """middle of the strongest of the ear's bands, Hz"""
    ago: float = 0.0
    """seconds since a voice that is a repeat was heard before; 0 when it is none"""


class Listening:
    """What one call has heard: a few kilobytes, plus its memory of voices. Made by `Ear.open`."""

    __slots__ = ("_bands", "_heard", "_memory", "_samples", "_state")

    def __init__(self) -> None:
        self._heard = 0  # stretches scored so far
        self._samples = np.zeros(frontend.OVERLAP, np.int16)  # the overlap, then what does not fill a stretch yet
        self._state = start(1)[0]
        self._bands = np.zeros((BEFORE, frontend.BANDS), np.float32)  # of the frames before, for the fingerprint
        self._memory = Memory()

    @property
    def seconds(self) -> float:
        """Media seconds scored so far."""
        return self._heard * SECONDS

    def dump(self) -> bytes:
        """Everything, as bytes for `Listening.load`."""
        return msgspec.msgpack.encode(
            (
                _FORMAT,
                self._heard,
                self._samples.tobytes(),
                self._state.tobytes(),
                self._bands.tobytes(),
                self._memory.dump(),
            )
        )

    @classmethod
    def load(cls, stored: bytes) -> Listening:
        """The call that `dump` wrote. Raises ValueError for bytes of another version or of no call at all."""
        try:
            layout, heard, samples, state, bands, memory = msgspec.msgpack.decode(
                stored, type=tuple[int, int, bytes, bytes, bytes, bytes]
            )
        except msgspec.DecodeError as error:
            raise ValueError(f"not a stored ear: {error}") from error
        if layout != _FORMAT or len(state) != 4 * STATE_SIZE:
            raise ValueError(f"a stored ear of layout {layout}, this is {_FORMAT}")
        self = cls()
        self._heard = heard
        self._samples = np.frombuffer(samples, np.int16).copy()
        self._state = np.frombuffer(state, np.float32).copy()
        self._bands = np.frombuffer(bands, np.float32).reshape(BEFORE, frontend.BANDS).copy()
        self._memory = Memory.load(memory)
        return self


_FORMAT: Final = 1


class Ear:
    """The net, loaded once a process and shared by all calls."""

    def __init__(self, net: Net) -> None:
        self._net = net

    @classmethod
    def load(cls) -> Ear:
        """The ear that ships with the package.

        From here on numpy's matrix library uses one thread in this process: at these sizes a second one only spins,
        which made a held call seven times as dear.
        """
        threadpoolctl.threadpool_limits(limits=1, user_api="blas")
        return cls(Net.load())

    def open(self) -> Listening:
        """A call that has heard nothing yet."""
        return Listening()

    def hear(self, batch: Sequence[tuple[Listening, bytes]]) -> list[list[Score]]:
        """Mu-law bytes of any length for each call -> the scores of the stretches that they filled, oldest first.

        A call may stand in the batch once only.
        """
        scores: list[list[Score]] = [[] for _ in batch]
        samples, first = g711.decode(b"".join(ulaw for _, ulaw in batch)), 0
        for listening, ulaw in batch:
            listening._samples = np.concatenate((listening._samples, samples[first : first + len(ulaw)]))
            first += len(ulaw)
        waiting = list(range(len(batch)))
        while waiting:
            by_length: dict[int, list[int]] = {}
            for index in waiting:
                ready = (len(batch[index][0]._samples) - frontend.OVERLAP) // STRETCH
                if ready:
                    by_length.setdefault(min(ready, _BLOCK), []).append(index)
            for count, indices in _blocks(by_length):
                for index, fresh in zip(indices, self._score([batch[i][0] for i in indices], count), strict=True):
                    scores[index].extend(fresh)
            waiting = [index for indices in by_length.values() for index in indices]
        return scores

    def _score(self, calls: list[Listening], count: int) -> list[list[Score]]:
        used = count * STRETCH
        samples = np.stack([call._samples[: frontend.OVERLAP + used] for call in calls])
        band_power = frontend.power(samples)
        out, states = self._net.run(frontend.features(band_power), np.stack([call._state for call in calls]))
        marks: list[list[list[float]]] = _probabilities(out[..., : len(HEADS)]).tolist()
        loudness = frontend.levels(samples[:, frontend.OVERLAP :]).reshape(len(calls), count, FRAMES)
        level = _quarters(10 * np.log10(np.mean(10 ** (loudness.astype(np.float64) / 10), axis=2)))
        floor = _quarters(loudness.min(axis=2))
        before = np.concatenate((np.stack([call._bands for call in calls]), band_power), axis=1)
        words, audible = fingerprint(before)
        loudest = band_power.reshape(len(calls), count, FRAMES, -1).sum(axis=2).argmax(axis=2)
        strongest: list[list[float]] = frontend.CENTRES[loudest].tolist()
        voices = out[..., len(HEADS) : len(HEADS) + VOICE]
        result = []
        for row, call in enumerate(calls):
            call._state = states[row].copy()
            call._bands = before[row, -BEFORE:].copy()
            call._samples = call._samples[used:].copy()
            fresh = []
            for step, (speech, music, singing, tone, noise, live) in enumerate(marks[row]):
                call._heard += 1
                own = slice(step * FRAMES, (step + 1) * FRAMES)
                known = call._memory.hear(words[row, own], audible[row, own], voices[row, step], speech)
                fresh.append(
                    Score(
                        at=round(call._heard * SECONDS, 2),
                        seconds=SECONDS,
                        speech=speech,
                        music=music,
                        singing=singing,
                        tone=tone,
                        noise=noise,
                        level=level[row][step],
                        repeated=known.repeated,
                        floor=floor[row][step],
                        live=live,
                        familiar=known.familiar,
                        voice=known.voice,
                        hertz=strongest[row][step],
                        ago=known.ago,
                    )
                )
            result.append(fresh)
        return result


def _blocks(by_length: dict[int, list[int]]) -> Iterator[tuple[int, list[int]]]:
    """Calls that have as many stretches ready, so many at a time that the work stays in the processor's cache."""
    for count, indices in by_length.items():
        rows = max(1, _BLOCK // count)
        for first in range(0, len(indices), rows):
            yield count, indices[first : first + rows]


def _probabilities(odds: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.rint(256.0 / (1.0 + np.exp(-np.clip(odds, -20.0, 20.0).astype(np.float64)))) / 256.0


def _quarters(decibels: NDArray[np.floating]) -> list[list[float]]:
    quarters: list[list[float]] = (np.rint(decibels * 4.0) / 4.0).astype(np.float64).tolist()
    return quarters
