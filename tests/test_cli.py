"""The command line from the outside: exit statuses, one clear line for what is wrong, and quick help."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.main

from outwait import __version__
from outwait.cli import app, main
from tests.sample_call import sample_call

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
QUICK = 0.5  # CPU seconds that help may take
SLACK = 2.0  # for a machine that has other work to do


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command in this process, which saves loading everything once more."""

    def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["outwait", *map(str, words)])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(sys.argv, int(end.value.code or 0), said.out, said.err)

    return run


def outwait(*words: str | Path, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as a user would."""
    command = [sys.executable, "-m", "outwait", *map(str, words)]
    env = {name: value for name, value in os.environ.items() if not re.match("OUTWAIT_|TWILIO_|OPENAI_|AZURE_", name)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=cwd, env=env | environment)


def fails(result: subprocess.CompletedProcess[str], status: int, words: str) -> None:
    """It failed as a program for people fails: one line, no traceback, nothing on stdout."""
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    assert words in result.stderr
    assert result.stdout == ""
    if status == 1:
        assert len(result.stderr.splitlines()) == 1


def test_version() -> None:
    result = outwait("--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"outwait {__version__}\n", "")


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)], ids=lambda words: " ".join(words) or "outwait")
def test_help_is_quick(words: list[str]) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = outwait(*words, "--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert result.returncode == 0
    assert "Usage: outwait" in result.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < QUICK * SLACK


def test_help_loads_nothing_heavy() -> None:
    heavy = {"numpy", "fastapi", "sqlalchemy", "httpx2", "uvicorn", "soundfile", "outwait.sim", "outwait.config"}
    code = "import sys, outwait.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert heavy.isdisjoint(loaded)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["dance"], "dance"),
        (["call", "+12025550143"], "--task"),
        (["call", "+12025550143", "--task", "x", "--max-cost-usd", "much"], "--max-cost-usd"),
        (["serve", "--port", "99999"], "--port"),
        (["listen"], "FILES"),
        (["bench", "nothing"], "no benchmark 'nothing'"),
    ],
)
def test_wrong_usage_is_status_2(here: Run, words: list[str], named: str) -> None:
    result = here(*words)
    assert result.returncode == 2
    assert named.lower() in result.stderr.lower()
    assert "Traceback" not in result.stderr


def test_a_call_without_a_server(here: Run) -> None:
    fails(here("call", "+12025550143", "--task", "x", "--server", "http://127.0.0.1:9"), 1, "no server at")
    fails(here("call", "+12025550143", "--task", "x", "--server", "nonsense"), 1, "no server at nonsense")


def test_serve_says_what_is_missing(tmp_path: Path) -> None:
    fails(outwait("serve", "--port", "0", cwd=tmp_path), 1, "OPENAI_API_KEY")
    fails(outwait("serve", cwd=tmp_path, OPENAI_API_KEY="x", OUTWAIT_MODEL="no-such-model"), 1, "no-such-model")


@pytest.mark.parametrize("name", [name for name in COMMANDS if name in ("phrases", "serve", "number", "prune")])
def test_a_setting_that_cannot_be_used_is_one_line(here: Run, name: str) -> None:
    words = {"number": ["+12025550143"], "prune": ["--older-than", "90d"]}.get(name, [])
    said = here(name, *words, OUTWAIT_PORT="many")
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1
    assert "OUTWAIT_PORT" in said.stderr


def test_doctor_finds_what_is_missing(here: Run, tmp_path: Path) -> None:
    result = here("doctor", DATABASE_URL=f"sqlite:///{tmp_path}/calls.db")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    for words in ("TWILIO_ACCOUNT_SID", "OPENAI_API_KEY", "OUTWAIT_PUBLIC_URL", "database: can be written", "to fix"):
        assert words in result.stdout


def test_doctor_names_a_setting_that_cannot_be_used(here: Run, tmp_path: Path) -> None:
    (tmp_path / "outwait.toml").write_text('publik_url = "https://voice.example.com"\n')
    result = here("doctor")
    assert result.returncode == 1
    assert "publik_url" in result.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line(here: Run, tmp_path: Path) -> None:
    (tmp_path / "call.json").write_text(json.dumps({"id": "call_1"}))
    with wave.open(str(tmp_path / "call.wav"), "wb") as sound:
        sound.setparams((2, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(4 * 8000 * 3))
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/call_1-missed-1000.flac").symlink_to("/dev/full")
    fails(here("label", "call.json", "--missed", "1"), 1, "No space left on device")


def test_bad_files_are_named(here: Run, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.wav"
    text = tmp_path / "text.wav"
    text.write_text("hello")
    fails(here("listen", nothing), 1, "nothing.wav")
    fails(here("listen", text, "--json"), 1, "text.wav")
    fails(here("report", nothing), 1, "nothing.wav: No such file")
    fails(here("report", text), 1, "not JSON")


def test_a_report_is_made(here: Run, tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text(json.dumps(sample_call()))
    result = here("report", path, "--out", tmp_path / "page.html")
    assert (result.returncode, result.stdout) == (0, f"{tmp_path}/page.html\n")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_a_reader_that_leaves_is_no_bug() -> None:
    command = f"{sys.executable} -m outwait bench | true; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert "Traceback" not in result.stderr


def test_benchmarks_are_listed(here: Run) -> None:
    result = here("bench")
    assert result.returncode == 0
    assert re.search(r"^ear\s+\S", result.stdout, re.M)
