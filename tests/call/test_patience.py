"""Who waits for an answer: when a phrase is said, and how long it took."""

from __future__ import annotations

import pytest

from outwait.call.clock import Deadlines
from outwait.call.events import AnswerTimed
from outwait.call.patience import STAGES, WAIT, Patience
from outwait.call.policy import Policy

POLICY = Policy(patience_seconds=1.0, filler_pause=4.0, late_seconds=2.5, late_again=6.0, late_phrases=2)


class World:
    """Media time and the wall go alike, and the wall is 100 s ahead."""

    def __init__(self, usual: float = 1.2, policy: Policy = POLICY) -> None:
        self.waits = Deadlines()
        self.patience = Patience(policy, self.waits, usual)

    def turn(self, end: float, *, silent: bool = True) -> bool:
        """A person's last word is over at media second `end`. Whether a short word is said."""
        self.patience.speaks()
        said = self.patience.paused(0.3, silent, end + 0.3, end + 100.3)
        self.patience.stopped(end + 0.6, end + 100.6)
        return said

    def answer(self, at: float) -> tuple[float, float, bool]:
        reacted = self.patience.answered(at, at + 100)
        assert reacted is not None
        return round(reacted.seconds, 3), round(reacted.answer, 3), reacted.phrase


def test_a_slow_engine_is_not_waited_for() -> None:
    world = World()
    assert world.turn(10.0)
    assert world.answer(11.25) == (0.3, 1.25, True)
    assert WAIT not in world.waits


def test_a_fast_one_is() -> None:
    world = World(usual=0.0)
    assert not world.turn(10.0)
    assert world.answer(10.8) == (0.8, 0.8, False)


def test_what_is_expected_is_learnt() -> None:
    world = World(usual=0.0)
    for number in range(3):
        world.turn(10.0 * number)
        world.answer(10.0 * number + 1.6)
    assert world.turn(40.0), "it turned out to be slow"
    for number in range(5, 10):
        world.turn(10.0 * number)
        world.answer(10.0 * number + 0.5)
    assert not world.turn(100.0), "and fast again"


def test_not_at_every_pause() -> None:
    world = World()
    assert world.turn(10.0)
    assert not world.turn(13.0), "they have just heard one"
    assert world.turn(14.5)


def test_unless_nothing_else_is_wanted_at_every_one() -> None:
    world = World(policy=Policy())
    assert all(world.turn(10.0 + 0.8 * number) for number in range(5))


def test_nothing_is_said_over_ourselves() -> None:
    assert not World().turn(10.0, silent=False)


def test_an_answer_that_is_late() -> None:
    world = World(usual=0.0)
    world.turn(10.0)
    assert world.waits.due(113.0) == []
    assert world.waits.due(113.2) == [WAIT]
    assert world.patience.late(True, 13.2, 113.2)
    assert world.waits.due(119.3) == [WAIT]
    assert world.patience.late(True, 19.3, 119.3)
    assert WAIT not in world.waits, "twice is enough"
    assert world.answer(25.0) == (3.2, 15.0, True)


def test_a_phrase_that_would_speak_over_another_is_put_off() -> None:
    world = World()
    assert world.turn(10.0)
    assert world.waits.due(113.2) == [WAIT]
    assert not world.patience.late(False, 13.2, 113.2)
    assert WAIT in world.waits


def test_who_speaks_again_is_owed_nothing() -> None:
    world = World()
    world.turn(10.0)
    world.patience.speaks()
    assert WAIT not in world.waits
    assert world.patience.answered(12.0, 112.0) is None
    assert not world.patience.late(True, 13.0, 113.0)


def test_a_tool_is_waited_for_like_an_answer() -> None:
    world = World(usual=0.0)
    world.patience.owed(10.0, 110.0)
    assert world.waits.due(112.5) == [WAIT]
    assert world.patience.late(True, 12.5, 112.5)


def test_where_the_time_went_goes_with_the_answer_it_is_of() -> None:
    world = World()
    world.turn(10.0)
    world.patience.timed(AnswerTimed(1, "r", 0.6, 0.0, 0.35, 0.1, 0.2))
    reacted = world.patience.answered(11.25, 111.25)
    assert reacted is not None
    assert reacted.stages == pytest.approx(dict(zip(STAGES, (0.6, 0.0, 0.35, 0.1, 0.2), strict=True)))
    world.turn(20.0)
    later = world.patience.answered(21.0, 121.0)
    assert later is not None
    assert later.stages == {}
