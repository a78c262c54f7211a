import numpy as np
import pytest
from numpy.typing import NDArray

from outwait.audio.frontend import BANDS, HOP, OVERLAP, power
from outwait.audio.memory import BEFORE, CAPACITY, Known, Memory, fingerprint
from outwait.audio.net import FRAMES, VOICE

NOBODY = np.ones(VOICE, np.float32)


def voice(seconds: float, seed: int) -> NDArray[np.float64]:
    """Something like a voice: a buzz whose pitch, bands and strength keep changing."""
    random = np.random.default_rng(seed)
    count = round(seconds * 8000)
    at = np.arange(count) / 8000
    knots = np.arange(0, seconds + 0.2, 0.1)
    pitch = np.interp(at, knots, random.uniform(90, 240, len(knots)))
    phase = np.cumsum(2 * np.pi * pitch / 8000)
    mixed = np.zeros(count)
    for harmonic in range(1, 16):
        strength = np.interp(at, knots, random.uniform(0, 1, len(knots)) ** 2)
        mixed += strength * np.sin(harmonic * phase)
    return 0.05 * mixed


def hear(memory: Memory, sound: NDArray[np.float64], speech: float = 1.0) -> list[Known]:
    count = len(sound) // (HOP * FRAMES) * HOP * FRAMES
    samples = np.concatenate((np.zeros(OVERLAP), sound[:count]))
    bands = power(np.clip(samples * 32767, -32768, 32767).astype(np.int16)[None])[0]
    long = np.concatenate((np.zeros((BEFORE, BANDS), np.float32), bands))
    words, audible = fingerprint(long[None])
    return [
        memory.hear(words[0, i : i + FRAMES], audible[0, i : i + FRAMES], NOBODY, speech)
        for i in range(0, words.shape[1], FRAMES)
    ]


def noisy(sound: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    return 0.4 * sound + random.normal(0, 0.02 * float(sound.std()), len(sound))


@pytest.mark.parametrize("late", [0, 37, 80])
def test_a_clip_is_known_when_it_comes_again(late: int) -> None:
    memory = Memory()
    clip = voice(4.0, 1)
    first = hear(memory, clip)
    hear(memory, np.zeros(8000 * 4), speech=0.0)
    again = hear(memory, noisy(np.concatenate((np.zeros(late), clip)), 2))
    assert max(known.repeated for known in first) == 0.0
    assert max(known.repeated for known in again[:8]) > 0.5, "known within 1.3 s"
    assert min(known.repeated for known in again[9:24]) > 0.5, "and to its end"
    assert all(known.ago == pytest.approx(8.0 + late / 8000, abs=0.1) for known in again[9:24]), "and when it was"
    assert not any(known.ago for known in first)


def test_another_clip_is_not() -> None:
    memory = Memory()
    for seed in range(10, 18):
        hear(memory, voice(6.0, seed))
        hear(memory, np.zeros(8000 * 4), speech=0.0)
    assert max(known.repeated for known in hear(memory, voice(8.0, 99))) < 0.3


def test_quiet_is_not_compared() -> None:
    memory = Memory()
    hear(memory, np.zeros(8000 * 8))
    assert max(known.repeated for known in hear(memory, np.zeros(8000 * 8))) == 0.0


def test_a_person_may_cut_in() -> None:
    memory = Memory()
    clip = voice(5.0, 1)
    hear(memory, clip)
    hear(memory, np.zeros(8000 * 4), speech=0.0)
    cut = np.concatenate((clip[: 8000 * 2], voice(3.0, 55)))
    known = hear(memory, cut)
    assert known[11].repeated > 0.5
    assert known[-1].repeated == 0.0


def test_memory_is_bounded_and_survives_storing() -> None:
    memory = Memory()
    words = np.arange(FRAMES, dtype=np.uint32)
    loud = np.ones(FRAMES, np.bool_)
    random = np.random.default_rng(0)
    for _ in range(CAPACITY // FRAMES // 40):
        memory.hear(random.integers(0, 2**32, FRAMES, dtype=np.uint32), loud, NOBODY, 1.0)
    copy = Memory.load(memory.dump())
    for _ in range(30):
        assert copy.hear(words, loud, NOBODY, 1.0) == memory.hear(words, loud, NOBODY, 1.0)
    memory._used = CAPACITY
    memory._words = np.zeros(CAPACITY + FRAMES, np.uint32)
    memory._times = np.zeros(CAPACITY + FRAMES, np.int32)
    for _ in range(5):
        memory.hear(random.integers(0, 2**32, FRAMES, dtype=np.uint32), loud, NOBODY, 1.0)
    assert memory._used <= CAPACITY + FRAMES
    assert len(memory.dump()) < 600_000


def test_voices_are_told_apart() -> None:
    memory = Memory()
    one, two = np.zeros(VOICE, np.float32), np.zeros(VOICE, np.float32)
    one[:8], two[8:16] = 1.0, 1.0
    nothing, loud = np.zeros(FRAMES, np.uint32), np.zeros(FRAMES, np.bool_)

    def speak(description: NDArray[np.float32]) -> Known:
        for _ in range(10):
            known = memory.hear(nothing, loud, description, 1.0)
        for _ in range(5):
            memory.hear(nothing, loud, description, 0.0)
        return known

    assert speak(one) == Known(0.0, 0.0, 0)
    assert speak(two).voice == 1
    again = speak(one)
    assert again.voice == 0
    assert again.familiar == 1.0
