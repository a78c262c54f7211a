"""What a call is made with: the wish first, then its agent, then the server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from outwait.agent import Agent, Staffed
from outwait.call.policy import Policy
from outwait.house.desk import CallRequest, Refused
from outwait.house.furnishing import House
from outwait.house.placing import setup_of
from outwait.toolbox import function_tool
from tests.fleet import WISH, World

SCHEMA = {"type": "string"}


def look() -> None:
    """Look."""


@pytest.fixture
async def house(tmp_path: Path) -> House:
    async with World(tmp_path / "calls.db").process("a") as process:
        return process.board._house


def staffed(house: House, *agents: Agent) -> House:
    return replace(house, staff={agent.name: Staffed(agent, [function_tool(look)]) for agent in agents})


def wish(**changed: Any) -> CallRequest:
    return replace(WISH, **changed)


def test_without_agents_it_is_the_plain_one(house: House) -> None:
    setup = setup_of(wish(), house)
    assert (setup.agent, setup.instructions, setup.tools, setup.outcome_schema) == ("", "", (), None)
    with pytest.raises(Refused) as refused:
        setup_of(wish(agent="shop"), house)
    assert (refused.value.code, refused.value.field) == ("unknown_agent", "agent")


def test_the_first_agent_unless_another_is_asked_for(house: House) -> None:
    policy = Policy(max_hold_seconds=60.0)
    shop = Agent("shop", instructions="Sell.", policy=policy, disclosure="the shop's robot", outcome=SCHEMA)
    house = staffed(house, shop, Agent("desk"))
    setup = setup_of(wish(), house)
    assert (setup.agent, setup.instructions, setup.outcome_schema) == ("shop", "Sell.", SCHEMA)
    assert (setup.policy.max_hold_seconds, setup.disclosure) == (60.0, "the shop's robot")
    assert [tool.name for tool in setup.tools] == ["look"]
    other = setup_of(wish(agent="desk"), house)
    assert (other.agent, other.disclosure, other.policy.max_hold_seconds) == (
        "desk",
        house.disclosure,
        house.policy.max_hold_seconds,
    )


def test_what_the_wish_says_comes_first(house: House) -> None:
    house = staffed(house, Agent("shop", disclosure="x", outcome={"type": "object"}, engine="nowhere"))
    (engine,) = house.engines
    said = {"disclosure": "me", "outcome_schema": SCHEMA, "engine": engine, "max_hold_minutes": 2.0}
    setup = setup_of(wish(**said), house)
    assert (setup.disclosure, setup.outcome_schema, setup.engine) == ("me", SCHEMA, engine)
    assert setup.policy.max_hold_seconds == 120.0
    with pytest.raises(Refused) as refused:
        setup_of(wish(), house)
    assert refused.value.code == "unknown_engine"


def test_an_engine_for_machines_only_where_it_is_another(house: House) -> None:
    (name,) = house.engines
    assert setup_of(wish(), replace(house, engine_menu=name)).machine is None
    cheap = replace(house, engines={**house.engines, "cheap": house.engines[name]}, engine_menu="cheap")
    machine = setup_of(wish(), cheap).machine
    assert machine is not None
    assert machine.engine == "cheap"
    assert setup_of(wish(engine="cheap"), cheap).machine is None
