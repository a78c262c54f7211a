"""The notes of a call as an event stream tells them: numbered from 1, each with its kind and its JSON."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from outwait import call_log
from outwait.call.commands import Tell
from outwait.call.notes import AnyNote
from outwait.call.setup import Setup
from outwait.record import Record
from outwait.store.base import Entry

Told = tuple[int, str, bytes]


def new_record(setup: Setup, created: float) -> Record:
    """The record of a call that has told nothing yet. `created`: s since 1970."""
    return Record(
        setup.id,
        to=setup.to,
        from_=setup.from_,
        task=setup.task,
        created=created,
        carrier=setup.carrier,
        engine=setup.engine,
        agent=setup.agent,
        metadata=setup.metadata,
    )


def tell(told: list[Told], record: Record, notes: Iterable[AnyNote], wall: float) -> None:
    """Take notes into the call object, and put them after what was told."""
    for note in notes:
        record.add(note, wall)
        told.append(_numbered(len(told) + 1, note))


def read(entries: Iterable[Entry], before: int) -> list[Told]:
    """What was told in these entries of a log; `before`: how many notes the earlier entries hold."""
    notes = (
        command.note
        for entry in entries
        for command in call_log.unpack_commands(entry.commands)
        if isinstance(command, Tell)
    )
    return [_numbered(number, note) for number, note in enumerate(notes, before + 1)]


def _numbered(number: int, note: AnyNote) -> Told:
    data = msgspec.json.encode(note)
    return number, msgspec.json.decode(data)["kind"], data
