"""One hold on every engine, against a strict simulator of its wire: the laws that were kept, and the bill beside ours.

The real server is called over sockets, once on each engine, in virtual time (local models take real time). `open`,
`sound` and `asked` are what the model's server saw on hold, ten seconds after it began: seconds with a socket open,
seconds of sound, responses asked for. `bill` is what that server charged, by its own arithmetic, `meter` what our call
object says, and they may differ by two per cent. Exit status 1 when a call did not end well, or a law was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx2
from rich.console import Console
from rich.table import Table

from outwait.commands.staged import staged_settings
from outwait.compose import desk_opener
from outwait.config import ConfigError
from outwait.errors import OutwaitError
from outwait.logs import configure
from outwait.sim.engines import ENGINES
from outwait.sim.nobody import patient
from outwait.sim.scenario import Scenario, load
from outwait.sim.stage import Stage
from outwait.sim.twilio_call import TwilioCall
from outwait.sim.world import at_life_pace, run_virtual
from outwait.web.server import listening

OFF: Final = 0.02  # share of the bill by which the meter may be off
LOCAL: Final = "local"  # its models are of this machine, and take real time
LIMIT: Final = 240.0  # s without news of a call, and from its end to the carrier's last word
WIDTH: Final = 110  # characters of the table


@dataclass(frozen=True, slots=True)
class Held:
    """A call with one hold, on one engine."""

    engine: str
    record: dict[str, Any]  # the call object
    leg: TwilioCall  # the call at the carrier
    holds: int  # that the scenario has
    bill: float  # USD, says the model's server
    refused: tuple[str, ...]  # codes of what that server refused
    most_open: int  # sockets of the model at the same time, at most
    left_open: int  # of these, when the call was over
    open: float  # media s on hold with one open
    sound: float  # s of sound on hold
    asked: int  # responses asked for on hold
    watched: float  # media s of hold in which that was counted
    broken: tuple[str, ...]  # laws, as the server's own counters have them

    @property
    def meter(self) -> float:
        """USD, says the call object."""
        return float(self.record["cost"]["model_usd"])

    @property
    def off(self) -> float:
        """Share of the bill by which the meter is off."""
        return (self.meter - self.bill) / self.bill if self.bill else float(self.meter > 0)

    @property
    def false_resumes(self) -> int:
        """Times that the ear was fooled: then a session was open on hold, rightly."""
        return sum(decision["kind"] == "hold_went_on" for decision in self.record["decisions"])

    @property
    def faults(self) -> list[str]:
        """What should not have been."""
        found = [f"law {law}" for law in self.broken] + [f"refused: {code}" for code in self.refused]
        if (self.record["end_reason"] or {}).get("result") != "success":
            found.append(f"ended as {self.record['end_reason']}")
        if [span["kind"] for span in self.record["timeline"]] != ["talk", *["hold", "talk"] * self.holds]:
            found.append(f"{self.holds} holds expected")
        if not self.false_resumes and (self.open or self.sound or self.asked or self.watched < 1.0):
            found.append("the model had something of the hold")
        if self.most_open > 1 or self.left_open:
            found.append(f"{self.most_open} sockets at a time, {self.left_open} left open")
        if self.leg.unheard_at_completed != [0.0]:
            found.append(f"hung up with so many s of the goodbye unheard: {self.leg.unheard_at_completed}")
        if abs(self.off) > OFF:
            found.append(f"the meter is off by {self.off:+.1%}")
        return found


def main(arguments: list[str]) -> int:
    """Call, count, print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="outwait bench engines", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="ENGINE", help=f"of {', '.join(ENGINES)}; none: all")
    parser.add_argument("--scenario", default="silence_hold", help="whom to call")
    parser.add_argument("--json", action="store_true", help="figures as one JSON object")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(ENGINES)
    if unknown:
        raise OutwaitError(f"no engine {', '.join(sorted(unknown))}; there is {', '.join(ENGINES)}", usage=True)
    configure("error")
    rows: list[Held] = []
    left_out: dict[str, str] = {}
    for name in options.names or ENGINES:
        try:
            rows.append(ride_out(name, load(options.scenario)))
        except ConfigError as error:
            left_out[name] = str(error)
    if options.json:
        names = ("engine", "bill", "meter", "off", "open", "sound", "asked", "watched", "faults")
        figures = [{name: getattr(row, name) for name in names} for row in rows]
        sys.stdout.write(json.dumps({"engines": figures, "left_out": left_out}) + "\n")
    else:
        _show(rows, left_out)
    return 1 if any(row.faults for row in rows) else 0


def ride_out(engine: str, scenario: Scenario) -> Held:
    """One call. Raises ConfigError for an engine that can't be had on this machine."""
    if engine == LOCAL:
        held = asyncio.run(_ride_out(engine, patient(scenario)))
    else:
        held = run_virtual(_ride_out(engine, at_life_pace(scenario)))
    if isinstance(held, ConfigError):
        raise held
    return held


async def _ride_out(engine: str, scenario: Scenario) -> Held | ConfigError:
    """What is wrong with the settings is returned: raised in here it would come out in a group."""
    with TemporaryDirectory(prefix="outwait-bench-") as folder:
        async with Stage(scenario, engine) as stage:
            settings = staged_settings(stage, Path(folder))
            try:
                opener = desk_opener(settings, folder=Path(folder))
            except ConfigError as error:
                return error
            async with (
                listening(settings, opener) as (url, _),
                httpx2.AsyncClient(base_url=url, trust_env=False) as http,
            ):
                wish = {"to": scenario.to, "task": scenario.task}
                placed = (await http.post("/v1/calls", json=wish)).raise_for_status().json()
                async with http.stream("GET", f"/v1/calls/{placed['id']}/events", timeout=LIMIT) as news:
                    async for _ in news.aiter_lines():
                        pass  # it ends with the call
                await stage.finished(LIMIT)
                record = (await http.get(f"/v1/calls/{placed['id']}")).json()
                metrics = (await http.get("/metrics")).text
            return _found(engine, scenario, stage, record, metrics)


def _found(engine: str, scenario: Scenario, stage: Stage, record: dict[str, Any], metrics: str) -> Held:
    (leg,) = stage.carrier.calls.values()
    proof = stage.proof
    broken = [line for line in metrics.splitlines() if line.startswith("outwait_laws_broken_total")]
    return Held(
        engine=engine,
        record=record,
        leg=leg,
        holds=int(scenario.expect.get("holds", 1)),
        bill=stage.model.bill.usd,
        refused=tuple(stage.model.errors),
        most_open=0 if engine == "cascade" else stage.model.most_open,  # its requests are no sessions
        left_open=stage.model.open_sockets,
        open=proof.seconds_with_socket,
        sound=proof.appended_ms / 1000,
        asked=proof.responses,
        watched=proof.seconds,
        broken=tuple(broken),
    )


def _show(rows: list[Held], left_out: dict[str, str]) -> None:
    console = Console(width=WIDTH)
    table = Table(title="One hold on every engine, and its bill")
    for heading in ("engine", "ended", "sessions", "open", "sound", "asked", "bill, USD", "meter, USD", "off"):
        table.add_column(heading, justify="left" if heading in ("engine", "ended") else "right")
    for row in rows:
        reason = row.record["end_reason"] or {"result": "unfinished"}
        cells = [row.engine, reason["result"], str(len(row.record["sessions"]))]
        cells += [f"{row.open:g} s", f"{row.sound:g} s", str(row.asked)]
        table.add_row(*cells, f"{row.bill:.6f}", f"{row.meter:.6f}", f"{row.off:+.2%}")
    console.print(table)
    for row in rows:
        for fault in row.faults:
            console.print(f"{row.engine}: {fault}", style="bold red", markup=False)
    for name, why in left_out.items():
        console.print(f"{name}: left out: {why}", style="yellow", markup=False)
    if rows and not any(row.faults for row in rows):
        console.print(f"all laws kept, every meter within {OFF:.0%}")
