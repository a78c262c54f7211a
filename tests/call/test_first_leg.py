"""The company's leg: what the carrier says of it, and what that means."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from outwait.call import acts
from outwait.call.bill import LineBill
from outwait.call.call_back import CallBack
from outwait.call.clock import Deadlines, MediaClock
from outwait.call.commands import CloseStream, FetchLeg, HangUp, Tell, Transfer
from outwait.call.cost import Meter
from outwait.call.events import LegReported, Trouble
from outwait.call.first_leg import FirstLeg
from outwait.call.handover import HandOver
from outwait.call.states import Leg
from outwait.testing import PRICES, a_call

SETUP = a_call(call_back_minutes=30.0).setup
POLICY = SETUP.policy


@dataclass
class Bench:
    """One leg with all that it needs."""

    waits: Deadlines = field(default_factory=Deadlines)
    media: MediaClock = field(default_factory=MediaClock)

    def __post_init__(self) -> None:
        self.meter = Meter(PRICES, None)
        self.call_back = CallBack(SETUP.call_back_minutes, POLICY, self.waits)
        bill = LineBill(self.meter, POLICY, self.call_back, HandOver(SETUP, self.waits))
        self.line = FirstLeg(SETUP, self.waits, self.media, bill, self.call_back)

    def reported(self, status: str, sequence: int | None = None, duration: int | None = None) -> list[acts.Step]:
        event = LegReported(status, sequence, duration)
        return self.line.reported(event, 0.0, detached=False, ending=False)


def up() -> Bench:
    bench = Bench()
    bench.line.dial(0.0)
    bench.line.dialled("CA1", 0.0, ending=False)
    bench.line.stream_started(1, 1.0)
    return bench


def ends(steps: list[acts.Step]) -> list[tuple[str, str]]:
    return [(step.result, step.cause) for step in steps if isinstance(step, acts.End)]


@pytest.mark.parametrize(
    ("status", "result", "cause"),
    [
        ("busy", "client_error", "busy"),
        ("no-answer", "client_error", "no_answer"),
        ("canceled", "client_error", "canceled"),
        ("failed", "upstream_error", "carrier_failed"),
        ("completed", "indeterminate", "remote_hangup"),
    ],
)
def test_why_a_leg_is_over(status: str, result: str, cause: str) -> None:
    assert ends(Bench().reported(status)) == [(result, cause)]


def test_callbacks_that_were_overtaken_change_nothing() -> None:
    bench = Bench()
    bench.reported("in-progress", 3)
    assert bench.reported("ringing", 2) == []
    assert bench.line.leg is Leg.IN_PROGRESS
    assert bench.reported("teleported", 4) == [], "a word that the carrier never says"
    assert ends(bench.reported("completed", 1)), "its end counts, whenever it comes"


def test_a_lost_word_of_the_carrier_is_asked_for_once() -> None:
    bench = Bench()
    bench.line.dialled("CA1", 0.0, ending=False)
    assert bench.line.passed("ring", 60.0) == [FetchLeg("CA1")]
    assert "leg fetch" in bench.waits
    assert ends(bench.line.passed("ring gone", 70.0)) == [("upstream_error", "carrier_silent")]
    bench.waits.clear("leg fetch")
    assert ends(bench.line.passed("ring gone", 70.0)) == [("client_error", "no_answer")]


def test_the_newest_stream_counts_and_the_first_one_is_the_answer() -> None:
    bench = up()
    assert bench.line.answered
    assert bench.meter.carrier > 0, "the first minute has begun"
    before = bench.meter.carrier
    assert CloseStream(1) in bench.line.stream_started(2, 2.0)
    assert bench.line.stream == 2
    assert bench.meter.carrier == before


def test_a_leg_that_was_never_dialled_is_told_from_one_that_is_gone() -> None:
    assert ends(Bench().line.unknown(True, 0.0, detached=True, ending=False)) == [
        ("server_error", "restart_before_dialling")
    ]
    assert ends(up().line.unknown(True, 0.0, detached=True, ending=False)) == [("indeterminate", "remote_hangup")]
    assert up().line.unknown(False, 0.0, detached=True, ending=False) == []


def test_a_refusal_is_the_wish_s_fault_or_the_carrier_s() -> None:
    assert ends(Bench().line.refused(Trouble.REFUSED, "no")) == [("client_error", "carrier_refused: no")]
    assert ends(Bench().line.refused(Trouble.BUSY, "later")) == [("upstream_error", "carrier_refused: later")]


def test_how_it_is_ended_depends_on_whether_it_was_answered() -> None:
    bench = Bench()
    bench.line.dialled("CA1", 0.0, ending=False)
    assert bench.line.hang_up() == [HangUp("CA1", cancel=True)]
    assert up().line.hang_up() == [HangUp("CA1", cancel=False)]


def test_a_transferred_leg_ends_when_its_money_is_spent() -> None:
    (transfer,) = up().line.transfer("+12025550111", 600)
    assert isinstance(transfer, Transfer)
    assert transfer.time_limit == 600
    (transfer,) = up().line.transfer("+12025550111", 10**9)
    assert isinstance(transfer, Transfer)
    assert transfer.time_limit == POLICY.max_hold_seconds + POLICY.time_limit_margin


def test_one_leg_in_place_of_another() -> None:
    bench = up()
    assert bench.line.let_go(5.0) == [HangUp("CA1", cancel=False), CloseStream(1)]
    assert bench.line.stream == 0
    (told,) = bench.line.came_back("CA2", 65.0)
    assert isinstance(told, Tell)
    assert (bench.line.carrier_call_id, bench.line.leg) == ("CA2", Leg.RINGING)
    assert "stream" in bench.waits


def test_what_the_carrier_never_said_is_taken_for_granted_at_the_end() -> None:
    for bench, leg in ((up(), Leg.COMPLETED), (Bench(), Leg.FAILED)):
        bench.line.finish()
        assert bench.line.leg is leg


def test_its_stream_comes_back_twenty_times_in_ten_minutes_and_no_more() -> None:
    bench = up()
    now = 10.0
    for stream in range(2, POLICY.max_reattaches + 2):
        assert bench.line.may_attach(now), f"re-attach {stream - 1}"
        bench.line.stream_started(stream, now)
        now += 1.0
    assert not bench.line.may_attach(now)
    assert bench.line.may_attach(10.0 + POLICY.reattach_window), "the first of them is long past"
