"""An agent with tools over real sockets: called, answered, failed, and never heard to fail."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from outwait.agent import Agent
from outwait.sim.mind import Mind, Plan, View
from outwait.toolbox import ToolContext
from tests.e2e.house import house


@dataclass(frozen=True)
class Asking(Mind):
    """Looks an order up before it says anything, books once when it has heard the news, then hangs up."""

    seen: list[str] = field(default_factory=list)

    def answer(self, view: View) -> Plan:
        called = [turn.text for turn in view.turns if turn.role == "call"]
        if view.out_of_band or (view.request and not view.tools):
            return super().answer(view)
        if "look_up" in view.tools and "look_up" not in called:
            return Plan("", (("look_up", {"order": "4712"}),))
        if view.turns and view.turns[-1].role == "result" and called[-1] in ("look_up", "book"):
            self.seen.append(view.turns[-1].text)
        plan = super().answer(view)
        if any(name == "hangup_call" for name, _ in plan.calls) and "book" not in called:
            return Plan("", (("book", {}),))
        if view.turns and view.turns[-1].role == "result" and called[-1] == "book":
            outcome = {"reason": "done", "outcome": "tomorrow between ten and twelve"}
            return Plan(self.lines.bye, (("hangup_call", outcome),))
        return plan


@pytest.mark.parametrize("engine", ["openai", "cascade"])
async def test_its_tools_are_run_once_and_told(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = Agent("parcels", instructions="Northwind's customer is Dana.")
    ran: list[str] = []

    @agent.tool
    def look_up(order: str, context: ToolContext) -> dict[str, str]:
        """Look an order up."""
        ran.append(context.key)
        return {"order": order, "state": "sent", "for": context.metadata["who"]}

    @agent.tool(timeout=0.2)
    async def book() -> None:
        """Book a slot. It hangs."""
        ran.append("book")
        await asyncio.Event().wait()

    async with house("short_hello", tmp_path, monkeypatch, engine=engine, agents=[agent]) as here:
        mind = here.stage.model.mind
        here.stage.model.mind = asking = Asking(mind.task, mind.forgets)
        answer = await here.http.post("/v1/calls", json={"to": "+12025550143", "task": "ask", "agent": "other"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unknown_agent")
        record = await here.whole_call(metadata={"who": "Dana"})
        assert record["agent"] == "parcels"
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
        assert ran == [f"{record['id']} tool 1", "book"]
        assert [(tool["name"], tool["how"]) for tool in record["tools"]] == [
            ("look_up", "answered"),
            ("book", "timeout"),
        ]
        assert '"state":"sent","for":"Dana"' in asking.seen[0]
        assert "took longer than 0.2 s" in asking.seen[1]
        spoken = " ".join(line["text"] for line in record["transcript"] if line["role"] == "agent")
        assert "longer" not in spoken
        assert here.stage.model.open_sockets == 0
        assert record["cost"]["model_usd"] == pytest.approx(here.stage.model.bill.usd, rel=0.02)


async def test_a_second_agent_is_chosen_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agents = [Agent("first"), Agent("second", disclosure="Northwind's robot", outcome={"type": "object"})]
    async with house("busy", tmp_path, monkeypatch, agents=agents) as here:
        record = await here.whole_call(agent="second")
        assert record["agent"] == "second"
        assert (await here.whole_call())["agent"] == "first"
