"""How a session is parked, by how its engine is billed."""

from __future__ import annotations

import msgspec
import pytest

from outwait.call.commands import AnswerTool, CloseSession, OpenSession
from outwait.call.cost import Prices, TimePrice
from outwait.call.events import (
    PersonCommitted,
    PersonStarted,
    PersonStopped,
    SessionClosed,
    SessionOpened,
    ToolCalled,
    Trouble,
)
from outwait.call.parking import Parking
from outwait.call.policy import Policy
from outwait.call.setup import Means
from outwait.testing import PRICES, Playbook, a_call
from tests.call.test_machine import ends, says, talking

BY_TIME: Prices = msgspec.structs.replace(PRICES, model=TimePrice(rate=0.05), transcription=None)
GATE = Policy(park="gate", gate_seconds=2.0)


def holding(prices: Prices, policy: Policy | None = None) -> Playbook:
    """A call whose agent has just called wait_on_hold, in the middle of its sentence."""
    book = talking(policy, prices=prices)
    says(book, 1, "r1", "Of course.", 0.6)
    book >> ToolCalled(1, "r1", "c1", "wait_on_hold", '{"reason": "asked to hold"}')
    return book << AnswerTool(1, "c1", '{"ok": true}')


def test_only_what_is_billed_by_tokens_is_kept() -> None:
    assert Parking.of(GATE, by_time=False) == Parking(gate=2.0, drain=5.0, awaits_words=True)
    assert Parking.of(GATE, by_time=True) == Parking(gate=0.0, drain=3.0, awaits_words=False)
    assert Parking.of(Policy(), by_time=False).gate == 0.0


def test_a_gate_keeps_a_session_that_is_billed_by_tokens() -> None:
    book = holding(PRICES, GATE)
    ends(book, 1, "r1")
    book.wait(1.9).done()
    book.wait(0.2) << CloseSession(1)


def test_no_gate_keeps_one_that_is_billed_by_time() -> None:
    book = holding(BY_TIME, GATE)
    ends(book, 1, "r1")
    book << CloseSession(1)


def test_it_may_finish_its_sentence_and_no_more() -> None:
    book = holding(BY_TIME)
    book.wait(2.9).done()
    book.wait(0.2) << CloseSession(1)


@pytest.mark.parametrize(("prices", "closes"), [(PRICES, False), (BY_TIME, True)])
def test_nobody_pays_for_waiting_for_words(prices: Prices, closes: bool) -> None:
    """A turn of the person was not written down yet when the hold began."""
    book = talking(prices=prices)
    book >> PersonStarted(1) >> PersonStopped(1) >> PersonCommitted(1, "u1")
    says(book, 1, "r1", "Of course.", 0.6)
    book >> ToolCalled(1, "r1", "c1", "wait_on_hold", '{"reason": "asked"}') << AnswerTool(1, "c1", '{"ok": true}')
    ends(book, 1, "r1")
    if closes:
        book << CloseSession(1)
    else:
        book.done()


def test_a_call_is_billed_by_time_when_all_its_engines_are() -> None:
    live = Means("live", "gpt-live-1", BY_TIME)
    assert a_call(prices=BY_TIME).setup.by_time
    assert a_call(prices=BY_TIME, reserves=(live,)).setup.by_time
    assert not a_call(reserves=(live,)).setup.by_time


def test_the_engine_at_work_decides() -> None:
    """The first engine is billed by tokens and fails; the one that takes over, by time."""
    book = talking(GATE, reserves=(Means("live", "gpt-live-1", BY_TIME),))
    book >> SessionClosed(1, Trouble.REFUSED, 401, "no") << OpenSession >> SessionOpened(2)
    says(book, 2, "r1", "Of course.", 0.6)
    book >> ToolCalled(2, "r1", "c1", "wait_on_hold", '{"reason": "asked"}') << AnswerTool(2, "c1", '{"ok": true}')
    ends(book, 2, "r1")
    book << CloseSession(2)
