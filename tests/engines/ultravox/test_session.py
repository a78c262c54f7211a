"""An Ultravox session over real sockets: what every engine promises, how a call is made, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from http import HTTPStatus
from types import TracebackType
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from outwait.call.events import SessionOpened, SessionUsed, Trouble
from outwait.engines.base import Engine
from outwait.engines.ultravox import ultravox_engine
from outwait.sim.serving import serve_http
from outwait.sim.ultravox_session import check_call
from outwait.testing.engine import EngineContract, Listener
from tests.contract.realtime_server import PATIENCE, RealtimeServer
from tests.engines.ultravox.stage import pcm


class Server(RealtimeServer):
    """Both doors of Ultravox, played by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 201
        self.answer: Callable[[], Any] = lambda: {"callId": "c1", "joinUrl": self.url.replace("http", "ws") + "/join"}
        self.wishes: list[tuple[dict[str, str], Any]] = []
        self.door = ""
        self._stack = AsyncExitStack()
        self._silent = asyncio.Event()

    async def __aenter__(self) -> Server:
        await super().__aenter__()
        port = await self._stack.enter_async_context(serve_http(self._app))
        self.door = f"http://127.0.0.1:{port}/api"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._silent.set()
        await self._stack.aclose()
        await super().__aexit__(kind, error, trace)

    async def socket(self) -> ServerConnection:
        """The next call that is joined."""
        async with asyncio.timeout(PATIENCE):
            return (await self._peers.get()).socket

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if self.deaf:
            await self._silent.wait()
        self.wishes.append(({k.decode().lower(): v.decode() for k, v in scope["headers"]}, json.loads(body)))
        assert (scope["method"], scope["path"]) == ("POST", "/api/calls")
        answer = self.answer() if self.status == 201 else {"detail": "no"}
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


class UltravoxFar:
    """The model's side."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._socket: ServerConnection | None = None
        self.engine: Engine = ultravox_engine(api_key="k", model="m", base_url=server.door, connect_seconds=1.0)

    async def open(self) -> None:
        self._socket = await self._server.socket()

    async def respond(self, response: str) -> None:
        await self._say(type="state", state="speaking")
        words = {"medium": "voice", "delta": "Hello", "final": False, "ordinal": 1}
        await self._say(type="transcript", role="agent", **words)

    async def speak(self, response: str, ulaw: bytes) -> None:
        assert self._socket is not None
        await self._socket.send(pcm(ulaw))

    async def call_tool(self, response: str, call_id: str, name: str, arguments: str) -> None:
        call = {"invocationId": call_id, "toolName": name, "parameters": json.loads(arguments)}
        await self._say(type="client_tool_invocation", **call)

    async def finish(self, response: str) -> None:
        await self._say(type="state", state="listening")

    async def make_phrase(self, ulaw: bytes) -> None:
        raise NotImplementedError

    async def vanish(self) -> None:
        assert self._socket is not None
        self._socket.transport.abort()

    def refuse(self) -> None:
        self._server.status = 403

    def overload(self) -> None:
        self._server.status = 429

    def fall_silent(self) -> None:
        self._server.deaf = True

    async def _say(self, **message: Any) -> None:
        assert self._socket is not None
        await self._socket.send(json.dumps(message))


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server


class TestUltravox(EngineContract):
    SOUND = bytes(range(127)) + bytes(range(128, 256))  # of the two zeros of mu-law, samples have one

    @pytest.fixture
    async def far(self, server: Server) -> UltravoxFar:
        return UltravoxFar(server)


def started(server: Server, **settings: Any) -> Listener:
    engine = ultravox_engine(api_key="uv-key", model="ultravox-v0.7", base_url=server.door, **settings)
    listener = Listener(engine)
    listener.start()
    return listener


async def test_a_call_is_made_and_joined(server: Server) -> None:
    line = started(server, voice="Jessica")
    socket = await server.socket()
    assert isinstance(await line.next(), SessionOpened)
    ((headers, wish),) = server.wishes
    assert headers["x-api-key"] == "uv-key"
    check_call(wish)
    assert (wish["model"], wish["voice"], wish["systemPrompt"]) == ("ultravox-v0.7", "Jessica", "Order a pizza.")
    assert "x-api-key" not in server.requests[0].headers, "the key stays at the door"
    line.session.send_audio(b"\x10\x90")
    assert await socket.recv() == pcm(b"\x10\x90")
    line.session.close()
    assert (await line.over()).trouble is None


async def test_begun_steps_of_time_are_billed_whole(server: Server) -> None:
    line = started(server)
    await server.socket()
    await line.next()
    line.session.close()
    await line.over()
    assert [event for event in line.events if isinstance(event, SessionUsed)] == [SessionUsed(1, 6.0, estimated=True)]


async def test_a_call_that_was_not_joined_costs_nothing(server: Server) -> None:
    server.refuse = (HTTPStatus.NOT_FOUND, b'{"detail":"gone"}')
    line = started(server)
    closed = await line.over()
    assert (closed.trouble, closed.code) == (Trouble.REFUSED, 404)
    assert line.events == [closed]


@pytest.mark.parametrize(
    ("status", "answer", "trouble"),
    [
        (402, None, Trouble.REFUSED),
        (500, None, Trouble.BUSY),
        (200, None, Trouble.REFUSED),
        (201, [], Trouble.LOST),
        (201, {"joinUrl": "http://elsewhere.example/x"}, Trouble.REFUSED),
        (201, {"joinUrl": "ws://elsewhere.example/x"}, Trouble.REFUSED),
    ],
)
async def test_no_call_could_be_made(server: Server, status: int, answer: Any, trouble: Trouble) -> None:
    server.status, server.answer = status, lambda: answer
    closed = await started(server).over()
    assert closed.trouble is trouble


async def test_nobody_is_there() -> None:
    listener = Listener(ultravox_engine(api_key="k", model="m", base_url="http://127.0.0.1:9/api"))
    listener.start()
    closed = await listener.over()
    assert closed.trouble is Trouble.LOST
    assert "Connect" in closed.detail


async def test_nonsense_is_survived(server: Server) -> None:
    line = started(server)
    socket = await server.socket()
    for odd in ("", "{", "[]", '{"type":"from_the_future"}', '{"type":"state"}', b"\x01", b""):
        await socket.send(odd)
    await socket.send('{"type":"transcript","role":"user","text":"Hello?","final":true,"ordinal":0}')
    kinds = [type(await line.next()).__name__ for _ in range(3)]
    assert kinds == ["SessionOpened", "PersonCommitted", "PersonSaid"]
    line.session.close()
    await line.over()


@pytest.mark.parametrize("url", ["", "api.ultravox.ai", "https://user:pw@h/api"])
def test_settings_that_cannot_be_right(url: str) -> None:
    with pytest.raises(ValueError, match="Ultravox base URL"):
        ultravox_engine(api_key="k", model="m", base_url=url)
