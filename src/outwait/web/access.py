"""Who may use the API: the bearer of the key; without a key, this machine itself and nobody's web page."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response

from outwait.config import is_loopback
from outwait.web.errors import error_response


class Access:
    """Decides on every request but those of the carrier, which are signed, and the health check."""

    def __init__(self, key: str | None) -> None:
        self._key = key.encode() if key is not None else None

    def refusal(self, path: str, headers: Headers) -> Response | None:
        """The answer to a request that is not let in; None for one that is. `path` is without the public prefix."""
        if path == "/healthz" or path.startswith("/twilio/"):
            return None
        return self._without_key(headers) if self._key is None else self._with_key(self._key, headers)

    def _with_key(self, key: bytes, headers: Headers) -> Response | None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("latin-1"), key):
            return None
        return error_response(
            HTTPStatus.UNAUTHORIZED,
            "unauthorized",
            "send the key: Authorization: Bearer ...",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _without_key(self, headers: Headers) -> Response | None:
        """A browser on this machine may be sent here by any page, under any name that page's owner gives us."""
        host = headers.get("host", "localhost")
        origin = headers.get("origin")
        if not is_loopback(urlsplit(f"//{host}").hostname or ""):
            return error_response(HTTPStatus.FORBIDDEN, "forbidden", "without OUTWAIT_API_KEY only loopback is served")
        if origin is not None and urlsplit(origin).netloc != host:
            return error_response(HTTPStatus.FORBIDDEN, "forbidden", "not for other sites' pages")
        return None
