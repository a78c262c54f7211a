"""Servers come and go, the call goes on: processes that are killed, and a second one beside the first."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from outwait.audio.ear import Listening
from outwait.sim.scenario import Pace, load, parse
from outwait.sim.serving import serve_http
from outwait.sim.stage import Stage
from outwait.store.sql import SqlStore
from tests.e2e.house import LIMIT, TALK_PACE, house
from tests.e2e.server import Server

HOLD_PACE = 12.0  # times real time: two minutes of hold are time enough to start a server


@asynccontextmanager
async def world() -> AsyncIterator[Stage]:
    scenario = load("silence_hold")
    wanted = replace(scenario, pace=Pace(talk=TALK_PACE, hold=HOLD_PACE, announce=scenario.pace.announce))
    async with Stage(wanted) as stage:
        yield stage


async def place(url: str, stage: Stage, **wish: Any) -> str:
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        answer = await http.post("/v1/calls", json={"to": stage.scenario.to, "task": stage.scenario.task} | wish)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


async def follow(url: str, call_id: str, words: str = "") -> dict[str, Any]:
    """The call object, once the call has told this, or all."""
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=LIMIT) as http, asyncio.timeout(LIMIT):
        async with http.stream("GET", f"/v1/calls/{call_id}/events") as news:
            async for line in news.aiter_lines():
                if words and words in line:
                    break
        call: dict[str, Any] = (await http.get(f"/v1/calls/{call_id}")).json()
        return call


@pytest.mark.parametrize("moment", ['"phase":"holding"', '"role":"agent"'], ids=["on-hold", "talking"])
async def test_a_killed_servers_call_is_gone_on_with_by_another(moment: str, tmp_path: Path) -> None:
    """The carrier asks the dead one in vain, and then the fallback address."""
    async with world() as stage, Server(tmp_path, stage.environment()) as second:
        fallback = {"OUTWAIT_FALLBACK_URL": f"{second.url}/twilio/fallback"}
        async with Server(tmp_path, stage.environment(), **fallback) as first:
            call_id = await place(first.url, stage)
            await follow(first.url, call_id, moment)
            assert owners(tmp_path) == [(1,)], "the other one has left it alone"
            await first.end(signal.SIGKILL)
        call = await follow(second.url, call_id)
        assert await second.end(signal.SIGTERM) == 0
        assert call["end_reason"] == {"result": "success", "cause": "hangup_call"}
        assert len(stage.carrier.calls) == 1, "dialled once"
        assert stage.model.open_sockets == 0


async def test_a_server_that_is_alone_is_killed_and_started_again(tmp_path: Path) -> None:
    """The fallback is a document that lies at the carrier and keeps the leg up; who starts again fetches it back."""
    async with world() as stage, serve_http(waiting_document) as port:
        fallback = {"OUTWAIT_FALLBACK_URL": f"http://127.0.0.1:{port}/wait.xml"}
        async with Server(tmp_path, stage.environment(), **fallback) as first:
            call_id = await place(first.url, stage)
            await follow(first.url, call_id, '"phase":"holding"')
            await first.end(signal.SIGKILL)
        async with Server(tmp_path, stage.environment(), **fallback) as second:
            call = await follow(second.url, call_id)
            assert await second.end(signal.SIGTERM) == 0
        assert call["end_reason"] == {"result": "success", "cause": "hangup_call"}
        assert "detached" in [part["kind"] for part in call["timeline"]]
        assert len(stage.carrier.calls) == 1, "dialled once"
        assert stage.model.open_sockets == 0


async def waiting_document(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/xml")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'<Response><Pause length="600"/></Response>'})


async def test_a_call_whose_leg_went_with_its_server_is_ended_at_the_next_start(tmp_path: Path) -> None:
    async with world() as stage:
        async with Server(tmp_path, stage.environment()) as first:
            call_id = await place(first.url, stage)
            await follow(first.url, call_id, '"phase":"holding"')
            await first.end(signal.SIGKILL)
        async with Server(tmp_path, stage.environment()) as second:
            call = await follow(second.url, call_id)
            assert await second.end(signal.SIGTERM) == 0
        assert "a process has died; its calls are free" in second.log
        assert call["end_reason"] == {"result": "indeterminate", "cause": "remote_hangup"}
        assert len(stage.carrier.calls) == 1, "dialled once"


async def test_a_server_that_starts_takes_nothing_from_a_living_one(tmp_path: Path) -> None:
    async with world() as stage, Server(tmp_path, stage.environment()) as first:
        call_id = await place(first.url, stage)
        await follow(first.url, call_id, '"phase":"talking"')
        async with Server(tmp_path, stage.environment()) as second:
            call = await follow(first.url, call_id)
            assert await second.end(signal.SIGTERM) == 0
        assert call["end_reason"]["result"] == "success"
        assert [part["kind"] for part in call["timeline"]] == ["talk", "hold", "talk"]
        assert await first.end(signal.SIGTERM) == 0
    assert owners(tmp_path) == [(1,)], "it was never taken over"


def owners(folder: Path) -> list[tuple[int]]:
    """The epochs of all calls: how often each was taken over, and once more."""
    connection = sqlite3.connect(folder / "calls.db")
    epochs = connection.execute("SELECT epoch FROM calls").fetchall()
    connection.close()
    return epochs


COMPANY = """
about = "A short hold, and somebody who stays on the line."
task = "Find out when parcel four seven one two will be delivered."
steps = [
  { ring = 1 },
  { say = "Good morning, Northwind Parcels, this is Sam speaking. How can I help you?" },
  { listen = 12 },
  { say = "Sure, let me look that up for you. Please hold." },
  { pause = 3 },
  { hold = "1:00", sound = "silence", every = 0 },
  { say = "Hello, thanks for holding. Are you still there?" },
  { wait = 300 },
]
"""
DANA = "+12025550177"
TAKES_IT = """
about = "Takes the call, says something now and then, and hangs up."
steps = [
  { ring = 0 },
  { pause = 6 },
  { say = "Hello, this is Dana speaking.", by = "colleague" },
  { pause = 30 },
  { say = "The blue parcel is mine.", by = "colleague" },
  { pause = 4 },
  { hangup = true },
]
"""


async def test_two_people_who_were_put_through_go_on_with_another_server(tmp_path: Path) -> None:
    """Both legs come back, are joined again, and end together."""
    scenario = parse(COMPANY, "company")
    pace = Pace(talk=4.0, hold=HOLD_PACE, announce=scenario.pace.announce)
    phones = {DANA: replace(parse(TAKES_IT, "phone"), pace=pace)}
    async with (
        Stage(replace(scenario, pace=pace), "openai", phones) as stage,
        Server(tmp_path, stage.environment()) as second,
    ):
        fallback = {"OUTWAIT_FALLBACK_URL": f"{second.url}/twilio/fallback"}
        async with Server(tmp_path, stage.environment(), **fallback) as first:
            call_id = await place(first.url, stage, human={"number": DANA, "name": "Dana"})
            await follow(first.url, call_id, '"state":"connected"')
            await first.end(signal.SIGKILL)
        call = await follow(second.url, call_id)
        assert await second.end(signal.SIGTERM) == 0
        company, phone = sorted(stage.carrier.calls.values(), key=lambda leg: leg.to == DANA)
        assert call["end_reason"] == {"result": "success", "cause": "handed_over"}
        assert (len(company.streams), len(phone.streams)) == (2, 2), "each was dialled once, and came back"
        assert "blue parcel" in stage.hearing.words(company.audio()[1]), "they hear each other again"
        assert stage.model.open_sockets == 0
        assert all(leg.over for leg in (company, phone))


async def test_what_the_ear_has_heard_is_kept_as_the_hold_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed has no time to write it down; and when the call is over nobody needs it."""
    kept: list[bytes] = []
    keep = SqlStore.keep_memory

    async def kept_too(store: SqlStore, call_id: str, data: bytes, epoch: int) -> None:
        kept.append(data)
        await keep(store, call_id, data, epoch)

    monkeypatch.setattr(SqlStore, "keep_memory", kept_too)
    async with house("silence_hold", tmp_path, monkeypatch) as here:
        await here.whole_call()
    assert len(kept) >= 2, "two minutes of hold"
    assert 60 <= Listening.load(kept[0]).seconds < Listening.load(kept[-1]).seconds
    connection = sqlite3.connect(tmp_path / "calls.db")
    assert connection.execute("SELECT count(*) FROM memories").fetchone() == (0,)
    connection.close()
