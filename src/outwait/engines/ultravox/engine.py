"""The engine of Ultravox."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from urllib.parse import urlunsplit

from outwait.call.commands import SeedItem
from outwait.engines.base import Capabilities, Post
from outwait.engines.place import Place, given, key, split
from outwait.engines.ultravox.session import MAX_SECONDS, UltravoxSession
from outwait.engines.websocket import CONNECT_SECONDS

BASE_URL = "https://api.ultravox.ai/api"
VOICE = "Mark"


class UltravoxEngine:
    """Makes sessions at one address. Shared by all calls of a process."""

    def __init__(self, door: Place, *, model: str, voice: str, connect_seconds: float = CONNECT_SECONDS) -> None:
        self.capabilities = Capabilities(
            name="ultravox",
            model=model,
            billing="seconds",
            max_session_seconds=MAX_SECONDS,
            makes_phrases=False,
            voice=voice,
        )
        self._door = door
        self._connect_seconds = connect_seconds
        # Made once: reading the certificates takes tens of milliseconds, in which no call would hear anything
        self._tls = ssl.create_default_context() if door.url.startswith("https:") else None

    def session(
        self, number: int, instructions: str, seed: Sequence[SeedItem], tools: Sequence[dict[str, object]], post: Post
    ) -> UltravoxSession:
        """A session that is not connected yet: `run` does that."""
        told = self.capabilities
        return UltravoxSession(
            number,
            self._door,
            told.model,
            told.voice,
            instructions,
            seed,
            tools,
            post,
            connect_seconds=self._connect_seconds,
            tls=self._tls,
        )


def ultravox_engine(
    *,
    api_key: str,
    model: str,
    base_url: str = BASE_URL,
    voice: str | None = None,
    connect_seconds: float = CONNECT_SECONDS,
) -> UltravoxEngine:
    """Ultravox. Raises ValueError for settings that can't be right."""
    base = split(base_url, "the Ultravox base URL")
    secret = key(api_key, "the Ultravox key")
    scheme = {"ws": "http", "wss": "https"}.get(base.scheme, base.scheme)
    door = Place(
        url=urlunsplit((scheme, base.netloc, f"{base.path.rstrip('/')}/calls", "", "")),
        headers={"X-API-Key": secret},
        secret=secret,
    )
    return UltravoxEngine(door, model=given(model, "the model"), voice=voice or VOICE, connect_seconds=connect_seconds)
