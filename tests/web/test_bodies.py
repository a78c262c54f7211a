"""Bodies have a limit, a deadline, and a number of fields."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from outwait.web.bodies import MAX_BODY, MAX_FIELDS, parse_form, read_body

Receive = Callable[[], Awaitable[dict[str, Any]]]


def asked(receive: Receive, **headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": named}, receive)


async def refused(request: Request) -> int:
    with pytest.raises(HTTPException) as refusal:
        await read_body(request)
    return refusal.value.status_code


async def test_what_says_that_it_is_too_large_is_not_waited_for() -> None:
    async def nothing() -> dict[str, Any]:
        raise AssertionError("nobody asks for it")

    assert await refused(asked(nothing, content_length=str(MAX_BODY + 1))) == 413


async def test_what_does_not_say_so_is_cut_off_where_it_is_too_large() -> None:
    pieces = 0

    async def without_end() -> dict[str, Any]:
        nonlocal pieces
        pieces += 1
        assert pieces < 100, "it goes on reading"
        return {"type": "http.request", "body": b"x" * 1024, "more_body": True}

    assert await refused(asked(without_end)) == 413
    assert pieces == MAX_BODY // 1024 + 1


async def test_what_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outwait.web.bodies.BODY_SECONDS", 0.05)

    async def never() -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async with asyncio.timeout(20):
        assert await refused(asked(never)) == 408


def test_a_form_has_so_many_fields() -> None:
    fields = [f"f{number}=x" for number in range(MAX_FIELDS)]
    assert len(parse_form("&".join(fields).encode()) or ()) == MAX_FIELDS
    assert parse_form("&".join([*fields, "more=x"]).encode()) is None
