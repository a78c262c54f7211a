"""Stretches of speech in an output that never ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outwait.engines.live.voice import Began, Ended, Paused, Spoke, Voice
from tests.engines.live.stage import QUIET, VOICE

FAINT = b"\xfe\x7e" * 400  # a tenth of a second of the smallest steps that the code has


def heard(voice: Voice, *pieces: bytes) -> list[object]:
    return [happened for piece in pieces for happened in voice.hear(piece)]


def test_silence_is_no_speech() -> None:
    voice = Voice()
    assert heard(voice, *[QUIET, FAINT] * 20, b"") == []
    assert not voice.open


def test_a_stretch_begins_with_a_cushion_and_ends_without_its_silence() -> None:
    voice = Voice()
    assert heard(voice, QUIET, VOICE) == []
    assert heard(voice, VOICE) == [Began(), Spoke(VOICE + VOICE)]
    assert voice.speaking
    assert heard(voice, QUIET, QUIET) == []
    assert heard(voice, QUIET) == [Paused()]
    assert not voice.speaking
    assert heard(voice, *[QUIET] * 5) == [Ended()]
    assert not voice.open


def test_a_breath_belongs_to_it() -> None:
    voice = Voice()
    heard(voice, VOICE, VOICE)
    assert heard(voice, *[QUIET] * 4, VOICE) == [Paused(), Spoke(QUIET * 4 + VOICE)]
    assert voice.speaking


def test_one_word_is_a_stretch_too() -> None:
    voice = Voice()
    assert heard(voice, VOICE) == []
    assert heard(voice, QUIET) == [Began(), Spoke(VOICE)]
    assert heard(voice, *[QUIET] * 7)[-1] == Ended()


def test_one_that_has_to_end() -> None:
    voice = Voice()
    heard(voice, VOICE)
    assert voice.stop() == [Began(), Spoke(VOICE), Ended()]
    assert voice.stop() == []


def test_what_is_muted_is_dropped_until_a_pause() -> None:
    voice = Voice()
    heard(voice, VOICE, VOICE)
    voice.mute()
    assert heard(voice, VOICE, QUIET, VOICE, QUIET, QUIET) == []
    assert voice.muted
    assert heard(voice, QUIET) == []
    assert heard(voice, VOICE, VOICE) == [Began(), Spoke(VOICE + VOICE)]


@given(st.lists(st.sampled_from([VOICE, QUIET, FAINT, b"", VOICE[:160], VOICE * 5, QUIET * 12]), max_size=60))
def test_nothing_that_was_said_is_lost(pieces: list[bytes]) -> None:
    """Whatever comes: every stretch begins and ends once, in that order, and holds all that is loud."""
    voice = Voice()
    happened = [*heard(voice, *pieces), *voice.stop()]
    open_, said = False, b""
    for what in happened:
        match what:
            case Began():
                assert not open_
                open_ = True
            case Ended():
                assert open_
                open_ = False
            case Spoke(ulaw=ulaw):
                assert open_
                said += ulaw
    assert not open_
    loud = sum(len(piece) for piece in pieces if piece and piece[:2] == VOICE[:2])
    assert sum(byte in (0x10, 0x90) for byte in said) == loud
