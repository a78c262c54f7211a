from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from outwait.bench._labels import read_labels
from outwait.commands.label import keep
from outwait.errors import OutwaitError


@pytest.fixture
def call(tmp_path: Path) -> Path:
    path = tmp_path / "call.json"
    path.write_text(json.dumps({"id": "call_1"}))
    soundfile.write(tmp_path / "call.wav", np.zeros((8000 * 90, 2), np.int16), 8000)
    return path


def test_a_marked_moment_becomes_a_hold_that_the_bench_reads(call: Path, tmp_path: Path) -> None:
    keep(call, false_resume=None, missed=80.0, wav=None, out=tmp_path / "labels")
    keep(call, false_resume=30.0, missed=None, wav=None, out=tmp_path / "labels")
    missed, false = read_labels(tmp_path / "labels")
    assert missed.returns == 60.0
    assert false.returns is None


@pytest.mark.parametrize(("false_resume", "missed"), [(None, None), (1.0, 2.0)])
def test_one_mark_at_a_time(call: Path, tmp_path: Path, false_resume: float | None, missed: float | None) -> None:
    with pytest.raises(OutwaitError, match="either"):
        keep(call, false_resume=false_resume, missed=missed, wav=None, out=tmp_path)


def test_what_is_not_there_is_said_in_words(call: Path, tmp_path: Path) -> None:
    with pytest.raises(OutwaitError, match="no recording"):
        keep(call, false_resume=1.0, missed=None, wav=tmp_path / "none.wav", out=tmp_path)
    with pytest.raises(OutwaitError, match="there is no 900"):
        keep(call, false_resume=900.0, missed=None, wav=None, out=tmp_path)
    call.write_text("[]")
    with pytest.raises(OutwaitError, match=r"not a call\.json"):
        keep(call, false_resume=1.0, missed=None, wav=None, out=tmp_path)


@pytest.mark.parametrize("call_id", ["../../up", "/etc/passwd", "a/b", "..", "", "a" * 65, "a\\b"])
def test_no_id_leads_out_of_the_folder(call: Path, tmp_path: Path, call_id: str) -> None:
    call.write_text(json.dumps({"id": call_id}))
    with pytest.raises(OutwaitError, match="names no file"):
        keep(call, false_resume=1.0, missed=None, wav=None, out=tmp_path / "a" / "labels")
    assert not list(tmp_path.rglob("*.flac"))
