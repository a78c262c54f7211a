"""The call core, by playbook: one hold from end to end, and every way to end."""

from __future__ import annotations

import pytest

from outwait.call import notes
from outwait.call.commands import (
    AnswerTool,
    AskResponse,
    CancelResponse,
    ClearAudio,
    CloseSession,
    CloseStream,
    CommitTurn,
    Dial,
    FetchLeg,
    Finish,
    HangUp,
    OpenSession,
    ReclaimLeg,
    TruncateItem,
)
from outwait.call.cost import Usage
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    Begun,
    Dialled,
    DialRefused,
    HangUpAsked,
    HangUpFailed,
    HungUp,
    LegReported,
    LegUnknown,
    MemoryKept,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    PhraseReady,
    ResponseBilled,
    ResponseEnded,
    ResponseStarted,
    Restarted,
    SessionClosed,
    SessionOpened,
    StreamLost,
    StreamStarted,
    StreamStopped,
    ToneHeard,
    ToolCalled,
    Trouble,
)
from outwait.call.policy import Policy
from outwait.call.setup import Means
from outwait.testing import PRICES, Playbook, a_call

SECOND = b"\x55" * 8000
SPEECH = {"speech": 0.97, "live": 0.9}
MUSIC = {"music": 0.97}


def talking(policy: Policy | None = None, **setup: object) -> Playbook:
    """A call whose first session is open."""
    book = Playbook(a_call(policy, **setup))
    for name in book.call.setup.phrases:
        book >> PhraseReady(name, SECOND)
    book >> Begun() << Dial >> Dialled("CA1")
    book >> LegReported("ringing", 1) >> LegReported("in-progress", 2)
    book >> StreamStarted(1) << OpenSession >> SessionOpened(1)
    return book


def says(book: Playbook, session: int, response: str, text: str, seconds: float = 1.0) -> None:
    book >> ResponseStarted(session, response)
    book >> AgentWrote(session, response, f"item_{response}", text)
    book >> AgentSpoke(session, response, f"item_{response}", b"\x55" * int(8000 * seconds))


def ends(book: Playbook, session: int, response: str) -> None:
    usage = Usage(text_in=900, audio_in=300, text_out=20, audio_out=40)
    book >> ResponseEnded(session, response, "completed", usage)


def person(book: Playbook, session: int, item: str, text: str, seconds: float = 1.0) -> None:
    book >> PersonStarted(session)
    book.hear(seconds, **SPEECH)
    book >> PersonStopped(session) >> PersonCommitted(session, item) >> PersonSaid(session, item, text)


def on_hold(policy: Policy | None = None, **setup: object) -> Playbook:
    """A call that was asked to hold, and whose session is closed."""
    book = talking(policy, **setup)
    person(book, 1, "u1", "Parcel service, hello?")
    says(book, 1, "r1", "Hello, I am an AI assistant. When does order 4711 ship?", 2.0)
    ends(book, 1, "r1")
    book.hear(3.0)
    person(book, 1, "u2", "Please hold.")
    says(book, 1, "r2", "Of course.", 0.6)
    book >> ToolCalled(1, "r2", "c1", "wait_on_hold", '{"reason": "asked to hold"}')
    book << AnswerTool(1, "c1", '{"ok": true}')
    ends(book, 1, "r2")
    book << CloseSession(1)
    book >> SessionClosed(1, None, 1000, "")
    return book


def hang_up(book: Playbook, session: int) -> None:
    """From the agent's goodbye to the end of the record."""
    says(book, session, "bye", "Thank you, goodbye.", 1.0)
    book >> ToolCalled(session, "bye", "c9", "hangup_call", '{"reason": "done", "outcome": "Ships on Monday."}')
    book << AnswerTool(session, "c9", '{"ok": true}')
    ends(book, session, "bye")
    played = book.played()
    book.hear(3.0)
    assert book.played() > played, "the goodbye went out"
    book << HangUp("CA1", cancel=False)
    book >> HungUp() << CloseSession(session)
    book >> SessionClosed(session, None, 1000, "")
    book >> StreamStopped(1) << CloseStream(1) >> StreamLost(1, 1000)
    book >> LegReported("completed", 3, 95) << Finish("success", "hangup_call")
    book.done()


def test_one_hold_from_end_to_end() -> None:
    book = on_hold()
    book.hear(120.0, **MUSIC)
    book.hear(0.6)
    before = book.sent(1)
    book.hear(4.0, **SPEECH)
    if not book._pending:
        book.hear(3.0)
    opened = book._pending[0]
    assert isinstance(opened, OpenSession)
    assert opened.session == 2
    book << OpenSession
    words = [item.text for item in opened.seed]
    assert "Please hold." in words
    assert any("4711" in word for word in words)
    assert any("on hold for 2 min" in word for word in words)
    assert [item.kind for item in opened.seed if item.kind.startswith("tool")] == ["tool_call", "tool_output"]
    assert "4711" in opened.instructions
    assert book.sent(1) == before, "nothing was sent on hold"
    book >> SessionOpened(2)
    ended = book.notes(notes.HoldEnded)[-1]
    held_back = book.now - 1000.0
    assert book.sent(2) > 8000 * 0.5, "the person's first words came along"
    assert held_back > ended.at
    person(book, 2, "u3", "It ships on Monday.")
    hang_up(book, 2)
    assert book.notes(notes.Outcome) == [notes.Outcome("Ships on Monday.", "done")]
    assert [n.phase for n in book.notes(notes.Phase)] == [
        "dialing",
        "ringing",
        "talking",
        "holding",
        "resuming",
        "talking",
        "ending",
        "ended",
    ]


def test_a_phrase_answers_before_the_session_does() -> None:
    phrases = {"resume": "Yes, hello, I'm here."}
    book = on_hold(phrases=phrases)
    book.hear(60.0, **MUSIC)
    played = book.played()
    book.hear(4.0, **SPEECH)
    if not book._pending:
        book.hear(3.0)
    book << OpenSession
    book.hear(1.5)
    assert book.played() == played + len(SECOND)
    said = [note.text for note in book.notes(notes.Said) if note.phrase]
    assert said == ["Yes, hello, I'm here."]


@pytest.mark.parametrize(("held", "phrases"), [(20.0, 0), (40.0, 1)])
def test_phrases_on_suspicion_are_few_at_once_and_more_on_a_longer_hold(held: float, phrases: int) -> None:
    book = on_hold(Policy(phrases_per_hold=0, phrase_more=30.0), phrases={"resume": "Yes, hello."})
    book.hear(held, **MUSIC)
    played = book.played()
    book.hear(0.48)
    book.hear(1.28, **SPEECH)
    assert book.notes(notes.MaybeHuman)
    assert (book.played() > played) == bool(phrases)


def test_music_parks_by_itself() -> None:
    book = talking()
    person(book, 1, "u1", "One moment please.")
    says(book, 1, "r1", "Sure.", 0.4)
    ends(book, 1, "r1")
    book.hear(4.0, **MUSIC) << CloseSession(1)
    book >> SessionClosed(1, None, 1000, "")
    assert book.call.phase == "talking", "it is not sure yet"
    book.hear(4.0, **MUSIC).done()
    assert book.call.phase == "holding"
    assert book.notes(notes.HoldBegan)


def test_music_after_the_persons_words_is_no_wait_for_an_answer() -> None:
    """Sparse music has moments that sound like a voice; the engine has answered nothing, and must not be asked to."""
    book = talking()
    says(book, 1, "r1", "Hello, this is an AI assistant.", 1.0)
    ends(book, 1, "r1")
    book.hear(2.0)
    book >> PersonStarted(1)
    book.hear(1.0, **SPEECH)  # "one moment", says the person; the engine's turn does not end, for music begins
    for _ in range(4):
        book.hear(0.48, **MUSIC)
        book.hear(0.16, speech=0.7, music=0.3)
    book.done()
    book.hear(0.64, **MUSIC) << CloseSession(1)
    book >> SessionClosed(1, None, 1000, "")
    for _ in range(8):
        book.hear(0.48, **MUSIC)
        book.hear(0.16, speech=0.7, music=0.3)
    book.hear(4.0, **MUSIC).done()
    assert book.call.phase == "holding"


def test_a_person_who_speaks_over_music_that_goes_on_is_answered() -> None:
    book = talking()
    says(book, 1, "r1", "Hello, this is an AI assistant.", 1.0)
    ends(book, 1, "r1")
    book.hear(2.0, **MUSIC)
    book >> PersonStarted(1)
    book.hear(1.0, **SPEECH)
    book.hear(2.0, **MUSIC)
    book.done()
    book.hear(1.0, **MUSIC) << CommitTurn(1) << AskResponse


def test_a_parked_session_is_drained_in_sound_where_the_carrier_is_ahead_of_the_clock() -> None:
    book = talking()
    person(book, 1, "u1", "One moment please.")
    book >> ResponseStarted(1, "r1") >> ToolCalled(1, "r1", "c1", "wait_on_hold", '{"reason": "asked"}')
    book << AnswerTool(1, "c1", '{"ok": true}')
    book.hear(2.8, pace=20, **MUSIC)
    book.done()
    book.hear(0.4, pace=20, **MUSIC) << CloseSession(1)


def test_the_agent_speaks_first_after_two_seconds_of_silence() -> None:
    book = talking()
    book.hear(1.8)
    book.done()
    book.hear(1.0) << AskResponse
    book.done()


def test_barge_in_cuts_at_what_was_heard() -> None:
    book = talking()
    person(book, 1, "u1", "Hello?")
    says(book, 1, "r1", "one two three four five six seven eight", 8.0)
    book.hear(2.0)
    book >> PersonStarted(1) << ClearAudio(1)
    cut = book._pending[0]
    assert isinstance(cut, TruncateItem)
    assert 1800 <= cut.heard_ms <= 2800
    book << TruncateItem
    said = [note for note in book.notes(notes.Said) if note.role == "agent"][-1]
    assert said.cut
    assert said.text in ("one two", "one two three")


def test_a_turn_that_ends_while_an_answer_is_made_brings_no_second_one() -> None:
    """A beep, a cough: the answer that was asked for meanwhile is the one, and the goodbye waits for no other."""
    book = talking()
    book >> PersonStarted(1)
    book.hear(0.4, **SPEECH)
    says(book, 1, "r1", "Thank you, goodbye.", 1.0)
    book >> PersonStopped(1) >> PersonCommitted(1, "u1") >> PersonSaid(1, "u1", "")
    book >> ToolCalled(1, "r1", "c1", "hangup_call", '{"reason": "done", "outcome": "Monday"}')
    book << AnswerTool(1, "c1", '{"ok": true}')
    ends(book, 1, "r1")
    book.hear(2.0) << HangUp("CA1", cancel=False)


def test_a_voicemail_that_beeps_cuts_what_was_said_to_its_greeting() -> None:
    book = talking()
    person(book, 1, "u1", "Hi, this is Alex. Leave a message after the tone.", 4.0)
    says(book, 1, "r1", "Hello, this is an AI assistant, calling about your parcel.", 6.0)
    book >> ToneHeard("beep", book.now - 1000.0, 0.2)
    book.hear(2.0) << ClearAudio(1) << TruncateItem << CancelResponse(1) << AskResponse
    (asked,) = book.notes(notes.AnsweredBy)
    assert asked.who == "voicemail"


def test_hangup_without_a_word_asks_for_a_goodbye_first() -> None:
    book = talking()
    person(book, 1, "u1", "It ships on Monday, bye.")
    book >> ResponseStarted(1, "r1")
    book >> ToolCalled(1, "r1", "c1", "hangup_call", '{"reason": "done", "outcome": "Monday"}')
    book << AnswerTool(1, "c1", '{"ok": true}')
    book >> ResponseEnded(1, "r1", "completed") << AskResponse
    says(book, 1, "r2", "Goodbye.", 1.0)
    ends(book, 1, "r2")
    book.hear(2.0) << HangUp("CA1", cancel=False)


def test_who_speaks_into_the_goodbye_is_not_waited_for() -> None:
    book = talking()
    person(book, 1, "u1", "It ships on Monday, bye.")
    says(book, 1, "r1", "Thank you, goodbye.", 1.0)
    book >> ToolCalled(1, "r1", "c1", "hangup_call", '{"reason": "done", "outcome": "Monday"}')
    book << AnswerTool(1, "c1", '{"ok": true}')
    book >> PersonStarted(1) >> PersonStopped(1) >> PersonCommitted(1, "u2")
    ends(book, 1, "r1")
    book.hear(1.5) << HangUp("CA1", cancel=False)
    assert next(note.step for note in book.notes(notes.HangUpStep)) == "goodbye_heard"


def test_who_spoke_before_the_end_is_not_waited_for() -> None:
    book = talking()
    person(book, 1, "u1", "It ships on Monday, bye.")
    says(book, 1, "r1", "Thank you, goodbye.", 1.0)
    book >> PersonStopped(1)
    book >> ToolCalled(1, "r1", "c1", "hangup_call", '{"reason": "done", "outcome": "Monday"}')
    book << AnswerTool(1, "c1", '{"ok": true}')
    ends(book, 1, "r1")
    book.hear(1.5) << HangUp("CA1", cancel=False)


def test_silence_is_no_hold_while_the_agent_owes_an_answer() -> None:
    book = talking()
    person(book, 1, "u1", "Parcel service, hello?")
    book >> SessionClosed(1, Trouble.STALLED, 1006, "")
    book.wait(0.5) << OpenSession
    book.hear(45.0, pace=5.0)
    assert book.call.phase == "talking"
    book >> SessionOpened(2)
    says(book, 2, "r1", "Hello, I call about order 4711.", 1.0)
    ends(book, 2, "r1")
    book.hear(19.0)
    assert book.call.phase == "talking"
    book.hear(3.0) << CloseSession(2)
    assert book.call.phase == "holding", "now the silence is theirs"


def test_a_goodbye_that_never_comes_does_not_keep_the_call() -> None:
    book = talking()
    book >> ToolCalled(1, "r1", "c1", "hangup_call", '{"reason": "done", "outcome": "Monday"}')
    book.ignore()
    book.wait(30.0) << CloseSession(1) << HangUp("CA1", cancel=False)


def test_hangup_is_tried_again_and_then_given_up_to_the_redirect() -> None:
    book = talking()
    book >> HangUpAsked() << HangUp("CA1", cancel=False)
    for _ in range(3):
        book >> HangUpFailed(Trouble.BUSY, "503")
        book.wait(5.0) << HangUp("CA1", cancel=False)
    book >> HangUpFailed(Trouble.BUSY, "503") << CloseSession(1) << CloseStream(1)
    assert not book.call.answers_redirect(book.now)
    book >> SessionClosed(1, None, 1000, "") >> StreamLost(1, 1000)
    book.wait(20.0) << Finish("client_error", "api_hangup")


@pytest.mark.parametrize(
    ("status", "result", "cause"),
    [("busy", "client_error", "busy"), ("no-answer", "client_error", "no_answer"), ("failed", "upstream_error", None)],
)
def test_a_leg_that_is_never_answered(status: str, result: str, cause: str | None) -> None:
    book = Playbook(a_call())
    book >> Begun() << Dial >> Dialled("CA1") >> LegReported("ringing", 1)
    book >> LegReported(status, 2)
    book << Finish(result, cause or "carrier_failed")
    book.done()


def test_a_dial_that_is_refused_ends_as_failed() -> None:
    book = Playbook(a_call())
    book >> Begun() << Dial >> DialRefused(Trouble.REFUSED, "21211 invalid number")
    book << Finish("client_error", "carrier_refused: 21211 invalid number")
    assert book.notes(notes.Ended)[0].status == "failed"


def test_remote_hangup_while_talking() -> None:
    book = talking()
    book >> StreamStopped(1) << CloseStream(1) << CloseSession(1)
    book >> StreamLost(1, 1000) >> SessionClosed(1, None, 1000, "")
    book >> LegReported("completed", 3, 12) << Finish("indeterminate", "remote_hangup")


def test_remote_hangup_whose_callback_is_lost() -> None:
    book = talking()
    book >> StreamStopped(1) << CloseStream(1) << CloseSession(1)
    book >> StreamLost(1, 1000) >> SessionClosed(1, None, 1000, "")
    book.wait(5.0) << FetchLeg("CA1")
    book >> LegReported("completed", None, 12) << Finish("indeterminate", "remote_hangup")


def test_remote_hangup_on_hold() -> None:
    book = on_hold()
    book.hear(30.0, **MUSIC)
    book >> LegReported("completed", 3, 60) << CloseStream(1)
    book >> StreamLost(1, 1000) << Finish("indeterminate", "remote_hangup")


def test_a_refused_model_ends_the_call() -> None:
    book = Playbook(a_call())
    book >> Begun() << Dial >> Dialled("CA1") >> LegReported("in-progress", 1) >> StreamStarted(1) << OpenSession
    book >> SessionClosed(1, Trouble.REFUSED, 401, "invalid_api_key") << HangUp("CA1", cancel=False)
    book >> HungUp()
    book >> StreamStopped(1) << CloseStream(1) >> StreamLost(1, 1000)
    book >> LegReported("completed", 2, 3) << Finish("upstream_error", "model_refused")


def test_a_dropped_session_has_a_successor_with_the_context() -> None:
    book = talking()
    person(book, 1, "u1", "Hello?")
    says(book, 1, "r1", "Hello, I call about order 4711.", 1.0)
    ends(book, 1, "r1")
    book.hear(2.0)
    book >> PersonStarted(1)
    book.hear(0.6, **SPEECH)
    book >> SessionClosed(1, Trouble.LOST, 1006, "")
    book.wait(0.5)
    opened = book._pending[0]
    book << OpenSession
    assert isinstance(opened, OpenSession)
    assert [item.kind for item in opened.seed] == ["human", "agent"]
    book >> SessionOpened(2)
    assert book.sent(2) >= 0.6 * 8000, "what the person was saying is handed over"
    assert book.notes(notes.SessionNote)[-3].reason == "dropped"


def test_a_stalled_session_is_replaced() -> None:
    book = talking()
    book >> PersonStarted(1)
    book.hear(1.0, **SPEECH)
    book >> PersonStopped(1)
    for _ in range(9):
        book.hear(1.0)
        if book._pending:
            break
        book.wait(0.0)
        if book._pending:
            break
    book << CloseSession(1) >> SessionClosed(1, None, 1000, "")
    book.wait(1.0) << OpenSession


def test_a_lost_stream_waits_for_its_redirect() -> None:
    book = on_hold()
    book.hear(30.0, **MUSIC)
    book >> StreamLost(1, 1006) << FetchLeg("CA1")
    assert book.call.phase == "detached"
    book >> LegReported("in-progress")
    book.new_stream()
    book >> StreamStarted(2)
    assert book.call.phase == "holding"
    book.hear(5.0, stream=2, **MUSIC)
    book.done()


def test_a_lost_stream_that_does_not_come_back_ends_the_call() -> None:
    book = on_hold()
    book >> StreamLost(1, 1006) << FetchLeg("CA1")
    book.wait(90.0) << HangUp("CA1", cancel=False)


def test_a_leg_that_is_up_without_its_stream_is_fetched_back() -> None:
    """The carrier may have asked a process that was dead, and wait elsewhere since."""
    book = on_hold()
    book.hear(30.0, **MUSIC)
    book >> Restarted() << FetchLeg("CA1")
    book.wait(20.0).done()  # the carrier has not said yet whether the leg lives
    book >> LegUnknown(gone=False, detail="503")
    book.wait(5.0) << FetchLeg("CA1") >> LegReported("in-progress")
    book.wait(5.0) << ReclaimLeg("CA1")
    book.wait(10.0) << ReclaimLeg("CA1") >> LegUnknown(gone=False, detail="503")
    book >> Dialled("CA1")  # it asks: the stream is on its way
    book.new_stream()
    book >> StreamStarted(1)
    assert book.call.phase == "holding"
    book.hear(60.0, **MUSIC)
    book.done()


def test_a_stream_that_our_own_request_has_cut_is_no_hangup() -> None:
    """The carrier has asked by itself just as it was told to ask again: the stream that came of it is cut."""
    book = on_hold()
    book >> StreamLost(1, 1006) << FetchLeg("CA1") >> LegReported("in-progress")
    book.wait(5.0) << ReclaimLeg("CA1")
    book.new_stream()
    book >> StreamStarted(2) >> StreamStopped(2) << CloseStream(2) << FetchLeg("CA1")
    assert book.call.phase == "detached"
    book >> StreamStarted(3)
    assert book.call.phase == "holding"
    book.hear(11.0, stream=3, **MUSIC)
    book >> StreamStopped(3)
    assert book.call.phase == "ending"


def test_a_leg_that_still_rings_after_a_restart_is_given_its_time() -> None:
    book = Playbook(a_call())
    book >> Begun() << Dial >> Dialled("CA1") >> LegReported("ringing", 1) >> Restarted() << FetchLeg("CA1")
    book >> LegReported("ringing")
    book.wait(85.0).done()
    book >> LegReported("in-progress", 2) >> StreamStarted(1) << OpenSession
    assert book.call.phase == "talking"


def test_the_cap_ends_the_call_before_the_next_minute() -> None:
    book = talking(Policy(max_cost_micro_usd=40_000))
    person(book, 1, "u1", "Hello?")
    says(book, 1, "r1", "Hello, I call about order 4711.", 1.0)
    ends(book, 1, "r1")
    for _ in range(600):
        book.hear(0.2, **SPEECH)
        if any(isinstance(c, HangUp) for c in book._pending):
            break
        book.ignore()
    assert book.notes(notes.Phase)[-1].why == "budget"
    assert book.notes(notes.Spent)[-1].total_micro_usd <= 40_000


def test_a_hold_has_a_limit() -> None:
    book = on_hold(Policy(max_hold_seconds=60.0))
    book.hear(62.0, **MUSIC) << HangUp("CA1", cancel=False)
    assert book.notes(notes.Phase)[-1].why == "hold_limit"


def test_restart_in_a_hold_dials_nothing_and_waits_for_the_leg() -> None:
    book = on_hold()
    book.hear(30.0, **MUSIC)
    book >> Restarted() << FetchLeg("CA1")
    assert book.call.phase == "detached"
    book >> LegReported("in-progress")
    book.new_stream()
    book >> StreamStarted(1)
    assert book.call.phase == "holding"


def test_news_of_an_old_session_changes_nothing_but_the_bill() -> None:
    book = on_hold()
    book >> AgentSpoke(1, "r2", "i", SECOND) >> PersonStarted(1) >> SessionClosed(1, Trouble.LOST, 1006, "")
    spent = len(book.notes(notes.Spent))
    book >> ResponseEnded(1, "r9", "completed", Usage(text_in=100))
    assert len(book.notes(notes.Spent)) == spent + 1


def test_a_refused_engine_is_followed_by_the_next_one() -> None:
    reserves = (Means("azure", "gpt-realtime-2.1", PRICES),)
    book = Playbook(a_call(reserves=reserves))
    book >> Begun() << Dial >> Dialled("CA1") >> LegReported("in-progress", 1) >> StreamStarted(1) << OpenSession
    book >> SessionClosed(1, Trouble.REFUSED, 401, "invalid_api_key")
    opened = book._pending[0]
    assert isinstance(opened, OpenSession)
    assert (opened.session, opened.engine) == (2, "azure")
    book << OpenSession >> SessionOpened(2)
    assert [(n.engine, n.reason) for n in book.notes(notes.SessionNote) if n.state == "closed"] == [
        ("openai", "failover")
    ]
    book >> SessionClosed(2, Trouble.REFUSED, 401, "invalid_api_key") << HangUp("CA1", cancel=False)
    assert book.notes(notes.Phase)[-1].why == "model_refused"


def test_words_that_are_never_written_down_stall_nothing() -> None:
    book = talking()
    book >> PersonStarted(1)
    book.hear(1.0, **SPEECH)
    book >> PersonStopped(1) >> PersonCommitted(1, "u1")
    says(book, 1, "r1", "Hello, I call about order 4711.", 1.0)
    ends(book, 1, "r1")
    book.hear(12.0)
    book.done()


def test_a_click_is_not_taken_for_somebody_who_speaks_first() -> None:
    book = talking()
    book.hear(0.2, **SPEECH)
    book.hear(1.6)
    book.done()
    book.hear(1.0) << AskResponse


def test_a_bill_that_comes_after_its_response_counts_also_when_the_session_is_over() -> None:
    book = talking()
    says(book, 1, "r1", "Hello.")
    book >> ResponseEnded(1, "r1", "completed")
    usage = Usage(text_in=1000)
    book >> ResponseBilled(1, "r1", usage)
    book >> SessionClosed(1, Trouble.LOST, 1006, "gone") >> ResponseBilled(1, "r1", usage)
    spent = [note for note in book.told if isinstance(note, notes.Spent) and note.what == "response"]
    assert [note.quantity for note in spent] == [1000, 1000]


def test_what_an_engine_remembers_is_handed_to_its_next_session() -> None:
    book = talking()
    assert book.call.setup.engine == "openai"
    book >> PersonCommitted(1, "i1") >> PersonSaid(1, "i1", "Hello?")
    book >> MemoryKept(1, "h1")
    book >> SessionClosed(1, Trouble.LOST, 1006, "gone")
    book.wait(0.5)
    opened = book._pending[0]
    book << OpenSession
    assert isinstance(opened, OpenSession)
    assert ("memory", "h1") in [(item.kind, item.text) for item in opened.seed]
