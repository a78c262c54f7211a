"""Our side of one media socket: what goes to the leg."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from outwait.carriers.twilio.messages import Writer

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
SEND_SECONDS = 2.0  # wall s that the carrier may leave a message unread before its socket counts as dead
CLOSE_SECONDS = 1.8  # wall s for the closing handshake; the promise is two seconds


class TwilioStream:
    """Sends to one media socket. A carrier that does not read is cut off; the socket's reader tells its end."""

    def __init__(
        self,
        number: int,
        stream_sid: str,
        send: Send,
        write: Callable[[str], bool] = lambda text: False,
        *,
        stop_reading: Callable[[], None],
        abort: Callable[[], None],
    ) -> None:
        """Of the socket: `send` is its ASGI send, `write` sends a text at once if that can be done (False: not now),
        `stop_reading` ends its reader, `abort` ends the connection by force. Both may be called more than once."""
        self.number = number
        self.closed_with: int | None = None
        # WebSocket close code that we sent
        self._words = Writer(stream_sid)
        self._write = write
        self._send = send
        self._stop_reading = stop_reading
        self._abort = abort
        self._over = False

    @property
    def over(self) -> bool:
        """Whether the socket is closed, or being closed by us."""
        return self._over

    async def play(self, ulaw: bytes) -> None:
        """Append sound to what the carrier has yet to play."""
        if ulaw:
            await self._send_text(self._words.media(ulaw))

    async def mark(self, name: str) -> None:
        """Ask to be told when all before this has been played."""
        await self._send_text(self._words.mark(name))

    async def clear(self) -> None:
        """Throw away what has not been played."""
        await self._send_text(self._words.clear())

    async def close(self, code: int = 1000) -> None:
        """Say goodbye and listen no more; the connection is cut when the carrier does not answer in time."""
        if self._over:
            return
        await self._deliver({"type": "websocket.close", "code": code})
        if not self._over:
            self.closed_with = code
            self._over = True
        self._stop_reading()
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._abort)

    def ended(self) -> None:
        """The socket is closed: whatever is still to be sent goes nowhere."""
        self._over = True

    async def _send_text(self, text: str) -> None:
        if not (self._over or self._write(text)):
            await self._deliver({"type": "websocket.send", "text": text})

    async def _deliver(self, message: MutableMapping[str, Any]) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._send(message)
        except TimeoutError:
            self._over = True
            self._abort()
            self._stop_reading()
        except (OSError, RuntimeError):
            # OSError: the peer has gone. RuntimeError is how a server words "after the close". Either way the
            # reader is about to learn it, and tells.
            self._over = True
