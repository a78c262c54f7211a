"""One shape for every error: `{"error": {"code", "message", "field"?}}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match

from outwait.house.desk import Refused
from outwait.store.base import StoreError

log = structlog.get_logger(__name__)


class ErrorDetail(BaseModel):
    """What was wrong."""

    code: str
    # a stable word
    message: str
    # a sentence
    field: str | None = None
    # of the request, when one is to blame


class ErrorBody(BaseModel):
    """Every error looks like this."""

    error: ErrorDetail


def error_response(
    status: int, code: str, message: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """An error in the one shape."""
    detail = {"code": code, "message": message} | ({"field": field} if field else {})
    return JSONResponse({"error": detail}, status, dict(headers or {}))


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Give every error that can come out of these routes the one shape."""
    app.state.routes_with_methods = routes
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(StoreError, _no_store)
    app.add_exception_handler(Exception, _bug)


def refused_field(error: ValidationError) -> Refused:
    """What pydantic found first, in the contract's form."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or None
    code = {
        "missing": "missing_field",
        "extra_forbidden": "unknown_field",
        "json_invalid": "invalid_json",
    }.get(first["type"], "invalid_value")
    return Refused(code, first["msg"], field=field)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    headers = {"Retry-After": "5"} if error.status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return error_response(error.status, error.code, error.message, error.field, headers)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:]) or None
    return error_response(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_value", str(first["msg"]), field)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return error_response(status, status.name.lower(), error.detail or status.phrase, headers=headers)


def _methods(request: Request) -> set[str]:
    """All methods of a path; the router, which has a route for each, names only those of the first."""
    found: set[str] = set()
    for route in request.app.state.routes_with_methods:
        if route.matches(request.scope)[0] != Match.NONE:
            found |= set(getattr(route, "methods", None) or ())
    return found


async def _no_store(_request: Request, error: Exception) -> Response:
    log.error("store failed", error=str(error))
    return error_response(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "store_unavailable",
        "the call log can't be read or written just now",
        headers={"Retry-After": "5"},
    )


async def _bug(_request: Request, _error: Exception) -> Response:
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "a fault in the server; it is logged")
