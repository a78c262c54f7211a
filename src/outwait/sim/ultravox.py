"""Ultravox on 127.0.0.1: calls are made over HTTP, and joined on a socket, on which `ultravox_session` talks."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from outwait.sim.model_server import Connection, ModelServer, Refusal
from outwait.sim.realtime_response import Timing
from outwait.sim.serving import serve_http
from outwait.sim.ultravox_session import Json, UltravoxSession, Wrong, check_call

USD_PER_MINUTE = 0.05
STEP = 6.0  # s; begun ones count whole


@dataclass
class UltravoxBill:
    """Every call that was joined, by its time."""

    seconds: list[float] = field(default_factory=list)

    @property
    def usd(self) -> float:
        """The sum."""
        return sum(math.ceil(seconds / STEP) * STEP / 60 * USD_PER_MINUTE for seconds in self.seconds)

    @property
    def lost_usd(self) -> float:
        """The part the client was never told about: it is told of none."""
        return 0.0


@dataclass
class UltravoxSim(ModelServer):
    """The server; see `ModelServer`.

    timing
        how fast the model is
    made
        calls that may be joined, by the secret of their address
    refuse
        the HTTP status of every wish for a call; 0 = they are made
    """

    timing: Timing = field(default_factory=Timing)
    charged: UltravoxBill = field(default_factory=UltravoxBill)
    made: dict[str, Json] = field(default_factory=dict)
    refuse: int = 0
    errors_made: list[str] = field(default_factory=list)
    _http_port: int = 0
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._http_port = await self._stack.enter_async_context(serve_http(self._app))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)
        await super().__aexit__(kind, error, trace)

    @property
    def bill(self) -> UltravoxBill:
        return self.charged

    @property
    def errors(self) -> list[str]:
        return self.errors_made + super().errors

    @property
    def base_url(self) -> str:
        """For OUTWAIT_ULTRAVOX_BASE_URL."""
        return f"http://127.0.0.1:{self._http_port}/api"

    def _enter(self, connection: Connection) -> UltravoxSession:
        secret = urlsplit(connection.path).path.rpartition("/")[2]
        wanted = self.made.pop(secret, None)  # a call is joined once
        if wanted is None:
            raise Refusal(404, "There is no such call.")

        def lasted() -> None:
            self.charged.seconds.append(connection.closed_at - connection.opened_at)

        return UltravoxSession(connection.number, wanted, self.mind, self.hearing, self.timing, lasted)

    async def _app(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        status, answer = self._make(scope["method"], scope["path"], headers, body)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _make(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Json]:
        if (method, path) != ("POST", "/api/calls"):
            return 404, {"detail": "Not found."}
        if headers.get("x-api-key") != self.key:
            return 403, {"detail": "Authentication credentials were not provided."}
        if self.refuse:
            return self.refuse, {"detail": "Not now."}
        try:
            wanted = json.loads(body)
            check_call(wanted)
        except (ValueError, Wrong) as wrong:
            self.errors_made.append(str(wrong))
            return 400, {"detail": str(wrong)}
        secret = f"call-{len(self.made) + len(self.connections) + 1}"
        self.made[secret] = wanted
        return 201, {"callId": secret, "joinUrl": f"{self.address.replace('http', 'ws')}/calls/{secret}"}
