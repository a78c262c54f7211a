"""Webhooks are delivered until they are taken: over failures, over restarts, and not for ever."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from outwait.house.courier import DEADLINE, DELAYS, LEASE_SECONDS, Courier, delay, destination
from outwait.house.desk import Refused
from outwait.rules.addresses import Addresses
from outwait.store.base import CallRow, Entry
from outwait.store.post import Post
from outwait.store.sql import SqlStore
from outwait.webhook import verify_webhook
from tests.hook import Hook, hook

SECRET = "a secret"
ENDED = 2000.0
LOCAL = Addresses(loopback=True, private=False)


class World:
    """A store, a clock and a courier."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.wall = ENDED
        self.counted: list[str] = []
        self.courier = Courier(Post(store), LOCAL, SECRET, lambda: self.wall, self.counted.append)

    async def place(self, url: str, call_id: str = "c1") -> None:
        await self.store.create(CallRow(call_id, 1000.0, b"{}", {"id": call_id}, None, True, 1, webhook=url))

    async def end(self, call_id: str = "c1") -> None:
        entry = Entry(1, 0.0, ENDED, 1, b"{}", b"[]")
        await self.store.append(call_id, [entry], {"id": call_id, "phase": "ended", "outcome": "\u00fc"})

    async def round(self, wall: float | None = None) -> int:
        self.wall = self.wall if wall is None else wall
        async with httpx2.AsyncClient(trust_env=False) as http:
            return await self.courier.round(http)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = await SqlStore.open(f"sqlite:///{tmp_path / 'calls.db'}")
    yield World(store)
    await store.close()


@pytest.fixture
async def there() -> AsyncIterator[Hook]:
    async with hook() as it:
        yield it


async def test_it_is_told_once_signed_and_with_the_call(world: World, there: Hook) -> None:
    await world.place(there.url)
    assert await world.round() == 0, "the call has not ended"
    await world.end()
    assert await world.round() == 1
    assert await world.round(ENDED + DEADLINE) == 0
    (told,) = there.told
    assert told.path == "/hook?token=t"
    verify_webhook(told.body, told.headers, SECRET, now=ENDED)
    assert told.headers["webhook-id"] == "c1.ended"
    event = json.loads(told.body)
    assert event == {
        "type": "call.ended",
        "timestamp": "1970-01-01T00:33:20Z",
        "data": {"id": "c1", "phase": "ended", "outcome": "\u00fc"},
    }
    assert world.counted == ["delivered"]


@pytest.mark.parametrize("answer", [500, 404, 302, 0])
async def test_what_is_not_taken_comes_again_with_the_same_id(world: World, there: Hook, answer: int) -> None:
    there.answers = [answer, 200]
    await world.place(there.url)
    await world.end()
    await world.round()
    assert await world.round(ENDED + DELAYS[0] * 0.85) == 0
    assert await world.round(ENDED + DELAYS[0] * 1.15) == 1
    assert [told.headers["webhook-id"] for told in there.told] == ["c1.ended"] * 2
    assert there.told[0].headers["webhook-timestamp"] != there.told[1].headers["webhook-timestamp"]
    assert world.counted == ["failed", "delivered"]


async def test_a_server_that_does_not_want_it_is_left_alone(world: World, there: Hook) -> None:
    there.answers = [410]
    await world.place(there.url)
    await world.end()
    await world.round()
    assert await world.round(ENDED + DEADLINE - 1) == 0
    assert world.counted == ["given_up"]


async def test_it_is_given_up_after_a_day(world: World) -> None:
    await world.place("http://127.0.0.1:1/")
    await world.end()
    tries, wall = 0, ENDED
    while world.counted[-1:] != ["given_up"]:
        assert await world.round(wall) == 1
        tries += 1
        wall += DELAYS[min(tries, len(DELAYS)) - 1] * 1.11  # more than any spread
    assert ENDED + DEADLINE - DELAYS[-1] < wall < ENDED + DEADLINE + 2.5 * DELAYS[-1]
    assert world.counted == ["failed"] * (tries - 1) + ["given_up"]


async def test_a_restart_forgets_nothing(world: World, there: Hook, tmp_path: Path) -> None:
    """The process dies with the delivery in its hands: another one has it when the lease is over."""
    await world.place(there.url)
    await world.end()
    (lent,) = await Post(world.store).take(ENDED, LEASE_SECONDS, 8)
    assert lent.tries == 1
    other = World(await SqlStore.open(f"sqlite:///{tmp_path / 'calls.db'}"))
    assert await other.round(ENDED + LEASE_SECONDS - 1) == 0
    assert await other.round(ENDED + LEASE_SECONDS) == 1
    await other.store.close()
    assert len(there.told) == 1


async def test_a_name_that_leads_inside_is_never_asked(world: World, there: Hook) -> None:
    async def inside(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    strict = Addresses(loopback=False, private=False, resolve=inside)
    world.courier = Courier(Post(world.store), strict, SECRET, lambda: world.wall, world.counted.append)
    await world.place(there.url.replace("http://127.0.0.1", "https://rebound.example"))
    await world.end()
    await world.round()
    assert world.counted == ["given_up"]
    assert not there.told


@pytest.mark.parametrize("host", ["x" * 64 + ".example", "nowhere.invalid", ".", "a..b"])
async def test_a_name_that_leads_nowhere_is_tried_again(world: World, host: str) -> None:
    await world.place(f"https://{host}/hook")
    await world.end()
    await world.round()
    assert world.counted == ["failed"]


async def test_it_works_by_itself_and_is_woken(world: World, there: Hook) -> None:
    async with world.courier.at_work():
        await world.place(there.url)
        await world.end()
        world.courier.wake()
        async with asyncio.timeout(30):
            await there.news.wait()
    assert len(there.told) == 1


def test_tries_are_spread() -> None:
    first = [delay(f"c{n}", 1) for n in range(50)]
    assert all(DELAYS[0] * 0.9 <= seconds <= DELAYS[0] * 1.1 for seconds in first)
    assert len({round(seconds, 3) for seconds in first}) > 40
    assert delay("c", 99) == pytest.approx(DELAYS[-1], rel=0.11)


def refusal(wanted: str | None, **options: Any) -> str:
    with pytest.raises(Refused) as refused:
        destination(Addresses(loopback=False, private=False), **options)(wanted)
    assert refused.value.field == "webhook_url"
    return refused.value.code


def test_whom_to_tell() -> None:
    assert refusal("https://example.com", default=None, signed=False) == "no_webhook_secret"
    assert refusal("http://example.com", default=None, signed=True) == "webhook_refused"
    whom = destination(LOCAL, default="https://example.com/a", signed=True)
    assert whom(None) == "https://example.com/a"
    assert whom("https://example.com/b") == "https://example.com/b"
    assert destination(LOCAL, default=None, signed=False)(None) == ""


async def test_a_redirect_is_not_followed(world: World, there: Hook) -> None:
    """It may lead where the address itself could not."""
    counted: asyncio.Queue[str] = asyncio.Queue()
    world.courier = Courier(Post(world.store), LOCAL, SECRET, lambda: world.wall, counted.put_nowait)
    async with hook() as inside:
        there.answers, there.location = [302, 204], inside.url
        await world.place(there.url)
        await world.end()
        async with world.courier.at_work(), asyncio.timeout(30):
            assert await counted.get() == "failed"
        assert not inside.told


async def test_the_connection_goes_to_the_address_that_was_judged(world: World, there: Hook) -> None:
    """And not to what the name would mean a moment later."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    ours = Addresses(loopback=True, private=False, resolve=resolve)
    world.courier = Courier(Post(world.store), ours, SECRET, lambda: world.wall, world.counted.append)
    await world.place(there.url.replace("127.0.0.1", "told.invalid"))
    await world.end()
    await world.round()
    assert (asked, world.counted) == (["told.invalid"], ["delivered"])
    assert there.told[0].headers["host"].startswith("told.invalid:")


async def test_no_proxy_of_the_environment_is_in_between(
    world: World, there: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would resolve the name once more, and might reach what we may not."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    await world.place(there.url)
    await world.end()
    async with world.courier.at_work():
        async with asyncio.timeout(30):
            await there.news.wait()
    assert len(there.told) == 1


async def test_a_server_that_does_not_answer_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outwait.house.courier.ANSWER_SECONDS", 0.05)

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other side has had enough
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(says_nothing, "127.0.0.1", 0) as silent:
        await world.place(f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/")
        await world.end()
        async with asyncio.timeout(20), httpx2.AsyncClient(trust_env=False, timeout=None) as http:
            await world.courier.round(http)
    assert world.counted == ["failed"]


async def test_an_address_is_in_no_log(world: World) -> None:
    """Whoever logs it logs what it holds: a token, a name that nobody is to know."""

    async def resolve(host: str, port: int) -> list[str]:
        raise OSError(f"{host} is not known")

    ours = Addresses(loopback=True, private=False, resolve=resolve)
    world.courier = Courier(Post(world.store), ours, SECRET, lambda: world.wall, world.counted.append)
    await world.place("https://quillfeather.example/hook?token=t")
    await world.end()
    with capture_logs() as logs:
        await world.round()
    assert logs
    assert "quillfeather" not in str(logs)
