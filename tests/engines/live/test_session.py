"""A Live session over a real socket: how it opens, how it is closed so that its bill comes."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

import pytest

from outwait.call.events import SessionClosed, SessionOpened, SessionUsed, Trouble
from outwait.engines.live import azure_live_engine, live_engine
from outwait.engines.live.session import FINAL_SECONDS
from outwait.testing.engine import Listener
from tests.engines.live.server import LivePeer, LiveServer

KEY = "sk-test-0123456789abcdef"


@pytest.fixture
async def server() -> AsyncIterator[LiveServer]:
    async with LiveServer() as server:
        yield server


def listener(server: LiveServer) -> Listener:
    found = Listener(live_engine(api_key=KEY, base_url=f"{server.url}/v1", connect_seconds=5.0))
    found.start()
    return found


async def opened(server: LiveServer) -> tuple[Listener, LivePeer]:
    found = listener(server)
    peer = await server.next()
    await peer.start()
    assert isinstance(await found.next(), SessionOpened)
    return found, peer


async def test_it_opens_with_its_first_message_and_knows_when_it_ends(server: LiveServer) -> None:
    server.date = "Fri, 15 Jan 2027 07:00:00 GMT"
    found = listener(server)
    peer = await server.next()
    wanted = await peer.start(expires_at=1_800_000_000)
    assert wanted["model"] == "gpt-live-1"
    assert len(wanted["input"]) == 5, "what was said before"
    event = await found.next()
    assert event == SessionOpened(1, 3600.0)
    assert server.requests[0].path == "/v1/live/sessions", "the model goes into the first message"
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    found.session.close()
    await found.over()


async def test_azure_wants_its_key_elsewhere(server: LiveServer) -> None:
    found = Listener(azure_live_engine(endpoint=server.url, api_key=KEY, deployment="ours"))
    found.start()
    peer = await server.next()
    assert (await peer.start())["model"] == "ours"
    assert server.requests[0].path == "/openai/v1/live/sessions"
    assert server.requests[0].headers["api-key"] == KEY
    assert "Authorization" not in server.requests[0].headers
    found.session.close()
    await found.over()


async def test_closing_brings_the_bill(server: LiveServer) -> None:
    found, peer = await opened(server)
    peer.seconds = 13.0
    found.session.close()
    assert (await found.over()).trouble is None
    assert found.events[-2] == SessionUsed(1, 13.0)


async def test_a_server_that_does_not_finalise_is_left(server: LiveServer) -> None:
    """What it has cost is our clock's guess then."""
    found, peer = await opened(server)
    peer.polite = False
    began = time.monotonic()
    found.session.close()
    assert (await found.over()).trouble is None
    assert time.monotonic() - began < FINAL_SECONDS + 3.0
    (used,) = [event for event in found.events if isinstance(event, SessionUsed)]
    assert used.estimated
    assert used.seconds >= FINAL_SECONDS


async def test_what_is_wrong_with_the_configuration(server: LiveServer) -> None:
    found = listener(server)
    peer = await server.next()
    await peer.hear("session.start")
    await peer.complain("unknown_parameter", param="session.audio")
    closed = await found.over()
    assert (closed.trouble, closed.detail) == (Trouble.REFUSED, "unknown_parameter: no")
    assert found.events == [closed], "it never stood, so it has cost nothing"


async def test_a_server_with_troubles_of_its_own_before_it_stands(server: LiveServer) -> None:
    found = listener(server)
    peer = await server.next()
    await peer.hear("session.start")
    await peer.complain("rate_limit_exceeded", "rate_limit_error")
    assert (await found.over()).trouble is Trouble.BUSY


async def test_a_session_at_its_age(server: LiveServer) -> None:
    found, peer = await opened(server)
    peer.seconds = 3600.0
    await peer.finalise("expired")
    closed = await found.over()
    assert closed.trouble is Trouble.EXPIRED
    assert found.events[-2] == SessionUsed(1, 3600.0)


async def test_a_redirect_is_not_followed(server: LiveServer) -> None:
    """It would carry the key to another host."""
    server.redirect = "http://127.0.0.1:9/"
    found = listener(server)
    assert (await found.over()).trouble is Trouble.REFUSED


async def test_the_key_is_told_nobody(server: LiveServer) -> None:
    found, peer = await opened(server)
    error = {"code": "x", "type": "y", "message": f"the key {KEY} is old"}
    await peer.say("error", error=error)
    told = await found.next()
    assert KEY not in repr(told)
    found.session.close()
    await found.over()


async def test_sound_and_tools_reach_it(server: LiveServer) -> None:
    found, peer = await opened(server)
    found.session.send_audio(b"\x11" * 160)
    found.session.ask_response("Say hello.", tools=True)
    assert (await peer.hear("session.commentary.append"))["content"] == "Say hello."
    found.session.commit_turn()
    found.session.close()
    await peer.hear("session.close")
    closed = await found.over()
    assert isinstance(closed, SessionClosed)


async def test_a_flood_of_nonsense_ends_it(server: LiveServer) -> None:
    found, peer = await opened(server)
    for _ in range(60):
        await peer.raw(json.dumps({"type": "session.output_audio.delta"}))
    assert (await found.over()).trouble is Trouble.LOST
