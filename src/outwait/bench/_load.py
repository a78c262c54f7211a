"""The load of the benchmarks: a carrier and a realtime model that cost little, so that the server's own cost shows.

Both sides of every call run in this process, on one clock. WebSockets are spoken by hand, a few microseconds a frame;
what is left out is judgement: this carrier and this model believe everything. `outwait.sim` is the strict world.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import heapq
import os
import re
import secrets
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

import httpx2
import msgspec

from outwait.carriers.twilio import signature
from outwait.errors import OutwaitError

FRAME: Final = 160  # bytes of mu-law in 20 ms
FRAME_SECONDS: Final = 0.02
ID_DIGITS: Final = 8  # base64 characters at the front of a payload that number it: six bytes of its sound
ACCOUNT: Final = "AC" + "0" * 32
AUTH_TOKEN: Final = "bench"
START_SECONDS: Final = 60.0  # wall s for a server to start, and for all calls to get where they should be
PLACE_SECONDS: Final = 0.1  # wall s between two calls that are placed
PROBE_SECONDS: Final = 4.0  # wall s between two probes of one media socket

clock = time.perf_counter

_HAS_PROC: Final = Path("/proc/self/stat").exists()

_MASKED: Final = b"\0\0\0\0"  # a mask like any other; it leaves the bytes as they are, and the server still applies it
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA


class Wire(asyncio.Protocol):
    """One WebSocket of either side: unfragmented messages, no extensions."""

    def __init__(self, *, client: bool) -> None:
        self._client = client
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._open = False
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def opened(self, head: bytes) -> None:
        """The handshake is over; `head` is the other side's part of it."""

    def text(self, data: bytes, now: float) -> None:
        """A message has come, at `now` on `clock`."""

    def pong(self, data: bytes, now: float) -> None:
        """The answer to a ping has come."""

    def ended(self) -> None:
        """The connection is gone."""

    def send(self, data: bytes, kind: int = _TEXT) -> None:
        """One message; nothing when the socket is closed."""
        if self._transport is None or not self._open or self._transport.is_closing():
            return
        size = len(data)
        bit = 0x80 if self._client else 0
        if size < 126:
            head = bytes((0x80 | kind, bit | size))
        elif size < 65536:
            head = bytes((0x80 | kind, bit | 126)) + size.to_bytes(2)
        else:
            head = bytes((0x80 | kind, bit | 127)) + size.to_bytes(8)
        self._transport.write(head + _MASKED + data if self._client else head + data)

    def close(self) -> None:
        """Say goodbye; the connection ends when the other side has, too."""
        self.send((1000).to_bytes(2), _CLOSE)

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # the faster loop's is one in all but name

    def connection_lost(self, exc: Exception | None) -> None:
        self._open = False
        if not self.closed.done():
            self.closed.set_result(None)
        self.ended()

    def data_received(self, data: bytes) -> None:
        now = clock()
        buffer = self._buffer
        buffer += data
        if not self._open and not self._shake():
            return
        at, end = 0, len(buffer)
        while end - at >= 2:
            size = buffer[at + 1] & 0x7F
            body = at + 2
            if size == 126:
                size, body = int.from_bytes(buffer[at + 2 : at + 4]), at + 4
            elif size == 127:
                size, body = int.from_bytes(buffer[at + 2 : at + 10]), at + 10
            masked = buffer[at + 1] & 0x80
            start = body + 4 if masked else body
            if end < start + size:
                break
            content = bytes(buffer[start : start + size])
            if masked:
                content = _unmask(content, bytes(buffer[body:start]))
            self._message(buffer[at] & 0xF, content, now)
            at = start + size
        del buffer[:at]

    def _shake(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._buffer[: end + 4])
        del self._buffer[: end + 4]
        assert self._transport is not None
        if self._client:
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self._transport.abort()
                return False
        else:
            key = re.search(rb"(?im)^sec-websocket-key:\s*(\S+)", head)
            accept = base64.b64encode(hashlib.sha1((key[1] if key else b"") + _GUID).digest())
            self._transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
        self._open = True
        self.opened(head)
        return True

    def _message(self, kind: int, content: bytes, now: float) -> None:
        if kind == _TEXT:
            self.text(content, now)
        elif kind == _PING:
            self.send(content, _PONG)
        elif kind == _PONG:
            self.pong(content, now)
        elif kind == _CLOSE:
            self.send(content[:2], _CLOSE)
            assert self._transport is not None
            self._transport.close()


def _unmask(content: bytes, mask: bytes) -> bytes:
    size = len(content)
    key = int.from_bytes((mask * (size // 4 + 1))[:size])
    return (int.from_bytes(content) ^ key).to_bytes(size)


class Pacer:
    """Calls many senders in real time, each every 20 ms, spread over those 20 ms."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[float], bool]]] = []
        self._count = 0
        self._wake = asyncio.Event()
        self.late: list[float] = []
        """seconds that sends were late: the generator's own fault, not the server's"""

    def add(self, send: Callable[[float], bool]) -> None:
        """`send(now)` is called until it returns False."""
        self._count += 1
        phase = (self._count * 0.618034) % 1.0  # even, and no two alike
        heapq.heappush(self._due, (clock() + phase * FRAME_SECONDS, self._count, send))
        self._wake.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            if not self._due:
                self._wake.clear()
                await self._wake.wait()
            now = clock()
            while self._due and self._due[0][0] <= now:
                due, number, send = self._due[0]
                self.late.append(now - due)
                if send(now):
                    heapq.heapreplace(self._due, (due + FRAME_SECONDS, number, send))
                else:
                    heapq.heappop(self._due)
                now = clock()
            if self._due:
                await asyncio.sleep(max(0.0, self._due[0][0] - now))


class Delays:
    """How long numbered frames were on their way, for the frames that arrive while `watching`."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque(maxlen=1 << 16)
        self._first = 0  # number of the frame in front of `_sent`
        self.watching = False
        self.seconds: list[float] = []

    def number(self, now: float) -> bytes:
        """The digits for a frame that is sent now."""
        if len(self._sent) == self._sent.maxlen:
            self._first += 1
        self._sent.append(now)
        return b"%08d" % (self._first + len(self._sent) - 1)

    def arrived(self, digits: bytes, now: float) -> None:
        """A frame with these digits is here."""
        if self.watching:
            index = int(digits) - self._first
            if 0 <= index < len(self._sent):
                self.seconds.append(now - self._sent[index])


def payloads(ulaw: bytes) -> list[bytes]:
    """Sound as base64 payloads of 20 ms each."""
    return [base64.b64encode(ulaw[at : at + FRAME]) for at in range(0, len(ulaw) - FRAME + 1, FRAME)]


# --- the model ---------------------------------------------------------------------------------


class ModelSocket(Wire):
    """One session at the model."""

    def __init__(self, model: Model) -> None:
        super().__init__(client=False)
        self._model = model
        self._responses = 0
        self._place = 0

    def opened(self, head: bytes) -> None:
        self._model.open += 1
        self._model.opened += 1
        self.send(b'{"type":"session.created","event_id":"e0","session":{"id":"s","object":"realtime.session"}}')

    def ended(self) -> None:
        self._model.open -= 1

    def text(self, data: bytes, now: float) -> None:
        model = self._model
        if b"input_audio_buffer.append" in data[:50]:
            model.appended += 1
            start = data.index(b'"', data.index(b'"audio"') + 7) + 1
            model.heard.arrived(data[start : start + ID_DIGITS], now)
            return
        message = msgspec.json.decode(data)
        match message["type"]:
            case "session.update":
                self.send(b'{"type":"session.updated","event_id":"e1","session":{"id":"s"}}')
                asyncio.get_running_loop().call_later(model.think, self._begin)
            case "response.create":
                model.asked += 1
                phrase = (message.get("response") or {}).get("metadata")
                self._speak(phrase)

    def _begin(self) -> None:
        if self._model.talks:
            self._responses += 1
            self.send(b'{"type":"response.created","response":{"id":"r%d","status":"in_progress"}}' % self._responses)
            self._model.pacer.add(self._say)
        else:
            self._wait_on_hold()

    def _say(self, now: float) -> bool:
        """The next piece of what the agent says without end."""
        model = self._model
        self._place += 1
        if self._place % model.frames:
            return self._open
        sound = b"".join(
            base64.b64decode(model.said.number(now) + model.voice[(self._place + n) % len(model.voice)][ID_DIGITS:])
            for n in range(model.frames)
        )
        self.send(
            b'{"type":"response.output_audio.delta","event_id":"event_%020d","response_id":"r%d","item_id":"i%d",'
            b'"output_index":0,"content_index":0,"delta":"%s"}'
            % (self._place, self._responses, self._responses, base64.b64encode(sound))
        )
        return self._open

    def _speak(self, metadata: dict[str, Any] | None) -> None:
        """A short answer, or a phrase, at once."""
        self._responses += 1
        told = msgspec.json.encode(metadata)
        names = b'"response_id":"r%d","item_id":"i%d"' % (self._responses, self._responses)
        self.send(b'{"type":"response.created","response":{"id":"r%d","metadata":%s}}' % (self._responses, told))
        for payload in self._model.voice[:50]:
            self.send(b'{"type":"response.output_audio.delta",%s,"delta":"%s"}' % (names, payload))
        self.send(
            b'{"type":"response.done","response":{"id":"r%d","status":"completed","metadata":%s,"output":[],"usage":%s}}'
            % (self._responses, told, _USAGE)
        )

    def _wait_on_hold(self) -> None:
        """The agent has heard that it is to wait."""
        self._responses += 1
        name = b"r%d" % self._responses
        item = (
            b'{"id":"f%d","type":"function_call","status":"completed","call_id":"call_%d","name":"wait_on_hold",'
            b'"arguments":"{\\"reason\\":\\"asked to wait\\"}"}' % (self._responses, self._responses)
        )
        self.send(b'{"type":"response.created","response":{"id":"%s","status":"in_progress"}}' % name)
        self.send(b'{"type":"response.output_item.done","response_id":"%s","output_index":0,"item":%s}' % (name, item))
        self.send(
            b'{"type":"response.done","response":{"id":"%s","status":"completed","output":[%s],"usage":%s}}'
            % (name, item, _USAGE)
        )


_USAGE: Final = (
    b'{"total_tokens":90,"input_tokens":60,"output_tokens":30,"input_token_details":{"text_tokens":40,'
    b'"audio_tokens":20,"cached_tokens":0},"output_token_details":{"text_tokens":10,"audio_tokens":20}}'
)


@dataclass
class Model:
    """A realtime server on loopback."""

    pacer: Pacer
    voice: list[bytes]
    """the agent's voice, base64 of 20 ms each"""
    talks: bool
    """True: every session speaks without end; False: it calls wait_on_hold"""
    think: float = 0.3
    """wall s from the configuration of a session to that"""
    frames: int = 1
    """20 ms pieces in one message of sound"""
    heard: Delays = field(default_factory=Delays)
    """frames on their way from the carrier to the model"""
    said: Delays = field(default_factory=Delays)
    """frames on their way from the model to the carrier"""
    open: int = 0
    """sockets open now"""
    opened: int = 0
    """sockets ever opened"""
    appended: int = 0
    """messages of sound ever received"""
    asked: int = 0
    """responses ever asked for"""
    port: int = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listening for as long as the context lasts."""
        sockets: list[ModelSocket] = []

        def accept() -> ModelSocket:
            sockets.append(ModelSocket(self))
            return sockets[-1]

        server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for socket in sockets:
                socket.abort()


# --- the carrier -------------------------------------------------------------------------------


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
            self._carrier.said.arrived(payload[:ID_DIGITS], now)
            if frames > 1:
                sound = base64.b64decode(payload)
                for at in range(FRAME, len(sound) - FRAME + 1, FRAME):
                    self._carrier.said.arrived(base64.b64encode(sound[at : at + 6]), now)
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
            payload = carrier.heard.number(now) + payload[ID_DIGITS:]
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
            self.send(repr(now).encode(), _PING)
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
            async with httpx2.AsyncClient(trust_env=False, timeout=START_SECONDS) as self._client:
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


# --- the server under load ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used."""

    at: float
    """seconds on `clock`"""
    user: float
    """CPU seconds outside the kernel"""
    system: float
    """CPU seconds inside it"""
    rss: int
    """resident memory, bytes"""


class Server:
    """A process under load."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url

    def usage(self) -> Usage:
        """So far, all threads together."""
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        except OSError as error:
            raise OutwaitError("the server ended while it was measured") from error
        tick = os.sysconf("SC_CLK_TCK")
        return Usage(clock(), int(stat[11]) / tick, int(stat[12]) / tick, pages * os.sysconf("SC_PAGE_SIZE"))


@asynccontextmanager
async def server(*command: str, environment: dict[str, str]) -> AsyncIterator[Server]:
    """A server in a process of its own, in an empty folder, which says `listening on URL` when it is ready."""
    if not _HAS_PROC:
        raise OutwaitError("this benchmark reads a process's CPU time from /proc, which this system does not have")
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OUTWAIT_", "TWILIO_", "OPENAI_", "AZURE_OPENAI_", "DATABASE_"))
    }
    with tempfile.TemporaryDirectory(prefix="outwait-bench-") as folder:
        errors = Path(folder) / "stderr"
        with errors.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                cwd=folder,
                env=inherited | environment | {"DATABASE_URL": f"sqlite:///{folder}/calls.db"},
            )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(START_SECONDS):
                line = (await process.stdout.readline()).decode()
            if not line.startswith("listening on "):
                last = errors.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
                raise OutwaitError(f"the server did not start: {last[0]}")
            yield Server(process, line.removeprefix("listening on ").strip())
        finally:
            if process.returncode is None:
                process.kill()  # it has nothing that is worth keeping
            await process.wait()


@asynccontextmanager
async def house(model: Model, carrier: Carrier, *options: str) -> AsyncIterator[Server]:
    """Our own server, between these two."""
    environment = {
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_PHONE_NUMBER": "+12025550199",
        "OUTWAIT_TWILIO_BASE_URL": f"http://127.0.0.1:{carrier.port}",
        "OPENAI_API_KEY": "sk-bench",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{model.port}/v1",
        "OUTWAIT_PORT": "0",
        "OUTWAIT_DRAIN": "0",
        "OUTWAIT_LOG_LEVEL": "error",
    }
    async with server(sys.executable, "-m", "outwait.bench._server", *options, environment=environment) as ours:
        yield ours


async def place(ours: Server, calls: int) -> list[str]:
    """Place so many calls, a few at a time; their ids."""
    async with httpx2.AsyncClient(base_url=ours.url, trust_env=False, timeout=START_SECONDS) as client:
        ids = []
        for _ in range(calls):
            wish = {"to": "+12025550143", "task": "Ask when the order will come.", "max_hold_minutes": 60}
            answer = await client.post("/v1/calls", json=wish)
            if not answer.is_success:
                raise OutwaitError(f"the server refused a call: HTTP {answer.status_code} {answer.text[:200]}")
            ids.append(answer.json()["id"])
            await asyncio.sleep(PLACE_SECONDS)
        return ids


async def phases(ours: Server, ids: list[str]) -> list[str]:
    """In which phase each call is."""
    async with httpx2.AsyncClient(base_url=ours.url, trust_env=False, timeout=START_SECONDS) as client:
        return [(await client.get(f"/v1/calls/{call_id}")).json()["phase"] for call_id in ids]


async def until(done: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Look twenty times a second. Raises OutwaitError, which says `what` did not happen."""
    end = clock() + seconds
    while not done():
        if clock() > end:
            raise OutwaitError(f"{what}: not within {seconds:g} s")
        await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Measured:
    """The CPU of a server over a window, cut into slices."""

    cpu: float
    """ms of CPU a second and call, median of the slices"""
    user: float
    """of the whole window, ms a second and call: outside the kernel"""
    system: float
    """the same inside it"""
    share: float
    """of one core, whole window, 0..1"""
    rss: int
    """resident memory at the end, bytes"""


async def measure(one: Server, calls: int, seconds: float, slices: int = 5) -> Measured:
    """Watch for so long."""
    marks = [one.usage()]
    for _ in range(slices):
        await asyncio.sleep(seconds / slices)
        marks.append(one.usage())

    def rate(a: Usage, b: Usage) -> tuple[float, float]:
        scale = 1000 / (b.at - a.at) / calls
        return (b.user - a.user) * scale, (b.system - a.system) * scale

    user, system = rate(marks[0], marks[-1])
    each = [sum(rate(a, b)) for a, b in pairwise(marks)]
    return Measured(statistics.median(each), user, system, (user + system) * calls / 1000, marks[-1].rss)


def quantile(values: list[float], share: float) -> float | None:
    """The value below which this share of the values lies; None of nothing."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else None


def milliseconds(seconds: float | None) -> float | None:
    """Rounded for people."""
    return None if seconds is None else round(seconds * 1000, 2)
