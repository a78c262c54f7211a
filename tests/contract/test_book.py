"""Keys, numbers that are not called, and how long everything is kept, on each database there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from outwait.store import opening
from outwait.store.base import CallRow, Entry, Limits
from outwait.store.book import Book, Taken
from outwait.store.sql import SqlStore
from outwait.store.tables import api_keys, metadata

NUMBER, OTHER = "+12025550143", "+12025550144"
SAID = "my sister is called Ursuline"


@pytest.fixture
def book(store: SqlStore) -> Book:
    return Book(store)


async def a_call(store: SqlStore, call_id: str, created: float, to: str = NUMBER, phase: str = "ended") -> None:
    record = {"id": call_id, "to": to, "phase": "queued", "task": SAID}
    setup = b'{"id":"x","task":"%s","metadata":{"who":"%s"},"engine":"openai"}' % (SAID.encode(), SAID.encode())
    await store.create(CallRow(call_id, created, setup, record, None, True, 1), f"key of {call_id}")
    said = {"transcript": [{"at": 1.0, "role": "human", "text": SAID}], "outcome": SAID, "cost": {"total_usd": 0.5}}
    said |= {"result": {"who": SAID}, "result_faults": [SAID], "evidence": [{"of": "/who", "text": SAID}]}
    event = b'{"text":"%s"}' % SAID.encode()
    await store.append(call_id, [Entry(1, 0.0, 0.0, 1, event, b"[]")], record | said | {"phase": phase})
    await store.keep_memory(call_id, SAID.encode(), 1)


async def everything(store: SqlStore) -> str:
    """All that the database says, as text."""
    lines: list[str] = []
    async with store.read() as connection:
        for table in metadata.sorted_tables:
            lines += [repr(tuple(line)) for line in await connection.execute(sa.select(table))]
    return "\n".join(lines)


# --- keys ------------------------------------------------------------------------------------------


async def test_a_key_opens_until_it_is_revoked(book: Book) -> None:
    limits = Limits(calls_at_once=2, calls_per_day=3, usd_per_day=4.5, countries=("US", "CA"))
    key = await book.add_key("shop", limits, 1000.0)
    found = await book.key_of(key)
    assert found is not None
    assert (found.name, found.limits, found.created) == ("shop", limits, 1000.0)
    assert await book.key_of(key[:-1] + ("A" if key[-1] != "A" else "B")) is None
    assert await book.key_of("") is None
    assert await book.key_of(key + "\0") is None
    assert await book.revoke_key("shop", 2000.0)
    assert await book.key_of(key) is None
    assert not await book.revoke_key("shop", 3000.0)
    assert [(kept.name, kept.revoked) for kept in await book.keys()] == [("shop", 2000.0)]


async def test_a_key_is_kept_as_its_hash_alone(book: Book, store: SqlStore) -> None:
    key = await book.add_key("shop", Limits(), 1000.0)
    assert key[10:20] not in await everything(store)
    async with store.read() as connection:
        assert len((await connection.execute(sa.select(api_keys.c.digest))).scalar_one()) == 32


async def test_a_name_is_given_once(book: Book) -> None:
    await book.add_key("shop", Limits(), 1000.0)
    with pytest.raises(Taken):
        await book.add_key("shop", Limits(), 1000.0)


# --- numbers that are not called -------------------------------------------------------------------


async def test_keeps_numbers_that_are_not_called(book: Book) -> None:
    assert not await book.not_called(NUMBER)
    assert await book.do_not_call(NUMBER, "asked us to stop", 1000.0)
    assert not await book.do_not_call(NUMBER, "again", 2000.0)
    assert await book.not_called(NUMBER)
    assert await book.do_not_call_list() == [(NUMBER, 1000.0, "asked us to stop")]
    assert await book.may_call_again(NUMBER)
    assert not await book.may_call_again(NUMBER)
    assert not await book.not_called(NUMBER)


# --- how long things are kept ----------------------------------------------------------------------


async def test_old_calls_are_deleted_with_all_that_is_theirs(book: Book, store: SqlStore) -> None:
    await a_call(store, "old", 1000.0)
    await a_call(store, "new", 2000.0)
    await a_call(store, "running", 1000.0, phase="talking")
    assert await book.prune(1500.0, None, dry=True) == (1, 0)
    assert await store.get("old") is not None
    assert await book.prune(1500.0, None, dry=False) == (1, 0)
    assert await store.get("old") is None
    assert await store.log("old") == []
    assert await store.memory("old") is None
    assert await store.get("new") is not None
    assert await store.get("running") is not None


async def test_words_go_and_the_call_stays(book: Book, store: SqlStore) -> None:
    await a_call(store, "old", 1000.0)
    await a_call(store, "running", 1000.0, phase="talking")
    assert await book.prune(None, 1500.0, dry=True) == (0, 1)
    assert await book.prune(None, 1500.0, dry=False) == (0, 1)
    kept = await store.get("old")
    assert kept is not None
    assert kept.record["to"] == NUMBER
    assert kept.record["cost"] == {"total_usd": 0.5}
    assert (kept.record["transcript"], kept.record["outcome"], kept.record["task"]) == ([], None, "")
    assert await store.log("old") == []
    await store.append("running", [Entry(2, 0.0, 0.0, 1, b"{}", b"[]")], {"phase": "ended", "to": NUMBER})
    assert await book.prune(None, 1500.0, dry=False) == (0, 1)
    assert SAID not in await everything(store)
    assert await book.prune(None, 1500.0, dry=False) == (0, 0)


async def test_both_at_once_count_each_call_once(book: Book, store: SqlStore) -> None:
    for number in range(3):
        await a_call(store, f"c{number}", 1000.0 * number)
    assert await book.prune(500.0, 1500.0, dry=True) == (1, 1)
    assert await book.prune(500.0, 1500.0, dry=False) == (1, 1)


async def test_more_calls_than_one_batch(book: Book, store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outwait.store.book._BATCH", 2)
    for number in range(5):
        await a_call(store, f"c{number}", 1000.0)
    assert await book.prune(None, 2000.0, dry=False) == (0, 5)
    assert await book.prune(2000.0, None, dry=False) == (5, 0)


async def test_a_number_is_forgotten(book: Book, store: SqlStore) -> None:
    await a_call(store, "c1", 1000.0)
    await a_call(store, "c2", 2000.0)
    await a_call(store, "c3", 2000.0, OTHER)
    await a_call(store, "c4", 3000.0, phase="talking")
    await store.keep_number(NUMBER, b'{"calls": 1}', 3000.0)
    await store.keep_number(NUMBER, b'{"calls": 2}', 3000.0)
    await store.keep_number(OTHER, b"{}", 3000.0)
    assert await store.number(NUMBER) == b'{"calls": 2}'
    assert await book.forget(NUMBER) == (2, 1)
    assert await store.number(NUMBER) is None, "nor what was learned of it"
    assert await store.number(OTHER) == b"{}"
    rows, _ = await store.page(10, None)
    assert [row.id for row in rows] == ["c4", "c3"]
    assert await book.forget(OTHER) == (1, 0)


@pytest.fixture
async def careless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqlStore]:
    """SQLite as it is built in places: what is deleted stays in the file until something is written over it."""
    prepare = opening._prepare_sqlite

    def carelessly(connection: Any, record: Any) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA secure_delete = OFF").close()

    monkeypatch.setattr(opening, "_prepare_sqlite", carelessly)
    store = await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
    yield store
    await store.close()


def files(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in tmp_path.iterdir())


async def test_what_is_pruned_is_written_over(careless: SqlStore, tmp_path: Path) -> None:
    await a_call(careless, "c1", 1000.0)
    await a_call(careless, "c2", 1000.0)
    assert SAID.encode() in files(tmp_path)
    await Book(careless).prune(None, 2000.0, dry=False)
    assert SAID.encode() not in files(tmp_path)
    assert NUMBER.encode() in files(tmp_path)


async def test_of_who_is_forgotten_nothing_is_left_in_the_file(careless: SqlStore, tmp_path: Path) -> None:
    await a_call(careless, "c1", 1000.0, phase="talking")
    long = {"to": NUMBER, "phase": "talking", "transcript": [SAID] * 5000}
    for seq, record in ((2, long), (3, {"to": NUMBER, "phase": "ended"})):  # the second lets go what the first took
        await careless.append("c1", [Entry(seq, 0.0, 0.0, 1, b"{}", b"[]")], record)
    assert await Book(careless).forget(NUMBER) == (1, 0)
    assert SAID.encode() not in files(tmp_path)
    assert NUMBER.encode() not in files(tmp_path)
