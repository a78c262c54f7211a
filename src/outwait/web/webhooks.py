"""What Twilio asks and tells over HTTP. Nothing is believed, or even looked up, before its signature is checked."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Protocol

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from outwait.call.events import CarrierJudged, LegReported
from outwait.carriers.twilio import messages, signature, twiml
from outwait.carriers.twilio.urls import Urls
from outwait.house.desk import Desk, Refused, call_and_leg
from outwait.web.bodies import parse_form, read_body
from outwait.web.metrics import Metrics

log = structlog.get_logger(__name__)

STATUSES = frozenset(
    {"queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"}
)


class _Handler(Protocol):
    async def __call__(self, call_id: str, form: dict[str, str]) -> Response: ...


class Webhooks:
    """The addresses that Twilio is given."""

    def __init__(self, desk: Desk, urls: Urls, auth_token: str, metrics: Metrics) -> None:
        self._desk = desk
        self._urls = urls
        self._auth_token = auth_token
        self._metrics = metrics

    def routes(self) -> list[Route]:
        """For the application's router."""
        handlers: dict[str, _Handler] = {
            "voice": self._voice,
            "after-stream": self._after_stream,
            "status": self._status,
            "stream-status": self._stream_status,
            "judged": self._judged,
        }
        return (
            [
                Route(f"/twilio/{name}/{{call_id}}", self._signed(handler), methods=["POST"], name=f"twilio-{name}")
                for name, handler in handlers.items()
            ]
            + [Route("/twilio/fallback", self._signed(self._fallback), methods=["POST"], name="twilio-fallback")]
            + [Route("/twilio/incoming", self._signed(self._incoming), methods=["POST"], name="twilio-incoming")]
        )

    async def _voice(self, call_id: str, form: dict[str, str]) -> Response:
        return await self._answer(call_id, form, again=False)

    async def _after_stream(self, call_id: str, form: dict[str, str]) -> Response:
        return await self._answer(call_id, form, again=True)

    async def _fallback(self, call_id: str, form: dict[str, str]) -> Response:
        """Another process of ours did not answer: the leg is ours now. One address serves all calls."""
        call_id = await self._desk.call_of(_wanted(form, "CallSid"))
        return await self._answer(call_id, form, again=True)

    async def _incoming(self, call_id: str, form: dict[str, str]) -> Response:
        """Somebody calls our number. Whoever is waited for is put through, anybody else is not taken."""
        sid = _wanted(form, "CallSid")
        found = await self._desk.called_back(form.get("From", ""), _wanted(form, "To"), sid)
        if found is None:
            return Response(twiml.reject(), media_type=twiml.CONTENT_TYPE)
        token = await self._desk.token(found)
        return Response(twiml.connect(self._urls, found, token), media_type=twiml.CONTENT_TYPE)

    async def _answer(self, call_id: str, form: dict[str, str], *, again: bool) -> Response:
        what = await self._desk.answer(call_id, _wanted(form, "CallSid"), again=again)
        if what == "connect":
            token = await self._desk.token(call_id)
            return Response(twiml.connect(self._urls, call_id, token), media_type=twiml.CONTENT_TYPE)
        if what == "wait":
            return Response(twiml.ask_again(self._urls, call_id), media_type=twiml.CONTENT_TYPE)
        return Response(twiml.hang_up(), media_type=twiml.CONTENT_TYPE)

    async def _status(self, call_id: str, form: dict[str, str]) -> Response:
        status = _wanted(form, "CallStatus")
        if status not in STATUSES:
            raise Refused("invalid_value", "not a call status", field="CallStatus")
        event = LegReported(
            status=status,
            sequence=_whole(form, "SequenceNumber"),
            duration=_whole(form, "CallDuration"),
        )
        await self._desk.report(call_id, event, form.get("CallSid", ""))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _judged(self, call_id: str, form: dict[str, str]) -> Response:
        """Who answered, by Twilio's answering machine detection. What it may say one day counts as unknown."""
        who = messages.ANSWERED_BY.get(_wanted(form, "AnsweredBy"), "unknown")
        await self._desk.report(call_id, CarrierJudged(who), form.get("CallSid", ""))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _stream_status(self, call_id: str, form: dict[str, str]) -> Response:
        """Only told: what happens to a stream is known from its socket."""
        if await self._desk.get(call_and_leg(call_id)[0]) is None:
            raise KeyError(call_id)
        if form.get("StreamEvent") == "stream-error":
            self._metrics.stream_errors.inc()
            log.warning("carrier reports a stream error", call=call_id, error=form.get("StreamError", "")[:200])
        return Response(status_code=HTTPStatus.NO_CONTENT)

    def _signed(self, handler: _Handler) -> Any:
        async def endpoint(request: Request) -> Response:
            body = await read_body(request)
            form = self._verified(request, body)
            try:
                return await handler(request.path_params.get("call_id", ""), dict(form))
            except KeyError:
                raise HTTPException(HTTPStatus.NOT_FOUND, "no such call") from None

        return endpoint

    def _verified(self, request: Request, body: bytes) -> list[tuple[str, str]]:
        """The form, if Twilio signed it over the address that we gave it."""
        given = request.headers.get("x-twilio-signature")
        path = request.scope["raw_path"].decode("latin-1").removeprefix(request.scope.get("root_path", ""))
        query = request.scope["query_string"].decode("latin-1")
        url = self._urls.public + path + (f"?{query}" if query else "")
        if request.headers.get("content-type", "").partition(";")[0].strip() == "application/x-www-form-urlencoded":
            form = parse_form(body)
            genuine = form is not None and signature.verify(self._auth_token, url, given, form)
        elif body:
            form = []
            genuine = signature.verify_body(self._auth_token, url, given, body)
        else:
            form = []
            genuine = signature.verify(self._auth_token, url, given)
        if not genuine:
            self._metrics.unsigned.inc()
            log.warning("webhook refused: its signature is absent or wrong", path=path)
            raise HTTPException(HTTPStatus.FORBIDDEN, "the signature is absent or wrong")
        return form or []


def _wanted(form: dict[str, str], name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise Refused("missing_field", "this field is needed", field=name)
    return value


def _whole(form: dict[str, str], name: str) -> int | None:
    value = form.get(name, "")
    if not value:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= 9):
        raise Refused("invalid_value", "must be a whole number", field=name)
    return int(value)
