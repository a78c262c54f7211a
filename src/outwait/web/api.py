"""The HTTP API: place calls, look at them, follow them, hang up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, Header, Query, Request
from prometheus_client import generate_latest
from pydantic import BaseModel, ValidationError, WithJsonSchema
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from outwait.call.setup import Human
from outwait.house.desk import CallRequest, Desk, Refused
from outwait.rules.hours import NoZone, zone
from outwait.rules.numbers import NumberRefused, dialable, masked
from outwait.store.base import ApiKey
from outwait.web.access import CALLER
from outwait.web.bodies import read_body
from outwait.web.errors import ErrorBody, refused_field
from outwait.web.metrics import Metrics
from outwait.web.models import CallCreate, CallCreated, CallObject, CallPage, HangUpAccepted, Health, HumanWish

HEARTBEAT = 15.0  # wall s of silence on an event stream until a comment shows that it lives
MAX_KEY = 255  # characters of an idempotency key

# A header or query field is there or not, but never null, as the framework would describe it.
_KEY = WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$"})
_TEXT = WithJsonSchema({"type": "string", "maxLength": 200})

log = structlog.get_logger(__name__)
_json = msgspec.json.Encoder().encode
_Errors = dict[int | str, dict[str, Any]]


def _errors(*statuses: HTTPStatus) -> _Errors:
    return {int(status): {"model": ErrorBody, "description": status.phrase} for status in statuses}


def _json_of(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": model.model_json_schema()}}


_UNAUTHORIZED, _UNKNOWN, _INVALID = HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY
_UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE


def router(desk: Desk, metrics: Metrics, own_number: str | None, closing: asyncio.Event) -> APIRouter:
    """All routes of the API.

    own_number
        what calls come from unless they say otherwise, E.164
    closing
        set when the server goes down: ends the event streams, which would never end by themselves
    """
    routes = APIRouter()

    @routes.post(
        "/v1/calls",
        status_code=HTTPStatus.CREATED,
        response_model=CallCreated,
        responses=_errors(
            HTTPStatus.BAD_REQUEST,
            _UNAUTHORIZED,
            HTTPStatus.FORBIDDEN,
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.CONFLICT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            _INVALID,
            HTTPStatus.TOO_MANY_REQUESTS,
            _UNAVAILABLE,
        ),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": CallCreate.model_json_schema()}},
            }
        },
        summary="Place a call",
    )
    async def place(
        request: Request,
        idempotency_key: Annotated[
            str | None, Header(min_length=1, max_length=MAX_KEY, pattern=r"^[!-~]+$"), _KEY
        ] = None,
    ) -> Response:
        """Answers once the call is stored; dialling follows. The same `Idempotency-Key` within a day gives the same
        call."""
        if desk.draining:
            raise Refused("draining", "the server is going down and takes no new calls", status=_UNAVAILABLE)
        wish = _checked(await _parsed(request), own_number, request.scope.get(CALLER))
        row = await desk.place(wish, idempotency_key)
        log.info("call placed", call=row.id, to=masked(wish.to), key=wish.key.name if wish.key is not None else None)
        return _answer({"id": row.id, "status": row.record.get("status", "queued")}, HTTPStatus.CREATED)

    @routes.get(
        "/v1/calls",
        response_model=CallPage,
        responses=_errors(_UNAUTHORIZED, HTTPStatus.FORBIDDEN, _INVALID, _UNAVAILABLE),
        summary="List calls, newest first",
    )
    async def page(
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=200, description="`next` of the page before"), _TEXT] = None,
    ) -> Response:
        try:
            calls, following = await desk.page(limit, cursor)
        except ValueError as error:
            raise Refused("invalid_cursor", str(error), field="cursor") from error
        return _answer({"calls": calls, "next": following})

    @routes.get(
        "/v1/calls/{call_id}",
        response_model=CallObject,
        responses=_errors(_UNAUTHORIZED, HTTPStatus.FORBIDDEN, _UNKNOWN, _UNAVAILABLE),
        summary="Look at a call",
    )
    async def look(call_id: str) -> Response:
        call = await desk.get(call_id)
        if call is None:
            raise _no_such_call()
        return _answer(call)

    @routes.post(
        "/v1/calls/{call_id}/hangup",
        status_code=HTTPStatus.ACCEPTED,
        response_model=HangUpAccepted,
        responses=_errors(_UNAUTHORIZED, HTTPStatus.FORBIDDEN, _UNKNOWN, HTTPStatus.CONFLICT, _UNAVAILABLE),
        summary="End a call",
    )
    async def hang_up(call_id: str) -> Response:
        try:
            live = await desk.hang_up(call_id)
        except KeyError:
            raise _no_such_call() from None
        if not live:
            raise Refused("already_ended", "the call has ended", status=HTTPStatus.CONFLICT)
        return _answer({"id": call_id}, HTTPStatus.ACCEPTED)

    @routes.get(
        "/v1/calls/{call_id}/events",
        response_class=StreamingResponse,
        responses={
            **_errors(_UNAUTHORIZED, HTTPStatus.FORBIDDEN, _UNKNOWN, _INVALID, _UNAVAILABLE),
            200: {"content": {"text/event-stream": {}}, "description": "Server-sent events; the last one is `ended`"},
        },
        summary="Follow a call",
    )
    async def events(call_id: str, last_event_id: Annotated[int, Header(ge=0, le=2**31 - 1)] = 0) -> Response:
        """Every event from the first on, or from after `Last-Event-ID`, then live."""
        if await desk.get(call_id) is None:
            raise _no_such_call()
        return StreamingResponse(
            _server_sent(desk, call_id, last_event_id, closing),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @routes.get("/healthz", response_model=Health, summary="Is the server there?")
    async def health() -> Response:
        return _answer({"status": "draining" if desk.draining else "ok"})

    @routes.get(
        "/metrics",
        responses={
            **_errors(_UNAUTHORIZED, HTTPStatus.FORBIDDEN),
            200: {"content": {"text/plain": {}}, "description": "Prometheus' text format"},
        },
        response_class=Response,
        summary="Counters",
    )
    async def counters() -> Response:
        return Response(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes


async def _parsed(request: Request) -> CallCreate:
    """Parsed here and not by the framework: its JSON takes half a surrogate pair for text, which no database does."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        # More than pedantry: a foreign web page can send other kinds to this machine without asking first.
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
    try:
        return CallCreate.model_validate_json(await read_body(request))
    except ValidationError as error:
        raise refused_field(error) from error


def _checked(wish: CallCreate, own_number: str | None, key: ApiKey | None) -> CallRequest:
    caller = wish.from_ or own_number
    if caller is None:
        raise Refused("missing_field", "no number to call from: give `from`, or set TWILIO_PHONE_NUMBER", field="from")
    from_ = _number("from", caller, None)
    return CallRequest(
        to=_number("to", wish.to, from_),
        from_=from_,
        task=wish.task,
        engine=wish.engine,
        max_cost_usd=wish.max_cost_usd,
        max_hold_minutes=wish.max_hold_minutes,
        metadata=wish.metadata,
        disclosure=wish.disclosure,
        time_zone=_zone(wish.time_zone),
        menu_path=tuple(wish.menu_path),
        voicemail=wish.voicemail,
        outcome_schema=wish.outcome_schema,
        agent=wish.agent,
        webhook_url=wish.webhook_url,
        call_back_minutes=wish.call_back_minutes,
        human=_human(wish.human, from_),
        key=key,
    )


def _human(wish: HumanWish | None, from_: str) -> Human | None:
    if wish is None:
        return None
    said = {name: value for name, value in (("name", wish.name), ("whisper", wish.whisper)) if value is not None}
    return Human(number=_number("human", wish.number, from_), when=wish.when, agent=wish.agent, **said)


def _number(field: str, text: str, caller: str | None) -> str:
    try:
        return dialable(text, caller)
    except NumberRefused as error:
        raise Refused(error.code, str(error), field=field) from error


def _zone(name: str | None) -> str | None:
    try:
        return zone(name).key if name is not None else None
    except NoZone as error:
        raise Refused("unknown_time_zone", str(error), field="time_zone") from error


async def _server_sent(desk: Desk, call_id: str, after: int, closing: asyncio.Event) -> AsyncIterator[bytes]:
    """The notes as server-sent events, with a comment whenever there was nothing to say for a while."""
    notes = desk.notes(call_id, after)
    down = asyncio.create_task(closing.wait(), name="event stream: server going down")
    coming: asyncio.Task[tuple[int, str, bytes]] | None = None
    try:
        while not closing.is_set():
            if coming is None:
                coming = asyncio.create_task(_next(notes), name="event stream: next note")
            done, _ = await asyncio.wait({coming, down}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
            if coming in done:
                try:
                    number, kind, data = coming.result()
                except StopAsyncIteration:
                    return
                finally:
                    coming = None
                yield b"id: %d\nevent: %s\ndata: %s\n\n" % (number, kind.encode(), data)
            elif not done:
                yield b": still here\n\n"
    finally:
        for task in (coming, down):
            if task is not None:
                task.cancel()
        await asyncio.wait({task for task in (coming, down) if task is not None})
        if isinstance(notes, AsyncGenerator):
            await notes.aclose()


async def _next(notes: AsyncIterator[tuple[int, str, bytes]]) -> tuple[int, str, bytes]:
    return await anext(notes)


def _answer(content: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(_json(content), status, media_type="application/json")


def _no_such_call() -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, "no such call")
