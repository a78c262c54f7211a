"""What we say to a Live server: JSON text."""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from outwait.call.commands import SeedItem
from outwait.engines.seeds import line

MAX_MESSAGES = 128  # of history in a new session
MAX_HISTORY = 8192  # tokens of it, as the server renders them; its own default
MAX_APPEND = 500  # tokens of one piece of context
TOKEN_CHARS = 3  # of text at least, so that a limit in tokens holds in most languages; an estimate
MESSAGE_TOKENS = 8  # that each message costs beside its text; an estimate
FIRST = 4  # messages of the history that are kept whatever is left out: the brief, and how the call began

_FORMAT = {"type": "audio/pcmu", "rate": 8000}
_LEFT_OUT = "(Some of the conversation is left out here.)"

_VOICE = """

You are the voice of this call and have no tools of your own: a backend has them. Where you are told to call a tool, \
delegate it, and say nothing about tools or backends aloud. Delegate at once when the other side asks you to wait, \
when you hear hold music or a recording, when a menu asks for keys, and right after your goodbye when the call is \
over."""

_BACKEND = """\
You do the tool calls of a voice assistant on a phone call. You are given what was said so far. Call the one tool \
that the moment asks for, with arguments in words of that call, and nothing else; when none is wanted, answer with one \
short sentence. The assistant's own instructions follow.

"""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the agent sounds, and which text model stands behind it."""

    voice: str
    backend: str  # model id at the vendor; on Azure the name of its deployment
    store: bool = False  # sessions are kept by the vendor, with a recording, so that the next one can go on from there


def start(
    model: str,
    manner: Manner,
    instructions: str,
    seed: Sequence[SeedItem],
    tools: Sequence[Mapping[str, object]],
    event_id: str,
) -> str:
    """The first message. All that it says is fixed for the life of the session."""
    session: dict[str, Any] = {
        "model": model,
        "instructions": instructions + _VOICE,
        "audio": {"format": _FORMAT, "output": {"voice": manner.voice}},
        "delegation": {
            "type": "responses",
            "responses": {
                "model": manner.backend,
                "instructions": _BACKEND + instructions,
                "tools": [dict(tool) for tool in tools],
                "parallel_tool_calls": False,
            },
        },
        "store": manner.store,
    }
    if history := _history(seed):
        session["input"] = history
    return json.dumps({"type": "session.start", "event_id": event_id, "session": session})


def fork(event_id: str) -> str:
    """The first message to a stored session that goes on: model, instructions and tools are as they were."""
    session = {"audio": {"format": _FORMAT}, "store": True}
    return json.dumps({"type": "session.start", "event_id": event_id, "session": session})


def append(ulaw: bytes) -> str:
    """The person's sound. Fifty a second, so it is put together by hand."""
    return '{"type":"session.input_audio.append","audio":"' + b2a_base64(ulaw, newline=False).decode("ascii") + '"}'


def speak_of(content: str, event_id: str) -> str:
    """Something that the model is to say something about now. There is no other way to ask it to speak."""
    return _context("session.commentary.append", content, event_id)


def keep_in_mind(content: str, event_id: str) -> str:
    """Something that it should know, and not talk about."""
    return _context("session.thinking.append", content, event_id)


def tool_output(call_id: str, output: str) -> str:
    """To the backend; it goes on when it is told to."""
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return json.dumps({"type": "response.item.create", "item": item})


def go_on() -> str:
    """The backend has all its results."""
    return json.dumps({"type": "response.create"})


def close(event_id: str) -> str:
    return json.dumps({"type": "session.close", "event_id": event_id})


def _context(type_: str, content: str, event_id: str) -> str:
    short = content[: MAX_APPEND * TOKEN_CHARS]
    return json.dumps({"type": type_, "event_id": event_id, "delegation_id": None, "content": short})


def _history(seed: Sequence[SeedItem]) -> list[dict[str, Any]]:
    """Messages of one text part each, oldest first, within the server's bounds: the first few, and as much of the end
    as fits."""
    messages = [message for item in seed if (message := _message(item))]
    if len(messages) <= MAX_MESSAGES and sum(map(_weight, messages)) <= MAX_HISTORY:
        return messages
    first, rest = messages[:FIRST], messages[FIRST:]
    room = MAX_HISTORY - sum(map(_weight, first)) - _weight(_said("developer", _LEFT_OUT))
    kept: list[dict[str, Any]] = []
    for message in reversed(rest):
        room -= _weight(message)
        if room < 0 or len(first) + len(kept) + 2 > MAX_MESSAGES:
            break
        kept.insert(0, message)
    if len(kept) < len(rest):
        kept.insert(0, _said("developer", _LEFT_OUT))
    return first + kept


def _message(item: SeedItem) -> dict[str, Any] | None:
    if item.kind in ("human", "agent"):
        text = item.text.strip()
        return _said("user" if item.kind == "human" else "assistant", text) if text else None
    told = item.text.strip() if item.kind == "system" else line(item)  # it takes no calls, so they are told
    return _said("developer", told) if told else None


def _said(role: str, text: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def _weight(message: dict[str, Any]) -> int:
    """Tokens, about."""
    return len(message["content"][0]["text"]) // TOKEN_CHARS + MESSAGE_TOKENS
