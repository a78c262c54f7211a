"""The engine of Google's Gemini Live API."""

from __future__ import annotations

from functools import partial

from outwait.engines.base import Capabilities
from outwait.engines.gemini.session import GeminiSession
from outwait.engines.opening import CONNECT_SECONDS, SocketEngine
from outwait.engines.place import Place, given, key, root, split

BASE_URL = "https://generativelanguage.googleapis.com"
SESSION_SECONDS = 600.0  # s that a connection lasts, about; the server says so a minute before
VOICE = "Kore"

_PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


def gemini_engine(
    *,
    api_key: str,
    model: str,
    base_url: str = BASE_URL,
    voice: str | None = None,
    connect_seconds: float = CONNECT_SECONDS,
) -> SocketEngine:
    """Gemini by an API key. Raises ValueError for settings that can't be right."""
    base = split(base_url, "the Gemini base URL")
    secret = key(api_key, "the Gemini key")
    place = Place(
        url=f"{root(base)}{base.path.rstrip('/')}{_PATH}",
        headers={"x-goog-api-key": secret},  # not in the address, where logs would keep it
        secret=secret,
    )
    told = Capabilities(
        name="gemini",
        model=given(model, "the model"),
        billing="tokens",
        max_session_seconds=SESSION_SECONDS,
        makes_phrases=False,
        voice=voice or VOICE,
        vendor="google",
    )
    make = partial(GeminiSession, place, told.model, told.voice)
    return SocketEngine(told, make, secure=place.secure, connect_seconds=connect_seconds)
