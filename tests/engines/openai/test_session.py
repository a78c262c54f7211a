"""One session over a real socket, against a strict server, in both dialects: every way to open, to serve and to end."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import pytest

from outwait.call.commands import SeedItem
from outwait.call.cost import Usage
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    AnyEvent,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    PhraseFailed,
    PhraseMade,
    ResponseEnded,
    ResponseStarted,
    SessionClosed,
    SessionComplained,
    SessionOpened,
    Trouble,
)
from outwait.call.tools import schemas
from outwait.engines.openai import azure_engine, openai_engine
from outwait.engines.openai import dialogue as dialogue_module
from outwait.engines.openai import phrases as phrases_module
from outwait.engines.openai import session as session_module
from outwait.engines.openai.session import RealtimeSession
from tests.contract.realtime_server import PATIENCE, Peer, RealtimeServer

KEY = "sk-test-0123456789abcdef"
SEED = [
    SeedItem("system", "You were on hold for 27 minutes."),
    SeedItem("human", "Please hold."),
    SeedItem("agent", "Sure."),
    SeedItem("agent", " "),
    SeedItem("tool_call", '{"reason":"asked"}', call_id="call_" + "x" * 60, name="wait_on_hold"),
    SeedItem("tool_output", '{"ok":true}', call_id="call_" + "x" * 60),
]


class Line:
    """A session under test and all it posted."""

    def __init__(self, server: RealtimeServer, **settings: Any) -> None:
        self.events: list[AnyEvent] = []
        self._more = asyncio.Event()
        self._at = 0
        self.seed = settings.pop("seed", ())
        if server.beta:
            engine = azure_engine(
                endpoint=server.url,
                api_key=KEY,
                deployment="my dep",
                model="m",
                api_version="2024-10-01-preview",
                **settings,
            )
        else:
            engine = openai_engine(api_key=KEY, model="gpt-realtime-2.1", base_url=server.url + "/v1", **settings)
        self.session: RealtimeSession = engine.session(7, "Be brief.", self.seed, schemas(), self._post)
        self.task: asyncio.Task[None] | None = None

    def _post(self, event: AnyEvent) -> None:
        self.events.append(event)
        self._more.set()

    def start(self) -> None:
        self.task = asyncio.create_task(self.session.run())

    async def next(self) -> AnyEvent:
        async with asyncio.timeout(PATIENCE):
            while self._at == len(self.events):
                self._more.clear()
                await self._more.wait()
        self._at += 1
        return self.events[self._at - 1]

    async def over(self) -> SessionClosed:
        """Wait for the end; what was posted last."""
        assert self.task is not None
        async with asyncio.timeout(PATIENCE):
            await self.task
        closed = [event for event in self.events if isinstance(event, SessionClosed)]
        assert len(closed) == 1
        assert self.events[-1] is closed[0]
        return closed[0]


@pytest.fixture(params=["ga", "beta"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[RealtimeServer]:
    async with RealtimeServer(beta=request.param == "beta") as server:
        yield server


@pytest.fixture
async def ga() -> AsyncIterator[RealtimeServer]:
    async with RealtimeServer() as server:
        yield server


@contextlib.asynccontextmanager
async def opened(server: RealtimeServer, **settings: Any) -> AsyncIterator[tuple[Line, Peer]]:
    """An open session; closed at the end, if it is not over."""
    line = Line(server, **settings)
    line.start()
    peer = await server.open()
    assert await line.next() == SessionOpened(7)
    yield line, peer
    line.session.close()
    await line.over()


# --- opening ------------------------------------------------------------------------------------


async def test_openai_is_asked_the_contracts_way(ga: RealtimeServer) -> None:
    async with opened(ga):
        (request,) = ga.requests
        assert request.path == "/v1/realtime?model=gpt-realtime-2.1"
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        assert request.headers["User-Agent"].startswith("outwait/")
        for absent in ("OpenAI-Beta", "api-key", "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"):
            assert absent not in request.headers


async def test_session_is_configured(server: RealtimeServer) -> None:
    line = Line(server, voice="sage", transcription="own-asr")
    line.start()
    session = await (await server.accept()).configure()
    flat = session if server.beta else session["audio"]["output"]
    assert flat["voice"] == "sage"
    heard = session["input_audio_transcription"] if server.beta else session["audio"]["input"]["transcription"]
    assert heard == {"model": "own-asr"}
    assert session["instructions"] == "Be brief."
    assert session["tools"] == schemas()
    line.session.close()
    await line.over()


async def test_seed_comes_before_the_opening_is_told(server: RealtimeServer) -> None:
    line = Line(server, seed=SEED)
    line.start()
    peer = await server.open()
    items = [(await peer.hear("conversation.item.create"))["item"] for _ in range(5)]
    assert [item.get("role", item["type"]) for item in items] == [
        "system",
        "user",
        "assistant",
        "function_call",
        "function_call_output",
    ]
    assert items[3]["call_id"] == items[4]["call_id"]
    assert len({item["id"] for item in items}) == 5
    assert await line.next() == SessionOpened(7)
    line.session.close()
    await line.over()


async def test_seconds_left_are_told_by_the_servers_clock(ga: RealtimeServer) -> None:
    line = Line(ga)
    line.start()
    await ga.open(expires_at=4_000_000_000)
    opened_ = await line.next()
    assert isinstance(opened_, SessionOpened)
    assert opened_.expires_in is not None
    assert opened_.expires_in > 1_000_000
    line.session.close()
    await line.over()


@pytest.mark.parametrize(
    ("date", "expires_at", "left"),
    [
        ("Sun, 22 Nov 2026 13:00:00 GMT", 1_795_356_000, 3600.0),
        ("Sun, 22 Nov 2026 13:00:00 GMT", 1_795_352_000, None),
        ("noon", 1_795_356_000, None),
        (None, 1_795_356_000, None),
        ("Sun, 22 Nov 2026 13:00:00 GMT", None, None),
    ],
)
async def test_what_the_servers_clock_says(
    ga: RealtimeServer, date: str | None, expires_at: int | None, left: float | None
) -> None:
    ga.date = date
    line = Line(ga)
    line.start()
    await ga.open(expires_at=expires_at)
    assert await line.next() == SessionOpened(7, left)
    line.session.close()
    await line.over()


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (400, b"", Trouble.REFUSED),
        (401, b'{"error":{"code":"invalid_api_key","message":"Incorrect API key: sk-te**cdef"}}', Trouble.REFUSED),
        (403, b"<html>", Trouble.REFUSED),
        (404, b"[]", Trouble.REFUSED),
        (429, b"{}", Trouble.BUSY),
        (429, b'{"error":{"type":"insufficient_quota","message":"no credit"}}', Trouble.REFUSED),
        (500, b"", Trouble.BUSY),
        (503, b"\xff".decode("latin1").encode(), Trouble.BUSY),
    ],
)
async def test_refused_handshakes(ga: RealtimeServer, status: int, body: bytes, trouble: Trouble) -> None:
    ga.refuse = (HTTPStatus(status), body)
    line = Line(ga)
    line.start()
    closed = await line.over()
    assert (closed.trouble, closed.code) == (trouble, status)
    assert line.events == [closed]
    assert "sk-te" not in closed.detail


async def test_no_redirect_is_followed_with_the_key(ga: RealtimeServer) -> None:
    async with RealtimeServer() as other:
        ga.redirect = other.url + "/v1/realtime"
        line = Line(ga)
        line.start()
        assert (await line.over()).trouble is Trouble.REFUSED
        assert other.requests == []


async def test_nobody_listens() -> None:
    async with RealtimeServer() as server:
        line = Line(server)
    line.start()
    closed = await line.over()
    assert (closed.trouble, closed.code) == (Trouble.LOST, 1006)


async def test_handshake_without_an_answer(ga: RealtimeServer) -> None:
    ga.deaf = True
    line = Line(ga, connect_seconds=0.1)
    line.start()
    assert (await line.over()).trouble is Trouble.LOST


@pytest.mark.parametrize("proxy", ["nonsense://127.0.0.1:1", "socks5://127.0.0.1:1"])
async def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    if proxy.startswith("socks") and importlib.util.find_spec("python_socks") is not None:
        pytest.skip("the library for it is here")
    for name in ("http_proxy", "https_proxy", "all_proxy", "socks_proxy"):
        monkeypatch.setenv(name, proxy)
        monkeypatch.setenv(name.upper(), proxy)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    events: list[AnyEvent] = []
    engine = openai_engine(api_key=KEY, model="m", base_url="http://192.0.2.1:1")
    await engine.session(7, "", [], [], events.append).run()
    (closed,) = events
    assert isinstance(closed, SessionClosed)
    assert closed.trouble is Trouble.REFUSED


@pytest.mark.parametrize("says", [[], ["session.created"]])
async def test_connected_and_then_silent(server: RealtimeServer, says: list[str]) -> None:
    line = Line(server, connect_seconds=0.5)
    line.start()
    peer = await server.accept()
    for name in says:
        await peer.say(name, session={"type": "realtime"})
    closed = await line.over()
    assert closed.trouble is Trouble.STALLED
    assert "0.5 s" in closed.detail


@pytest.mark.parametrize(
    ("code", "type_", "trouble"),
    [
        ("invalid_value", "invalid_request_error", Trouble.REFUSED),
        ("", "server_error", Trouble.BUSY),
        ("rate_limit_exceeded", "tokens", Trouble.BUSY),
        ("insufficient_quota", "x", Trouble.REFUSED),
        ("x", "account_deactivated", Trouble.REFUSED),
        ("session_expired", "invalid_request_error", Trouble.EXPIRED),
    ],
)
async def test_errors_while_opening(ga: RealtimeServer, code: str, type_: str, trouble: Trouble) -> None:
    line = Line(ga)
    line.start()
    peer = await ga.accept()
    await peer.say("session.created", session={"type": "realtime"})
    await peer.hear("session.update")
    await peer.complain(code, f"about {KEY}", type_)
    closed = await line.over()
    assert closed.trouble is trouble
    assert KEY not in closed.detail
    assert not any(isinstance(event, SessionOpened) for event in line.events)


async def test_lost_while_opening(server: RealtimeServer) -> None:
    line = Line(server)
    line.start()
    (await server.accept()).vanish()
    closed = await line.over()
    assert (closed.trouble, closed.code) == (Trouble.LOST, 1006)


@pytest.mark.parametrize("when", ["before run", "in the handshake", "unconfigured", "open", "twice"])
async def test_close_at_any_moment(ga: RealtimeServer, when: str) -> None:
    line = Line(ga)
    if when == "before run":
        line.session.close()
        line.start()
    elif when == "in the handshake":
        ga.deaf = True
        line.start()
        await ga.asked.wait()
        line.session.close()
    else:
        line.start()
        peer = await ga.accept()
        if when != "unconfigured":
            await peer.configure()
            await line.next()
        line.session.close()
        if when == "twice":
            line.session.close()
        assert await peer.gone() == 1000
    closed = await line.over()
    assert (closed.trouble, closed.code) == (None, 1000)
    line.session.close()
    assert line.events[-1] is closed


# --- serving ------------------------------------------------------------------------------------


async def test_sound_passes_untouched_both_ways(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        line.session.send_audio(bytes(range(256)))
        line.session.send_audio(b"\x7f" * 160)
        assert (await peer.hear("input_audio_buffer.append"))["audio"].startswith("AAECAwQF")
        assert len((await peer.hear("input_audio_buffer.append"))["audio"]) == 216
        await peer.begin("r1")
        await peer.speak("r1", bytes(range(256)), "a1")
        await peer.write("r1", "Hi.", "a1")
        assert await line.next() == ResponseStarted(7, "r1")
        assert await line.next() == AgentSpoke(7, "r1", "a1", bytes(range(256)))
        assert await line.next() == AgentWrote(7, "r1", "a1", "Hi.")
        await peer.finish("r1")
        assert await line.next() == ResponseEnded(
            7, "r1", "completed", Usage(text_in=15, audio_in=5, text_out=4, audio_out=6)
        )


async def test_a_persons_turn(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        await peer.say("input_audio_buffer.speech_started", audio_start_ms=100, item_id="u1")
        await peer.say("input_audio_buffer.speech_stopped", audio_end_ms=2100, item_id="u1")
        await peer.say("input_audio_buffer.committed", item_id="u1")
        await peer.say(
            "conversation.item.input_audio_transcription.completed",
            item_id="u1",
            content_index=0,
            transcript="Hello?",
            usage={"type": "duration", "seconds": 2.0},
        )
        assert [await line.next() for _ in range(4)] == [
            PersonStarted(7),
            PersonStopped(7),
            PersonCommitted(7, "u1"),
            PersonSaid(7, "u1", "Hello?", Usage(seconds=2.0)),
        ]


async def test_every_wish_goes_out(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        line.session.commit_turn()
        await peer.hear("input_audio_buffer.commit")
        line.session.answer_tool("call_1", '{"ok":true}')
        item = (await peer.hear("conversation.item.create"))["item"]
        assert item == {"type": "function_call_output", "call_id": "call_1", "output": '{"ok":true}'}
        line.session.ask_response("Say goodbye.", tools=False)
        response = (await peer.hear("response.create"))["response"]
        assert (response["instructions"], response["tools"], response["tool_choice"]) == ("Say goodbye.", [], "none")
        line.session.cancel_response()
        await peer.hear("response.cancel")


async def test_phrases_in_both_dialects(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        line.session.make_phrase("here", "Yes, hello, I'm here.")
        asked = (await peer.hear("response.create"))["response"]
        assert asked["conversation"] == "none"
        assert asked["input"] == []
        assert "Yes, hello, I'm here." in asked["instructions"]
        await peer.begin("p1", asked["metadata"])
        await peer.speak("p1", b"\x01\x02", "i1")
        await peer.write("p1", "Yes", "i1")
        await peer.speak("p1", b"\x03", "i1")
        await peer.finish("p1", metadata=asked["metadata"])
        made = await line.next()
        assert made == PhraseMade(7, "here", b"\x01\x02\x03", Usage(text_in=15, audio_in=5, text_out=4, audio_out=6))


async def test_a_phrase_that_does_not_come(server: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phrases_module, "PHRASE_SECONDS", 0.05)
    async with opened(server) as (line, peer):
        line.session.make_phrase("here", "Hello.")
        await peer.hear("response.create")
        failed = await line.next()
        assert isinstance(failed, PhraseFailed)
        assert "0.05 s" in failed.detail


async def test_unknown_and_malformed_messages_change_nothing(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        for odd in ("", "{", "[]", "7", '{"type":7}', '{"type":"response.created"}', b"\xff\xfe", '{"x":' + "[" * 5000):
            await peer.raw(odd)
        await peer.raw('{"type":"from.the.future","delta":1}')
        await peer.raw('{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"no base64!"}')
        await peer.begin("r1")
        assert await line.next() == ResponseStarted(7, "r1")


async def test_beta_names_are_known_in_any_dialect(ga: RealtimeServer) -> None:
    async with opened(ga) as (line, peer):
        peer.beta = True
        await peer.begin("r1")
        await peer.speak("r1", b"\x01", "a1")
        await line.next()
        assert await line.next() == AgentSpoke(7, "r1", "a1", b"\x01")
        peer.beta = False


async def test_a_flood_of_nonsense_ends_it(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        for _ in range(session_module.MAX_MALFORMED):
            await peer.raw("nonsense")
        assert await peer.gone() == 1000
        assert (await line.over()).trouble is Trouble.LOST


async def test_complaints_hide_the_key(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        error = {"type": "x", "code": "y", "message": f"about {KEY}"}
        await peer.finish("r1", "failed", status_details={"type": "failed", "error": error})
        await line.next()
        ended = await line.next()
        assert isinstance(ended, ResponseEnded)
        assert ended.detail == "y about ***"
        await peer.complain("invalid_value", f"Bad key {KEY} or sk-proj-ab**12")
        assert await line.next() == SessionComplained(7, "invalid_value", "Bad key *** or ***")


# --- ending -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1013, 4000])
async def test_an_end_that_nobody_asked_for_is_a_loss(server: RealtimeServer, code: int) -> None:
    async with opened(server) as (line, peer):
        await peer.socket.close(code, "bye")
        closed = await line.over()
        assert (closed.trouble, closed.code) == (Trouble.LOST, code)


async def test_expiry(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        await peer.complain("session_expired", "Your session hit the maximum duration of 60 minutes.")
        await peer.socket.close(1001)
        closed = await line.over()
        assert closed.trouble is Trouble.EXPIRED
        assert "60 minutes" in closed.detail


@pytest.mark.parametrize("code", sorted(dialogue_module.FATAL))
async def test_fatal_errors_are_refusals(server: RealtimeServer, code: str) -> None:
    async with opened(server) as (line, peer):
        await peer.complain("x", "no more", code)
        assert await peer.gone() == 1000
        assert (await line.over()).trouble is Trouble.REFUSED


async def test_a_response_lost_with_the_socket_is_not_free(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        await peer.begin("r1")
        await peer.speak("r1", bytes(8000), "a1")
        assert isinstance(await line.next(), ResponseStarted)
        assert isinstance(await line.next(), AgentSpoke)
        peer.vanish()
        closed = await line.over()
        assert closed.trouble is Trouble.LOST
        ended = line.events[-2]
        assert isinstance(ended, ResponseEnded)
        assert ended.status == "failed"
        assert ended.usage is not None
        assert ended.usage.estimated
        assert ended.usage.audio_out == 20
        assert ended.usage.text_in > 0


async def test_what_is_said_while_closing_is_heard(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        await peer.begin("r1")
        assert isinstance(await line.next(), ResponseStarted)
        line.session.close()
        await peer.finish("r1")
        await peer.gone()
        await line.over()
        ended = line.events[-2]
        assert isinstance(ended, ResponseEnded)
        assert ended.usage is not None


async def test_a_server_that_does_not_let_go(ga: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that neither reads nor answers the close: the transport is cut."""
    monkeypatch.setattr(session_module, "CLOSE_SECONDS", 0.1)
    async with opened(ga) as (line, peer):
        peer.socket.transport.pause_reading()
        line.session.close()
        closed = await line.over()
        assert closed.trouble is None
        peer.vanish()


async def test_a_server_that_reads_nothing(ga: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "SEND_SECONDS", 0.2)
    async with opened(ga) as (line, peer):
        peer.socket.transport.pause_reading()
        for _ in range(100):
            line.session.send_audio(bytes(200_000))
        closed = await line.over()
        assert closed.trouble is Trouble.STALLED
        peer.vanish()


async def test_cancelled_runs_leave_nothing(server: RealtimeServer) -> None:
    line = Line(server)
    line.start()
    peer = await server.open()
    await line.next()
    assert line.task is not None
    line.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await line.task
    assert isinstance(line.events[-1], SessionClosed)
    assert await peer.gone() == 1006


async def test_after_the_end_every_wish_is_ignored(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        peer.vanish()
        await line.over()
        said = len(line.events)
        session = line.session
        session.send_audio(b"\x00")
        session.commit_turn()
        session.ask_response("", tools=True)
        session.cancel_response()
        session.truncate_item("a1", 100)
        session.answer_tool("c", "{}")
        session.make_phrase("p", "t")
        session.close()
        assert len(line.events) == said


async def test_the_key_is_never_written_down(ga: RealtimeServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(ga) as (line, peer):
        await peer.complain("x", KEY)
        await line.next()
    assert not [
        record for record in caplog.records if KEY in record.getMessage() and "websockets.server" not in record.name
    ]
    assert KEY not in repr(line.session) + repr(line.events) + repr(vars(line.session)["_endpoint"])


async def test_loopback_takes_no_proxy(ga: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with opened(ga):
        pass
