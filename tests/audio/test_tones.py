"""Signals are known by frequency and cadence; speech, music and noise are none."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outwait.audio import g711
from outwait.audio.tones import ToneFinder
from outwait.call.keys import tones
from outwait.sim import sound

RATE = 8000


def tone(hertz: tuple[float, ...], seconds: float, level: float = -15.0) -> bytes:
    time = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * f * time) for f in hertz) / len(hertz) * 10 ** (level / 20)
    return g711.encode((wave * 32767).astype(np.int16))


def cadence(hertz: tuple[float, ...], *times: float, rounds: int = 4) -> bytes:
    """On, off, on, off ..."""
    parts = [tone(hertz, t) if n % 2 == 0 else g711.silence(t) for n, t in enumerate(times)]
    return b"".join(parts) * rounds


def kinds(ulaw: bytes) -> list[str]:
    found = [heard.kind for heard in ToneFinder().hear(ulaw + g711.silence(5.0))]
    return [kind for kind, _ in itertools.groupby(found)]


@pytest.mark.parametrize(
    ("what", "ulaw"),
    [
        ("ringback", cadence((440, 480), 2.0, 4.0)),
        ("ringback", cadence((400, 450), 0.4, 0.2, 0.4, 2.0)),
        ("ringback", cadence((425,), 1.0, 4.0)),
        ("busy", cadence((480, 620), 0.5, 0.5)),
        ("busy", cadence((425,), 0.48, 0.48)),
        ("busy", cadence((400,), 0.375, 0.375)),
        ("reorder", cadence((480, 620), 0.25, 0.25)),
        ("reorder", cadence((425,), 0.24, 0.24)),
        ("dial", tone((350, 440), 6.0)),
        ("sit", tone((985.2,), 0.38) + tone((1370.6,), 0.276) + tone((1776.7,), 0.38)),
        (
            "sit",
            tone((950,), 0.33) + g711.silence(0.03) + tone((1400,), 0.33) + g711.silence(0.03) + tone((1800,), 0.33),
        ),
        ("fax", cadence((1100,), 0.5, 3.0, rounds=2)),
        ("fax", tone((2100,), 3.0)),
        ("beep", tone((1000,), 0.5)),
        ("beep", tone((440,), 0.4)),
        ("beep", tone((1400,), 0.3)),
    ],
)
def test_each_signal_is_known(what: str, ulaw: bytes) -> None:
    assert kinds(g711.silence(0.33) + ulaw) == [what]


def test_where_it_was_and_how_high() -> None:
    (heard,) = ToneFinder().hear(g711.silence(1.0) + tone((1000,), 0.5) + g711.silence(2.0))
    assert (heard.start, heard.end) == (pytest.approx(1.0, abs=0.03), pytest.approx(1.5, abs=0.03))
    assert heard.hertz == pytest.approx(1000, rel=0.01)


@given(keys=st.text("0123456789*#ABCD", min_size=1, max_size=12), cuts=st.lists(st.integers(1, 3000), max_size=30))
def test_keys_are_heard_however_their_sound_is_cut(keys: str, cuts: list[int]) -> None:
    ulaw = tones(keys) + g711.silence(0.5)
    finder = ToneFinder()
    heard = []
    for cut in cuts:
        piece, ulaw = ulaw[:cut], ulaw[cut:]
        heard += finder.hear(piece)
    heard += finder.hear(ulaw)
    assert "".join(tone.key for tone in heard) == keys


def test_a_key_that_is_held_is_pressed_once() -> None:
    time = np.arange(8000) / RATE
    wave = 0.3 * np.sin(2 * np.pi * 697 * time) + 0.3 * np.sin(2 * np.pi * 1209 * time)
    assert kinds(g711.encode((wave * 32767).astype(np.int16))) == ["key"]


def test_speech_music_and_noise_are_no_signals() -> None:
    said = [
        sound.speak(text, by) for text in ("Press one for billing, two for sales.", "Hello?") for by in sound.VOICES
    ]
    noise = g711.encode((np.random.default_rng(1).standard_normal(80_000) * 1000).astype(np.int16))
    for ulaw in (*said, noise, g711.silence(10.0), *(sound.hold_piece(style) for style in ("lounge", "beat"))):
        assert {"key", "busy", "sit", "fax", "dial"} & set(kinds(ulaw)) == set()


def test_music_that_is_skipped_takes_its_time() -> None:
    finder = ToneFinder()
    finder.hear(g711.silence(0.32))
    finder.skip(16_000)
    (heard,) = finder.hear(tone((1000,), 0.4) + g711.silence(1.0))
    assert heard.start == pytest.approx(2.32, abs=0.03)
