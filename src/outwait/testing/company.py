"""One whole call to a simulated company, over sockets: your agent, the real server, and a scenario of your supplier.

call = call_company("my_supplier.toml", agents=[agent])
assert call.succeeded
assert "tomorrow" in call.outcome
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from outwait.agent import Agent
from outwait.call.policy import Policy
from outwait.client import Client
from outwait.compose import desk_opener
from outwait.sim.person import Entry
from outwait.sim.scenario import Pace, Scenario, load
from outwait.sim.stage import Stage
from outwait.sim.twilio_call import TwilioCall
from outwait.staged import staged_settings
from outwait.web.server import listening

TALK_PACE = 6.0  # times real time while people talk; what waits for nobody goes as fast as it can
LIMIT = 120.0  # wall s for one call


@dataclass(frozen=True)
class CompanyCall:
    """What became of it.

    record
        the call object, as `GET /v1/calls/{id}` gives it
    diary
        what the company's side says that happened: menus, keys, words, holds
    others
        the same of further numbers that were called or called back, by number
    paid_usd
        what the simulated model charged
    """

    record: dict[str, Any]
    diary: list[Entry]
    others: dict[str, list[Entry]] = field(default_factory=dict)
    paid_usd: float = 0.0

    @property
    def succeeded(self) -> bool:
        """The agent hung up with an outcome, or somebody took over."""
        reason = self.record["end_reason"]
        return reason is not None and reason["result"] == "success"

    @property
    def outcome(self) -> str:
        """In the agent's words; "" when there was none."""
        return self.record["outcome"] or ""

    @property
    def keys(self) -> str:
        """What was pressed, as the company heard it."""
        return "".join(entry.text for entry in self.diary if entry.kind == "key")

    @property
    def paid_seconds(self) -> float:
        """Media seconds with a model session open."""
        return float(sum((s["closed_at"] or s["opened_at"]) - s["opened_at"] for s in self.record["sessions"]))


def call_company(
    scenario: str | Path | Scenario,
    *,
    agents: Sequence[Agent] = (),
    policy: Policy | None = None,
    engine: str = "openai",
    others: Mapping[str, str | Path | Scenario] | None = None,
    talk: float = TALK_PACE,
    limit: float = LIMIT,
    **wish: Any,
) -> CompanyCall:
    """Call the company and wait until the call has ended. Not from within a running event loop.

    scenario
        a file, a name that comes with the package (`companies/nested_menu`), or a scenario
    agents
        who calls, the usual one first; none: the plain agent
    policy
        how the call behaves
    engine
        whose wire the simulated model speaks: a name of `outwait.sim.engines`
    others
        what further numbers do, such as your own telephone
    talk
        times real time while people talk
    limit
        wall s; TimeoutError after them
    wish
        further fields of `POST /v1/calls`; `to` and `task` are the scenario's when absent
    """
    return asyncio.run(_call(_loaded(scenario, talk), agents, policy, engine, others or {}, talk, limit, wish))


async def _call(
    wanted: Scenario,
    agents: Sequence[Agent],
    policy: Policy | None,
    engine: str,
    others: Mapping[str, str | Path | Scenario],
    talk: float,
    limit: float,
    wish: dict[str, Any],
) -> CompanyCall:
    stage = Stage(wanted, engine, {number: _loaded(other, talk) for number, other in others.items()})
    with TemporaryDirectory(prefix="outwait-company-") as name:
        folder = Path(name)
        async with stage:
            settings = staged_settings(stage, folder)
            opener = desk_opener(settings, policy=policy, folder=folder, agents=agents)
            async with listening(settings, opener) as (url, _), Client(url) as client, asyncio.timeout(limit):
                stage.carrier.incoming_url = f"{url}/twilio/incoming"
                placed = await client.place({"to": wanted.to, "task": wanted.task} | wish)
                record = await _ended(client, placed["id"])
        legs = list(stage.carrier.calls.values())
        return CompanyCall(record, legs[0].far_end.diary, _further(legs[1:]), stage.model.bill.usd)


async def _ended(client: Client, call_id: str) -> dict[str, Any]:
    async for _ in client.notes(call_id):
        pass
    return await client.final(call_id)


def _further(legs: list[TwilioCall]) -> dict[str, list[Entry]]:
    return {leg.options["From"] if leg.inbound else leg.to: leg.far_end.diary for leg in legs}


def _loaded(scenario: str | Path | Scenario, talk: float) -> Scenario:
    found = scenario if isinstance(scenario, Scenario) else load(scenario)
    return replace(found, pace=Pace(talk=talk, hold=found.pace.hold, announce=found.pace.announce))
