"""Uvicorn's WebSocket, with a way past it for the media socket: messages come in batches, and go out at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from outwait.frames import Cutter, text_frame

MEDIA = "outwait.media"  # ASGI extension, an `Extension`


class Extension(TypedDict):
    """What an application may do with its accepted socket, beyond ASGI."""

    abort: Callable[[], None]
    # cut the connection now: for a peer that does not even read our goodbye
    batch: Callable[[], None]
    # from here on a `websocket.receive` has `texts`, a list of UTF-8 messages, in place of `text`
    write: Callable[[str], bool]
    # send a text; False, and nothing is done, while the peer does not keep up or is gone: `send` knows what to do


class MediaProtocol(WebSocketsSansIOProtocol):
    """The protocol of our server."""

    _cutter: Cutter | None = None
    _early = False  # something came between the handshake and the application's answer

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            beyond: Extension = {"abort": self.transport.abort, "batch": self._batch, "write": self._write}
            extensions: dict[Any, Any] = self.scope["extensions"]
            extensions[MEDIA] = beyond

    def data_received(self, data: bytes) -> None:
        if self._cutter is None:
            self._early = self._early or self.handshake_initiated
            super().data_received(data)
        else:
            self._cutter.feed(data)
            self._deliver()

    async def receive(self) -> Any:
        """The transport is read when the application asks, and not before: what comes meanwhile gathers in the kernel
        and is read in one go."""
        if self._cutter is None:
            return await super().receive()
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self.transport.resume_reading()
        return await self.queue.get()

    def _batch(self) -> None:
        if not self._early:  # otherwise the library may be in the middle of a frame
            self._texts: list[bytes] = []
            limit = self.config.ws_max_size or 0
            self._cutter = Cutter(masked=True, limit=limit, text=self._take, library=self._odd)

    def _take(self, text: bytes) -> None:
        self._texts.append(text)

    def _odd(self, data: bytes) -> None:
        """What comes before it has to be told before it."""
        self._deliver()
        super().data_received(data)

    def _deliver(self) -> None:
        texts, self._texts = self._texts, []
        if not texts or self.close_sent:
            return
        message: Any = {"type": "websocket.receive", "texts": texts}
        self.queue.put_nowait(message)
        if not self.read_paused:  # the application's next `receive` reads on
            self.read_paused = True
            self.transport.pause_reading()

    def _write(self, text: str) -> bool:
        if self.close_sent or self.disconnected or not self.writable.is_set() or self.transport.is_closing():
            return False
        self.transport.write(text_frame(text.encode()))
        return True
