"""Which calls are placed, and what they are made with."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from outwait import call_log
from outwait.call.events import LegReported
from outwait.house.desk import Refused
from outwait.house.guard import Rules
from outwait.rules.hours import Hours
from outwait.store.base import ApiKey, Limits
from outwait.store.book import Book
from tests.fleet import FROM, TO, WISH, Process, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "calls.db")


async def key(process: Process, name: str, limits: Limits | None = None) -> ApiKey:
    found = await process.board.bearer(await Book(process.store).add_key(name, limits or Limits(), 0.0))
    assert found is not None
    return found


async def over(process: Process, call_id: str) -> None:
    await process.board.hang_up(call_id)
    await process.ended(call_id)


async def test_a_key_can_have_so_many_calls_running(world: World) -> None:
    async with world.process("a") as a:
        wish = replace(WISH, key=await key(a, "shop", Limits(calls_at_once=1)))
        placed = await asyncio.gather(*(a.board.place(wish, None) for _ in range(4)), return_exceptions=True)
        refused = [call for call in placed if isinstance(call, Refused)]
        assert [(call.code, call.status) for call in refused] == [("too_many_at_once", 429)] * 3
        (call_id,) = a.board.live
        await a.dialled(call_id)
        assert world.exchange.dialled == [call_id]
        await over(a, call_id)
        await over(a, (await a.board.place(wish, None)).id)


async def test_a_key_can_spend_so_much(world: World) -> None:
    async with world.process("a") as a:
        wish = replace(WISH, key=await key(a, "shop", Limits(usd_per_day=1.0)), max_cost_usd=0.6)
        call_id = (await a.board.place(wish, None)).id
        with pytest.raises(Refused, match=r"0\.40 USD left") as refused:
            await a.board.place(wish, None)
        assert refused.value.code == "spend_limit"
        await over(a, call_id)
        await over(a, (await a.board.place(wish, None)).id)


async def test_two_keys_do_not_share_an_idempotency_key(world: World) -> None:
    async with world.process("a") as a:
        shop, desk = await key(a, "shop"), await key(a, "desk")
        calls = [
            (await a.board.place(replace(WISH, key=who), "once")).id for who in (shop, shop, desk, desk, None, None)
        ]
        assert calls[0::2] == calls[1::2]
        assert len(set(calls)) == 3
        for call_id in set(calls):
            await over(a, call_id)


async def test_what_the_rules_refuse_is_neither_stored_nor_dialled(world: World) -> None:
    world.rules = Rules(own_number=FROM, hours=Hours.read("11:00-12:00"))  # it is 5:00 in New York
    async with world.process("a") as a:
        book = Book(a.store)
        await book.do_not_call("+12025550100", "", 0.0)
        for to, code in (
            (TO, "calling_hours"),
            ("+12025550100", "do_not_call"),
            ("+442079460000", "country_not_allowed"),
        ):
            with pytest.raises(Refused) as refused:
                await a.board.place(replace(WISH, to=to), None)
            assert refused.value.code == code
        assert await a.board.page(10, None) == ([], None)
        assert world.exchange.dialled == []


async def test_a_number_is_called_so_often(world: World) -> None:
    world.rules = Rules(own_number=FROM, calls_to_number=1)
    async with world.process("a") as a:
        await over(a, (await a.board.place(WISH, None)).id)
        with pytest.raises(Refused) as refused:
            await a.board.place(WISH, None)
        assert (refused.value.code, refused.value.status) == ("too_many_to_number", 429)


async def test_the_agent_says_what_it_is_and_again_after_a_hold(world: World) -> None:
    """Another person may have taken the call over, so the first words of a resume carry it."""
    async with world.process("a") as a:
        plain = await a.board.place(WISH, None)
        named = await a.board.place(replace(WISH, disclosure="the AI assistant of Northwind"), None)
        setup = call_log.unpack_setup(plain.setup)
        assert setup.disclosure == "the AI assistant"
        assert setup.phrases["resume"] == "Yes, hello, this is the AI assistant, I'm here."
        assert "this is the AI assistant" in setup.phrases["resume_again"]
        setup = call_log.unpack_setup(named.setup)
        assert setup.phrases["resume"] == "Yes, hello, this is the AI assistant of Northwind, I'm here."
        assert "AI assistant of Northwind" in a.board.live[named.id].runner.call._talk.context.instructions
        for call in (plain, named):
            await over(a, call.id)


async def test_a_call_of_another_process_can_be_followed_and_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outwait.house.switchboard.ELSEWHERE_SECONDS", 0.01)
    monkeypatch.setattr("outwait.house.letters.LOOK_SECONDS", 0.01)
    async with world.process("a") as a, world.process("b") as b:
        call_id = (await a.board.place(WISH, None)).id
        await b.dialled(call_id)
        told = asyncio.create_task(all_notes(b, call_id))
        assert await b.board.hang_up(call_id)
        call = await a.ended(call_id)
        assert call["end_reason"] == {"result": "client_error", "cause": "api_hangup"}
        assert world.exchange.hung_up == ["CA1"]
        here = await all_notes(a, call_id)
        assert await told == here
        assert here[-1][1] == "ended"
        assert [number for number, _, _ in here] == list(range(1, len(here) + 1))
        assert not await b.board.hang_up(call_id)


async def test_a_callback_that_reaches_another_process_comes_to_the_calls_owner(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a balancer any process may get it, and the bill is in it."""
    monkeypatch.setattr("outwait.house.letters.LOOK_SECONDS", 0.01)
    async with world.process("a") as a, world.process("b") as b:
        call_id = (await a.board.place(WISH, None)).id
        await b.dialled(call_id)
        await b.board.report(call_id, LegReported(status="busy", sequence=3))
        call = await a.ended(call_id)
        assert call["status"] == "busy"
        assert call["end_reason"] == {"result": "client_error", "cause": "busy"}
        await a.board.report(call_id, LegReported(status="busy", sequence=3))  # late: for nobody, and no error
        await b.board.report(call_id, LegReported(status="busy", sequence=3))
        with pytest.raises(KeyError):
            await b.board.report("call_0", LegReported(status="busy"))
        assert await a.store.letters("a") == []


async def test_a_callback_about_another_leg_changes_nothing(world: World) -> None:
    async with world.process("a") as a, world.process("b") as b:
        call_id = (await a.board.place(WISH, None)).id
        row = await b.dialled(call_id)
        assert row.carrier_call_id
        for board in (a.board, b.board):
            with pytest.raises(KeyError):
                await board.report(call_id, LegReported(status="completed", sequence=3), "CA99")
            with pytest.raises(KeyError):
                await board.answer(call_id, "CA99", again=False)
        await a.board.report(call_id, LegReported(status="busy", sequence=3), row.carrier_call_id)
        assert (await a.ended(call_id))["status"] == "busy"


async def test_a_callback_for_a_call_of_a_dead_process_brings_it_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outwait.house.letters.LOOK_SECONDS", 0.01)
    async with world.process("b") as b:
        async with world.process("a") as a:
            call_id = (await a.board.place(WISH, None)).id
            await a.dialled(call_id)
            await a.board.drain(0.0)  # its lease runs on, as that of a process that was killed
        await b.board.report(call_id, LegReported(status="ringing", sequence=1))
        assert call_id not in b.board.live, "the lease has not run out"
        world.clock.now += 60
        await b.board.report(call_id, LegReported(status="no-answer", sequence=2))
        call = await b.ended(call_id)
        assert call["end_reason"] == {"result": "client_error", "cause": "no_answer"}
        assert world.exchange.dialled == [call_id]


async def all_notes(process: Process, call_id: str) -> list[tuple[int, str, bytes]]:
    return [note async for note in process.board.notes(call_id, 0)]


def nobody(number: int) -> Any:
    raise AssertionError("it is let in")


async def test_a_stream_token_is_good_for_its_own_leg_and_for_ten_minutes(world: World) -> None:
    async with world.process("a") as a:
        row = await a.dialled((await a.board.place(WISH, None)).id)
        sid = a.board.live[row.id].runner.call.carrier_id(1)
        assert sid
        assert await a.board.attach(await a.board.token(row.id), f"{sid}9", nobody) is None
        assert await a.board.attach("none of ours", sid, nobody) is None
        token = await a.board.token(row.id)
        kept = b"".join(file.read_bytes() for file in world.path.parent.glob(f"{world.path.name}*"))
        assert hashlib.sha256(token.encode()).digest() in kept
        assert token.encode() not in kept, "whoever reads the database can open no stream"
        with pytest.raises(AssertionError, match="let in"):
            await a.board.attach(await a.board.token(row.id), sid, nobody)
        world.clock.now += 601
        assert await a.board.attach(token, sid, nobody) is None
        await over(a, row.id)
