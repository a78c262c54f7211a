"""Request bodies, with a limit and a deadline."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

MAX_BODY = 64 * 1024  # bytes; a task and its metadata are text
BODY_SECONDS = 10.0  # wall s for a body to arrive
MAX_FIELDS = 200  # of a form; a carrier's callback has some thirty


async def read_body(request: Request) -> bytes:
    """The whole body. Raises HTTPException 413 or 408."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise _too_large()
    except TimeoutError:
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time") from None
    except ClientDisconnect:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the body was cut off") from None
    return bytes(body)


def parse_form(body: bytes) -> list[tuple[str, str]] | None:
    """The fields of an urlencoded form, in order, empty ones included: they are signed too. None: it is no form."""
    try:
        text = body.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        return None


def _too_large() -> HTTPException:
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {MAX_BODY} bytes")
