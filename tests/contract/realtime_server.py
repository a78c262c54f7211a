"""A Realtime server on 127.0.0.1 that a test plays by hand, strict about what it is told.

Everything a client says must be an event of the SDK's types, without a field that they do not have; everything
that the test lets the server say in the current dialect must be one, too, unless it is sent raw. Voice Live and xAI
have SDKs of their own, or none: what they take is listed here.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any

from openai.types.beta.realtime import RealtimeClientEvent as BetaClientEvent
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from outwait.engines.openai.frames import Dialect

PATIENCE = 20.0  # s that a test waits for anything

_CLIENT: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
_BETA_CLIENT: TypeAdapter[Any] = TypeAdapter(BetaClientEvent)
_SERVER: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


class Peer:
    """The server's end of one session."""

    def __init__(self, socket: ServerConnection, dialect: Dialect) -> None:
        self.socket = socket
        self.dialect = dialect
        self.beta = dialect in FLAT
        self.heard: list[dict[str, Any]] = []
        self._events = 0

    async def hear(self, wanted: str = "") -> dict[str, Any]:
        """The next message, which must be of this type."""
        async with asyncio.timeout(PATIENCE):
            data = await self.socket.recv()
        assert isinstance(data, str), "binary frames are no part of the protocol"
        message: dict[str, Any] = json.loads(data)
        check_client(message, self.dialect)
        self.heard.append(message)
        if wanted:
            assert message["type"] == wanted, f"{message} is no {wanted}"
        return message

    async def hear_nothing_before(self, marker: str) -> list[str]:
        """The types of all that comes up to a message of type `marker`."""
        types = []
        while (message := await self.hear())["type"] != marker:
            types.append(message["type"])
        return types

    async def say(self, type_: str, **fields: Any) -> None:
        """One event."""
        self._events += 1
        message = {"type": type_, "event_id": f"ev_{self._events}", **fields}
        if self.dialect is Dialect.GA and not self.beta:
            event = _SERVER.validate_python(message)
            assert event.type == type_
        await self.raw(json.dumps(message))

    async def raw(self, data: str | bytes) -> None:
        """Anything."""
        async with asyncio.timeout(PATIENCE):
            await self.socket.send(data)

    async def configure(self, *, expires_at: int | None = None) -> dict[str, Any]:
        """The opening, up to session.updated; the session that was asked for."""
        session: dict[str, Any] = {"type": "realtime", "model": "m"}
        if expires_at is not None:
            session["expires_at"] = expires_at
        await self.say("session.created", session=session)
        wanted: dict[str, Any] = (await self.hear("session.update"))["session"]
        await self.say("session.updated", session=session)
        return wanted

    async def begin(self, response: str, metadata: dict[str, str] | None = None) -> None:
        await self.say("response.created", response={"id": response, "status": "in_progress", "metadata": metadata})

    async def speak(self, response: str, ulaw: bytes, item: str = "item_1") -> None:
        name = "response.audio.delta" if self.beta else "response.output_audio.delta"
        await self.say(name, delta=b64encode(ulaw).decode(), **_place(response, item))

    async def write(self, response: str, text: str, item: str = "item_1") -> None:
        name = "response.audio_transcript.delta" if self.beta else "response.output_audio_transcript.delta"
        await self.say(name, delta=text, **_place(response, item))

    async def finish(self, response: str, status: str = "completed", **fields: Any) -> None:
        usage = {
            "total_tokens": 30,
            "input_tokens": 20,
            "output_tokens": 10,
            "input_token_details": {"text_tokens": 15, "audio_tokens": 5, "cached_tokens": 0},
            "output_token_details": {"text_tokens": 4, "audio_tokens": 6},
        }
        body = {"id": response, "object": "realtime.response", "status": status, "output": [], "usage": usage, **fields}
        await self.say("response.done", response=body)

    async def complain(
        self, code: str, message: str = "no", type_: str = "invalid_request_error", **fields: Any
    ) -> None:
        await self.say("error", error={"type": type_, "code": code, "message": message, "param": None, **fields})

    async def gone(self) -> int:
        """Wait for the client's end; its close code."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await self.socket.recv()
                except ConnectionClosed as closed:
                    return closed.rcvd.code if closed.rcvd is not None else 1006

    def vanish(self) -> None:
        """Without a close frame."""
        self.socket.transport.abort()


class RealtimeServer:
    """Listens while it is entered."""

    def __init__(self, dialect: Dialect = Dialect.GA) -> None:
        self.dialect = dialect
        self.beta = dialect in FLAT
        self.refuse: tuple[HTTPStatus, bytes] | None = None  # answers handshakes so
        self.redirect = ""  # or so
        self.date: str | None = ""  # of its answer to a handshake; empty: the real one
        self.deaf = False  # accepts connections, answers no handshake
        self.requests: list[Request] = []
        self.asked = asyncio.Event()  # there has been a handshake
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()
        self._server: Server | None = None
        self._leave = asyncio.Event()

    @property
    def url(self) -> str:
        """http://127.0.0.1:port"""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def accept(self) -> Peer:
        async with asyncio.timeout(PATIENCE):
            return await self._peers.get()

    async def open(self, **fields: Any) -> Peer:
        """The next session, configured."""
        peer = await self.accept()
        await peer.configure(**fields)
        return peer

    async def __aenter__(self) -> RealtimeServer:
        self._server = await serve(
            self._handle,
            "127.0.0.1",
            0,
            process_request=self._answer,
            process_response=self._dated,
            compression=None,
            close_timeout=1,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._leave.set()
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        self.asked.set()
        if self.deaf:
            await self._leave.wait()
        if self.redirect:
            response = connection.respond(HTTPStatus.TEMPORARY_REDIRECT, "")
            response.headers["Location"] = self.redirect
            return response
        if self.refuse is not None:
            status, body = self.refuse
            return connection.respond(status, body.decode())
        return None

    def _dated(self, connection: ServerConnection, request: Request, response: Response) -> None:
        if self.date != "":
            del response.headers["Date"]
            if self.date is not None:
                response.headers["Date"] = self.date

    async def _handle(self, socket: ServerConnection) -> None:
        self._peers.put_nowait(Peer(socket, self.dialect))
        await socket.wait_closed()


def check_client(message: dict[str, Any], dialect: Dialect) -> None:
    """A client's message is what the vendor's types know, and what the real servers are known to insist on."""
    kind = message["type"]
    if dialect in FIELDS:
        known = FIELDS[dialect]
        assert kind in known, f"{kind} is no event of {dialect}"
        inner, fields = known[kind]
        assert message.keys() <= {"type", "event_id", *([inner] if inner else fields)}, message.keys()
        if inner and inner in message:
            assert not (extra := message[inner].keys() - fields), f"{kind}: unknown fields {extra}"
    else:
        event = (_BETA_CLIENT if dialect is Dialect.BETA else _CLIENT).validate_python(message)
        assert event.type == kind
        assert not (extra := sorted(_extra(event))), f"{kind}: unknown fields {extra}"
    rule = _RULES.get(kind)
    if rule is not None:
        rule(message, dialect)


def _extra(value: object, path: str = "") -> list[str]:
    found: list[str] = []
    if isinstance(value, BaseModel):
        found += [f"{path}.{name}" for name in value.model_extra or {}]
        for name in type(value).model_fields:
            found += _extra(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            found += _extra(part, path)
    return found


def _session(message: dict[str, Any], dialect: Dialect) -> None:
    session = message["session"]
    if dialect in FLAT:
        assert "type" not in session
        assert session["modalities"] == ["audio", "text"]
        assert session["input_audio_format"] == session["output_audio_format"] == "g711_ulaw"
        assert session.get("input_audio_sampling_rate") == (8000 if dialect is Dialect.VOICE_LIVE else None)
        turns = session["turn_detection"]
    else:
        assert session["audio"]["input"]["format"] == session["audio"]["output"]["format"] == {"type": "audio/pcmu"}
        if dialect is Dialect.XAI:
            turns = session["turn_detection"]
            assert set(session["audio"]["input"]) <= {"format", "transcription", "transport"}
            assert set(session["audio"]["output"]) <= {"format", "speed", "transport"}
        else:
            assert session["type"] == "realtime"
            assert session["output_modalities"] == ["audio"]
            turns = session["audio"]["input"]["turn_detection"]
    if dialect is not Dialect.XAI:
        assert turns["create_response"] is turns["interrupt_response"] is True
    assert "idle_timeout_ms" not in turns


def _item(message: dict[str, Any], dialect: Dialect) -> None:
    item = message["item"]
    assert len(item.get("id", "")) <= 32
    assert len(item.get("call_id", "")) <= 32
    if item["type"] == "message":
        part = {"assistant": "text" if dialect in FLAT else "output_text"}.get(item["role"], "input_text")
        assert [content["type"] for content in item["content"]] == [part]
        assert all(content["text"] for content in item["content"])


def _response(message: dict[str, Any], dialect: Dialect) -> None:
    response = message.get("response", {})
    if dialect is Dialect.GA:
        assert response.get("output_modalities") in (None, ["audio"])
    else:
        assert sorted(response.get("modalities") or ["audio", "text"]) == ["audio", "text"]


FLAT = frozenset({Dialect.BETA, Dialect.VOICE_LIVE})
"""Dialects with a flat session and the previews' names of events."""

_ITEM = {"id", "type", "role", "content", "call_id", "name", "arguments", "output", "status"}
_COMMON: dict[str, tuple[str, set[str]]] = {
    "input_audio_buffer.append": ("", {"audio"}),
    "input_audio_buffer.commit": ("", set()),
    "input_audio_buffer.clear": ("", set()),
    "conversation.item.create": ("item", _ITEM),
    "conversation.item.truncate": ("", {"item_id", "content_index", "audio_end_ms"}),
    "conversation.item.delete": ("", {"item_id"}),
}
FIELDS: dict[Dialect, dict[str, tuple[str, set[str]]]] = {
    # azure-ai-voicelive 1.3.1: RequestSession, ResponseCreateParams
    Dialect.VOICE_LIVE: _COMMON
    | {
        "session.update": (
            "session",
            {
                *("model", "modalities", "animation", "voice", "instructions", "input_audio_sampling_rate"),
                *("input_audio_format", "output_audio_format", "turn_detection", "input_audio_noise_reduction"),
                *("input_audio_echo_cancellation", "avatar", "input_audio_transcription", "tools", "tool_choice"),
                *("output_audio_timestamp_types", "parallel_tool_calls", "temperature", "max_response_output_tokens"),
                *("reasoning_effort", "interim_response", "include", "metadata"),
            },
        ),
        "response.create": (
            "response",
            {
                *("commit", "cancel_previous", "append_input_items", "input_items", "modalities", "instructions"),
                *("voice", "output_audio_format", "tools", "tool_choice", "temperature", "max_output_tokens"),
                *("pre_generated_assistant_message", "reasoning_effort", "metadata", "interim_response"),
                "invoke_input",
            },
        ),
        "response.cancel": ("", {"response_id"}),
    },
    # As pipecat 1.14.0 and livekit 1.8.9 speak it
    Dialect.XAI: _COMMON
    | {
        "session.update": (
            "session",
            {"instructions", "voice", "turn_detection", "audio", "tools", "reasoning", "resumption", "replace"},
        ),
        "response.create": ("response", {"modalities", "instructions", "metadata"}),
        "response.cancel": ("", {"response_id"}),
    },
}
"""Type of event -> the object inside it, if it has one, and the fields of that or of itself."""

_RULES: dict[str, Callable[[dict[str, Any], Dialect], None]] = {
    "session.update": _session,
    "conversation.item.create": _item,
    "response.create": _response,
}


def _place(response: str, item: str) -> dict[str, Any]:
    return {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
