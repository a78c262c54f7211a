"""A client's connection whose usual messages are read and made by hand, against the library's server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from outwait.engines.wire import Connection

LIMIT = 100_000


@asynccontextmanager
async def pair(limit: int = LIMIT) -> AsyncIterator[tuple[Connection, ServerConnection]]:
    """Both ends."""
    met: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def meet(server: ServerConnection) -> None:
        await server.send("hello")  # at once: it may come with the answer to the handshake
        met.put_nowait(server)
        await server.wait_closed()

    async with serve(meet, "127.0.0.1", 0, compression=None, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        kind = type("Connection", (Connection,), {"limit": limit})
        address = f"ws://127.0.0.1:{port}/"
        async with connect(address, create_connection=kind, compression=None, max_size=limit, proxy=None) as client:
            assert isinstance(client, Connection)
            yield client, await met.get()


async def test_messages_come_in_order_whoever_reads_them() -> None:
    async with pair() as (client, server):
        for number in range(3):
            await server.send(str(number))
        assert [await client.recv() for _ in range(2)] == ["hello", "0"]
        await (await server.ping())  # all before it has come
        heard: list[bytes] = []
        client.hear = heard.append
        await server.send("3")
        await (await server.ping())
        assert [await client.recv() for _ in range(3)] == ["1", "2", "3"], "what waits comes first"
        await server.send("4")
        await server.send("x" * 70_000)
        await (await server.ping())
        assert heard == [b"4", b"x" * 70_000]
        await server.send(["frag", "ments"])
        await server.send(b"binary")
        assert await client.recv() == "fragments"
        assert await client.recv() == b"binary"
        assert len(heard) == 2


async def test_what_is_written_arrives() -> None:
    async with pair() as (client, server):
        for content in ("text \u00fc", b"\x00\x01", "x" * 70_000, "y" * 300):
            client.write(content)
            assert await server.recv() == content
        assert client.sent > 70_300
        assert client.unsent == 0
        await client.close()
        client.write("late")
        with pytest.raises(ConnectionClosed):
            await server.recv()


async def test_a_message_too_long_ends_it() -> None:
    async with pair(limit=1000) as (client, server):
        client.hear = lambda text: None
        await client.recv()
        await server.send("x" * 1001)
        with pytest.raises(ConnectionClosed):
            await client.recv()
        await server.wait_closed()
        assert server.close_code == 1009


async def test_a_bug_in_the_listener_is_raised_to_the_reader() -> None:
    async with pair() as (client, server):
        await client.recv()

        def hear(text: bytes) -> None:
            raise ZeroDivisionError

        client.hear = hear
        await server.send("x")
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert isinstance(client.failure, ZeroDivisionError)


async def test_a_refusal_is_read_to_its_end() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Le")
        await writer.drain()
        writer.write(b"ngth: 6\r\n\r\nno")
        await writer.drain()
        writer.write(b" key")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                f"ws://127.0.0.1:{port}/",
                create_connection=Connection,
                compression=None,
                proxy=None,
            )
    assert (refused.value.response.status_code, refused.value.response.body) == (401, b"no key")
