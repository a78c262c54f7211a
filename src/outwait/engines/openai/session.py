"""A session on the Realtime wire: what opens it, what its messages mean."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from msgspec import structs
from websockets.asyncio.client import ClientConnection

from outwait.call.events import SessionOpened, SessionUsed
from outwait.engines.ends import End, refusal
from outwait.engines.openai import frames
from outwait.engines.openai.dialogue import FATAL, Dialogue, objection, verdict
from outwait.engines.openai.endpoints import Endpoint
from outwait.engines.openai.frames import Manner
from outwait.engines.openai.messages import (
    ErrorSaid,
    ResponseDone,
    ServerMessage,
    SessionCreated,
    SessionUpdated,
    parse,
    parse_refusal,
)
from outwait.engines.opening import Opening
from outwait.engines.websocket import SocketSession, seconds_left

M = TypeVar("M", SessionCreated, SessionUpdated)


class RealtimeSession(SocketSession):
    """One connection to a Realtime server. See `EngineSession` for what its methods promise."""

    def __init__(self, endpoint: Endpoint, manner: Manner, opening: Opening) -> None:
        super().__init__(opening, endpoint)
        self._configuration = frames.session_update(
            endpoint.dialect, manner, opening.instructions, opening.tools, "configure", opening.seed
        )
        self._by_time = frames.FORMS[endpoint.dialect].by_time
        self._seeds = frames.seeds(endpoint.dialect, opening.number, opening.seed)
        self._dialogue = Dialogue(
            opening.number,
            endpoint.dialect,
            opening.post,
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

    # --- the wire

    async def _configure(self, socket: ClientConnection) -> None:
        """Created, update, updated, and then what was said before."""
        created = await self._expect(socket, SessionCreated)
        if created is None:
            return
        await socket.send(self._configuration)
        updated = await self._expect(socket, SessionUpdated)
        if updated is None:
            return
        for frame in self._seeds:
            await socket.send(frame)
        self._post(SessionOpened(self._number, seconds_left(socket, updated.expires_at or created.expires_at)))

    async def _expect(self, socket: ClientConnection, wanted: type[M]) -> M | None:
        found: list[M] = []

        def hear(data: bytes | str) -> None:
            message = self._understand(data)
            if isinstance(message, wanted):
                found.append(message)
            elif isinstance(message, ErrorSaid):
                self._finish(verdict(message) or objection(message))

        while self._end is None and not found:
            self._take(await socket.recv(decode=self.decode), hear)
        return found[0] if found and self._end is None else None

    def _hear(self, data: bytes | str) -> None:
        message = self._understand(data)
        end = self._dialogue.receive(message) if message is not None else None
        if end is not None:
            self._finish(end)

    def _understand(self, data: bytes | str) -> ServerMessage | None:
        """The message, if it is one that we read, with no key in it."""
        message = parse(data)
        if isinstance(message, ErrorSaid):
            return structs.replace(message, text=self._place.clean(message.text))
        if isinstance(message, ResponseDone) and message.detail:
            return structs.replace(message, detail=self._place.clean(message.detail))
        return message

    def _refusal(self, status: int, body: bytes) -> End:
        error = parse_refusal(body)
        # 429 is also what an empty account gets
        return refusal(status, f"{error.code} {error.text}", fatal=bool({error.code, error.type} & FATAL))

    def _last(self, *, asked: bool) -> None:
        self._dialogue.end(asked=asked)
        if self._by_time and self._lasted:
            self._post(SessionUsed(self._number, self._lasted, estimated=True))  # it never tells
