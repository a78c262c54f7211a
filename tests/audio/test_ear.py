from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outwait.audio import g711
from outwait.audio.ear import SECONDS, STRETCH, Ear, Listening, Score

EAR = Ear.load()


def sound(seconds: float, seed: int) -> bytes:
    """Chords, noise bursts and silence: enough change for every path."""
    random = np.random.default_rng(seed)
    at = np.arange(round(seconds * 8000)) / 8000
    mixed = np.zeros(len(at))
    for start in range(0, len(at), 4000):
        piece = slice(start, start + 4000)
        if random.random() < 0.6:
            for hertz in random.uniform(100, 2000, 3):
                mixed[piece] += 0.1 * np.sin(2 * np.pi * hertz * at[piece])
        elif random.random() < 0.7:
            mixed[piece] += random.normal(0, 0.1, len(at[piece]))
    return g711.encode((mixed * 20000).astype(np.int16))


def hear(ulaw: bytes, *cuts: int) -> list[Score]:
    call = EAR.open()
    edges = [0, *sorted(cuts), len(ulaw)]
    return [s for a, b in pairwise(edges) for s in EAR.hear([(call, ulaw[a:b])])[0]]


SOUND = sound(12.0, 1)
SCORES = hear(SOUND)


def test_a_score_for_each_full_stretch() -> None:
    assert [score.at for score in SCORES] == [round(SECONDS * n, 2) for n in range(1, 76)]
    assert len(hear(SOUND[: 3 * STRETCH - 1])) == 2
    assert hear(b"") == []


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, len(SOUND)), max_size=8))
def test_cuts_change_nothing(cuts: list[int]) -> None:
    assert hear(SOUND, *cuts) == SCORES


def test_company_changes_nothing() -> None:
    others = [sound(12.0, seed) for seed in range(2, 90)]
    calls = [EAR.open() for _ in range(len(others) + 1)]
    sounds = [*others[:40], SOUND, *others[40:]]
    ours: list[Score] = []
    for start in range(0, len(SOUND), 5000):
        batch = [(call, one[start : start + 5000]) for call, one in zip(calls, sounds, strict=True)]
        ours += EAR.hear(batch)[40]
    assert ours == SCORES


def test_nothing_after_a_stretch_counts() -> None:
    assert hear(SOUND[: 40 * STRETCH]) == SCORES[:40]


def test_minute_forty_hears_like_minute_one() -> None:
    """The net has a memory of 2.4 s: what came before leaves no trace in what it hears."""
    music = sound(3.2, 5)
    late = hear(music * 75 + SOUND)[-75:]
    early = hear(music + SOUND)[-75:]

    def plain(scores: list[Score]) -> list[tuple[float, ...]]:
        return [(s.speech, s.music, s.singing, s.tone, s.noise, s.level, s.live) for s in scores]

    assert plain(late) == plain(early)


def test_a_stored_call_goes_on_where_it_was() -> None:
    call = EAR.open()
    before = EAR.hear([(call, SOUND[:50_001])])[0]
    after = EAR.hear([(Listening.load(call.dump()), SOUND[50_001:])])[0]
    assert before + after == SCORES


@pytest.mark.parametrize("stored", [b"", b"\x00" * 40, b"\x95\x01"])
def test_what_is_no_stored_call_is_refused(stored: bytes) -> None:
    with pytest.raises(ValueError, match="stored"):
        Listening.load(stored)


def test_scores_are_on_their_grid() -> None:
    for score in SCORES:
        for name in ("speech", "music", "singing", "tone", "noise", "live", "repeated", "familiar"):
            value = getattr(score, name)
            assert 0.0 <= value <= 1.0
            assert (value * 256).is_integer()
        assert (score.level * 4).is_integer()
        assert score.floor <= score.level


def test_silence_and_level() -> None:
    quiet = hear(g711.silence(2.0))
    assert all(score.level == score.floor == -96.0 for score in quiet)
    assert all(max(score.speech, score.music, score.tone) < 0.5 for score in quiet)
    at = np.arange(16000) / 8000
    loud = hear(g711.encode((30000 * np.sin(2 * np.pi * 1000 * at)).astype(np.int16)))
    assert loud[3].level == pytest.approx(-3.75, abs=0.5)
    assert loud[3].hertz == pytest.approx(1000, abs=60)
    assert max(score.speech for score in loud) < 0.5
