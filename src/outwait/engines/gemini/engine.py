"""The engine of Google's Gemini Live API."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from outwait.call.commands import SeedItem
from outwait.engines.base import Capabilities, Post
from outwait.engines.gemini.session import GeminiSession
from outwait.engines.place import Place, given, key, root, split
from outwait.engines.websocket import CONNECT_SECONDS

BASE_URL = "https://generativelanguage.googleapis.com"
SESSION_SECONDS = 600.0  # s that a connection lasts, about; the server says so a minute before
VOICE = "Kore"

_PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


class GeminiEngine:
    """Makes sessions at one address. Shared by all calls of a process."""

    def __init__(self, place: Place, *, model: str, voice: str, connect_seconds: float = CONNECT_SECONDS) -> None:
        self.capabilities = Capabilities(
            name="gemini",
            model=model,
            billing="tokens",
            max_session_seconds=SESSION_SECONDS,
            makes_phrases=False,
            voice=voice,
            vendor="google",
        )
        self._place = place
        self._connect_seconds = connect_seconds
        # Made once: reading the certificates takes tens of milliseconds, in which no call would hear anything
        self._tls = ssl.create_default_context() if place.secure else None

    def session(
        self, number: int, instructions: str, seed: Sequence[SeedItem], tools: Sequence[dict[str, object]], post: Post
    ) -> GeminiSession:
        """A session that is not connected yet: `run` does that."""
        told = self.capabilities
        return GeminiSession(
            number,
            self._place,
            told.model,
            told.voice,
            instructions,
            seed,
            tools,
            post,
            connect_seconds=self._connect_seconds,
            tls=self._tls,
        )


def gemini_engine(
    *,
    api_key: str,
    model: str,
    base_url: str = BASE_URL,
    voice: str | None = None,
    connect_seconds: float = CONNECT_SECONDS,
) -> GeminiEngine:
    """Gemini by an API key. Raises ValueError for settings that can't be right."""
    base = split(base_url, "the Gemini base URL")
    secret = key(api_key, "the Gemini key")
    place = Place(
        url=f"{root(base)}{base.path.rstrip('/')}{_PATH}",
        headers={"x-goog-api-key": secret},  # not in the address, where logs would keep it
        secret=secret,
    )
    return GeminiEngine(place, model=given(model, "the model"), voice=voice or VOICE, connect_seconds=connect_seconds)
