"""What was lost sight of is found: two processes on one database, and a carrier that remembers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from outwait.house.reaper import LEASE_SECONDS, SETTLED_SECONDS, Lease, has_died, here
from outwait.store.base import CallRow, Entry, StoreError
from outwait.store.sql import SqlStore
from tests.fleet import WISH, World
from tests.sample_call import sample_call


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "calls.db")


async def test_a_start_leaves_the_calls_of_a_living_process_alone(world: World) -> None:
    async with world.process("a") as a:
        call_id = (await a.board.place(WISH, None)).id
        await a.dialled(call_id)
        async with world.process("b") as b:
            await b.reaper.beat()
            assert not b.board.live
            row = await b.store.get(call_id)
            assert row is not None
            assert (row.owner, row.epoch) == ("a", 1)
        assert call_id in a.board.live
        world.exchange.legs["CA1"] = "completed"
        await a.board.hang_up(call_id)
        await a.ended(call_id)


async def test_a_call_is_taken_up_when_its_owners_lease_is_over(world: World) -> None:
    """The owner is stopped without a word, as SIGSTOP does; when it wakes, it finds that the call is not its own."""
    async with world.process("a") as a, world.process("b") as b:
        call_id = (await a.board.place(WISH, None)).id
        await a.dialled(call_id)
        world.clock.now += LEASE_SECONDS - 1
        await b.reaper.beat()
        assert not b.board.live
        world.clock.now += 1
        await b.reaper.beat()
        assert call_id in b.board.live
        assert b.counted == ["call"]
        await b.reaper.beat()
        assert b.counted == ["call"]
        await a.board.hang_up(call_id)  # a zombie's order
        while call_id in a.board.live:
            await a.board._moved.wait()
            a.board._moved.clear()
        assert world.exchange.hung_up == [], "the zombie was fenced before it could do harm"
        await b.board.hang_up(call_id)
        assert (await b.ended(call_id))["end_reason"]["cause"] == "api_hangup"
        assert world.exchange.hung_up == ["CA1"]
        assert world.exchange.dialled == [call_id], "dialled once"


async def test_an_owner_that_renews_keeps_its_calls(world: World) -> None:
    async with world.process("a") as a, world.process("b") as b:
        call_id = (await a.board.place(WISH, None)).id
        await a.dialled(call_id)
        for _ in range(5):
            world.clock.now += LEASE_SECONDS - 1
            await a.reaper.beat()
            await b.reaper.beat()
        assert not b.board.live
        await a.board.hang_up(call_id)
        await a.ended(call_id)


async def test_a_process_that_died_on_this_machine_is_not_waited_for(world: World) -> None:
    async with world.process("a") as a:
        call_id = (await a.board.place(WISH, None)).id
        await a.dialled(call_id)
        world.dead.add("a")
        async with world.process("b") as b:  # at its start, no second later
            assert call_id in b.board.live
            world.exchange.legs["CA1"] = "completed"
            await b.board.hang_up(call_id)
            await b.ended(call_id)


async def test_a_process_that_ends_leaves_its_calls_free(world: World) -> None:
    async with world.process("a") as a, world.process("b") as b:
        call_id = (await a.board.place(WISH, None)).id
        await a.dialled(call_id)
        await a.stop()
        await b.reaper.beat()
        assert call_id in b.board.live
        await b.board.hang_up(call_id)
        await b.ended(call_id)


async def test_a_call_that_is_over_at_the_carrier_is_ended(world: World) -> None:
    async with world.process("a") as a:
        call_id = (await a.board.place(WISH, None)).id
        await a.dialled(call_id)
        await a.stop()
        world.exchange.legs["CA1"] = "busy"
        async with world.process("b") as b:
            call = await b.ended(call_id)
            assert call["end_reason"] == {"result": "client_error", "cause": "busy"}


async def test_a_draining_process_takes_nothing_up(world: World) -> None:
    async with world.process("a") as a, world.process("b") as b:
        call_id = (await a.board.place(WISH, None)).id
        await a.dialled(call_id)
        await b.board.drain(0.0)
        await a.stop()
        await b.reaper.beat()
        assert not b.board.live


async def test_a_leg_that_nobody_here_knows_to_be_up_is_ended(world: World) -> None:
    async with world.process("a") as a:
        over = sample_call() | {"id": "over", "carrier_call_id": "CA7", "ended_at": "2026-11-22T10:00:00Z"}
        await a.store.create(CallRow("over", 0.0, b"{}", over, "CA7", False, 1))
        world.exchange.legs |= {"CA7": "in-progress", "CA8": "in-progress"}  # the other is another program's
        world.clock.now += SETTLED_SECONDS
        await a.reaper.sweep()
        assert world.exchange.hung_up == [], "the carrier may not have noticed the end yet"
        world.clock.now += 1
        await a.reaper.sweep()
        assert world.exchange.hung_up == ["CA7"]
        assert a.counted == ["leg"]


async def test_further_legs_are_found_and_transferred_ones_left_to_those_who_talk(world: World) -> None:
    async with world.process("a") as a:
        over = sample_call() | {"ended_at": "2026-11-22T10:00:00Z", "end_reason": {"cause": "transferred"}}
        await a.store.create(CallRow("c7", 0.0, b"{}", over | {"id": "c7"}, "CA7", True, 1))
        legs = [{"leg": 2, "carrier_call_id": "CA9"}]
        record = over | {"id": "c7", "carrier_call_id": "CA7", "phase": "ended", "second_legs": legs}
        await a.store.append("c7", [Entry(1, 0.0, 0.0, 1, b"{}", b"[]")], record)
        assert await a.board.call_of("CA9") == "c7.2"
        world.exchange.legs |= {"CA7": "in-progress", "CA9": "in-progress"}
        world.clock.now += SETTLED_SECONDS + 1
        await a.reaper.sweep()
        assert world.exchange.hung_up == ["CA9"]


async def test_the_leg_of_a_call_that_runs_is_left_alone(world: World) -> None:
    async with world.process("a") as a, world.process("b") as b:
        call_id = (await a.board.place(WISH, None)).id
        await a.dialled(call_id)
        world.clock.now += 3600
        await b.reaper.sweep()
        await a.reaper.sweep()
        assert world.exchange.hung_up == []
        await a.board.hang_up(call_id)
        await a.ended(call_id)


async def test_a_lease_is_held_as_long_as_the_process_works(world: World) -> None:
    store = await SqlStore.open(f"sqlite:///{world.path}")
    async with Lease(store, "a", world.clock, place="a").held():
        assert await store.processes() == {"a": "a"}
    assert await store.processes() == {}
    await store.close()


async def test_a_silent_carrier_or_database_does_not_stop_the_reaper(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.process("a") as a:
        world.exchange.down = True
        await a.reaper.sweep()

        async def fails(*_: object) -> None:
            raise StoreError("disk full")

        monkeypatch.setattr(a.store, "beat", fails)
        await a.reaper.beat()


async def test_a_call_that_a_bug_throws_out_is_not_tried_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.process("a") as a:
        await a.store.create(CallRow("broken", 0.0, b"{}", sample_call(), None, True, 1))
        await a.reaper.beat()
        row = await a.store.get("broken")
        assert row is not None
        await a.reaper.beat()
        again = await a.store.get("broken")
        assert again is not None
        assert (again.owner, again.epoch) == ("a", row.epoch)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when a process began")
def test_knows_its_dead() -> None:
    assert not has_died(here())
    assert not has_died("")
    assert not has_died("another machine's words")
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    stat = Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()
    place = f"{' '.join(here().split()[:2])} {other.pid} {stat[19]}"
    assert not has_died(place)
    assert has_died(f"{' '.join(here().split()[:2])} {os.getpid()} 1"), "its number is used again"
    assert not has_died(f"elsewhere pid:[1] {other.pid} 1")
    other.communicate(b"\n")
    assert has_died(place)
