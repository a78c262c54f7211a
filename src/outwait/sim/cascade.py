"""The three services of a cascade on one port of 127.0.0.1: they hear, answer and speak over OpenAI's HTTP wire.

Strict about what they are asked, slow as told, and with a bill of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import soxr

from outwait.audio import g711
from outwait.sim import cascade_vendors as vendors
from outwait.sim import sound
from outwait.sim.cascade_bill import CascadeBill
from outwait.sim.cascade_wire import Json, Refused, check_chat, check_speech, read_form, view
from outwait.sim.hearing import Hearing
from outwait.sim.mind import Mind
from outwait.sim.realtime_bill import of_text
from outwait.sim.serving import serve_http

PCM_RATE = 24_000
CHUNK = 4800  # bytes of speech in one piece: 100 ms
_ZERO = bytes.maketrans(b"\x7f", b"\xff")  # mu-law has two zeros, and 16-bit samples have one


class PlainHearing(Hearing):
    """A registry for sound that comes as samples: the two zeros of mu-law are one."""

    def said(self, text: str, audio: bytes, kind: str = "person") -> None:
        super().said(text, audio.translate(_ZERO), kind)

    def words(self, audio: bytes) -> str:
        return super().words(audio.translate(_ZERO))


@dataclass(frozen=True)
class Delays:
    """How slow the services are; wall seconds.

    transcribe
        from a turn to its words
    first_word, word
        from a request to the model's first word, and from one to the next
    first_sound
        from a sentence to its first sound
    speed
        seconds of speech made in one second; 0 = all at once
    """

    transcribe: float = 0.02
    first_word: float = 0.03
    word: float = 0.001
    first_sound: float = 0.02
    speed: float = 0.0


@dataclass(frozen=True)
class Asked:
    """One request. `at`: loop seconds."""

    what: str
    at: float
    body: Json


@dataclass
class CascadeSim:
    """The services.

    refuse
        HTTP status of every answer from now on; 0 = as usual
    fail
        HTTP statuses for the next requests of a path's last word, such as {"speech": [500]}
    """

    hearing: Hearing
    mind: Mind = field(default_factory=Mind)
    delays: Delays = field(default_factory=Delays)
    key: str = "sim-cascade-key"
    refuse: int = 0
    fail: dict[str, list[int]] = field(default_factory=dict)
    bill: CascadeBill = field(default_factory=CascadeBill)
    asked: list[Asked] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)  # the words of every turn
    said: list[str] = field(default_factory=list)  # the words of every sentence
    port: int = 0
    open_sockets: int = 0  # requests being answered, and sockets of recognisers
    sockets: int = 0  # of recognisers, so far
    most_open: int = 0
    appended_ms: float = 0.0  # sound given to the recogniser
    connections: tuple[Any, ...] = ()  # there are none that last
    refused: list[str] = field(default_factory=list)  # codes
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._prepare)
        self.port = await self._stack.enter_async_context(serve_http(self._serve, self.port, "websockets-sansio"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    @property
    def base_url(self) -> str:
        """For OPENAI_BASE_URL, or for each service's own."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def errors(self) -> list[str]:
        """Codes of what was refused so far."""
        return list(self.refused)

    @property
    def responses(self) -> int:
        """Answers and speeches asked for so far."""
        return sum(request.what in ("completions", "speech") for request in self.asked)

    def _prepare(self) -> None:
        for line in vars(self.mind.lines).values():
            sound.prepare([("agent", part) for part in re.split(r"(?<=[.?!])\s+", line)])

    # HTTP.

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._listen(scope, receive, send)
            return
        self.open_sockets += 1
        self.most_open = max(self.most_open, self.open_sockets)
        try:
            headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
            body = b""
            while True:
                message = await receive()
                body += message.get("body", b"")
                if message["type"] == "http.disconnect" or not message.get("more_body"):
                    break
            work = asyncio.create_task(self._answer(scope, headers, body, send), name="sim cascade: answer")
            gone = asyncio.create_task(receive(), name="sim cascade: watch")  # says so when the client leaves
            try:
                await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (work, gone):
                    task.cancel()
                await asyncio.wait({work, gone})
            if not work.cancelled():
                work.result()
        finally:
            self.open_sockets -= 1

    async def _answer(self, scope: Any, headers: dict[str, str], body: bytes, send: Any) -> None:
        began = False
        try:
            form, pieces = self._route(scope, headers, body)
            async with contextlib.aclosing(pieces):
                async for piece in pieces:
                    if not began:
                        await _begin(send, 200, form)
                        began = True
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except Refused as refused:
            self.refused.append(refused.code)
            await _begin(send, refused.status, "application/json")
            await send({"type": "http.response.body", "body": json.dumps(refused.body()).encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _route(self, scope: Any, headers: dict[str, str], body: bytes) -> tuple[str, Any]:
        what = scope["path"].rpartition("/")[2]
        now = asyncio.get_running_loop().time()
        if vendors.key_of(scope["path"], headers) != self.key:
            raise Refused("Incorrect API key provided.", status=401, code="invalid_api_key")
        status = self.refuse or next(iter(self.fail.get(what, ())), 0)
        if status:
            if not self.refuse:
                self.fail[what].pop(0)
            raise Refused("The simulator was told to say no.", status=status, code="told_to")
        match scope["method"], scope["path"]:
            case "GET", "/v1/models":
                return "application/json", self._models()
            case "POST", "/v1/audio/transcriptions":
                fields, ulaw = read_form(headers.get("content-type", ""), body)
                self._note(what, now, fields)
                return "application/json", self._transcribe(fields, ulaw)
            case "POST", "/v1/chat/completions":
                wish = _json(body)
                check_chat(wish)
                self._note(what, now, wish)
                return "text/event-stream; charset=utf-8", self._chat(wish)
            case "POST", "/v1/audio/speech":
                wish = _json(body)
                check_speech(wish)
                self._note(what, now, wish)
                form = "audio/wav" if wish["response_format"] == "wav" else "audio/pcm"
                return form, self._speak(wish)
            case "POST", "/v1/speak":
                wish = vendors.check_speak(scope["query_string"], _json(body))
                self._note(what, now, wish)
                return "audio/mulaw", self._say(wish)
            case "POST", path if path.startswith("/v1/text-to-speech/"):
                wish = vendors.check_text_to_speech(path, scope["query_string"], _json(body))
                self._note("text-to-speech", now, wish)
                return "audio/basic", self._say(wish)
        raise Refused(f"Invalid URL ({scope['method']} {scope['path']})", status=404, code="not_found")

    def _note(self, what: str, now: float, body: Json) -> None:
        if not self.bill.knows(str(body["model"])):
            raise Refused(f"The model {body['model']!r} does not exist.", status=404, code="model_not_found")
        self.asked.append(Asked(what, now, body))

    # The services.

    async def _models(self) -> AsyncIterator[bytes]:
        yield b'{"object": "list", "data": []}'

    async def _transcribe(self, fields: Json, ulaw: bytes) -> AsyncIterator[bytes]:
        seconds = len(ulaw) / g711.RATE
        self.appended_ms += seconds * 1000
        self.bill.transcription(fields["model"], seconds)
        await asyncio.sleep(self.delays.transcribe)
        words = self.hearing.words(ulaw)
        self.heard.append(words)
        yield json.dumps({"text": words, "usage": {"type": "duration", "seconds": seconds}}).encode()

    async def _chat(self, wish: Json) -> AsyncIterator[bytes]:
        prompt = self.bill.prompt(wish["messages"])
        plan = self.mind.answer(view(wish))
        out, delivered = 0, False
        try:
            await asyncio.sleep(self.delays.first_word)
            yield _chunk({"role": "assistant", "content": ""})
            for number, word in enumerate(plan.say.split()):
                if number:
                    await asyncio.sleep(self.delays.word)
                text = f" {word}" if number else word
                out += of_text(text)
                yield _chunk({"content": text})
            for number, (name, arguments) in enumerate(plan.calls):
                head = {"id": f"call_{len(self.asked)}_{number}", "type": "function"}
                yield _chunk({"tool_calls": [{"index": number, **head, "function": {"name": name, "arguments": ""}}]})
                written = json.dumps(arguments)
                out += of_text(name + written)
                for at in range(0, len(written), 24):
                    part = {"index": number, "function": {"arguments": written[at : at + 24]}}
                    yield _chunk({"tool_calls": [part]})
            yield _chunk({}, finish="tool_calls" if plan.calls else "stop")
            delivered = bool((wish.get("stream_options") or {}).get("include_usage"))
            if delivered:
                yield _usage(prompt, out)
            yield b"data: [DONE]\n\n"
        finally:
            self.bill.chat(wish["model"], prompt, out, delivered=delivered)

    async def _say(self, wish: Json) -> AsyncIterator[bytes]:
        """A sentence in the telephone's own code."""
        ulaw = await self._made(wish["model"], wish["text"])
        await asyncio.sleep(self.delays.first_sound)
        for at in range(0, len(ulaw), vendors.PIECE):
            yield ulaw[at : at + vendors.PIECE]
            if self.delays.speed:
                await asyncio.sleep(vendors.PIECE / g711.RATE / self.delays.speed)

    async def _listen(self, scope: Any, receive: Any, send: Any) -> None:
        """A recogniser's socket."""
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        good = vendors.key_of(scope["path"], headers) == self.key and not self.refuse
        await receive()  # websocket.connect
        if not good:
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: HTTP 403
            return
        line = vendors.ListenLine(self.hearing, vendors.check_listen(scope["query_string"]))
        await send({"type": "websocket.accept"})
        self.open_sockets += 1
        self.sockets += 1
        try:
            while not line.closed:
                message = await receive()
                if message["type"] == "websocket.disconnect":
                    break
                if sound_in := message.get("bytes"):
                    self.appended_ms += len(sound_in) / 8
                    self.bill.transcription(line.model, len(sound_in) / g711.RATE)
                    line.hear(sound_in)
                elif message.get("text"):
                    if line.flushes(message["text"]):
                        await asyncio.sleep(self.delays.transcribe)
                    for answer in line.told(message["text"]):
                        await send({"type": "websocket.send", "text": answer})
            if line.closed:
                await send({"type": "websocket.close", "code": line.closed})
            self.heard += line.heard
        finally:
            self.open_sockets -= 1

    async def _made(self, model: str, text: str) -> bytes:
        """A sentence, mu-law. It is made to its end and charged, even if nobody waits for it any more."""
        try:
            ulaw = await asyncio.to_thread(sound.speak, text, "agent")
        except asyncio.CancelledError:
            self.bill.speech(model, len(text), len(sound.speak(text, "agent")) / g711.RATE)
            raise
        self.said.append(text)
        self.bill.speech(model, len(text), len(ulaw) / g711.RATE)
        return ulaw

    async def _speak(self, wish: Json) -> AsyncIterator[bytes]:
        text = wish["input"]
        samples = g711.decode(await self._made(wish["model"], text))
        pcm = soxr.resample(samples, g711.RATE, PCM_RATE).astype("<i2").tobytes()
        await asyncio.sleep(self.delays.first_sound)
        if wish["response_format"] == "wav":
            form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, PCM_RATE, 2 * PCM_RATE, 2, 16)
            yield b"RIFF\xff\xff\xff\xffWAVE" + form + b"data\xff\xff\xff\xff"  # its length is not known yet
        for at in range(0, len(pcm), CHUNK):
            yield pcm[at : at + CHUNK]
            if self.delays.speed:
                await asyncio.sleep(CHUNK / 2 / PCM_RATE / self.delays.speed)


def _json(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except ValueError:
        raise Refused("We could not parse the JSON body of your request.") from None
    if not isinstance(found, dict):
        raise Refused("Expected an object.")
    return found


def _chunk(delta: Json, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _event({"id": "chatcmpl-sim", "object": "chat.completion.chunk", "choices": [choice], "usage": None})


def _usage(prompt: tuple[int, int], out: int) -> bytes:
    total, cached = prompt
    usage = {
        "prompt_tokens": total,
        "completion_tokens": out,
        "total_tokens": total + out,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
    }
    return _event({"id": "chatcmpl-sim", "object": "chat.completion.chunk", "choices": [], "usage": usage})


def _event(data: Json) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


async def _begin(send: Any, status: int, form: str) -> None:
    headers = [(b"content-type", form.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
