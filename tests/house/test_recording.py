"""What is recorded, how much of it, and how it goes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from outwait.audio import g711
from outwait.call.setup import phrases
from outwait.house.recording import BLOCK, Recording, Recordings
from outwait.testing import a_call

LEFT, RIGHT, QUIET = (g711.encode(np.full(160, level, np.int16)) for level in (4000, -8000, 0))


def begun(folder: Path, call_id: str = "call_1") -> Recording:
    recording = Recordings(folder, 1_000_000).begin(call_id)
    assert recording is not None
    return recording


def sides(file: Path) -> tuple[bytes, bytes]:
    """Mu-law, as it was."""
    with soundfile.SoundFile(file) as opened:
        assert (opened.samplerate, opened.channels, opened.subtype) == (8000, 2, "ULAW")
    samples, _ = soundfile.read(file, dtype="int16")
    return g711.encode(samples[:, 0].copy()), g711.encode(samples[:, 1].copy())


async def test_both_sides_at_the_time_at_which_they_were_heard(tmp_path: Path) -> None:
    recording = begun(tmp_path)
    recording.attached()
    recording.sent(RIGHT + RIGHT)  # ahead of its playback
    recording.heard(0.0, LEFT)
    recording.cleared()  # the second half is not played
    recording.heard(0.02, LEFT)
    recording.heard(0.06, LEFT)  # a frame is missing before it
    recording.attached()  # another stream: its time begins anew
    recording.heard(5.0, LEFT)
    await recording.write()
    left, right = sides(tmp_path / "call_1.wav")
    assert left == LEFT + LEFT + QUIET + LEFT + LEFT
    assert right == RIGHT + QUIET * 4


async def test_a_file_is_whole_after_each_write(tmp_path: Path) -> None:
    recording = begun(tmp_path)
    for block in range(1, 4):
        while not recording.due:
            recording.heard(0.0, LEFT)
        await recording.write()
        assert len(sides(tmp_path / "call_1.wav")[0]) == block * BLOCK


async def test_the_next_process_goes_on_in_a_file_of_its_own_and_all_go_together(tmp_path: Path) -> None:
    shelf = Recordings(tmp_path / "new", 1_000_000)
    for call_id in ("call_1", "call_1", "call_10"):
        assert shelf.begin(call_id) is not None
    names = sorted(file.name for file in (tmp_path / "new").iterdir())
    assert names == ["call_1.2.wav", "call_1.wav", "call_10.wav"]
    assert {file.stat().st_mode & 0o077 for file in (tmp_path / "new").iterdir()} == {0}, "nobody else's"
    (tmp_path / "call_10.wav").touch()
    shelf.delete(["call_1", "../call_10", "*", "never"])
    assert (tmp_path / "call_10.wav").exists(), "no id leads out of the folder"
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["call_10.wav"]


def test_only_its_user_can_read_the_folder(tmp_path: Path) -> None:
    begun(tmp_path / "recordings")
    assert (tmp_path / "recordings").stat().st_mode & 0o077 == 0


def test_there_is_a_limit(tmp_path: Path) -> None:
    (tmp_path / "old.wav").write_bytes(b"x" * 1000)
    assert Recordings(tmp_path, 1001).begin("call_1") is not None
    assert Recordings(tmp_path, 1000).begin("call_2") is None
    assert not (tmp_path / "call_2.wav").exists()


@pytest.mark.parametrize("call_id", ["../x", "a/b", "", "x" * 65, "*"])
def test_no_id_leads_out_of_the_folder(call_id: str, tmp_path: Path) -> None:
    assert Recordings(tmp_path, 1_000_000).begin(call_id) is None
    assert list(tmp_path.iterdir()) == []


async def test_a_full_disk_costs_the_recording_and_not_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = begun(tmp_path)

    def full(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recording, "_append", full)
    recording.heard(0.0, LEFT)
    await recording.write()
    recording.heard(0.02, LEFT * 1000)
    assert not recording.due, "it is given up"
    (tmp_path / "file").write_bytes(b"")
    assert Recordings(tmp_path / "file", 1_000_000).begin("call_1") is None


def test_whoever_listens_is_told() -> None:
    recorded = a_call(recorded=True)._talk
    assert "This call is recorded. Say so in your first sentence" in recorded.context.instructions
    recorded.resume(100.0, 60.0, None, rang=False)
    assert "that the call is recorded" in recorded.context.seed()[-1].text
    assert phrases("", recorded=True)["resume"] == "Yes, hello, this call is recorded, I'm here."
    assert "recorded" not in a_call()._talk.context.instructions
    assert "recorded" not in str(phrases("the AI"))
