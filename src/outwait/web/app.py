"""One ASGI application: API and webhooks by FastAPI, the media socket beside them, all below the public prefix."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from outwait.carriers.twilio.urls import Urls
from outwait.config import ConfigError, Settings
from outwait.house.desk import Desk
from outwait.plugins import Application, Kit
from outwait.web import api, errors
from outwait.web.access import Access
from outwait.web.media import MediaSocket, refuse
from outwait.web.metrics import Metrics
from outwait.web.webhooks import Webhooks

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_ROOTS = ("/v1/", "/twilio/", "/healthz", "/metrics", "/openapi.json")


def build(
    desk: Desk,
    settings: Settings,
    public_url: str,
    *,
    registry: CollectorRegistry | None = None,
    closing: asyncio.Event | None = None,
    kit: Kit | None = None,
) -> App:
    """The application.

    public_url
        what the carrier reaches: that of the settings, or the address of the listening socket
    registry
        where counters go; a fresh one when absent
    closing
        to be set when the server goes down; ends the event streams
    kit
        another carrier than Twilio
    """
    urls = Urls.of(public_url)
    metrics = Metrics(registry)
    http = FastAPI(
        title="Outwait",
        version=version("outwait"),
        description="AI phone calls that ride out long holds.",
        docs_url=None,  # both would have the browser fetch their scripts from somewhere else
        redoc_url=None,
    )
    own_number = settings.twilio_phone_number if kit is None else kit.number
    router = api.Api(desk, metrics, own_number, closing or asyncio.Event()).router()
    if kit is None:
        auth_token = _auth_token(settings)
        router.routes.extend(Webhooks(desk, urls, auth_token, metrics).routes())
        media: Application = MediaSocket(desk, urls, auth_token, metrics)
    else:
        media = kit.application(desk, public_url)
    errors.install(http, router.routes)
    http.include_router(router)
    key = settings.api_key.get_secret_value() if settings.api_key is not None else None
    if key is not None:
        _describe_key(http)
    ours = f"/{settings.carrier}/" if kit is not None else None
    return App(http, media, Access(key, desk.bearer), urls.prefix, metrics, ours)


def _auth_token(settings: Settings) -> str:
    if settings.twilio_auth_token is None:
        raise ConfigError("TWILIO_AUTH_TOKEN not set: nothing that claims to be the carrier could be trusted")
    return settings.twilio_auth_token.get_secret_value()


class App:
    """Sorts what comes in. Made by `build`."""

    def __init__(
        self, http: FastAPI, media: Application, access: Access, prefix: str, metrics: Metrics, theirs: str | None
    ) -> None:
        """`media`: Twilio's socket, or all of another carrier's addresses, which are below `theirs`."""
        self.http = http
        self._theirs = theirs
        self._roots = _ROOTS if theirs is None else (*_ROOTS, theirs)
        self._media = media
        self._access = access
        self._prefix = prefix
        self._metrics = metrics

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.http(scope, receive, send)
            return
        path = self._enter(scope)
        if self._theirs is not None and path.startswith(self._theirs):
            await self._media(dict(scope, path=path, root_path=""), receive, send)
            return
        if scope["type"] == "websocket":
            await self._websocket(path, scope, receive, send)
        else:
            await self._request(path, scope, receive, send)

    async def _websocket(self, path: str, scope: Message, receive: Receive, send: Send) -> None:
        if path.rstrip("/") == "/twilio/media" and self._theirs is None:
            await self._media(scope, receive, send)
        elif (await receive())["type"] == "websocket.connect":
            await refuse(scope, send, HTTPStatus.NOT_FOUND)

    async def _request(self, path: str, scope: Message, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.requests.labels(scope["method"], message["status"]).inc()
            await send(message)

        refusal = await self._access.refusal(path, scope)
        await (refusal or self.http)(scope, receive, counted)

    def _enter(self, scope: Message) -> str:
        """The path without the public prefix, which some proxies leave on and others take off."""
        path: str = scope["path"]
        inner = path.removeprefix(self._prefix)
        if self._prefix and inner != path and inner.startswith(self._roots):
            scope["root_path"] = self._prefix
            return inner
        return path


def _describe_key(http: FastAPI) -> None:
    """Say in the API's description that it wants a key; `Access` is what asks for it."""
    schema = http.openapi()
    schema.setdefault("components", {})["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{"key": []}]
    schema["paths"]["/healthz"]["get"]["security"] = []
