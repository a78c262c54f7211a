"""The companies that come with the package: the task's outcome is reached at each, for the talk's worth of model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from outwait.sim.scenario import companies, load
from tests.e2e.house import house, the_laws_were_kept
from tests.e2e.test_calls import nothing_is_open
from tests.e2e.test_menus import cheap
from tests.sim.program import virtual


@pytest.mark.parametrize("name", [pytest.param(name, id=name.removeprefix("companies/")) for name in companies()])
@virtual
async def test_the_outcome_is_reached(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expect = load(name).expect
    wish = {"call_back_minutes": 30} if name.endswith("call_back") else {}
    reads = "needs" in expect  # a key for a queue, while nobody is paid to listen
    async with house(name, tmp_path, monkeypatch, reads=reads) as here:
        record: dict[str, Any] = await here.whole_call(**wish)
        assert record["end_reason"] == {"result": expect["result"], "cause": expect["cause"]}
        assert expect["outcome"] in record["outcome"]
        if "holds" in expect:
            assert sum(part["kind"] == "hold" for part in record["timeline"]) == expect["holds"]
        cheap(record)
        nothing_is_open(here)
        await the_laws_were_kept(here)


async def test_a_stranger_who_calls_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("short_hold", tmp_path, monkeypatch) as here:
        stranger = here.stage.carrier.call_in(here.stage.scenario, "+12025550111", "+12025550199")
        await here.stage.carrier.ended(stranger)
        assert (stranger.status, stranger.ended_why, stranger.streams) == ("busy", "rejected", [])
