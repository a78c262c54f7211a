"""The other side calls back, by playbook: promised, waited for, come, or not."""

from __future__ import annotations

from outwait.call import notes
from outwait.call.commands import AnswerTool, AskResponse, CloseSession, CloseStream, Finish, HangUp, OpenSession
from outwait.call.events import (
    CalledBack,
    HangUpAsked,
    HangUpFailed,
    HungUp,
    LegReported,
    Restarted,
    SessionClosed,
    SessionOpened,
    StreamLost,
    StreamStarted,
    StreamStopped,
    ToolCalled,
    Trouble,
)
from outwait.call.policy import Policy
from outwait.testing import Playbook
from tests.call.test_machine import MUSIC, SPEECH, talking


def promised(minutes: float | None = 60.0) -> Playbook:
    book = talking(call_back_minutes=minutes)
    book.hear(1.0)
    book >> ToolCalled(1, "r1", "c1", "expect_call_back", '{"reason": "within the hour"}') << AnswerTool
    return book


def waiting() -> Playbook:
    book = promised()
    book >> StreamStopped(1) << HangUp("CA1", False) << CloseStream(1) << CloseSession(1)
    book >> SessionClosed(1, None, 1000, "") >> StreamLost(1, 1000) >> HungUp() >> LegReported("completed", 4, 30)
    book.done()
    assert book.call.phase == "detached"
    return book


def states(book: Playbook) -> list[str]:
    return [note.state for note in book.notes(notes.CallBack)]


def test_the_leg_ends_and_the_task_waits_and_goes_on() -> None:
    book = waiting()
    book.wait(1800.0)
    book.done()
    book >> CalledBack("CA2")
    book >> StreamStarted(2) << OpenSession
    assert (book.call.phase, book.call.carrier_id(1)) == ("talking", "CA2")
    assert states(book) == ["promised", "waiting", "back"]
    assert "called you back" in book.trace[-1][2][-1].seed[-1].text  # type: ignore[union-attr]
    book >> SessionOpened(2)
    book.new_stream()
    book.hear(2.0, stream=2)
    lines = {note.what for note in book.notes(notes.Spent)}
    assert any("(call back)" in what for what in lines)
    minutes = sum(note.quantity for note in book.notes(notes.Spent) if note.what == "line (call back)")
    assert minutes == 1, "the wait is not paid for"
    status = [note.status for note in book.notes(notes.Status)]
    assert "completed" not in status, "the task is not over"


def test_a_leg_that_could_not_be_ended_does_not_come_back_while_they_are_waited_for() -> None:
    book = promised()
    book >> StreamStopped(1) << HangUp("CA1", False) << CloseStream(1) << CloseSession(1)
    book >> SessionClosed(1, None, 1000, "") >> StreamLost(1, 1000) >> HangUpFailed(Trouble.BUSY, "503")
    assert not book.call.answers_redirect(book.now), "the carrier is told to hang up"
    book >> StreamStarted(2) << CloseStream(2)
    assert (book.call.phase, states(book)[-1]) == ("detached", "waiting")
    book >> StreamLost(2, 1000) >> CalledBack("CA2") >> StreamStarted(3) << OpenSession
    assert book.call.phase == "talking"


def test_nobody_calls() -> None:
    book = waiting()
    book.wait(3599.0).done()
    book.wait(2.0) << Finish("client_error", "no_call_back")


def test_our_user_will_not_wait() -> None:
    book = waiting()
    book >> HangUpAsked() << Finish("client_error", "api_hangup")


def test_a_restart_goes_on_waiting() -> None:
    book = waiting()
    book >> Restarted()
    book.wait(3500.0).done()
    book >> CalledBack("CA2") >> StreamStarted(2) << OpenSession


def test_who_does_not_hang_up_after_the_promise_is_hung_up_on() -> None:
    book = promised()
    book.wait(16.0)
    while HangUp("CA1", False) not in book._pending:
        book.ignore().wait(1.0)
    book.ignore()
    book >> HungUp() >> LegReported("completed", 4, 30)
    assert states(book) == ["promised", "waiting"]


def test_a_task_that_can_not_wait_says_so() -> None:
    book = talking()
    book >> ToolCalled(1, "r1", "c1", "expect_call_back", '{"reason": "within the hour"}') << AnswerTool << AskResponse
    book >> LegReported("completed", 4, 30)
    book.ignore()
    book >> SessionClosed(1, None, 1000, "") >> StreamLost(1, 1000)
    assert book.notes(notes.Ended)[0].cause == "remote_hangup"


def test_the_call_that_came_back_ends_like_any_other() -> None:
    book = waiting()
    book >> CalledBack("CA2") >> LegReported("in-progress", 0) >> StreamStarted(2) << OpenSession >> SessionOpened(2)
    book >> StreamStopped(2)
    book.ignore()
    book >> SessionClosed(2, None, 1000, "") >> StreamLost(2, 1000) >> LegReported("completed", 1, 20)
    assert book.notes(notes.Ended)[0].cause == "remote_hangup"


def test_a_hold_is_over_with_the_line_and_the_next_one_is_noticed() -> None:
    book = promised()
    book.hear(4.0, **MUSIC) << CloseSession(1)
    book >> SessionClosed(1, None, 1000, "")
    book.hear(4.0, **MUSIC)
    assert book.call.phase == "holding"
    book >> StreamStopped(1) << HangUp("CA1", False) << CloseStream(1)
    book >> StreamLost(1, 1000) >> HungUp() >> LegReported("completed", 4, 30)
    book >> CalledBack("CA2") >> StreamStarted(2) << OpenSession >> SessionOpened(2)
    assert book.call.phase == "talking"
    book.new_stream()
    book.hear(3.0, stream=2, **SPEECH)
    book.ignore()
    book.hear(4.0, stream=2, **MUSIC).ignore()
    book.hear(4.0, stream=2, **MUSIC).ignore()
    assert book.call.phase == "holding"
    assert len(book.notes(notes.HoldBegan)) == 2


def test_a_leg_that_came_from_the_other_side_has_a_time_limit_too() -> None:
    short = Policy(max_hold_seconds=4.0, time_limit_margin=2)
    book = talking(short, call_back_minutes=60.0)
    book.hear(5.0, **SPEECH)
    book.ignore()
    book >> ToolCalled(1, "r1", "c1", "expect_call_back", '{"reason": "within the hour"}') << AnswerTool
    book >> StreamStopped(1)
    book.ignore()
    book >> SessionClosed(1, None, 1000, "") >> StreamLost(1, 1000) >> HungUp() >> LegReported("completed", 4, 30)
    book >> CalledBack("CA2") >> StreamStarted(2) << OpenSession >> SessionOpened(2)
    book.new_stream()
    book.hear(5.5, stream=2, **SPEECH)
    assert book.call.phase == "talking", "it counts from their call"
    book.hear(2.0, stream=2, **SPEECH)
    assert book.call.phase == "ending"
    book.ignore()
    for event in (
        HungUp(),
        SessionClosed(2, None, 1000, ""),
        StreamLost(2, 1000),
        LegReported("completed", 5, 8),
    ):
        book >> event
        book.ignore()
    (ended,) = book.notes(notes.Ended)
    assert (ended.result, ended.cause) == ("client_error", "time_limit")
