"""The media socket: a raw ASGI application, the one place of the web layer that runs fifty times a second a call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog

from outwait.call.events import Heard, KeyHeard, Marked, StreamLost, StreamStopped
from outwait.carriers.twilio import signature
from outwait.carriers.twilio.messages import (
    BadMessage,
    Dtmf,
    Inbound,
    Mark,
    Media,
    Start,
    Stop,
    Unknown,
    parse,
    seconds,
)
from outwait.carriers.twilio.stream import TwilioStream
from outwait.carriers.twilio.urls import Urls
from outwait.house.desk import Desk, Inbox
from outwait.store.base import StoreError
from outwait.web.metrics import Metrics
from outwait.web.socket import MEDIA, Extension

log = structlog.get_logger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

START_SECONDS = 10.0  # wall s from the upgrade to `start`
STOP_SECONDS = 1.5  # wall s from `stop` until our side closes, if the carrier has not
MAX_STRIKES = 50  # bad messages within STRIKE_SECONDS that end the socket
STRIKE_SECONDS = 10.0  # wall s

NORMAL, POLICY, UNSUPPORTED, FAILED, ABNORMAL = 1000, 1008, 1003, 1011, 1006  # WebSocket close codes


class MediaSocket:
    """ASGI application for `/twilio/media`."""

    def __init__(self, desk: Desk, urls: Urls, auth_token: str, metrics: Metrics) -> None:
        self._desk = desk
        self._urls = urls
        self._auth_token = auth_token
        self._metrics = metrics

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One connection, from its upgrade to its end."""
        if (await receive())["type"] != "websocket.connect":
            return
        given = next((value for name, value in scope["headers"] if name == b"x-twilio-signature"), b"")
        if not signature.verify_upgrade(self._auth_token, self._urls.media, given.decode("latin-1")):
            self._metrics.unsigned.inc()
            log.warning("media socket refused: its signature is absent or wrong")
            await refuse(scope, send, HTTPStatus.FORBIDDEN)
            return
        await send({"type": "websocket.accept"})
        with self._metrics.streams.track_inprogress():
            await _Connection(self._desk, self._metrics, scope, receive, send).run()


async def refuse(scope: Message, send: Send, status: HTTPStatus) -> None:
    """Answer an upgrade with an error instead of a socket."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": POLICY})
        return
    body = msgspec.json.encode({"error": {"code": status.name.lower(), "message": status.phrase}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "websocket.http.response.start", "status": int(status), "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


class _Gone(Exception):
    """The socket is closed."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Strikes(Exception):
    """Too many bad messages at once."""


class _Connection:
    """One accepted media socket."""

    def __init__(self, desk: Desk, metrics: Metrics, scope: Message, receive: Receive, send: Send) -> None:
        self._desk = desk
        self._metrics = metrics
        self._receive = receive
        self._send = send
        beyond: Extension = scope.get("extensions", {}).get(MEDIA) or _PLAIN
        self._abort, self._write = beyond["abort"], beyond["write"]
        beyond["batch"]()
        self._ahead: Sequence[str | bytes] = ()  # came with `start`, behind it
        self._strikes = 0
        self._strikes_since = 0.0
        self._reading: asyncio.Timeout | None = None  # bounds the reader, once there is a reason to

    async def run(self) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                start = await self._wait_for_start()
        except TimeoutError:
            log.warning("media socket closed: no start message in time")
            await self._close(POLICY)
            return
        except _Strikes:
            await self._close(POLICY)
            return
        except _Gone:
            return
        if not start.start.media_format.is_ulaw:
            # Another codec would be noise to everyone who listens, so better no call than that one.
            shown = msgspec.structs.asdict(start.start.media_format)
            log.error("media socket closed: only audio/x-mulaw, 8000 Hz, mono is spoken here", **shown)
            await self._close(UNSUPPORTED)
            return
        await self._attach(start)

    async def _attach(self, start: Start) -> None:
        token = start.start.custom_parameters.get("token", "")

        try:
            attached = await self._desk.attach(
                token, start.start.call_sid, lambda number: self._stream(number, start.stream_sid)
            )
        except StoreError as error:
            log.error("media socket closed: its token can't be checked", error=str(error))
            await self._close(FAILED)
            return
        if attached is None:
            self._metrics.bad_tokens.inc()
            log.warning("media socket closed: its token is absent, wrong or spent")
            await self._close(POLICY)
            return
        stream, inbox = attached
        assert isinstance(stream, TwilioStream)
        await self._listen(stream, inbox, start.stream_sid)

    async def _listen(self, stream: TwilioStream, inbox: Inbox, sid: str) -> None:
        code = ABNORMAL
        try:
            async with asyncio.timeout(None) as self._reading:
                await self._read(stream.number, inbox, sid)
        except _Gone as gone:
            code = gone.code
        except _Strikes:
            code = POLICY
            log.warning("media socket closed: too many bad messages", stream=stream.number)
            await stream.close(POLICY)
        except TimeoutError:
            await stream.close(NORMAL)  # after `stop`; otherwise it is over already
            code = stream.closed_with or ABNORMAL
        finally:
            stream.ended()
            inbox.post(StreamLost(stream.number, code))

    async def _read(self, number: int, inbox: Inbox, sid: str) -> None:
        """Until the socket or our patience ends. Nothing in here logs, and only a carrier ahead of time waits."""
        receive, post, room = self._receive, inbox.post, inbox.room
        texts = self._ahead
        while True:
            for text in texts:
                try:
                    event = parse(text)
                    if type(event) is Media:
                        if event.stream_sid != sid:
                            raise BadMessage("another stream's")
                        if event.media.track == "inbound" and event.media.payload:
                            post(Heard(number, seconds(event), event.media.payload))
                            await room()
                        continue
                    self._rare(event, number, inbox, sid)
                except BadMessage:
                    self._strike()
            await inbox.rest()
            message = await receive()
            if message["type"] != "websocket.receive":
                raise _gone(message)
            texts = _texts(message)

    def _rare(self, event: Inbound | Unknown, number: int, inbox: Inbox, sid: str) -> None:
        match event:
            case Unknown():
                self._metrics.unknown_frames.inc()
            case Mark(stream_sid=of) if of == sid:
                inbox.post(Marked(number, event.mark.name))
            case Dtmf(stream_sid=of) if of == sid:
                inbox.post(KeyHeard(number, event.dtmf.digit))
            case Stop(stream_sid=of) if of == sid:
                inbox.post(StreamStopped(number))
                self._bound(STOP_SECONDS)
            case _:
                raise BadMessage("out of place")

    async def _wait_for_start(self) -> Start:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                raise _gone(message)
            texts = _texts(message)
            for number, text in enumerate(texts, 1):
                try:
                    event = parse(text)
                except BadMessage:
                    self._strike()
                    continue
                if isinstance(event, Start):
                    self._ahead = texts[number:]
                    return event

    def _strike(self) -> None:
        """Count a bad message. A rare one is ignored for ever, a flood of them ends the socket."""
        self._metrics.bad_frames.inc()
        now = asyncio.get_running_loop().time()
        if now - self._strikes_since > STRIKE_SECONDS:
            self._strikes, self._strikes_since = 0, now
        self._strikes += 1
        if self._strikes >= MAX_STRIKES:
            raise _Strikes

    async def _close(self, code: int) -> None:
        """Before there is a stream."""
        await self._stream(0, "").close(code)

    def _stream(self, number: int, sid: str) -> TwilioStream:
        return TwilioStream(
            number, sid, self._send, self._write, stop_reading=lambda: self._bound(0.0), abort=self._abort
        )

    def _bound(self, patience: float) -> None:
        """The reader gets so many more seconds."""
        if self._reading is None:
            return
        until = asyncio.get_running_loop().time() + patience
        before = self._reading.when()
        if not self._reading.expired() and (before is None or until < before):
            self._reading.reschedule(until)


def _texts(message: Message) -> Sequence[str | bytes]:
    texts: Sequence[bytes] | None = message.get("texts")
    return (message.get("text") or b"",) if texts is None else texts


# Another server than ours gives no way to cut a connection, and what it does with a silent peer is its own affair.
_PLAIN: Extension = {"abort": lambda: None, "batch": lambda: None, "write": lambda text: False}


def _gone(message: Message) -> _Gone:
    """1005 is how a server words a connection that ended without a close code."""
    code = message.get("code") or ABNORMAL
    return _Gone(ABNORMAL if code == 1005 else code)
