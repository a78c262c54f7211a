"""Virtual time: a world in which an hour of waiting takes no time at all.

`run_virtual(main)` runs a coroutine on an event loop whose clock jumps to the next timer whenever nothing is left to
do. Everything that takes its time from the loop follows, sockets of this process on loopback included (what was sent
there is readable at once). Only threads live outside that clock: it stands still while the executor or SQLite's threads
work, and goes no faster than `THREADS_PACE` while there are any others that began meanwhile.

`asgi_connect` opens a WebSocket of an ASGI app without any socket, for a carrier that calls straight into a program.
"""

from __future__ import annotations

import asyncio
import queue
import selectors
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

import aiosqlite.core

from outwait.sim.media_socket import Connect, ConnectFailed
from outwait.sim.pipes import MemoryPipe, Pipe, PipeClosed, memory_pipe
from outwait.sim.scenario import Pace, Scenario

START = 1000.0  # the virtual clock begins here, seconds
STRIDE = 0.1  # virtual seconds at most in one jump while there are threads of others
THREADS_PACE = 100.0  # virtual seconds a wall second then
TICK = 0.002  # wall seconds; what the system can wait for exactly enough
STUCK = 60.0  # wall seconds without any timer or event after which the world is stuck; a busy recogniser takes some

T = TypeVar("T")
App = Callable[[Any, Any, Any], Awaitable[None]]
Message = MutableMapping[str, Any]


class Stuck(Exception):
    """Everybody waits, and no timer is set: nothing would ever happen again."""


class Leaked(Exception):
    """Tasks that outlived the coroutine that was run."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own."""

    def __init__(self) -> None:
        self._virtual_now = START
        self.executing = 0  # calls in the executor that are not done
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Virtual seconds."""
        return self._virtual_now

    def jump(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._virtual_now += seconds

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """As ever, but the clock stands still until it is done."""
        self.executing += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._executed)
        return future

    def _executed(self, future: asyncio.Future[Any]) -> None:
        self.executing -= 1


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting for a timer, moves the loop's clock to it."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop
        self._owed = 0.0  # wall seconds that threads are still to be given
        self._others = set(threading.enumerate())  # with this one: they were there before, and owe us nothing

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or (timeout > 0 and self._loop.executing):
            return self._wait()
        if timeout > 0 and (ready := self._databases()):
            return ready
        alone = not self._strangers()
        step = timeout if alone else min(timeout, STRIDE)
        ready = super().select(0)
        if ready or step <= 0:
            return list(ready)
        if not alone:
            self._owed += step / THREADS_PACE
            if self._owed >= TICK:
                ready = super().select(self._owed)
                self._owed = 0.0
        if not ready:
            self._loop.jump(step)
        return list(ready)

    def _strangers(self) -> bool:
        """There are threads of which it is not known what they do: neither the executor's nor SQLite's."""
        known = self._others | {work.thread for work in _Work.all}
        return any(thread not in known and not thread.name.startswith("asyncio_") for thread in threading.enumerate())

    def _wait(self) -> list[tuple[selectors.SelectorKey, int]]:
        """For something that will come by itself."""
        if not (ready := super().select(STUCK)):
            raise Stuck("nothing happens, and nothing will")
        return list(ready)

    def _databases(self) -> list[tuple[selectors.SelectorKey, int]]:
        """Until SQLite's threads have done what they were given. Each wakes us first, and says that it is done then."""
        ends = time.monotonic() + STUCK
        while any(work.undone for work in _Work.all):
            if ready := super().select(TICK):
                return list(ready)
            if time.monotonic() > ends:
                raise Stuck("a database's thread does not come to an end")
        return []


class _Work(queue.SimpleQueue[Any]):
    """What the thread of one SQLite connection has to do, and whether it has done it: then it comes back for more."""

    all: ClassVar[WeakSet[_Work]] = WeakSet()

    def __init__(self) -> None:
        self._given = self._done = 0
        self.thread: threading.Thread | None = None  # once it has begun
        _Work.all.add(self)

    @property
    def undone(self) -> bool:
        """Something is in hand, or waits to be."""
        return self._given > self._done and (self.thread is None or self.thread.is_alive())

    def put_nowait(self, item: Any) -> None:
        self._given += 1
        super().put_nowait(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        self._done += self.thread is not None
        self.thread = threading.current_thread()
        return super().get(block, timeout)


@contextmanager
def _counted() -> Iterator[None]:
    """SQLite connections that are opened meanwhile have queues that can be asked. aiosqlite has no other way in."""
    plain = vars(aiosqlite.core)["SimpleQueue"]
    vars(aiosqlite.core)["SimpleQueue"] = _Work
    try:
        yield
    finally:
        vars(aiosqlite.core)["SimpleQueue"] = plain


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in virtual time. Raises Leaked when it leaves tasks behind."""
    with _counted(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        result = runner.run(main)
        left = [task.get_name() for task in asyncio.all_tasks(runner.get_loop())]
    if left:
        raise Leaked(", ".join(sorted(left)))
    return result


async def until(happened: Callable[[], object], limit: float = 60.0) -> None:
    """Wait until `happened()`, looked at every 20 ms. `limit`: seconds of the loop's clock, then TimeoutError."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limit
    while not happened():
        if loop.time() > end:
            raise TimeoutError
        await asyncio.sleep(0.02)


def at_life_pace(scenario: Scenario) -> Scenario:
    """The scenario at one second a second: what virtual time wants, for there every wait has its true length."""
    return replace(scenario, pace=Pace(1.0, 1.0, 1.0))


def asgi_connect(app: App, tasks: asyncio.TaskGroup) -> Connect:
    """A `connect` for `TwilioSim` that opens WebSockets of `app` in memory; the app's runs are tasks of `tasks`."""

    async def connect(url: str, headers: Mapping[str, str]) -> Pipe:
        ours, theirs = memory_pipe()
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        tasks.create_task(_serve(app, _scope(url, headers), theirs, answer), name=f"asgi websocket {url}")
        if status := await answer:
            raise ConnectFailed(31920, f"handshake: HTTP {status}")
        return ours

    return connect


async def _serve(app: App, scope: Message, pipe: MemoryPipe, answer: asyncio.Future[int]) -> None:
    first: list[Message] = [{"type": "websocket.connect"}]

    async def receive() -> Message:
        if first:
            return first.pop()
        try:
            message = await pipe.recv()
        except PipeClosed as gone:
            return {"type": "websocket.disconnect", "code": gone.code, "reason": gone.reason}
        return {"type": "websocket.receive", "text" if isinstance(message, str) else "bytes": message}

    async def send(message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                answer.set_result(0)
            case "websocket.send":
                text = message.get("text")
                await pipe.send(text if text is not None else message["bytes"])
            case "websocket.close":
                if not answer.done():
                    answer.set_result(403)
                await pipe.close(message.get("code") or 1000, message.get("reason") or "")
            case "websocket.http.response.start":
                answer.set_result(message["status"])

    try:
        await app(scope, receive, send)
    finally:
        if not answer.done():
            answer.set_result(500)
        await pipe.close(1006)


def _scope(url: str, headers: Mapping[str, str]) -> Message:
    parts = urlsplit(url)
    given = {"host": parts.netloc, **{name.lower(): value for name, value in headers.items()}}
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": parts.scheme,
        "server": (parts.hostname, parts.port or (443 if parts.scheme == "wss" else 80)),
        "client": ("127.0.0.1", 50000),
        "root_path": "",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
        "state": {},
    }
