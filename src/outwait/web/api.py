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
from pydantic import ValidationError, WithJsonSchema
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


class Api:
    """What can be asked of the server over HTTP."""

    def __init__(self, desk: Desk, metrics: Metrics, own_number: str | None, closing: asyncio.Event) -> None:
        """
        own_number
            what calls come from unless they say otherwise, E.164
        closing
            set when the server goes down: ends the event streams, which would never end by themselves
        """
        self._desk = desk
        self._metrics = metrics
        self._own_number = own_number
        self._closing = closing

    def router(self) -> APIRouter:
        """All routes of the API."""
        routes = APIRouter()
        routes.add_api_route("/v1/calls", self.place, methods=["POST"], **_PLACE)
        routes.add_api_route("/v1/calls", self.page, methods=["GET"], **_PAGE)
        routes.add_api_route("/v1/calls/{call_id}", self.look, methods=["GET"], **_LOOK)
        routes.add_api_route("/v1/calls/{call_id}/hangup", self.hang_up, methods=["POST"], **_HANG_UP)
        routes.add_api_route("/v1/calls/{call_id}/events", self.events, methods=["GET"], **_EVENTS)
        routes.add_api_route("/healthz", self.health, methods=["GET"], **_HEALTH)
        routes.add_api_route("/metrics", self.counters, methods=["GET"], **_COUNTERS)
        return routes

    async def place(
        self,
        request: Request,
        idempotency_key: Annotated[
            str | None, Header(min_length=1, max_length=MAX_KEY, pattern=r"^[!-~]+$"), _KEY
        ] = None,
    ) -> Response:
        """Answers once the call is stored; dialling follows. The same `Idempotency-Key` within a day gives the same
        call."""
        if self._desk.draining:
            raise Refused("draining", "the server is going down and takes no new calls", status=_UNAVAILABLE)
        wish = _checked(await _parsed(request), self._own_number, request.scope.get(CALLER))
        row = await self._desk.place(wish, idempotency_key)
        log.info("call placed", call=row.id, to=masked(wish.to), key=wish.key.name if wish.key is not None else None)
        return _answer({"id": row.id, "status": row.record.get("status", "queued")}, HTTPStatus.CREATED)

    async def page(
        self,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=200, description="`next` of the page before"), _TEXT] = None,
    ) -> Response:
        try:
            calls, following = await self._desk.page(limit, cursor)
        except ValueError as error:
            raise Refused("invalid_cursor", str(error), field="cursor") from error
        return _answer({"calls": calls, "next": following})

    async def look(self, call_id: str) -> Response:
        call = await self._desk.get(call_id)
        if call is None:
            raise _no_such_call()
        return _answer(call)

    async def hang_up(self, call_id: str) -> Response:
        try:
            live = await self._desk.hang_up(call_id)
        except KeyError:
            raise _no_such_call() from None
        if not live:
            raise Refused("already_ended", "the call has ended", status=HTTPStatus.CONFLICT)
        return _answer({"id": call_id}, HTTPStatus.ACCEPTED)

    async def events(self, call_id: str, last_event_id: Annotated[int, Header(ge=0, le=2**31 - 1)] = 0) -> Response:
        """Every event from the first on, or from after `Last-Event-ID`, then live."""
        if await self._desk.get(call_id) is None:
            raise _no_such_call()
        return StreamingResponse(
            _server_sent(self._desk, call_id, last_event_id, self._closing),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def health(self) -> Response:
        return _answer({"status": "draining" if self._desk.draining else "ok"})

    async def counters(self) -> Response:
        counted = generate_latest(self._metrics.registry)
        return Response(counted, media_type="text/plain; version=0.0.4; charset=utf-8")


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


# --- how each is described in /openapi.json, with the errors it may answer with -------------------------------------


def _errors(*statuses: HTTPStatus) -> _Errors:
    return {int(status): {"model": ErrorBody, "description": status.phrase} for status in statuses}


_UNAUTHORIZED, _UNKNOWN, _INVALID = HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY
_UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE

_PLACE: dict[str, Any] = {
    "summary": "Place a call",
    "status_code": HTTPStatus.CREATED,
    "response_model": CallCreated,
    "responses": _errors(
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
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": CallCreate.model_json_schema()}},
        }
    },
}
_PAGE: dict[str, Any] = {
    "summary": "List calls, newest first",
    "response_model": CallPage,
    "responses": _errors(_UNAUTHORIZED, HTTPStatus.FORBIDDEN, _INVALID, _UNAVAILABLE),
}
_LOOK: dict[str, Any] = {
    "summary": "Look at a call",
    "response_model": CallObject,
    "responses": _errors(_UNAUTHORIZED, HTTPStatus.FORBIDDEN, _UNKNOWN, _UNAVAILABLE),
}
_HANG_UP: dict[str, Any] = {
    "summary": "End a call",
    "status_code": HTTPStatus.ACCEPTED,
    "response_model": HangUpAccepted,
    "responses": _errors(_UNAUTHORIZED, HTTPStatus.FORBIDDEN, _UNKNOWN, HTTPStatus.CONFLICT, _UNAVAILABLE),
}
_EVENTS: dict[str, Any] = {
    "summary": "Follow a call",
    "response_class": StreamingResponse,
    "responses": {
        **_errors(_UNAUTHORIZED, HTTPStatus.FORBIDDEN, _UNKNOWN, _INVALID, _UNAVAILABLE),
        200: {"content": {"text/event-stream": {}}, "description": "Server-sent events; the last one is `ended`"},
    },
}
_HEALTH: dict[str, Any] = {"summary": "Is the server there?", "response_model": Health}
_COUNTERS: dict[str, Any] = {
    "summary": "Counters",
    "response_class": Response,
    "responses": {
        **_errors(_UNAUTHORIZED, HTTPStatus.FORBIDDEN),
        200: {"content": {"text/plain": {}}, "description": "Prometheus' text format"},
    },
}
