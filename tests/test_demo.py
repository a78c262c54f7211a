"""The demo, with a shorter hold: what it leaves, what it says, and that it does not listen to the outside."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import soundfile

from outwait import demo
from outwait.commands.replay import replay
from outwait.errors import OutwaitError
from outwait.local.tts import LocalVoice


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "SCENARIO", "short_hold")


def test_the_demo_leaves_a_whole_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The demo needs no setting, and must not use one either.
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OUTWAIT_ENGINE", "telepathy")
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/calls.db")
    assert demo.run(tmp_path / "out", True) == 0
    said = capsys.readouterr()
    call = json.loads(said.out)
    assert call == json.loads((tmp_path / "out/call.json").read_text())
    assert call["end_reason"] == {"result": "success", "cause": "hangup_call"}
    assert [segment["kind"] for segment in call["timeline"]] == ["talk", "hold", "talk"]
    assert "on hold" in said.err
    assert "Traceback" not in said.err
    with soundfile.SoundFile(tmp_path / "out/call.wav") as sound:
        assert sound.channels == 2
        assert sound.frames / sound.samplerate == pytest.approx(call["timeline"][-1]["end"], abs=2.0)
    assert call["id"] in (tmp_path / "out/report.html").read_text()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "call.json",
        "call.log.jsonl",
        "call.wav",
        "report.html",
    ]
    assert replay(tmp_path / "out/call.json") == 0


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutwaitError, match="file"):
        demo.run(tmp_path / "file", False)


def test_a_call_that_goes_wrong_is_a_failed_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "SCENARIO", "busy")
    with pytest.raises(OutwaitError, match="client_error: busy"):
        demo.run(tmp_path, True)


def test_an_engine_that_has_no_demo(tmp_path: Path) -> None:
    with pytest.raises(OutwaitError, match=r"--engine: there is openai, .*local"):
        demo.run(tmp_path, False, "telepathy")


def test_the_local_demo_without_its_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hibari", None)
    monkeypatch.setattr("outwait.local.tts.voice", LocalVoice)
    monkeypatch.setattr("outwait.local.stt.recogniser", lambda model: SimpleNamespace(name="ears"))
    with pytest.raises(OutwaitError, match=r"hibari-tts is not installed, .* pip install 'outwait\[local\]'"):
        demo.run(tmp_path, False, "local")
