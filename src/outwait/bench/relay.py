"""CPU and added delay of talking calls: our server, a plain asyncio relay and pipecat, one after the other.

Every call carries sound both ways in real time, 20 ms a message. Frames are numbered, and sent and received by this one
process, so a delay is the difference of two readings of one clock: what the server (and loopback) adds. Pipecat makes
other samples of the sound, so that no number arrives: there one frame of all calls is loud now and then, and what is
measured is when that one arrives.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from outwait.audio import g711
from outwait.bench import _load
from outwait.errors import OutwaitError
from outwait.sim import sound
from outwait.web.server import run

LIMITS: Final = {"cpu": 10.0, "p50": 2.0, "p99": 10.0}  # ms a second and call; ms added at the median and at p99
SETTLE_SECONDS: Final = 1.0  # wall s from the last call's first words to the window
LOUD: Final = 8000  # of 32768: a frame with a peak above it is a loud one
PERSON: Final = "Yes, the order left our house on Monday, and it should be with you by the end of the week."

PIPECAT: Final = ("pipecat-ai[websocket,openai]>=1.14,<2", "uvicorn[standard]>=0.30,<1")
"""Never a part of the product: a throw-away environment has it."""

Stage = Callable[[_load.Model, _load.Carrier], AbstractAsyncContextManager[_load.Server]]


def main(arguments: list[str]) -> int:
    """Connect, talk, measure, print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="outwait bench relay", description=__doc__)
    parser.add_argument("--calls", type=int, default=50, help="talking calls at once")
    parser.add_argument("--seconds", type=float, default=15.0, help="how long to measure each server")
    parser.add_argument("--model-ms", type=int, default=20, help="sound in one message of the model, a multiple of 20")
    parser.add_argument("--alone", action="store_true", help="our server only")
    parser.add_argument(
        "--pipecat",
        nargs="?",
        const="",
        metavar="PYTHON",
        help="pipecat, too: PYTHON is the interpreter of an environment that has it; without it, one is made with pip"
        " (400 MB) and thrown away",
    )
    parser.add_argument("--json", action="store_true", help="figures as one JSON object")
    options = parser.parse_args(arguments)
    stages: dict[str, Stage] = {"outwait": lambda model, carrier: _load.house(model, carrier, "--talk")}
    if not options.alone:
        stages["plain asyncio relay"] = partial(_peer, (sys.executable, "-m", "outwait.bench._plain"))
    figures: dict[str, Any] = {"calls": options.calls, "seconds": options.seconds, "limits": LIMITS, "servers": {}}
    with TemporaryDirectory(prefix="outwait-pipecat-") as folder:
        if options.pipecat is not None:
            python = options.pipecat or _pipecat(Path(folder))
            stages["pipecat"] = partial(_peer, (python, str(Path(__file__).with_name("_pipecat.py"))))
        for name, stage in stages.items():
            figures["servers"][name] = run_stage(
                name, stage, options.calls, options.seconds, max(1, options.model_ms // 20), pcm=name == "pipecat"
            )
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        _show(figures)
    return 0


def run_stage(name: str, stage: Stage, calls: int, seconds: float, frames: int, *, pcm: bool = False) -> dict[str, Any]:
    """One server under load. `pcm`: the model's side of it speaks and hears samples at 24 kHz."""
    figures: dict[str, Any] = {}
    pacer = _load.Pacer()
    person = _load.payloads(sound.speak(PERSON, "clerk"))
    model = _load.Model(pacer, _load.payloads(sound.speak(PERSON, "agent")), talks=True, frames=frames)
    if pcm:
        model = _samples(pacer, frames)
    carrier = _load.Carrier(pacer, person, True, model.heard, model.said)
    run(_bench(name, stage, model, carrier, calls, seconds, figures))
    return figures


def _samples(pacer: _load.Pacer, frames: int) -> _load.Model:
    """A model with samples at 24 kHz, and loud frames in both directions instead of numbers."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(480) / 24_000) * 20_000
    quiet, loud = (base64.b64encode(samples.astype("<i2").tobytes()) for samples in (0 * tone, tone))
    hush, shout = (base64.b64encode(g711.encode(samples[::3].astype(np.int16))) for samples in (0 * tone, tone))
    heard = _load.Clicks(hush, shout, lambda payload: _peak(np.frombuffer(base64.b64decode(payload), "<i2")) > LOUD)
    said = _load.Clicks(quiet, loud, lambda payload: _peak(g711.decode(base64.b64decode(payload))) > LOUD)
    return _load.Model(pacer, [quiet], talks=True, frames=frames, pcm=True, heard=heard, said=said)


def _peak(samples: NDArray[Any]) -> int:
    return int(np.abs(samples.astype(int)).max(initial=0))


def _pipecat(folder: Path) -> str:
    """Its interpreter. Raises OutwaitError where it can't be had."""
    python = folder / "bin" / "python"
    steps = [[sys.executable, "-m", "venv", str(folder)], [str(python), "-m", "pip", "install", "--quiet", *PIPECAT]]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            why = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise OutwaitError(
                f"pipecat can't be installed here: {''.join(why)}; --pipecat PYTHON names one that has it"
            )
    return str(python)


async def _bench(
    name: str,
    stage: Stage,
    model: _load.Model,
    carrier: _load.Carrier,
    calls: int,
    seconds: float,
    figures: dict[str, Any],
) -> None:
    pacer = model.pacer
    pacing = asyncio.create_task(pacer.run(), name="pacer")
    try:
        async with model.serving(), carrier.serving(), stage(model, carrier) as one:
            idle = one.usage()
            if one.url.startswith("http"):
                await _load.place(one, calls)
            else:
                for number in range(calls):
                    await carrier.stream(one.url, f"CA{number:032d}", {})
                    await asyncio.sleep(0.02)
            await _load.until(lambda: _all_talk(carrier, calls), f"all calls talk through {name}")
            await asyncio.sleep(min(SETTLE_SECONDS, seconds))
            pacer.late.clear()
            played, appended = _played(carrier), model.appended
            carrier.watching = model.heard.watching = model.said.watching = True
            measured = await _load.measure(one, calls, seconds)
            carrier.watching = model.heard.watching = model.said.watching = False
            played, appended = _played(carrier) - played, model.appended - appended
            late = pacer.late.copy()
    finally:
        pacing.cancel()
        await asyncio.gather(pacing, return_exceptions=True)
    figures |= {
        "cpu_ms_per_call_second": round(measured.cpu, 3),
        "cpu_user_ms_per_call_second": round(measured.user, 3),
        "cpu_system_ms_per_call_second": round(measured.system, 3),
        "core_share": round(measured.share, 3),
        "rss_kb_per_call": round((measured.rss - idle.rss) / calls / 1000, 1),
        "carrier_to_model_ms": _delays(model.heard),
        "model_to_carrier_ms": _delays(model.said),
        "frames_a_call_second": {
            "carrier_to_model": round(appended / calls / seconds, 1),
            "model_to_carrier": round(played / calls / seconds, 1),
        },
        "generator_late_ms_p99": _load.milliseconds(_load.quantile(late, 0.99)),
    }


def _all_talk(carrier: _load.Carrier, calls: int) -> bool:
    return len(carrier.lines) == calls and all(line.played for line in carrier.lines)


def _played(carrier: _load.Carrier) -> int:
    return sum(line.played for line in carrier.lines)


def _delays(delays: _load.Delays) -> dict[str, float | None]:
    return {
        "p50": _load.milliseconds(_load.quantile(delays.seconds, 0.5)),
        "p99": _load.milliseconds(_load.quantile(delays.seconds, 0.99)),
    }


@asynccontextmanager
async def _peer(command: tuple[str, ...], model: _load.Model, carrier: _load.Carrier) -> AsyncIterator[_load.Server]:
    environment = {"OPENAI_BASE_URL": f"ws://127.0.0.1:{model.port}/v1/realtime"}
    async with _load.server(*command, environment=environment) as peer:
        yield peer


def _show(figures: dict[str, Any]) -> None:
    table = Table(title=f"{figures['calls']} talking calls, {figures['seconds']:g} s each")
    table.add_column("figure")
    for name in figures["servers"]:
        table.add_column(name, justify="right")
    table.add_column("limit", justify="right")
    rows: list[tuple[str, Callable[[dict[str, Any]], str], str]] = [
        ("CPU, ms a second and call", lambda s: f"{s['cpu_ms_per_call_second']:.2f}", f"{LIMITS['cpu']:g}"),
        (
            "  outside / inside the kernel",
            lambda s: f"{s['cpu_user_ms_per_call_second']:.2f} / {s['cpu_system_ms_per_call_second']:.2f}",
            "",
        ),
        ("one core", lambda s: f"{s['core_share']:.0%}", ""),
        ("memory, KB a call", lambda s: f"{s['rss_kb_per_call']:.0f}", ""),
    ]
    limit = f"{LIMITS['p50']:g} / {LIMITS['p99']:g}"
    for way, words in (("carrier_to_model", "person to model"), ("model_to_carrier", "model to person")):
        rows.append((f"{words}, ms, p50 / p99", lambda s, way=way: _both(s[f"{way}_ms"]), limit))  # type: ignore[misc]
    rows.append(
        ("frames a second, there / back", lambda s: " / ".join(map(str, s["frames_a_call_second"].values())), "")
    )
    rows.append(("generator late, ms, p99", lambda s: str(s["generator_late_ms_p99"]), ""))
    for label, cell, bound in rows:
        table.add_row(label, *(cell(server) for server in figures["servers"].values()), bound)
    Console().print(table)


def _each(figures: dict[str, float]) -> str:
    return " / ".join(map(str, figures.values()))


def _both(delay: dict[str, float | None]) -> str:
    return "- / -" if delay["p50"] is None else f"{delay['p50']} / {delay['p99']}"
