"""What every carrier must do: placed, answered, heard, spoken to, hung up, found again. In virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from outwait.call.events import Heard, LegReported, Marked, StreamLost, StreamStopped
from outwait.carriers.base import Carrier, CarrierError, LegReport
from outwait.carriers.twilio import TwilioCarrier, Urls
from outwait.sim.hearing import Hearing
from outwait.sim.scenario import parse
from outwait.sim.twilio import TwilioSim
from outwait.sim.twilio_call import TwilioCall
from outwait.sim.world import asgi_connect, at_life_pace, until
from outwait.testing.carrier import CarrierContract
from outwait.web.app import build
from tests.sim.program import virtual
from tests.web.desk import FakeDesk, call_object, settings

PUBLIC = "http://127.0.0.1:8080"
TO, FROM = "+12025550143", "+12025550199"
TALKS = "{ ring = 2 }, { say = 'Hello?' }, { pause = 600 }"


@dataclass
class World:
    """A carrier's adapter, what is behind it, and what the house gets to hear."""

    carrier: Carrier
    desk: FakeDesk
    sim: TwilioSim

    async def dial(self, call_id: str = "c1") -> TwilioCall:
        self.desk.calls[call_id] = call_object(call_id)
        return self.sim.calls[await self.carrier.dial(call_id, TO, FROM, ring_seconds=30, time_limit=300)]

    async def answered(self) -> TwilioCall:
        """A leg whose stream is up."""
        call = await self.dial()
        await self.desk.stream_there.wait()
        return call

    def told(self) -> list[str]:
        return [event.status for _, event in self.desk.reported if isinstance(event, LegReported)]


@asynccontextmanager
async def world(steps: str = TALKS) -> AsyncIterator[World]:
    """Twilio's adapter and our webhooks, with the simulated carrier behind them."""
    scenario = at_life_pace(parse(f"about = 'x'\nsteps = [{steps}]", "x"))
    desk = FakeDesk()
    async with asyncio.TaskGroup() as tasks:
        app: list[Any] = []

        async def ours(scope: Any, receive: Any, send: Any) -> None:
            await app[0](scope, receive, send)

        http = httpx2.AsyncClient(transport=httpx2.ASGITransport(ours))
        async with http, TwilioSim(scenario, Hearing(), http=http, connect=asgi_connect(ours, tasks)) as sim:
            given = settings(twilio_account_sid=sim.account_sid, twilio_auth_token=sim.auth_token)
            app.append(build(desk, given, PUBLIC))
            transport = httpx2.ASGITransport(sim.app)
            async with TwilioCarrier(sim.account_sid, sim.auth_token, Urls.of(PUBLIC), transport=transport) as carrier:
                yield World(carrier, desk, sim)


@virtual
async def test_a_leg_from_dialling_to_its_end() -> None:
    async with world() as here:
        call = await here.answered()
        assert here.desk.answers == [("c1", call.sid, False)]
        assert await here.carrier.fetch(call.sid) == LegReport("in-progress", None)
        await until(lambda: len(here.desk.inbox.events) > 100)
        heard = [event for event in here.desk.inbox.events if isinstance(event, Heard)]
        gaps = {round(b.at - a.at, 3) for a, b in itertools.pairwise(heard)}
        assert gaps == {0.02}
        await here.carrier.hang_up(call.sid, cancel=False)
        await here.sim.ended(call)
        await until(lambda: isinstance(here.desk.inbox.events[-1], StreamLost))
        assert [type(event) for event in here.desk.inbox.events[-2:]] == [StreamStopped, StreamLost]
        await until(lambda: "completed" in here.told())
        assert here.told() == ["initiated", "ringing", "in-progress", "completed"]
        last = here.desk.reported[-1][1]
        assert isinstance(last, LegReported)
        assert last.duration is not None
        assert await here.carrier.fetch(call.sid) == LegReport("completed", last.duration)


@virtual
async def test_a_mark_comes_back_when_all_before_it_was_played() -> None:
    async with world() as here:
        call = await here.answered()
        stream = here.desk.stream
        assert stream is not None
        began = asyncio.get_running_loop().time()
        await stream.play(b"\x20" * 16_000)
        await stream.mark("said")
        await until(lambda: Marked(1, "said") in here.desk.inbox.events)
        assert asyncio.get_running_loop().time() - began == pytest.approx(2.0, abs=0.2)
        await stream.play(b"\x20" * 160_000)
        await stream.mark("cut")
        await stream.clear()
        await until(lambda: Marked(1, "cut") in here.desk.inbox.events)
        assert asyncio.get_running_loop().time() - began == pytest.approx(2.0, abs=0.3)
        await here.carrier.hang_up(call.sid, cancel=False)
        await here.sim.ended(call)


@virtual
async def test_a_leg_is_fetched_back() -> None:
    """Whatever it does: here its first stream is open, and is replaced."""
    async with world() as here:
        call = await here.answered()
        here.desk.stream_there.clear()
        await here.carrier.reclaim("c1", call.sid)
        await here.desk.stream_there.wait()
        assert here.desk.answers == [("c1", call.sid, False), ("c1", call.sid, True)]
        assert [record.ended for record in call.streams] == ["replaced", ""]
        await here.carrier.hang_up(call.sid, cancel=False)
        await here.sim.ended(call)
        with pytest.raises(CarrierError) as over:
            await here.carrier.reclaim("c1", call.sid)
        assert over.value.gone


@virtual
async def test_keys_of_the_carrier_come_between_two_streams() -> None:
    async with world() as here:
        call = await here.answered()
        here.desk.stream_there.clear()
        await here.carrier.press("c1", call.sid, "1w2#")
        await here.desk.stream_there.wait()
        assert call.digits_played == "1w2#"
        assert [record.ended for record in call.streams] == ["replaced", ""]
        assert here.desk.answers[-1] == ("c1", call.sid, True)
        await here.carrier.hang_up(call.sid, cancel=False)
        await here.sim.ended(call)
        with pytest.raises(CarrierError) as over:
            await here.carrier.press("c1", call.sid, "1")
        assert over.value.gone


@virtual
async def test_a_stream_that_we_close_comes_back() -> None:
    async with world() as here:
        call = await here.answered()
        here.desk.stream_there.clear()
        assert here.desk.stream is not None
        await here.desk.stream.close()
        await here.desk.stream_there.wait()
        assert here.desk.answers == [("c1", call.sid, False), ("c1", call.sid, True)]
        assert here.desk.stream.number == 2
        here.desk.what = "hangup"
        await here.desk.stream.close()
        await here.sim.ended(call)
        assert call.ended_why == "twiml"


@virtual
async def test_a_ringing_leg_is_cancelled() -> None:
    async with world("{ ring = 20 }, { say = 'Hello?' }") as here:
        call = await here.dial()
        await until(lambda: "ringing" in here.told())
        await here.carrier.hang_up(call.sid, cancel=True)
        await here.sim.ended(call)
        assert (await here.carrier.fetch(call.sid)).status == "canceled"
        assert here.desk.attached == []


@virtual
async def test_hanging_up_what_is_over_is_no_error() -> None:
    async with world("{ ring = 1 }, { hangup = true }") as here:
        call = await here.dial()
        await here.sim.ended(call)
        await here.carrier.hang_up(call.sid, cancel=False)
        await here.carrier.hang_up(call.sid, cancel=True)
        await here.carrier.hang_up("CA" + "f" * 32, cancel=False)


@virtual
async def test_a_leg_that_is_unknown_is_gone() -> None:
    async with world() as here:
        with pytest.raises(CarrierError) as failed:
            await here.carrier.fetch("CA" + "f" * 32)
        assert failed.value.gone


@virtual
async def test_a_leg_is_found_again() -> None:
    async with world() as here:
        assert await here.carrier.find("c1", TO) is None
        call = await here.answered()
        assert await here.carrier.find("c1", TO) == call.sid
        assert await here.carrier.find("c1", "+12025550100") is None
        await here.carrier.hang_up(call.sid, cancel=False)
        await here.sim.ended(call)
        assert await here.carrier.find("c1", TO) is None


@virtual
async def test_tells_which_legs_are_up() -> None:
    async with world() as here:
        assert await here.carrier.up(FROM) == []
        call = await here.dial()
        assert await here.carrier.up(FROM) == [call.sid]  # ringing
        await here.desk.stream_there.wait()
        assert await here.carrier.up(FROM) == [call.sid]
        assert await here.carrier.up("+12025550100") == []
        await here.carrier.hang_up(call.sid, cancel=False)
        await here.sim.ended(call)
        assert await here.carrier.up(FROM) == []


@pytest.mark.parametrize("status", ["busy", "failed", "no-answer"])
def test_why_nobody_came(status: str) -> None:
    @virtual
    async def run() -> None:
        async with world(f"{{ ring = 1 }}, {{ refuse = '{status}' }}") as here:
            await here.sim.ended(await here.dial())
            await until(lambda: len(here.told()) == 3)
            assert here.told() == ["initiated", "ringing", status]

    run()


# --- the suite that other packages run on theirs, at the pace of life -----------------------------


class RestFar:
    to, from_, unknown = TO, FROM, "CA" + "f" * 32

    def __init__(self, here: World) -> None:
        self._here = here
        self.carrier = here.carrier
        for number in (1, 2):
            here.desk.calls[f"call_{number}"] = call_object(f"call_{number}")

    async def answer(self, leg: str) -> None:
        await self._here.desk.stream_there.wait()

    async def end(self, leg: str) -> None:
        await self._here.sim.ended(self._here.sim.calls[leg])


class TestTwilio(CarrierContract):
    @pytest.fixture
    async def far(self) -> AsyncIterator[RestFar]:
        async with world("{ ring = 0.1 }, { say = 'Hello?' }, { pause = 600 }") as here:
            yield RestFar(here)
