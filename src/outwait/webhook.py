"""How what we send to our users' servers is signed, and how they check it: the Standard Webhooks form.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE = 300.0  # s that a signature is good for, before and after
_PREFIX = "whsec_"  # what follows is base64


class BadSignature(Exception):
    """Not from us, or not from just now."""


def sign(secret: str, id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that go with a body. `timestamp`: s since 1970."""
    return {ID: id, TIMESTAMP: str(timestamp), SIGNATURE: f"v1,{_digest(secret, id, str(timestamp), body)}"}


def verify_webhook(
    body: bytes, headers: Mapping[str, str], secret: str, *, now: float | None = None, tolerance: float = TOLERANCE
) -> None:
    """Raises BadSignature for a request that Outwait did not send, or that somebody sends again later.

    body
        exactly as it came
    headers
        of the request; case does not matter
    secret
        OUTWAIT_WEBHOOK_SECRET
    now
        s since 1970; the clock's when not given
    tolerance
        s by which the request may be older or newer
    """
    found = {name.lower(): value for name, value in headers.items()}
    try:
        id, timestamp, signatures = found[ID], found[TIMESTAMP], found[SIGNATURE]
        age = (time.time() if now is None else now) - int(timestamp)
    except (KeyError, ValueError) as error:
        raise BadSignature("the headers of a signed webhook are missing or wrong") from error
    if abs(age) > tolerance:
        raise BadSignature("the signature is too old, or the clocks differ")
    wanted = _digest(secret, id, timestamp, body).encode()
    given = [signature.partition(",")[2] for signature in signatures.split() if signature.startswith("v1,")]
    if not any(hmac.compare_digest(one.encode(), wanted) for one in given):
        raise BadSignature("the signature does not fit")


def _digest(secret: str, id: str, timestamp: str, body: bytes) -> str:
    signed = f"{id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            pass  # then it is a word like any other
    return secret.encode()
