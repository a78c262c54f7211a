"""A Gemini Live server on 127.0.0.1 that a test plays by hand, strict about what it is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.server import ServerConnection

from outwait.sim import gemini_wire
from tests.contract.realtime_server import PATIENCE, RealtimeServer


class GeminiPeer:
    """The server's end of one session."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    async def hear(self, wanted: str) -> dict[str, Any]:
        """The next message, which must be of this kind; what is in it."""
        async with asyncio.timeout(PATIENCE):
            data = await self.socket.recv()
        kind, body = gemini_wire.read(data)
        assert kind == wanted, f"{kind} is no {wanted}: {body}"
        match kind:
            case "setup":
                gemini_wire.check_setup(body)
            case "clientContent":
                gemini_wire.check_turns(body)
            case "toolResponse":
                gemini_wire.check_answers(body)
            case _:
                gemini_wire.check_input(body)
        return body

    async def say(self, **message: Any) -> None:
        """One message, in a binary frame as the real ones are."""
        async with asyncio.timeout(PATIENCE):
            await self.socket.send(json.dumps(message).encode())

    async def content(self, **content: Any) -> None:
        await self.say(serverContent=content)

    async def set_up(self, *, history: bool = False) -> dict[str, Any]:
        """The opening; what was asked for. `history`: something was said before."""
        setup = await self.hear("setup")
        await self.say(setupComplete={})
        if history:
            await self.hear("clientContent")
        return setup

    def vanish(self) -> None:
        """Without a close frame."""
        self.socket.transport.abort()


class GeminiServer(RealtimeServer):
    """Listens while it is entered."""

    async def open(self, **fields: Any) -> GeminiPeer:  # type: ignore[override]
        peer = await self.next()
        await peer.set_up(**fields)
        return peer

    async def next(self) -> GeminiPeer:
        """The next connection, of which nothing has been heard."""
        async with asyncio.timeout(PATIENCE):
            peer: Any = await self._peers.get()
        return peer

    async def _handle(self, socket: ServerConnection) -> None:
        self._peers.put_nowait(GeminiPeer(socket))  # type: ignore[arg-type]
        await socket.wait_closed()
