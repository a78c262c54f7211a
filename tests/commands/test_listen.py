import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from outwait.audio.ear import Ear
from outwait.call.hold import HoldPolicy
from outwait.commands.listen import hear_file, listen


def tune(seconds: float, rate: int) -> np.ndarray:
    at = np.arange(round(seconds * rate)) / rate
    notes = 220 * 2 ** (np.array([0, 4, 7, 12, 9, 5, 2])[(at / 0.4).astype(int) % 7] / 12)
    phase = 2 * np.pi * np.cumsum(notes) / rate
    return 0.1 * sum(np.sin(n * phase) / n for n in range(1, 5))


@pytest.fixture
def music(tmp_path: Path) -> Path:
    path = tmp_path / "music.wav"
    soundfile.write(path, tune(30, 8000), 8000)
    return path


def test_json_is_one_line_a_file(music: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert listen([music, music], on_hold=True, as_json=True) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    heard = json.loads(lines[0])
    assert heard["file"] == str(music)
    assert heard["seconds"] == 30.0
    assert heard["on_hold"] is True
    assert heard["segments"][0]["start"] == 0.0
    assert heard["segments"][-1]["end"] == 30.0
    assert all({"at", "kind"} <= set(event) for event in heard["events"])


def test_music_parks_a_call_by_itself(music: Path) -> None:
    heard = hear_file(music, Ear.load(), False, HoldPolicy())
    assert "hold_started" in [event.kind for event in heard.events]


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (44100, 2), (8000, 2)])
def test_any_rate_and_the_first_channel(rate: int, channels: int, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    sound = tune(20, rate)
    noise = np.random.default_rng(0).normal(0, 0.2, len(sound))
    soundfile.write(path, np.stack([sound, noise], axis=1)[:, :channels], rate)
    heard = hear_file(path, Ear.load(), True, HoldPolicy())
    assert heard.seconds == pytest.approx(20, abs=0.02)
    longest = max(heard.segments, key=lambda s: s.end - s.start)
    assert longest.kind == "music"


@pytest.mark.parametrize("rate", [8000, 22050])
def test_the_beginning_of_a_file_gives_the_beginning_of_its_events(rate: int, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    pieces = [tune(9, rate), np.zeros(2 * rate), random.normal(0, 0.1, 3 * rate), tune(12, rate), np.zeros(25 * rate)]
    sound = np.concatenate(pieces)
    whole, part = tmp_path / "whole.wav", tmp_path / "part.wav"
    soundfile.write(whole, sound, rate)
    soundfile.write(part, sound[: round(17.3 * rate)], rate)
    ear = Ear.load()
    early = [e for e in hear_file(whole, ear, False, HoldPolicy()).events if e.at <= 17.0]
    assert [e for e in hear_file(part, ear, False, HoldPolicy()).events if e.at <= 17.0] == early
    assert early


@pytest.mark.parametrize("content", [None, b"", b"RIFF0000WAVE", b"not a recording" * 50])
def test_what_cannot_be_heard_is_one_line(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str], music: Path
) -> None:
    path = tmp_path / "broken.wav"
    if content is not None:
        path.write_bytes(content)
    assert listen([path, music], on_hold=True, as_json=True) == 1
    printed = capsys.readouterr()
    assert len(printed.err.strip().splitlines()) == 1
    assert "broken.wav" in printed.err
    assert len(printed.out.splitlines()) == 1, "the other file is still heard"


def test_an_empty_recording_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty.wav"
    soundfile.write(path, np.zeros(0), 8000)
    assert listen([path]) == 1
    assert "no sound" in capsys.readouterr().err


def test_a_picture(music: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "out.png"
    assert listen([music], on_hold=True, plot=picture) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
