"""`outwait demo`: the whole main job on this machine, over real sockets on 127.0.0.1, without a key.

The server is the real one and is used as anybody would use it: the call is placed and followed over HTTP. Only the
world around it is simulated: the carrier, the company that answers, and the model behind the realtime wire.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from outwait import call_log
from outwait.commands.client import Client, follow_call
from outwait.commands.show import summary
from outwait.commands.staged import staged_settings
from outwait.compose import desk_opener
from outwait.config import ConfigError, Settings
from outwait.errors import OutwaitError
from outwait.local.check import understand
from outwait.local.stt import recogniser
from outwait.logs import configure
from outwait.report import write_report
from outwait.sim.engines import ENGINES
from outwait.sim.nobody import patient
from outwait.sim.scenario import load
from outwait.sim.stage import Stage
from outwait.store.sql import SqlStore
from outwait.web.server import listening

SCENARIO = "hold25"


def run(out: Path, as_json: bool, engine: str = "openai") -> int:
    """Run the demo, leave call.wav, call.json, its log and report.html in `out`; the exit status.

    `engine`: any of the simulated ones, or `local`, which really hears, answers and speaks.
    """
    if engine not in ENGINES:
        raise OutwaitError(f"--engine: there is {', '.join(ENGINES)}", usage=True)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutwaitError(f"{error.filename}: {error.strerror}") from error
    configure("error")
    console = Console(stderr=as_json)
    began = time.monotonic()
    call, proof = asyncio.run(_demo(engine, out, console))
    took = time.monotonic() - began
    (out / "call.json").write_text(json.dumps(call, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    page = write_report(out / "call.json")
    if as_json:
        sys.stdout.write((out / "call.json").read_text(encoding="utf-8"))
    else:
        console.print()
        console.print(*summary(call), sep="\n")
        console.print(f"\n{proof}\n", highlight=False)
        console.print(f"{page}  (took {took:.1f} s)", highlight=False, soft_wrap=True)
    reason = call["end_reason"] or {"result": "unfinished", "cause": call["phase"]}
    if reason["result"] != "success":
        raise OutwaitError(f"the demo's call ended as {reason['result']}: {reason['cause']}")
    return 0


async def _demo(engine: str, out: Path, console: Console) -> tuple[dict[str, Any], str]:
    scenario = patient(load(SCENARIO)) if engine == "local" else load(SCENARIO)
    stage = Stage(scenario, engine)
    with TemporaryDirectory(prefix="outwait-demo-") as folder:
        async with stage:
            settings = staged_settings(stage, Path(folder))
            call = await _one_call(stage, settings, Path(folder), console)
        if isinstance(call, ConfigError):
            raise OutwaitError(str(call)) from call
        stage.write_wav(out / "call.wav")
        await _keep_log(settings, call["id"], call_log.log_beside(out / "call.json"))
        return call, _heard(stage, call) if engine == "local" else _proof(stage.figures())


async def _one_call(stage: Stage, settings: Settings, folder: Path, console: Console) -> dict[str, Any] | ConfigError:
    """The call; or why this engine can't be used here, as it is no error of the stage around it."""
    scenario = stage.scenario
    try:
        opener = desk_opener(settings, folder=folder)
    except ConfigError as error:
        return error
    async with listening(settings, opener) as (url, _), Client(url) as client:
        console.print(f"server {url}, carrier {stage.carrier.base_url}, engine {settings.engine}")
        console.print(f"calling {scenario.to}: {scenario.task}\n", highlight=False)
        placed = await client.place({"to": scenario.to, "task": scenario.task})
        await follow_call(client, placed["id"], console)
        await stage.finished()
        return await client.final(placed["id"])


async def _keep_log(settings: Settings, call_id: str, path: Path) -> None:
    store = await SqlStore.open(settings.database_url.get_secret_value())
    try:
        row = await store.get(call_id)
        assert row is not None  # the server has just told us of it
        call_log.write_file(path, row.setup, await store.log(call_id))
    finally:
        await store.close()


def _proof(figures: dict[str, Any]) -> str:
    """What the other side of the wire saw, which is more than our own word."""
    hold, model = figures["hold"], figures["model"]
    return (
        f"Seen by the model's server: {model['connections']} sessions, {model['appended_seconds']:.0f} s of sound; "
        f"of {hold['seconds']:.0f} s on hold {hold['seconds_with_socket']:.0f} s with an open socket, "
        f"{hold['appended_ms'] / 1000:.0f} s of sound, {hold['responses']} responses; billed ${model['bill_usd']:.4f}."
    )


def _heard(stage: Stage, call: dict[str, Any]) -> str:
    """How well the agent's own ears understand its voice, as the other side heard it."""
    (leg,) = stage.carrier.calls.values()
    said = " ".join(line["text"] for line in call["transcript"] if line["role"] == "agent")
    stretches = [(entry.start, entry.end) for entry in leg.far_end.ear.stretches]
    found = understand(recogniser(), said, leg.audio()[1], stretches)
    return (
        f"Its own ears understand its voice: word error {found.word_error:.1%} "
        f"({found.errors} of {found.words} words). The far end's words were understood from their sound alone."
    )
