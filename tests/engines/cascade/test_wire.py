"""The three adapters, against services that answer byte by byte what the test says."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from outwait.call.events import Trouble
from outwait.call.tools import schemas
from outwait.engines.cascade.llm import Finished, OpenAIWriter, ToolCall, Words
from outwait.engines.cascade.steps import Tokens
from outwait.engines.cascade.stt import OpenAIRecogniser, Transcript
from outwait.engines.cascade.tts import OpenAISpeaker
from outwait.engines.cascade.wire import Failed, Service, client, reach
from tests.engines.cascade.services import PATIENCE, Asked, Services, telephone_wav

Told = list[Words | ToolCall | Finished]
MESSAGES = [{"role": "user", "content": "Hello?"}]


@asynccontextmanager
async def services(**how: Any) -> AsyncIterator[tuple[Services, Service, Any]]:
    async with Services(**how) as there:
        service = Service(there.url + "/", "m", "sk-secret")
        http = client(service, None)
        async with http:
            yield there, service, http


async def written(answer: Callable[[Asked], Awaitable[None]], tools: list[dict[str, object]] | None = None) -> Told:
    """What the adapter makes of an answer."""
    async with services() as (there, service, http):

        async def play() -> None:
            await answer(await there.chat())

        playing = asyncio.create_task(play())
        try:
            async with (
                asyncio.timeout(PATIENCE),
                aclosing(OpenAIWriter(service).on(http).write(MESSAGES, tools or [])) as told,
            ):
                return [piece async for piece in told]
        finally:
            await playing


async def test_the_request_for_an_answer() -> None:
    wishes: list[Asked] = []

    async def answer(asked: Asked) -> None:
        wishes.append(asked)
        await asked.begin()
        await asked.finish()

    assert await written(answer, schemas()) == [Finished(None, True)]
    (asked,) = wishes
    assert (asked.method, asked.path) == ("POST", "/v1/chat/completions")
    assert asked.headers["authorization"] == "Bearer sk-secret"
    wish = asked.json
    tools = wish.pop("tools")
    assert wish == {"model": "m", "messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}
    assert tools[0]["type"] == "function"
    assert {"name", "description", "parameters"} <= set(tools[0]["function"])
    assert await written(answer) == [Finished(None, True)]
    assert "tools" not in wishes[1].json


async def test_words_and_a_bill() -> None:
    async def answer(asked: Asked) -> None:
        await asked.begin()
        await asked.send(b": keep alive\n\nevent: x\nda")
        await asked.send(b'ta: {"choices": [{"delta": {"content": "Hel"}}]}\r\n\r\n')
        await asked.chunk({"role": "assistant", "content": None})
        await asked.chunk({"content": "lo."})
        usage = {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}}
        await asked.finish(usage=usage)

    assert await written(answer) == [Words("Hel"), Words("lo."), Finished(Tokens(12, 8, 3), True)]


@pytest.mark.parametrize(
    ("parts", "calls"),
    [
        (  # as OpenAI does
            [
                {"index": 0, "id": "a", "type": "function", "function": {"name": "one", "arguments": ""}},
                {"index": 0, "function": {"arguments": '{"x"'}},
                {"index": 0, "function": {"arguments": ":1}"}},
                {"index": 1, "id": "b", "type": "function", "function": {"name": "two", "arguments": "{}"}},
            ],
            [ToolCall("a", "one", '{"x":1}'), ToolCall("b", "two", "{}")],
        ),
        (  # whole calls that share a place
            [
                {"index": 0, "id": "a", "function": {"name": "one", "arguments": "{}"}},
                {"index": 0, "id": "b", "function": {"name": "two", "arguments": '{"y":2}'}},
            ],
            [ToolCall("a", "one", "{}"), ToolCall("b", "two", '{"y":2}')],
        ),
        ([{"function": {"name": "one"}}], [ToolCall("call_1", "one", "{}")]),  # no place, no id, no arguments
        ([{"index": 0, "id": "a", "function": {"arguments": "{}"}}], []),  # no name
    ],
)
async def test_tool_calls_are_put_together(parts: list[dict[str, Any]], calls: list[ToolCall]) -> None:
    async def answer(asked: Asked) -> None:
        await asked.begin()
        for part in parts:
            await asked.chunk({"tool_calls": [part]})
        await asked.finish("tool_calls")

    assert (await written(answer))[:-1] == calls


async def test_a_call_that_was_cut_by_a_limit_is_none() -> None:
    async def answer(asked: Asked) -> None:
        await asked.begin()
        await asked.chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "one", "arguments": '{"x'}}]})
        await asked.finish("length")

    assert await written(answer) == [Finished(None, False)]


async def test_an_answer_that_breaks_off() -> None:
    async def cut(asked: Asked) -> None:
        await asked.begin()
        await asked.chunk({"content": "Hel"})
        asked.writer.transport.abort()

    async def end(asked: Asked) -> None:
        await asked.begin()
        await asked.chunk({"content": "Hel"})
        await asked.end()

    async def nonsense(asked: Asked) -> None:
        await asked.begin()
        await asked.send(b"data: {{\n\n")
        await asked.end()

    for answer in (cut, end, nonsense):
        with pytest.raises(Failed) as failed:
            await written(answer)
        assert failed.value.trouble is Trouble.LOST


async def test_an_error_in_the_middle() -> None:
    async def answer(asked: Asked) -> None:
        await asked.begin()
        await asked.event({"error": {"message": "overloaded with sk-secret", "code": "busy"}})
        await asked.end()

    with pytest.raises(Failed) as failed:
        await written(answer)
    assert failed.value.trouble is Trouble.BUSY
    assert "sk-secret" not in failed.value.detail
    assert "overloaded" in failed.value.detail


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (400, b'{"error": {"message": "bad"}}', Trouble.REFUSED),
        (401, b'{"error": {"message": "wrong key sk-secret", "code": "invalid_api_key"}}', Trouble.REFUSED),
        (403, b"", Trouble.REFUSED),
        (404, b'{"error": "no such model"}', Trouble.REFUSED),
        (302, b"", Trouble.REFUSED),
        (429, b'{"error": {"code": "rate_limit_exceeded"}}', Trouble.BUSY),
        (429, b'{"error": {"code": "insufficient_quota"}}', Trouble.REFUSED),
        (408, b"", Trouble.BUSY),
        (500, b"<html>", Trouble.BUSY),
        (503, b"[1]", Trouble.BUSY),
    ],
)
async def test_a_status_that_says_no(status: int, body: bytes, trouble: Trouble) -> None:
    async def answer(asked: Asked) -> None:
        await asked.answer(status, body)

    with pytest.raises(Failed) as failed:
        await written(answer)
    assert (failed.value.trouble, failed.value.code) == (trouble, status)
    assert str(status) in failed.value.detail
    assert "sk-secret" not in failed.value.detail


async def test_what_was_said_goes_out_as_a_file_in_a_form() -> None:
    async with services(by_hand=True) as (there, service, http):
        asking = asyncio.create_task(OpenAIRecogniser(service).on(http).transcribe(b"\x10" * 800, 1))
        asked = await there.transcriptions.get()
        usage = {"type": "duration", "seconds": 2}
        await asked.answer(200, json.dumps({"text": " Hello? ", "usage": usage}).encode())
        assert await asking == Transcript("Hello?", 2.0)
    assert asked.path == "/v1/audio/transcriptions"
    assert asked.headers["content-type"].startswith("multipart/form-data")
    assert b'name="model"\r\n\r\nm\r\n' in asked.body
    file = asked.body[asked.body.index(b"RIFF") :]
    with wave.open(io.BytesIO(file)) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (8000, 800)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [(b'{"text": "a"}', None), (b'{"text": "a", "usage": {"type": "tokens", "input_tokens": 4}}', None)],
)
async def test_a_recogniser_that_does_not_say_what_it_bills(body: bytes, seconds: float | None) -> None:
    async with services(by_hand=True) as (there, service, http):
        asking = asyncio.create_task(OpenAIRecogniser(service).on(http).transcribe(b"\x10" * 800, 1))
        await (await there.transcriptions.get()).answer(200, body)
        assert await asking == Transcript("a", seconds)


async def test_no_transcript_is_no_transcript() -> None:
    async with services(by_hand=True) as (there, service, http):
        asking = asyncio.create_task(OpenAIRecogniser(service).on(http).transcribe(b"\x10" * 800, 1))
        await (await there.transcriptions.get()).answer(200, b"Hello?")
        with pytest.raises(Failed, match="no transcript"):
            await asking


async def test_a_sentence_is_spoken_as_it_is_made() -> None:
    async with (
        services() as (there, service, http),
        aclosing(OpenAISpeaker(service, "v").on(http).speak("Hello.")) as heard,
    ):
        first = asyncio.ensure_future(anext(heard))
        asked = await there.speech()
        await asked.begin("audio/pcm")
        await asked.send(bytes(4801))
        assert (await first).count(b"\xff") > 100, "before the rest has been made"
        await asked.send(bytes(4799))
        await asked.end()
        rest = b"".join([piece async for piece in heard])
        assert len(await first) + len(rest) == 1600
    assert asked.json == {"model": "m", "voice": "v", "input": "Hello.", "response_format": "pcm"}


@pytest.mark.parametrize("form", ["audio/mpeg", "application/json", "text/html; charset=utf-8"])
async def test_sound_that_is_none(form: str) -> None:
    async with (
        services() as (there, service, http),
        aclosing(OpenAISpeaker(service, "v").on(http).speak("Hello.")) as heard,
    ):
        first = asyncio.ensure_future(anext(heard))
        await (await there.speech()).answer(200, b"ID3", form)
        with pytest.raises(Failed, match="neither samples nor") as failed:
            await first
    assert failed.value.trouble is Trouble.REFUSED


async def test_a_wav_file_in_the_telephones_own_code_is_passed_on() -> None:
    async with (
        services() as (there, service, http),
        aclosing(OpenAISpeaker(service, "v").on(http).speak("Hello.")) as heard,
    ):
        first = asyncio.ensure_future(anext(heard))
        await (await there.speech()).answer(200, telephone_wav(bytes(range(256))), "audio/x-wav")
        assert await first == bytes(range(256))


@pytest.mark.parametrize(("status", "reached"), [(404, True), (405, True), (401, False), (429, False), (500, False)])
async def test_reaching_a_server_that_has_no_list_of_models(status: int, reached: bool) -> None:
    async with services(refuse=status) as (_, service, http):
        if reached:
            await reach(http, service)
        else:
            with pytest.raises(Failed):
                await reach(http, service)


async def test_nobody_is_there() -> None:
    service = Service("http://127.0.0.1:9/v1", "m")
    async with client(service, None) as http:
        with pytest.raises(Failed) as failed:
            await reach(http, service)
    assert failed.value.trouble is Trouble.LOST


@pytest.mark.parametrize(
    "wrong",
    [
        ("", "m", ""),
        ("ftp://host/v1", "m", ""),
        ("http://u:p@host/v1", "m", ""),
        ("http://h", " ", ""),
        ("http://h", "m", "a\nb"),
    ],
)
def test_settings_that_can_not_work(wrong: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match=r"must look like|no model|no key"):
        Service(*wrong)
