"""What we say to Ultravox: the making of a call, and the data messages on its socket."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from outwait.call.commands import SeedItem
from outwait.engines import seeds

RATE = 8000  # samples a second, both ways: the telephone's own, so nothing is resampled
BUFFER_MS = 30_000  # ms of sound that it may be ahead: what is cut off is cleared by a message

_ROLES = {"human": "MESSAGE_ROLE_USER", "agent": "MESSAGE_ROLE_AGENT"}


def make_call(
    model: str,
    voice: str,
    instructions: str,
    seed: Iterable[SeedItem],
    tools: Sequence[Mapping[str, object]],
    max_seconds: float,
) -> bytes:
    """The body that makes a call: the person speaks first."""
    wanted: dict[str, Any] = {
        "systemPrompt": instructions,
        "model": model,
        "maxDuration": f"{max_seconds:g}s",
        "selectedTools": [_tool(tool) for tool in tools],
        "initialMessages": _history(seed),
        "firstSpeakerSettings": {"user": {}},
        "medium": {
            "serverWebSocket": {"inputSampleRate": RATE, "outputSampleRate": RATE, "clientBufferSizeMs": BUFFER_MS}
        },
    }
    if voice:
        wanted["voice"] = voice
    return _json(wanted).encode()


def tool_result(call_id: str, output: str) -> str:
    """What a tool gave. The agent goes on listening: an answer is asked for when it is wanted."""
    return _json(
        {
            "type": "client_tool_result",
            "invocationId": call_id,
            "result": output,
            "agentReaction": "listens",
            "responseType": "tool-response",
        }
    )


def ask(text: str) -> str:
    """Have something said, at the next opportunity."""
    return _json({"type": "user_text_message", "text": instruction(text), "urgency": "soon"})


def interrupt() -> str:
    """Stop what is being said, and say nothing instead."""
    return _json({"type": "user_text_message", "text": "", "urgency": "immediate", "deferResponse": True})


def instruction(text: str) -> str:
    """A text that is no speech of the person."""
    return f"<instruction>{text}</instruction>"


def _history(seed: Iterable[SeedItem]) -> list[dict[str, str]]:
    found = []
    for item in seed:
        if item.kind in ("human", "agent"):
            if item.text.strip():
                found.append({"role": _ROLES[item.kind], "text": item.text})
        elif text := seeds.line(item):
            found.append({"role": _ROLES["human"], "text": instruction(text.removeprefix("(Note): "))})
    return found


def _tool(tool: Mapping[str, object]) -> dict[str, object]:
    schema = tool.get("parameters")
    schema = schema if isinstance(schema, dict) else {}
    required = schema.get("required", [])
    return {
        "temporaryTool": {
            "modelToolName": tool["name"],
            "description": tool.get("description", ""),
            "dynamicParameters": [
                {
                    "name": name,
                    "location": "PARAMETER_LOCATION_BODY",
                    "schema": part,
                    "required": name in required,
                }
                for name, part in schema.get("properties", {}).items()
            ],
            "client": {},
        }
    }


def _json(message: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(message).decode()
    except UnicodeEncodeError:
        return json.dumps(message)  # half a surrogate pair in somebody's text
