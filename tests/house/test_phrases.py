"""The phrase library: kept once, found again, and never trusted when the files are not what was written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outwait.house.phrases import MAX_PHRASE, PhraseLibrary

VOICE = "openai-gpt-realtime-2.1-marin-en"
TEXT = "Yes, hello, I'm here."
ULAW = bytes(range(256)) * 30


@pytest.fixture
def library(tmp_path: Path) -> PhraseLibrary:
    return PhraseLibrary(tmp_path / "not" / "yet", wall=lambda: 1_795_000_000.0)


def files(folder: Path, ending: str) -> list[Path]:
    return sorted(folder.rglob(f"*{ending}"))


def test_what_is_kept_is_found_again(library: PhraseLibrary, tmp_path: Path) -> None:
    assert library.get(VOICE, TEXT) is None
    library.keep(VOICE, TEXT, ULAW)
    assert library.get(VOICE, TEXT) == ULAW
    assert PhraseLibrary(tmp_path / "not" / "yet").get(VOICE, TEXT) == ULAW
    (note,) = files(tmp_path, ".json")
    told = json.loads(note.read_text())
    assert (told["version"], told["text"], told["made_at"]) == (1, TEXT, 1_795_000_000.0)
    assert files(tmp_path, ".ulaw")[0].read_bytes() == ULAW
    assert files(tmp_path, ".tmp") == []


def test_another_voice_or_text_is_another_phrase(library: PhraseLibrary) -> None:
    library.keep(VOICE, TEXT, ULAW)
    assert library.get(VOICE + "x", TEXT) is None
    assert library.get(VOICE, TEXT + " ") is None
    assert library.get(VOICE + "\0" + TEXT, "") is None


def test_the_newest_counts(library: PhraseLibrary) -> None:
    library.keep(VOICE, TEXT, ULAW)
    library.keep(VOICE, TEXT, b"\x01" * 80)
    assert library.get(VOICE, TEXT) == b"\x01" * 80


@pytest.mark.parametrize("spoilt", [b"", b"{", b"[]", b'{"version":1}', b"\xff\xfe"])
def test_a_spoilt_note_is_made_again(library: PhraseLibrary, tmp_path: Path, spoilt: bytes) -> None:
    library.keep(VOICE, TEXT, ULAW)
    files(tmp_path, ".json")[0].write_bytes(spoilt)
    assert library.get(VOICE, TEXT) is None
    library.keep(VOICE, TEXT, ULAW)
    assert library.get(VOICE, TEXT) == ULAW


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"text": "other"}, {"voice": "other"}, {"sound": "../../etc/passwd"}, {"sound": "\0"}]
)
def test_a_note_of_something_else_is_ignored(library: PhraseLibrary, tmp_path: Path, change: dict[str, object]) -> None:
    library.keep(VOICE, TEXT, ULAW)
    (note,) = files(tmp_path, ".json")
    note.write_text(json.dumps(json.loads(note.read_text()) | change))
    assert library.get(VOICE, TEXT) is None


@pytest.mark.parametrize("spoilt", [b"", ULAW[:-1], ULAW[:-1] + b"\x00", None])
def test_a_spoilt_sound_is_made_again(library: PhraseLibrary, tmp_path: Path, spoilt: bytes | None) -> None:
    library.keep(VOICE, TEXT, ULAW)
    (sound,) = files(tmp_path, ".ulaw")
    sound.unlink() if spoilt is None else sound.write_bytes(spoilt)
    assert library.get(VOICE, TEXT) is None
    library.keep(VOICE, TEXT, ULAW)
    assert library.get(VOICE, TEXT) == ULAW


def test_silence_and_speeches_are_not_kept(library: PhraseLibrary) -> None:
    library.keep(VOICE, TEXT, b"")
    library.keep(VOICE, TEXT, bytes(MAX_PHRASE + 1))
    assert library.get(VOICE, TEXT) is None


def test_the_oldest_make_room(tmp_path: Path) -> None:
    library = PhraseLibrary(tmp_path, limit=30_000)
    for number in range(5):
        library.keep(VOICE, str(number), bytes([number]) * 8000)
        for file in tmp_path.iterdir():
            if file.stat().st_mtime > 1e6:  # new: as if one a second were made, for file systems with coarse times
                os.utime(file, (number, number))
    assert [bool(library.get(VOICE, str(number))) for number in range(5)] == [False, False, True, True, True]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 30_000


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    library = PhraseLibrary(tmp_path / "file")
    library.keep(VOICE, TEXT, ULAW)
    assert library.get(VOICE, TEXT) is None


def test_a_write_that_fails_leaves_nothing(
    library: PhraseLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        library.keep(VOICE, TEXT, ULAW)
    assert library.get(VOICE, TEXT) is None
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_half_a_character_is_not_kept(library: PhraseLibrary) -> None:
    library.keep(VOICE, "\ud800", ULAW)
    assert library.get(VOICE, "\ud800") is None


@settings(deadline=None)
@given(voice=st.text(), text=st.text())
def test_any_text_is_a_key(tmp_path_factory: pytest.TempPathFactory, voice: str, text: str) -> None:
    library = PhraseLibrary(tmp_path_factory.getbasetemp() / "any")
    library.keep(voice, text, ULAW)
    assert library.get(voice, text) == ULAW
