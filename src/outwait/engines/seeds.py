"""What was said before, in words: for engines that take it with their instructions, or not as items."""

from __future__ import annotations

from collections.abc import Iterable

from outwait.call.commands import SeedItem

_WHO = {"system": "(Note)", "human": "They", "agent": "You"}


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
