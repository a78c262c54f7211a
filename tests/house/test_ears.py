"""One call's ears: scores at the call's own time, tones, and words where somebody reads them."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from outwait.audio import g711
from outwait.audio.ear import Ear, Listening, Score
from outwait.call.events import AnyEvent, EarScored, NotTranscribed, ToneHeard
from outwait.call.hold_events import Scored
from outwait.house.ears import MUSIC, Ears
from outwait.house.hearing import Hearing

TURNS = 5  # of the loop, in which what is in a hurry is heard


def tone(seconds: float, *hertz: float) -> bytes:
    time = np.arange(round(8000 * seconds)) / 8000
    wave = sum(np.sin(2 * np.pi * one * time) for one in hertz) / len(hertz)
    return g711.encode(np.asarray(8000 * wave, np.int16))


async def heard(ears: Ears, at: float, ulaw: bytes) -> None:
    for start in range(0, len(ulaw), 1280):
        ears.hear(at + start / 8000, ulaw[start : start + 1280])
        for _ in range(TURNS):
            await asyncio.sleep(0)


def test_a_score_is_handed_on_by_place() -> None:
    assert Score._fields == Scored.__struct_fields__


async def test_they_tell_the_call_s_time_and_not_their_own() -> None:
    """The call has lost some frames, or began to be heard by another process."""
    events: list[AnyEvent] = []
    hearing = Hearing(Ear.load())
    first = Ears(hearing, None, events.append)
    await heard(first, 100.0, tone(1.0, 440.0))
    scores = [event.scored.at for event in events if isinstance(event, EarScored)]
    assert scores
    assert all(100.0 < at <= 101.2 for at in scores)
    events.clear()
    second = Ears(hearing, None, events.append, Listening.load(first.memory()))
    await heard(second, 500.0, tone(1.0, 440.0))
    scores = [event.scored.at for event in events if isinstance(event, EarScored)]
    assert scores
    assert all(500.0 < at <= 501.2 for at in scores)
    hearing.close()


async def test_tones_are_found_where_they_are() -> None:
    events: list[AnyEvent] = []
    hearing = Hearing(Ear.load())
    ears = Ears(hearing, None, events.append)
    await heard(ears, 20.0, tone(0.2, 697.0, 1209.0) + g711.encode(np.zeros(4000, np.int16)))
    keys = [event for event in events if isinstance(event, ToneHeard) and event.kind == "key"]
    assert [key.key for key in keys] == ["1"]
    assert abs(keys[0].at - 20.0) < 0.1
    hearing.close()


@pytest.mark.parametrize("hertz", [900.0, 1400.0])
async def test_a_beep_is_found_though_it_sounds_like_music(hertz: float) -> None:
    """The net calls a pure tone of this height music for a moment."""
    events: list[AnyEvent] = []
    hearing = Hearing(Ear.load())
    ears = Ears(hearing, None, events.append)
    noise = np.random.default_rng(1).normal(0, 82, 20000).astype(np.int16)  # -52 dBFS
    await heard(ears, 0.0, g711.encode(noise[:8000]) + tone(0.5, hertz) + g711.encode(noise[8000:]))
    assert any(event.scored.music >= MUSIC for event in events if isinstance(event, EarScored))
    assert [event.kind for event in events if isinstance(event, ToneHeard)] == ["beep"]
    hearing.close()


async def test_without_a_recogniser_there_are_no_words() -> None:
    events: list[AnyEvent] = []
    await Ears(Hearing(Ear.load()), None, events.append).read(7, b"x")
    assert events == [NotTranscribed(7, "there is no recogniser here")]
