"""An agent of one's own over real sockets: its tools are run and never heard to fail, its result is corrected, and its
user's server is told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict

from outwait.agent import Agent
from outwait.call_log import unpack_setup
from outwait.commands.replay import differences
from outwait.sim.mind import Mind, Plan, View
from outwait.store.sql import SqlStore
from outwait.toolbox import ToolContext
from outwait.webhook import verify_webhook
from tests.e2e.house import House, house
from tests.hook import hook
from tests.sim.program import virtual

SECRET = "a secret"
RESULTS = ({"day": "Tuesday"}, {"day": "tomorrow", "between": "ten and twelve"})


class Delivery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    day: Literal["today", "tomorrow"]
    between: str = ""


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
            heard = view.last("user")
            outcome = {"reason": "done", "outcome": f"They said: {heard}"} | self._result(view, heard)
            return Plan(self.lines.bye, (("hangup_call", outcome),))
        return plan


async def refused(here: House, code: str, **wish: object) -> None:
    answer = await here.http.post("/v1/calls", json={"to": "+12025550143", "task": "ask"} | wish)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


@virtual
async def test_its_tools_its_result_and_who_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = Agent("parcels", instructions="Northwind's customer is Dana.", outcome=Delivery)
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

    monkeypatch.setenv("OUTWAIT_WEBHOOK_SECRET", SECRET)
    agents = [agent, Agent("other")]
    async with hook() as told, house("short_hello", tmp_path, monkeypatch, agents=agents) as here:
        mind = here.stage.model.mind
        here.stage.model.mind = asking = Asking(mind.task, mind.forgets, results=RESULTS)
        await refused(here, "unknown_agent", agent="nobody")
        await refused(here, "invalid_schema", outcome_schema={"type": "objekt"})
        await refused(here, "webhook_refused", webhook_url="http://10.0.0.1/")
        assert not here.stage.carrier.calls, "nothing was dialled"
        record = await here.whole_call(metadata={"who": "Dana"}, webhook_url=told.url)
        assert (record["agent"], record["end_reason"]["cause"]) == ("parcels", "hangup_call")
        # its tools
        assert ran == [f"{record['id']} tool 1", "book"]
        assert [(run["name"], run["how"]) for run in record["tools"]] == [("look_up", "answered"), ("book", "timeout")]
        assert '"state":"sent","for":"Dana"' in asking.seen[0]
        assert "took longer than 0.2 s" in asking.seen[1]
        assert not any("longer" in line["text"] for line in record["transcript"] if line["role"] == "agent")
        # its result
        assert (record["result"], record["result_valid"], record["result_faults"]) == (RESULTS[1], True, [])
        whole, *_ = record["evidence"]
        line = record["transcript"][whole["line"]]
        assert (line["role"], line["at"]) == ("human", whole["at"])
        assert "tomorrow between ten and twelve" in line["text"]
        # who is told
        async with asyncio.timeout(30):
            await told.news.wait()
        (request,) = told.told
        verify_webhook(request.body, request.headers, SECRET)
        assert json.loads(request.body)["data"] == await here.call(record["id"])
        # what it cost, and what is left open
        assert record["cost"]["model_usd"] == pytest.approx(here.stage.model.bill.usd, rel=0.02)
        assert here.stage.model.open_sockets == 0
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'calls.db'}")
    row = await store.get(record["id"])
    entries = await store.log(record["id"])
    await store.close()
    assert row is not None
    assert not list(differences(unpack_setup(row.setup), entries)), "replay does the same"
