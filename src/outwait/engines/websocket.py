"""The life of a session on a WebSocket, whoever the vendor: connect, open, serve, close. Every wait has its deadline.

A subclass knows its wire: where to dial, what opens a session, what a message means.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus, InvalidURI

from outwait import __version__
from outwait.call.events import SessionClosed, Trouble
from outwait.engines.ends import End, Malformed
from outwait.engines.opening import Opening
from outwait.engines.place import Place
from outwait.engines.wire import Connection, Watch

CLOSE_SECONDS = 2.0  # s for the closing handshake; then the transport is cut
SEND_SECONDS = 10.0  # s for one message to leave; a server that reads nothing for so long is taken for stalled
PING_SECONDS = 20.0  # s between two pings, and for each answer: proxies and NATs drop what is idle
MAX_MALFORMED = 50  # messages in a row that make no sense, until this is no server of this wire

_ABNORMAL = 1006  # the close code when there was none
_NORMAL = 1000
_SILENT = logging.Logger("outwait.engines.wire", logging.CRITICAL + 1)
"""For the WebSocket library: at debug level it writes down all headers, the key among them."""


class SocketSession(ABC):
    """One connection. See `EngineSession` for what its methods promise; the subclass has the rest of them."""

    decode: bool | None = False  # how messages are read: False: bytes; None: text as str, binary as bytes

    def __init__(self, opening: Opening, place: Place) -> None:
        self._number = opening.number
        self._place = place
        self._post = opening.post
        self._connect_seconds = opening.connect_seconds
        self._tls = opening.tls
        self._early: list[str | bytes] = []  # to be sent when the session stands
        self._line: Connection | None = None  # while it does
        self._watch: Watch | None = None
        self._ended = asyncio.Event()  # `_end` is known
        self._close_asked = asyncio.Event()
        self._socket: Connection | None = None
        self._up_since: float | None = None  # loop s at which the connection stood
        self._end: End | None = None
        self._over = False
        self._malformed = 0  # in a row

    # --- what a wire has to say

    @abstractmethod
    async def _configure(self, socket: ClientConnection) -> None:
        """The opening of the protocol. It posts SessionOpened, or has called `_finish` with the reason why not."""

    @abstractmethod
    def _hear(self, data: bytes | str) -> None:
        """One message of a session that stands. Raises Malformed."""

    @abstractmethod
    def _refusal(self, status: int, body: bytes) -> End:
        """A handshake that was answered, but not with an upgrade."""

    @abstractmethod
    def _last(self, *, asked: bool) -> None:
        """The socket is gone: end what was being made. `asked`: by us."""

    async def _reach(self) -> Place | None:
        """Where to dial. None: nowhere, `_end` says why."""
        return self._place

    def _loss(self, code: int, reason: str) -> End:
        """An end that nobody asked for is a loss, whatever its code: 1000 and 1001 come from servers going away."""
        return End(Trouble.LOST, f"the connection ended ({code}) {reason}".strip(), code)

    async def _leave(self, socket: ClientConnection) -> None:
        """We were asked to close, and the socket still stands."""
        await shut(socket)

    # --- what may be asked of it

    def close(self) -> None:
        """Ask for the end. Idempotent; SessionClosed follows within CLOSE_SECONDS."""
        if self._end is None:
            self._close_asked.set()

    async def run(self) -> None:
        """Connect, configure, seed, and serve until the end. Leaves no task and no socket."""
        try:
            if not self._close_asked.is_set():
                await self._live()
        finally:
            self._over = True
            asked = self._close_asked.is_set()
            self._last(asked=asked)
            self._post(self._closed(asked=asked))

    # --- its life

    async def _live(self) -> None:
        """Serve until the end, or until close() is called."""
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(self._serve(), name=f"session {self._number}")
            asked = tasks.create_task(self._close_asked.wait(), name=f"session {self._number}: close asked")
            await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if not serving.done() and self._socket is not None:
                await self._leave(self._socket)  # what is said meanwhile is still heard: the last bill may be in it
            serving.cancel()

    async def _serve(self) -> None:
        try:
            socket = await self._open()
            if socket is not None:
                await self._talk(socket)
        finally:
            if self._socket is not None:
                self._socket.transport.abort()
                await self._socket.wait_closed()

    async def _open(self) -> Connection | None:
        """The socket of a session that stands. None: `_end` says why."""
        try:
            async with asyncio.timeout(self._connect_seconds):
                place = await self._reach()
                if place is not None:
                    self._socket = await self._dial(place)
                    self._up_since = asyncio.get_running_loop().time()
                    await self._configure(self._socket)
        except TimeoutError:
            if self._socket is None:
                self._finish(End(Trouble.LOST, f"no connection within {self._connect_seconds:g} s", _ABNORMAL))
            else:
                self._finish(End(Trouble.STALLED, f"connected, but not ready within {self._connect_seconds:g} s"))
        except InvalidStatus as refused:
            response = refused.response
            self._finish(self._refusal(response.status_code, bytes(response.body or b"")))
        except (InvalidURI, InvalidProxy, ImportError) as wrong:  # the last: a SOCKS proxy without its library
            self._finish(End(Trouble.REFUSED, f"wrong settings: {wrong}", _ABNORMAL))
        except (OSError, InvalidHandshake) as lost:
            self._finish(End(Trouble.LOST, f"no connection: {lost}", _ABNORMAL))
        except ConnectionClosed as closed:
            self._finish(self._lost(closed))
        return self._socket if self._end is None else None

    async def _dial(self, place: Place) -> Connection:
        connection = await _Dial(
            place.url,
            create_connection=Connection,
            additional_headers=place.headers,
            user_agent_header=f"outwait/{__version__}",
            compression=None,  # base64 of mu-law does not shrink enough to pay for itself
            proxy=None if place.loopback else True,
            open_timeout=None,  # one deadline covers the handshake and all that follows
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=Connection.limit,
            logger=_SILENT,
            ssl=(self._tls or True) if place.secure else None,
        )
        assert isinstance(connection, Connection)
        return connection

    async def _talk(self, socket: Connection) -> None:
        self._watch = Watch(socket, SEND_SECONDS, self._stalled)
        for frame in self._early:
            socket.write(frame)
        self._watch.written()
        self._line = socket
        socket.hear = self._heard
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(socket), name=f"session {self._number}: read")
                await self._ended.wait()
                reading.cancel()
            await shut(socket)
        finally:
            socket.hear = self._line = None
            self._watch.stop()

    async def _read(self, socket: Connection) -> None:
        """The end, and what does not come the usual way."""
        while self._end is None:
            try:
                data = await socket.recv(decode=self.decode)
            except ConnectionClosed as closed:
                if socket.failure is not None:
                    raise socket.failure from None
                self._finish(self._lost(closed))
                return
            self._take(data, self._hear)

    def _heard(self, data: bytes) -> None:
        if self._end is None:
            self._take(data, self._hear if self.decode is False else self._hear_text)

    def _hear_text(self, data: bytes | str) -> None:
        assert isinstance(data, bytes)
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise Malformed(str(error)) from error
        self._hear(text)

    def _stalled(self) -> None:
        self._finish(End(Trouble.STALLED, f"nothing was read for {SEND_SECONDS:g} s", _ABNORMAL))
        if self._line is not None:
            self._line.transport.abort()

    # --- parts

    def _send(self, frame: str | bytes) -> None:
        if self._line is not None and self._watch is not None:
            self._line.write(frame)
            self._watch.written()
        elif not self._over:
            self._early.append(frame)

    def _take(self, data: bytes | str, hear: Callable[[bytes | str], None]) -> None:
        """One message. One that makes no sense changes nothing; a flood of them ends the session."""
        try:
            hear(data)
        except Malformed as malformed:
            self._malformed += 1
            if self._malformed >= MAX_MALFORMED:
                self._finish(End(Trouble.LOST, f"{self._malformed} messages in a row made no sense: {malformed}"))
        else:
            self._malformed = 0

    @property
    def _lasted(self) -> float:
        """Wall seconds since the connection stood."""
        return 0.0 if self._up_since is None else asyncio.get_running_loop().time() - self._up_since

    def _finish(self, end: End) -> None:
        """The first reason counts."""
        if self._end is None:
            self._end = end
            self._ended.set()

    def _lost(self, closed: ConnectionClosed) -> End:
        if closed.rcvd is None:
            return self._loss(_ABNORMAL, "")
        return self._loss(closed.rcvd.code, closed.rcvd.reason)

    def _closed(self, *, asked: bool) -> SessionClosed:
        seen = self._socket.close_code if self._socket is not None else None
        if asked:
            return SessionClosed(self._number, None, seen or _NORMAL, "closed")
        end = self._end or End(Trouble.LOST, "abandoned", _ABNORMAL)
        return SessionClosed(self._number, end.trouble, end.code or seen or _ABNORMAL, self._place.clean(end.detail))


class _Dial(connect):
    """Follows no redirect: it would carry the key to another host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def shut(socket: ClientConnection) -> None:
    """The closing handshake, for as long as it may take; then the transport is cut."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close(_NORMAL)
    except TimeoutError:
        pass  # cut below, like a socket that closed well
    finally:
        socket.transport.abort()


def seconds_left(socket: ClientConnection, expires_at: float | None) -> float | None:
    """Seconds left, by the server's own clock, which its handshake told: ours may be wrong. None: it does not say."""
    date = socket.response.headers.get("Date") if socket.response is not None else None
    if expires_at is None or date is None:
        return None
    try:
        told = parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
    return expires_at - told if expires_at > told else None
