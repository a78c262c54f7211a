"""`outwait replay`: a past call's log through today's core, and where it would have gone otherwise.

The log holds what happened and what was done. What happened is received again; what is done today is compared with
what was done then. A bug report is a log is a test.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import track

from outwait import call_log
from outwait.call.commands import AnyCommand, is_sound
from outwait.call.laws import LawBroken, Laws
from outwait.call.machine import Call
from outwait.call.setup import Setup
from outwait.errors import OutwaitError
from outwait.store.base import Entry

SHOWN = 20  # differences that are printed; the rest is counted


@dataclass(frozen=True, slots=True)
class Difference:
    """One event after which today's core does something else."""

    seq: int  # line of the log
    at: float  # s since the log began
    event: str
    then: tuple[AnyCommand, ...]
    today: tuple[AnyCommand, ...]


def differences(setup: Setup, entries: Iterable[Entry]) -> Iterator[Difference]:
    """Raises LawBroken where today's core breaks a law, msgspec.MsgspecError for what is no log."""
    call = Call(setup)
    laws = Laws(setup.policy, by_time=setup.by_time)
    began: float | None = None
    for entry in entries:
        began = entry.now if began is None else began
        then = call_log.unpack_commands(entry.commands)
        today: list[AnyCommand] = []
        kind = ""
        for at, event in call_log.unpack_event(entry.event):
            now = entry.now if at is None else at
            commands = call.receive(event, now)
            laws.observe(event, commands, now)
            today += [command for command in commands if not is_sound(command)]
            kind = type(event).__name__
        if tuple(today) != then:
            yield Difference(entry.seq, entry.now - began, kind, then, tuple(today))


def replay(path: Path) -> int:
    """Print where today's core differs; exit status 1 if it does. Raises OutwaitError."""
    console = Console()
    setup, entries = _load(path)
    total = 0
    try:
        for difference in differences(setup, track(entries, "replaying", console=Console(stderr=True))):
            total += 1
            if total <= SHOWN:
                _show(console, difference)
    except (msgspec.MsgspecError, call_log.FileError) as error:
        raise OutwaitError(f"{path}: not a call log: {error}") from error
    except LawBroken as broken:
        raise OutwaitError(f"today's core breaks a law on this call: {broken}") from broken
    if not total:
        console.print(f"{len(entries)} entries, no difference")
        return 0
    console.print(f"{len(entries)} entries, {total} differ" + (f", the first {SHOWN} shown" if total > SHOWN else ""))
    return 1


def _show(console: Console, difference: Difference) -> None:
    console.print(f"{difference.at:9.2f} s  line {difference.seq}  {difference.event}", highlight=False)
    for sign, commands, others in (
        ("-", difference.then, difference.today),
        ("+", difference.today, difference.then),
    ):
        for command in commands:
            if command not in others:
                console.print(f"    {sign} {command!r:.200}", highlight=False, markup=False)


def _load(path: Path) -> tuple[Setup, list[Entry]]:
    """The log beside the call object; else the one in the database."""
    try:
        call_id = json.loads(path.read_bytes())["id"]
    except OSError as error:
        raise OutwaitError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise OutwaitError(f"{path}: not a call.json") from error
    beside = call_log.log_beside(path)
    if not beside.exists():
        return asyncio.run(_from_database(call_id, beside))
    try:
        setup, entries = call_log.read_file(beside)
        return setup, list(entries)
    except (OSError, call_log.FileError) as error:
        raise OutwaitError(str(error)) from error


async def _from_database(call_id: str, beside: Path) -> tuple[Setup, list[Entry]]:
    from outwait.config import Settings
    from outwait.store.base import StoreError
    from outwait.store.sql import SqlStore

    try:
        store = await SqlStore.open(Settings.load().database_url.get_secret_value())
        try:
            row = await store.get(call_id)
            entries = await store.log(call_id)
        finally:
            await store.close()
    except StoreError as error:
        raise OutwaitError(str(error)) from error
    if row is None:
        raise OutwaitError(f"there is no {beside.name} beside it, and the database does not know call {call_id}")
    return call_log.unpack_setup(row.setup), entries
