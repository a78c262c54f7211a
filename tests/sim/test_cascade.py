"""The simulated services of a cascade are strict, and their bill is their own."""

from __future__ import annotations

import json
import struct
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from outwait.audio import g711
from outwait.sim import sound
from outwait.sim.cascade import CascadeSim, PlainHearing
from outwait.sim.mind import Mind
from outwait.sim.world import until

SAM = "Good morning, this is Sam. How can I help you?"
CHAT: dict[str, Any] = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Hello?"}], "stream": True}
SPEECH = {"model": "tts-1", "input": "Hello.", "voice": "marin", "response_format": "pcm"}
CALL = {"id": "c1", "type": "function", "function": {"name": "a", "arguments": "{}"}}


@pytest.fixture
async def sim() -> AsyncIterator[CascadeSim]:
    async with CascadeSim(PlainHearing(), Mind(task="Find out when parcel four seven one two will come.")) as there:
        yield there


@pytest.fixture
async def http(sim: CascadeSim) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {sim.key}"}
    async with httpx2.AsyncClient(base_url=sim.base_url, headers=headers, trust_env=False) as client:
        yield client


def wav(ulaw: bytes, rate: int = 8000) -> bytes:
    samples = g711.decode(ulaw).astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    body = form + struct.pack("<4sI", b"data", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


async def test_a_whole_exchange_and_its_bill(sim: CascadeSim, http: httpx2.AsyncClient) -> None:
    voice = sound.speak(SAM)
    sim.hearing.said(SAM, voice)
    answer = await http.post("/audio/transcriptions", data={"model": "gpt-transcribe"}, files={"file": wav(voice)})
    assert answer.json()["text"] == SAM
    assert answer.json()["usage"]["seconds"] == pytest.approx(len(voice) / 8000)

    messages = [{"role": "system", "content": f"Your task: {sim.mind.task}"}, {"role": "user", "content": SAM}]
    wish = {**CHAT, "messages": messages, "stream_options": {"include_usage": True}}
    chunks = [
        json.loads(line[6:]) for line in (await http.post("/chat/completions", json=wish)).text.split("\n\n")[:-2]
    ]
    words = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert "four seven one two" in words
    usage = chunks[-1]["usage"]

    spoken = await http.post("/audio/speech", json=SPEECH)
    assert len(spoken.content) == pytest.approx(6 * len(sound.speak("Hello.", "agent")), abs=6)

    heard = len(voice) / 8000 * 0.0045 / 60
    thought = (usage["prompt_tokens"] * 0.75 + usage["completion_tokens"] * 4.5) / 1e6
    assert sim.bill.usd == pytest.approx(heard + thought + 6 * 15e-6)
    assert [line.what for line in sim.bill.lines] == ["transcription", "chat", "speech"]
    assert sim.bill.lost_usd == 0
    await until(lambda: not sim.open_sockets)


async def test_the_beginning_of_a_long_prompt_is_cached(sim: CascadeSim, http: httpx2.AsyncClient) -> None:
    messages = [{"role": "system", "content": "x" * 6000}, {"role": "user", "content": "Hello?"}]
    wish = {**CHAT, "messages": messages, "stream_options": {"include_usage": True}}
    cached = []
    for _ in range(2):
        text = (await http.post("/chat/completions", json=wish)).text
        usage = json.loads(text.split("\n\n")[-3][6:])["usage"]
        cached.append(usage["prompt_tokens_details"]["cached_tokens"])
    assert cached == [0, 1408]


@pytest.mark.parametrize(
    "change",
    [
        {"stream": False},
        {"messages": []},
        {"voice": "x"},
        {"stream_options": {"usage": True}},
        {"tools": [{"type": "function", "name": "a"}]},
        {"messages": [{"role": "developer", "content": "x"}]},
        {"messages": [{"role": "user", "content": ""}]},
        {"messages": [{"role": "assistant", "tool_calls": [CALL]}, {"role": "user", "content": "Hello?"}]},
        {"messages": [{"role": "assistant", "tool_calls": [CALL]}]},
        {"messages": [{"role": "tool", "tool_call_id": "c1", "content": "{}"}]},
    ],
)
async def test_a_wrong_conversation_is_refused(change: dict[str, Any], http: httpx2.AsyncClient) -> None:
    answer = await http.post("/chat/completions", json=CHAT | change)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/audio/speech", SPEECH | {"input": ""}, 400),
        ("/audio/speech", SPEECH | {"response_format": "mp3"}, 400),
        ("/audio/speech", SPEECH | {"model": "unheard-of"}, 404),
        ("/audio/transcriptions", {"model": "gpt-transcribe"}, 400),
        ("/embeddings", {}, 404),
    ],
)
async def test_wrong_requests_are_refused(
    path: str, body: dict[str, Any], status: int, http: httpx2.AsyncClient
) -> None:
    assert (await http.post(path, json=body)).status_code == status


@pytest.mark.parametrize("file", [b"", b"RIFF", wav(b"\x10" * 799), wav(b"\x10" * 8000, 16_000)])
async def test_sound_that_is_none_or_too_short_is_refused(file: bytes, http: httpx2.AsyncClient) -> None:
    answer = await http.post("/audio/transcriptions", data={"model": "gpt-transcribe"}, files={"file": file})
    assert answer.status_code == 400


async def test_a_wrong_key_and_what_a_test_wants_to_fail(sim: CascadeSim, http: httpx2.AsyncClient) -> None:
    assert (await http.get("/models", headers={"Authorization": "Bearer x"})).status_code == 401
    sim.fail["speech"] = [503]
    assert (await http.post("/audio/speech", json=SPEECH)).status_code == 503
    assert (await http.post("/audio/speech", json=SPEECH)).status_code == 200
    sim.refuse = 429
    assert (await http.get("/models")).status_code == 429
    assert len(sim.bill.lines) == 1


async def test_who_leaves_in_the_middle_is_charged_for_what_was_made(sim: CascadeSim, http: httpx2.AsyncClient) -> None:
    async with http.stream("POST", "/chat/completions", json=CHAT) as answer:
        async for _ in answer.aiter_bytes():
            break
    await until(lambda: not sim.open_sockets)
    assert [line.delivered for line in sim.bill.lines] == [False]
    assert sim.bill.lost_usd > 0
