"""The engines of this project on the suite that every engine must pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest

from outwait.engines.base import Engine
from outwait.engines.openai import azure_engine, openai_engine, voice_live_engine, xai_engine
from outwait.engines.openai.frames import Dialect
from outwait.testing.engine import SEED, EngineContract
from tests.contract.realtime_server import Peer, RealtimeServer

# --- the engines of this project ----------------------------------------------------------------


class RealtimeFar:
    """A Realtime server in any dialect."""

    def __init__(self, server: RealtimeServer) -> None:
        self._server = server
        self._peer: Peer | None = None
        self.engine: Engine = _realtime(server)

    async def open(self) -> None:
        self._peer = await self._server.open()
        if self._server.dialect is not Dialect.XAI:  # there the seed goes into the instructions
            for _ in SEED:
                await self._peer.hear("conversation.item.create")

    async def respond(self, response: str) -> None:
        await self._now.begin(response)

    async def speak(self, response: str, ulaw: bytes) -> None:
        await self._now.speak(response, ulaw)

    async def call_tool(self, response: str, call_id: str, name: str, arguments: str) -> None:
        item = {"id": "i9", "type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}
        place = {"response_id": response, "output_index": 0}
        await self._now.say(
            "response.function_call_arguments.done",
            item_id="i9",
            call_id=call_id,
            name=name,
            arguments=arguments,
            **place,
        )
        await self._now.say("response.output_item.done", item={**item, "status": "completed"}, **place)

    async def finish(self, response: str) -> None:
        await self._now.finish(response)

    async def make_phrase(self, ulaw: bytes) -> None:
        if self._server.dialect is Dialect.XAI:
            await self._make_forced_phrase(ulaw)
            return
        metadata = (await self._now.hear("response.create"))["response"]["metadata"]
        await self._now.begin("phrase", metadata)
        await self._now.speak("phrase", ulaw)
        await self._now.finish("phrase", metadata=metadata)

    async def _make_forced_phrase(self, ulaw: bytes) -> None:
        """It is spoken in the conversation, and taken out of it."""
        item = (await self._now.hear("conversation.item.create"))["item"]
        assert item["type"] == "force_message"
        await self._now.begin("phrase")
        await self._now.speak("phrase", ulaw, "forced_1")
        await self._now.finish("phrase")
        assert (await self._now.hear("conversation.item.delete"))["item_id"] == "forced_1"

    async def vanish(self) -> None:
        self._now.vanish()

    def refuse(self) -> None:
        self._server.refuse = (HTTPStatus.UNAUTHORIZED, b"")

    def overload(self) -> None:
        self._server.refuse = (HTTPStatus.TOO_MANY_REQUESTS, b"")

    def fall_silent(self) -> None:
        self._server.deaf = True

    @property
    def _now(self) -> Peer:
        assert self._peer is not None
        return self._peer


def _realtime(server: RealtimeServer) -> Engine:
    match server.dialect:
        case Dialect.GA:
            return openai_engine(api_key="k", model="m", base_url=server.url, connect_seconds=1.0)
        case Dialect.BETA:
            return azure_engine(
                endpoint=server.url,
                api_key="k",
                deployment="d",
                model="m",
                api_version="2025-04-01-preview",
                connect_seconds=1.0,
            )
        case Dialect.VOICE_LIVE:
            return voice_live_engine(endpoint=server.url, api_key="k", model="m", connect_seconds=1.0)
        case Dialect.XAI:
            return xai_engine(api_key="k", model="m", base_url=server.url, connect_seconds=1.0)


class TestOpenAI(EngineContract):
    dialect = Dialect.GA

    @pytest.fixture
    async def far(self) -> AsyncIterator[RealtimeFar]:
        async with RealtimeServer(self.dialect) as server:
            yield RealtimeFar(server)


class TestAzurePreview(TestOpenAI):
    dialect = Dialect.BETA


class TestVoiceLive(TestOpenAI):
    dialect = Dialect.VOICE_LIVE


class TestXai(TestOpenAI):
    dialect = Dialect.XAI
