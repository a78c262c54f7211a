"""The engine of OpenAI's Live API, and of Azure's: one wire, two doors."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from outwait.call.commands import SeedItem
from outwait.engines.base import Capabilities, Post
from outwait.engines.live.frames import Manner
from outwait.engines.live.session import LiveSession
from outwait.engines.openai.endpoints import OPENAI_BASE_URL, azure_root
from outwait.engines.place import Place, given, key, root, split
from outwait.engines.websocket import CONNECT_SECONDS

MODEL = "gpt-live-1"
BACKEND = "gpt-5.4-mini"  # does the tool calls
VOICE = "marin"  # the server's own default
SESSION_SECONDS = 3600.0  # s; not documented: each session says when it ends, and this is only where it does not
PATH = "/live/sessions"


@dataclass(frozen=True, slots=True)
class Door:
    """Where a session is started. No query: the model goes into the first message."""

    name: str  # of the engine
    vendor: str  # whose price list
    model: str  # that is asked for; on Azure the name of its deployment
    place: Place


class LiveEngine:
    """Makes sessions behind one door. Shared by all calls of a process."""

    def __init__(self, door: Door, *, model: str, manner: Manner, connect_seconds: float = CONNECT_SECONDS) -> None:
        self.capabilities = Capabilities(
            name=door.name,
            model=model,
            billing="seconds",
            max_session_seconds=SESSION_SECONDS,
            makes_phrases=False,
            voice=manner.voice,
            vendor=door.vendor,
            backend=manner.backend,
        )
        self._manner = manner
        self._door = door
        self._connect_seconds = connect_seconds
        # Made once: reading the certificates takes tens of milliseconds, in which no call would hear anything
        self._tls = ssl.create_default_context() if door.place.secure else None

    def session(
        self, number: int, instructions: str, seed: Sequence[SeedItem], tools: Sequence[dict[str, object]], post: Post
    ) -> LiveSession:
        """A session that is not connected yet: `run` does that."""
        return LiveSession(
            number,
            self._door.place,
            self._door.model,
            self._manner,
            instructions,
            seed,
            tools,
            post,
            connect_seconds=self._connect_seconds,
            tls=self._tls,
        )


def live_engine(
    *,
    api_key: str,
    model: str = MODEL,
    base_url: str = OPENAI_BASE_URL,
    voice: str | None = None,
    backend: str = BACKEND,
    store: bool = False,
    connect_seconds: float = CONNECT_SECONDS,
) -> LiveEngine:
    """OpenAI, or a server that speaks like it. `store`: sessions are kept there, and the next one goes on from the last
    (a fork). Raises ValueError for settings that can't be right."""
    base = split(base_url, "the OpenAI base URL")
    secret = key(api_key, "the OpenAI key")
    url = f"{root(base)}{base.path.rstrip('/')}{PATH}"
    place = Place(url=url, headers={"Authorization": f"Bearer {secret}"}, secret=secret)
    manner = Manner(voice or VOICE, given(backend, "the backend model"), store)
    door = Door("live", "openai", given(model, "the model"), place)
    return LiveEngine(door, model=door.model, manner=manner, connect_seconds=connect_seconds)


def azure_live_engine(
    *,
    endpoint: str,
    api_key: str,
    deployment: str,
    model: str = MODEL,
    voice: str | None = None,
    backend: str = BACKEND,
    connect_seconds: float = CONNECT_SECONDS,
) -> LiveEngine:
    """Azure; `model` is what the deployment is of, for the price. Raises ValueError for wrong settings.

    A key goes into `api-key`: as a bearer token Azure answers it with a redirect.
    """
    secret = key(api_key, "the Azure key")
    url = f"{azure_root(endpoint)}/openai/v1{PATH}"
    place = Place(url=url, headers={"api-key": secret}, secret=secret)
    manner = Manner(voice or VOICE, given(backend, "the backend model"))
    door = Door("azure-live", "azure", given(deployment, "the Azure deployment"), place)
    return LiveEngine(door, model=given(model, "the model"), manner=manner, connect_seconds=connect_seconds)
