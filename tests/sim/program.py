"""A program on the carrier's other side, in memory: webhooks and media are functions, REST goes to the ASGI app."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import parse_qsl

import httpx2

from outwait.sim.hearing import Hearing
from outwait.sim.scenario import parse
from outwait.sim.twilio import TwilioSim
from outwait.sim.twilio_call import TwilioCall
from outwait.sim.world import asgi_connect, at_life_pace, run_virtual

BASE = "http://program.test"
STREAM = '<Connect><Stream url="ws://127.0.0.1/media"><Parameter name="token" value="t"/></Stream></Connect>'
TALK = "{ ring = 2 }, { say = 'Hello?' }, { pause = 60 }"
ALL = ["initiated", "ringing", "answered", "completed"]


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The test runs in virtual time."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        run_virtual(test(*args, **kwargs))

    del run.__wrapped__  # type: ignore[attr-defined]  # pytest would take it for a coroutine function
    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    return run


class Media:
    """The program's side of one media socket."""

    def __init__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.start: dict[str, Any] = {}
        self.frames = 0
        self._receive, self._send = receive, send

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """All messages after the opening, until the socket is gone."""
        while (message := await self._receive())["type"] != "websocket.disconnect":
            data = json.loads(message["text"])
            if data["event"] == "start":
                self.start = data["start"]
            elif data["event"] != "connected":
                self.frames += data["event"] == "media"
                yield data

    async def say(self, event: str, **body: Any) -> None:
        message = {"event": event, "streamSid": self.start["streamSid"], **body}
        await self._send({"type": "websocket.send", "text": json.dumps(message)})

    async def close(self) -> None:
        await self._send({"type": "websocket.close", "code": 1000})


class Program:
    """`twiml`: what the voice webhook answers, a text or (status, text), in turn; the last one stays."""

    def __init__(
        self, sim: TwilioSim, twiml: list[str | tuple[int, str]], media: Callable[[Media], Awaitable[None]]
    ) -> None:
        self.sim = sim
        self.twiml = twiml
        self.media = media
        self.sockets: list[Media] = []
        self.received: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.rest = httpx2.AsyncClient(transport=httpx2.ASGITransport(sim.app), base_url="http://api.test")

    @property
    def callbacks(self) -> list[dict[str, str]]:
        return [form for path, form, _ in self.received if path == "/status"]

    async def create(self, auth: tuple[str, str] | None = None, **form: Any) -> httpx2.Response:
        base = {
            "To": "+12025550143",
            "From": "+12025550199",
            "Url": f"{BASE}/voice",
            "StatusCallback": f"{BASE}/status",
        }
        return await self._post("Calls.json", {**base, "StatusCallbackEvent": ALL, **form}, auth)

    async def dial(self, **form: Any) -> TwilioCall:
        answer = await self.create(**form)
        assert answer.status_code == 201, answer.text
        return self.sim.calls[answer.json()["sid"]]

    async def update(self, call: TwilioCall, **form: Any) -> httpx2.Response:
        return await self._post(f"Calls/{call.sid}.json", form, None)

    async def get(self, what: str) -> httpx2.Response:
        return await self.rest.get(f"/2010-04-01/Accounts/{self.sim.account_sid}/{what}", auth=self._auth)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            socket = Media(scope, receive, send)
            self.sockets.append(socket)
            await self.media(socket)
            return
        form = dict(parse_qsl((await receive())["body"].decode()))
        path = scope["path"] + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        self.received.append((path, form, {name.decode(): value.decode() for name, value in scope["headers"]}))
        answer: str | tuple[int, str] = ""
        if "/status" not in path:
            answer = self.twiml.pop(0) if len(self.twiml) > 1 else self.twiml[0]
        status, text = answer if isinstance(answer, tuple) else (200, answer)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": f"<Response>{text}</Response>".encode()})

    @property
    def _auth(self) -> tuple[str, str]:
        return self.sim.account_sid, self.sim.auth_token

    async def _post(self, what: str, form: dict[str, Any], auth: tuple[str, str] | None) -> httpx2.Response:
        url = f"/2010-04-01/Accounts/{self.sim.account_sid}/{what}"
        return await self.rest.post(url, data=form, auth=auth or self._auth)


async def listen(media: Media) -> None:
    """Take everything and say nothing."""
    async for _ in media.messages():
        pass


@contextlib.asynccontextmanager
async def carrier(
    steps: str = TALK,
    twiml: list[str | tuple[int, str]] | None = None,
    media: Callable[[Media], Awaitable[None]] = listen,
    rest: str = "",
    webhook: Callable[[], Awaitable[object]] | None = None,
) -> AsyncIterator[Program]:
    """The carrier with a program; everything in memory."""
    scenario = at_life_pace(parse(f"about = 'x'\nsteps = [{steps}]\n{rest}", "x"))
    async with asyncio.TaskGroup() as tasks:
        programs: list[Program] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if webhook is not None and scope.get("path") == "/voice":
                await webhook()
            await programs[0].app(scope, receive, send)

        http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app))
        async with http, TwilioSim(scenario, Hearing(), http=http, connect=asgi_connect(app, tasks)) as sim:
            programs.append(Program(sim, twiml or [STREAM], media))
            async with programs[0].rest:
                yield programs[0]
