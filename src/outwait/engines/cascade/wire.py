"""HTTP to the three services: who they are, and what a failure of theirs means."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import httpx2
import msgspec

from outwait import __version__
from outwait.call.events import Trouble

MAX_DETAIL = 300  # characters of a server's words that are kept
MAX_ERROR = 64 * 1024  # bytes of an answer that says no
IDLE_SECONDS = 60.0  # s that a connection is kept for the next request
CONNECT_SECONDS = 5.0  # s
CLOSE_SECONDS = 2.0  # s for connections to close

FATAL = frozenset({"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"})
"""Codes that come with 429 and that no further try would get around."""

Step = Literal["sending", "sent"]
ON_STEP: ContextVar[Callable[[Step], None]] = ContextVar("on_step", default=lambda step: None)
"""What a task wants called when the request that it makes begins to go out, and when it has gone."""

_KEYS = re.compile(r"\b[se]k[-_][A-Za-z0-9_*.-]{4,}")  # how keys look, also when a server quotes one half hidden


@dataclass(frozen=True, slots=True)
class Service:
    """A server with OpenAI's wire, and what is asked of it."""

    url: str  # base, as in https://api.openai.com/v1
    model: str
    key: str = ""  # empty: it wants none
    auth: tuple[str, str] = ("Authorization", "Bearer ")  # header of the key, and what stands before it

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError(f"{self.url!r} must look like https://host/v1, without a user and password")
        if not self.model.strip():
            raise ValueError(f"no model is named for {self.url}")
        if not all("!" <= char <= "~" for char in self.key):
            raise ValueError(f"the key for {self.url} has characters that no key has")

    @property
    def base(self) -> str:
        return self.url.rstrip("/")

    @property
    def loopback(self) -> bool:
        return urlsplit(self.url).hostname in {"127.0.0.1", "::1", "localhost"}

    @property
    def secure(self) -> bool:
        return urlsplit(self.url).scheme == "https"

    @property
    def headers(self) -> dict[str, str]:
        name, before = self.auth
        return {name: f"{before}{self.key}"} if self.key else {}

    def clean(self, text: str) -> str:
        """Without the key, of which a server may quote the half."""
        return _KEYS.sub("***", text.replace(self.key, "***") if self.key else text)[:MAX_DETAIL]


class Failed(Exception):
    """A service failed us."""

    def __init__(self, trouble: Trouble, code: int, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble
        self.code = code  # HTTP status; 0: there was none
        self.detail = detail


class Wires:
    """The connections of one session: what its parts open while it is entered is closed with it."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        """`tls`: for servers behind https and wss; None: there are none."""
        self.tls = tls
        self.closing = AsyncExitStack()  # what a part has opened besides
        self._clients: dict[str, httpx2.AsyncClient] = {}  # base URL -> its connections
        self._known: set[tuple[str, str]] = set()  # base URL and key that were good

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.closing.aclose()

    def http(self, service: Service) -> httpx2.AsyncClient:
        """The client for its address."""
        if service.base not in self._clients:
            self._clients[service.base] = client(service, self.tls)
            self.closing.push_async_callback(_shut, self._clients[service.base])
        return self._clients[service.base]

    async def reach(self, service: Service) -> httpx2.AsyncClient:
        """The same, and it has answered and taken the key. Raises Failed."""
        http = self.http(service)
        if (service.base, service.key) not in self._known:
            await reach(http, service)
            self._known.add((service.base, service.key))
        return http


def client(service: Service, tls: ssl.SSLContext | None) -> httpx2.AsyncClient:
    """For one session. The waits are the machine's; only the way there has a limit of its own."""
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
        limits=httpx2.Limits(keepalive_expiry=IDLE_SECONDS),
        trust_env=not service.loopback,
        verify=tls if tls is not None else False,  # without https there is nothing to verify
        headers={"User-Agent": f"outwait/{__version__}"},
    )


@asynccontextmanager
async def asked(
    http: httpx2.AsyncClient, service: Service, method: str, path: str, **body: Any
) -> AsyncIterator[httpx2.Response]:
    """An answer whose status is good, to be read inside. Raises Failed, also for what happens while it is read."""
    try:
        request = http.stream(
            method, service.base + path, headers=service.headers, extensions={"trace": _watch}, **body
        )
        async with request as response:
            if response.status_code != 200:
                raise refusal(service, response.status_code, await _short(response))
            yield response
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as wrong:
        raise Failed(Trouble.REFUSED, 0, f"wrong settings: {wrong}") from wrong
    except httpx2.HTTPError as lost:
        words = service.clean(f"{type(lost).__name__} {lost}".strip())
        raise Failed(Trouble.LOST, 0, f"{path}: {words}") from lost


async def _watch(step: str, _: object) -> None:
    """Of the transport."""
    if step.endswith(".send_request_headers.started"):
        ON_STEP.get()("sending")
    elif step.endswith(".send_request_body.complete"):
        ON_STEP.get()("sent")


async def reach(http: httpx2.AsyncClient, service: Service) -> None:
    """Connect and show the key, so that the first turn need not. Raises Failed.

    A server that has no list of models says so, and that is as good an answer.
    """
    try:
        async with asked(http, service, "GET", "/models"):
            pass
    except Failed as failed:
        if failed.trouble is Trouble.REFUSED and failed.code in (400, 404, 405, 501):
            return
        raise


class _Error(msgspec.Struct):
    message: str | None = None
    code: str | int | None = None
    type: str | None = None


class _Body(msgspec.Struct):
    error: _Error | str | None = None


def refusal(service: Service, status: int, body: bytes) -> Failed:
    """An answer that says no."""
    try:
        error = msgspec.json.decode(body, type=_Body).error
    except msgspec.DecodeError:
        error = None
    told = error if isinstance(error, _Error) else _Error(message=error)
    names = {str(told.code), str(told.type)}
    if status in (408, 409, 425, 429) or status >= 500:
        trouble = Trouble.REFUSED if names & FATAL else Trouble.BUSY
    else:
        trouble = Trouble.REFUSED
    words = f"HTTP {status} {told.code or told.type or ''} {told.message or ''}"
    return Failed(trouble, status, service.clean(" ".join(words.split())))


async def _short(response: httpx2.Response) -> bytes:
    data = b""
    async for piece in response.aiter_bytes():
        data += piece
        if len(data) > MAX_ERROR:
            break
    return data


async def _shut(http: httpx2.AsyncClient) -> None:
    """Close the connections, for as long as that may take."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await http.aclose()
    except TimeoutError:
        pass  # the peer does not answer; the transport is gone with its loop
