"""The socket of a Live session: what starts it, what its messages mean, how it is closed so that its bill comes."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from urllib.parse import quote

from msgspec import structs
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from outwait.call.events import MemoryKept, SessionComplained, SessionOpened, Trouble
from outwait.engines.ends import End, refusal
from outwait.engines.live import frames
from outwait.engines.live.duplex import Duplex
from outwait.engines.live.frames import Manner
from outwait.engines.live.messages import BackendEnded, Closed, ServerMessage, Started, parse
from outwait.engines.openai.dialogue import FATAL, objection, verdict
from outwait.engines.openai.messages import ErrorSaid, parse_refusal
from outwait.engines.opening import Opening
from outwait.engines.place import Place
from outwait.engines.seeds import line, recall
from outwait.engines.websocket import SocketSession, seconds_left, shut
from outwait.engines.wire import Connection

FORGOTTEN = frozenset({400, 403, 404, 409, 410})
"""HTTP statuses of a server that does not go on from a stored session; which of them it is, is unverified."""

FINAL_SECONDS = 1.5  # s for the server to finalise the session; its own limit is 10, and every second may be billed


@dataclass(frozen=True, slots=True)
class Door:
    """Where a session is started. No query: the model goes into the first message."""

    name: str  # of the engine
    vendor: str  # whose price list
    model: str  # that is asked for; on Azure the name of its deployment
    place: Place


class LiveSession(SocketSession):
    """One connection to a Live server. See `EngineSession` for what its methods promise."""

    def __init__(self, door: Door, manner: Manner, opening: Opening) -> None:
        super().__init__(opening, door.place)
        memory = recall(opening.seed)
        self._stores = manner.store
        self._fork = memory.handle if manner.store else ""  # the session that is gone on from
        self._since = memory.since  # what that one does not know
        self._start = frames.start(door.model, manner, opening.instructions, memory.words, opening.tools, "start")
        self._id = ""  # the server's own
        self._expires_at: float | None = None  # s since 1970, by the server's clock
        self._standing = False
        self._finalised = asyncio.Event()
        self._duplex = Duplex(
            opening.number,
            opening.instructions,
            opening.post,
            self._send,
            lambda seconds, wake: asyncio.get_running_loop().call_later(seconds, wake),
            self._fail,
        )

    # --- what may be asked of it: these only queue

    def send_audio(self, ulaw: bytes) -> None:
        self._send(frames.append(ulaw))
        if not self._over:
            self._duplex.fed(ulaw)

    def commit_turn(self) -> None:
        """The wire has no such wish: the model decides when it answers."""

    def ask_response(self, instructions: str, *, tools: bool) -> None:
        if not self._over:
            self._duplex.ask_response(instructions)

    def cancel_response(self) -> None:
        if not self._over:
            self._duplex.cancel_response()

    def truncate_item(self, item: str, heard_ms: int) -> None:
        if not self._over:
            self._duplex.truncate_item(item, heard_ms)

    def answer_tool(self, call_id: str, output: str) -> None:
        if not self._over:
            self._duplex.answer_tool(call_id, output)

    def make_phrase(self, phrase: str, text: str) -> None:
        """The wire can't speak outside the conversation."""

    # --- the wire

    async def _dial(self, place: Place) -> Connection:
        if self._fork:
            try:
                return await super()._dial(replace(place, url=f"{place.url}/{quote(self._fork, safe='')}/fork"))
            except InvalidStatus as refused:
                if refused.response.status_code not in FORGOTTEN:
                    raise
                self._forget()
        return await super()._dial(place)

    async def _configure(self, socket: ClientConnection) -> None:
        forked = bool(self._fork)
        if forked:
            with contextlib.suppress(ConnectionClosed):
                await self._begin(socket, frames.fork("start"))
            if not self._standing:
                self._end = None
                self._forget()
                socket.transport.abort()
                self._socket = socket = await self._dial(self._place)
        if not self._standing:
            await self._begin(socket, self._start)
            forked = False
        if self._standing:
            for number, item in enumerate(self._since if forked else ()):
                if note := line(item):
                    await socket.send(frames.keep_in_mind(note, f"since_{number}"))
            self._post(SessionOpened(self._number, seconds_left(socket, self._expires_at)))

    def _forget(self) -> None:
        """The server does not go on from that one: the new session is told everything."""
        self._fork = ""
        self._post(SessionComplained(self._number, "memory_refused", "the server does not go on from the last session"))

    async def _begin(self, socket: ClientConnection, start: str) -> None:
        await socket.send(start)
        started: list[Started] = []

        def hear(data: bytes | str) -> None:
            message = self._understand(data)
            if isinstance(message, Started):
                started.append(message)
            elif isinstance(message, ErrorSaid):
                self._finish(verdict(message) or objection(message))
            elif isinstance(message, Closed):
                self._finish(self._duplex.receive(message) or End(Trouble.LOST, "closed before it had started"))

        while self._end is None and not started:
            self._take(await socket.recv(decode=self.decode), hear)
        if started and self._end is None:
            self._standing = True
            self._id, self._expires_at = started[0].session, started[0].expires_at
            self._duplex.started(asyncio.get_running_loop().time())

    def _hear(self, data: bytes | str) -> None:
        message = self._understand(data)
        if message is None:
            return
        end = self._duplex.receive(message)
        if isinstance(message, Closed):
            self._finalised.set()
            if self._stores and self._id:
                self._post(MemoryKept(self._number, self._id))
        if end is not None and not self._close_asked.is_set():
            self._finish(end)

    def _understand(self, data: bytes | str) -> ServerMessage | None:
        """The message, if it is one that we read, with no key in it."""
        message = parse(data)
        if isinstance(message, ErrorSaid):
            return structs.replace(message, text=self._place.clean(message.text))
        if isinstance(message, BackendEnded) and message.detail:
            return structs.replace(message, detail=self._place.clean(message.detail))
        return message

    def _fail(self, end: End) -> None:
        if not self._close_asked.is_set() and self._socket is not None:
            self._finish(end)
            self._socket.transport.abort()  # the reader sees it

    async def _leave(self, socket: ClientConnection) -> None:
        """Ask for the end, and wait for the bill that comes with it."""
        if self._standing:
            try:
                async with asyncio.timeout(FINAL_SECONDS):
                    await socket.send(frames.close("close"))
                    await self._finalised.wait()
            except (TimeoutError, ConnectionClosed):
                pass  # what it has cost is estimated
        await shut(socket)

    def _refusal(self, status: int, body: bytes) -> End:
        error = parse_refusal(body)
        # 429 is also what an empty account gets
        return refusal(status, f"{error.code} {error.text}", fatal=bool({error.code, error.type} & FATAL))

    def _last(self, *, asked: bool) -> None:
        self._duplex.end(asked=asked, now=asyncio.get_running_loop().time())
