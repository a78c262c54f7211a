"""The conversation, in the form that a chat model is told it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from outwait.call.commands import SeedItem

BYTES_PER_MS = 8
NO_RESULT = '{"status":"no result yet"}'  # of a tool: a call without one is refused
CUT = " ... (interrupted)"

SPOKEN = (
    "You are on the telephone. What you write is spoken aloud by a synthesiser, and what you are told was written down "
    "by a recogniser that may mishear. Write plain short sentences as they are spoken: no lists, no markup, no emoji; "
    "numbers and codes in words when they must be understood."
)


@dataclass(slots=True)
class _Entry:
    kind: Literal["system", "human", "agent", "tool_call"]
    text: str  # of a call its arguments
    key: str = ""  # the item, or the call's id
    name: str = ""  # of the tool
    pieces: list[tuple[str, int]] = field(default_factory=list)  # of the agent's: words, and bytes of their sound


class History:
    """What was said and done, oldest first."""

    def __init__(self, instructions: str, seed: Sequence[SeedItem]) -> None:
        self._given = instructions
        self._instructions = f"{instructions}\n\n{SPOKEN}".strip()
        self._entries: list[_Entry] = []
        self._outputs: dict[str, str] = {}
        for item in seed:
            if item.kind == "memory":
                continue  # of another engine
            if item.kind == "tool_output":
                self._outputs[item.call_id] = item.text
            else:
                self._entries.append(_Entry(item.kind, item.text, item.call_id, item.name))

    @property
    def agent_spoke(self) -> bool:
        """Whether the agent has said anything so far."""
        return any(entry.kind == "agent" and entry.text for entry in self._entries)

    def person_speaks(self, item: str) -> None:
        """A turn has its place; its words come later."""
        self._entries.append(_Entry("human", "", item))

    def person_said(self, item: str, text: str) -> None:
        for entry in self._entries:
            if entry.kind == "human" and entry.key == item:
                entry.text = text

    def agent_said(self, item: str, pieces: Sequence[tuple[str, int]], *, cut: bool) -> None:
        """`pieces`: words, and the bytes of their sound."""
        if pieces:
            text = " ".join(words for words, _ in pieces) + (CUT if cut else "")
            self._entries.append(_Entry("agent", text, item, pieces=list(pieces)))

    def tool_called(self, call_id: str, name: str, arguments: str) -> None:
        self._entries.append(_Entry("tool_call", arguments, call_id, name))

    def tool_answered(self, call_id: str, output: str) -> None:
        self._outputs[call_id] = output

    def cut(self, item: str, heard_ms: int) -> bool:
        """The person heard only this much of it. False: it is not here, or nothing of it is cut off."""
        entry = next((e for e in self._entries if e.kind == "agent" and e.key == item), None)
        if entry is None:
            return False
        left = heard_ms * BYTES_PER_MS
        if left >= sum(size for _, size in entry.pieces):
            return False
        heard: list[str] = []
        for words, size in entry.pieces:
            if left >= size:
                heard.append(words)
            elif left > 0:
                heard.append(words[: round(len(words) * left / size)].rpartition(" ")[0])
            left -= size
        text = " ".join(part for part in heard if part)
        if text:
            entry.text = text + CUT
        else:
            self._entries.remove(entry)
        return True

    def messages(self, note: str = "", said: str = "") -> list[dict[str, Any]]:
        """As chat completions want it: every tool call is followed at once by its result.

        `said`: what the person has just said, perhaps, and what has no place here yet.

        `note`: instructions for this time. They stand at the end, and the session's stay: what was told before is the
        same text again, so the model has it in its cache.
        """
        told: list[dict[str, Any]] = [{"role": "system", "content": self._instructions}]
        calls: list[_Entry] = []
        for entry in self._entries:
            if entry.kind == "tool_call":
                calls.append(entry)
                continue
            self._tell_calls(told, calls)
            role = {"human": "user", "agent": "assistant"}.get(entry.kind, "system")
            if entry.text:
                told.append({"role": role, "content": entry.text})
        self._tell_calls(told, calls)
        if said:
            told.append({"role": "user", "content": said})
        note = note.removeprefix(self._given).strip()
        if note:
            told.append({"role": "system", "content": note})
        return told

    def _tell_calls(self, told: list[dict[str, Any]], calls: list[_Entry]) -> None:
        """Calls stand with the words before them."""
        if not calls:
            return
        if told[-1]["role"] != "assistant" or "tool_calls" in told[-1]:
            told.append({"role": "assistant"})
        told[-1]["tool_calls"] = [
            {"id": call.key, "type": "function", "function": {"name": call.name, "arguments": call.text or "{}"}}
            for call in calls
        ]
        for call in calls:
            output = self._outputs.get(call.key) or NO_RESULT
            told.append({"role": "tool", "tool_call_id": call.key, "content": output})
        calls.clear()
