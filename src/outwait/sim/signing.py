"""How Twilio signs what it sends: X-Twilio-Signature, HMAC-SHA1 over the URL and the form."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping


def signature(token: str, url: str, form: Mapping[str, str] | None = None) -> str:
    """The header's value for a form POST, or (no form) for a GET or a WebSocket upgrade.

    token
        the account's auth token
    url
        exactly as requested: scheme, host, port, path, query
    """
    text = url + "".join(name + form[name] for name in sorted(form)) if form else url
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
