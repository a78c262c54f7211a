"""Where a Realtime server is, how it wants to be asked, and in which dialect: OpenAI, Azure previews, Azure v1."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from outwait.engines.openai.frames import Dialect

OPENAI_BASE_URL = "https://api.openai.com/v1"

_SCHEMES = {"https": "wss", "http": "ws", "wss": "wss", "ws": "ws"}
_AZURE_SUFFIXES = ("/openai/v1", "/openai")  # portals show the endpoint with either, or without


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server. The key is in the headers, and the headers are never shown."""

    provider: str  # openai, azure
    url: str  # ws or wss, complete
    headers: dict[str, str] = field(repr=False)
    dialect: Dialect
    secret: str = field(repr=False)

    @property
    def secure(self) -> bool:
        return self.url.startswith("wss:")

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine: no proxy stands before that."""
        host = urlsplit(self.url).hostname or ""
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


def openai(api_key: str, model: str, base_url: str = OPENAI_BASE_URL) -> Endpoint:
    """OpenAI, or a server that speaks like it. `http` and `https` become `ws` and `wss`. Raises ValueError."""
    base = _split(base_url, "the OpenAI base URL")
    key = _header(api_key, "the OpenAI key")
    # No `OpenAI-Beta` header: with it the server would speak the preview dialect
    return Endpoint(
        provider="openai",
        url=f"{_root(base)}{base.path.rstrip('/')}/realtime?model={quote(_given(model, 'the model'), safe='')}",
        headers={"Authorization": f"Bearer {key}"},
        dialect=Dialect.GA,
        secret=key,
    )


def azure(endpoint: str, api_key: str, deployment: str, api_version: str | None = None) -> Endpoint:
    """Azure OpenAI. With an api-version the preview dialect, without one v1. Raises ValueError.

    A key goes into `api-key`: as a bearer token Azure takes it for an Entra token, and refuses it.
    """
    base = _split(endpoint, "the Azure endpoint")
    key = _header(api_key, "the Azure key")
    root = _root(base) + _without_suffix(base.path)
    name = _given(deployment, "the Azure deployment")
    if api_version and api_version.strip():
        query = urlencode({"api-version": api_version.strip(), "deployment": name}, quote_via=quote)
        url, dialect = f"{root}/openai/realtime?{query}", Dialect.BETA
    else:
        url, dialect = f"{root}/openai/v1/realtime?model={quote(name, safe='')}", Dialect.GA
    return Endpoint(provider="azure", url=url, headers={"api-key": key}, dialect=dialect, secret=key)


def _split(url: str, what: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port  # reading the port checks it
        good = parts.scheme in _SCHEMES and bool(host) and "@" not in parts.netloc
        (host or "").encode("idna")
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"{what} must look like https://host/path, without a user and password")
    return parts


def _root(parts: SplitResult) -> str:
    return f"{_SCHEMES[parts.scheme]}://{parts.netloc}"


def _without_suffix(path: str) -> str:
    path = path.rstrip("/")
    for suffix in _AZURE_SUFFIXES:
        if path.endswith(suffix):
            return path.removesuffix(suffix)
    return path


def _given(text: str, what: str) -> str:
    if not text.strip():
        raise ValueError(f"{what} is empty")
    return text.strip()


def _header(secret: str, what: str) -> str:
    """A secret that can stand in a header: a line break would let it write headers of its own."""
    secret = secret.strip()
    if not secret or not all("!" <= char <= "~" for char in secret):
        raise ValueError(f"{what} is empty or has characters that no key has")
    return secret
