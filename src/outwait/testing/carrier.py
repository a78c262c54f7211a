"""What every carrier's REST side promises, as tests. To run it on one of your own, subclass `CarrierContract` with a
far side for it.

The far side is the network as the suite plays it. Needs pytest and pytest-asyncio in its `auto` mode.
"""

from __future__ import annotations

from typing import Protocol

import pytest

from outwait.carriers.base import Carrier, CarrierError

STATUSES = frozenset(
    {"queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"}
)


class Far(Protocol):
    """The network's side."""

    carrier: Carrier  # under test
    to: str  # a number that can be called, E.164
    from_: str  # one that calls can come from, E.164
    unknown: str  # an id that is well formed and of no leg

    async def answer(self, leg: str) -> None:
        """Let this leg be answered, and return when its status says so."""

    async def end(self, leg: str) -> None:
        """Return when this leg, which was hung up, is over for the carrier too."""


class CarrierContract:
    """The suite. A subclass has a fixture `far`."""

    async def dial(self, far: Far, call_id: str = "call_1") -> str:
        return await far.carrier.dial(call_id, far.to, far.from_, ring_seconds=30, time_limit=300)

    def test_it_says_what_it_can(self, far: Far) -> None:
        assert far.carrier.capabilities.name

    async def test_a_leg_from_dialling_to_its_end(self, far: Far) -> None:
        leg = await self.dial(far)
        assert leg
        assert (await far.carrier.fetch(leg)).status in STATUSES
        await far.answer(leg)
        assert (await far.carrier.fetch(leg)).status == "in-progress"
        await far.carrier.hang_up(leg, cancel=False)
        await far.end(leg)
        report = await far.carrier.fetch(leg)
        assert report.status == "completed"
        assert report.duration is not None
        assert report.duration >= 0

    async def test_a_leg_is_found_again_while_it_lives(self, far: Far) -> None:
        assert await far.carrier.find("call_1", far.to) is None
        leg = await self.dial(far)
        await far.answer(leg)
        assert await far.carrier.find("call_1", far.to) == leg
        assert await far.carrier.find("call_1", far.from_) is None, "nobody was called there"
        assert leg in await far.carrier.up(far.from_)
        await far.carrier.hang_up(leg, cancel=False)
        await far.end(leg)
        assert await far.carrier.find("call_1", far.to) is None
        assert leg not in await far.carrier.up(far.from_)

    async def test_hanging_up_what_is_over_is_no_error(self, far: Far) -> None:
        leg = await self.dial(far)
        await far.answer(leg)
        await far.carrier.hang_up(leg, cancel=False)
        await far.end(leg)
        await far.carrier.hang_up(leg, cancel=False)
        await far.carrier.hang_up(leg, cancel=True)
        await far.carrier.hang_up(far.unknown, cancel=False)

    async def test_a_leg_that_is_unknown_is_gone(self, far: Far) -> None:
        with pytest.raises(CarrierError) as failed:
            await far.carrier.fetch(far.unknown)
        assert failed.value.gone
