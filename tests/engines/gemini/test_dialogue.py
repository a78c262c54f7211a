"""What goes on in a Gemini Live session, without a socket: turns, barge-in, tools, bills, memory and going away."""

from __future__ import annotations

from base64 import b64decode

import numpy as np
import pytest

from outwait.audio import g711
from outwait.call.cost import Usage
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    AnyEvent,
    MemoryKept,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    PhraseFailed,
    ResponseBilled,
    ResponseEnded,
    ResponseStarted,
    SessionComplained,
    ToolCalled,
    Trouble,
)
from outwait.engines.gemini.dialogue import BILL_SECONDS
from outwait.engines.gemini.messages import FunctionCall, Handle, Message
from tests.engines.gemini.stage import BILL, Stage, hum, pcm

SOUND = Message(sound=pcm(hum()))
CALL = FunctionCall("c1", "wait_on_hold", '{"reason":"asked"}')


def kinds(events: list[AnyEvent]) -> list[type]:
    found = [type(event) for event in events]
    return [kind for at, kind in enumerate(found) if at == 0 or kind is not found[at - 1]]


def of(events: list[AnyEvent], kind: type) -> list[AnyEvent]:
    return [event for event in events if isinstance(event, kind)]


def test_a_turn_and_its_answer() -> None:
    stage = Stage()
    events = stage.hear(
        Message(heard="Please "),
        Message(heard="hold."),
        SOUND,
        Message(words="Of course."),
        Message(generated=True),
        Message(complete=True, usage=BILL),
    )
    assert kinds(events) == [
        PersonStarted,
        PersonCommitted,
        PersonStopped,
        ResponseStarted,
        AgentSpoke,
        AgentWrote,
        AgentSpoke,
        PersonSaid,
        ResponseEnded,
    ]
    assert of(events, PersonSaid) == [PersonSaid(3, "turn_1", "Please hold.")]
    assert of(events, ResponseEnded) == [ResponseEnded(3, "response_2", "completed", BILL)]
    assert stage.timers[0].seconds == BILL_SECONDS
    assert not stage.timers[0].on
    assert not stage.dialogue.owes


def test_the_sound_comes_out_as_long_as_it_was_and_as_it_was() -> None:
    stage = Stage()
    sound = pcm(hum(1.0))
    pieces = [sound[at : at + 1001] for at in range(0, len(sound), 1001)]  # not even whole samples
    events = stage.hear(*(Message(sound=piece) for piece in pieces), Message(generated=True))
    heard = g711.decode(b"".join(event.ulaw for event in events if isinstance(event, AgentSpoke))).astype(int)
    meant = g711.decode(hum(1.0))
    assert len(heard) == len(meant)
    assert np.abs(heard - meant)[100:-100].max() < 800  # the steps of mu-law up there are 500


def test_the_person_is_heard_at_twice_the_rate_in_pieces() -> None:
    stage = Stage()
    stage.dialogue.send_audio(hum(2.5))
    sent = [frame["realtimeInput"]["audio"] for frame in stage.take()]
    assert {audio["mimeType"] for audio in sent} == {"audio/pcm;rate=16000"}
    samples = np.frombuffer(b"".join(b64decode(audio["data"]) for audio in sent), "<i2")
    assert len(sent) == 3
    assert len(samples) == pytest.approx(40_000, abs=50)
    assert (samples[::2] == g711.decode(hum(2.5))[: len(samples[::2])]).all()


def test_words_that_come_late_are_no_new_turn() -> None:
    stage = Stage()
    events = stage.hear(SOUND, Message(heard="Hello?"), Message(generated=True), Message(complete=True))
    assert not of(events, PersonStarted)
    assert of(events, PersonSaid) == [PersonSaid(3, "turn_2", "Hello?")]


def test_the_person_cuts_in() -> None:
    stage = Stage()
    stage.hear(Message(heard="Yes?"), SOUND)
    events = stage.hear(
        Message(interrupted=True),
        SOUND,  # late
        Message(complete=True, usage=BILL),
        Message(heard="No, wait."),
        Message(sound=pcm(hum()), words="Yes?"),
        Message(complete=True, usage=BILL),
    )
    assert kinds(events)[:4] == [AgentSpoke, ResponseEnded, PersonSaid, PersonStarted]
    first, second = of(events, ResponseEnded)
    assert isinstance(first, ResponseEnded)
    assert isinstance(second, ResponseEnded)
    assert (first.status, first.usage) == ("cancelled", None)
    assert of(events, ResponseBilled) == [ResponseBilled(3, first.response, BILL)]
    assert (second.status, second.usage) == ("completed", BILL)
    assert [event.text for event in events if isinstance(event, PersonSaid)] == ["Yes?", "No, wait."]
    assert len(of(events, PersonStarted)) == len(of(events, PersonStopped)) == 1


def test_who_cuts_in_after_the_answer_was_made_stops_its_playback() -> None:
    stage = Stage()
    stage.hear(SOUND, Message(generated=True), Message(complete=True, usage=BILL))
    assert stage.hear(Message(interrupted=True)) == [PersonStarted(3)]


def test_a_bill_that_takes_its_time_comes_by_itself() -> None:
    stage = Stage()
    stage.hear(SOUND, Message(generated=True))
    stage.timers[0].ring()
    (ended,) = of(stage.events, ResponseEnded)
    assert isinstance(ended, ResponseEnded)
    assert (ended.status, ended.usage) == ("completed", None)
    assert stage.dialogue.owes
    assert stage.hear(Message(complete=True, usage=BILL)) == [ResponseBilled(3, ended.response, BILL)]
    assert not stage.dialogue.owes


def test_tools() -> None:
    stage = Stage()
    events = stage.hear(Message(words="I'll hold."), Message(calls=(CALL, CALL)))
    called = of(events, ToolCalled)
    assert called == [ToolCalled(3, "response_1", "c1", "wait_on_hold", '{"reason":"asked"}')]
    stage.dialogue.answer_tool("c1", '{"ok":true}')
    stage.dialogue.answer_tool("c1", '{"ok":true}')
    (sent,) = stage.take()
    (answer,) = sent["toolResponse"]["functionResponses"]
    assert answer == {"id": "c1", "name": "wait_on_hold", "response": {"ok": True}, "scheduling": "SILENT"}


def test_a_call_that_is_taken_back_has_no_answer() -> None:
    stage = Stage()
    stage.hear(Message(calls=(CALL,)), Message(revoked=("c1",)))
    stage.dialogue.answer_tool("c1", '{"ok":true}')
    assert stage.take() == []


def test_an_output_that_is_no_object_is_put_into_one() -> None:
    stage = Stage()
    stage.hear(Message(calls=(CALL,)))
    stage.dialogue.answer_tool("c1", "all right")
    (sent,) = stage.take()
    assert sent["toolResponse"]["functionResponses"][0]["response"] == {"output": "all right"}


def test_what_is_asked_for_is_a_note_and_waits_for_the_present_answer() -> None:
    stage = Stage()
    stage.hear(SOUND)
    stage.dialogue.ask_response("Be brief.\n\nSay goodbye.")
    assert stage.take() == []
    stage.hear(Message(complete=True, usage=BILL))
    (sent,) = stage.take()
    (turn,) = sent["clientContent"]["turns"]
    assert sent["clientContent"]["turnComplete"] is True
    assert turn == {"role": "user", "parts": [{"text": "(Note, not said by the person: Say goodbye.)"}]}
    stage.hear(Message(words="Bye."), Message(complete=True, usage=BILL))
    stage.dialogue.ask_response("")
    assert "Go on." in stage.take()[0]["clientContent"]["turns"][0]["parts"][0]["text"]


def test_an_answer_that_is_not_wanted_is_not_passed_on_but_paid() -> None:
    stage = Stage()
    stage.dialogue.ask_response("Say hello.")
    stage.dialogue.cancel_response()
    assert stage.hear(SOUND, Message(words="Hello"), Message(calls=(CALL,))) == []
    (billed,) = stage.hear(Message(complete=True, usage=BILL))
    assert isinstance(billed, ResponseBilled)
    assert billed.usage == BILL
    assert kinds(stage.hear(SOUND))[0] is ResponseStarted, "the next one is wanted"


def test_an_answer_that_is_stopped() -> None:
    stage = Stage()
    stage.hear(SOUND)
    stage.dialogue.cancel_response()
    assert isinstance(stage.events[-1], ResponseEnded)
    assert stage.events[-1].status == "cancelled"
    assert of(stage.hear(SOUND, Message(complete=True, usage=BILL)), AgentSpoke) == []


def test_a_response_lost_with_its_socket_is_estimated() -> None:
    stage = Stage()
    stage.hear(Message(words="Hi."), SOUND, Message(complete=True, usage=BILL))
    stage.dialogue.send_audio(hum(2.0))
    stage.hear(Message(words="Well, well"), Message(sound=pcm(hum(1.0))))
    stage.dialogue.end(asked=False)
    ended = stage.events[-1]
    assert isinstance(ended, ResponseEnded)
    assert ended.status == "failed"
    assert ended.usage == Usage(text_in=104, audio_in=125, text_out=2, audio_out=25, estimated=True)


def test_a_bill_that_never_came_is_estimated() -> None:
    stage = Stage()
    stage.hear(Message(sound=pcm(hum(1.0))), Message(generated=True))
    stage.timers[0].ring()
    stage.dialogue.end(asked=True)
    billed = stage.events[-1]
    assert isinstance(billed, ResponseBilled)
    assert billed.usage == Usage(text_in=1000, audio_out=25, estimated=True)


def test_what_the_server_remembers() -> None:
    stage = Stage()
    told = stage.hear(*(Message(handle=Handle(text)) for text in ("h1", "", "h1", "h2")))
    assert told == [MemoryKept(3, "h1"), MemoryKept(3, "h2")]
    assert not stage.dialogue.owes
    stage.hear(Message(handle=Handle("")))
    assert stage.dialogue.owes, "a new one will come"


def test_a_server_that_goes_away_is_left_in_the_next_pause() -> None:
    stage = Stage()
    stage.hear(SOUND, Message(leaves_in=50.0))
    assert stage.dialogue.leaving
    assert stage.ends == []
    stage.hear(Message(complete=True, usage=BILL))
    assert [end.trouble for end in stage.ends] == [Trouble.EXPIRED]


def test_without_a_pause_it_is_left_before_it_goes() -> None:
    stage = Stage()
    stage.hear(Message(heard="And another thing"), Message(leaves_in=50.0))
    assert stage.ends == []
    assert stage.timers[-1].seconds == 45.0
    stage.timers[-1].ring()
    assert [end.trouble for end in stage.ends] == [Trouble.EXPIRED]


def test_small_things() -> None:
    stage = Stage()
    stage.dialogue.make_phrase("here")
    assert stage.events == [PhraseFailed(3, "here", "this engine makes no phrases")]
    stage.dialogue.commit_turn()
    assert stage.take() == [{"realtimeInput": {"audioStreamEnd": True}}]
    assert stage.hear(Message(error="careful")) == [SessionComplained(3, "error", "careful")]
    assert stage.hear(Message(speaking=True), Message(speaking=True), Message(speaking=False)) == [
        PersonStarted(3),
        PersonStopped(3, due=False),
    ]
