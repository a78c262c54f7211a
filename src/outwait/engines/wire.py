"""The client's side of a WebSocket: the library's, with its usual messages read and made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from websockets.asyncio.client import ClientConnection
from websockets.protocol import State

from outwait.frames import Cutter, Masks, text_frame

_END_OF_HEAD = b"\r\n\r\n"


class Connection(ClientConnection):
    """Made by `websockets.connect(..., create_connection=Connection, max_size=Connection.limit, compression=None)`."""

    limit: ClassVar[int] = 4 * 2**20
    # bytes of a message; a minute of sound in base64 is 640 kB

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.hear: Callable[[bytes], None] | None = None
        # gets text messages as they come; those that come while it is None, and all that is unusual, wait for `recv`
        self.failure: Exception | None = None
        # what `hear` raised; the connection has been cut
        self._head = b""  # of the answer to our handshake
        self._cutter: Cutter | None = None
        self._refused = False
        self._masks = Masks()
        self._written = 0  # bytes given to the transport

    def data_received(self, data: bytes) -> None:
        if self._cutter is not None:
            self._cutter.feed(data)
        elif self._refused:
            super().data_received(data)
        else:
            self._shake(data)

    def write(self, content: str | bytes) -> None:
        """Send a message at once: text from str, binary from bytes. Nothing happens when the connection is not open."""
        if self.state is not State.OPEN:
            return
        binary = isinstance(content, bytes)
        frame = self._masks.frame(content if isinstance(content, bytes) else content.encode(), binary=binary)
        self._written += len(frame)
        self.transport.write(frame)

    @property
    def unsent(self) -> int:
        """Bytes that wait for the peer to read."""
        return self.transport.get_write_buffer_size()

    @property
    def sent(self) -> int:
        """Bytes of ours that have left."""
        return self._written - self.unsent

    def _shake(self, data: bytes) -> None:
        """The library reads the head of the answer, and not a byte more: from there on we know where frames begin."""
        before = len(self._head)
        self._head += data
        end = self._head.find(_END_OF_HEAD)
        if end < 0:
            super().data_received(data)
            return
        rest = data[end + len(_END_OF_HEAD) - before :]
        super().data_received(data[: len(data) - len(rest)])
        self._head = b""
        if self.state is State.OPEN:
            self._cutter = Cutter(masked=False, limit=self.limit, text=self._text, library=self._odd)
        else:
            self._refused = True
        if rest:
            self.data_received(rest)

    def _text(self, text: bytes) -> None:
        if self.hear is None or len(self.recv_messages.frames):  # in order: what waits for `recv` comes first
            self._odd(text_frame(text))
            return
        try:
            self.hear(text)
        except Exception as error:  # noqa: BLE001  a bug of ours, to be raised where somebody waits for it
            self.failure = error
            self.transport.abort()

    def _odd(self, data: bytes) -> None:
        super().data_received(data)


class Watch:
    """Tells of a peer that reads nothing for so long."""

    def __init__(self, connection: Connection, seconds: float, stalled: Callable[[], None]) -> None:
        self._connection = connection
        self._seconds = seconds
        self._stalled = stalled
        self._timer: asyncio.TimerHandle | None = None

    def written(self) -> None:
        """Something has been sent just now."""
        if self._timer is None and self._connection.unsent:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._seconds, self._look, self._connection.sent)

    def stop(self) -> None:
        """Nobody wants to know any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self, sent: int) -> None:
        self._timer = None
        if self._connection.unsent and self._connection.sent <= sent:
            self._stalled()
        else:
            self.written()
