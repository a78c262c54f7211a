"""Opening a session: what is asked of a strict server, in both dialects, and every way in which it fails."""

from __future__ import annotations

import importlib.util
from http import HTTPStatus

import pytest

from outwait.call.commands import SeedItem
from outwait.call.events import (
    AnyEvent,
    SessionClosed,
    SessionOpened,
    Trouble,
)
from outwait.call.tools import schemas
from outwait.engines.openai import openai_engine
from tests.contract.realtime_server import RealtimeServer
from tests.engines.openai.line import KEY, Line, opened

SEED = [
    SeedItem("system", "You were on hold for 27 minutes."),
    SeedItem("human", "Please hold."),
    SeedItem("agent", "Sure."),
    SeedItem("agent", " "),
    SeedItem("tool_call", '{"reason":"asked"}', call_id="call_" + "x" * 60, name="wait_on_hold"),
    SeedItem("tool_output", '{"ok":true}', call_id="call_" + "x" * 60),
]


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
