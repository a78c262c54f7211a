"""Many calls over real sockets through proxies that misbehave; nothing may be left open, and nothing may grow.

The server runs in a process of its own, between the carrier and the model of `outwait.sim`; both of them, and the
carrier's REST side, are behind proxies that delay, reset, cut and silence some of the connections. Exit status 1 when a
call did not end, or when files, tasks or memory of the server have grown.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import httpx2
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from outwait.errors import OutwaitError
from outwait.sim.hearing import Hearing
from outwait.sim.realtime import RealtimeSim
from outwait.sim.realtime_response import Timing
from outwait.sim.rough import RoughProxy
from outwait.sim.scenario import Scenario, parse
from outwait.sim.twilio import TwilioSim
from outwait.web.server import run

LIMIT = 90.0  # wall s for one call
SETTLE = 30.0  # wall s in which the server has to let go of what it needed
SAMPLES = 20  # times that the server's memory is looked at on the way
GROWTH_KB = 12.0  # of memory for each call that is no leak: pages that the allocator keeps
POOLED = 4  # files that are no leak: of connections beyond the warm-up's, which SQLite keeps open for the next
TIMING = Timing(think=0.05, speed=80.0, transcribe=0.03)

_SCENARIO = """
about = "A short call with a short hold."
task = "Find out when parcel four seven one two will be delivered."
steps = [
  { ring = 1 },
  { say = "Good morning, Northwind Parcels, this is Sam speaking. How can I help you?" },
  { listen = 12 },
  { say = "Sure, let me look that up for you. Please hold." },
  { pause = 3 },
  { hold = 15, sound = "silence", every = 0 },
  { say = "Hello, thanks for holding. Are you still there?" },
  { listen = 12, quiet = 1.5 },
  { say = "Your parcel left the depot this morning. The driver will be with you tomorrow between ten and twelve. Is there anything else?" },
  { wait = 15 },
]
pace = { talk = 16, hold = "fast" }
"""  # noqa: E501  a line of TOML


@dataclass
class Figures:
    """What a soak has shown."""

    calls: int = 0
    seconds: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)  # calls without an end
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    on_the_way: list[dict[str, int]] = field(default_factory=list)  # the server, and the `calls` that were over
    connections: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def growth_kb(self) -> float:
        """Of memory for each call, over the second half of them: what is made once and kept has been made by then."""
        late = [(one["calls"], one["rss_kb"]) for one in self.on_the_way if one["calls"] >= self.calls / 2]
        return slope(late)

    @property
    def kept(self) -> bool:
        """Nothing was lost, left open or grown."""
        files = self.after["files"] - self.before["files"]
        tasks = self.after["tasks"] - self.before["tasks"]
        return not self.lost and files <= POOLED and tasks <= 0 and self.growth_kb <= GROWTH_KB


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By how much the second grows with the first: the median of all pairs, which one odd point does not move. 0 of
    fewer than two."""
    found = [(later[1] - early[1]) / (later[0] - early[0]) for early, later in combinations(points, 2)]
    return statistics.median(found) if found else 0.0


def main(arguments: list[str]) -> int:
    """Call, count, print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="outwait bench soak", description=__doc__)
    parser.add_argument("--calls", type=int, default=500, help="how many")
    parser.add_argument("--together", type=int, default=4, help="how many at the same time")
    parser.add_argument("--warm", type=int, default=60, help="calls before the first count, for what is kept")
    parser.add_argument("--share", type=float, default=0.25, help="0..1: connections that go wrong")
    parser.add_argument("--seed", type=int, default=0, help="of the proxies")
    parser.add_argument("--json", action="store_true", help="figures as one JSON object")
    options = parser.parse_args(arguments)
    if sys.platform != "linux":
        raise OutwaitError("the soak counts what a process holds in /proc, which only Linux has")
    found: list[Figures] = []

    async def soaked() -> None:
        found.append(
            await soak(
                options.calls, together=options.together, share=options.share, seed=options.seed, warm=options.warm
            )
        )

    run(soaked())
    (figures,) = found
    if options.json:
        plain = vars(figures) | {"growth_kb": round(figures.growth_kb, 1), "kept": figures.kept}
        sys.stdout.write(json.dumps(plain) + "\n")
    else:
        _show(figures)
    return 0 if figures.kept else 1


async def soak(calls: int, *, together: int = 4, share: float = 0.25, seed: int = 0, warm: int = 60) -> Figures:
    """`warm`: calls before the first count, for what is made once and kept."""
    figures = Figures()
    scenario = parse(_SCENARIO, "soak")
    async with _world(scenario, share, seed) as world:
        await world.calls(warm, together, Figures(), "warming up")
        figures.before = await world.settled(None)
        began = time.monotonic()
        await world.calls(calls, together, figures, "calling")
        figures.seconds = round(time.monotonic() - began, 1)
        figures.after = await world.settled(figures.before)
        figures.connections = {name: proxy.made for name, proxy in world.proxies.items()}
    return figures


# --- the world around the server ------------------------------------------------------------------


@dataclass
class _World:
    scenario: Scenario
    carrier: TwilioSim
    model: RealtimeSim
    proxies: dict[str, RoughProxy]
    server: asyncio.subprocess.Process
    http: httpx2.AsyncClient
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def calls(self, count: int, together: int, figures: Figures, what: str) -> None:
        """So many calls, at most `together` at a time."""
        gate = asyncio.Semaphore(together)
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task(what, total=count)

            done = 0

            async def one(number: int) -> None:
                nonlocal done
                async with gate:
                    await self._call(number, figures)
                    progress.advance(bar)
                    done += 1
                    if done % max(1, count // SAMPLES) == 0:
                        over = done
                        figures.on_the_way.append({"calls": over, **await self.figures()})

            async with asyncio.TaskGroup() as group:
                for number in range(count):
                    group.create_task(one(number))

    async def _call(self, number: int, figures: Figures) -> None:
        wish = {"to": f"+1202555{100 + number % 100:04d}", "task": self.scenario.task}
        answer = await self.http.post("/v1/calls", json=wish)
        answer.raise_for_status()
        call_id = str(answer.json()["id"])
        try:
            async with asyncio.timeout(LIMIT):
                record = await self._ended(call_id)
        except TimeoutError:
            figures.lost.append(call_id)
            return
        figures.calls += 1
        reason = record["end_reason"]
        if reason is None:
            figures.lost.append(call_id)
        else:
            figures.ends[f"{reason['result']} {reason['cause'].partition(':')[0]}"] += 1
        self._forget(record["carrier_call_id"])

    async def _ended(self, call_id: str) -> dict[str, Any]:
        async with self.http.stream("GET", f"/v1/calls/{call_id}/events", timeout=LIMIT) as news:
            async for _ in news.aiter_lines():
                pass
        while True:
            record: dict[str, Any] = (await self.http.get(f"/v1/calls/{call_id}")).json()
            if record["phase"] == "ended":
                return record
            await asyncio.sleep(0.2)

    def _forget(self, sid: str | None) -> None:
        """The simulators keep every call for whoever asks; nobody does."""
        call = self.carrier.calls.get(sid or "")
        if call is not None and call.status == "completed":
            del self.carrier.calls[call.sid]
        self.carrier.requests.clear()
        self.model.connections[:] = [one for one in self.model.connections if one.open]

    async def figures(self) -> dict[str, int]:
        """Of the server's process."""
        async with self.asking:
            self.server.send_signal(signal.SIGUSR1)
            assert self.server.stdout is not None
            line = await asyncio.wait_for(self.server.stdout.readline(), 10.0)
        found: dict[str, int] = json.loads(line)
        return found

    async def settled(self, before: dict[str, int] | None) -> dict[str, int]:
        """When it has let go of what it can: no more than `before`, or what is left after a while."""
        until = time.monotonic() + SETTLE
        last: dict[str, int] = {}
        while time.monotonic() < until:
            await asyncio.sleep(2.0)
            found = await self.figures()
            wanted = before or last
            if wanted and all(found[name] <= wanted[name] for name in ("files", "tasks")) and before:
                return found
            last = found
        return last


@contextlib.asynccontextmanager
async def _world(scenario: Scenario, share: float, seed: int) -> AsyncIterator[_World]:
    hearing = Hearing()
    async with contextlib.AsyncExitStack() as stack:
        model = await stack.enter_async_context(RealtimeSim.of(scenario, hearing, timing=TIMING))
        carrier = await stack.enter_async_context(TwilioSim(scenario, hearing))
        proxies = {
            name: await stack.enter_async_context(RoughProxy(seed + number, share, target).running())
            for number, (name, target) in enumerate(
                {"carrier to us": 0, "us to carrier": _port(carrier.base_url), "us to model": model.port}.items()
            )
        }
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        environment = {
            "TWILIO_ACCOUNT_SID": carrier.account_sid,
            "TWILIO_AUTH_TOKEN": carrier.auth_token,
            "TWILIO_PHONE_NUMBER": "+12025550199",
            "OUTWAIT_TWILIO_BASE_URL": f"http://127.0.0.1:{proxies['us to carrier'].port}",
            "OPENAI_API_KEY": model.key,
            "OPENAI_BASE_URL": f"http://127.0.0.1:{proxies['us to model'].port}/v1",
            "OUTWAIT_PUBLIC_URL": f"http://127.0.0.1:{proxies['carrier to us'].port}",
            "OUTWAIT_PORT": "0",
            "DATABASE_URL": f"sqlite:///{folder}/calls.db",
        }
        server = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "outwait.bench._soak",
            env=_environment() | environment,
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
        )
        stack.push_async_callback(_stop, server)
        assert server.stdout is not None
        line = (await asyncio.wait_for(server.stdout.readline(), 60.0)).decode()
        if not line.startswith("listening on "):
            raise OutwaitError(f"the server did not start: {line}")
        url = line.removeprefix("listening on ").strip()
        proxies["carrier to us"].target = _port(url)
        http = await stack.enter_async_context(httpx2.AsyncClient(base_url=url, trust_env=False, timeout=LIMIT))
        yield _World(scenario, carrier, model, proxies, server, http)


async def _stop(server: asyncio.subprocess.Process) -> None:
    """SIGTERM, twice: nobody waits for the last calls."""
    if server.returncode is None:
        server.terminate()
        await asyncio.sleep(0.5)
        with contextlib.suppress(ProcessLookupError):
            server.terminate()
        try:
            await asyncio.wait_for(server.wait(), 20.0)
        except TimeoutError:
            server.kill()
            await server.wait()


def _environment() -> dict[str, str]:
    ours = ("OUTWAIT_", "TWILIO_", "OPENAI_", "AZURE_OPENAI_", "DATABASE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _port(url: str) -> int:
    return int(url.rstrip("/").rpartition(":")[2].partition("/")[0])


def _show(figures: Figures) -> None:
    console = Console()
    table = Table(title=f"{figures.calls} calls in {figures.seconds:.0f} s")
    table.add_column("how they ended")
    table.add_column("calls", justify="right")
    for end, count in figures.ends.most_common():
        table.add_row(end, str(count))
    console.print(table)
    table = Table(title="the server's process")
    for column in ("", "before", "after"):
        table.add_column(column, justify="right" if column else "left")
    for name, before in figures.before.items():
        table.add_row(name, str(before), str(figures.after[name]))
    console.print(table)
    megabytes = [f"{one['rss_kb'] / 1000:.1f}" for one in figures.on_the_way]
    console.print(f"memory on the way, MB: {', '.join(megabytes)}")
    console.print(f"for each call of the second half: {figures.growth_kb:.1f} kB; more than {GROWTH_KB:.0f} is a leak")
    for name, made in figures.connections.items():
        console.print(f"{name}: {', '.join(f'{count} {kind}' for kind, count in made.most_common())}")
    if figures.lost:
        console.print(f"[red]{len(figures.lost)} calls without an end:[/red] {', '.join(figures.lost[:5])}")
