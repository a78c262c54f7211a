"""A session without turns and responses becomes one with them."""

from __future__ import annotations

from outwait.call.cost import Usage
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    ResponseEnded,
    ResponseStarted,
    SessionComplained,
    SessionUsed,
    ToolCalled,
    Trouble,
)
from outwait.engines.live.duplex import STALL_SECONDS
from outwait.engines.live.messages import parse
from tests.engines.live.server import called, nested, resource
from tests.engines.live.stage import INSTRUCTIONS, QUIET, VOICE, Stage

TURN = ["PersonStarted", "PersonStopped", "PersonCommitted", "PersonSaid"]


def speaks(stage: Stage, text: str = "Hello.", at: int = 1000, tenths: int = 5) -> str:
    """The model begins to speak; the name of its response."""
    stage.agent(text, at)
    stage.sound(VOICE, tenths)
    (began,) = [event for event in stage.events if isinstance(event, ResponseStarted)]
    return began.response


# --- the voice


def test_a_stretch_of_its_voice_is_a_response() -> None:
    stage = Stage()
    name = speaks(stage, "Hello,", tenths=3)
    stage.agent(" I call about a pizza.", 1200)
    stage.sound(QUIET, 8)
    assert stage.take() == [
        ResponseStarted(3, name),
        AgentWrote(3, name, name, "Hello,"),
        AgentSpoke(3, name, name, VOICE * 2),
        AgentSpoke(3, name, name, VOICE),
        AgentWrote(3, name, name, " I call about a pizza."),
        ResponseEnded(3, name, "completed"),
    ]


def test_a_server_that_sends_no_silence_ends_a_stretch_by_sending_nothing() -> None:
    stage = Stage()
    speaks(stage)
    stage.take()
    stage.wait(1.4)
    assert stage.kinds() == []
    stage.wait(0.2)
    assert stage.kinds() == ["ResponseEnded"]
    stage.wait(60.0)
    assert not stage.failed, "it may be silent for as long as it likes"


def test_one_that_sends_all_the_time_has_stalled_when_it_stops() -> None:
    stage = Stage()
    stage.sound(QUIET, 10)
    speaks(stage)
    stage.take()
    stage.wait(2 * STALL_SECONDS)
    assert [end.trouble for end in stage.failed] == [Trouble.STALLED]
    assert stage.kinds() == [], "what it was saying is not complete"
    stage.duplex.end(asked=False, now=stage.now)
    ended = stage.take()[0]
    assert isinstance(ended, ResponseEnded)
    assert ended.status == "failed"


def test_any_message_shows_that_it_lives() -> None:
    stage = Stage()
    stage.sound(QUIET, 10)
    for _ in range(10):
        stage.wait(STALL_SECONDS * 0.6)
        stage.say("session.usage.updated", usage={"seconds": 1.0})
    assert not stage.failed


# --- the person


def test_words_that_follow_one_another_are_a_turn() -> None:
    stage = Stage()
    stage.person("Good", 100)
    assert stage.take() == [PersonStarted(3)]
    stage.feed(0.8)
    stage.person(" morning.", 900)
    stage.feed(0.8)
    assert stage.take() == []
    stage.feed(0.3)
    stopped, committed, said = stage.take()
    assert stopped == PersonStopped(3, due=False), "the model may find that there is nothing to say"
    assert isinstance(committed, PersonCommitted)
    assert said == PersonSaid(3, committed.item, "Good morning.")


def test_an_answer_ends_the_turn_and_its_last_words_may_still_come() -> None:
    stage = Stage()
    stage.person("When do", 100)
    speaks(stage, at=1000)
    stage.person(" you come?", 700)
    assert stage.kinds() == [*TURN[:3], "ResponseStarted", "AgentWrote", *["AgentSpoke"] * 4]
    stage.feed(1.1)
    (said,) = stage.take()
    assert isinstance(said, PersonSaid)
    assert said.text == "When do you come?"


def test_who_talks_over_it_cuts_in_when_it_stops() -> None:
    stage = Stage()
    name = speaks(stage, at=1000)
    stage.take()
    stage.person("No, wait", 1500)
    assert stage.kinds() == [], "it speaks on: perhaps that was only a sound of assent"
    stage.sound(QUIET, 3)
    assert stage.take() == [PersonStarted(3), ResponseEnded(3, name, "cancelled")]
    stage.sound(VOICE, 3)
    (began,) = [event for event in stage.take() if isinstance(event, ResponseStarted)]
    assert began.response != name, "what it says then is not what was cut"


def test_a_sound_of_assent_does_not_cut_it_off() -> None:
    stage = Stage()
    speaks(stage, at=1000)
    stage.take()
    stage.person("Mm-hm.", 1500)
    stage.sound(VOICE, 12)
    stage.feed(1.1)
    assert stage.kinds() == ["AgentSpoke"] * 12 + ["PersonCommitted", "PersonSaid"]


def test_words_from_before_it_spoke_do_not_cut_it_off_when_it_breathes() -> None:
    stage = Stage()
    speaks(stage, at=1000)
    stage.take()
    stage.person("and the price?", 600)  # they are written down late
    stage.sound(QUIET, 4)
    stage.sound(VOICE, 1)
    assert "PersonStarted" not in stage.kinds()


def test_it_is_told_how_much_of_it_was_not_heard() -> None:
    stage = Stage()
    name = speaks(stage, "One two three four five six seven eight nine ten", tenths=20)
    stage.duplex.truncate_item(name, 1500)
    assert stage.sent == [], "half a second more or less: it knows that it was cut off"
    stage.duplex.truncate_item(name, 600)
    stage.duplex.truncate_item("another", 0)
    (told,) = stage.sent
    assert told["type"] == "session.thinking.append", "it is not to talk about that"
    assert told["delegation_id"] is None
    assert told["content"] == 'Of your last words the person heard only this: "One two three".'
    stage.duplex.truncate_item(name, 0)
    assert stage.sent[-1]["content"] == "Of your last words the person heard nothing."


# --- what it is asked for


def test_it_is_given_something_to_speak_of() -> None:
    stage = Stage()
    stage.duplex.ask_response(f"{INSTRUCTIONS}\n\nAnswer the person now.")
    (asked,) = stage.sent
    assert asked["type"] == "session.commentary.append"
    assert asked["content"] == "Answer the person now."
    stage.duplex.ask_response("")
    assert len(stage.sent) == 1, "it answers the results of its backend by itself"


def test_what_is_not_wanted_any_more_is_not_passed_on() -> None:
    stage = Stage()
    name = speaks(stage)
    stage.take()
    stage.duplex.cancel_response()
    stage.agent(" and more")
    stage.sound(VOICE, 5)
    assert stage.take() == [ResponseEnded(3, name, "cancelled")]
    stage.sound(QUIET, 3)
    stage.sound(VOICE, 3)
    assert stage.kinds()[0] == "ResponseStarted", "that is something else"


def test_what_was_asked_for_and_has_not_begun_is_not_wanted_either() -> None:
    stage = Stage()
    stage.duplex.ask_response("Say hello.")
    stage.duplex.cancel_response()
    stage.agent("Hello")
    stage.sound(VOICE, 5)
    assert stage.take() == []
    stage.duplex.ask_response("Say goodbye.")
    stage.sound(QUIET, 3)
    stage.sound(VOICE, 3)
    assert stage.kinds()[0] == "ResponseStarted"


# --- the backend


def begin(stage: Stage) -> None:
    stage.hear(nested({"type": "response.created", "response": {"id": "r1"}}))


def complete(stage: Stage, **usage: object) -> None:
    response = {"id": "r1", "usage": usage or None}
    stage.hear(nested({"type": "response.completed", "response": response}))


def test_a_call_of_a_tool_is_told_once_and_whole() -> None:
    stage = Stage()
    begin(stage)
    stage.hear(called("c1", "wait_on_hold", '{"reason":"asked"}'))
    stage.hear(called("c1", "wait_on_hold", '{"reason":"asked"}'))
    complete(stage, input_tokens=100, input_tokens_details={"cached_tokens": 40}, output_tokens=9)
    began, call, ended = stage.take()
    assert isinstance(began, ResponseStarted)
    assert call == ToolCalled(3, began.response, "c1", "wait_on_hold", '{"reason":"asked"}')
    usage = Usage(text_in=100, text_cached=40, text_out=9)
    assert ended == ResponseEnded(3, began.response, "completed", usage)


def test_half_a_call_is_none() -> None:
    assert parse(called("c1", "hangup_call", '{"rea', status="incomplete")) is None


def test_a_goodbye_and_the_hang_up_are_one_answer() -> None:
    """The voice says it, the backend calls the tool, and by then the goodbye may have been said to its end."""
    stage = Stage()
    name = speaks(stage, "Thank you, goodbye.")
    stage.sound(QUIET, 9)
    begin(stage)
    stage.hear(called("c1", "hangup_call", "{}"))
    (call,) = [event for event in stage.take() if isinstance(event, ToolCalled)]
    assert call.response == name
    stage.person("Bye.", 9000)
    stage.hear(called("c2", "hangup_call", "{}"))
    (call,) = [event for event in stage.take() if isinstance(event, ToolCalled)]
    assert call.response != name, "since then nothing was said"


def test_the_backend_goes_on_when_the_session_is_used_further() -> None:
    stage = Stage()
    begin(stage)
    stage.hear(called("c1", "press_digits", "{}"))
    stage.feed(0.2)
    assert stage.sent == []
    complete(stage)
    stage.duplex.answer_tool("c1", '{"ok":true}')
    item = {"type": "function_call_output", "call_id": "c1", "output": '{"ok":true}'}
    assert stage.sent == [{"type": "response.item.create", "item": item}], "on hold nobody would hear of it"
    stage.feed(0.02)
    assert stage.sent[1:] == [{"type": "response.create"}]
    stage.feed(1.0)
    assert len(stage.sent) == 2


def test_a_mistake_is_answered_at_once() -> None:
    stage = Stage()
    begin(stage)
    stage.hear(called("c1", "press_digits", "{}"))
    complete(stage)
    stage.duplex.answer_tool("c1", '{"error":"no digits"}')
    stage.duplex.ask_response("")
    assert stage.sent[-1] == {"type": "response.create"}
    stage.take()
    begin(stage)
    assert stage.kinds() == ["ResponseStarted"], "it is another response"


def test_a_backend_that_fails_says_why() -> None:
    stage = Stage()
    begin(stage)
    error = {"code": "rate_limit_exceeded", "message": "Slow down."}
    stage.hear(nested({"type": "response.failed", "response": {"id": "r1", "error": error}}))
    ended = stage.take()[-1]
    assert isinstance(ended, ResponseEnded)
    assert (ended.status, ended.detail) == ("failed", "rate_limit_exceeded Slow down.")
    stage.feed(1.0)
    assert stage.sent == []


# --- time and ends


def test_totals_of_time_are_passed_on_as_they_come() -> None:
    stage = Stage()
    for seconds in (15.0, 30.0, 30.0):
        stage.say("session.usage.updated", usage={"seconds": seconds}, context_window={"usage_ratio": 0.1})
    assert stage.take() == [SessionUsed(3, 15.0), SessionUsed(3, 30.0), SessionUsed(3, 30.0)]


def test_the_last_word_about_its_time_is_the_servers() -> None:
    stage = Stage()
    end = stage.say("session.closed", reason="close_requested", session=resource(), usage={"seconds": 13.0})
    assert end is not None
    stage.duplex.end(asked=True, now=stage.now + 99)
    assert stage.take() == [SessionUsed(3, 13.0)]


def test_without_it_our_clock_counts() -> None:
    stage = Stage()
    stage.feed(2.0)
    stage.duplex.end(asked=False, now=stage.now + 12.0)
    assert stage.take()[-1] == SessionUsed(3, 12.0, estimated=True)


def test_why_the_server_ended_it() -> None:
    for reason, trouble in {
        "expired": Trouble.EXPIRED,
        "content": Trouble.REFUSED,
        "connection_lost": Trouble.LOST,
        "remote_hangup": Trouble.LOST,
    }.items():
        end = Stage().say("session.closed", reason=reason, session=resource(), usage={"seconds": 1.0})
        assert end is not None
        assert (end.trouble, reason in end.detail) == (trouble, True)


def test_an_end_in_the_middle_of_everything() -> None:
    stage = Stage()
    stage.person("Hello?")
    begin(stage)
    stage.take()
    stage.sound(VOICE, 3)
    stage.take()
    stage.duplex.end(asked=True, now=stage.now)
    ended = stage.take()
    assert [e.status for e in ended if isinstance(e, ResponseEnded)] == ["cancelled", "cancelled"]
    assert [e.text for e in ended if isinstance(e, PersonSaid)] == ["Hello?"]
    assert isinstance(ended[-1], SessionUsed)


def test_a_complaint_is_told_and_the_session_goes_on() -> None:
    stage = Stage()
    error = {"code": "invalid_value", "type": "invalid_request_error", "message": "no"}
    assert stage.say("error", error=error) is None
    assert stage.take() == [SessionComplained(3, "invalid_value", "no")]
    broke = {"code": "credit_balance_exhausted", "type": "insufficient_quota", "message": "empty"}
    end = stage.say("error", error=broke)
    assert end is not None
    assert end.trouble is Trouble.REFUSED
