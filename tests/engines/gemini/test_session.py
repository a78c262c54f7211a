"""A Gemini Live session over a real socket: what every engine promises, how it opens, and every way to end."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus

import numpy as np
import pytest

from outwait.audio import g711
from outwait.call.commands import SeedItem
from outwait.call.events import (
    MemoryKept,
    PersonSaid,
    ResponseEnded,
    SessionComplained,
    SessionOpened,
    Trouble,
)
from outwait.engines.base import Engine
from outwait.engines.gemini import gemini_engine
from outwait.engines.websocket import MAX_MALFORMED
from outwait.testing.engine import SEED, EngineContract, Listener
from tests.engines.gemini.server import GeminiPeer, GeminiServer
from tests.engines.gemini.stage import hum, pcm

USAGE = {
    "promptTokenCount": 30,
    "responseTokenCount": 10,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 20}, {"modality": "AUDIO", "tokenCount": 10}],
    "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
}


class GeminiFar:
    """The model's side, by hand."""

    def __init__(self, server: GeminiServer) -> None:
        self._server = server
        self._peer: GeminiPeer | None = None
        self.engine: Engine = gemini_engine(
            api_key="k", model="gemini-3.8-live", base_url=server.url, connect_seconds=1.0
        )

    @property
    def _now(self) -> GeminiPeer:
        assert self._peer is not None
        return self._peer

    async def open(self) -> None:
        self._peer = await self._server.open(history=True)

    async def respond(self, response: str) -> None:
        await self._now.content(outputTranscription={"text": "Hello"})

    async def speak(self, response: str, ulaw: bytes) -> None:
        blob = {"mimeType": "audio/pcm;rate=24000", "data": b64encode(pcm(ulaw)).decode()}
        await self._now.content(modelTurn={"parts": [{"inlineData": blob}]})

    async def call_tool(self, response: str, call_id: str, name: str, arguments: str) -> None:
        call = {"id": call_id, "name": name, "args": json.loads(arguments)}
        await self._now.say(toolCall={"functionCalls": [call]})

    async def finish(self, response: str) -> None:
        await self._now.content(generationComplete=True)
        await self._now.say(serverContent={"turnComplete": True}, usageMetadata=USAGE)

    async def make_phrase(self, ulaw: bytes) -> None:
        raise NotImplementedError

    async def vanish(self) -> None:
        self._now.vanish()

    def refuse(self) -> None:
        self._server.refuse = (HTTPStatus.FORBIDDEN, b'{"error":{"code":403,"message":"no"}}')

    def overload(self) -> None:
        self._server.refuse = (HTTPStatus.TOO_MANY_REQUESTS, b"")

    def fall_silent(self) -> None:
        self._server.deaf = True


@pytest.fixture
async def server() -> AsyncIterator[GeminiServer]:
    async with GeminiServer() as server:
        yield server


class TestGemini(EngineContract):
    SOUND = hum()

    def same(self, heard: bytes, meant: bytes) -> bool:
        off = np.abs(g711.decode(heard).astype(int) - g711.decode(meant)) if len(heard) == len(meant) else [9999]
        return float(np.median(off)) < 200

    @pytest.fixture
    async def far(self, server: GeminiServer) -> GeminiFar:
        return GeminiFar(server)


class Line(Listener):
    """A session with a seed of the test's own."""

    def __init__(self, server: GeminiServer, seed: Sequence[SeedItem] = (), **settings: str) -> None:
        engine = gemini_engine(
            api_key="AIza-key", model="gemini-3.8-live", base_url=server.url, connect_seconds=5.0, **settings
        )
        super().__init__(engine)
        self.session = engine.session(1, "Order a pizza.", seed, TOOLS, self._post)
        self.start()


TOOLS: list[dict[str, object]] = [
    {
        "type": "function",
        "name": "wait_on_hold",
        "description": "d",
        "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    }
]
MEMORY = SeedItem("memory", "h1")


async def test_the_setup(server: GeminiServer) -> None:
    line = Line(server, voice="Puck")
    setup = await (await server.next()).set_up()
    assert isinstance(await line.next(), SessionOpened)
    assert server.requests[0].headers["x-goog-api-key"] == "AIza-key"
    assert "AIza" not in server.requests[0].path
    assert setup["model"] == "models/gemini-3.8-live"
    assert setup["systemInstruction"] == {"parts": [{"text": "Order a pizza."}]}
    assert setup["sessionResumption"] == {}
    assert "historyConfig" not in setup, "there is none, and the server would wait for it"
    assert setup["realtimeInputConfig"]["turnCoverage"] == "TURN_INCLUDES_ONLY_ACTIVITY"
    (declaration,) = setup["tools"][0]["functionDeclarations"]
    assert (declaration["name"], declaration["behavior"]) == ("wait_on_hold", "NON_BLOCKING")
    assert setup["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"] == "Puck"
    line.session.close()
    assert (await line.over()).trouble is None


async def test_what_was_said_before_is_told_and_not_answered(server: GeminiServer) -> None:
    line = Line(server, SEED)
    peer = await server.next()
    assert (await peer.set_up())["historyConfig"] == {"initialHistoryInClientContent": True}
    told = await peer.hear("clientContent")
    assert told["turnComplete"] is True
    assert [(turn["role"], turn["parts"][0]["text"]) for turn in told["turns"]] == [
        ("user", "(Note, not said by the person: You were on hold for 27 minutes.)"),
        ("user", "Please hold."),
        ("model", "Sure, I'll hold."),
        ("user", '(Note, not said by the person: You called the tool wait_on_hold with {"reason":"asked"})'),
        ("user", '(Note, not said by the person: The tool answered {"ok":true})'),
    ]
    line.session.close()
    await line.over()


async def test_a_session_goes_on_from_a_handle_and_is_told_what_came_since(server: GeminiServer) -> None:
    line = Line(server, [*SEED[1:], MEMORY, SEED[0]])
    peer = await server.next()
    setup = await peer.set_up()
    assert setup["sessionResumption"] == {"handle": "h1"}
    assert "historyConfig" not in setup
    told = await peer.hear("clientContent")
    assert told["turnComplete"] is False, "nothing is to be answered yet"
    assert ["27 minutes" in turn["parts"][0]["text"] for turn in told["turns"]] == [True]
    assert isinstance(await line.next(), SessionOpened)
    await peer.say(sessionResumptionUpdate={"newHandle": "h2", "resumable": True})
    assert await line.next() == MemoryKept(1, "h2")
    line.session.close()
    await line.over()


@pytest.mark.parametrize("how", ["closed", "vanished", "an error"])
async def test_a_handle_that_is_not_known_any_more(server: GeminiServer, how: str) -> None:
    line = Line(server, [*SEED[1:], MEMORY, SEED[0]])
    peer = await server.next()
    await peer.hear("setup")
    if how == "closed":
        await peer.socket.close(1008, "Session not found")
    elif how == "vanished":
        peer.vanish()
    else:
        await peer.say(error={"code": 404, "message": "Session not found"})
    again = await server.next()
    setup = await again.set_up()
    assert setup["sessionResumption"] == {}
    assert len((await again.hear("clientContent"))["turns"]) == len(SEED), "it is told everything"
    assert isinstance(await line.next(), SessionComplained)
    assert isinstance(await line.next(), SessionOpened)
    line.session.close()
    assert (await line.over()).trouble is None


@pytest.mark.parametrize(
    ("code", "reason", "trouble"),
    [
        (1007, "API key not valid. Please pass a valid API key.", Trouble.REFUSED),
        (1008, "models/x is not found for API version v1beta", Trouble.REFUSED),
        (1011, "You exceeded your current quota", Trouble.BUSY),
        (1011, "Internal error", Trouble.LOST),
        (1000, "", Trouble.LOST),
    ],
)
async def test_closed_while_it_is_set_up(server: GeminiServer, code: int, reason: str, trouble: Trouble) -> None:
    line = Line(server)
    peer = await server.next()
    await peer.hear("setup")
    await peer.socket.close(code, reason)
    closed = await line.over()
    assert (closed.trouble, closed.code) == (trouble, code)


async def test_closed_later_is_a_loss_whatever_its_code(server: GeminiServer) -> None:
    line = Line(server)
    peer = await server.open()
    await peer.socket.close(1007, "Request contains an invalid argument")
    assert (await line.over()).trouble is Trouble.LOST


async def test_going_away_is_the_end_of_its_time(server: GeminiServer) -> None:
    line = Line(server)
    peer = await server.open()
    await peer.say(goAway={"timeLeft": "50s"})
    closed = await line.over()
    assert closed.trouble is Trouble.EXPIRED


async def test_gone_before_there_was_a_pause(server: GeminiServer) -> None:
    line = Line(server)
    peer = await server.open()
    await peer.content(inputTranscription={"text": "And another thing"})
    await peer.say(goAway={"timeLeft": "50s"})
    await peer.socket.close(1008, "session duration exceeded")
    closed = await line.over()
    assert closed.trouble is Trouble.EXPIRED
    assert [event.text for event in line.events if isinstance(event, PersonSaid)] == ["And another thing"]


async def test_the_last_bill_is_waited_for(server: GeminiServer) -> None:
    line = Line(server)
    peer = await server.open()
    await peer.content(outputTranscription={"text": "Of course."}, generationComplete=True)
    while not line.events or line.events[-1].__class__.__name__ != "AgentWrote":
        await line.next()
    line.session.close()
    await peer.say(serverContent={"turnComplete": True}, usageMetadata=USAGE)
    assert (await line.over()).trouble is None
    (ended,) = [event for event in line.events if isinstance(event, ResponseEnded)]
    assert ended.usage is not None
    assert not ended.usage.estimated


async def test_the_last_handle_is_waited_for(server: GeminiServer) -> None:
    line = Line(server)
    peer = await server.open()
    await peer.say(sessionResumptionUpdate={"resumable": False})
    await peer.content(inputTranscription={"text": "One moment."})
    while not line.events or line.events[-1].__class__.__name__ != "PersonCommitted":
        await line.next()
    line.session.close()
    await peer.say(sessionResumptionUpdate={"resumable": True, "newHandle": "h7"})
    assert (await line.over()).trouble is None
    assert MemoryKept(1, "h7") in line.events


async def test_nonsense_is_survived_and_a_flood_of_it_ends_it(server: GeminiServer) -> None:
    line = Line(server)
    peer = await server.open()
    for odd in ("", "{", "[]", b"\xff\xfe", '{"x":' + "[" * 5000):
        await peer.socket.send(odd)
    await peer.content(inputTranscription={"text": "Hello?"})
    while not any(isinstance(event, SessionOpened) for event in line.events):
        await line.next()
    for _ in range(MAX_MALFORMED):
        await peer.socket.send("{")
    assert (await line.over()).trouble is Trouble.LOST


async def test_the_key_is_never_told(server: GeminiServer) -> None:
    line = Line(server)
    peer = await server.next()
    await peer.hear("setup")
    await peer.socket.close(1007, "API key AIza-key not valid")
    closed = await line.over()
    assert "AIza" not in closed.detail + repr(vars(line.session)["_place"])
    await asyncio.sleep(0)
