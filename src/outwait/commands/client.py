"""The HTTP API from the outside: places a call on a running server and follows it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import msgspec
from rich.console import Console
from rich.live import Live

from outwait.call.notes import AnyNote, Ended
from outwait.commands.show import StatusLine, hanging, summary, told
from outwait.errors import OutwaitError

TIMEOUT = httpx2.Timeout(30.0, read=60.0)
RETRY_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Wall seconds before each further try to get at the event stream of a call again."""


def run_call(server: str, wish: dict[str, Any], *, follow: bool, as_json: bool) -> int:
    """`outwait call`: the exit status."""
    return asyncio.run(_run_call(server, wish, follow=follow, as_json=as_json))


def read_schema(path: Path) -> dict[str, Any]:
    """A JSON Schema from a file. Raises OutwaitError."""
    try:
        schema = json.loads(path.read_bytes())
    except OSError as error:
        raise OutwaitError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise OutwaitError(f"{path}: not JSON: {error}") from error
    if not isinstance(schema, dict):
        raise OutwaitError(f"{path}: a schema is a JSON object")
    return schema


async def _run_call(server: str, wish: dict[str, Any], *, follow: bool, as_json: bool) -> int:
    async with Client(server, os.environ.get("OUTWAIT_API_KEY")) as client:
        call = await client.place(wish)
        if not follow:
            shown = (
                json.dumps(await client.call(call["id"]), indent=2) if as_json else f"{call['id']}  {call['status']}"
            )
            sys.stdout.write(f"{shown}\n")
            return 0
        console = Console(stderr=as_json)
        await follow_call(client, call["id"], console)
        final = await client.final(call["id"])
        if as_json:
            sys.stdout.write(json.dumps(final, indent=2) + "\n")
        else:
            console.print(*summary(final), sep="\n")
    reason = final["end_reason"]
    if reason["result"] != "success":
        raise OutwaitError(f"the call ended as {reason['result']}: {reason['cause']}")
    return 0


async def follow_call(client: Client, call_id: str, console: Console) -> None:
    """Print a call's notes as they come, with one live line below them, until it has ended."""
    status = StatusLine()
    with Live(status, console=console, refresh_per_second=4, transient=True) as live:
        async for note in client.notes(call_id):
            status.add(note)
            line = told(note)
            if line is not None:
                live.console.print(hanging(line, console) if console.is_terminal else line, soft_wrap=True)


class Client:
    """The HTTP API of a server. Errors are OutwaitError."""

    def __init__(self, server: str, key: str | None = None) -> None:
        self.server = server.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http: httpx2.AsyncClient

    async def __aenter__(self) -> Self:
        # A server on this machine is not to be reached through a proxy.
        self._http = httpx2.AsyncClient(headers=self._headers, timeout=TIMEOUT, trust_env=not _is_local(self.server))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def place(self, wish: dict[str, Any]) -> dict[str, Any]:
        """POST /v1/calls."""
        return await self._ask("POST", "/v1/calls", json=wish)

    async def call(self, call_id: str) -> dict[str, Any]:
        """GET /v1/calls/{id}."""
        return await self._ask("GET", f"/v1/calls/{call_id}")

    async def hang_up(self, call_id: str) -> None:
        """POST /v1/calls/{id}/hangup."""
        await self._ask("POST", f"/v1/calls/{call_id}/hangup")

    async def final(self, call_id: str, patience: float = 20.0) -> dict[str, Any]:
        """The call object once nothing of it changes any more."""
        call = await self.call(call_id)
        while call["ended_at"] is None and patience > 0:
            await asyncio.sleep(0.25)
            patience -= 0.25
            call = await self.call(call_id)
        return call

    async def notes(self, call_id: str) -> AsyncIterator[AnyNote]:
        """All notes of a call, from the first to `ended`. A lost connection is taken up again where it broke."""
        after, tries = 0, 0
        while True:
            try:
                async for number, note in self._stream(call_id, after):
                    after, tries = number, 0
                    if note is not None:
                        yield note
                    if isinstance(note, Ended):
                        return
            except httpx2.TransportError as error:
                if tries == len(RETRY_DELAYS):
                    raise OutwaitError(f"lost the server at {self.server}: {_words(error)}") from error
            if tries == len(RETRY_DELAYS):
                raise OutwaitError(f"the events of call {call_id} stopped before its end")
            await asyncio.sleep(RETRY_DELAYS[tries])
            tries += 1

    async def _stream(self, call_id: str, after: int) -> AsyncIterator[tuple[int, AnyNote | None]]:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": str(after)} if after else {})
        url = f"{self.server}/v1/calls/{call_id}/events"
        async with self._http.stream("GET", url, headers=headers) as response:
            if response.status_code >= 400:
                await response.aread()
                raise _refusal(response)
            number, kind, data = after, "", ""
            async for line in response.aiter_lines():
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if name == "event" and line:
                    kind = value
                elif name == "id" and line:
                    number = int(value)
                elif name == "data" and line:
                    data += value
                elif not line and data:
                    yield number, _note(kind, data)
                    kind = data = ""

    async def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, self.server + path, **more)
        except (httpx2.TransportError, httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise OutwaitError(
                f"no server at {self.server} ({_words(error)}); start one with: outwait serve"
            ) from error
        if response.status_code >= 400:
            raise _refusal(response)
        try:
            answer = response.json()
        except ValueError as error:
            raise OutwaitError(f"what answers at {self.server} is not Outwait") from error
        return answer if isinstance(answer, dict) else {}


def _note(kind: str, data: str) -> AnyNote | None:
    """None for a kind that this version does not know: the server may be newer."""
    try:
        note: AnyNote = msgspec.convert(msgspec.json.decode(data) | {"kind": kind}, AnyNote)
        return note
    except (msgspec.ValidationError, msgspec.DecodeError, TypeError):
        return None


def _refusal(response: httpx2.Response) -> OutwaitError:
    try:
        error = response.json()["error"]
        where = f" ({error['field']})" if error.get("field") else ""
        return OutwaitError(f"refused, {error['code']}: {error['message']}{where}")
    except (ValueError, KeyError, TypeError, AttributeError):
        return OutwaitError(f"the server answered {response.status_code} {response.reason_phrase}")


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _is_local(server: str) -> bool:
    return any(f"//{host}" in server for host in ("127.0.0.1", "localhost", "[::1]"))
