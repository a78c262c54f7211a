"""Where a Realtime server is, how it wants to be asked, and in which dialect: OpenAI, Azure, Voice Live, xAI."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from outwait.engines.openai.frames import Dialect
from outwait.engines.place import Place, given, key, root, split

OPENAI_BASE_URL = "https://api.openai.com/v1"
XAI_BASE_URL = "https://api.x.ai/v1"
VOICE_LIVE_VERSION = "2026-07-15"  # api-version of Voice Live, that of Microsoft's SDK 1.3.1

_AZURE_SUFFIXES = ("/openai/v1", "/openai")  # portals show the endpoint with either, or without


@dataclass(frozen=True, slots=True)
class Endpoint(Place):
    """One server, and how it wants to be spoken to."""

    provider: str  # openai, azure, voicelive, xai
    dialect: Dialect


def openai(api_key: str, model: str, base_url: str = OPENAI_BASE_URL) -> Endpoint:
    """OpenAI, or a server that speaks like it. `http` and `https` become `ws` and `wss`. Raises ValueError."""
    # No `OpenAI-Beta` header: with it the server would speak the preview dialect
    return _bearer("openai", Dialect.GA, base_url, api_key, model, "the OpenAI")


def xai(api_key: str, model: str, base_url: str = XAI_BASE_URL) -> Endpoint:
    """xAI's Grok Voice. Raises ValueError."""
    return _bearer("xai", Dialect.XAI, base_url, api_key, model, "the xAI")


def azure(endpoint: str, api_key: str, deployment: str, api_version: str | None = None) -> Endpoint:
    """Azure OpenAI. With an api-version the preview dialect, without one v1. Raises ValueError.

    A key goes into `api-key`: as a bearer token Azure takes it for an Entra token, and refuses it.
    """
    secret = key(api_key, "the Azure key")
    origin = azure_root(endpoint)
    name = given(deployment, "the Azure deployment")
    if api_version and api_version.strip():
        query = urlencode({"api-version": api_version.strip(), "deployment": name}, quote_via=quote)
        url, dialect = f"{origin}/openai/realtime?{query}", Dialect.BETA
    else:
        url, dialect = f"{origin}/openai/v1/realtime?model={quote(name, safe='')}", Dialect.GA
    return Endpoint(provider="azure", url=url, headers={"api-key": secret}, dialect=dialect, secret=secret)


def azure_root(endpoint: str) -> str:
    """Scheme, host and path of a resource's sockets, whichever form of its address was given. Raises ValueError."""
    base = split(endpoint, "the Azure endpoint")
    return root(base) + _without_suffix(base.path)


def voice_live(endpoint: str, api_key: str, model: str, api_version: str = VOICE_LIVE_VERSION) -> Endpoint:
    """Azure Voice Live. Raises ValueError."""
    base = split(endpoint, "the Voice Live endpoint")
    secret = key(api_key, "the Voice Live key")
    query = urlencode({"api-version": given(api_version, "the version"), "model": given(model, "the model")})
    return Endpoint(
        provider="voicelive",
        url=f"{root(base)}{base.path.rstrip('/')}/voice-live/realtime?{query}",
        headers={"api-key": secret},
        dialect=Dialect.VOICE_LIVE,
        secret=secret,
    )


def _bearer(provider: str, dialect: Dialect, base_url: str, api_key: str, model: str, whose: str) -> Endpoint:
    base = split(base_url, f"{whose} base URL")
    secret = key(api_key, f"{whose} key")
    return Endpoint(
        provider=provider,
        url=f"{root(base)}{base.path.rstrip('/')}/realtime?model={quote(given(model, 'the model'), safe='')}",
        headers={"Authorization": f"Bearer {secret}"},
        dialect=dialect,
        secret=secret,
    )


def _without_suffix(path: str) -> str:
    path = path.rstrip("/")
    for suffix in _AZURE_SUFFIXES:
        if path.endswith(suffix):
            return path.removesuffix(suffix)
    return path
