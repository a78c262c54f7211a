"""A realtime model server on 127.0.0.1 that speaks OpenAI's and Azure's wire, both dialects, and what it charged.

`RealtimeSim` accepts connections and runs a `RealtimeSession` on each; `connect` makes a connection without a socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from outwait.sim import sound
from outwait.sim.hearing import Hearing
from outwait.sim.mind import Mind
from outwait.sim.pipes import Pipe, PipeClosed, SocketPipe, memory_pipe
from outwait.sim.realtime_bill import Bill
from outwait.sim.realtime_dialect import Dialect
from outwait.sim.realtime_response import Timing
from outwait.sim.realtime_session import RealtimeSession, SessionCounts
from outwait.sim.scenario import Fault, Scenario

_CHUNKS_INTO_RESPONSE = 3  # deltas after which a fault "at response" strikes


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
    model: str = ""
    dialect: Dialect = "ga"
    session: RealtimeSession | None = None

    @property
    def open(self) -> bool:
        """Is the socket open?"""
        return self.session is not None and not self.closed_at

    @property
    def counts(self) -> SessionCounts:
        """What its session was asked for."""
        return self.session.counts if self.session else SessionCounts()


@dataclass(frozen=True)
class _Target:
    model: str
    dialect: Dialect
    azure: bool


class Refusal(Exception):
    """The handshake is answered with this HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class RealtimeSim:
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
    timing: Timing = field(default_factory=Timing)
    faults: tuple[Fault, ...] = ()
    key: str = "sim-model-key"
    port: int = 0
    sockets: bool = True
    bill: Bill = field(default_factory=Bill)
    connections: list[Connection] = field(default_factory=list)
    most_open: int = 0  # sockets open at the same time, at most
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: Server | None = None

    @classmethod
    def of(cls, scenario: Scenario, hearing: Hearing, **options: Any) -> Self:
        """The model a scenario asks for."""
        mind = Mind(task=scenario.task, forgets=frozenset(scenario.model.forgets))
        return cls(hearing, mind, faults=scenario.model.fault, **options)

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
    def openai_base_url(self) -> str:
        """For OPENAI_BASE_URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def azure_endpoint(self) -> str:
        """For AZURE_OPENAI_ENDPOINT."""
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
        """Responses asked for so far, by client or by VAD."""
        return sum(len(connection.counts.responses) for connection in self.connections)

    async def connect(self, path: str, headers: Mapping[str, str]) -> Pipe:
        """A connection in memory, as if made to this path with these headers. Raises Refusal."""
        connection = self._greet(path, headers)
        await asyncio.sleep(self._slowness(connection.number))
        ours, theirs = memory_pipe(limit=1000)
        task = asyncio.create_task(self._run(connection, theirs), name=f"sim model {connection.number}")
        self._tasks.add(task)
        await asyncio.sleep(0)  # let it begin: a task cancelled before that would never close its pipe
        return ours

    # The handshake.

    def _greet(self, path: str, headers: Mapping[str, str]) -> Connection:
        now = asyncio.get_running_loop().time()
        number = len(self.connections) + 1
        connection = Connection(number, path, dict(headers), now)
        self.connections.append(connection)
        try:
            target = self._target(path, headers)
            for fault in self._faults(number, "refuse"):
                raise Refusal(fault.status, "the scenario refuses this connection")
        except Refusal as refusal:
            connection.refused = refusal.status
            connection.closed_at = now
            raise
        connection.model, connection.dialect = target.model, target.dialect
        return connection

    def _target(self, path: str, headers: Mapping[str, str]) -> _Target:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        given = {name.lower(): value for name, value in headers.items()}
        match parts.path:
            case "/v1/realtime":
                dialect: Dialect = "beta" if given.get("openai-beta") == "realtime=v1" else "ga"
                target = _Target(query.get("model", ""), dialect, azure=False)
            case "/openai/v1/realtime":
                target = _Target(query.get("model", ""), "ga", azure=True)
            case "/openai/realtime":
                if not query.get("api-version"):
                    raise Refusal(404, "Resource not found")
                target = _Target(query.get("deployment", ""), "beta", azure=True)
            case _:
                raise Refusal(404, f"Invalid URL (GET {parts.path})")
        if not target.model:
            raise Refusal(400, "You must provide a model parameter.")
        authorised = (
            given.get("api-key") == self.key if target.azure else given.get("authorization") == f"Bearer {self.key}"
        )
        if not authorised:
            raise Refusal(401, "Incorrect API key provided.")
        return target

    async def _handshake(self, socket_connection: ServerConnection, request: Request) -> Response | None:
        try:
            connection = self._greet(request.path, request.headers)
        except Refusal as refusal:
            return socket_connection.respond(http.HTTPStatus(refusal.status), f"{refusal}\n")
        socket_connection.__dict__["sim_connection"] = connection
        if delay := self._slowness(connection.number):
            await asyncio.sleep(delay)
        return None

    async def _accept(self, websocket: ServerConnection) -> None:
        connection: Connection = websocket.__dict__["sim_connection"]
        raw: socket.socket = websocket.transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self._run(connection, SocketPipe(websocket))

    # One session.

    async def _run(self, connection: Connection, pipe: Pipe) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        loop = asyncio.get_running_loop()
        session = RealtimeSession(
            connection.number,
            connection.model,
            connection.dialect,
            self.mind,
            self.hearing,
            self.bill,
            self.timing,
        )
        connection.session = session
        connection.opened_at = loop.time()
        self.most_open = max(self.most_open, self.open_sockets)
        host = _Host(session, pipe, self._faults(connection.number))
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

    def __init__(self, session: RealtimeSession, pipe: Pipe, faults: list[Fault]) -> None:
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
        reader = asyncio.create_task(self._read(), name=f"sim model {self._session.number}")
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
            if any(entry.audio_chunks >= _CHUNKS_INTO_RESPONSE for entry in session.running):
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

    async def _send(self, messages: list[str]) -> None:
        for message in messages:
            if not self._session.stalled:
                await self._pipe.send(message)
