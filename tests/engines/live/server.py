"""A Live server on 127.0.0.1 that a test plays by hand, strict about what it is told.

Everything that either side says must be an event of the SDK's types, without a field that they do not have.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any

from openai.types.live.client_event import ClientEvent
from openai.types.live.server_event import ServerEvent
from pydantic import BaseModel, TypeAdapter
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.contract.realtime_server import PATIENCE, RealtimeServer

SILENCE = b"\xff" * 8000  # a second

_CLIENT: TypeAdapter[Any] = TypeAdapter(ClientEvent)
_SERVER: TypeAdapter[Any] = TypeAdapter(ServerEvent)


def server_event(type_: str, **fields: Any) -> str:
    """One event of the server, as the SDK knows it."""
    name = {} if type_ == "session.output_audio.delta" else {"event_id": "ev_1"}
    message = {"type": type_, **name, **fields}
    event = _SERVER.validate_python(message)
    assert event.type == type_
    assert not extra(event), f"{type_}: unknown fields {extra(event)}"
    return json.dumps(message)


def nested(event: dict[str, Any], delegation: str | None = "d1") -> str:
    """An event of the backend, wrapped."""
    return server_event("response.event", event=event, delegation_id=delegation)


def called(call_id: str, name: str, arguments: str, delegation: str | None = "d1", **fields: Any) -> str:
    """The backend calls a function."""
    item = {"type": "function_call", "status": "completed", "id": "fc1", "call_id": call_id, "name": name}
    item |= {"arguments": arguments} | fields
    return nested({"type": "response.output_item.done", "output_index": 0, "item": item}, delegation)


def resource(**fields: Any) -> dict[str, Any]:
    return {"id": "live_1", "model": "gpt-live-1", "status": "active", "expires_at": 1_800_000_000} | fields


def extra(value: object, path: str = "") -> list[str]:
    """Fields that the SDK's types do not have."""
    found: list[str] = []
    if isinstance(value, BaseModel):
        found += [f"{path}.{name}" for name in value.model_extra or {}]
        for name in type(value).model_fields:
            found += extra(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            found += extra(part, path)
    return found


def check_client(message: dict[str, Any]) -> None:
    """A client's message is what the SDK's types know, and what the documents insist on."""
    event = _CLIENT.validate_python(message)
    assert event.type == message["type"]
    assert not (unknown := extra(event)), f"{message['type']}: unknown fields {unknown}"
    if message["type"].endswith(".append") and "audio" not in message:
        assert "delegation_id" in message, "required, nullable"
        assert len(message["content"]) <= 500 * 4
    if message["type"] == "session.start":
        session = message["session"]
        assert session["audio"]["format"] == {"type": "audio/pcmu", "rate": 8000}
        assert len(session.get("input", [])) <= 128
        for said in session.get("input", []):
            assert len(said["content"]) == 1, "exactly one part"
            kind = "output_text" if said["role"] == "assistant" else "input_text"
            assert said["content"][0]["type"] == kind
            assert said["content"][0]["text"]


class LivePeer:
    """The server's end of one session."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.polite = True  # answers session.close by itself, as the real one does
        self.seconds = 0.0  # that it says the session has cost
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def listen(self) -> None:
        """Until the client is gone."""
        try:
            async for data in self.socket:
                assert isinstance(data, str), "binary frames are no part of the protocol"
                message = json.loads(data)
                check_client(message)
                self._heard.put_nowait(message)
                if message["type"] == "session.close" and self.polite:
                    await self.finalise("close_requested")
        except ConnectionClosed:
            pass

    async def hear(self, wanted: str) -> dict[str, Any]:
        """The next message that is no sound; it must be of this type."""
        async with asyncio.timeout(PATIENCE):
            while (message := await self._heard.get())["type"] == "session.input_audio.append":
                pass
        assert message["type"] == wanted, f"{message} is no {wanted}"
        return message

    async def say(self, type_: str, **fields: Any) -> None:
        await self.raw(server_event(type_, **fields))

    async def raw(self, data: str) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.socket.send(data)

    async def start(self, **fields: Any) -> dict[str, Any]:
        """The opening; what was asked for."""
        wanted: dict[str, Any] = (await self.hear("session.start"))["session"]
        await self.say("session.started", session=resource(**fields))
        return wanted

    async def sound(self, ulaw: bytes) -> None:
        await self.say("session.output_audio.delta", delta=b64encode(ulaw).decode())

    async def complain(self, code: str, type_: str = "invalid_request_error", **fields: Any) -> None:
        await self.say("error", error={"code": code, "type": type_, "message": "no", **fields})

    async def finalise(self, reason: str) -> None:
        await self.say("session.closed", reason=reason, session=resource(), usage={"seconds": self.seconds})
        await self.socket.close(1000)

    def vanish(self) -> None:
        """Without a close frame."""
        self.socket.transport.abort()


class LiveServer(RealtimeServer):
    """Listens while it is entered."""

    async def next(self) -> LivePeer:
        """The next connection, of which nothing has been heard."""
        async with asyncio.timeout(PATIENCE):
            peer: Any = await self._peers.get()
        return peer

    async def _handle(self, socket: ServerConnection) -> None:
        peer = LivePeer(socket)
        self._peers.put_nowait(peer)  # type: ignore[arg-type]
        await peer.listen()
