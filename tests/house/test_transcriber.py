"""Reading is bounded in number and in time, and one clip is read after the other."""

from __future__ import annotations

import asyncio

import pytest

from outwait.house import transcriber
from outwait.house.transcriber import NotRead, RecogniserError, Transcriber
from outwait.sim.world import run_virtual


class Slow:
    """Takes a second of the loop's clock for each clip."""

    name = "slow"

    def __init__(self) -> None:
        self.at_once = self.most = 0

    async def transcribe(self, ulaw: bytes) -> str:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(len(ulaw) / 8000)
        finally:
            self.at_once -= 1
        if ulaw[:1] == b"\x00":
            raise RecogniserError("out of memory")
        return f"{len(ulaw)} bytes"


def test_one_after_the_other_and_no_more_than_may_wait() -> None:
    async def world() -> None:
        slow = Slow()
        reader = Transcriber(slow)
        asked = [asyncio.ensure_future(reader.read(b"\xff" * 8000)) for _ in range(transcriber.MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(NotRead, match="too many"):
            await reader.read(b"\xff" * 8000)
        assert await asyncio.gather(*asked) == ["8000 bytes"] * transcriber.MOST_WAITING
        assert slow.most == 1

    run_virtual(world())


def test_what_is_late_is_dropped_and_the_next_one_is_read() -> None:
    async def world() -> None:
        reader = Transcriber(Slow())
        with pytest.raises(NotRead, match="in time"):
            await reader.read(b"\xff" * int(8000 * (transcriber.READ_SECONDS + 1)))
        assert await reader.read(b"\xff" * 80) == "80 bytes"

    run_virtual(world())


def test_a_recogniser_that_fails_says_why() -> None:
    async def world() -> None:
        with pytest.raises(NotRead, match="out of memory"):
            await Transcriber(Slow()).read(b"\x00\xff")

    run_virtual(world())
