"""Twilio's REST interface as far as calls need it: a small ASGI app over the simulator's calls."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from outwait.sim.twilio_call import TwilioCall

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_PATH = re.compile(r"^/2010-04-01/Accounts/(?P<account>[^/]+)/Calls(?:/(?P<sid>CA[0-9a-f]{32}))?\.json$")
_NUMBER = re.compile(r"^\+[1-9]\d{6,14}$")


@dataclass
class RestRequest:
    """One request as it came.

    at
        wall seconds
    status
        what was answered; 0 = no answer
    """

    method: str
    path: str
    form: dict[str, str]
    at: float
    status: int = 0


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: dict[str, Any]


class Exchange(Protocol):
    """What the REST app needs of the simulator."""

    account_sid: str
    auth_token: str
    calls: dict[str, TwilioCall]
    requests: list[RestRequest]

    def now(self) -> float:
        """Wall seconds."""

    def next_failure(self, kind: str) -> int | None:
        """The HTTP status to fail the next request of this kind with (0 = no answer); None = let it pass."""

    def dial(self, form: dict[str, str], events: frozenset[str]) -> TwilioCall:
        """Place a call."""

    def update(self, call: TwilioCall, form: dict[str, str]) -> None:
        """Carry out an update of a live call."""


class RestApp:
    """The ASGI app."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        pairs = parse_qsl(body.decode(), keep_blank_values=True)
        request = RestRequest(scope["method"], scope["path"], dict(pairs), self._exchange.now())
        self._exchange.requests.append(request)
        answer = self._answer(request, pairs, dict(scope["headers"]), parse_qsl(scope["query_string"].decode()))
        if answer is None:
            await asyncio.Event().wait()  # no answer at all: until the client gives up
            return
        request.status = answer.status
        content = json.dumps(answer.body).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(
        self,
        request: RestRequest,
        pairs: list[tuple[str, str]],
        headers: dict[bytes, bytes],
        query: list[tuple[str, str]],
    ) -> Answer | None:
        exchange = self._exchange
        wanted = base64.b64encode(f"{exchange.account_sid}:{exchange.auth_token}".encode())
        if headers.get(b"authorization", b"").removeprefix(b"Basic ") != wanted:
            return _error(401, 20003, "Authenticate")
        path = _PATH.match(request.path)
        if path is None or path["account"] != exchange.account_sid:
            return _error(404, 20404, f"The requested resource {request.path} was not found")
        if path["sid"] is None:
            if request.method == "POST":
                return self._create(request, frozenset(v for k, v in pairs if k == "StatusCallbackEvent"))
            return self._list(dict(query))
        call = exchange.calls.get(path["sid"])
        if call is None:
            return _error(404, 20404, f"The requested resource {request.path} was not found")
        return self._update(call, request) if request.method == "POST" else Answer(200, call.resource())

    def _create(self, request: RestRequest, events: frozenset[str]) -> Answer | None:
        if (status := self._exchange.next_failure("create")) is not None:
            return _failure(status)
        form = request.form
        if not _NUMBER.match(form.get("To", "")):
            return _error(400, 21211, f"The 'To' number {form.get('To')} is not a valid phone number.")
        if not _NUMBER.match(form.get("From", "")):
            return _error(400, 21212, f"The 'From' number {form.get('From')} is not a valid phone number.")
        if not form.get("Url") and not form.get("Twiml"):
            return _error(400, 21205, "Url parameter is required.")
        if unknown := events - {"initiated", "ringing", "answered", "completed"}:
            return _error(400, 21626, f"Invalid statusCallbackEvents: {', '.join(sorted(unknown))}")
        return Answer(201, self._exchange.dial(form, events or frozenset({"completed"})).resource())

    def _list(self, query: dict[str, str]) -> Answer:
        wanted = {name: query[name.capitalize()] for name in ("to", "from", "status") if name.capitalize() in query}
        every = [call.resource() for call in self._exchange.calls.values()]
        found = [shown for shown in every if wanted.items() <= shown.items()]
        return Answer(200, {"calls": found, "page": 0, "page_size": 50, "next_page_uri": None})

    def _update(self, call: TwilioCall, request: RestRequest) -> Answer | None:
        form = request.form
        if form.get("Status") == "completed":
            call.completed_requests += 1
            call.completed_at.append(self._exchange.now())
            call.media_at_completed.append(call.media_seconds)
            live = [record.line for record in call.streams if not record.ended]
            call.unheard_at_completed.append(sum(line.queued_seconds for line in live))
            if (status := self._exchange.next_failure("complete")) is not None:
                return _failure(status)
        if call.over:
            return _error(404, 20404, f"The requested resource {request.path} was not found")
        if form.get("Status") not in (None, "completed", "canceled"):
            return _error(400, 20001, f"Status {form['Status']} is not valid")
        if ("Twiml" in form or "Url" in form) and call.status != "in-progress":
            return _error(400, 21220, "Call is not in-progress. Cannot redirect.")
        self._exchange.update(call, form)
        return Answer(200, call.resource())


def _error(status: int, code: int, message: str) -> Answer:
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return Answer(status, body)


def _failure(status: int) -> Answer | None:
    if status == 0:
        return None
    code = {429: 20429, 401: 20003}.get(status, 20500)
    return _error(status, code, "Too Many Requests" if status == 429 else "An internal server error has occurred")
