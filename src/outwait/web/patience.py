"""How long a client may take, and how much it may send, before it has said what it wants.

Uvicorn waits for ever for the rest of a request and for a reader of its answer, and takes headers of any length.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_SECONDS = 15.0  # wall s for a request to arrive, from its connection or its first byte, body included
READ_SECONDS = 30.0  # wall s that a client may leave our answer unread
MAX_HEAD = 32 * 1024  # bytes of a request line and headers


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 for clients that are there."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._coming: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._head = 0
        self._in_head = True
        super().connection_made(transport)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            if self._coming is None:
                self._expect_request()
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("The request's head is too large.")

    def on_headers_complete(self) -> None:
        self._in_head, self._head = False, 0
        if self.parser.should_upgrade() and self._should_upgrade():
            self._arrived()  # the media socket has its own patience
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._arrived()
        self._in_head = True
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def _expect_request(self) -> None:
        self._coming = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _arrived(self) -> None:
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None
