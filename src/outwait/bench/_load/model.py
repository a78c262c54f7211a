"""A realtime model that believes everything."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from outwait.bench._load.pace import Delays, Pacer
from outwait.bench._load.wire import Wire


class ModelSocket(Wire):
    """One session at the model."""

    def __init__(self, model: Model) -> None:
        super().__init__(client=False)
        self._model = model
        self._configured = False
        self._responses = 0
        self._place = 0

    def opened(self, head: bytes) -> None:
        self._model.open += 1
        self._model.opened += 1
        self.send(b'{"type":"session.created","event_id":"e0","session":{"id":"s","object":"realtime.session"}}')

    def ended(self) -> None:
        self._model.open -= 1

    def text(self, data: bytes, now: float) -> None:
        model = self._model
        if b"input_audio_buffer.append" in data[:120]:
            model.appended += 1
            start = data.index(b'"', data.index(b'"audio"') + 7) + 1
            model.heard.took(data[start : data.index(b'"', start)], now)
            return
        message = msgspec.json.decode(data)
        match message["type"]:
            case "session.update" if self._configured:
                self.send(b'{"type":"session.updated","event_id":"e1","session":{"id":"s"}}')
            case "session.update":
                self._configured = True
                self.send(b'{"type":"session.updated","event_id":"e1","session":{"id":"s"}}')
                asyncio.get_running_loop().call_later(model.think, self._begin)
            case "response.create" if not model.pcm:
                model.asked += 1
                phrase = (message.get("response") or {}).get("metadata")
                self._speak(phrase)

    def _begin(self) -> None:
        if self._model.talks:
            self._responses += 1
            self.send(
                b'{"type":"response.created","event_id":"e2","response":{"object":"realtime.response","id":"r%d",'
                b'"status":"in_progress","status_details":null,"output":[],"usage":null}}' % self._responses
            )
            self._model.pacer.add(self._say)
        else:
            self._wait_on_hold()

    def _say(self, now: float) -> bool:
        """The next piece of what the agent says without end."""
        model = self._model
        self._place += 1
        if self._place % model.frames:
            return self._open
        sound = b"".join(
            base64.b64decode(model.said.mark(model.voice[(self._place + n) % len(model.voice)], now))
            for n in range(model.frames)
        )
        self.send(
            b'{"type":"response.output_audio.delta","event_id":"event_%020d","response_id":"r%d","item_id":"i%d",'
            b'"output_index":0,"content_index":0,"delta":"%s"}'
            % (self._place, self._responses, self._responses, base64.b64encode(sound))
        )
        return self._open

    def _speak(self, metadata: dict[str, Any] | None) -> None:
        """A short answer, or a phrase, at once."""
        self._responses += 1
        told = msgspec.json.encode(metadata)
        names = b'"response_id":"r%d","item_id":"i%d"' % (self._responses, self._responses)
        self.send(b'{"type":"response.created","response":{"id":"r%d","metadata":%s}}' % (self._responses, told))
        for payload in self._model.voice[:50]:
            self.send(b'{"type":"response.output_audio.delta",%s,"delta":"%s"}' % (names, payload))
        self.send(
            b'{"type":"response.done","response":{"id":"r%d","status":"completed","metadata":%s,"output":[],"usage":%s}}'
            % (self._responses, told, _USAGE)
        )

    def _wait_on_hold(self) -> None:
        """The agent has heard that it is to wait."""
        self._responses += 1
        name = b"r%d" % self._responses
        item = (
            b'{"id":"f%d","type":"function_call","status":"completed","call_id":"call_%d","name":"wait_on_hold",'
            b'"arguments":"{\\"reason\\":\\"asked to wait\\"}"}' % (self._responses, self._responses)
        )
        self.send(b'{"type":"response.created","response":{"id":"%s","status":"in_progress"}}' % name)
        self.send(b'{"type":"response.output_item.done","response_id":"%s","output_index":0,"item":%s}' % (name, item))
        self.send(
            b'{"type":"response.done","response":{"id":"%s","status":"completed","output":[%s],"usage":%s}}'
            % (name, item, _USAGE)
        )


_USAGE: Final = (
    b'{"total_tokens":90,"input_tokens":60,"output_tokens":30,"input_token_details":{"text_tokens":40,'
    b'"audio_tokens":20,"cached_tokens":0},"output_token_details":{"text_tokens":10,"audio_tokens":20}}'
)


@dataclass
class Model:
    """A realtime server on loopback."""

    pacer: Pacer
    voice: list[bytes]
    """the agent's voice, base64 of 20 ms each"""
    talks: bool
    """True: every session speaks without end; False: it calls wait_on_hold"""
    pcm: bool = False
    """True: the voice is 16-bit samples at 24 kHz, and it talks without being asked"""
    think: float = 0.3
    """wall s from the configuration of a session to that"""
    frames: int = 1
    """20 ms pieces in one message of sound"""
    heard: Delays = field(default_factory=Delays)
    """frames on their way from the carrier to the model"""
    said: Delays = field(default_factory=Delays)
    """frames on their way from the model to the carrier"""
    open: int = 0
    """sockets open now"""
    opened: int = 0
    """sockets ever opened"""
    appended: int = 0
    """messages of sound ever received"""
    asked: int = 0
    """responses ever asked for"""
    port: int = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listening for as long as the context lasts."""
        sockets: list[ModelSocket] = []

        def accept() -> ModelSocket:
            sockets.append(ModelSocket(self))
            return sockets[-1]

        server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for socket in sockets:
                socket.abort()
