"""Python that stands in the documents is Python that runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from outwait import Agent

ROOT = Path(__file__).parent.parent


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.S)


async def test_the_agent_of_the_page() -> None:
    names: dict[str, Any] = {"__name__": "shop"}
    exec(compile(blocks("agents.md")[0], "shop.py", "exec", dont_inherit=True), names)
    agent = names["agent"]
    assert isinstance(agent, Agent)
    assert [tool.spec.name for tool in agent.tools] == ["parcel", "tell_customer"]
    assert agent.tools[0].spec.parameters["properties"]["number"]["description"] == "as printed on the label"
    assert agent.outcome_schema is not None


@pytest.mark.parametrize("page", ["webhooks.md"])
def test_the_others_can_be_defined(page: str) -> None:
    for block in blocks(page):
        exec(compile(block, page, "exec", dont_inherit=True), {})
