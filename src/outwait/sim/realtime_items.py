"""The conversation the simulated model keeps: items, what they cost as context, and how they look on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from outwait.sim import realtime_bill as bill
from outwait.sim.mind import Turn
from outwait.sim.realtime_dialect import Dialect, Json, Refused

_GA_PARTS = {
    "system": {"input_text"},
    "user": {"input_text", "input_audio", "input_image"},
    "assistant": {"output_text"},
}
_FLAT_PARTS = {"system": {"input_text"}, "user": {"input_text", "input_audio"}, "assistant": {"text"}}
_PARTS: dict[Dialect, dict[str, set[str]]] = {
    "ga": _GA_PARTS,
    "beta": _FLAT_PARTS,
    "voicelive": _FLAT_PARTS,
    "xai": _GA_PARTS | {"assistant": {"output_text", "text"}},
}


@dataclass
class Item:
    """One item.

    type
        "message", "function_call", "function_call_output"
    role
        of a message
    text
        its words in writing, or a tool call's arguments, or a tool's output
    heard
        the words in its audio
    audio_ms
        how long its audio is; of the assistant's: what counts as said (less after a truncation)
    """

    id: str
    type: str
    role: str = ""
    text: str = ""
    heard: str = ""
    audio_ms: float = 0.0
    name: str = ""
    call_id: str = ""
    status: str = "completed"
    has_audio: bool = False

    def tokens(self) -> bill.Tokens:
        """What it costs as input."""
        text = bill.of_text(self.text) + bill.of_text(self.name) + bill.ITEM_OVERHEAD
        if self.role == "assistant":
            heard = bill.of_text(self.heard)
            return bill.Tokens(text + heard, bill.of_assistant_audio(self.audio_ms))
        return bill.Tokens(text, bill.of_user_audio(self.audio_ms))

    def turn(self) -> Turn:
        """As the mind sees it."""
        match self.type:
            case "function_call":
                return Turn("call", self.name)
            case "function_call_output":
                return Turn("result", self.text)
            case _:
                return Turn(self.role, " ".join(part for part in (self.text, self.heard) if part))

    def wire(self) -> Json:
        """As events carry it (GA names, no audio bytes)."""
        body: Json = {"id": self.id, "object": "realtime.item", "type": self.type, "status": self.status}
        match self.type:
            case "function_call":
                return body | {"name": self.name, "call_id": self.call_id, "arguments": self.text}
            case "function_call_output":
                return body | {"call_id": self.call_id, "output": self.text}
        return body | {"role": self.role, "content": self._content()}

    def _content(self) -> list[Json]:
        spoken = "output_audio" if self.role == "assistant" else "input_audio"
        written = "output_text" if self.role == "assistant" else "input_text"
        parts: list[Json] = []
        if self.text:
            parts.append({"type": written, "text": self.text})
        if self.has_audio:
            transcript = self.heard if self.role == "assistant" else None
            parts.append({"type": spoken, "transcript": transcript})
        return parts


@dataclass
class Conversation:
    """The items in order."""

    items: list[Item] = field(default_factory=list)

    def find(self, item_id: Any) -> Item:
        """An item by id. Raises Refused."""
        for item in self.items:
            if item.id == item_id:
                return item
        raise Refused("item_not_found", f"Item with item_id={item_id!r} not found.", "item_id")

    def has(self, item_id: str) -> bool:
        """Is there such an item?"""
        return any(item.id == item_id for item in self.items)

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Insert after the given item ("root" = first, None = last); returns the id before it."""
        if after == "root":
            place = 0
        elif after is None:
            place = len(self.items)
        else:
            place = self.items.index(self.find(after)) + 1
        self.items.insert(place, item)
        return self.items[place - 1].id if place else None

    def before(self, item: Item) -> str | None:
        """The id before this item."""
        place = self.items.index(item) if item in self.items else 0
        return self.items[place - 1].id if place else None


def from_client(raw: Any, dialect: Dialect, new_id: str) -> tuple[Item, str]:
    """A client's item, and its audio in base64 ("" = none). Raises Refused."""
    if not isinstance(raw, dict):
        raise Refused("missing_required_parameter", "Missing required parameter: 'item'.", "item")
    item_id = raw.get("id") or new_id
    if not isinstance(item_id, str) or len(item_id) > 32:
        raise Refused("string_above_max_length", "Invalid 'item.id': string too long.", "item.id")
    match raw.get("type"):
        case "message":
            return _message(raw, dialect, item_id)
        case "function_call":
            name, call_id = _text(raw, "name"), _text(raw, "call_id")
            return Item(item_id, "function_call", text=_text(raw, "arguments"), name=name, call_id=call_id), ""
        case "function_call_output":
            return Item(item_id, "function_call_output", text=_text(raw, "output"), call_id=_text(raw, "call_id")), ""
        case other:
            raise Refused("invalid_value", f"Invalid value: {other!r}.", "item.type")


def instruction_tokens(instructions: str, tools: list[Json]) -> bill.Tokens:
    """What the instructions and the tools cost as input."""
    return bill.Tokens(bill.of_text(instructions) + (bill.of_text(json.dumps(tools)) if tools else 0))


def _message(raw: Json, dialect: Dialect, item_id: str) -> tuple[Item, str]:
    role = raw.get("role")
    if role not in _PARTS[dialect]:
        raise Refused("invalid_value", f"Invalid value: {role!r}.", "item.role")
    content = raw.get("content")
    if not isinstance(content, list) or not content:
        raise Refused("missing_required_parameter", "Missing required parameter: 'item.content'.", "item.content")
    item, audio, texts = Item(item_id, "message", role), "", []
    for place, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _PARTS[dialect][role]:
            raise Refused("invalid_value", f"Invalid value: {kind!r}.", f"item.content[{place}].type")
        if kind == "input_audio":
            if not part.get("audio"):
                where = f"item.content[{place}].audio"
                raise Refused("missing_required_parameter", f"Missing required parameter: '{where}'.", where)
            audio += part["audio"]
            item.has_audio = True
        elif kind != "input_image":
            texts.append(_text(part, "text"))
    item.text = " ".join(texts)
    return item, audio


def _text(raw: Json, key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str):
        raise Refused("missing_required_parameter", f"Missing required parameter: '{key}'.", key)
    return value


class PromptCache:
    """What a response finds in the cache: the beginning that it has in common with the one before."""

    def __init__(self) -> None:
        self._prefix: list[tuple[str, bill.Tokens]] = []

    def tokens(
        self, instructions: str, tools: list[Json], items: list[Item], *, remember: bool
    ) -> tuple[bill.Tokens, bill.Tokens]:
        """(all input, the part of it that was in the cache). `remember`: the next one may find this."""
        context = [(instructions + json.dumps(tools), instruction_tokens(instructions, tools))]
        context += [(f"{item.id}/{item.audio_ms}", item.tokens()) for item in items]
        total, cached, same = bill.Tokens(), bill.Tokens(), True
        for place, entry in enumerate(context):
            total += entry[1]
            same = same and place < len(self._prefix) and self._prefix[place] == entry
            if same:
                cached += entry[1]
        if remember:
            self._prefix = context
        return total, cached
