"""The server under load, in a process of its own, and what it uses."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import httpx2

from outwait.bench._load.carrier import ACCOUNT, AUTH_TOKEN, Carrier
from outwait.bench._load.model import Model
from outwait.bench._load.pace import clock
from outwait.errors import OutwaitError

START_SECONDS: Final = 60.0  # wall s for a server to start, and for all calls to get where they should be
PLACE_SECONDS: Final = 0.1  # wall s between two calls that are placed

_HAS_PROC: Final = Path("/proc/self/stat").exists()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used."""

    at: float
    """seconds on `clock`"""
    user: float
    """CPU seconds outside the kernel"""
    system: float
    """CPU seconds inside it"""
    rss: int
    """resident memory, bytes"""


class Server:
    """A process under load."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url

    def usage(self) -> Usage:
        """So far, all threads together."""
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        except OSError as error:
            raise OutwaitError("the server ended while it was measured") from error
        tick = os.sysconf("SC_CLK_TCK")
        return Usage(clock(), int(stat[11]) / tick, int(stat[12]) / tick, pages * os.sysconf("SC_PAGE_SIZE"))


@asynccontextmanager
async def server(*command: str, environment: dict[str, str]) -> AsyncIterator[Server]:
    """A server in a process of its own, in an empty folder, which says `listening on URL` when it is ready."""
    if not _HAS_PROC:
        raise OutwaitError("this benchmark reads a process's CPU time from /proc, which this system does not have")
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OUTWAIT_", "TWILIO_", "OPENAI_", "AZURE_OPENAI_", "DATABASE_"))
    }
    with tempfile.TemporaryDirectory(prefix="outwait-bench-") as folder:
        errors = Path(folder) / "stderr"
        with errors.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                cwd=folder,
                env=inherited | environment | {"DATABASE_URL": f"sqlite:///{folder}/calls.db"},
            )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(START_SECONDS):
                line = (await process.stdout.readline()).decode()
            if not line.startswith("listening on "):
                last = errors.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
                raise OutwaitError(f"the server did not start: {last[0]}")
            yield Server(process, line.removeprefix("listening on ").strip())
        finally:
            if process.returncode is None:
                process.kill()  # it has nothing that is worth keeping
            await process.wait()


@asynccontextmanager
async def house(model: Model, carrier: Carrier, *options: str) -> AsyncIterator[Server]:
    """Our own server, between these two."""
    environment = {
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_PHONE_NUMBER": "+12025550199",
        "OUTWAIT_TWILIO_BASE_URL": f"http://127.0.0.1:{carrier.port}",
        "OPENAI_API_KEY": "sk-bench",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{model.port}/v1",
        "OUTWAIT_PORT": "0",
        "OUTWAIT_DRAIN": "0",
        "OUTWAIT_LOG_LEVEL": "error",
    }
    async with server(sys.executable, "-m", "outwait.bench._server", *options, environment=environment) as ours:
        yield ours


async def place(ours: Server, calls: int) -> list[str]:
    """Place so many calls, a few at a time; their ids."""
    async with httpx2.AsyncClient(base_url=ours.url, trust_env=False, timeout=START_SECONDS) as client:
        ids = []
        for _ in range(calls):
            wish = {"to": "+12025550143", "task": "Ask when the order will come.", "max_hold_minutes": 60}
            answer = await client.post("/v1/calls", json=wish)
            if not answer.is_success:
                raise OutwaitError(f"the server refused a call: HTTP {answer.status_code} {answer.text[:200]}")
            ids.append(answer.json()["id"])
            await asyncio.sleep(PLACE_SECONDS)
        return ids


async def phases(ours: Server, ids: list[str]) -> list[str]:
    """In which phase each call is."""
    async with httpx2.AsyncClient(base_url=ours.url, trust_env=False, timeout=START_SECONDS) as client:
        return [(await client.get(f"/v1/calls/{call_id}")).json()["phase"] for call_id in ids]


async def until(done: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Look twenty times a second. Raises OutwaitError, which says `what` did not happen."""
    end = clock() + seconds
    while not done():
        if clock() > end:
            raise OutwaitError(f"{what}: not within {seconds:g} s")
        await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Measured:
    """The CPU of a server over a window, cut into slices."""

    cpu: float
    """ms of CPU a second and call, median of the slices"""
    user: float
    """of the whole window, ms a second and call: outside the kernel"""
    system: float
    """the same inside it"""
    share: float
    """of one core, whole window, 0..1"""
    rss: int
    """resident memory at the end, bytes"""


async def measure(one: Server, calls: int, seconds: float, slices: int = 5) -> Measured:
    """Watch for so long."""
    marks = [one.usage()]
    for _ in range(slices):
        await asyncio.sleep(seconds / slices)
        marks.append(one.usage())

    def rate(a: Usage, b: Usage) -> tuple[float, float]:
        scale = 1000 / (b.at - a.at) / calls
        return (b.user - a.user) * scale, (b.system - a.system) * scale

    user, system = rate(marks[0], marks[-1])
    each = [sum(rate(a, b)) for a, b in pairwise(marks)]
    return Measured(statistics.median(each), user, system, (user + system) * calls / 1000, marks[-1].rss)


def quantile(values: list[float], share: float) -> float | None:
    """The value below which this share of the values lies; None of nothing."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else None


def milliseconds(seconds: float | None) -> float | None:
    """Rounded for people."""
    return None if seconds is None else round(seconds * 1000, 2)
