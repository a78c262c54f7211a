"""What every session on a socket is opened with, and the engine that makes such sessions, whoever the vendor."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from outwait.call.commands import SeedItem
from outwait.engines.base import Capabilities, EngineSession, Post

CONNECT_SECONDS = 10.0  # s from dialling to a configured and seeded session


@dataclass(frozen=True, slots=True)
class Opening:
    """One session, before it is connected."""

    number: int
    instructions: str
    seed: Sequence[SeedItem]
    tools: Sequence[dict[str, object]]
    post: Post
    connect_seconds: float = CONNECT_SECONDS
    tls: ssl.SSLContext | None = None  # None: the place is not behind TLS


class SocketEngine:
    """Makes sessions at one place. Shared by all calls of a process."""

    def __init__(
        self,
        capabilities: Capabilities,
        make: Callable[[Opening], EngineSession],
        *,
        secure: bool,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        """`secure`: the place is behind TLS."""
        self.capabilities = capabilities
        self._make = make
        self._connect_seconds = connect_seconds
        # Made once: reading the certificates takes tens of milliseconds, in which no call would hear anything
        self._tls = ssl.create_default_context() if secure else None

    def session(
        self, number: int, instructions: str, seed: Sequence[SeedItem], tools: Sequence[dict[str, object]], post: Post
    ) -> EngineSession:
        """A session that is not connected yet: `run` does that."""
        return self._make(Opening(number, instructions, seed, tools, post, self._connect_seconds, self._tls))
