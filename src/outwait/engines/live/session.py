"""The socket of a Live session: what starts it, what its messages mean, how it is closed so that its bill comes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence

from msgspec import structs
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from outwait.call.commands import SeedItem
from outwait.call.events import AnyEvent, SessionOpened, Trouble
from outwait.engines.ends import End, refusal
from outwait.engines.live import frames
from outwait.engines.live.duplex import Duplex
from outwait.engines.live.frames import Manner
from outwait.engines.live.messages import BackendEnded, Closed, ServerMessage, Started, parse
from outwait.engines.openai.dialogue import FATAL, objection, verdict
from outwait.engines.openai.messages import ErrorSaid, parse_refusal
from outwait.engines.place import Place
from outwait.engines.websocket import CONNECT_SECONDS, SocketSession, seconds_left, shut

FINAL_SECONDS = 1.5  # s for the server to finalise the session; its own limit is 10, and every second may be billed


class LiveSession(SocketSession):
    """One connection to a Live server. See `EngineSession` for what its methods promise."""

    def __init__(
        self,
        number: int,
        place: Place,
        model: str,
        manner: Manner,
        instructions: str,
        seed: Sequence[SeedItem],
        tools: Sequence[Mapping[str, object]],
        post: Callable[[AnyEvent], None],
        *,
        connect_seconds: float = CONNECT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(number, place, post, connect_seconds=connect_seconds, tls=tls)
        self._start = frames.start(model, manner, instructions, seed, tools, "start")
        self._standing = False
        self._finalised = asyncio.Event()
        self._duplex = Duplex(
            number,
            instructions,
            post,
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

    async def _configure(self, socket: ClientConnection) -> None:
        await socket.send(self._start)
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
            self._duplex.started(asyncio.get_running_loop().time())
            self._post(SessionOpened(self._number, seconds_left(socket, started[0].expires_at)))

    def _hear(self, data: bytes | str) -> None:
        message = self._understand(data)
        if message is None:
            return
        end = self._duplex.receive(message)
        if isinstance(message, Closed):
            self._finalised.set()
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
