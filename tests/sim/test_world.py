"""Virtual time takes no time, waits for threads, and says when it is stuck or leaks."""

import asyncio
import threading
import time

import aiosqlite
import pytest

from outwait.sim import world
from outwait.sim.media_socket import ConnectFailed
from outwait.sim.pipes import PipeClosed
from outwait.sim.world import Leaked, Stuck, asgi_connect, run_virtual, until


def test_waits_take_virtual_time():
    async def main() -> float:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await asyncio.sleep(300)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.Event().wait()
        return loop.time() - begun

    assert run_virtual(main()) == pytest.approx(360)


def test_the_clock_stands_still_while_the_executor_works():
    async def main() -> float:
        begun = asyncio.get_running_loop().time()
        ticking = asyncio.create_task(asyncio.sleep(100))
        await asyncio.to_thread(threading.Event().wait, 0.05)
        passed = asyncio.get_running_loop().time() - begun
        ticking.cancel()
        return passed

    assert run_virtual(main()) < 1


def test_other_threads_are_given_time():
    async def main() -> float:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        begun = loop.time()
        thread = threading.Thread(target=_later, args=(loop, done))
        thread.start()
        async with asyncio.timeout(60):
            await done.wait()
        thread.join()
        return loop.time() - begun

    assert run_virtual(main()) < 30


def test_sqlite_is_waited_for(tmp_path):
    async def main() -> float:
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout(1):
            async with aiosqlite.connect(tmp_path / "some.db") as database:
                await database.create_function("slowly", 0, lambda: time.sleep(0.2) or 7)
                async with database.execute("select slowly()") as found:
                    assert await found.fetchone() == (7,)
        return asyncio.get_running_loop().time() - begun

    assert run_virtual(main()) == 0


def test_a_connection_that_is_done_holds_nothing_up(tmp_path):
    async def main() -> float:
        async with aiosqlite.connect(tmp_path / "some.db"):
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)
        return time.monotonic()

    begun = time.monotonic()
    assert run_virtual(main()) - begun < 3600 / world.THREADS_PACE


def test_a_database_that_does_not_end_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(world, "STUCK", 0.05)
    go_on = threading.Event()

    async def main() -> None:
        async with aiosqlite.connect(tmp_path / "some.db") as database:
            await database.create_function("wait", 0, go_on.wait)
            waiting = asyncio.create_task(database.execute_fetchall("select wait()"))
            try:
                await asyncio.sleep(1)
            finally:
                go_on.set()
                await waiting

    with pytest.raises(Stuck, match="database"):
        run_virtual(main())


def test_waiting_for_nothing_is_an_error(monkeypatch):
    monkeypatch.setattr(world, "STUCK", 0.05)
    with pytest.raises(Stuck):
        run_virtual(_forever())


def test_tasks_left_behind_are_named():
    async def main() -> asyncio.Task[bool]:
        return asyncio.create_task(asyncio.Event().wait(), name="forgotten")

    with pytest.raises(Leaked, match="forgotten"):
        run_virtual(main())


def test_until_gives_up():
    async def main() -> None:
        await until(lambda: True)
        with pytest.raises(TimeoutError):
            await until(lambda: False, 5)

    run_virtual(main())


def test_a_websocket_without_a_socket():
    async def app(scope, receive, send):
        assert (await receive())["type"] == "websocket.connect"
        match scope["path"]:
            case "/echo":
                await send({"type": "websocket.accept"})
                assert (b"x-twilio-signature", b"s") in scope["headers"]
                while (message := await receive())["type"] == "websocket.receive":
                    await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})
                assert message["code"] == 1000
            case "/refuse":
                await send({"type": "websocket.close", "code": 1008})
            case "/http":
                await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
                await send({"type": "websocket.http.response.body", "body": b""})

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            connect = asgi_connect(app, tasks)
            pipe = await connect("ws://test/echo", {"X-Twilio-Signature": "s"})
            await pipe.send("hello")
            await pipe.send(b"raw")
            assert [await pipe.recv(), await pipe.recv()] == ["hello", b"raw"]
            await pipe.close()
            with pytest.raises(PipeClosed):
                await pipe.recv()
            for path, status in (("/refuse", 403), ("/http", 401), ("/none", 500)):
                with pytest.raises(ConnectFailed, match=f"HTTP {status}"):
                    await connect(f"wss://test{path}", {})

    run_virtual(main())


async def _forever() -> None:
    await asyncio.Event().wait()


def _later(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    threading.Event().wait(0.1)
    loop.call_soon_threadsafe(done.set)
