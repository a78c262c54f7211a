"""The sounds of the world: clips, voices that differ, music that loops, and errors that name what is missing."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from outwait.audio import g711
from outwait.audio.ear import Ear
from outwait.sim import music, scenario, sound, voice
from outwait.sim.mind import Lines
from outwait.sim.person import lines_of


def level(ulaw: bytes) -> float:
    """RMS of what is not silence, dBFS."""
    samples = g711.decode(ulaw).astype(float) / 32768
    loud = samples[np.abs(samples) > 0.01]
    return float(20 * np.log10(np.sqrt(np.mean(loud**2))))


def test_every_line_of_the_scenarios_and_the_agent_has_a_clip():
    clips = sound._clips()
    named = [*scenario.names(), *scenario.companies()]
    wanted = {line for name in named for line in lines_of(scenario.load(name))}
    assert wanted <= set(clips)
    told = {("agent", text) for text in vars(Lines()).values()}
    assert told <= set(clips)


def test_the_clips_are_small_and_all_are_used():
    folder = Path(sound.__file__).parent / "sounds"
    files = {path.name: path.stat().st_size for path in folder.glob("*.ogg")}
    assert sum(files.values()) < 800_000
    assert set(files) == set(sound._clips().values())


@pytest.mark.parametrize("by", list(sound.VOICES))
def test_a_voice_for_words_nobody_recorded(by):
    text = "The quick brown fox jumps over the lazy dog, does it not?"
    audio = sound.speak(text, by)
    assert 2 < len(audio) / 8000 < 6
    assert audio == sound.speak(text, by)
    assert -24 < level(audio) < -14
    assert level(sound.speak(text, by, -6.0)) == pytest.approx(level(audio) - 6, abs=1.5)


def test_what_a_person_says_again_is_no_recording():
    """The ear knows a recording sample for sample. A person who says a sentence five times is none."""
    text = "I have to ask a colleague about this. Please hold for one more moment."
    first = sound.speak(text)
    assert sound.again(first, 0) == first
    takes = [sound.again(first, take) for take in range(5)]
    assert len(set(map(len, takes))) == 5
    assert sound.again(first, 1) == takes[1]
    pause = sound.room(6.0)

    def repeats(said: list[bytes]) -> float:
        ear = Ear.load()
        sounds = b"".join(sound.mix(take, pause, 0) + pause for take in said)
        return sum(score.seconds for score in ear.hear([(ear.open(), sounds)])[0] if score.repeated >= 0.25)

    assert repeats(takes) == 0
    assert repeats([first, first]) > 1


def test_voices_differ_in_pitch():
    low = voice.synthesise("Hello there, hello there.", voice.Timbre(100.0))
    high = voice.synthesise("Hello there, hello there.", voice.Timbre(200.0))
    assert _pitch(high) > 1.5 * _pitch(low)


def test_an_unknown_voice_or_sound_is_named(tmp_path):
    with pytest.raises(sound.SoundError, match="no voice 'nobody'"):
        sound.speak("Hi", "nobody")
    with pytest.raises(sound.SoundError, match="missing"):
        sound.hold_piece("missing.wav", 0.0, tmp_path)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    with pytest.raises(sound.SoundError, match="no sound"):
        sound.hold_piece("empty.wav", 0.0, tmp_path)


@pytest.mark.parametrize("style", list(music.STYLES))
def test_hold_music_is_music_of_one_level(style):
    piece = sound.hold_piece(style)
    assert len(piece) == 90 * 8000
    assert -30 < level(piece) < -18
    samples = g711.decode(piece).astype(float)
    pauses = np.abs(samples[: len(samples) // 1600 * 1600].reshape(-1, 1600)).mean(axis=1) < 30
    assert not pauses.any()
    assert piece != sound.hold_piece(next(other for other in music.STYLES if other != style))


def test_installed_music_comes_first(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "tune.wav", 0.3 * music.tone((440.0,), 5.0), 16000)
    monkeypatch.setattr(sound, "MUSIC_FOLDERS", (tmp_path,))
    sound.hold_piece.cache_clear()
    assert len(sound.hold_piece("moh")) == 20000
    monkeypatch.setattr(sound, "MUSIC_FOLDERS", (tmp_path / "none",))
    sound.hold_piece.cache_clear()
    assert len(sound.hold_piece("moh")) == len(music.STYLES) * 90 * 8000
    sound.hold_piece.cache_clear()


def test_tones_and_keys():
    assert len(music.ringback(3)) == len(music.busy(3)) == 24000
    assert len(music.special_information()) == pytest.approx(1.03 * 8000, abs=2)
    one = np.abs(np.fft.rfft(music.dtmf("1")[:800]))
    assert sorted(np.argsort(one)[-2:] * 10) == [700, 1210]
    assert len(music.dtmf("1w#")) == round(0.9 * 8000)


def test_pauses_are_tightened():
    talk = np.concatenate([music.tone((300.0,), 1.0), np.zeros(8000), music.tone((300.0,), 1.0)])
    assert len(sound.tighten(talk)) / 8000 == pytest.approx(2.3, abs=0.05)
    assert len(sound.tighten(np.zeros(10))) == 10


def test_espeak_is_used_only_ahead(tmp_path, monkeypatch):
    program = tmp_path / "espeak-ng"
    soundfile.write(tmp_path / "said.wav", 0.3 * music.tone((300.0,), 1.5), 22050)
    program.write_text(f"#!/bin/sh\ncat {tmp_path / 'said.wav'}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    text = "Nobody has ever said this before."
    sound.prepare([("clerk", text)], [("silence", None)])
    assert len(sound.speak(text)) / 8000 == pytest.approx(0.54, abs=0.05)
    program.write_text("#!/bin/sh\nexit 1\n")
    sound.prepare([("clerk", "Nor this.")])
    assert len(sound.speak("Nor this.")) > 4000


def _pitch(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples, 65536))
    hertz = np.fft.rfftfreq(65536, 1 / 8000)
    band = (hertz > 80) & (hertz < 300)
    return float(hertz[band][spectrum[band].argmax()])
