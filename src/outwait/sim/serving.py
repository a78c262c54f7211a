"""A small ASGI app on a port of 127.0.0.1, for as long as a `with` block lasts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import uvicorn


class _Server(uvicorn.Server):
    """uvicorn without its hand on the process's signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serve_http(app: Any, port: int = 0, ws: Literal["none", "websockets-sansio"] = "none") -> AsyncIterator[int]:
    """Serve plain HTTP, and WebSockets if `ws` says so; yields the port once connections are accepted."""
    # With its protocol named, asyncio sends small pieces at once: otherwise they wait for the peer to acknowledge.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)  # from here on connections wait in the kernel until the server takes them
    config = uvicorn.Config(
        app,
        interface="asgi3",
        ws=ws,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]), name="sim http server")
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await running
        listener.close()
