"""Some hundred random calls with faults; and the judge is no sleeper: where a guard is taken away, a law is broken."""

from __future__ import annotations

import json

import pytest

from outwait.bench import chaos
from outwait.call import notes
from outwait.call.commands import AskResponse, Dial, FetchLeg, Finish, HangUp, OpenSession, PlayAudio, RunTool
from outwait.call.context import Context
from outwait.call.conversation import Conversation
from outwait.call.errands import Errands
from outwait.call.events import (
    Begun,
    Dialled,
    HangUpAsked,
    LegReported,
    ResponseEnded,
    ResponseStarted,
    SessionClosed,
    SessionOpened,
    Trouble,
)
from outwait.call.handover import HandOver
from outwait.call.machine import Call
from outwait.call.turns import Playout
from outwait.sim.chaos import model, plan, play, user
from outwait.testing import Playbook, a_call
from tests.call.test_machine import person, says, talking

CALLS = 300


def test_random_calls_break_no_law() -> None:
    figures = chaos.play_many(range(CALLS))
    assert not figures.broken, "\n".join(chaos.told(one.seed) for one in figures.broken[:2])
    assert figures.calls == CALLS
    assert figures.faults.total() > CALLS / 2
    assert len(figures.ends) >= 8, "the calls end in many ways"
    assert figures.ends["success hangup_call"] > CALLS / 4
    assert figures.ends["success handed_over"], "our user is rung"
    assert figures.ends["client_error no_call_back"], "they promise to call back"


def test_a_call_is_the_same_each_time_it_is_played() -> None:
    first, second = play(11, keep=True), play(11, keep=True)
    assert first.dialogue == second.dialogue
    assert first.dialogue


def _broken(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, guardless: object, fault: str = "") -> set[str]:
    """The laws that are broken without this guard. `fault`: the only one that there is."""
    monkeypatch.setattr(owner, name, guardless)
    if fault:
        monkeypatch.setattr(plan, "FAULTS", {fault: 1})
    return {one.broken.partition(":")[0] for one in chaos.play_many(range(400)).broken}


def test_sound_that_is_sent_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def rewind(self: Playout) -> None:
        for utterance in self._queue:
            utterance.sent = utterance.marked = 0

    assert "nothing is said twice" in _broken(monkeypatch, Playout, "rewind", rewind, "media lost")


def test_a_tool_that_is_run_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def restarted(self: Errands, now: float) -> tuple[list[RunTool], list[object]]:
        return [self._run(key, errand, now) for key, errand in self._out.items()], []

    monkeypatch.setattr(model, "OWN_TOOLS", 0.9)
    broken = _broken(monkeypatch, Errands, "restarted", restarted)
    assert {"a tool is run once", "what may not be done twice is not"} & broken


def test_a_context_that_is_lost_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = _broken(monkeypatch, Context, "agent_said", lambda self, text, *, cut: None)
    assert "nothing is said twice" in broken


def test_a_user_who_is_left_on_the_line_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user, "OF_CALLS", 1.0)
    broken = _broken(monkeypatch, HandOver, "end", lambda self, why, at: [])
    assert any(law.startswith("a call ends soon after its leg") for law in broken), "it waits for theirs"


def test_a_goodbye_that_is_cut_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = _broken(monkeypatch, Playout, "quiet", property(lambda self: True))
    assert "the goodbye is heard to its end" in broken


def test_a_session_that_is_forgotten_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = _broken(monkeypatch, Conversation, "close", lambda self, reason, now, at: [])
    assert any(law.startswith(("past the close deadline", "no session", "on hold", "every")) for law in broken), broken


def test_a_call_that_dials_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def restarted(self: Call, now: float) -> list[object]:
        return [Dial(self.setup.to, self.setup.from_, 60, 600)]

    broken = _broken(monkeypatch, Call, "_restarted", restarted)
    assert any("dialled once" in law for law in broken), broken


def test_the_benchmark_prints_what_a_call_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert chaos.main(["--calls", "1", "--seed", "11"]) == 0
    assert ">> Begun()" in capsys.readouterr().out
    assert chaos.main(["--calls", "20", "--jobs", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["calls"] == 20
    assert figures["broken"] == []


def test_the_benchmark_prints_the_call_that_broke_a_law(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Context, "agent_said", lambda self, text, *, cut: None)
    assert chaos.main(["--calls", "150", "--jobs", "1"]) == 1
    shown = capsys.readouterr().out
    assert "nothing is said twice" in shown
    assert "<< " in shown


# --- what it has found ----------------------------------------------------------------------------


def test_the_next_session_knows_what_the_agent_is_saying() -> None:
    book = talking()
    person(book, 1, "u1", "Hello?")
    says(book, 1, "r1", "one two three four five six seven eight", 8.0)
    book >> ResponseEnded(1, "r1", "completed")
    book.hear(2.0)
    book >> SessionClosed(1, Trouble.LOST, 1006, "")
    book.wait(0.5)
    opened = book._pending[0]
    assert isinstance(opened, OpenSession)
    assert opened.seed[-1].text == "one two three four five six seven eight"
    book << OpenSession


def test_the_next_session_knows_that_a_sentence_broke_off() -> None:
    book = talking()
    person(book, 1, "u1", "Hello?")
    says(book, 1, "r1", "one two three four", 4.0)
    book.hear(1.0)
    book >> SessionClosed(1, Trouble.LOST, 1006, "")
    book.wait(0.5)
    opened = book._pending[0]
    assert isinstance(opened, OpenSession)
    assert opened.seed[-1].text == "one two three four ... (interrupted)"
    book << OpenSession >> SessionOpened(2) << AskResponse


def test_a_response_that_runs_on_is_not_heard_after_the_hang_up() -> None:
    book = talking()
    person(book, 1, "u1", "Hello?")
    book >> ResponseStarted(1, "r1") >> HangUpAsked() << HangUp
    says(book, 1, "r1", "Hello, I call about", 1.0)
    book.hear(1.0)
    assert not [command for command in book.sound if isinstance(command, PlayAudio)]


def test_a_busy_line_whose_callback_is_lost_is_busy() -> None:
    book = Playbook(a_call())
    book >> Begun() << Dial >> Dialled("CA1") >> LegReported("ringing", 1)
    book.wait(95.0) << FetchLeg("CA1")
    book >> LegReported("busy", None, 0) << Finish("client_error", "busy")


def test_a_leg_that_rings_for_ever_is_ended() -> None:
    book = Playbook(a_call())
    book >> Begun() << Dial >> Dialled("CA1") >> LegReported("ringing", 1)
    book.wait(95.0) << FetchLeg("CA1")
    book >> LegReported("ringing")
    book.wait(20.0) << HangUp("CA1", cancel=True)
    assert book.notes(notes.Phase)[-1].why == "no_answer"


def test_a_leg_that_ended_before_its_stream_came_is_a_remote_hang_up() -> None:
    book = Playbook(a_call())
    book >> Begun() << Dial >> Dialled("CA1") >> LegReported("in-progress", 1)
    book.wait(25.0) << FetchLeg("CA1")
    book >> LegReported("completed", None, 3) << Finish("indeterminate", "remote_hangup")


@pytest.mark.parametrize("given", ["x", "0", "-1", "5.5", "\u0665"])
def test_a_number_of_calls_is_one(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        chaos.main([f"--calls={given}"])
    assert f"{given!r} is no whole number from 1 on" in capsys.readouterr().err
