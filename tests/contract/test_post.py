"""What is to be delivered, on each database there is: due when its call has ended, lent to one at a time."""

from __future__ import annotations

import asyncio

from outwait.store.base import CallRow, Entry
from outwait.store.book import Book
from outwait.store.post import Post
from outwait.store.sql import SqlStore

URL = "https://example.com/hook"
ENDED = 2000.0


async def a_call(store: SqlStore, call_id: str, url: str = URL, phase: str = "ended") -> None:
    record = {"id": call_id, "to": "+12025550143", "phase": "queued"}
    await store.create(CallRow(call_id, 1000.0, b"{}", record, None, True, 1, webhook=url))
    await store.append(call_id, [Entry(1, 0.0, ENDED, 1, b"{}", b"[]")], record | {"phase": phase})


async def test_it_is_due_when_its_call_has_ended(store: SqlStore) -> None:
    await a_call(store, "c1")
    await a_call(store, "c2", phase="talking")
    await a_call(store, "c3", url="")
    post = Post(store)
    assert await post.take(ENDED - 1, 60.0, 8) == []
    (due,) = await post.take(ENDED, 60.0, 8)
    assert (due.call_id, due.url, due.ended, due.tries) == ("c1", URL, ENDED, 1)
    assert due.record["phase"] == "ended"
    assert await post.take(ENDED + 59, 60.0, 8) == [], "it is lent"
    (again,) = await post.take(ENDED + 60, 60.0, 8)
    assert again.tries == 2


async def test_what_is_done_is_done(store: SqlStore) -> None:
    post = Post(store)
    for number, call_id in enumerate(("c1", "c2", "c3")):
        await a_call(store, call_id)
        (due,) = await post.take(ENDED + number, 1e6, 8)
        assert due.call_id == call_id
    await post.delivered("c1")
    await post.given_up("c2")
    await post.again("c3", ENDED + 5)
    assert [due.call_id for due in await post.take(ENDED + 2e6, 60.0, 8)] == ["c3"]
    await store.append("c1", [Entry(2, 0.0, ENDED + 9, 1, b"{}", b"[]")], {"id": "c1", "phase": "ended"})
    assert [due.call_id for due in await post.take(ENDED + 3e6, 60.0, 8)] == ["c3"], "an end that is told twice"


async def test_two_processes_do_not_take_the_same(store: SqlStore) -> None:
    for number in range(8):
        await a_call(store, f"c{number}")
    taken = await asyncio.gather(*(Post(store).take(ENDED, 60.0, 3) for _ in range(6)))
    ids = [due.call_id for some in taken for due in some]
    assert len(ids) == len(set(ids))
    rest = await Post(store).take(ENDED, 60.0, 8)
    assert {due.call_id for due in rest} | set(ids) == {f"c{number}" for number in range(8)}


async def test_a_call_that_is_forgotten_is_told_to_nobody(store: SqlStore) -> None:
    await a_call(store, "c1")
    await Book(store).forget("+12025550143")
    assert await Post(store).take(ENDED, 60.0, 8) == []
