"""The engine of Ultravox."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlunsplit

from outwait.engines.base import Capabilities
from outwait.engines.opening import CONNECT_SECONDS, SocketEngine
from outwait.engines.place import Place, given, key, split
from outwait.engines.ultravox.session import MAX_SECONDS, UltravoxSession

BASE_URL = "https://api.ultravox.ai/api"
VOICE = "Mark"


def ultravox_engine(
    *,
    api_key: str,
    model: str,
    base_url: str = BASE_URL,
    voice: str | None = None,
    connect_seconds: float = CONNECT_SECONDS,
) -> SocketEngine:
    """Ultravox. Raises ValueError for settings that can't be right."""
    base = split(base_url, "the Ultravox base URL")
    secret = key(api_key, "the Ultravox key")
    scheme = {"ws": "http", "wss": "https"}.get(base.scheme, base.scheme)
    door = Place(
        url=urlunsplit((scheme, base.netloc, f"{base.path.rstrip('/')}/calls", "", "")),
        headers={"X-API-Key": secret},
        secret=secret,
    )
    told = Capabilities(
        name="ultravox",
        model=given(model, "the model"),
        billing="seconds",
        max_session_seconds=MAX_SECONDS,
        makes_phrases=False,
        voice=voice or VOICE,
    )
    make = partial(UltravoxSession, door, told.model, told.voice)
    return SocketEngine(told, make, secure=scheme == "https", connect_seconds=connect_seconds)
