"""The simulated model server over sockets: its doors, its keys, and everything it can do wrong."""

import json

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from outwait.sim.hearing import Hearing
from outwait.sim.mind import Mind
from outwait.sim.model_server import Refusal
from outwait.sim.pipes import PipeClosed
from outwait.sim.realtime import RealtimeSim
from outwait.sim.realtime_session import RealtimeSession
from outwait.sim.scenario import Fault, parse
from outwait.sim.world import until

from .clients import CONFIGS, TASK
from .program import virtual

BEARER = {"Authorization": "Bearer sim-model-key"}
API_KEY = {"api-key": "sim-model-key"}
GA = "/v1/realtime?model=gpt-realtime-2.1"


def model(*faults: Fault) -> RealtimeSim:
    return RealtimeSim(Hearing(), Mind(TASK), faults=faults)


def door(sim: RealtimeSim, path: str = GA, headers: dict[str, str] = BEARER) -> connect:
    return connect(f"ws://127.0.0.1:{sim.port}{path}", additional_headers=headers, proxy=None, compression=None)


async def next_of(socket: ClientConnection, kind: str) -> dict:
    while (event := json.loads(await socket.recv()))["type"] != kind:
        pass
    return event


async def speak(socket: ClientConnection) -> None:
    await socket.send(json.dumps({"type": "session.update", "session": CONFIGS["ga"]}))
    await socket.send(json.dumps({"type": "response.create"}))


@pytest.mark.parametrize(
    ("path", "headers", "dialect"),
    [
        (GA, BEARER, "ga"),
        (GA, {**BEARER, "OpenAI-Beta": "realtime=v1"}, "beta"),
        ("/openai/v1/realtime?model=mine", API_KEY, "ga"),
        ("/openai/realtime?api-version=2024-10-01-preview&deployment=mine", API_KEY, "beta"),
    ],
)
@virtual
async def test_its_doors(path, headers, dialect):
    async with model() as sim, door(sim, path, headers) as socket:
        session = (await next_of(socket, "session.created"))["session"]
        assert ("audio" in session) == (dialect == "ga")
        assert isinstance(served := sim.connections[0].session, RealtimeSession)
        assert served.dialect == dialect


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (GA, {}, 401),
        (GA, {"Authorization": "Bearer wrong"}, 401),
        (GA, API_KEY, 401),
        ("/openai/v1/realtime?model=mine", BEARER, 401),
        ("/v1/realtime", BEARER, 400),
        ("/openai/realtime?deployment=mine", API_KEY, 404),
        ("/v1/chat", BEARER, 404),
    ],
)
@virtual
async def test_who_is_turned_away(path, headers, status):
    async with model() as sim:
        with pytest.raises(InvalidStatus) as refused:
            async with door(sim, path, headers):
                pass
        assert refused.value.response.status_code == sim.connections[0].refused == status
        assert sim.open_sockets == 0


@pytest.mark.parametrize("status", [401, 403, 429, 500])
@virtual
async def test_it_can_refuse_one_connection(status):
    async with model(Fault(2, "refuse", status)) as sim:
        async with door(sim):
            assert sim.open_sockets == 1
        with pytest.raises(InvalidStatus) as refused:
            async with door(sim):
                pass
        assert refused.value.response.status_code == status
        async with door(sim):
            assert sim.most_open == 1


@virtual
async def test_it_counts_what_it_is_given():
    async with model() as sim:
        async with door(sim) as socket:
            await speak(socket)
            append = json.dumps({"type": "input_audio_buffer.append", "audio": "/////////w=="})
            await socket.send(append)
            await next_of(socket, "response.done")
        await until(lambda: sim.open_sockets == 0)
        (connection,) = sim.connections
        assert (connection.close_code, connection.closed_by) == (1000, "client")
        assert connection.counts.received == ["session.update", "response.create"]
        assert sim.appended_ms == pytest.approx(7 / 8)
        assert sim.responses == connection.counts.created_by_client == 1
        assert sim.bill.usd > 0


@virtual
async def test_it_vanishes_in_the_middle_of_an_answer():
    async with model(Fault(1, "vanish", at="response")) as sim:
        async with door(sim) as socket:
            await speak(socket)
            with pytest.raises(ConnectionClosed) as closed:
                await next_of(socket, "response.done")
            assert closed.value.rcvd is None
        await until(lambda: sim.connections[0].close_code)
        assert (sim.connections[0].close_code, sim.connections[0].closed_by) == (1006, "server")
        assert sim.bill.lost_usd > 0


@virtual
async def test_it_stalls_with_the_socket_open():
    async with model(Fault(1, "stall", at="response")) as sim, door(sim) as socket:
        await speak(socket)
        await next_of(socket, "response.output_audio.delta")
        with pytest.raises(TimeoutError):
            await _within(30, next_of(socket, "response.done"))
        assert sim.open_sockets == 1


@virtual
async def test_its_sessions_expire():
    async with model(Fault(1, "expire", seconds=5)) as sim, door(sim) as socket:
        assert (await next_of(socket, "error"))["error"]["code"] == "session_expired"
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd.code == 1001


@virtual
async def test_it_can_be_slow_and_short_of_capacity():
    import asyncio

    async with model(Fault(0, "slow", seconds=3), Fault(1, "rate_limit")) as sim:
        begun = asyncio.get_running_loop().time()
        async with door(sim) as socket:
            assert asyncio.get_running_loop().time() - begun == pytest.approx(3, abs=0.2)
            await speak(socket)
            assert (await next_of(socket, "response.done"))["response"]["status"] == "failed"


@virtual
async def test_without_sockets():
    async with RealtimeSim(Hearing(), Mind(TASK), sockets=False) as sim:
        pipe = await sim.connect(GA, BEARER)
        assert json.loads(await pipe.recv())["type"] == "session.created"
        await pipe.close()
        await until(lambda: sim.open_sockets == 0)
        with pytest.raises(Refusal):
            await sim.connect(GA, {})
        left = await sim.connect(GA, BEARER)
        await sim.close()
        assert json.loads(await left.recv())["type"] == "session.created"
        with pytest.raises(PipeClosed):
            await left.recv()


def test_a_scenario_makes_its_model():
    fault = "[[model.fault]]\nsession = 2\nkind = 'stall'"
    text = "about = 'x'\nsteps = [{ ring = 1 }]\nmodel.forgets = ['wait_on_hold']\n"
    sim = RealtimeSim.of(parse(text + fault, "x"), Hearing())
    assert sim.mind.forgets == {"wait_on_hold"}
    assert sim.faults == (Fault(2, "stall"),)


async def _within(seconds: float, wait) -> None:
    import asyncio

    async with asyncio.timeout(seconds):
        await wait
