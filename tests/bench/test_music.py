import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from outwait.audio import g711
from outwait.bench.music import main
from outwait.errors import OutwaitError
from outwait.sim import sound
from outwait.sim.music import STYLES, hold_music


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    """A minute of music, and a minute of it that a person ends."""
    music = hold_music(next(iter(STYLES)), 60.0)
    voice = g711.decode(sound.speak("Hello, thanks for holding. Are you still there?")) / 32768
    soundfile.write(tmp_path / "music.wav", music, 8000)
    (tmp_path / "deep").mkdir()
    soundfile.write(
        tmp_path / "deep/person.flac", np.concatenate([music, np.zeros(8000), voice, np.zeros(40000)]), 8000
    )
    return tmp_path


def test_it_counts_what_wakes_the_ear(tracks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tracks), "--rounds", "2", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    person, music = figures["tracks"]
    assert (person["path"], music["path"]) == (str(tracks / "deep/person.flac"), str(tracks / "music.wav"))
    assert music["woken"] == []
    assert music["seconds"] == pytest.approx(120)
    assert all(61 < at < 66 for _, at in person["woken"])
    assert len(person["woken"]) == 2
    assert main([str(tracks), "--rounds", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == figures


def test_what_is_no_music_is_left_out_or_named(tracks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tracks / "broken.ogg").write_text("not a sound")
    assert main([str(tracks), "--rounds", "1", "--except", "pers*"]) == 0
    printed = capsys.readouterr().out
    assert "not read:" in printed
    assert "broken.ogg" in printed
    assert "tracks: 1, 0.02 h; false resumes: 0, 0.00 an hour" in printed


def test_a_folder_without_music(tmp_path: Path) -> None:
    with pytest.raises(OutwaitError, match="no music in"):
        main([str(tmp_path)])
