"""The socket of one session: connect, configure, seed, serve, close. Every wait has its deadline."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import TypeVar

from msgspec import structs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus, InvalidURI

from outwait import __version__
from outwait.call.commands import SeedItem
from outwait.call.events import AnyEvent, SessionClosed, SessionOpened, Trouble
from outwait.engines.openai import frames
from outwait.engines.openai.dialogue import FATAL, Dialogue, End, verdict
from outwait.engines.openai.endpoints import Endpoint
from outwait.engines.openai.frames import Manner
from outwait.engines.openai.messages import (
    ErrorSaid,
    Malformed,
    ResponseDone,
    ServerMessage,
    SessionCreated,
    SessionUpdated,
    parse,
    parse_refusal,
)

CONNECT_SECONDS = 10.0  # s from dialling to a configured and seeded session
CLOSE_SECONDS = 2.0  # s for the closing handshake; then the transport is cut
SEND_SECONDS = 10.0  # s for one message to leave; a server that reads nothing for so long is taken for stalled
PING_SECONDS = 20.0  # s between two pings, and for each answer: proxies and NATs drop what is idle
MAX_MESSAGE = 4 * 2**20  # bytes of one message: a minute of sound in base64 is 640 kB
MAX_MALFORMED = 50  # messages in a row that make no sense, until this is no Realtime server
MAX_DETAIL = 300  # characters of a server's words that are kept

_ABNORMAL = 1006  # the close code when there was none
_NORMAL = 1000
_KEYS = re.compile(r"\b[se]k[-_][A-Za-z0-9_*.-]{4,}")  # how OpenAI's keys look, also when it quotes one half hidden
_SILENT = logging.Logger("outwait.engines.openai.wire", logging.CRITICAL + 1)
"""For the WebSocket library: at debug level it writes down all headers, the key among them."""

M = TypeVar("M", SessionCreated, SessionUpdated)


class RealtimeSession:
    """One connection to a Realtime server. See `EngineSession` for what its methods promise."""

    def __init__(
        self,
        number: int,
        endpoint: Endpoint,
        manner: Manner,
        instructions: str,
        seed: Sequence[SeedItem],
        tools: Sequence[Mapping[str, object]],
        post: Callable[[AnyEvent], None],
        *,
        connect_seconds: float = CONNECT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._number = number
        self._endpoint = endpoint
        self._configuration = frames.session_update(endpoint.dialect, manner, instructions, tools, "configure")
        self._seeds = frames.seeds(endpoint.dialect, number, seed)
        self._post = post
        self._connect_seconds = connect_seconds
        self._tls = tls
        self._frames: asyncio.Queue[str] = asyncio.Queue()
        self._close_asked = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._end: End | None = None
        self._over = False
        self._malformed = 0  # in a row
        self._dialogue = Dialogue(
            number,
            endpoint.dialect,
            post,
            self._send,
            lambda seconds, wake: asyncio.get_running_loop().call_later(seconds, wake),
            len(self._configuration) + sum(map(len, self._seeds)),
        )

    # --- what may be asked of it: these only queue

    def send_audio(self, ulaw: bytes) -> None:
        self._send(frames.append(ulaw))
        if not self._over:
            self._dialogue.fed()

    def commit_turn(self) -> None:
        self._send(frames.commit())

    def ask_response(self, instructions: str, *, tools: bool) -> None:
        if not self._over:
            self._dialogue.ask_response(instructions, tools=tools)

    def cancel_response(self) -> None:
        if not self._over:
            self._dialogue.cancel_response()

    def truncate_item(self, item: str, heard_ms: int) -> None:
        if not self._over:
            self._dialogue.truncate_item(item, heard_ms)

    def answer_tool(self, call_id: str, output: str) -> None:
        self._send(frames.tool_output(call_id, output))

    def make_phrase(self, phrase: str, text: str) -> None:
        if not self._over:
            self._dialogue.make_phrase(phrase, text)

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
            self._dialogue.end(asked=asked)
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
                await _shut(self._socket)  # what is said meanwhile is still heard: the last bill may be in it
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

    async def _open(self) -> ClientConnection | None:
        """The socket of a session that stands. None: `_end` says why."""
        try:
            async with asyncio.timeout(self._connect_seconds):
                self._socket = await self._dial()
                await self._configure(self._socket)
        except TimeoutError:
            if self._socket is None:
                self._finish(End(Trouble.LOST, f"no connection within {self._connect_seconds:g} s", _ABNORMAL))
            else:
                self._finish(End(Trouble.STALLED, f"connected, but not ready within {self._connect_seconds:g} s"))
        except InvalidStatus as refused:
            self._finish(_refusal(refused))
        except (InvalidURI, InvalidProxy, ImportError) as wrong:  # the last: a SOCKS proxy without its library
            self._finish(End(Trouble.REFUSED, f"wrong settings: {wrong}", _ABNORMAL))
        except (OSError, InvalidHandshake) as lost:
            self._finish(End(Trouble.LOST, f"no connection: {lost}", _ABNORMAL))
        except ConnectionClosed as closed:
            self._finish(_loss(closed))
        return self._socket if self._end is None else None

    async def _dial(self) -> ClientConnection:
        return await _Dial(
            self._endpoint.url,
            additional_headers=self._endpoint.headers,
            user_agent_header=f"outwait/{__version__}",
            compression=None,  # base64 of mu-law does not shrink enough to pay for itself
            proxy=None if self._endpoint.loopback else True,
            open_timeout=None,  # one deadline covers the handshake and all that follows
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=MAX_MESSAGE,
            logger=_SILENT,
            ssl=(self._tls or True) if self._endpoint.secure else None,
        )

    async def _configure(self, socket: ClientConnection) -> None:
        """The opening of the protocol: created, update, updated, and then what was said before."""
        created = await self._expect(socket, SessionCreated)
        if created is None:
            return
        await socket.send(self._configuration)
        updated = await self._expect(socket, SessionUpdated)
        if updated is None:
            return
        for frame in self._seeds:
            await socket.send(frame)
        self._post(SessionOpened(self._number, _expires_in(socket, updated.expires_at or created.expires_at)))

    async def _expect(self, socket: ClientConnection, wanted: type[M]) -> M | None:
        while self._end is None:
            message = self._understand(await socket.recv(decode=False))
            if isinstance(message, wanted):
                return message
            if isinstance(message, ErrorSaid):
                self._finish(verdict(message) or _objection(message))
        return None

    async def _talk(self, socket: ClientConnection) -> None:
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._write(socket), name=f"session {self._number}: write")
            await self._read(socket)
            writing.cancel()
        await _shut(socket)

    async def _read(self, socket: ClientConnection) -> None:
        while self._end is None:
            try:
                data = await socket.recv(decode=False)
            except ConnectionClosed as closed:
                self._finish(_loss(closed))
                return
            message = self._understand(data)
            end = self._dialogue.receive(message) if message is not None else None
            if end is not None:
                self._finish(end)

    async def _write(self, socket: ClientConnection) -> None:
        try:
            while True:
                frame = await self._frames.get()
                async with asyncio.timeout(SEND_SECONDS):
                    await socket.send(frame)
        except TimeoutError:
            self._finish(End(Trouble.STALLED, f"nothing was read for {SEND_SECONDS:g} s", _ABNORMAL))
            socket.transport.abort()  # the reader sees it
        except ConnectionClosed:
            pass  # the reader says why

    # --- parts

    def _send(self, frame: str) -> None:
        if not self._over:
            self._frames.put_nowait(frame)

    def _understand(self, data: bytes) -> ServerMessage | None:
        """The message, if it is one that we read. One that makes no sense changes nothing; a flood of them ends it."""
        try:
            message = parse(data)
        except Malformed as malformed:
            self._malformed += 1
            if self._malformed >= MAX_MALFORMED:
                self._finish(End(Trouble.LOST, f"{self._malformed} messages in a row made no sense: {malformed}"))
            return None
        self._malformed = 0
        if isinstance(message, ErrorSaid):
            return structs.replace(message, text=self._clean(message.text))
        if isinstance(message, ResponseDone) and message.detail:
            return structs.replace(message, detail=self._clean(message.detail))
        return message

    def _finish(self, end: End) -> None:
        """The first reason counts."""
        if self._end is None:
            self._end = end

    def _closed(self, *, asked: bool) -> SessionClosed:
        seen = self._socket.close_code if self._socket is not None else None
        if asked:
            return SessionClosed(self._number, None, seen or _NORMAL, "closed")
        end = self._end or End(Trouble.LOST, "abandoned", _ABNORMAL)
        return SessionClosed(self._number, end.trouble, end.code or seen or _ABNORMAL, self._clean(end.detail))

    def _clean(self, text: str) -> str:
        """Without the key, of which a server may quote the half."""
        return _KEYS.sub("***", text.replace(self._endpoint.secret, "***"))[:MAX_DETAIL]


class _Dial(connect):
    """Follows no redirect: it would carry the `api-key` header to another host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def _shut(socket: ClientConnection) -> None:
    """The closing handshake, for as long as it may take; then the transport is cut."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close(_NORMAL)
    except TimeoutError:
        pass  # cut below, like a socket that closed well
    finally:
        socket.transport.abort()


def _refusal(refused: InvalidStatus) -> End:
    """A handshake that was answered, but not with an upgrade."""
    status = refused.response.status_code
    error = parse_refusal(bytes(refused.response.body or b""))
    detail = f"HTTP {status} {error.code} {error.text}".strip()
    if {error.code, error.type} & FATAL:
        return End(Trouble.REFUSED, detail, status)  # 429 is also what an empty account gets
    return End(Trouble.BUSY if status in (408, 429) or status >= 500 else Trouble.REFUSED, detail, status)


def _objection(error: ErrorSaid) -> End:
    """An error before the session stood: the configuration is wrong, unless the server has troubles of its own."""
    busy = error.type == "server_error" or "rate_limit" in error.code or "rate_limit" in error.type
    return End(Trouble.BUSY if busy else Trouble.REFUSED, f"{error.name}: {error.text}")


def _loss(closed: ConnectionClosed) -> End:
    """An end that nobody asked for is a loss, whatever its code: 1000 and 1001 come from servers going away, too."""
    code = closed.rcvd.code if closed.rcvd is not None else _ABNORMAL
    reason = closed.rcvd.reason if closed.rcvd is not None else ""
    return End(Trouble.LOST, f"the connection ended ({code}) {reason}".strip(), code)


def _expires_in(socket: ClientConnection, expires_at: float | None) -> float | None:
    """Seconds left, by the server's own clock, which its handshake told: ours may be wrong. None: it does not say."""
    date = socket.response.headers.get("Date") if socket.response is not None else None
    if expires_at is None or date is None:
        return None
    try:
        told = parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
    return expires_at - told if expires_at > told else None
