"""One whole call to a simulated company, over sockets: your agent, the real server, and a scenario of your supplier.

call = call_company("my_supplier.toml", agents=[agent])
assert call.succeeded
assert "tomorrow" in call.outcome
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from outwait.agent import Agent
from outwait.call.policy import Policy
from outwait.commands.client import Client
from outwait.commands.staged import staged_settings
from outwait.compose import desk_opener
from outwait.sim.person import Entry
from outwait.sim.reader import SimReader
from outwait.sim.scenario import Pace, Scenario, load
from outwait.sim.stage import Stage
from outwait.sim.twilio_call import TwilioCall
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
    streams
        media streams of each leg, in the order in which the legs were; more than one: a stream was replaced
    """

    record: dict[str, Any]
    diary: list[Entry]
    others: dict[str, list[Entry]] = field(default_factory=dict)
    paid_usd: float = 0.0
    streams: tuple[int, ...] = ()

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

    @property
    def talk_seconds(self) -> float:
        """Media seconds in which nobody was on hold."""
        return float(sum(part["end"] - part["start"] for part in self.record["timeline"] if part["kind"] == "talk"))


def call_company(
    scenario: str | Path | Scenario,
    *,
    agents: Sequence[Agent] = (),
    policy: Policy | None = None,
    engine: str = "openai",
    others: Mapping[str, str | Path | Scenario] | None = None,
    reads: bool = False,
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
    reads
        a recogniser is there, which makes no mistakes: menus and queues are read without a paid session
    talk
        times real time while people talk
    limit
        wall s; TimeoutError after them
    wish
        further fields of `POST /v1/calls`; `to` and `task` are the scenario's when absent
    """
    return asyncio.run(_call(at_pace(scenario, talk), agents, policy, engine, others or {}, reads, talk, limit, wish))


class Company:
    """A company that can be called, and the server between: as long as `company_house` is open. A second call finds
    what the first one has learned."""

    def __init__(self, scenario: Scenario, stage: Stage, client: Client) -> None:
        self._scenario = scenario
        self._stage = stage
        self._client = client

    async def call(self, **wish: Any) -> CompanyCall:
        """Place one call and wait until it has ended. `wish`: fields of `POST /v1/calls`."""
        carrier = self._stage.carrier
        before, bill = len(carrier.calls), self._stage.model.bill.usd
        placed = await self._client.place({"to": self._scenario.to, "task": self._scenario.task} | wish)
        async for _ in self._client.notes(placed["id"]):
            pass
        record = await self._client.final(placed["id"])
        legs = list(carrier.calls.values())[before:]
        return CompanyCall(
            record,
            legs[0].far_end.diary,
            _further(legs[1:]),
            self._stage.model.bill.usd - bill,
            tuple(len(leg.streams) for leg in legs),
        )


@asynccontextmanager
async def company_house(
    scenario: Scenario,
    *,
    agents: Sequence[Agent] = (),
    policy: Policy | None = None,
    engine: str = "openai",
    others: Mapping[str, Scenario] | None = None,
    reads: bool = False,
) -> AsyncIterator[Company]:
    """The real server between a simulated company and a simulated model, on 127.0.0.1; arguments as of
    `call_company`."""
    stage = Stage(scenario, engine, others)
    with TemporaryDirectory(prefix="outwait-company-") as name:
        folder = Path(name)
        async with stage:
            settings = staged_settings(stage, folder)
            reader = SimReader(stage.hearing) if reads else None
            opener = desk_opener(settings, policy=policy, folder=folder, agents=agents, recogniser=reader)
            async with listening(settings, opener) as (url, _), Client(url) as client:
                stage.carrier.incoming_url = f"{url}/twilio/incoming"
                yield Company(scenario, stage, client)


async def _call(
    wanted: Scenario,
    agents: Sequence[Agent],
    policy: Policy | None,
    engine: str,
    others: Mapping[str, str | Path | Scenario],
    reads: bool,
    talk: float,
    limit: float,
    wish: dict[str, Any],
) -> CompanyCall:
    phones = {number: at_pace(other, talk) for number, other in others.items()}
    house = company_house(wanted, agents=agents, policy=policy, engine=engine, others=phones, reads=reads)
    async with house as company, asyncio.timeout(limit):
        return await company.call(**wish)


def _further(legs: list[TwilioCall]) -> dict[str, list[Entry]]:
    return {leg.options["From"] if leg.inbound else leg.to: leg.far_end.diary for leg in legs}


def at_pace(scenario: str | Path | Scenario, talk: float = TALK_PACE) -> Scenario:
    """A scenario, its file or its name, with people who talk so many times faster than in the world."""
    found = scenario if isinstance(scenario, Scenario) else load(scenario)
    return replace(found, pace=Pace(talk=talk, hold=found.pace.hold, announce=found.pace.announce))
