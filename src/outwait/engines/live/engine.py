"""The engine of OpenAI's Live API, and of Azure's: one wire, two doors."""

from __future__ import annotations

from functools import partial

from outwait.engines.base import Capabilities
from outwait.engines.live.frames import Manner
from outwait.engines.live.session import Door, LiveSession
from outwait.engines.openai.endpoints import OPENAI_BASE_URL, azure_root
from outwait.engines.opening import CONNECT_SECONDS, SocketEngine
from outwait.engines.place import Place, given, key, root, split

MODEL = "gpt-live-1"
BACKEND = "gpt-5.4-mini"  # does the tool calls
VOICE = "marin"  # the server's own default
SESSION_SECONDS = 3600.0  # s; not documented: each session says when it ends, and this is only where it does not
PATH = "/live/sessions"


def live_engine(
    *,
    api_key: str,
    model: str = MODEL,
    base_url: str = OPENAI_BASE_URL,
    voice: str | None = None,
    backend: str = BACKEND,
    store: bool = False,
    connect_seconds: float = CONNECT_SECONDS,
) -> SocketEngine:
    """OpenAI, or a server that speaks like it. `store`: sessions are kept there, and the next one goes on from the last
    (a fork). Raises ValueError for settings that can't be right."""
    door = openai_door(base_url, api_key, model)
    return _engine(
        door, door.model, Manner(voice or VOICE, given(backend, "the backend model"), store), connect_seconds
    )


def azure_live_engine(
    *,
    endpoint: str,
    api_key: str,
    deployment: str,
    model: str = MODEL,
    voice: str | None = None,
    backend: str = BACKEND,
    connect_seconds: float = CONNECT_SECONDS,
) -> SocketEngine:
    """Azure; `model` is what the deployment is of, for the price. Raises ValueError for wrong settings."""
    door = azure_door(endpoint, api_key, deployment)
    manner = Manner(voice or VOICE, given(backend, "the backend model"))
    return _engine(door, given(model, "the model"), manner, connect_seconds)


def openai_door(base_url: str, api_key: str, model: str) -> Door:
    """Raises ValueError for settings that can't be right."""
    base = split(base_url, "the OpenAI base URL")
    secret = key(api_key, "the OpenAI key")
    url = f"{root(base)}{base.path.rstrip('/')}{PATH}"
    place = Place(url=url, headers={"Authorization": f"Bearer {secret}"}, secret=secret)
    return Door("live", "openai", given(model, "the model"), place)


def azure_door(endpoint: str, api_key: str, deployment: str) -> Door:
    """A key goes into `api-key`: as a bearer token Azure answers it with a redirect. Raises ValueError."""
    secret = key(api_key, "the Azure key")
    url = f"{azure_root(endpoint)}/openai/v1{PATH}"
    place = Place(url=url, headers={"api-key": secret}, secret=secret)
    return Door("azure-live", "azure", given(deployment, "the Azure deployment"), place)


def _engine(door: Door, model: str, manner: Manner, connect_seconds: float) -> SocketEngine:
    told = Capabilities(
        name=door.name,
        model=model,
        billing="seconds",
        max_session_seconds=SESSION_SECONDS,
        makes_phrases=False,
        voice=manner.voice,
        vendor=door.vendor,
        backend=manner.backend,
    )
    make = partial(LiveSession, door, manner)
    return SocketEngine(told, make, secure=door.place.secure, connect_seconds=connect_seconds)
