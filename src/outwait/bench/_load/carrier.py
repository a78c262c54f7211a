"""A carrier whose calls are always answered and never end."""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

import httpx2
import msgspec

from outwait.bench._load.pace import FRAME, FRAME_SECONDS, Delays, Pacer, clock
from outwait.bench._load.wire import PING, Wire
from outwait.carriers.twilio import signature

ACCOUNT: Final = "AC" + "0" * 32
AUTH_TOKEN: Final = "bench"
ANSWER_SECONDS: Final = 60.0  # wall s that the server may take for a webhook
PROBE_SECONDS: Final = 4.0  # wall s between two probes of one media socket


class Line(Wire):
    """One media stream: the person's side of a call."""

    def __init__(self, carrier: Carrier, head: bytes, call_sid: str, parameters: dict[str, str]) -> None:
        super().__init__(client=True)
        self._carrier = carrier
        self._head = head
        self._call_sid = call_sid
        self._parameters = parameters
        self._sid = b"MZ" + secrets.token_hex(16).encode()
        self._tail = b'"},"streamSid":"' + self._sid + b'"}'
        self._sent = 0  # frames
        self._place = secrets.randbelow(len(carrier.sound))
        self._play_until = 0.0  # on `clock`
        self._marks: deque[tuple[float, bytes]] = deque()
        self._probe_at = clock() + PROBE_SECONDS * secrets.randbelow(1000) / 1000
        self.played = 0  # frames received

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        cast(asyncio.Transport, transport).write(self._head)

    def opened(self, head: bytes) -> None:
        self.send(b'{"event":"connected","protocol":"Call","version":"1.0.0"}')
        start = {
            "event": "start",
            "sequenceNumber": "1",
            "start": {
                "accountSid": ACCOUNT,
                "streamSid": self._sid.decode(),
                "callSid": self._call_sid,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": self._parameters,
            },
            "streamSid": self._sid.decode(),
        }
        self.send(msgspec.json.encode(start))
        self._carrier.lines.append(self)
        self._carrier.pacer.add(self._tick)

    def text(self, data: bytes, now: float) -> None:
        if data.find(b'"media"', 0, 40) > 0:
            start = data.index(b'"', data.index(b'"payload"') + 9) + 1
            payload = data[start : data.index(b'"', start)]
            frames = max(1, len(payload) * 3 // 4 // FRAME)
            self.played += frames
            self._play_until = max(now, self._play_until) + frames * FRAME_SECONDS
            self._carrier.said.took(payload, now)
        elif data.find(b'"mark"', 0, 40) > 0:
            start = data.index(b'"', data.index(b'"name"') + 6) + 1
            self._marks.append((max(now, self._play_until), data[start : data.index(b'"', start)]))
        elif data.find(b'"clear"', 0, 40) > 0:
            self._play_until = now

    def pong(self, data: bytes, now: float) -> None:
        self._carrier.probed(now - float(data))

    def _tick(self, now: float) -> bool:
        """The next 20 ms of the line."""
        carrier = self._carrier
        number = self._sent
        self._sent += 1
        payload = carrier.sound[(self._place + number) % len(carrier.sound)]
        if carrier.numbered:
            payload = carrier.heard.mark(payload, now)
        self.send(
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d",'
            b'"payload":"' % (number + 2, number + 1, number * 20) + payload + self._tail
        )
        while self._marks and self._marks[0][0] <= now:
            name = self._marks.popleft()[1]
            self.send(
                b'{"event":"mark","sequenceNumber":"%d","mark":{"name":"%s"},"streamSid":"%s"}'
                % (number, name, self._sid)
            )
        if now >= self._probe_at:
            self._probe_at = now + PROBE_SECONDS
            self.send(repr(now).encode(), PING)
        return self._open


@dataclass
class Carrier:
    """Twilio on loopback, for calls that are always answered and never end."""

    pacer: Pacer
    sound: list[bytes]
    """what the far end of every call carries, base64 of 20 ms each, in a loop"""
    numbered: bool
    """whether frames bear numbers, which cost them a click each"""
    heard: Delays
    said: Delays
    lines: list[Line] = field(default_factory=list)
    probes: list[float] = field(default_factory=list)
    """seconds from a ping on a media socket to its pong, while `watching`"""
    watching: bool = False
    port: int = 0
    _client: httpx2.AsyncClient | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def probed(self, seconds: float) -> None:
        if self.watching:
            self.probes.append(seconds)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listening for as long as the context lasts."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=ANSWER_SECONDS) as self._client:
                yield
        finally:
            server.close()
            for line in self.lines:
                line.abort()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stream(self, url: str, call_sid: str, parameters: dict[str, str]) -> None:
        """Open a media stream."""
        parts = urlsplit(url)
        head = (
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}\r\n"
            f"Sec-WebSocket-Version: 13\r\nX-Twilio-Signature: {signature.sign(AUTH_TOKEN, url)}\r\n\r\n"
        ).encode()

        def make() -> Line:
            return Line(self, head, call_sid, parameters)

        await asyncio.get_running_loop().create_connection(make, parts.hostname or "", parts.port or 80)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """REST, as far as a call needs it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = re.search(rb"(?im)^content-length:\s*(\d+)", head)
                body = await reader.readexactly(int(size[1])) if size else b""
                method, path = head.split(b" ", 2)[:2]
                status, answer = self._answer(method.decode(), path.decode(), dict(parse_qsl(body.decode())))
                content = msgspec.json.encode(answer)
                kind = "Content-Type: application/json"
                writer.write(
                    f"HTTP/1.1 {status}\r\n{kind}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content
                )
        writer.close()

    def _answer(self, method: str, path: str, form: dict[str, str]) -> tuple[str, dict[str, Any]]:
        if method == "POST" and path.endswith("/Calls.json"):
            sid = "CA" + secrets.token_hex(16)
            task = asyncio.create_task(self._connect(sid, form["Url"]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return "201 Created", {"sid": sid, "status": "queued"}
        status = form.get("Status", "in-progress")
        return "200 OK", {"sid": path.rpartition("/")[2].removesuffix(".json"), "status": status}

    async def _connect(self, sid: str, url: str) -> None:
        """The person picks up: ask what to do, and do it."""
        assert self._client is not None
        form = {"CallSid": sid, "CallStatus": "in-progress"}
        signed = signature.sign(AUTH_TOKEN, url, form.items())
        answer = await self._client.post(url, data=form, headers={"X-Twilio-Signature": signed})
        answer.raise_for_status()
        stream = re.search(r'<Stream url="([^"]+)"', answer.text)
        if stream is None:  # the call has ended meanwhile
            return
        parameters = dict(re.findall(r'<Parameter name="([^"]+)" value="([^"]+)"', answer.text))
        await self.stream(stream[1], sid, parameters)
