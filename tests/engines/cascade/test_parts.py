"""Turns by loudness, sentences, and sound in the forms that services send it."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outwait.audio import g711
from outwait.engines.cascade.sentences import Sentences, clean
from outwait.engines.cascade.sound import Incoming, WrongSound, wav
from outwait.engines.cascade.turns import (
    PerhapsAll,
    TurnEnded,
    TurnPaused,
    TurnPolicy,
    TurnResumed,
    Turns,
    TurnStarted,
)
from outwait.sim import music, sound

SAM = "Good morning, Northwind Parcels, this is Sam speaking. How can I help you?"


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def room(seconds: float) -> bytes:
    noise = sound.room(seconds)
    return noise[: int(seconds * 8000)]


# --- turns


@pytest.mark.parametrize("size", [160, 137, 8000, 10**6])
def test_a_turn_however_it_is_cut_into_pieces(size: int) -> None:
    line = room(1.0) + sound.speak(SAM) + room(1.5)
    turns = Turns()
    found = [happened for piece in pieces(line, size) for happened in turns.hear(piece)]
    kinds = [type(happened) for happened in found]
    assert kinds[0] is TurnStarted
    assert kinds[-3:] == [PerhapsAll, TurnPaused, TurnEnded]
    between = [kind for kind in kinds[1:-3] if kind is not TurnPaused]
    assert between == [PerhapsAll, TurnResumed] * (len(between) // 2), "between her sentences"
    assert found[-3].ulaw == found[-1].ulaw  # type: ignore[union-attr]
    (ended,) = [happened for happened in found if isinstance(happened, TurnEnded)]
    spoken = len(sound.speak(SAM)) / 8000
    assert spoken < len(ended.ulaw) / 8000 < spoken + 0.9
    assert ended.ulaw in line


def test_a_turn_is_taken_for_complete_after_a_short_silence_a_few_times_and_then_after_a_long_one() -> None:
    word, gap, pause = b"\x10\x90" * 800, b"\xff" * 1200, b"\xff" * 2800  # 0.2, 0.15 and 0.35 s
    policy = TurnPolicy(starts=2, most=3)
    found = Turns(policy).hear((word + gap) * 4 + (word + pause) * 2 + word + b"\xff" * 6400)
    kinds = [type(happened).__name__ for happened in found]
    assert kinds == [
        "TurnStarted",
        *["PerhapsAll", "TurnResumed"] * 2,
        *["PerhapsAll", "TurnPaused", "TurnResumed"],
        *["TurnPaused"],
        *["TurnPaused", "TurnEnded"],
    ]
    quiets = [happened.quiet for happened in found if isinstance(happened, PerhapsAll)]
    assert quiets == pytest.approx([0.1, 0.1, 0.3])


def test_a_silence_is_taken_for_the_end_once() -> None:
    word = b"\x10\x90" * 800
    found = Turns(TurnPolicy(starts=1, most=3)).hear(word + b"\xff" * 6400)
    assert [type(happened) for happened in found] == [TurnStarted, PerhapsAll, TurnPaused, TurnEnded]


def test_a_line_where_nobody_speaks_has_no_turn() -> None:
    turns = Turns()
    assert turns.hear(room(30.0)) == []
    assert turns.hear(b"\xff" * 80_000) == []


def test_a_click_is_no_turn() -> None:
    turns = Turns()
    click = b"\x10\x90" * 160  # 40 ms
    assert turns.hear(room(1.0) + click + room(1.0) + click + room(1.0)) == []


def test_music_that_stays_is_no_turn_for_long() -> None:
    turns = Turns()
    lounge = g711.encode((music.hold_music("lounge", 60.0) * 32767).astype(np.int16))
    spoken = 0
    for second in pieces(lounge, 8000):
        turns.hear(second)
        spoken += turns.speaking
    assert spoken < 45
    assert turns.hear(b"\xff" * 8000) == [] or not turns.speaking


def test_a_turn_without_an_end_is_cut() -> None:
    found = Turns().hear(b"\x10\x90" * 8000 * 40)
    ends = [happened for happened in found if isinstance(happened, TurnEnded)]
    assert ends
    assert len(ends[0].ulaw) <= 30 * 8000


# --- sentences


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Hello. How are you? Fine!", ["Hello.", "How are you?", "Fine!"]),
        ("I am calling for Mr. Smith at 10 a.m. today. Yes.", ["I am calling for Mr. Smith at 10 a.m. today.", "Yes."]),
        ("It costs 3.50 in all. Good.", ["It costs 3.50 in all.", "Good."]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("**Sure!** Here it is:\n- one\n- two", ["Sure!", "Here it is:", "- one", "- two"]),
        ("...", []),
        ("", []),
        (
            "I am calling about the parcel that was sent to Smith Street, and I would like to know where it is.",
            ["I am calling about the parcel that was sent to Smith Street,", "and I would like to know where it is."],
        ),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_sentences(text: str, spoken: list[str], size: int) -> None:
    cutter = Sentences()
    found = [piece for at in range(0, len(text), size) for piece in cutter.push(text[at : at + size])]
    rest = cutter.rest()
    assert [*found, *([rest] if rest else [])] == spoken


@given(st.text(max_size=600))
def test_no_word_is_lost(text: str) -> None:
    cutter = Sentences()
    found = [*cutter.push(text), cutter.rest()]
    assert sum(map(_letters, found)) == _letters(text)
    assert all(len(piece) <= 600 for piece in found)


def _letters(text: str) -> int:
    return sum(char.isalnum() for char in text)


def test_markup_is_not_spoken() -> None:
    assert clean("## *Very* `good`_ ") == "Very good"


# --- sound


def test_a_turn_becomes_a_wav_file() -> None:
    with wave.open(io.BytesIO(wav(bytes(range(256))))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        samples = np.frombuffer(file.readframes(256), "<i2")
    assert np.array_equal(samples, g711.decode(bytes(range(256))))


def tone(rate: int, seconds: float = 0.5) -> bytes:
    return (np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate) * 8000).astype("<i2").tobytes()


def header(rate: int, size: int, *, code: int = 1, bits: int = 16, channels: int = 1, extra: bytes = b"") -> bytes:
    fmt = struct.pack("<HHIIHH", code, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits) + extra
    chunk = b"LIST" + struct.pack("<I", 3) + b"abc\0"  # of odd length, with its padding
    return b"RIFF\0\0\0\0WAVE" + chunk + b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", size)


def take(data: bytes, size: int) -> bytes:
    incoming = Incoming()
    return b"".join(incoming.take(piece) for piece in pieces(data, size)) + incoming.end()


@pytest.mark.parametrize("size", [1, 333, 4800, 10**6])
@pytest.mark.parametrize("rate", [24_000, 22_050, 16_000, 8000])
def test_a_tone_stays_a_tone(rate: int, size: int) -> None:
    data = tone(rate) if rate == 24_000 else header(rate, len(tone(rate))) + tone(rate)
    heard = g711.decode(take(data, size)).astype(float)
    assert abs(len(heard) - 4000) <= 2
    middle = heard[1000:3000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(2000)))
    assert np.argmax(spectrum) * 4 == 440
    assert np.sqrt((middle**2).mean()) == pytest.approx(8000 / np.sqrt(2), rel=0.03)


def test_other_forms_of_wav() -> None:
    code = bytes(range(256))
    assert take(header(8000, 0xFFFFFFFF, code=7, bits=8) + code, 100) == code, "a length that is not known yet"
    assert take(header(8000, 256, code=7, bits=8) + code + b"LIST\0\0\0\0", 100) == code, "what follows is no sound"
    extensible = struct.pack("<HHIH", 22, 16, 0, 1) + bytes(14)
    stereo = np.repeat(np.arange(0, 3200, 100, dtype="<i2"), 2)
    stereo[1::2] = 7
    heard = take(header(8000, 128, code=0xFFFE, channels=2, extra=extensible) + stereo.tobytes(), 5)
    assert heard == g711.encode(np.arange(0, 3200, 100, dtype=np.int16))


@pytest.mark.parametrize(
    "data",
    [
        header(8000, 100, code=3, bits=32) + bytes(100),
        header(8000, 100, channels=6) + bytes(100),
        b"RIFF\0\0\0\0WAVEdata\x10\0\0\0" + bytes(16),
        b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0" + bytes(40),
        b"RIFF\0\0\0\0WAVELIST\xff\xff\xff\x7f" + bytes(70_000),
    ],
)
def test_what_can_not_be_read_is_said(data: bytes) -> None:
    with pytest.raises(WrongSound):
        take(data, 1000)
