"""X-Twilio-Signature: who sent this request. For webhooks (form or JSON body) and for the WebSocket upgrade."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal
from urllib.parse import parse_qs, urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
Algorithm = Literal["sha1", "sha256"]


def sign(token: str, url: str, params: Iterable[tuple[str, str]] = (), algorithm: Algorithm = "sha1") -> str:
    """The signature of a request.

    token
        the account's auth token (the shared key for sha256)
    url
        exactly as Twilio requested it: scheme, host, port, path and query
    params
        the fields of a form POST, decoded; nothing for a GET, a JSON body or an upgrade
    """
    fields: dict[str, set[str]] = {}
    for name, value in params:
        fields.setdefault(name, set()).add(value)
    text = url + "".join(name + value for name in sorted(fields) for value in sorted(fields[name]))
    digest = hmac.new(token.encode(), text.encode("utf-8", "surrogatepass"), algorithm).digest()
    return base64.b64encode(digest).decode("ascii")


def verify(token: str, url: str, signature: str | None, params: Sequence[tuple[str, str]] = ()) -> bool:
    """Whether Twilio signed this, with or without the port that goes without saying."""
    return bool(signature) and _matches(token, _with_and_without_port(url), signature or "", params)


def verify_upgrade(token: str, url: str, signature: str | None) -> bool:
    """The same for a WebSocket upgrade, where a trailing slash may have come or gone on the way."""
    bare = url.rstrip("/")
    urls = [variant for form in (bare, bare + "/") for variant in _with_and_without_port(form)]
    return bool(signature) and _matches(token, urls, signature or "", ())


def verify_body(token: str, url: str, signature: str | None, body: bytes) -> bool:
    """The same for a body that is not a form: the URL carries its SHA-256 as `bodySHA256`."""
    claimed = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0]
    whole = hmac.compare_digest(claimed.lower().encode(), hashlib.sha256(body).hexdigest().encode())
    return verify(token, url, signature) and whole


def _matches(token: str, urls: Iterable[str], signature: str, params: Sequence[tuple[str, str]]) -> bool:
    given = signature.encode("utf-8", "surrogatepass")
    return any(hmac.compare_digest(sign(token, url, params).encode(), given) for url in urls)


def _with_and_without_port(url: str) -> Iterator[str]:
    yield url
    parts = urlsplit(url)
    default = _DEFAULT_PORTS.get(parts.scheme)
    if default is None or parts.hostname is None:
        return
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if parts.port is None:
        yield urlunsplit(parts._replace(netloc=f"{host}:{default}"))
    else:
        yield urlunsplit(parts._replace(netloc=host))
