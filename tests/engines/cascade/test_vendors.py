"""The contract of a cascade's parts, for every provider: against strict simulators, and their bills."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from outwait.call.cost import TimePrice
from outwait.call.events import Trouble
from outwait.engines.cascade import Service, deepgram, elevenlabs
from outwait.engines.cascade.stack import RecogniserPart, SpeakerPart
from outwait.engines.cascade.stt import OpenAIRecogniser
from outwait.engines.cascade.tts import OpenAISpeaker
from outwait.engines.cascade.wire import Failed, Wires
from outwait.prices import PriceTable
from outwait.sim import sound
from outwait.sim.cascade import CascadeSim, PlainHearing

HELLO = "Good morning, Northwind Parcels, this is Sam speaking. How can I help you?"
HOLD = "Sure, let me look that up for you. Please hold."
SAID = "Hello, this is an AI assistant."


def openai_recogniser(url: str, key: str) -> RecogniserPart:
    return OpenAIRecogniser(Service(url, "gpt-transcribe", key))


def deepgram_recogniser(url: str, key: str) -> RecogniserPart:
    return deepgram.DeepgramRecogniser(Service(url, deepgram.LISTEN_MODEL, key, deepgram.AUTH))


def openai_speaker(url: str, key: str) -> SpeakerPart:
    return OpenAISpeaker(Service(url, "tts-1", key), "marin")


def deepgram_speaker(url: str, key: str) -> SpeakerPart:
    return deepgram.DeepgramSpeaker(Service(url, deepgram.SPEAK_MODEL, key, deepgram.AUTH))


def elevenlabs_speaker(url: str, key: str) -> SpeakerPart:
    return elevenlabs.ElevenLabsSpeaker(Service(url, elevenlabs.MODEL, key, elevenlabs.AUTH), elevenlabs.VOICE)


RECOGNISERS = [openai_recogniser, deepgram_recogniser]
SPEAKERS = [openai_speaker, deepgram_speaker, elevenlabs_speaker]
Make = Callable[[str, str], Any]


@pytest.fixture
async def sim() -> AsyncIterator[CascadeSim]:
    async with CascadeSim(PlainHearing()) as running:
        yield running


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not so():  # noqa: ASYNC110  the simulator tells nobody
            await asyncio.sleep(0)


def spoken(sim: CascadeSim, text: str) -> bytes:
    voice = sound.speak(text)
    sim.hearing.said(text, voice)
    return voice


@pytest.mark.parametrize("make", RECOGNISERS)
async def test_turns_are_written_down_and_billed(make: Make, sim: CascadeSim) -> None:
    part: RecogniserPart = make(sim.base_url, sim.key)
    seconds = 0.0
    async with Wires(None) as wires:
        ears = await part.open(wires)
        for turn, text in enumerate((HELLO, HOLD), 1):
            voice = spoken(sim, text)
            for start in range(0, len(voice) - 4000, 1600):
                ears.hear(turn, start, voice[start : start + 1600])
            transcript = await ears.transcribe(voice, turn)
            assert transcript.text == text
            assert transcript.seconds == pytest.approx(len(voice) / 8000, abs=0.01)
            seconds += transcript.seconds or 0.0
    price = PriceTable.load().cascade("gpt-5.4-mini", part.model, "tts-1", "twilio").transcription
    assert isinstance(price, TimePrice)
    assert price.rate * seconds / 60 == pytest.approx(sim.bill.usd, rel=0.02)


@pytest.mark.parametrize("make", RECOGNISERS)
async def test_a_turn_that_goes_on_after_a_pause_is_written_down_whole(make: Make, sim: CascadeSim) -> None:
    voice = spoken(sim, HELLO)
    part: RecogniserPart = make(sim.base_url, sim.key)
    async with Wires(None) as wires:
        ears = await part.open(wires)
        half = len(voice) // 2
        ears.hear(1, 0, voice[:half])
        ahead = await ears.transcribe(voice[:half], 1)
        ears.hear(1, half, voice[half:])
        whole = await ears.transcribe(voice, 1)
    assert "morning" in ahead.text
    assert "help you?" not in ahead.text
    assert whole.text.startswith("Good morning")
    assert whole.text.endswith("help you?")


@pytest.mark.parametrize("make", SPEAKERS)
async def test_a_sentence_is_spoken_and_billed(make: Make, sim: CascadeSim) -> None:
    part: SpeakerPart = make(sim.base_url, sim.key)
    async with Wires(None) as wires:
        mouth = await part.open(wires)
        ulaw = b"".join([piece async for piece in mouth.speak(SAID)])
    assert sim.said == [SAID]
    assert len(ulaw) == pytest.approx(len(sound.speak(SAID, "agent")), abs=200)
    price = PriceTable.load().cascade("gpt-5.4-mini", "gpt-transcribe", part.model, "twilio").model
    assert price.speech.rate * len(SAID) == pytest.approx(sim.bill.usd, rel=0.02)  # type: ignore[union-attr]


@pytest.mark.parametrize("make", [*RECOGNISERS, *SPEAKERS])
async def test_a_wrong_key_is_refused_and_not_repeated(make: Make, sim: CascadeSim) -> None:
    async with Wires(None) as wires:
        with pytest.raises(Failed) as refused:
            await make(sim.base_url, "sk-secret-wrong").open(wires)
    assert refused.value.trouble is Trouble.REFUSED
    assert "secret" not in refused.value.detail


@pytest.mark.parametrize("make", [*RECOGNISERS, *SPEAKERS])
async def test_a_server_that_is_not_there(make: Make) -> None:
    async with Wires(None) as wires:
        with pytest.raises(Failed) as lost:
            await make("http://127.0.0.1:9/v1", "k").open(wires)
    assert lost.value.trouble is Trouble.LOST


@pytest.mark.parametrize("make", [deepgram_speaker, elevenlabs_speaker])
async def test_a_voice_that_is_busy(make: Make, sim: CascadeSim) -> None:
    async with Wires(None) as wires:
        mouth = await make(sim.base_url, sim.key).open(wires)
        sim.refuse = 429
        with pytest.raises(Failed) as busy:
            _ = [piece async for piece in mouth.speak(SAID)]
    assert busy.value.trouble is Trouble.BUSY


async def test_a_socket_is_closed_with_its_session(sim: CascadeSim) -> None:
    async with Wires(None) as wires:
        await deepgram_recogniser(sim.base_url, sim.key).open(wires)
        assert sim.open_sockets == 1
    await until(lambda: not sim.open_sockets)


async def test_a_socket_that_breaks_ends_the_turn(sim: CascadeSim) -> None:
    async with Wires(None) as wires:
        ears: Any = await deepgram_recogniser(sim.base_url, sim.key).open(wires)
        ears._pieces.put_nowait('{"type":"Unheard"}')  # the simulator closes on what its documents do not have
        await until(lambda: not sim.open_sockets)
        with pytest.raises(Failed):
            await ears.transcribe(spoken(sim, HELLO), 1)


async def test_it_stays_open_while_nobody_speaks(sim: CascadeSim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepgram, "KEEP_ALIVE", 0.01)
    told: list[str] = []
    monkeypatch.setattr("outwait.sim.cascade_vendors.ListenLine.told", lambda _, text: told.append(text) or [])
    async with Wires(None) as wires:
        await deepgram_recogniser(sim.base_url, sim.key).open(wires)
        await until(lambda: len(told) >= 3)
    assert set(told[:3]) == {'{"type":"KeepAlive"}'}


async def test_words_that_never_come_are_not_waited_for(sim: CascadeSim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepgram, "FLUSHED", 0.05)
    monkeypatch.setattr("outwait.sim.cascade_vendors.ListenLine.told", lambda _, text: [])
    async with Wires(None) as wires:
        ears = await deepgram_recogniser(sim.base_url, sim.key).open(wires)
        assert (await ears.transcribe(spoken(sim, HELLO), 1)).text == ""
