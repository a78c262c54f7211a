"""Whole calls to the companies that come with the package: outcomes, paid seconds, torn streams, second calls.

Every company is called twice by the real server over sockets, in virtual time, with what machines say read on this
machine (by a recogniser that makes no mistakes) and without. `paid` is media seconds with a model session open, `talk`
those in which nobody was on hold; paid may be a tenth more. `before` are sessions that the second call needed before
its person, at companies that a machine answers. Exit status 1 when a company falls short.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.console import Console
from rich.progress import track
from rich.table import Table

from outwait.errors import OutwaitError
from outwait.logs import configure
from outwait.sim.scenario import Scenario, companies, load
from outwait.sim.world import at_life_pace, run_virtual
from outwait.testing.company import CompanyCall, company_house

FOLDER: Final = "companies/"
MOST_PAID: Final = 1.1  # times the talk
LIMIT: Final = 7200.0  # s of virtual time for two calls
WIDTH: Final = 110  # characters of the table
CALL_BACK: Final = 30.0  # minutes that a call back is waited for, where one is offered


@dataclass(frozen=True, slots=True)
class Visit:
    """Two calls to one company."""

    company: str
    reads: bool
    needed: bool  # it can be done in this way
    reached: bool  # both calls ended with the outcome that the company has for them
    cause: str  # of the end: of the first that had no outcome, else of the second
    paid: float  # media s
    talk: float  # media s
    torn: int  # streams beyond one a leg
    before: int | None  # sessions before the person in the second call; None: a person answers

    @property
    def short(self) -> list[str]:
        """In what it falls short."""
        if not self.needed:
            return []
        faults = [] if self.reached else [f"no outcome: {self.cause}"]
        faults += [f"paid {self.paid / max(self.talk, 0.1):.0%} of the talk"] if self.dear else []
        faults += [f"{self.torn} streams torn"] if self.torn else []
        return faults + ([f"{self.before} sessions before the person"] if self.before else [])

    @property
    def dear(self) -> bool:
        """More is paid for than may be."""
        return self.paid > MOST_PAID * self.talk


def main(arguments: list[str]) -> int:
    """Call, count, print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="outwait bench companies", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="companies; none: all")
    parser.add_argument("--reading", choices=("both", "yes", "no"), default="both", help="what machines say is read")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)
    configure("error")
    ways = {"both": (True, False), "yes": (True,), "no": (False,)}[options.reading]
    wanted = [(name, reads) for reads in ways for name in _names(options.names)]
    console = Console(stderr=True)
    shown = track(wanted, "calling", console=console, transient=True, disable=not console.is_terminal)
    visits = [run_virtual(visit(name, reads)) for name, reads in shown]
    if options.json:
        for one in visits:
            sys.stdout.write(json.dumps(asdict(one) | {"short": one.short}) + "\n")
    else:
        _show(visits)
    return 1 if any(one.short for one in visits) else 0


async def visit(name: str, reads: bool) -> Visit:
    """Two calls, one after the other, to one server, at the pace of life."""
    scenario = at_life_pace(load(FOLDER + name))
    wish = {"call_back_minutes": CALL_BACK} if name == "call_back" else {}
    async with company_house(scenario, reads=reads) as company, asyncio.timeout(LIMIT):
        first, second = await company.call(**wish), await company.call(**wish)
    return Visit(
        company=name,
        reads=reads,
        needed=reads or "needs" not in scenario.expect,
        reached=all(_reached(call, scenario) for call in (first, second)),
        cause=(second if _reached(first, scenario) else first).record["end_reason"]["cause"],
        paid=round(first.paid_seconds, 1),
        talk=round(first.talk_seconds, 1),
        torn=sum(streams - 1 for call in (first, second) for streams in call.streams),
        before=_before_the_person(second.record) if _by_machine(first, second) else None,
    )


def _reached(call: CompanyCall, scenario: Scenario) -> bool:
    expect = scenario.expect
    end = {"result": expect["result"], "cause": expect["cause"]}
    return call.record["end_reason"] == end and expect["outcome"] in call.outcome


def _by_machine(*calls: CompanyCall) -> bool:
    return any(call.record["answered_by"] == "machine" for call in calls)


def _before_the_person(record: dict[str, Any]) -> int:
    """A call that a machine answers is on hold until a person comes on."""
    line = record["timeline"]
    came: float = next((part["start"] for part in line if part["kind"] == "talk"), line[-1]["end"])
    return sum(bool(session["opened_at"] < came) for session in record["sessions"])


def _names(asked: list[str]) -> list[str]:
    known = [name.removeprefix(FOLDER) for name in companies()]
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise OutwaitError(f"no company {unknown[0]!r}; there are: {', '.join(known)}", usage=True)
    return asked or known


def _show(visits: list[Visit]) -> None:
    table = Table(title=f"{len({one.company for one in visits})} companies, called twice")
    for label in ("company", "read", "outcome"):
        table.add_column(label, no_wrap=True)
    for label in ("paid s", "talk s", "share", "torn", "before"):
        table.add_column(label, justify="right")
    table.add_column("")
    for one in visits:
        table.add_row(
            one.company,
            "yes" if one.reads else "no",
            "reached" if one.reached else one.cause,
            f"{one.paid:.1f}",
            f"{one.talk:.1f}",
            f"{one.paid / one.talk:.0%}" if one.talk else "",
            str(one.torn),
            "" if one.before is None else str(one.before),
            "; ".join(one.short) if one.needed else "can't be done without reading",
        )
    Console(width=WIDTH).print(table)
