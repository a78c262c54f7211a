"""Random calls in virtual time with faults at random moments; the laws of a call must hold in every one.

Every call is drawn from its number: `--seed 7000 --calls 1` plays call 7000 again and prints its dialogue. Exit status
1 when a law was broken.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from outwait.sim.chaos import Played, play

BATCH = 50  # calls that a worker plays between two reports
SHOWN = 5  # broken calls whose dialogue is printed
LINES = 60  # of a dialogue


@dataclass
class Figures:
    """What came of many calls."""

    calls: int = 0
    virtual_seconds: float = 0.0
    events: int = 0
    ends: Counter[str] = field(default_factory=Counter)  # result and cause
    faults: Counter[str] = field(default_factory=Counter)
    broken: list[Played] = field(default_factory=list)

    def add(self, played: Played) -> None:
        """One more call."""
        self.calls += 1
        self.virtual_seconds += played.seconds
        self.events += played.events
        self.ends[f"{played.result} {played.cause.partition(':')[0]}".strip() or "none"] += 1
        self.faults += played.faults
        if played.broken:
            self.broken.append(played)

    def merge(self, other: Figures) -> None:
        """What another worker has counted."""
        self.calls += other.calls
        self.virtual_seconds += other.virtual_seconds
        self.events += other.events
        self.ends += other.ends
        self.faults += other.faults
        self.broken += other.broken


def main(arguments: list[str]) -> int:
    """Play, judge, print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="outwait bench chaos", description=__doc__)
    parser.add_argument("--calls", type=_positive, default=20_000, help="how many")
    parser.add_argument("--seed", type=_natural, default=0, help="number of the first one")
    parser.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="processes; default: one a core")
    parser.add_argument("--json", action="store_true", help="figures as one JSON object")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    began = time.monotonic()
    figures = Figures()
    batches = [
        range(first, min(first + BATCH, options.seed + options.calls))
        for first in range(options.seed, options.seed + options.calls, BATCH)
    ]
    played = _play_all(batches, options.jobs)
    for part in track(played, "playing", total=len(batches), console=console, disable=len(batches) < 3):
        figures.merge(part)
    figures.broken.sort(key=lambda one: one.seed)
    seconds = time.monotonic() - began
    if options.json:
        sys.stdout.write(json.dumps(_plain(figures, seconds)) + "\n")
    else:
        _show(figures, seconds)
    if options.calls == 1 and not options.json:
        sys.stdout.write(told(options.seed, lines=None))
    elif not options.json:
        for one in figures.broken[:SHOWN]:
            sys.stdout.write(told(one.seed))
    return 1 if figures.broken else 0


def play_many(seeds: range) -> Figures:
    """These calls, one after the other."""
    figures = Figures()
    for seed in seeds:
        figures.add(play(seed))
    return figures


def told(seed: int, *, lines: int | None = LINES) -> str:
    """The end of a call's dialogue (None: all of it), and the law it broke."""
    again = play(seed, keep=True)
    verdict = again.broken or "no law broken"
    return "\n".join([f"\ncall {seed}: {verdict}", *again.dialogue[-(lines or 0) :], verdict, ""])


def _play_all(batches: list[range], jobs: int) -> Iterator[Figures]:
    if jobs == 1 or len(batches) == 1:
        yield from map(play_many, batches)
        return
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(batches))) as pool:
        yield from pool.imap_unordered(play_many, batches)


def _plain(figures: Figures, seconds: float) -> dict[str, Any]:
    return {
        "calls": figures.calls,
        "seconds": round(seconds, 1),
        "virtual_hours": round(figures.virtual_seconds / 3600, 1),
        "events": figures.events,
        "ends": dict(figures.ends.most_common()),
        "faults": dict(figures.faults.most_common()),
        "broken": [{"seed": one.seed, "law": one.broken} for one in figures.broken],
    }


def _show(figures: Figures, seconds: float) -> None:
    console = Console()
    hours = figures.virtual_seconds / 3600
    table = Table(title=f"{figures.calls} calls, {hours:.0f} hours of line, in {seconds:.0f} s")
    table.add_column("how they ended")
    table.add_column("calls", justify="right")
    for end, count in figures.ends.most_common():
        table.add_row(end, str(count))
    console.print(table)
    table = Table(title=f"{figures.faults.total()} faults")
    table.add_column("what went wrong")
    table.add_column("times", justify="right")
    for kind, count in figures.faults.most_common():
        table.add_row(kind, str(count))
    console.print(table)
    if not figures.broken:
        console.print("[green]no law broken[/green]")
        return
    laws = Counter(one.broken.partition(":")[0] for one in figures.broken)
    for law, count in laws.most_common():
        seeds = [one.seed for one in figures.broken if one.broken.partition(":")[0] == law]
        console.print(f"[red]broken {count} times:[/red] {law}; calls {', '.join(map(str, seeds[:10]))}")


def _positive(text: str) -> int:
    return _at_least(1, text)


def _natural(text: str) -> int:
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) >= least):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} on")
    return int(text)
