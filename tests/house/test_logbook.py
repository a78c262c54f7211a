"""What is written at once, what soon, and what becomes of it when the store fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from outwait import call_log
from outwait.call.commands import AnyCommand, HangUp, PlayAudio, Tell
from outwait.call.events import AnyEvent, Dialled, Heard, HungUp, LogFailed
from outwait.call.notes import Status
from outwait.house import logbook
from outwait.house.logbook import Logbook
from outwait.store.base import Entry, Fenced, StoreError

ACT = [HangUp("CA1", cancel=False)]
NOTE = [Tell(Status("ringing"))]
FRAME = Heard(1, 0.0, b"\xff" * 160)


class Shelf:
    """As much of a store as a logbook asks for; it fails as it is told."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.records: list[dict[str, Any] | None] = []
        self.failure: StoreError | None = None
        self.news = asyncio.Event()

    async def append(self, call_id: str, entries: Sequence[Entry], record: dict[str, Any] | None = None) -> None:
        await asyncio.sleep(0)
        self.news.set()
        if self.failure is not None:
            raise self.failure
        self.entries += entries
        self.records.append(record)


class Desk:
    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.shelf = Shelf()
        self.told: list[AnyEvent | None] = []
        self.tasks = tasks
        self.book = Logbook(
            "c1",
            self.shelf,  # type: ignore[arg-type]
            wall=lambda: 0.0,
            spawn=self.spawn,
            tell=self.told.append,
            seq=0,
            epoch=1,
        )

    def spawn(self, work: Coroutine[Any, Any, None]) -> object:
        return self.tasks.create_task(work)

    async def add(self, event: AnyEvent, commands: Sequence[AnyCommand], **record: Any) -> None:
        await self.book.add(asyncio.get_running_loop().time(), event, commands, (lambda: record) if record else None)


async def test_what_acts_is_written_before_it_acts() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        await desk.add(Dialled("CA1"), NOTE, phase="dialing")
        assert desk.shelf.entries == [], "it does nothing outside, and is not waited for"
        await desk.add(HungUp(), ACT)
        assert [entry.seq for entry in desk.shelf.entries] == [1, 2]
        assert desk.shelf.records == [{"phase": "dialing"}]


async def test_quiet_events_are_kept_in_order_with_the_others() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        desk.book.add_quiet(1.0, FRAME)
        await desk.add(HungUp(), [PlayAudio(1, b"x"), *ACT])
        desk.book.add_quiet(2.0, FRAME)
        await desk.book.finish(3.0, lambda: {"phase": "ended"})
        events = [event for entry in desk.shelf.entries for _, event in call_log.unpack_event(entry.event)]
        assert events == [FRAME, HungUp(), FRAME]
        assert desk.shelf.records[-1] == {"phase": "ended"}


async def test_many_quiet_events_are_written_of_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "TOGETHER_SECONDS", 0.01)
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        for number in range(call_log.QUIET_LIMIT // 8):
            desk.book.add_quiet(number * 0.16, Heard(1, number * 0.16, b"\xff" * 1280))
        await desk.shelf.news.wait()
    assert len(desk.shelf.entries) == 1, "eight frames at once count as eight"


async def test_a_store_that_fails_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "RETRY_SECONDS", 0.0)
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        desk.shelf.failure = StoreError("full")
        await desk.add(HungUp(), ACT, phase="ending")
        await desk.add(HungUp(), ACT)
        assert desk.told == [LogFailed(detail="full")], "told once"
        desk.shelf.failure = None
        await desk.add(HungUp(), ACT)
        assert [entry.seq for entry in desk.shelf.entries] == [1, 2, 3]
        assert desk.shelf.records == [{"phase": "ending"}]


async def test_the_end_of_a_call_waits_for_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "RETRY_SECONDS", 0.0)
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        desk.shelf.failure = StoreError("full")
        await desk.add(HungUp(), ACT)
        done = tasks.create_task(desk.book.finish(1.0, lambda: {"phase": "ended"}))
        for _ in range(20):
            desk.shelf.news.clear()
            await desk.shelf.news.wait()
        assert not done.done()
        desk.shelf.failure = None
        await done
    assert [entry.seq for entry in desk.shelf.entries] == [1]
    assert desk.shelf.records == [{"phase": "ended"}]


async def test_a_fenced_one_writes_no_more() -> None:
    async with asyncio.TaskGroup() as tasks:
        desk = Desk(tasks)
        desk.shelf.failure = Fenced("gone")
        await desk.add(HungUp(), ACT)
        assert desk.book.fenced
        assert desk.told == [None]
