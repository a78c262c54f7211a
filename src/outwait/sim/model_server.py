"""A model's server on 127.0.0.1, whatever its wire: connections, faults, and one simulated session on each.

A wire brings the door (`_enter`: which paths and keys are taken) and the session behind it (`Serving`).
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from outwait.sim import sound
from outwait.sim.hearing import Hearing
from outwait.sim.mind import Mind
from outwait.sim.pipes import Message, Pipe, PipeClosed, SocketPipe, memory_pipe
from outwait.sim.scenario import Fault

_CHUNKS_INTO_RESPONSE = 3  # pieces of sound after which a fault "at response" strikes


@dataclass
class SessionCounts:
    """What one session was asked for; the proof of what happened on hold.

    appends, responses
        wall seconds of every piece of sound given to it, and of every answer asked for, by the client or by the
        model's own wish
    appended_ms
        audio given in all
    """

    appends: list[float] = field(default_factory=list)
    appended_ms: float = 0.0
    responses: list[float] = field(default_factory=list)
    created_by_client: int = 0
    received: list[str] = field(default_factory=list)  # the types of client events, sound left out
    errors: list[str] = field(default_factory=list)  # codes of errors sent
    heard: list[str] = field(default_factory=list)  # the words of every turn
    said: list[str] = field(default_factory=list)  # the words of every response


class Serving(Protocol):
    """The server's side of one connection, pure: messages in, messages out, time passed in.

    close_code
        set when the server wants the connection closed
    stalled
        nothing said from here on reaches the client
    rate_limited
        the next answer fails
    pieces
        of sound of the answer that is being given, or was given last; 0 = there was none
    """

    counts: SessionCounts
    close_code: int | None
    stalled: bool
    rate_limited: bool

    @property
    def pieces(self) -> int: ...

    def open(self, now: float) -> Sequence[Message]: ...

    def receive(self, message: Message, now: float) -> Sequence[Message]: ...

    def tick(self, now: float) -> Sequence[Message]: ...

    def next_deadline(self) -> float | None: ...

    def expire(self) -> None: ...

    def flush(self) -> Sequence[Message]: ...

    def lost(self) -> None: ...


class Charged(Protocol):
    """A bill, in USD."""

    @property
    def usd(self) -> float: ...

    @property
    def lost_usd(self) -> float: ...


@dataclass
class Connection:
    """One connection, from handshake to end.

    opened_at, closed_at
        wall seconds; closed_at 0 = still open
    close_code
        0 = still open; 1006 = vanished
    closed_by
        "client", "server" or ""
    refused
        the HTTP status of a refused handshake; 0 = accepted
    """

    number: int
    path: str
    headers: Mapping[str, str]
    opened_at: float
    closed_at: float = 0.0
    close_code: int = 0
    closed_by: str = ""
    refused: int = 0
    session: Serving | None = None

    @property
    def open(self) -> bool:
        """Is the socket open?"""
        return self.session is not None and not self.closed_at

    @property
    def counts(self) -> SessionCounts:
        """What its session was asked for."""
        return self.session.counts if self.session else SessionCounts()


class Refusal(Exception):
    """The handshake is answered with this HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class ModelServer(ABC):
    """The server.

    hearing
        the registry of spoken words, shared with the carrier's simulator
    mind
        what the model says
    faults
        what goes wrong on which connection
    key
        the API key that must be presented
    port
        0 = any free one
    sockets
        False = only `connect`, nothing is served
    """

    hearing: Hearing
    mind: Mind = field(default_factory=Mind)
    faults: tuple[Fault, ...] = ()
    key: str = "sim-model-key"
    port: int = 0
    sockets: bool = True
    connections: list[Connection] = field(default_factory=list)
    most_open: int = 0  # sockets open at the same time, at most
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: Server | None = None

    @property
    @abstractmethod
    def bill(self) -> Charged:
        """What it charged."""

    @abstractmethod
    def _enter(self, connection: Connection) -> Serving:
        """The session behind this door. Raises Refusal."""

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(sound.prepare, [("agent", text) for text in vars(self.mind.lines).values()])
        if not self.sockets:
            return self
        self._server = await serve(
            self._accept,
            "127.0.0.1",
            self.port,
            process_request=self._handshake,
            compression=None,
            max_size=16 * 1024 * 1024,
            ping_interval=None,
            close_timeout=2,
        )
        self.port = int(next(iter(self._server.sockets)).getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop serving; closing twice is fine."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    @property
    def address(self) -> str:
        """http://127.0.0.1:port"""
        return f"http://127.0.0.1:{self.port}"

    @property
    def open_sockets(self) -> int:
        """Connections open now."""
        return sum(connection.open for connection in self.connections)

    @property
    def appended_ms(self) -> float:
        """Audio given to all sessions so far."""
        return sum(connection.counts.appended_ms for connection in self.connections)

    @property
    def responses(self) -> int:
        """Answers asked for so far, by client or by the model's own wish."""
        return sum(len(connection.counts.responses) for connection in self.connections)

    @property
    def errors(self) -> list[str]:
        """Codes of all errors sent so far."""
        return [code for connection in self.connections for code in connection.counts.errors]

    async def connect(self, path: str, headers: Mapping[str, str]) -> Pipe:
        """A connection in memory, as if made to this path with these headers. Raises Refusal."""
        connection, session = self._greet(path, headers)
        await asyncio.sleep(self._slowness(connection.number))
        ours, theirs = memory_pipe(limit=1000)
        task = asyncio.create_task(self._run(connection, session, theirs), name=f"sim model {connection.number}")
        self._tasks.add(task)
        await asyncio.sleep(0)  # let it begin: a task cancelled before that would never close its pipe
        return ours

    # The handshake.

    def _greet(self, path: str, headers: Mapping[str, str]) -> tuple[Connection, Serving]:
        now = asyncio.get_running_loop().time()
        number = len(self.connections) + 1
        connection = Connection(number, path, dict(headers), now)
        self.connections.append(connection)
        try:
            session = self._enter(connection)
            for fault in self._faults(number, "refuse"):
                raise Refusal(fault.status, "the scenario refuses this connection")
        except Refusal as refusal:
            connection.refused = refusal.status
            connection.closed_at = now
            raise
        return connection, session

    async def _handshake(self, socket_connection: ServerConnection, request: Request) -> Response | None:
        try:
            connection, session = self._greet(request.path, request.headers)
        except Refusal as refusal:
            return socket_connection.respond(http.HTTPStatus(refusal.status), f"{refusal}\n")
        socket_connection.__dict__["sim_connection"] = connection, session
        if delay := self._slowness(connection.number):
            await asyncio.sleep(delay)
        return None

    async def _accept(self, websocket: ServerConnection) -> None:
        connection, session = websocket.__dict__["sim_connection"]
        raw: socket.socket = websocket.transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self._run(connection, session, SocketPipe(websocket))

    # One session.

    async def _run(self, connection: Connection, session: Serving, pipe: Pipe) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        loop = asyncio.get_running_loop()
        connection.session = session
        connection.opened_at = loop.time()
        self.most_open = max(self.most_open, self.open_sockets)
        host = _Host(connection.number, session, pipe, self._faults(connection.number))
        try:
            connection.close_code, connection.closed_by = await host.run()
        except asyncio.CancelledError:
            connection.close_code, connection.closed_by = 1001, "server"
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await pipe.close(1001)
        finally:
            connection.closed_at = loop.time()
            session.lost()
            self._tasks.discard(task)

    def _faults(self, number: int, kind: str = "") -> list[Fault]:
        return [f for f in self.faults if f.session in (0, number) and (not kind or f.kind == kind)]

    def _slowness(self, number: int) -> float:
        return sum(fault.seconds for fault in self._faults(number, "slow"))


class _Host:
    """Runs one session over its pipe: messages in, deadlines, and what the scenario breaks."""

    def __init__(self, number: int, session: Serving, pipe: Pipe, faults: list[Fault]) -> None:
        self._number = number
        self._session = session
        self._pipe = pipe
        self._faults = [f for f in faults if f.kind in ("vanish", "stall", "expire", "rate_limit")]
        self._armed: list[tuple[float, Fault]] = []
        self._changed = asyncio.Event()
        self._gone: PipeClosed | None = None
        self._loop = asyncio.get_running_loop()

    async def run(self) -> tuple[int, str]:
        """Until the connection is over; returns (close code, who closed)."""
        self._arm("open")
        reader = asyncio.create_task(self._read(), name=f"sim model {self._number}")
        try:
            await self._send(self._session.open(self._loop.time()))
            return await self._watch()
        except PipeClosed as gone:
            return gone.code, "client"
        finally:
            reader.cancel()
            await asyncio.wait([reader])

    async def _read(self) -> None:
        try:
            while True:
                message = await self._pipe.recv()
                await self._send(self._session.receive(message, self._loop.time()))
                self._changed.set()
        except PipeClosed as gone:
            self._gone = gone
            self._changed.set()

    async def _watch(self) -> tuple[int, str]:
        session, loop = self._session, self._loop
        while True:
            if self._gone:
                return self._gone.code, "client"
            now = loop.time()
            await self._send(session.tick(now))
            if session.pieces >= _CHUNKS_INTO_RESPONSE:
                self._arm("response")
            if await self._strike(now):
                self._pipe.abort()
                return 1006, "server"
            if session.close_code is not None:
                await self._send(session.flush())
                await self._pipe.close(session.close_code)
                return session.close_code, "server"
            deadlines = [at for at, _ in self._armed]
            if (due := session.next_deadline()) is not None:
                deadlines.append(due)
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min(deadlines, default=None)):
                    await self._changed.wait()

    def _arm(self, at: str) -> None:
        for fault in [fault for fault in self._faults if fault.at == at]:
            self._faults.remove(fault)
            self._armed.append((self._loop.time() + fault.seconds, fault))

    async def _strike(self, now: float) -> bool:
        """Do what is due; True = vanish."""
        for entry in [entry for entry in self._armed if entry[0] <= now]:
            self._armed.remove(entry)
            match entry[1].kind:
                case "vanish":
                    return True
                case "stall":
                    self._session.stalled = True
                case "expire":
                    self._session.expire()
                case "rate_limit":
                    self._session.rate_limited = True
        return False

    async def _send(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if not self._session.stalled:
                await self._pipe.send(message)
