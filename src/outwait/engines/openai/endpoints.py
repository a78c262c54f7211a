"""Where a Realtime server is, how it wants to be asked, and in which dialect: OpenAI, Azure previews, Azure v1."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from outwait.engines.openai.frames import Dialect
from outwait.engines.place import Place, given, key, root, split

OPENAI_BASE_URL = "https://api.openai.com/v1"

_AZURE_SUFFIXES = ("/openai/v1", "/openai")  # portals show the endpoint with either, or without


@dataclass(frozen=True, slots=True)
class Endpoint(Place):
    """One server, and how it wants to be spoken to."""

    provider: str  # openai, azure
    dialect: Dialect


def openai(api_key: str, model: str, base_url: str = OPENAI_BASE_URL) -> Endpoint:
    """OpenAI, or a server that speaks like it. `http` and `https` become `ws` and `wss`. Raises ValueError."""
    base = split(base_url, "the OpenAI base URL")
    secret = key(api_key, "the OpenAI key")
    # No `OpenAI-Beta` header: with it the server would speak the preview dialect
    return Endpoint(
        provider="openai",
        url=f"{root(base)}{base.path.rstrip('/')}/realtime?model={quote(given(model, 'the model'), safe='')}",
        headers={"Authorization": f"Bearer {secret}"},
        dialect=Dialect.GA,
        secret=secret,
    )


def azure(endpoint: str, api_key: str, deployment: str, api_version: str | None = None) -> Endpoint:
    """Azure OpenAI. With an api-version the preview dialect, without one v1. Raises ValueError.

    A key goes into `api-key`: as a bearer token Azure takes it for an Entra token, and refuses it.
    """
    base = split(endpoint, "the Azure endpoint")
    secret = key(api_key, "the Azure key")
    origin = root(base) + _without_suffix(base.path)
    name = given(deployment, "the Azure deployment")
    if api_version and api_version.strip():
        query = urlencode({"api-version": api_version.strip(), "deployment": name}, quote_via=quote)
        url, dialect = f"{origin}/openai/realtime?{query}", Dialect.BETA
    else:
        url, dialect = f"{origin}/openai/v1/realtime?model={quote(name, safe='')}", Dialect.GA
    return Endpoint(provider="azure", url=url, headers={"api-key": secret}, dialect=dialect, secret=secret)


def _without_suffix(path: str) -> str:
    path = path.rstrip("/")
    for suffix in _AZURE_SUFFIXES:
        if path.endswith(suffix):
            return path.removesuffix(suffix)
    return path
