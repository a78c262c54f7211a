"""The process around the socket: ready line, drain, refusal to start in the open."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from outwait.config import ConfigError
from outwait.web import server

from .desk import FakeDesk, call_object, settings


class Opened:
    """Makes a fake desk, and remembers for which address, and whether it was closed."""

    def __init__(self, desk: FakeDesk) -> None:
        self.desk = desk
        self.addresses: list[str] = []
        self.closed = False

    def __call__(self, url: str, _registry: CollectorRegistry) -> AbstractAsyncContextManager[FakeDesk]:
        @asynccontextmanager
        async def opened() -> AsyncIterator[FakeDesk]:
            self.addresses.append(url)
            yield self.desk
            self.closed = True

        return opened()


async def ready(capsys: pytest.CaptureFixture[str], running: asyncio.Task[None]) -> str:
    """The address of the ready line."""
    out = ""
    async with asyncio.timeout(10):
        while "\n" not in out:
            assert not running.done()
            await asyncio.sleep(0)
            out += capsys.readouterr().out
    found = re.fullmatch(r"listening on (http://127\.0\.0\.1:[1-9][0-9]*)\n", out)
    assert found is not None
    return found[1]


async def test_serves_until_it_is_told_to_stop(desk: FakeDesk, capsys: pytest.CaptureFixture[str]) -> None:
    opened = Opened(desk)
    running = asyncio.create_task(server.serve(settings(drain=7.0), opened))
    url = await ready(capsys, running)
    assert opened.addresses == [url]
    desk.calls = {"c1": call_object("c1")}
    async with httpx2.AsyncClient(trust_env=False) as client:
        assert (await client.get(url + "/healthz")).json() == {"status": "ok"}
        async with client.stream("GET", url + "/v1/calls/c1/events") as response:
            assert response.status_code == 200
            os.kill(os.getpid(), signal.SIGTERM)  # the open event stream must not hold it up
            assert [line async for line in response.aiter_lines()] == []
    await running
    assert desk.drained == [7.0]
    assert opened.closed
    assert capsys.readouterr().out == ""


async def test_a_follower_that_leaves_is_forgotten(desk: FakeDesk) -> None:
    desk.calls = {"c1": call_object("c1")}
    desk.told = {"c1": [("status", b"{}")]}
    async with server.listening(settings(), Opened(desk)) as (url, _), httpx2.AsyncClient(trust_env=False) as client:
        async with client.stream("GET", url + "/v1/calls/c1/events") as response:
            assert await anext(response.aiter_lines()) == "id: 1"
            assert desk.followers == 1
        async with asyncio.timeout(10):
            await desk.left.wait()


async def test_a_second_signal_hurries(desk: FakeDesk, capsys: pytest.CaptureFixture[str]) -> None:
    begun = asyncio.Event()

    async def drain(_seconds: float) -> None:
        begun.set()
        await asyncio.Event().wait()

    desk.drain = drain  # type: ignore[method-assign]
    running = asyncio.create_task(server.serve(settings(), Opened(desk)))
    await ready(capsys, running)
    os.kill(os.getpid(), signal.SIGINT)
    await begun.wait()
    os.kill(os.getpid(), signal.SIGINT)
    await running


async def test_tells_the_carrier_the_configured_address(desk: FakeDesk) -> None:
    opened = Opened(desk)
    async with server.listening(settings(public_url="https://a.example", api_key="k"), opened) as (url, _):
        assert url.startswith("http://127.0.0.1:")
    assert opened.addresses == ["https://a.example"]


async def test_does_not_start_in_the_open(desk: FakeDesk) -> None:
    opened = Opened(desk)
    with pytest.raises(ConfigError, match="OUTWAIT_API_KEY"):
        await server.serve(settings(host="0.0.0.0"), opened)
    assert opened.addresses == []


async def test_a_port_that_is_taken_is_one_clear_line(desk: FakeDesk) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match=r"can't listen on 127\.0\.0\.1 port"):
            await server.serve(settings(port=taken.getsockname()[1]), Opened(desk))


def test_runs_on_the_faster_loop() -> None:
    loops: list[str] = []

    async def main() -> None:
        loops.append(type(asyncio.get_running_loop()).__module__)

    server.run(main())
    assert loops == ["uvloop"]
