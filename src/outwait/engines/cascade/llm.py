"""The language model: the conversation in, words and tool calls out as they are written."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2
import msgspec

from outwait.call.events import Trouble
from outwait.engines.cascade.steps import Tokens
from outwait.engines.cascade.wire import Failed, Service, Wires, asked, refusal


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of what it says."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call, complete."""

    call_id: str
    name: str
    arguments: str  # JSON text, unchecked


@dataclass(frozen=True, slots=True)
class Finished:
    """Always the last."""

    tokens: Tokens | None  # None: it does not say
    whole: bool  # False: it was cut off by a limit or a filter


class Writer(Protocol):
    """Answers."""

    def write(
        self, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, object]]
    ) -> AsyncGenerator[Words | ToolCall | Finished, None]:
        """Raises Failed."""


class OpenAIWriter:
    """`POST /chat/completions`, streamed, with tools: what Ollama, llama.cpp, vLLM and most vendors speak, too."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.model = service.model
        self.secure = service.secure

    async def open(self, wires: Wires) -> Writer:
        """Raises Failed."""
        return self.on(await wires.reach(self.service))

    def on(self, http: httpx2.AsyncClient) -> Writer:
        """With these connections."""
        return _Completions(self.service, http)


class _Completions:
    def __init__(self, service: Service, http: httpx2.AsyncClient) -> None:
        self._service = service
        self._http = http

    async def write(
        self, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, object]]
    ) -> AsyncGenerator[Words | ToolCall | Finished, None]:
        wish: dict[str, Any] = {
            "model": self._service.model,
            "messages": list(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if tools:
            wish["tools"] = [chat_tool(tool) for tool in tools]
        calls = Calls()
        tokens: Tokens | None = None
        finish = ""
        async with asked(self._http, self._service, "POST", "/chat/completions", json=wish) as response:
            async for line in response.aiter_lines():
                data = line.removeprefix("data:").strip()
                if not line.startswith("data:") or not data:
                    continue  # a comment that keeps the connection alive, or the end of an event
                if data == "[DONE]":
                    break
                chunk = self._read(data)
                tokens = chunk.tokens or tokens
                for choice in chunk.choices[:1]:
                    finish = choice.finish_reason or finish
                    if choice.delta.content:
                        yield Words(choice.delta.content)
                    for part in choice.delta.tool_calls or ():
                        calls.take(part)
        if not finish:
            raise Failed(Trouble.LOST, 200, "/chat/completions: the answer broke off")
        if finish in ("stop", "tool_calls", "function_call"):
            for call in calls.complete():
                yield call
        yield Finished(tokens, finish not in ("length", "content_filter"))

    def _read(self, data: str) -> _Chunk:
        try:
            chunk = msgspec.json.decode(data, type=_Chunk)
        except msgspec.DecodeError as error:
            raise Failed(Trouble.LOST, 200, f"/chat/completions: makes no sense: {error}") from error
        if chunk.error is not None:
            raise refusal(self._service, 503, data.encode())
        return chunk


def chat_tool(tool: dict[str, object]) -> dict[str, object]:
    """A tool as chat completions want it: Realtime's form with one more level."""
    return {"type": "function", "function": {name: value for name, value in tool.items() if name != "type"}}


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class CallPart(msgspec.Struct):
    """A piece of a tool call. Some servers send no `index`, and some the same one for every call."""

    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    tool_calls: list[CallPart] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)
    finish_reason: str | None = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None

    @property
    def tokens(self) -> Tokens | None:
        usage = self.usage
        if usage is None:
            return None
        details = usage.prompt_tokens_details
        cached = details.cached_tokens or 0 if details is not None else 0
        return Tokens(usage.prompt_tokens, min(cached, usage.prompt_tokens), usage.completion_tokens)


@dataclass(slots=True)
class _Call:
    index: int | None
    id: str
    name: str = ""
    arguments: str = ""


class Calls:
    """Puts tool calls together from their pieces."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    def take(self, part: CallPart) -> None:
        call = self._of(part)
        if part.function is not None:
            call.name += part.function.name or ""
            call.arguments += part.function.arguments or ""

    def complete(self) -> list[ToolCall]:
        """All of them. One without a name is none."""
        return [
            ToolCall(call.id or f"call_{number}", call.name, call.arguments or "{}")
            for number, call in enumerate(self._calls, 1)
            if call.name
        ]

    def _of(self, part: CallPart) -> _Call:
        for call in reversed(self._calls):
            same_place = part.index is None or call.index == part.index
            if same_place and (not part.id or part.id == call.id):
                return call
        self._calls.append(_Call(part.index, part.id or ""))
        return self._calls[-1]
