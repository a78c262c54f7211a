"""The report page: what it carries, what it forbids itself, and, where Chromium is installed, what it shows."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from outwait.errors import OutwaitError
from outwait.report import naive_in_words, render, write_report
from outwait.report.peaks import STEP, peaks_of
from tests.sample_call import sample_call

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def carried(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def stereo(path: Path, seconds: float = 3.0, rate: int = 8000) -> Path:
    time = np.arange(int(seconds * rate)) / rate
    far = np.where(time < 1.0, 0.25, 0.0) * np.sin(2 * np.pi * 440 * time)
    agent = np.where(time >= 2.0, 1.0, 0.0) * np.sin(2 * np.pi * 300 * time)
    soundfile.write(path, np.stack([far, agent], axis=1), rate, subtype="PCM_16")
    return path


def test_the_page_carries_the_call_whole() -> None:
    call = sample_call()
    assert carried(render(call, None))["call"] == call


def test_the_page_fetches_nothing() -> None:
    page = render(sample_call(), None)
    head = page.split('<script type="application/json"')[0]
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)""", head)
    assert "default-src 'none'" in page
    for kind, policy in (("style", "style-src"), ("script", "script-src")):
        inline = re.search(rf"<{kind}>(.*?)</{kind}>", page, re.S)
        assert inline
        digest = base64.b64encode(hashlib.sha256(inline[1].encode()).digest()).decode()
        assert f"{policy} 'sha256-{digest}'" in page


def test_words_cannot_break_out_of_the_page() -> None:
    call = sample_call()
    call["transcript"][0]["text"] = "</script><script>alert(1)</script><!-- {{style}}"
    call["to"] = "<b>{{script}}"
    page = render(call, None)
    assert "<script>alert" not in page
    assert "<b>{{" not in page.split("<style>")[0]
    assert carried(page)["call"] == call


def test_something_else_is_refused_in_words() -> None:
    with pytest.raises(OutwaitError, match="it has no cost"):
        render({"id": "x"}, None)


def test_the_formula_is_told_with_the_numbers_of_the_code() -> None:
    words = naive_in_words()
    assert "every 30 s of hold" in words
    assert "18 s of it enter the conversation at 10 audio tokens a second" in words
    assert "90% of it at the cached price" in words


def test_peaks_are_of_both_sides(tmp_path: Path) -> None:
    wave = peaks_of(stereo(tmp_path / "a.wav"))
    far, agent = (np.frombuffer(base64.b64decode(wave[side]), dtype=np.uint8) for side in ("far", "agent"))
    assert wave["step"] == STEP
    assert wave["seconds"] == 3.0
    assert len(far) == len(agent) == 150
    assert far[:50].min() >= 120
    assert far[51:].max() == 0
    assert agent[:100].max() == 0
    assert agent[101:].min() >= 250


def test_one_channel_is_the_far_end_and_long_calls_get_longer_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "m.wav", np.full(8000 * 20, 0.5), 8000, subtype="PCM_16")
    monkeypatch.setattr("outwait.report.peaks.MOST", 10)
    wave = peaks_of(tmp_path / "m.wav")
    assert wave["step"] == 2.0
    assert wave["agent"] == ""
    assert set(base64.b64decode(wave["far"])) == {180}


def test_no_sound_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"no")
    with pytest.raises(OutwaitError, match="can't be read as sound"):
        peaks_of(path)


def test_the_files_of_a_folder_belong_together(tmp_path: Path) -> None:
    (tmp_path / "call.json").write_text(json.dumps(sample_call()))
    stereo(tmp_path / "call.wav")
    page = write_report(tmp_path / "call.json")
    assert page == tmp_path / "report.html"
    assert carried(page.read_text())["wave"]["seconds"] == 3.0


@pytest.mark.parametrize(("text", "words"), [(None, "No such file"), ("{", "not JSON"), ("{}", "not a call object")])
def test_a_bad_file_is_said_so(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "call.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(OutwaitError, match=words):
        write_report(path)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_a_browser_draws_it(tmp_path: Path) -> None:
    call = sample_call()
    call["transcript"][0]["text"] = "</script><script>document.title = 'broken'</script>"
    (tmp_path / "call.json").write_text(json.dumps(call))
    stereo(tmp_path / "call.wav", seconds=30)
    page = write_report(tmp_path / "call.json")
    assert CHROMIUM
    flags = (
        "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --enable-logging=stderr"
    )
    command = [
        CHROMIUM,
        *flags.split(),
        f"--user-data-dir={tmp_path}/profile",
        "--dump-dom",
        f"{page.as_uri()}#1498-1513",
    ]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    assert "CONSOLE" not in shown.stderr
    body = re.sub(r"<script.*?</script>", "", shown.stdout, flags=re.S)
    for words in (
        "Success: the agent hung up",
        "on hold for 24:41, from 0:23 to 25:03",
        "a person seemed to be back",
        "3 · gpt-realtime-2.1",
        "Parking saved $2.23",
        "media socket closed",
        "&lt;/script&gt;",
    ):
        assert words in body
    assert "<title>Call to +12025550143 - Outwait</title>" in shown.stdout
