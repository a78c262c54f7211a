"""The cascade keeps what every engine promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from outwait.call.commands import SeedItem
from outwait.engines.base import Engine, EngineSession, Post
from outwait.engines.cascade import Service, cascade_engine
from outwait.testing.engine import EngineContract
from tests.engines.cascade.services import Asked, Services, telephone_wav

VOICE = b"\x10\x90" * 4000  # a second of something loud
QUIET = b"\xff" * 8000


class _Watched:
    """The engine under test, and its newest session: a person must be heard before a cascade answers by itself."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.capabilities = engine.capabilities
        self.newest: EngineSession | None = None

    def session(
        self, number: int, instructions: str, seed: Sequence[SeedItem], tools: Sequence[dict[str, object]], post: Post
    ) -> EngineSession:
        self.newest = self._engine.session(number, instructions, seed, tools, post)
        return self.newest


class ServicesFar:
    """The services by hand. A cascade has no connection of its own: it is lost when it next asks for something."""

    def __init__(self, services: Services) -> None:
        service = Service(services.url, "m", "k")
        engine = cascade_engine(stt=service, llm=service, tts=service, voice="v", connect_seconds=1.0)
        self.engine: Engine = _Watched(engine)
        self._services = services
        self._chat: Asked | None = None
        self._sentences = 0

    @property
    def _session(self) -> EngineSession:
        assert isinstance(self.engine, _Watched)
        assert self.engine.newest is not None
        return self.engine.newest

    @property
    def _now(self) -> Asked:
        assert self._chat is not None
        return self._chat

    async def open(self) -> None:
        pass

    async def respond(self, response: str) -> None:
        self._session.send_audio(VOICE)
        self._session.send_audio(QUIET)
        self._chat = await self._services.chat()
        await self._now.begin()

    async def speak(self, response: str, ulaw: bytes) -> None:
        self._sentences += 1
        await self._now.chunk({"content": f"Sentence number {self._sentences}. "})
        await (await self._services.speech()).answer(200, telephone_wav(ulaw), "audio/wav")

    async def call_tool(self, response: str, call_id: str, name: str, arguments: str) -> None:
        head = {"index": 0, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        await self._now.chunk({"tool_calls": [head]})
        for part in (arguments[:3], arguments[3:]):
            await self._now.chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})

    async def finish(self, response: str) -> None:
        await self._now.finish(usage={"prompt_tokens": 20, "completion_tokens": 10})

    async def make_phrase(self, ulaw: bytes) -> None:
        await (await self._services.speech()).answer(200, telephone_wav(ulaw), "audio/wav")

    async def vanish(self) -> None:
        self._services.cut = True
        if self._chat is not None:
            self._chat.writer.transport.abort()
        self._session.ask_response("", tools=True)

    def refuse(self) -> None:
        self._services.refuse = 401

    def overload(self) -> None:
        self._services.refuse = 429

    def fall_silent(self) -> None:
        self._services.mute = True


class TestCascade(EngineContract):
    @pytest.fixture
    async def far(self) -> AsyncIterator[ServicesFar]:
        async with Services() as services:
            yield ServicesFar(services)
