"""The listening socket and the process around it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry

from outwait.config import ConfigError, Settings
from outwait.house.desk import Desk
from outwait.plugins import Kit
from outwait.web.app import build
from outwait.web.patience import PatientProtocol
from outwait.web.socket import MediaProtocol

MAX_MESSAGE = 64 * 1024  # bytes of a WebSocket message; one from the carrier has some four hundred
PING_SECONDS = 20.0  # wall s between pings
PONG_SECONDS = 60.0  # wall s; long, for a carrier ahead of time may wait on our back-pressure before it answers
EXIT_SECONDS = 3.0  # wall s for open requests when the server goes down

OpenDesk = Callable[[str, CollectorRegistry], AbstractAsyncContextManager[Desk]]
"""Makes the switchboard for a public URL; leaving the context closes all that it opened."""


async def serve(
    settings: Settings, open_desk: OpenDesk, kit: Kit | None = None, *, ready: Callable[[], None] = lambda: None
) -> None:
    """Run until SIGTERM or SIGINT, then drain. Prints one line to stdout when ready, after `ready`.

    A second signal cuts the draining short. Raises ConfigError for settings that won't do.
    """
    settings.check_server()
    stop = asyncio.Event()
    hurry = asyncio.Event()

    def signalled() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    try:
        async with listening(settings, open_desk, kit) as (url, desk):
            ready()
            print(f"listening on {url}", flush=True)  # noqa: T201 - the one line that scripts wait for
            await stop.wait()
            await _first(desk.drain(settings.drain), hurry.wait())
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


@asynccontextmanager
async def listening(settings: Settings, open_desk: OpenDesk, kit: Kit | None = None) -> AsyncIterator[tuple[str, Desk]]:
    """A server for as long as the context lasts: its address, and the switchboard behind it. `kit`: another carrier
    than Twilio."""
    listener = _bind(settings.host, settings.port)
    url = _address(listener)
    closing = asyncio.Event()
    registry = CollectorRegistry()
    try:
        public_url = settings.public_url or url
        async with open_desk(public_url, registry) as desk:
            app = build(desk, settings, public_url, registry=registry, closing=closing, kit=kit)
            server = _Server(_config(app))
            running = asyncio.create_task(server.serve(sockets=[listener]), name="web server")
            try:
                await _until_started(server, running)
                yield url, desk
            finally:
                closing.set()
                server.should_exit = True
                await running
    finally:
        listener.close()


def run(main: Coroutine[Any, Any, None]) -> None:
    """asyncio.run, on the faster loop where there is one."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    else:
        factory = new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


class _Server(uvicorn.Server):
    """Leaves the signals to `serve`, which has calls to think of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        ws=MediaProtocol,
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,  # sound does not shrink, and a compressor costs each call 250 KB
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PONG_SECONDS,
        lifespan="off",
        proxy_headers=False,  # nothing here believes them: the public URL is configured
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=int(EXIT_SECONDS),
    )


def _bind(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"can't listen on {host}: {error.strerror or error}") from error
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigError(f"can't listen on {host} port {port}: {error.strerror or error}") from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{port}"


async def _until_started(server: uvicorn.Server, running: asyncio.Task[None]) -> None:
    """Uvicorn tells nobody when it is ready; its start is over in a few turns of the loop."""
    while not server.started:
        if running.done():
            await running
            raise ConfigError("the web server did not start")
        await asyncio.sleep(0)


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    """Until one of them is done; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
