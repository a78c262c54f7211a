"""Keys as sound, heard by decoders that are not ours: one after Q.24's rules, and multimon-ng where it is installed."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path

import numpy as np
import pytest

from outwait.audio import g711
from outwait.audio.tones import ToneFinder
from outwait.bench._receiver import Sound, goertzel, gsm, lossy, multimon, receiver, right
from outwait.call import commands as do
from outwait.call.keys import KEYS, tones
from outwait.call.policy import Policy
from outwait.call.turns import Playout

PRESSED = "".join(np.random.default_rng(4).choice(list(KEYS.replace("w", "")), 400))


def ours(sound: Sound) -> str:
    found = ToneFinder().hear(g711.encode(sound) + g711.silence(1.0))
    return "".join(tone.key for tone in found if tone.kind == "key")


SOUND = g711.decode(tones(PRESSED))


def test_every_key_is_right_on_a_telephone_line() -> None:
    assert receiver(SOUND) == PRESSED
    assert ours(SOUND) == PRESSED


def test_nearly_every_key_is_right_after_a_mobile_network_that_loses_packets() -> None:
    for seed in (1, 2):
        far = lossy(gsm(SOUND), 0.02, seed)
        assert right(receiver(far), PRESSED) >= 0.99
        assert right(ours(far), PRESSED) >= 0.99


@pytest.mark.skipif(shutil.which("multimon-ng") is None, reason="multimon-ng is not installed")
def test_so_says_a_program_of_others(tmp_path: Path) -> None:
    assert multimon(SOUND, tmp_path) == PRESSED
    # It takes a gap of some milliseconds, which that codec leaves, for the end of a key: its repeats are not counted.
    far = multimon(lossy(gsm(SOUND), 0.02, 3), tmp_path)
    blocks = difflib.SequenceMatcher(None, PRESSED, far, autojunk=False).get_matching_blocks()
    assert sum(block.size for block in blocks) >= 0.99 * len(PRESSED)


def test_levels_and_times_are_those_of_the_standard() -> None:
    sound = g711.decode(tones("5")).astype(float)
    loud = np.flatnonzero(np.abs(sound) > 100)
    assert loud[0] == pytest.approx(0.2 * 8000, abs=8), "nothing is said right before a key"
    assert (loud[-1] - loud[0]) / 8000 == pytest.approx(0.1, abs=0.002)
    assert len(sound) - loud[-1] > 0.25 * 8000, "nor right behind it"
    key = sound[loud[0] : loud[0] + 800] / 32768
    low, high = (10 * np.log10(goertzel(key, hertz) * 4 / 800**2) for hertz in (770, 1336))
    assert -10 < low < high < -6
    assert np.abs(sound).max() < 32000, "not clipped"
    pause = g711.decode(tones("1w1"))
    assert ours(pause) == "11"


def test_no_key_is_no_sound() -> None:
    assert set(tones("w")) == {0xFF}
    assert all(tones(key) for key in KEYS)
    with pytest.raises(ValueError, match="no such key"):
        tones("1e")


def played(playout: Playout, at: float) -> bytes:
    return b"".join(c.ulaw for c in playout.advance(1, at) if isinstance(c, do.PlayAudio))


def test_a_person_who_cuts_in_does_not_cut_a_number_in_two() -> None:
    playout = Playout(Policy())
    playout.phrase("", tones("12"), kind="keys")
    playout.speak(1, "r", "i", b"x" * 8000)
    begun = played(playout, 0.0)
    commands, cut = playout.interrupt(1)
    assert commands == [], "nothing is cleared while keys play"
    assert [utterance.kind for utterance in cut] == ["agent"]
    assert begun + b"".join(played(playout, at / 10) for at in range(1, 20)) == tones("12")


def test_keys_behind_words_that_are_cut_are_pressed_all_the_same() -> None:
    playout = Playout(Policy())
    playout.speak(1, "r", "i", b"x" * 1600)
    playout.end(1)
    playout.phrase("", tones("12"), kind="keys")
    assert played(playout, 0.0).startswith(b"x" * 1600 + tones("12")[:1600])
    commands, _ = playout.interrupt(1)
    assert commands == [do.ClearAudio(1)]
    assert b"".join(played(playout, at / 10) for at in range(20)) == tones("12")
