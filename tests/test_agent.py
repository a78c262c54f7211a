"""Agents: made in Python, found by the server, chosen by the call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import BaseModel

from outwait.agent import Agent, at_work, load
from outwait.compose import desk_opener
from outwait.config import ConfigError, Settings
from outwait.errors import OutwaitError
from outwait.toolbox import FunctionTool, ToolContext, ToolGone, function_tool

CONTEXT = ToolContext("call_1", "+12025550143", "ask")


class Answer(BaseModel):
    day: str


def orders() -> Agent:
    agent = Agent("orders", instructions="You call for Northwind.", outcome=Answer)

    @agent.tool
    def status(order: str) -> str:
        """Where an order is."""
        return f"{order} is on its way"

    @agent.tool(name="cancel", timeout=3.0, idempotent=True)
    def _cancel(order: str) -> None:
        """Cancel an order."""

    return agent


class Extra:
    """A source of one tool."""

    opened = 0

    def __init__(self, name: str = "extra") -> None:
        self._name = name

    @asynccontextmanager
    async def open(self) -> AsyncIterator[list[FunctionTool]]:
        self.opened += 1

        def extra() -> int:
            return 1

        yield [function_tool(extra, name=self._name)]
        self.opened -= 1


async def test_its_tools_and_those_of_its_sources_are_run_by_name() -> None:
    agent, source = orders(), Extra()
    agent.sources = (source,)
    async with at_work([agent]) as staff:
        staffed = staff["orders"]
        assert [spec.name for spec in staffed.specs] == ["status", "cancel", "extra"]
        assert (staffed.specs[1].timeout, staffed.specs[1].idempotent) == (3.0, True)
        assert await staffed.run("status", '{"order": "A1"}', CONTEXT) == '"A1 is on its way"'
        assert await staffed.run("extra", "{}", CONTEXT) == "1"
        with pytest.raises(ToolGone):
            await staffed.run("fly", "{}", CONTEXT)
        assert source.opened == 1
    assert source.opened == 0


async def test_no_tool_has_the_name_of_another() -> None:
    agent = orders()
    agent.sources = (Extra("status"),)
    with pytest.raises(OutwaitError, match="status"):
        async with at_work([agent]):
            pass


def test_a_tool_is_added_once() -> None:
    with pytest.raises(TypeError, match="already"):
        orders().tool(name="cancel")(lambda: None)


def test_an_outcome_is_a_type_or_a_schema() -> None:
    schema = orders().outcome_schema
    assert schema is not None
    assert schema["required"] == ["day"]
    assert Agent(outcome={"type": "string"}).outcome_schema == {"type": "string"}
    with pytest.raises(ValueError, match="outcome"):
        Agent(outcome={"type": "objekt"})


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_it_needs_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Agent(name)


def write(folder: Path, text: str) -> None:
    (folder / "shop_agents.py").write_text(text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "shop_agents", raising=False)
    return tmp_path


def test_they_are_found_by_their_place(folder: Path) -> None:
    write(folder, "from outwait import Agent\na = Agent('one')\nclass Shop:\n    b = Agent('two')\n")
    assert [agent.name for agent in load("shop_agents:a, shop_agents:Shop.b")] == ["one", "two"]
    assert load("") == []
    with pytest.raises(OutwaitError, match="same name"):
        load("shop_agents:a,shop_agents:a")


@pytest.mark.parametrize(
    ("place", "text", "word"),
    [
        ("shop_agents", "", "module:agent"),
        ("nowhere_at_all:a", "", "can't be imported"),
        ("shop_agents:a", "", "no attribute"),
        ("shop_agents:a", "a = 1", "no outwait.Agent"),
        ("shop_agents:a", "raise RuntimeError('oh')", "RuntimeError: oh"),
    ],
)
def test_one_that_is_not_there_is_one_clear_line(folder: Path, place: str, text: str, word: str) -> None:
    write(folder, text)
    with pytest.raises(OutwaitError, match=word):
        load(place)


def test_an_engine_that_is_not_there_is_an_error_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    with pytest.raises(ConfigError, match="the agent a: the engine azure needs"):
        desk_opener(Settings.load(), agents=[Agent("a", engine="azure")])
