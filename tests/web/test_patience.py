"""Clients that are slow, endless, or do not read: over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from outwait.web import patience, server

from .desk import FakeDesk, call_object, settings

LIMIT = 10.0  # wall s in which a client that is sent away has gone


@asynccontextmanager
async def serving(desk: FakeDesk) -> AsyncIterator[int]:
    """The port of a server."""

    @asynccontextmanager
    async def opened(_url: str, _registry: CollectorRegistry) -> AsyncIterator[FakeDesk]:
        yield desk

    async with server.listening(settings(), opened) as (url, _):
        yield int(url.rpartition(":")[2])


async def sent_away(port: int, *pieces: bytes) -> bytes:
    """What the server says to a client that sends these and then waits, until it is cut off."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(LIMIT):
            try:
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                return await reader.read()
            except ConnectionError:
                return b""
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"GET /healthz HT"],
        [b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-Slow: "],
        [b"POST /v1/calls HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"],
        [b"POST /v1/calls/c1/hangup HTTP/1.1\r\nHost: x\r\nUpgrade: other\r\nContent-Length: 9\r\n\r\n{"],
    ],
    ids=["silent", "line", "headers", "body", "other-upgrade"],
)
async def test_a_request_that_does_not_come_is_not_waited_for(
    desk: FakeDesk, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]
) -> None:
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.05)
    async with serving(desk) as port:
        await sent_away(port, *pieces)


async def test_a_second_request_is_not_waited_for_either(desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.05)
    monkeypatch.setattr(patience.PatientProtocol, "timeout_keep_alive_handler", lambda _self: None)
    async with serving(desk) as port:
        whole = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(whole)
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET /hea")
        async with asyncio.timeout(LIMIT):
            assert await reader.read() == b""
        writer.close()


async def test_a_head_has_a_limit(desk: FakeDesk) -> None:
    endless = [b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"] + [b"X-A: %s\r\n" % (b"a" * 8000)] * 10
    async with serving(desk) as port:
        answer = await sent_away(port, *endless)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


async def test_a_body_is_no_head(desk: FakeDesk) -> None:
    async with serving(desk) as port, httpx2.AsyncClient(trust_env=False) as client:
        wish = {"to": "+12025550143", "task": "x" * 15_000, "metadata": {"a": "y" * 40_000}}
        for _ in range(3):
            assert (await client.post(f"http://127.0.0.1:{port}/v1/calls", json=wish)).status_code == 201


async def test_a_follower_that_does_not_read_is_cut_off(desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "READ_SECONDS", 0.05)
    desk.calls = {"c1": call_object("c1")}
    desk.told = {"c1": [("said", b'"%s"' % (b"x" * 60_000))] * 400}  # more than the sockets' buffers take
    async with serving(desk) as port:
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(client, ("127.0.0.1", port))
            await loop.sock_sendall(client, b"GET /v1/calls/c1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            async with asyncio.timeout(LIMIT):
                await desk.left.wait()
        finally:
            client.close()
        assert desk.followers == 0


async def test_a_follower_that_reads_is_kept(desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "REQUEST_SECONDS", 0.05)
    monkeypatch.setattr("outwait.web.api.HEARTBEAT", 0.05)
    desk.calls = {"c1": call_object("c1")}
    async with (
        serving(desk) as port,
        httpx2.AsyncClient(trust_env=False) as client,
        client.stream("GET", f"http://127.0.0.1:{port}/v1/calls/c1/events") as response,
    ):
        lines = response.aiter_lines()
        for _ in range(10):  # ten heartbeats are longer than the patience with requests
            assert (await anext(lines)) in (": still here", "")
