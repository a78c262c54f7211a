"""What every store must do, on each database there is."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

import pytest

from outwait.store.base import CallRow, Entry, Fenced, OverQuota, Quota, Store, StoreError
from outwait.store.sql import SqlStore

DAY = 86_400.0


def row(call_id: str = "c1", created: float = 1000.0) -> CallRow:
    return CallRow(
        id=call_id,
        created=created,
        setup=b'{"task":"fragen: \xc3\xbc"}',
        record={"id": call_id, "phase": "queued", "task": "\u00fc \u0000"},
        carrier_call_id=None,
        live=True,
        epoch=1,
    )


def entry(seq: int, epoch: int = 1) -> Entry:
    return Entry(seq=seq, now=seq / 10, wall=1000.0 + seq, epoch=epoch, event=b'{"event":"Begun"}', commands=b"[]")


async def test_keeps_a_call(store: Store) -> None:
    assert await store.create(row()) == row()
    assert await store.get("c1") == row()
    assert await store.get("c2") is None
    assert await store.get("c\0") is None
    assert await store.get("c" * 10_000 + "\u00fc") is None
    assert await store.log("c1") == []


async def test_refuses_the_same_call_twice(store: Store) -> None:
    await store.create(row())
    with pytest.raises(StoreError):
        await store.create(row())


async def test_a_key_gives_the_same_call_for_a_day(store: Store) -> None:
    first = await store.create(row("c1", 1000.0), "key")
    assert await store.create(row("c2", 1000.0 + DAY - 1), "key") == first
    assert await store.get("c2") is None
    assert (await store.create(row("c3", 1000.0 + DAY + 1), "key")).id == "c3"
    assert (await store.create(row("c4", 1000.0), "other")).id == "c4"


async def test_a_key_used_at_once_makes_one_call(store: Store) -> None:
    made = await asyncio.gather(*(store.create(row(f"c{n}"), "key") for n in range(8)))
    assert len({call.id for call in made}) == 1
    calls, _ = await store.page(10, None)
    assert [call.id for call in calls] == [made[0].id]


async def test_keeps_the_log_in_order(store: Store) -> None:
    await store.create(row())
    await store.append("c1", [entry(1), entry(2)])
    await store.append("c1", [entry(3)], {"id": "c1", "phase": "talking", "carrier_call_id": "CA1"})
    assert await store.log("c1") == [entry(1), entry(2), entry(3)]
    assert await store.log("c1", after=2) == [entry(3)]
    kept = await store.by_carrier_id("CA1")
    assert kept is not None
    assert kept.record == {"id": "c1", "phase": "talking", "carrier_call_id": "CA1"}
    assert kept.setup == row().setup
    assert await store.by_carrier_id("CA2") is None


async def test_finds_the_call_of_a_further_leg(store: Store) -> None:
    await store.create(row())
    record = {"id": "c1", "phase": "talking", "carrier_call_id": "CA1", "second_legs": [{"carrier_call_id": None}]}
    await store.append("c1", [entry(1)], record)
    assert await store.by_carrier_id("CA2") is None
    record["second_legs"] = [{"carrier_call_id": "CA2"}, {"carrier_call_id": "CA3"}]
    for seq in (2, 3):
        await store.append("c1", [entry(seq)], record)
    for carrier_id in ("CA1", "CA2", "CA3"):
        kept = await store.by_carrier_id(carrier_id)
        assert kept is not None
        assert kept.id == "c1"


async def test_an_append_can_be_tried_again(store: Store) -> None:
    await store.create(row())
    await store.append("c1", [entry(1), entry(2)])
    await store.append("c1", [entry(1), entry(2), entry(3)])
    assert [line.seq for line in await store.log("c1")] == [1, 2, 3]


async def test_a_record_alone_is_a_mistake(store: Store) -> None:
    await store.create(row())
    await store.append("c1", [])
    with pytest.raises(ValueError, match="entries"):
        await store.append("c1", [], {"phase": "ended"})


async def test_the_old_owner_is_fenced(store: Store) -> None:
    await store.create(row())
    await store.append("c1", [entry(1)])
    assert await store.take_over("c1") == 2
    with pytest.raises(Fenced):
        await store.append("c1", [entry(2)], {"phase": "ended"})
    await store.append("c1", [entry(2, epoch=2)])
    assert [line.epoch for line in await store.log("c1")] == [1, 2]
    kept = await store.get("c1")
    assert kept is not None
    assert (kept.epoch, kept.live, kept.record["phase"]) == (2, True, "queued")


async def test_what_the_ear_remembers_is_the_owners_to_keep(store: Store) -> None:
    await store.create(row())
    await store.keep_memory("c1", b"first", 1)
    epoch = await store.take_over("c1", "b")
    with pytest.raises(Fenced):
        await store.keep_memory("c1", b"late", 1)
    assert await store.memory("c1") == b"first"
    await store.keep_memory("c1", b"second", epoch)
    assert await store.memory("c1") == b"second"
    with pytest.raises(Fenced):
        await store.keep_memory("c2", b"of nobody", 1)


async def test_an_unknown_call_can_be_neither_taken_nor_written(store: Store) -> None:
    with pytest.raises(KeyError):
        await store.take_over("c9")
    with pytest.raises(Fenced):
        await store.append("c9", [entry(1)])


async def test_knows_which_calls_live(store: Store) -> None:
    await store.create(row("c1", 1.0))
    await store.create(row("c2", 2.0))
    await store.append("c1", [entry(1)], {"phase": "ended"})
    assert [call.id for call in await store.live()] == ["c2"]


async def test_pages_newest_first(store: Store) -> None:
    for number in range(5):
        await store.create(row(f"c{number}", 1000.1 + number // 2))  # some are of the same moment
    first, cursor = await store.page(2, None)
    second, cursor = await store.page(2, cursor)
    third, end = await store.page(2, cursor)
    assert [call.id for call in (*first, *second, *third)] == ["c4", "c3", "c2", "c1", "c0"]
    assert end is None


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "bm90IGpzb24", "W10", "\u00fc"])
async def test_refuses_a_wrong_cursor(store: Store, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await store.page(2, cursor)


async def test_a_token_is_good_once_and_for_its_time(store: Store) -> None:
    digest, late = hashlib.sha256(b"token").digest(), hashlib.sha256(b"late").digest()
    await store.keep_token(digest, "c1", 600.0)
    await store.keep_token(late, "c1", 600.0)
    assert await store.spend_token(digest, 599.0) == "c1"
    assert await store.spend_token(digest, 599.0) is None
    assert await store.spend_token(late, 600.0) is None
    assert await store.spend_token(b"x" * 32, 0.0) is None


async def test_a_token_is_spent_by_one_of_many(store: Store) -> None:
    digest = hashlib.sha256(b"token").digest()
    await store.keep_token(digest, "c1", 600.0)
    spent = await asyncio.gather(*(store.spend_token(digest, 0.0) for _ in range(8)))
    assert [call_id for call_id in spent if call_id is not None] == ["c1"]
    assert await store.spend_token(digest, 0.0) is None


async def test_all_is_there_after_a_restart(url: str) -> None:
    before = await SqlStore.open(url)
    await before.create(row())
    await before.append("c1", [entry(1)])
    await before.close()
    after = await SqlStore.open(url)
    assert await after.log("c1") == [entry(1)]
    await after.close()


async def test_many_calls_write_at_once(store: Store) -> None:
    for number in range(10):
        await store.create(row(f"c{number}"))

    async def write(call_id: str) -> None:
        for seq in range(1, 11):
            await store.append(call_id, [entry(seq)], {"id": call_id, "phase": "talking"})

    await asyncio.gather(*(write(f"c{number}") for number in range(10)))
    for number in range(10):
        assert [line.seq for line in await store.log(f"c{number}")] == list(range(1, 11))


async def test_a_cancelled_write_leaves_the_store_usable(store: Store) -> None:
    await store.create(row())
    for seq in range(1, 30):
        task = asyncio.ensure_future(store.append("c1", [entry(seq)]))
        for _ in range(seq):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await store.append("c1", [replace(entry(100))])
    assert (await store.log("c1"))[-1] == entry(100)


# --- who runs a call -------------------------------------------------------------------------------


async def test_a_call_is_claimed_only_when_its_owners_lease_is_over(store: Store) -> None:
    await store.create(replace(row(), owner="a"))
    await store.beat("a", "here", 100.0)
    assert await store.claim("c1", "b", 99.0) is None
    kept = await store.get("c1")
    assert kept is not None
    assert (kept.owner, kept.epoch) == ("a", 1)
    await store.beat("a", "here", 130.0)
    assert await store.claim("c1", "b", 129.0) is None
    assert await store.claim("c1", "b", 130.0) == 2
    kept = await store.get("c1")
    assert kept is not None
    assert (kept.owner, kept.epoch) == ("b", 2)
    with pytest.raises(Fenced):
        await store.append("c1", [entry(1)])


async def test_a_claimed_call_is_claimed_by_one(store: Store) -> None:
    for name in "abcdefgh":
        await store.beat(name, "", 100.0)
    for number in range(20):  # who waits for another one's claim must see it
        await store.create(replace(row(f"c{number}"), owner="dead"))
        epochs = await asyncio.gather(*(store.claim(f"c{number}", name, 50.0) for name in "abcdefgh"))
        assert [epoch for epoch in epochs if epoch is not None] == [2]


async def test_a_process_that_leaves_frees_its_calls(store: Store) -> None:
    await store.create(replace(row(), owner="a"))
    await store.beat("a", "here", 100.0)
    assert await store.processes() == {"a": "here"}
    await store.leave("a")
    assert await store.processes() == {}
    assert await store.claim("c1", "b", 0.0) == 2


async def test_an_ended_call_is_not_claimed(store: Store) -> None:
    await store.create(row())
    await store.append("c1", [entry(1)], {"phase": "ended"})
    assert await store.claim("c1", "b", 0.0) is None
    assert await store.claim("c9", "b", 0.0) is None


async def test_who_is_asked_by_the_carrier_may_take_a_call_over(store: Store) -> None:
    await store.create(replace(row(), owner="a"))
    await store.beat("a", "here", 100.0)
    assert await store.take_over("c1", "b") == 2
    kept = await store.get("c1")
    assert kept is not None
    assert kept.owner == "b"


# --- how many calls there may be -------------------------------------------------------------------


def of_key(call_id: str, created: float = 1000.0, key: str = "k", reserved: float = 0.0) -> CallRow:
    made = row(call_id, created)
    return replace(made, api_key=key, reserved=reserved, record=made.record | {"to": "+12025550143"})


async def test_a_key_has_so_many_calls_at_once(store: Store) -> None:
    quota = Quota(live=1)
    await store.create(of_key("c1"), None, quota)
    with pytest.raises(OverQuota) as refused:
        await store.create(of_key("c2"), None, quota)
    assert refused.value.code == "too_many_at_once"
    assert await store.get("c2") is None
    await store.create(of_key("c3", key="other"), None, quota)
    await store.append("c1", [entry(1)], {"phase": "ended"})
    await store.create(of_key("c4"), None, quota)


async def test_calls_at_once_do_not_slip_past_a_quota(store: Store) -> None:
    made = await asyncio.gather(
        *(store.create(of_key(f"c{n}"), None, Quota(live=2)) for n in range(8)), return_exceptions=True
    )
    assert sum(isinstance(call, CallRow) for call in made) == 2


async def test_a_key_has_so_many_calls_a_day(store: Store) -> None:
    quota = Quota(calls=1)
    await store.create(of_key("c1"), None, quota)
    await store.append("c1", [entry(1)], {"phase": "ended"})
    with pytest.raises(OverQuota) as refused:
        await store.create(of_key("c2", 1000.0 + DAY - 1), None, quota)
    assert refused.value.code == "too_many_today"
    await store.create(of_key("c3", 1000.0 + DAY), None, quota)


async def test_a_repeated_request_is_not_counted_against_its_quota(store: Store) -> None:
    first = await store.create(of_key("c1"), "once", Quota(live=1))
    assert await store.create(of_key("c2"), "once", Quota(live=1)) == first


async def test_a_key_spends_so_much_a_day(store: Store) -> None:
    quota = Quota(usd=1.0)
    await store.create(of_key("c1", reserved=0.6), None, quota)
    with pytest.raises(OverQuota, match=r"0\.40 USD left") as refused:
        await store.create(of_key("c2", reserved=0.5), None, quota)
    assert refused.value.code == "spend_limit"
    await store.append("c1", [entry(1)], {"phase": "talking", "cost": {"total_usd": 0.1}})  # it may still spend more
    with pytest.raises(OverQuota):
        await store.create(of_key("c2", reserved=0.5), None, quota)
    await store.append("c1", [entry(2)], {"phase": "ended", "cost": {"total_usd": 0.2}})
    await store.create(of_key("c2", reserved=0.8), None, quota)


async def test_a_number_is_called_so_often_a_day(store: Store) -> None:
    quota = Quota(to_number=1)
    await store.create(of_key("c1"), None, quota)
    with pytest.raises(OverQuota) as refused:
        await store.create(of_key("c2", key="other"), None, quota)
    assert refused.value.code == "too_many_to_number"
    await store.create(of_key("c3", 1000.0 + DAY), None, quota)


async def test_letters_wait_for_the_calls_owner(store: Store) -> None:
    for name in ("c1", "c2", "c3"):
        await store.create(replace(row(name), owner="a"))
    await store.take_over("c2", "b")
    for number, name in enumerate(("c1", "c2", "c3", "c1")):
        await store.keep_letter(name, b"%d" % number)
    ours = await store.letters("a")
    assert [(letter.call_id, letter.event) for letter in ours] == [("c1", b"0"), ("c3", b"2"), ("c1", b"3")]
    await store.forget_letters([ours[0].id])
    assert [letter.event for letter in await store.letters("a")] == [b"2", b"3"]
    assert [letter.event for letter in await store.letters("b")] == [b"1"]
    await store.append("c3", [entry(1)], {"id": "c3", "phase": "ended"})
    assert [letter.event for letter in await store.letters("a")] == [b"3"]
    await store.take_over("c1", "b")
    assert [letter.event for letter in await store.letters("b")] == [b"1", b"3"]
    with pytest.raises(StoreError):
        await store.keep_letter("c9", b"{}")


async def test_appends_at_once_are_each_whole_or_not_there(store: Store) -> None:
    """They may share a transaction; what is wrong with one is not the others' trouble."""
    for number in range(6):
        await store.create(row(f"c{number}"))
    await store.take_over("c2", "b")
    done = await asyncio.gather(
        *(store.append(f"c{number}", [entry(1), entry(2)], {"id": f"c{number}"}) for number in range(6)),
        store.append("c9", [entry(1)]),
        return_exceptions=True,
    )
    assert [type(one) for one in done] == [type(None)] * 2 + [Fenced] + [type(None)] * 3 + [Fenced]
    for number in range(6):
        kept = await store.log(f"c{number}")
        assert [line.seq for line in kept] == ([] if number == 2 else [1, 2])


async def test_an_append_that_is_given_up_keeps_nobody_elses(store: Store) -> None:
    for number in range(4):
        await store.create(row(f"c{number}"))
    appends = [asyncio.create_task(store.append(f"c{number}", [entry(1)])) for number in range(4)]
    await asyncio.sleep(0)
    appends[0].cancel()
    await asyncio.gather(*appends, return_exceptions=True)
    assert appends[0].cancelled()
    for number in range(1, 4):
        assert [line.seq for line in await store.log(f"c{number}")] == [1]
