"""Phrases in an engine's own voice, made without a call, over each wire."""

from __future__ import annotations

from pathlib import Path

import pytest

from outwait.commands.staged import staged_settings
from outwait.compose import phrase_work
from outwait.house.studio import Studio, Take
from outwait.sim.engines import ENGINES
from outwait.sim.scenario import load
from outwait.sim.stage import Stage


@pytest.mark.parametrize("engine", sorted(set(ENGINES) - {"local"}))
async def test_every_engine_says_them_in_its_own_voice_and_says_what_it_cost(engine: str, tmp_path: Path) -> None:
    takes: list[Take] = []
    async with Stage(load("silence_hold"), engine) as stage:
        settings = staged_settings(stage, tmp_path)
        work = phrase_work(settings, None, tmp_path)
        texts = dict(list(work.texts.items())[:3])
        studio = Studio(work.engine, work.prices)
        await studio.record(texts, takes.append)
        assert {take.name: take.text for take in takes} == texts
        assert not [take for take in takes if not take.ulaw], [take.why for take in takes]
        assert all(2000 < len(take.ulaw) < 80_000 for take in takes)
        assert stage.model.open_sockets == 0
        assert stage.model.errors == []
        assert studio.spent / 1e6 == pytest.approx(stage.model.bill.usd, rel=0.02, abs=2e-5)
        assert studio.spent > 0


async def test_what_came_out_in_other_words_is_none(tmp_path: Path) -> None:
    takes: list[Take] = []
    async with Stage(load("silence_hold"), "gemini") as stage:
        work = phrase_work(staged_settings(stage, tmp_path), None, tmp_path)
        await Studio(work.engine, work.prices).record({"odd": 'One "two" three.'}, takes.append)
    (take,) = takes
    assert take.ulaw == b""
    assert "it said" in take.why


async def test_a_session_that_cannot_be_had_makes_none(tmp_path: Path) -> None:
    takes: list[Take] = []
    async with Stage(load("silence_hold"), "ultravox") as stage:
        work = phrase_work(staged_settings(stage, tmp_path), None, tmp_path)
        stage.model.key = "another one"
        await Studio(work.engine, work.prices).record({"a": "Hello.", "b": "Goodbye."}, takes.append)
    assert [(take.name, take.ulaw) for take in takes] == [("a", b""), ("b", b"")]
    assert all(take.why for take in takes)
