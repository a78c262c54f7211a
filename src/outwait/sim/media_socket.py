"""How the simulated carrier reaches a media server, and the pace at which it sends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping

from websockets.asyncio.client import connect as websocket_connect
from websockets.exceptions import InvalidHandshake

from outwait.sim.pipes import Pipe, SocketPipe

CONNECT_LIMIT = 10.0  # wall seconds for the media handshake
SEND_BUFFER = 16_384  # bytes; small, so that a fast carrier feels its peer

Connect = Callable[[str, Mapping[str, str]], Awaitable[Pipe]]


class ConnectFailed(Exception):
    """The media socket did not come up; `code` is Twilio's error number."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Clock:
    """Waits so that media runs at the pace wanted; never skips a frame, does not chase a lost second."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._due = now()

    async def frame(self, pace: float) -> None:
        """One frame has been sent."""
        now = self._now()
        if pace <= 0:
            self._due = now
            await asyncio.sleep(0)
            return
        self._due = max(self._due + 0.02 / pace, now - 1.0 / pace)
        ahead = self._due - now
        await asyncio.sleep(ahead if ahead > 0.002 or pace == 1.0 else 0)


async def connect_socket(url: str, headers: Mapping[str, str]) -> Pipe:
    """Open a media WebSocket as Twilio does. Raises ConnectFailed."""
    try:
        websocket = await websocket_connect(
            url,
            additional_headers=headers,
            user_agent_header="Twilio.TmeWs/1.0",
            compression=None,
            open_timeout=CONNECT_LIMIT,
            close_timeout=5,
            ping_interval=None,
            proxy=None,
            write_limit=4096,
        )
    except TimeoutError:
        raise ConnectFailed(31901, f"connect timeout: {url}") from None
    except InvalidHandshake as error:
        raise ConnectFailed(31920, f"handshake: {error}") from None
    except OSError as error:
        raise ConnectFailed(31902, f"connection failed: {error}") from None
    raw: socket.socket = websocket.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return SocketPipe(websocket)
