"""One session after the other: how old it gets, what its end means, and who is tried next."""

from __future__ import annotations

import msgspec
import pytest

from outwait.call.clock import Deadlines
from outwait.call.commands import CloseSession, OpenSession
from outwait.call.cost import Meter
from outwait.call.events import SessionClosed, SessionOpened, Trouble
from outwait.call.policy import Policy
from outwait.call.sessions import Link
from outwait.call.setup import Means
from outwait.call.succession import EARLY, LEAST_AGE, Succession
from outwait.testing import PRICES, a_call

POLICY = Policy()
RESERVE = Means("azure", "reserve", PRICES)


def succession(*reserves: Means) -> tuple[Succession, Deadlines]:
    waits = Deadlines()
    setup = msgspec.structs.replace(a_call(POLICY).setup, reserves=reserves)
    return Succession(setup, waits, Meter(PRICES, None)), waits


def opened(one: Succession, expires_in: float | None = None) -> Link:
    one.open("Do it.", (), 0.0, 0.0)
    link = one.chain.link
    assert link is not None
    one.opened(link, SessionOpened(link.number, expires_in), 0.0, 0.0)
    return link


@pytest.mark.parametrize(
    ("expires_in", "age"),
    [
        (None, POLICY.max_session_seconds),
        (10**6, POLICY.max_session_seconds),
        (600.0, 600.0 - EARLY),
        (EARLY, LEAST_AGE),
    ],
)
def test_it_is_replaced_before_it_expires(expires_in: float | None, age: float) -> None:
    one, waits = succession()
    opened(one, expires_in)
    due = waits.next()
    assert due is not None
    assert (due.name, due.at) == ("session age", age)


def test_it_is_closed_once_and_a_warm_up_is_called_so() -> None:
    one, waits = succession()
    link = opened(one)
    assert [type(command) for command in one.close("hold", 5.0, 5.0)][1:] == [CloseSession]
    assert (link.reason, "session close" in waits) == ("warmup", True)
    assert one.close("hold", 6.0, 6.0) == []
    assert one.closed(link, SessionClosed(link.number, None, 1000, "")) is None
    one.over(link, 6.0)
    assert one.may_open
    assert waits.next() is None


@pytest.mark.parametrize(
    ("wished", "trouble", "found"),
    [
        ("", None, Trouble.LOST),
        ("", Trouble.EXPIRED, Trouble.EXPIRED),
        ("ended", Trouble.LOST, None),
        ("stalled", None, Trouble.STALLED),
    ],
)
def test_what_its_end_means(wished: str, trouble: Trouble | None, found: Trouble | None) -> None:
    one, _ = succession()
    link = opened(one)
    if wished:
        one.close(wished, 1.0, 1.0)
    assert one.closed(link, SessionClosed(link.number, trouble, 1006, "")) is found


def test_when_one_engine_is_given_up_the_next_is_tried_at_once_and_then_nobody() -> None:
    one, waits = succession(RESERVE)
    for _ in range(2):
        link = opened(one)
        one.try_again(link, Trouble.REFUSED, 1.0)
        one.over(link, 1.0)
        if one.gave_up is None:
            assert (one.may_open, link.reason, one.choice.engine) == (True, "failover", RESERVE)
    assert (one.gave_up, one.may_open) == ("model_refused", False)
    assert waits.next() is None


def test_the_same_engine_is_tried_after_a_while() -> None:
    one, waits = succession()
    link = opened(one)
    one.try_again(link, Trouble.LOST, 10.0)
    one.over(link, 10.0)
    assert not one.may_open
    assert waits.due(10.0 + POLICY.retry_delays[0]) == ["session retry"]
    (_, command) = one.open("Do it.", (), 11.0, 11.0)
    assert isinstance(command, OpenSession)
    assert command.session == 2
