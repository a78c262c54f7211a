"""The socket of a Gemini Live session: how it is set up, with the memory of an earlier one or without."""

from __future__ import annotations

import asyncio
import contextlib

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from outwait.call.events import SessionComplained, SessionOpened, Trouble
from outwait.engines.ends import End, refusal
from outwait.engines.gemini import frames
from outwait.engines.gemini.dialogue import Dialogue
from outwait.engines.gemini.messages import parse, parse_refusal
from outwait.engines.opening import Opening
from outwait.engines.place import Place
from outwait.engines.seeds import recall
from outwait.engines.websocket import SocketSession, shut

SETTLE_SECONDS = 1.0  # wall s for the last bill and the last handle to come before we close

_INVALID, _POLICY, _INTERNAL = 1007, 1008, 1011  # close codes, as seen in the field
_BUSY_WORDS = ("quota", "exhausted", "unavailable", "overloaded")  # of a close reason; unverified


class GeminiSession(SocketSession):
    """One connection to a Gemini Live server. See `EngineSession` for what its methods promise."""

    def __init__(self, place: Place, model: str, voice: str, opening: Opening) -> None:
        super().__init__(opening, place)
        self._model, self._voice = model, voice
        self._instructions = opening.instructions
        self._tools = list(opening.tools)
        memory = recall(opening.seed)
        self._handle, self._seed, self._new = memory.handle, memory.words, memory.since
        self._ready = False
        self._hearing = False  # a message is being received
        self._settled = asyncio.Event()
        self._dialogue = Dialogue(
            opening.number,
            opening.instructions,
            opening.post,
            self._send,
            lambda seconds, wake: asyncio.get_running_loop().call_later(seconds, wake),
            self._depart,
            len(self._setup()) + sum(len(item.text) for item in self._seed),
        )

    # --- what may be asked of it: these only queue

    def send_audio(self, ulaw: bytes) -> None:
        if not self._over:
            self._dialogue.send_audio(ulaw)

    def commit_turn(self) -> None:
        if not self._over:
            self._dialogue.commit_turn()

    def ask_response(self, instructions: str, *, tools: bool) -> None:
        """The wire has no answers without tools: one that is called in a goodbye is not run."""
        if not self._over:
            self._dialogue.ask_response(instructions)

    def cancel_response(self) -> None:
        if not self._over:
            self._dialogue.cancel_response()

    def truncate_item(self, item: str, heard_ms: int) -> None:
        """The server cuts by itself, at what it thinks was heard."""

    def answer_tool(self, call_id: str, output: str) -> None:
        if not self._over:
            self._dialogue.answer_tool(call_id, output)

    def make_phrase(self, phrase: str, text: str) -> None:
        if not self._over:
            self._dialogue.make_phrase(phrase)

    # --- the wire

    async def _configure(self, socket: ClientConnection) -> None:
        if self._handle:
            with contextlib.suppress(ConnectionClosed):
                await self._set_up(socket)
            if not self._ready:  # it does not remember: it is told everything, like any new one
                self._end = None
                self._post(SessionComplained(self._number, "memory_refused", "the server no longer has the session"))
                socket.transport.abort()
                self._socket = socket = await self._dial(self._place)
                self._handle = ""
        if not self._ready:
            await self._set_up(socket)
        if not self._ready:
            return
        turns = frames.history(self._new if self._handle else self._seed)
        if turns:
            # As initial history it has to be complete, and is not answered. Into a resumed session it is put without
            # asking for an answer (unverified)
            await socket.send(frames.content(turns, complete=not self._handle))
        self._post(SessionOpened(self._number))

    def _setup(self) -> str:
        history = bool(self._seed) and not self._handle
        return frames.setup(
            self._model, self._voice, self._instructions, self._tools, handle=self._handle, history=history
        )

    async def _set_up(self, socket: ClientConnection) -> None:
        await socket.send(self._setup())
        while self._end is None and not self._ready:
            self._take(await socket.recv(decode=self.decode), self._hear_setup)

    def _hear_setup(self, data: bytes | str) -> None:
        message = parse(data)
        self._ready = self._ready or message.ready
        if message.error:
            self._finish(End(Trouble.REFUSED, self._place.clean(message.error)))

    def _hear(self, data: bytes | str) -> None:
        message = parse(data)
        self._hearing = True
        self._dialogue.receive(message)
        self._hearing = False
        if not self._dialogue.owes:
            self._settled.set()

    def _depart(self, end: End) -> None:
        """The dialogue ends the session, perhaps while nothing is read."""
        self._finish(end)
        if self._socket is not None and not self._hearing:
            self._socket.transport.abort()  # the reader sees it

    async def _leave(self, socket: ClientConnection) -> None:
        """The last bill may be on its way, and the handle of what was said last; waiting costs nothing."""
        if self._dialogue.owes:
            self._settled.clear()
            try:
                async with asyncio.timeout(SETTLE_SECONDS):
                    await self._settled.wait()
            except TimeoutError:
                pass  # the bill is estimated, the memory an earlier one
        await shut(socket)

    def _loss(self, code: int, reason: str) -> End:
        words = f"the connection ended ({code}) {reason}".strip()
        if self._dialogue.leaving:
            return End(Trouble.EXPIRED, words, code)
        if any(word in reason.lower() for word in _BUSY_WORDS):
            return End(Trouble.BUSY, words, code)
        if code in (_INVALID, _POLICY) and not self._ready:
            return End(Trouble.REFUSED, words, code)  # a wrong key, too, is told by a close after the handshake
        return End(Trouble.LOST, words, code)

    def _refusal(self, status: int, body: bytes) -> End:
        return refusal(status, parse_refusal(body))

    def _last(self, *, asked: bool) -> None:
        self._dialogue.end(asked=asked)
