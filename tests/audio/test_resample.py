"""Resampling: exact in time however the sound is cut, and true to it within the telephone's band."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from outwait.audio.resample import Resampler

RATES = pytest.mark.parametrize(("rate_in", "rate_out"), [(8000, 16000), (24000, 8000), (16000, 8000), (8000, 24000)])


def tone(hertz: float, rate: int, seconds: float = 1.0, level: float = 10_000) -> NDArray[np.int16]:
    return np.rint(level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


def whole(samples: NDArray[np.int16], rate_in: int, rate_out: int, *cuts: int) -> NDArray[np.int16]:
    resampler = Resampler(rate_in, rate_out)
    pieces = [resampler.take(piece) for piece in np.split(samples, sorted(cut % (len(samples) + 1) for cut in cuts))]
    return np.concatenate([*pieces, resampler.end()])


@RATES
@pytest.mark.parametrize("hertz", [300, 1000, 3200])
def test_a_tone_stays_what_it_is_and_where_it_is(rate_in: int, rate_out: int, hertz: int) -> None:
    found = whole(tone(hertz, rate_in), rate_in, rate_out)
    meant = tone(hertz, rate_out)
    assert len(found) == len(meant)
    middle = slice(rate_out // 10, -rate_out // 10)
    assert np.abs(found[middle].astype(int) - meant[middle]).max() < 250


def test_what_the_telephone_cannot_carry_does_not_come_back_as_something_else() -> None:
    found = whole(tone(6000, 24000), 24000, 8000)
    assert np.abs(found[800:-800].astype(int)).max() < 50


@pytest.mark.parametrize(("rate_out", "step"), [(16000, 2), (24000, 3)])
def test_upwards_the_samples_that_there_were_stay(rate_out: int, step: int) -> None:
    samples = np.random.default_rng(1).integers(-30_000, 30_000, 1000).astype(np.int16)
    assert (whole(samples, 8000, rate_out)[::step] == samples).all()


@RATES
@settings(deadline=None)
@given(length=st.integers(0, 900), cuts=st.lists(st.integers(0, 10_000), max_size=6), seed=st.integers(0, 9))
def test_the_cuts_do_not_matter(rate_in: int, rate_out: int, length: int, cuts: list[int], seed: int) -> None:
    samples = np.random.default_rng(seed).integers(-30_000, 30_000, length).astype(np.int16)
    found = whole(samples, rate_in, rate_out, *cuts)
    assert len(found) == -(-length * rate_out // rate_in)
    assert np.abs(found.astype(int) - whole(samples, rate_in, rate_out)).max(initial=0) <= 1  # the last bit of a sum


@RATES
def test_it_is_hardly_ever_late(rate_in: int, rate_out: int) -> None:
    resampler = Resampler(rate_in, rate_out)
    out = 0
    for number in range(1, 51):
        out += len(resampler.take(np.ones(rate_in // 50, np.int16)))
        assert number / 50 - out / rate_out < 0.0025
    resampler.end()
    assert len(resampler.take(np.ones(rate_in // 50, np.int16))) > 0, "it begins anew"
