"""The real server between both simulators, over sockets on 127.0.0.1.

In virtual time (`tests.sim.program.virtual`) people talk at the pace of life, and the model takes its time: what is
measured does not depend on how busy this machine is. Otherwise all is hurried, and the machine's time is the call's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from outwait.agent import Agent
from outwait.call.policy import Policy
from outwait.compose import desk_opener
from outwait.config import Settings
from outwait.sim.reader import SimReader
from outwait.sim.scenario import Fault, load, parse
from outwait.sim.stage import Stage
from outwait.sim.world import VirtualLoop, at_life_pace
from outwait.testing.company import at_pace
from outwait.web.server import listening

LIMIT = 90.0  # wall s for one call
VIRTUAL_LIMIT = 3600.0  # s, the same in virtual time
TALK_PACE = 8.0  # times real time: the model's simulator answers in a tenth of a second


@dataclass
class House:
    """A running server and the world around it."""

    url: str
    stage: Stage
    http: httpx2.AsyncClient
    limit: float  # s for one call

    async def place(self, **wish: Any) -> str:
        body = {"to": self.stage.scenario.to, "task": self.stage.scenario.task} | wish
        answer = await self.http.post("/v1/calls", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def call(self, call_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"/v1/calls/{call_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def ended(self, call_id: str) -> dict[str, Any]:
        """The call object when all is over: the event stream ends then."""
        async with (
            asyncio.timeout(self.limit),
            self.http.stream("GET", f"/v1/calls/{call_id}/events", timeout=self.limit) as news,
        ):
            async for _ in news.aiter_lines():
                pass
        return await self.call(call_id)

    async def until(self, call_id: str, words: str) -> None:
        """Until the call tells this."""
        async with (
            asyncio.timeout(self.limit),
            self.http.stream("GET", f"/v1/calls/{call_id}/events", timeout=self.limit) as news,
        ):
            async for line in news.aiter_lines():
                if words in line:
                    return
        raise AssertionError(f"never told: {words}")

    async def whole_call(self, **wish: Any) -> dict[str, Any]:
        return await self.ended(await self.place(**wish))


@asynccontextmanager
async def house(
    scenario: str,
    folder: Path,
    patch: pytest.MonkeyPatch,
    *,
    engine: str = "openai",
    policy: Policy | None = None,
    agents: Sequence[Agent] = (),
    others: Mapping[str, str] | None = None,
    faults: Sequence[Fault] = (),
    reads: bool = False,
    **more: str,
) -> AsyncIterator[House]:
    """`engine`: who plays the model, a name of `sim.engines.ENGINES`; `others`: the scenarios of further numbers;
    `faults`: of the model's server, beside the scenario's; `reads`: a recogniser is there, which makes no mistakes;
    `more`: further settings, by their names in the environment."""
    virtual = isinstance(asyncio.get_running_loop(), VirtualLoop)
    paced = at_life_pace if virtual else partial(at_pace, talk=TALK_PACE)
    wanted = paced(load(scenario))
    wanted = replace(wanted, model=replace(wanted.model, fault=(*wanted.model.fault, *faults)))
    phones = {number: paced(parse(text, "phone")) for number, text in (others or {}).items()}
    async with Stage(wanted, engine, phones) as stage:
        for name, value in {**stage.environment(), **more}.items():
            patch.setenv(name, value)
        patch.setenv("DATABASE_URL", f"sqlite:///{folder / 'calls.db'}")
        settings = Settings.load(port=0)
        reader = SimReader(stage.hearing) if reads else None
        opener = desk_opener(settings, policy=policy, folder=folder, agents=agents, recogniser=reader)
        async with (
            listening(settings, opener) as (url, _),
            httpx2.AsyncClient(base_url=url, trust_env=False) as http,
        ):
            stage.carrier.incoming_url = f"{url}/twilio/incoming"
            yield House(url, stage, http, VIRTUAL_LIMIT if virtual else LIMIT)


async def the_laws_were_kept(here: House) -> None:
    """None is counted as broken."""
    metrics = (await here.http.get("/metrics")).text
    assert not [line for line in metrics.splitlines() if line.startswith("outwait_laws_broken_total")]
