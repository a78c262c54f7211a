"""Calls over real sockets through proxies that misbehave: all end, and the server keeps nothing."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from outwait.bench.soak import POOLED, Figures, slope, soak
from outwait.sim.rough import RoughProxy

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts what a process holds in /proc")


def nothing_is_kept(figures: Figures, calls: int) -> None:
    assert not figures.lost
    assert figures.calls == calls
    assert figures.after["files"] <= figures.before["files"] + POOLED
    assert figures.after["tasks"] <= figures.before["tasks"]


@pytest.mark.timeout(400)
async def test_some_calls_leave_nothing_open() -> None:
    nothing_is_kept(await soak(6, warm=4, together=5, share=0.2, seed=1), 6)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_five_hundred_calls_leave_nothing_open() -> None:
    figures = await soak(500, together=6)
    nothing_is_kept(figures, 500)
    assert figures.kept, f"{figures.before}, {figures.on_the_way}, {figures.after}"


HELD = {"files": 27, "tasks": 4, "rss_kb": 130_000}


def of_memory(*rss_kb: float, **after: int) -> Figures:
    """A soak of 500 calls; `rss_kb`: of the server, at even distances; `after`: what is otherwise than before."""
    step = 500 // len(rss_kb)
    on_the_way = [{"calls": step * number, "rss_kb": round(kb)} for number, kb in enumerate(rss_kb, 1)]
    return Figures(calls=500, before=HELD, after={**HELD, **after}, on_the_way=on_the_way)


def test_memory_that_settles_is_no_leak() -> None:
    assert of_memory(*[140_000 - 10_000 * 0.7**n for n in range(20)]).kept
    noise = [900, -700, 300, -400, 1200]
    assert of_memory(*[140_000 + noise[n % 5] for n in range(20)]).kept


@pytest.mark.parametrize("kb_a_call", [20, 100])
def test_memory_that_grows_with_every_call_is_a_leak(kb_a_call: int) -> None:
    noise = [900, -700, 300, -400, 1200]
    figures = of_memory(*[130_000 + 25 * n * kb_a_call + noise[n % 5] for n in range(20)])
    assert not figures.kept
    assert figures.growth_kb == pytest.approx(kb_a_call, abs=6)


def test_files_and_tasks_that_stay_are_a_leak() -> None:
    assert of_memory(130_000.0, files=27 + POOLED).kept
    assert not of_memory(130_000.0, files=28 + POOLED).kept
    assert not of_memory(130_000.0, tasks=5).kept
    assert slope([]) == slope([(1.0, 5.0)]) == 0.0


@asynccontextmanager
async def _echo() -> AsyncIterator[int]:
    """A server that says everything again; its port."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*serving)


async def _through(proxy: RoughProxy, size: int) -> bytes:
    """What comes back of so many bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(b"x" * size)
        writer.write_eof()
        async with asyncio.timeout(20):
            return await reader.read(-1)
    except OSError:
        return b""
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)  # the transport closes in the next turn


@pytest.mark.parametrize("kind", ["reset", "cut", "half-open", "slow"])
async def test_a_proxy_misbehaves(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outwait.sim.rough.KINDS", (kind,))
    monkeypatch.setattr("outwait.sim.rough.MOST", 3.0)
    monkeypatch.setattr("outwait.sim.rough.SILENT", 0.2)
    async with _echo() as port, RoughProxy(1, share=1.0, target=port).running() as proxy:
        back = await _through(proxy, 20_000)
        assert (back == b"x" * 20_000) is (kind == "slow")
        assert proxy.made == Counter({kind: 1})
