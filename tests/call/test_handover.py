"""Our user's own telephone, by playbook: rung, connected, called back, given up, and always ended."""

from __future__ import annotations

import pytest

from outwait.call import notes
from outwait.call.commands import (
    AnswerTool,
    AskResponse,
    ClearAudio,
    CloseSession,
    CloseStream,
    Dial,
    FetchLeg,
    Finish,
    HangUp,
    MakePhrase,
    OpenSession,
    PlayAudio,
    PlayMark,
    SendAudio,
    Transfer,
    VetNumber,
)
from outwait.call.cost import Usage
from outwait.call.events import (
    Dialled,
    DialRefused,
    HangUpFailed,
    Heard,
    HungUp,
    KeyHeard,
    LegReported,
    LegUnknown,
    Marked,
    NumberVetted,
    PhraseMade,
    Restarted,
    SessionClosed,
    SessionOpened,
    StreamLost,
    StreamStarted,
    StreamStopped,
    ToolCalled,
    Trouble,
)
from outwait.call.mixing import Mixer
from outwait.call.our_user import WHISPER
from outwait.call.policy import Policy
from outwait.call.setup import Human, phrases
from outwait.testing import Playbook
from tests.call.test_machine import MUSIC, SECOND, SPEECH, ends, on_hold, says, talking

DANA = "+12025550177"
VOICE, OTHER = b"\x31" * 160, b"\x42" * 160


def rung(policy: Policy | None = None, **human: object) -> Playbook:
    """A person is back; our user's telephone is being dialled, and a session opened."""
    wanted = Human(number=DANA, name="Dana", **human)  # type: ignore[arg-type]
    book = on_hold(policy, human=wanted, phrases=phrases("", wanted))
    book.hear(60.0, **MUSIC)
    book.hear(4.0, **SPEECH)
    if not book._pending:
        book.hear(3.0)
    if wanted.when == "returns":
        book << Dial(DANA, "+12025550199", 25, 7200, 2)
    book << OpenSession
    return book


def user_hears(book: Playbook) -> bytes:
    return b"".join(c.ulaw for c in book.sound if isinstance(c, PlayAudio) and c.stream == 2)


def user(book: Playbook, seconds: float, ulaw: bytes = OTHER) -> None:
    """Our user's side, beside the company's silence."""
    for _ in range(round(seconds / 0.02)):
        at = getattr(book, "_user_at", 0.0)
        book >> Heard(2, round(at, 3), ulaw)
        book._user_at = at + 0.02  # type: ignore[attr-defined]
        if book._pending:
            return


def answered(book: Playbook) -> None:
    book >> Dialled("CA2", 2) >> LegReported("ringing", 1, leg=2) >> LegReported("in-progress", 2, leg=2)
    book >> StreamStarted(2, 2)


def connected(policy: Policy | None = None, **human: object) -> Playbook:
    """Both hear each other, and the agent has left."""
    book = rung(policy, **human)
    book >> SessionOpened(2)
    answered(book)
    user(book, 3.0)
    assert book._pending[-1] == CloseSession(2)
    book.ignore()
    book >> SessionClosed(2, None, 1000, "")
    return book


def pass_time(book: Playbook, seconds: float) -> list[object]:
    """Wall time passes, whatever is done; all of that."""
    until, done = book.now + seconds, []
    while book.now < until:
        book.wait(min(1.0, until - book.now))
        done += book._pending
        book.ignore()
    return done


def states(book: Playbook) -> list[tuple[int, str]]:
    return [(note.leg, note.state) for note in book.notes(notes.SecondLeg)]


def all_over(book: Playbook, *, first: bool = True) -> None:
    """The rest of an ending, whatever the order."""
    book.ignore()
    for event in (HungUp(), HungUp(2), StreamLost(1, 1000), StreamLost(2, 1000), LegReported("completed", 9)):
        book >> event
        book.ignore()
    book.wait(15.0).ignore()
    assert book.call.phase == "ended"
    assert states(book)[-1][1] == "ended"


def test_two_people_are_connected_and_the_agent_leaves() -> None:
    book = connected()
    assert states(book) == [(2, "dialing"), (2, "ringing"), (2, "answered"), (2, "connected")]
    book >> Heard(1, 200.0, VOICE)
    assert user_hears(book).endswith(VOICE)
    before = book.played()
    user(book, 0.02)
    assert book.played() == before + 160
    assert book.call.phase == "talking"
    for _ in range(20):  # nobody judges the line while two people talk
        book.hear(1.0, **MUSIC)
        book.ignore()  # our user's leg stands still here, and the relay throws away what would wait too long
    assert book.call.phase == "talking"


def test_our_user_hears_who_is_there_before_they_hear_them() -> None:
    book = rung()
    book >> SessionOpened(2)
    answered(book)
    book >> Heard(1, 200.0, VOICE)
    assert VOICE not in user_hears(book)
    before = book.played()
    user(book, 0.02)
    assert book.played() > before, "they are heard at once"


def test_when_our_user_leaves_both_legs_end() -> None:
    book = connected()
    book >> StreamStopped(2) << HangUp("CA2", False, 2) << CloseStream(2) << HangUp("CA1", False)
    all_over(book)
    (ended,) = book.notes(notes.Ended)
    assert (ended.result, ended.cause) == ("success", "handed_over")


def test_when_the_other_side_leaves_both_legs_end() -> None:
    book = connected()
    book >> LegReported("completed", 5, duration=120)
    all_over(book)
    (ended,) = book.notes(notes.Ended)
    assert (ended.result, ended.cause) == ("success", "handed_over")
    asked = [c for _, _, commands in book.trace for c in commands if isinstance(c, HangUp)]
    assert [(c.leg, c.carrier_call_id) for c in asked] == [(2, "CA2")]


@pytest.mark.parametrize(
    ("event", "why", "hang_up"),
    [
        (LegReported("busy", 3, leg=2), "busy", False),
        (DialRefused(Trouble.REFUSED, "no", leg=2), "refused: no", False),
        (LegUnknown(gone=True, detail="", leg=2), "it was never dialled", False),
    ],
)
def test_our_user_does_not_come(event: object, why: str, hang_up: bool) -> None:
    book = rung()
    book >> SessionOpened(2)
    if not isinstance(event, DialRefused):
        book >> Dialled("CA2", 2)
    book >> event << AskResponse  # type: ignore[operator]
    assert states(book)[-1] == (2, "ended")
    assert book.notes(notes.SecondLeg)[-1].why == why
    told = [c for _, _, commands in book.trace for c in commands if isinstance(c, AskResponse)][-1]
    assert "could not be reached" in told.instructions
    assert book.call.phase == "resuming"


def test_our_user_is_given_up_after_a_while() -> None:
    book = rung()
    book >> SessionOpened(2) >> Dialled("CA2", 2)
    assert HangUp("CA2", True, 2) in pass_time(book, 40.0)
    book >> HungUp(2)
    book.ignore()
    assert states(book)[-1] == (2, "ended")


def test_a_false_return_calls_the_ringing_off() -> None:
    book = rung()
    book >> SessionOpened(2) >> Dialled("CA2", 2)
    book.call.receive(LegReported("ringing", 1, leg=2), book.now)
    done: list[object] = []
    for _ in range(20):
        book.hear(1.0, **MUSIC)
        done += book._pending
        book.ignore()
    assert HangUp("CA2", True, 2) in done
    book >> HungUp(2)
    assert states(book)[-1] == (2, "ended")
    assert book.call.phase == "holding"
    book >> SessionClosed(2, None, 1000, "")
    book.hear(60.0, **MUSIC)
    book.hear(4.0, **SPEECH)
    if not book._pending:
        book.hear(3.0)
    book << Dial(DANA, "+12025550199", 25, 7200, 3) << OpenSession


def test_a_leg_that_was_given_up_and_lives_after_all_is_ended() -> None:
    book = rung()
    book >> SessionOpened(2)
    pass_time(book, 13.0)
    assert book.notes(notes.SecondLeg)[-1].why == "the carrier is silent"
    book >> Dialled("CA2", 2) << HangUp("CA2", True, 2)
    book >> StreamStarted(2, 2) << CloseStream(2)


def test_the_agent_is_called_back_and_goes_on_alone() -> None:
    book = connected()
    book >> KeyHeard(2, "5")
    book.done()
    book >> KeyHeard(2, "*") << OpenSession >> SessionOpened(3) << AskResponse
    assert states(book)[-1] == (2, "together")
    book >> Heard(2, 90.0, OTHER) >> Heard(1, 300.0, VOICE)
    (*_, sent) = [c.ulaw for c in book.sound if isinstance(c, SendAudio)]
    mixer = Mixer()
    mixer.hear(OTHER)
    assert sent == mixer.mix(VOICE)
    before = len(user_hears(book))
    says(book, 3, "r5", "Yes, I'm back.", 0.4)
    book >> Heard(1, 300.02, VOICE)
    assert b"\x55" * 160 in user_hears(book)[before:], "our user hears the agent, too"
    ends(book, 3, "r5")
    book.hear(0.4).ignore()
    book >> StreamStopped(2) << HangUp("CA2", False, 2) << CloseStream(2) << AskResponse
    assert book.call.phase == "talking"


def test_the_agent_may_stay() -> None:
    book = rung(agent="stays")
    book >> SessionOpened(2)
    answered(book)
    user(book, 3.0)
    assert not [c for c in book._pending if not isinstance(c, ClearAudio)]
    book.ignore()
    assert states(book)[-1] == (2, "together")
    assert book.call.phase == "talking"


def test_a_restart_leaves_them_connected() -> None:
    book = connected()
    book >> Restarted()
    book << FetchLeg("CA2", 2, DANA) << FetchLeg("CA1")
    book >> StreamStarted(3, 1) >> StreamStarted(4, 2)
    book.done()
    book >> Heard(3, 0.0, VOICE)
    assert [c.ulaw for c in book.sound if isinstance(c, PlayAudio) and c.stream == 4] == [VOICE]


def test_a_restart_after_which_our_user_is_gone() -> None:
    book = connected()
    book >> Restarted()
    book.ignore()
    book >> StreamStarted(3, 1) >> LegReported("completed", None, 30, leg=2)
    book << HangUp("CA1", False)
    assert states(book)[-1] == (2, "ended")


def test_a_word_that_the_carrier_never_says_changes_nothing() -> None:
    book = connected()
    book >> LegReported("teleported", None, 30, leg=2)
    book.done()
    assert states(book)[-1] == (2, "connected")


def test_a_hang_up_that_fails_is_tried_again() -> None:
    book = connected()
    book >> StreamStopped(2)
    book.ignore()
    book >> HangUpFailed(Trouble.BUSY, "503", 2)
    book.wait(0.6)
    assert HangUp("CA2", False, 2) in book._pending
    all_over(book)


def test_there_is_no_money_for_it() -> None:
    book = rung(Policy(max_cost_micro_usd=85_000), when="asked")
    book >> SessionOpened(2)
    asks(book, DANA)
    (answer,) = [c for c in book._pending if isinstance(c, AnswerTool)]
    assert "no money" in answer.output


def asks(book: Playbook, to: str) -> None:
    says(book, 2, "r4", "I put you through.", 0.6)
    book >> ToolCalled(2, "r4", "c4", "transfer_call", f'{{"to": "{to}", "reason": "Sam of deliveries"}}')


def test_the_agent_rings_our_user() -> None:
    book = rung(when="asked")
    book >> SessionOpened(2)
    asks(book, DANA)
    assert [type(c).__name__ for c in book._pending] == ["AnswerTool", "MakePhrase", "Dial"]


@pytest.mark.parametrize("refusal", ["", "premium-rate numbers are not dialled"])
def test_a_transfer_keeps_the_rules_of_the_house(refusal: str) -> None:
    book = talking()
    says(book, 1, "r4", "I put you through.", 0.6)
    book >> ToolCalled(1, "r4", "c4", "transfer_call", '{"to": "+12025550166", "reason": "as asked"}')
    book << VetNumber("+12025550166")
    ends(book, 1, "r4")
    book.ignore()
    book >> NumberVetted("+12025550166", refusal) << AnswerTool
    if refusal:
        book << AskResponse
        assert book.call.phase == "talking"
        return
    book.hear(2.0) << Transfer("CA1", "+12025550166", "+12025550199", 4800)
    book >> HungUp() << CloseSession(1) >> SessionClosed(1, None, 1000, "")
    book >> StreamStopped(1) << CloseStream(1) >> StreamLost(1, 1000) << Finish("success", "transferred")


def test_a_transfer_that_fails_ends_the_call() -> None:
    book = talking()
    book >> ToolCalled(1, "r4", "c4", "transfer_call", '{"to": "+12025550166", "reason": "as asked"}')
    book << VetNumber
    book >> NumberVetted("+12025550166") << AnswerTool << Transfer
    book >> HangUpFailed(Trouble.BUSY, "503")
    book.wait(0.1) << HangUp("CA1", False)
    all_over_alone(book)
    (ended,) = book.notes(notes.Ended)
    assert (ended.result, ended.cause) == ("upstream_error", "transfer_failed")


def all_over_alone(book: Playbook) -> None:
    book.ignore()
    for event in (HungUp(), SessionClosed(1, None, 1000, ""), StreamLost(1, 1000), LegReported("completed", 9)):
        book >> event
        book.ignore()
    assert book.call.phase == "ended"


TO = "+12025550166"
ASK = '{"to": "+12025550166", "reason": "they want sales", "announcement": "I have Northwind here about an order."}'


def asked() -> Playbook:
    """Somebody else's telephone rings, and what they are to hear is made."""
    book = talking()
    book >> ToolCalled(1, "r4", "c4", "transfer_call", ASK) << VetNumber
    book >> NumberVetted(TO) << AnswerTool
    made = book._pending[0]
    assert isinstance(made, MakePhrase)
    assert made.text == "I have Northwind here about an order. Press 1 to take the call, or 2 if you can't."
    book << MakePhrase << Dial(TO, "+12025550199", 25, 7200, 2)
    return book


def on_their_line(book: Playbook) -> None:
    answered(book)
    book >> PhraseMade(1, WHISPER, SECOND, Usage())
    book.ignore()
    user(book, 0.5)


def test_who_is_to_take_a_call_over_is_told_and_asked() -> None:
    book = asked()
    on_their_line(book)
    assert user_hears(book)[:160] == SECOND[:160], "what it is about"
    book.hear(1.0)
    assert OTHER not in b"".join(c.ulaw for c in book.sound if isinstance(c, PlayAudio) and c.stream == 1)
    book >> KeyHeard(2, "1")
    assert CloseSession(1) in book._pending, "both hear each other, and the agent leaves"
    book.ignore()
    book >> SessionClosed(1, None, 1000, "")
    (outcome,) = book.notes(notes.Outcome)
    assert outcome.text == f"Transferred to {TO}: they want sales"
    user(book, 0.5)
    assert OTHER in b"".join(c.ulaw for c in book.sound if isinstance(c, PlayAudio) and c.stream == 1)
    book >> KeyHeard(2, "*")
    book.done()  # they are not our user
    book >> StreamStopped(2)
    all_over(book)
    (ended,) = book.notes(notes.Ended)
    assert (ended.result, ended.cause) == ("success", "transferred")


@pytest.mark.parametrize("how", ["declined", "no key", "nobody", "voicemail", "gone"])
def test_who_does_not_take_it_leaves_the_other_side_to_the_agent(how: str) -> None:
    book = asked()
    if how == "nobody":
        book >> Dialled("CA2", 2) >> LegReported("no-answer", 2, leg=2)
    else:
        on_their_line(book)
    if how == "declined":
        book >> KeyHeard(2, "7") >> KeyHeard(2, "2")
    elif how == "gone":
        book >> StreamStopped(2)
    elif how in ("no key", "voicemail"):
        for _ in range(40):
            user(book, 1.0)
            if any(isinstance(command, AskResponse) for command in book._pending):
                break
            book.ignore()
    (asks,) = [command for command in book._pending if isinstance(command, AskResponse)]
    assert "The one to whom you transfer could not be reached" in asks.instructions
    book.ignore()
    assert book.call.phase == "talking"
    assert not book.notes(notes.Outcome)
    assert not any(command.stream == 1 for command in book.sound if isinstance(command, PlayAudio))


def test_they_are_told_once_more() -> None:
    book = asked()
    on_their_line(book)
    for _ in range(20):
        user(book, 1.0)
        for sound in [c for c in book.sound if isinstance(c, PlayMark) and c.stream == 2]:
            book >> Marked(2, sound.name)
        book.ignore()
    assert user_hears(book).count(SECOND) == 2


def test_nobody_is_asked_while_our_user_is_rung() -> None:
    book = rung()
    book >> SessionOpened(2)
    book >> ToolCalled(2, "r4", "c4", "transfer_call", ASK) << VetNumber
    book >> NumberVetted(TO)
    (told,) = [command for command in book._pending if isinstance(command, AnswerTool)]
    assert "being called already" in told.output
