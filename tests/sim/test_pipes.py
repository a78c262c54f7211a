"""Pipes: order, back-pressure, closing, vanishing; in memory and over sockets alike."""

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from outwait.sim.pipes import MemoryPipe, PipeClosed, SocketPipe, memory_pipe


async def test_messages_come_in_order_and_closing_comes_last():
    ours, theirs = memory_pipe()
    await ours.send("one")
    await ours.send(b"two")
    await ours.close(1001, "bye")
    await ours.close()
    assert [await theirs.recv(), await theirs.recv()] == ["one", b"two"]
    with pytest.raises(PipeClosed) as closed:
        await theirs.recv()
    assert (closed.value.code, closed.value.reason) == (1001, "bye")
    with pytest.raises(PipeClosed):
        await theirs.send("late")
    assert theirs.closed


async def test_a_full_pipe_makes_its_sender_wait():
    ours, theirs = memory_pipe(limit=2)
    sender = asyncio.create_task(_send(ours, 5))
    await asyncio.sleep(0)
    assert len(theirs._inbox) == 2
    assert not sender.done()
    assert [await theirs.recv() for _ in range(5)] == ["0", "1", "2", "3", "4"]
    await sender


async def test_settling_waits_until_all_is_taken():
    ours, theirs = memory_pipe()
    await _send(ours, 3)
    settled = asyncio.create_task(ours.settle())
    await asyncio.sleep(0)
    assert not settled.done()
    for _ in range(3):
        await theirs.recv()
    await settled


async def test_settling_can_allow_for_some_lag():
    ours, theirs = memory_pipe()
    for _ in range(3):
        await ours.send("x")
        if len(theirs._inbox) < 3:
            await ours.settle(2)
    late = asyncio.create_task(ours.settle(2))
    await asyncio.sleep(0)
    assert not late.done()
    await theirs.recv()
    await late


async def test_vanishing():
    ours, theirs = memory_pipe()
    waiting = asyncio.create_task(theirs.recv())
    await asyncio.sleep(0)
    ours.abort()
    with pytest.raises(PipeClosed) as gone:
        await waiting
    assert gone.value.code == 1006


async def test_the_same_over_a_socket():
    seen: list[object] = []

    async def accept(websocket):
        pipe = SocketPipe(websocket)
        try:
            while True:
                seen.append(await pipe.recv())
        except PipeClosed as closed:
            seen.append(closed.code)

    async with serve(accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for end in ("close", "abort"):
            pipe = SocketPipe(await connect(f"ws://127.0.0.1:{port}", proxy=None))
            await pipe.send("hello")
            await pipe.settle()
            if end == "close":
                await pipe.close(1001)
                await pipe.close()
            else:
                pipe.abort()
            with pytest.raises(PipeClosed):
                await pipe.recv()
            for act in (pipe.send("late"), pipe.settle()):
                with pytest.raises(PipeClosed):
                    await act
    assert seen == ["hello", 1001, "hello", 1006]


async def _send(pipe: MemoryPipe, count: int) -> None:
    for number in range(count):
        await pipe.send(str(number))
