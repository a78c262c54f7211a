"""Who may use the API: the bearer of a key; without a key, this machine itself and nobody's web page."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response

from outwait.config import is_loopback
from outwait.store.base import ApiKey, StoreError
from outwait.web.errors import error_response

CALLER = "outwait.caller"  # in an ASGI scope: the ApiKey that was shown, or None for the configured one
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")

log = structlog.get_logger(__name__)


class Access:
    """Decides on every request but those of the carrier, which are signed, and the health check.

    key
        the configured one; without it only this machine gets in
    find
        whose key a kept one is
    """

    def __init__(self, key: str | None, find: Callable[[str], Awaitable[ApiKey | None]]) -> None:
        self._key = _digest(key) if key is not None else None
        self._find = find

    async def refusal(self, path: str, scope: Any) -> Response | None:
        """The answer to a request that is not let in; None for one that is, with its caller noted in `scope`. `path` is
        without the public prefix."""
        scope[CALLER] = None
        if path == "/healthz" or path.startswith("/twilio/"):
            return None
        headers = Headers(scope=scope)
        scheme, _, given = headers.get("authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else ""
        if self._key is not None and hmac.compare_digest(_digest(given), self._key):
            return None
        try:
            scope[CALLER] = await self._find(given) if given else None
        except StoreError as error:
            log.error("API keys can't be read", error=str(error))
            return error_response(
                HTTPStatus.SERVICE_UNAVAILABLE, "store_unavailable", "keys can't be read just now", headers=_LATER
            )
        if scope[CALLER] is not None:
            return None
        if self._key is None and not given:
            return self._without_key(headers, scope.get("client"))
        return error_response(
            HTTPStatus.UNAUTHORIZED, "unauthorized", "send the key: Authorization: Bearer ...", headers=_BEARER
        )

    def _without_key(self, headers: Headers, client: tuple[str, int] | None) -> Response | None:
        """A browser on this machine may be sent here by any page, under any name that page's owner gives us; and a
        proxy on this machine brings everybody's requests from a loopback address."""
        host = headers.get("host", "localhost")
        origin = headers.get("origin")
        if any(name in headers for name in _PASSED_ON):
            return _forbidden("a proxy has passed this on: behind a proxy OUTWAIT_API_KEY must be set")
        if client is not None and not is_loopback(client[0]):
            return _forbidden("without OUTWAIT_API_KEY only loopback is served")
        if not is_loopback(urlsplit(f"//{host}").hostname or ""):
            return _forbidden("without OUTWAIT_API_KEY only loopback is served")
        if origin is not None and urlsplit(origin).netloc != host:
            return _forbidden("not for other sites' pages")
        return None


_BEARER = {"WWW-Authenticate": "Bearer"}
_LATER = {"Retry-After": "5"}


def _forbidden(message: str) -> Response:
    return error_response(HTTPStatus.FORBIDDEN, "forbidden", message)


def _digest(key: str) -> bytes:
    """Digests are of one length, so that comparing them tells nothing of the key's."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
