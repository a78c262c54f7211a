"""WebSockets spoken by hand, a few microseconds a frame, for either side."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from typing import Final, cast

from outwait.bench._load.pace import clock

_MASKED: Final = b"\0\0\0\0"  # a mask like any other; it leaves the bytes as they are, and the server still applies it
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PING: Final = 0x9
_TEXT, _CLOSE, _PONG = 0x1, 0x8, 0xA


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
        elif kind == PING:
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
