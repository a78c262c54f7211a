"""The notes of a call as an event stream tells them: numbered from 1, each with its kind and its JSON."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

import msgspec

from outwait import call_log
from outwait.call.commands import Tell
from outwait.call.notes import AnyNote, Ended
from outwait.call.setup import Setup
from outwait.record import Record
from outwait.store.base import Entry

WAIT_SECONDS = 15.0  # whoever waits for a note looks up at least so often

Told = tuple[int, str, bytes]


class Telling:
    """Of a call that runs here: the call object, the notes so far, and word for whoever waits for the next one."""

    def __init__(self, setup: Setup, created: float) -> None:
        """Nothing is told yet. `created`: s since 1970."""
        self.record = Record(
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
        self.over = False  # nothing more is told here
        self._told: list[Told] = []
        self._news = asyncio.Event()

    def add(self, notes: Iterable[AnyNote], wall: float) -> None:
        """The next ones; `wall`: s since 1970."""
        for note in notes:
            self.record.add(note, wall)
            self._told.append(_numbered(len(self._told) + 1, note))
            self.over = self.over or isinstance(note, Ended)
        self._wake()

    def end(self) -> None:
        """The call has ended, or another process has it."""
        self.over = True
        self._wake()

    async def after(self, number: int) -> AsyncIterator[Told]:
        """Those from `number` + 1 on, until nothing more is told here."""
        while True:
            news = self._news
            for told in self._told[max(0, number) :]:
                number = told[0]
                yield told
            if self.over:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WAIT_SECONDS):
                    await news.wait()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


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
