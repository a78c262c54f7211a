"""What was said before, in words: for engines that take it with their instructions, or not as items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from outwait.call.commands import SeedItem

_WHO = {"system": "(Note)", "human": "They", "agent": "You"}


@dataclass(frozen=True, slots=True)
class Recall:
    """What a new session is told, where the engine may remember an earlier one."""

    handle: str  # of that one; "": there is none
    words: list[SeedItem]  # all that was said and done
    since: list[SeedItem]  # of these, what it does not remember


def recall(seed: Sequence[SeedItem]) -> Recall:
    """The newest memory counts."""
    words = [item for item in seed if item.kind != "memory"]
    marks = [at for at, item in enumerate(seed) if item.kind == "memory"]
    if not marks:
        return Recall("", words, words)
    return Recall(seed[marks[-1]].text, words, words[marks[-1] - len(marks) + 1 :])


def told(seed: Iterable[SeedItem]) -> str:
    """The conversation so far, one line for each thing, oldest first."""
    lines = [text for item in seed if (text := line(item))]
    return "\n".join(["What has happened on this call so far, oldest first:", *lines])


def line(item: SeedItem) -> str:
    """One thing by itself; empty when there is nothing to say."""
    if item.kind == "tool_call":
        return f"You called the tool {item.name} with {item.text}"
    if item.kind == "tool_output":
        return f"The tool answered {item.text}"
    text = " ".join(item.text.split())
    return f"{_WHO[item.kind]}: {text}" if text else ""
