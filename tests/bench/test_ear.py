import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from outwait.audio import g711
from outwait.audio.ear import Ear
from outwait.bench._holds import KINDS, SHORT, Composer, Recorded, read_manifest
from outwait.bench._holds import Hold as Composed
from outwait.bench._labels import add_label, read_labels
from outwait.bench._tape import first_word
from outwait.bench.ear import Fired, bench, decide, hear, judge, main, summary
from outwait.call.hold import HoldPolicy
from outwait.errors import OutwaitError
from outwait.sim.hearing import Hearing
from outwait.sim.line import FRAME_BYTES, SILENT_FRAME
from outwait.sim.person import FarEnd
from outwait.sim.scenario import Hold, load


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small collection of sounds that stand for each class."""
    folder = tmp_path_factory.mktemp("recordings")
    random = np.random.default_rng(1)
    rows = []
    for kind, speakers in (("speech", 3), ("speech_prompt", 2), ("music", 2), ("music_vocals", 1)):
        for speaker in range(speakers):
            for number in range(3):
                at = np.arange(8000 * 3) / 8000
                sound = 0.2 * np.sin(2 * np.pi * random.uniform(100, 900) * at) * (np.sin(9 * at) > -0.5)
                name = f"{kind}-{speaker}-{number}.wav"
                soundfile.write(folder / name, sound, 8000)
                rows.append((name, kind, kind, str(speaker), "en", "public_test"))
    with (folder / "manifest.csv").open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(("path", "source", "class", "speaker", "language", "use"))
        writer.writerows(rows)
    return folder


def test_a_seed_is_a_benchmark(recordings: Path) -> None:
    clips = read_manifest([recordings], "public_test")
    one = Composer(clips, 5).holds(len(KINDS))
    two = Composer(clips, 5).holds(len(KINDS))
    assert [hold.ulaw for hold in one] == [hold.ulaw for hold in two]
    assert Composer(clips, 6).holds(1)[0].ulaw != one[0].ulaw
    for hold in one:
        assert hold.returns is not None
        assert SHORT[0] < hold.returns < hold.seconds - 5
        assert all(voice.end <= hold.returns for voice in hold.recorded)


@pytest.mark.parametrize(("before", "begins"), [(0.0, 0.0), (0.05, 0.0), (0.5, 0.4), (2.0, 1.9)])
def test_a_breath_is_no_word(before: float, begins: float) -> None:
    random = np.random.default_rng(1)
    breath = 0.003 * random.standard_normal(round(8000 * before)).astype(np.float32)
    click = np.r_[np.full(200, 0.2, np.float32), np.zeros(120, np.float32)]
    vowel = (0.14 * np.sin(2 * np.pi * 150 * np.arange(4000) / 8000)).astype(np.float32)
    assert first_word(np.concatenate([breath, vowel])) == pytest.approx(begins, abs=0.02)
    assert first_word(np.concatenate([click, breath])) is None


def test_judging() -> None:
    hold = Composed("a", "music", "none", "en", g711.silence(100), 60.0, [Recorded(20.0, 24.0, "x", True)])
    result = judge(hold, Fired([25.0, 61.5], [60.7]))
    assert (result.missed, result.delay, result.maybe_delay) == (False, 1.5, pytest.approx(0.7))
    assert result.false == [(25.0, "first-heard")]
    assert judge(hold, Fired([71.0])).missed
    breath = judge(replace(hold, word_after=1.2), Fired([61.5], [60.7]))
    assert (breath.missed, breath.delay, breath.maybe_delay) == (False, pytest.approx(0.3), 0.0)
    figures = summary([result, judge(hold, Fired())])
    assert (figures["returns"], figures["missed"]) == (2, 1)
    assert figures["false_per_hour"] == 30.0


@pytest.fixture(scope="module")
def demo_hold() -> Composed:
    """What the far end of the demo sends from the beginning of its hold on, while nobody says anything to it."""
    scenario = load("hold25")
    first = next(number for number, step in enumerate(scenario.steps) if isinstance(step, Hold))
    far = FarEnd(replace(scenario, steps=scenario.steps[first:]), Hearing())
    frames = bytearray()
    hold = Composed("hold25", "music", "none", "en")
    while not far.ended:
        if far.kind == "talk" and hold.returns is None:
            hold.returns = g711.seconds(frames)
        frames += far.speak()
        far.hear(SILENT_FRAME)
    hold.ulaw = bytes(frames)
    return hold


@pytest.mark.parametrize("start", range(8))  # frames of 20 ms, of which a score has eight
def test_the_demos_hold_wakes_nobody(demo_hold: Composed, start: int) -> None:
    cut = FRAME_BYTES * start
    assert demo_hold.returns is not None
    hold = replace(demo_hold, ulaw=demo_hold.ulaw[cut:], returns=demo_hold.returns - g711.seconds(bytes(cut)))
    assert hold.seconds > 1500
    result = judge(hold, decide(hear(Ear.load(), hold), HoldPolicy()))
    assert result.false == []
    assert result.delay is not None
    assert result.delay < 4.0  # they speak for 2.9 s, and wait


def test_a_marked_moment_becomes_a_hold(tmp_path: Path) -> None:
    call = tmp_path / "call.wav"
    soundfile.write(call, np.stack([np.linspace(0, 0.5, 8000 * 90), np.zeros(8000 * 90)], axis=1), 8000)
    folder = tmp_path / "labels"
    add_label(folder, call, "c1", "missed", 70.0)
    add_label(folder, call, "c1", "false_resume", 30.5)
    missed, false = read_labels(folder)
    assert missed.returns == 60.0
    assert missed.seconds == 75.0
    assert false.returns is None
    assert false.seconds == 45.5
    with pytest.raises(OutwaitError, match=r"90\.0 s"):
        add_label(folder, call, "c1", "missed", 91.0)


def test_the_bench_runs(recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--recordings", str(recordings), "--holds", "2", "--curve"]) == 0
    printed = capsys.readouterr().out
    assert "forum" in printed
    assert "trade-off" in printed


def test_no_recordings(tmp_path: Path) -> None:
    with pytest.raises(OutwaitError, match="no recordings"):
        bench([tmp_path], None, 3)
