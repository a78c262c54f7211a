"""A naive program between the two simulators, on raw sockets: enough to show that they play a call together.

It relays, obeys the two tools, closes the model's session on `wait_on_hold` and opens the next one when it is
told that a person is back: no ear, no policy. Its only purpose is to exercise the simulators.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

import httpx2
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from outwait.sim.serving import serve_http


class Bridge:
    """`async with Bridge(environment, task) as bridge: await bridge.dial(to)`."""

    def __init__(self, environment: Mapping[str, str], task: str, human_back: Callable[[], bool]) -> None:
        self.env = environment
        self.task = task
        self.human_back = human_back  # the world tells the bridge, which has no ear
        self.webhooks: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.upgrades: list[tuple[str, dict[str, str]]] = []
        self.callbacks: list[dict[str, str]] = []
        self.history: list[tuple[str, str]] = []
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Bridge:
        self.port = await self._stack.enter_async_context(serve_http(self._http, 0))
        media = await self._stack.enter_async_context(serve(self._media, "127.0.0.1", 0, compression=None))
        self.media_port = next(iter(media.sockets)).getsockname()[1]
        self.client = await self._stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    @property
    def account(self) -> str:
        return f"{self.env['OUTWAIT_TWILIO_BASE_URL']}/2010-04-01/Accounts/{self.env['TWILIO_ACCOUNT_SID']}"

    @property
    def auth(self) -> tuple[str, str]:
        return self.env["TWILIO_ACCOUNT_SID"], self.env["TWILIO_AUTH_TOKEN"]

    async def dial(self, to: str) -> str:
        form = {
            "To": to,
            "From": self.env["TWILIO_PHONE_NUMBER"],
            "Url": f"http://127.0.0.1:{self.port}/voice",
            "StatusCallback": f"http://127.0.0.1:{self.port}/status",
            "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        }
        answer = await self.client.post(f"{self.account}/Calls.json", data=form, auth=self.auth)
        assert answer.status_code == 201, answer.text
        self.sid = str(answer.json()["sid"])
        return self.sid

    async def _http(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        body = (await receive())["body"]
        form = dict(parse_qsl(body.decode()))
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.webhooks.append((scope["path"], form, headers))
        if scope["path"] == "/status":
            self.callbacks.append(form)
        stream = (
            f'<Connect><Stream url="ws://127.0.0.1:{self.media_port}/media"><Parameter name="a" value="b"/></Stream>'
        )
        text = f"<Response>{stream}</Connect><Redirect>/voice</Redirect></Response>".encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/xml")]})
        await send({"type": "http.response.body", "body": text})

    async def _media(self, socket: ServerConnection) -> None:
        self.upgrades.append((f"ws://127.0.0.1:{self.media_port}{socket.request.path}", dict(socket.request.headers)))
        assert json.loads(await socket.recv())["event"] == "connected"
        self.stream = json.loads(await socket.recv())["streamSid"]
        self.socket, self.model = socket, None
        await self._open_model()
        try:
            async for text in socket:
                message = json.loads(text)
                match message["event"]:
                    case "media":
                        payload = message["media"]["payload"]
                        if self.model is None and self.human_back():
                            await self._open_model()
                        if self.model is not None:
                            await self._tell({"type": "input_audio_buffer.append", "audio": payload})
                    case "mark" if message["mark"]["name"] == "goodbye":
                        await self.client.post(
                            f"{self.account}/Calls/{self.sid}.json", data={"Status": "completed"}, auth=self.auth
                        )
                    case "stop":
                        break
        except ConnectionClosed:
            pass
        await self._close_model()

    async def _open_model(self) -> None:
        url = self.env["OPENAI_BASE_URL"].replace("http", "ws", 1) + "/realtime?model=gpt-realtime-2.1"
        headers = {"Authorization": f"Bearer {self.env['OPENAI_API_KEY']}"}
        self.model = await connect(url, additional_headers=headers, proxy=None)
        assert json.loads(await self.model.recv())["type"] == "session.created"
        pcmu = {"type": "audio/pcmu"}
        tools = [{"type": "function", "name": n, "parameters": {}} for n in ("hangup_call", "wait_on_hold")]
        audio = {"input": {"format": pcmu, "transcription": {"model": "gpt-transcribe"}}, "output": {"format": pcmu}}
        session = {"type": "realtime", "instructions": f"Task: {self.task}", "tools": tools, "audio": audio}
        await self._tell({"type": "session.update", "session": session})
        if self.history:
            text = "You were on hold. " + " ".join(f"{role}: {words}" for role, words in self.history)
            item = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": text}]}
            await self._tell({"type": "conversation.item.create", "item": item})
        self.listener = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in self.model:
                event = json.loads(text)
                match event["type"]:
                    case "response.output_audio.delta":
                        await self._say({"event": "media", "media": {"payload": event["delta"]}})
                    case "input_audio_buffer.speech_started":
                        await self._say({"event": "clear"})
                    case "response.output_audio_transcript.done":
                        self.history.append(("agent", event["transcript"]))
                    case "conversation.item.input_audio_transcription.completed":
                        self.history.append(("human", event["transcript"]))
                    case "response.done":
                        for item in event["response"]["output"]:
                            if item.get("name") == "hangup_call":
                                await self._say({"event": "mark", "mark": {"name": "goodbye"}})
                            elif item.get("name") == "wait_on_hold":
                                self.parked = asyncio.create_task(self._close_model())

    async def _close_model(self) -> None:
        if self.model is not None:
            model, self.model = self.model, None
            await model.close()
            await self.listener

    async def _tell(self, event: dict[str, object]) -> None:
        if self.model is not None:
            with contextlib.suppress(ConnectionClosed):
                await self.model.send(json.dumps(event))

    async def _say(self, message: dict[str, object]) -> None:
        with contextlib.suppress(ConnectionClosed):
            await self.socket.send(json.dumps({**message, "streamSid": self.stream}))
