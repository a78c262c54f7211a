"""The simulated realtime session refuses what the real one refuses, and tells what the real one tells, in its order."""

import base64

import pytest

from outwait.sim import sound
from outwait.sim.realtime_bill import Usage

from .clients import CONFIGS, PCMU, TASK, Client, error_of

HELLO = "Good morning, Northwind Parcels, this is Sam speaking. How can I help you?"
HOLD = "Sure, let me look that up for you. Please hold."
NEWS = "It will be delivered tomorrow."
DIALECTS = pytest.mark.parametrize("dialect", ["ga", "beta"])


def deltas(client: Client) -> bytes:
    kind = "response.output_audio.delta" if client.dialect == "ga" else "response.audio.delta"
    return b"".join(base64.b64decode(event["delta"]) for event in client.of(kind))


@DIALECTS
def test_it_greets_first_and_tells_its_effective_session(dialect):
    client = Client(dialect)
    assert client.types() == ["session.created", "session.updated"]
    session = client.events[1]["session"]
    if dialect == "ga":
        assert session["audio"]["input"]["format"] == PCMU
        assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500
    else:
        assert session["input_audio_format"] == "g711_ulaw"
        assert session["modalities"] == ["audio", "text"]


def test_a_spoken_turn_is_answered_in_the_order_of_the_wire():
    client = Client()
    client.person(HELLO)
    client.wait(5)
    kinds = list(dict.fromkeys(client.types()[2:]))
    assert kinds == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    (done,) = client.of("response.done")
    said = client.of("response.output_audio_transcript.done")[0]["transcript"]
    assert "parcel four seven one two" in said
    assert "".join(event["delta"] for event in client.of("response.output_audio_transcript.delta")) == said
    assert deltas(client) == sound.speak(said, "agent")
    assert done["response"]["status"] == "completed"
    heard = client.of("conversation.item.input_audio_transcription.completed")[0]
    assert heard["transcript"] == HELLO
    started, stopped = (
        client.of("input_audio_buffer.speech_started")[0],
        client.of("input_audio_buffer.speech_stopped")[0],
    )
    seconds = (stopped["audio_end_ms"] - started["audio_start_ms"]) / 1000
    assert heard["usage"] == {"type": "duration", "seconds": seconds}


def test_the_beta_dialect_has_its_own_names():
    client = Client("beta")
    client.person(HOLD)
    client.wait(5)
    kinds = set(client.types())
    assert {"conversation.item.created", "response.audio.delta", "response.audio_transcript.done"} <= kinds
    assert not {kind for kind in kinds if "output_audio" in kind or kind.startswith("conversation.item.added")}
    message, call = client.of("response.done")[0]["response"]["output"]
    assert message["content"][0]["type"] == "audio"
    assert call["name"] == "wait_on_hold"


@pytest.mark.parametrize(
    ("session", "code"),
    [
        ({"instructions": "x"}, "missing_required_parameter"),
        ({"type": "other"}, "invalid_value"),
        ({"type": "realtime", "modalities": ["audio"]}, "unknown_parameter"),
        ({"type": "realtime", "voice": "marin"}, "unknown_parameter"),
        ({"type": "realtime", "temperature": 0.8}, "unknown_parameter"),
        ({"type": "realtime", "audio": {"input": {"rate": 8000}}}, "unknown_parameter"),
        ({"type": "realtime", "output_modalities": ["audio", "text"]}, "invalid_value"),
        ({"type": "realtime", "audio": {"input": {"format": {"type": "g711_ulaw"}}}}, "invalid_value"),
        ({"type": "realtime", "audio": {"output": {"voice": "nobody"}}}, "invalid_value"),
        ({"type": "realtime", "model": "gpt-realtime"}, "invalid_value"),
        ({"type": "realtime", "tools": [{"type": "function"}]}, "missing_required_parameter"),
        (
            {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 1}}}},
            "invalid_value",
        ),
    ],
)
def test_a_wrong_session_is_refused(session, code):
    client = Client(configure=False)
    events = client.send("session.update", session=session, event_id="mine")
    assert error_of(events) == code
    assert events[0]["error"]["event_id"] == "mine"


@pytest.mark.parametrize(
    ("session", "code"),
    [
        ({"type": "realtime"}, "unknown_parameter"),
        ({"modalities": ["audio"]}, "invalid_value"),
        ({"audio": {}}, "unknown_parameter"),
        ({"input_audio_format": "audio/pcmu"}, "invalid_value"),
        ({"temperature": 2}, "invalid_value"),
        ({"turn_detection": {"type": "server_vad", "idle_timeout_ms": 6000}}, "unknown_parameter"),
    ],
)
def test_a_wrong_beta_session_is_refused(session, code):
    assert error_of(Client("beta", configure=False).send("session.update", session=session)) == code


def test_what_is_no_event_is_refused():
    client = Client()
    assert error_of(client.raw("{")) == "invalid_json"
    assert error_of(client.raw(b"audio")) == "invalid_event"
    assert error_of(client.raw("[]")) == "missing_required_parameter"
    assert error_of(client.send("function_call")) == "invalid_value"
    assert error_of(client.send("input_audio_buffer.append", audio="%")) == "invalid_value"
    assert error_of(client.send("session.update")) == "missing_required_parameter"


@DIALECTS
def test_history_is_seeded_as_text_and_never_as_assistant_audio(dialect):
    client = Client(dialect)
    client.text("user", "Please hold.", id="h1")
    client.text("assistant", "Sure.", id="h2")
    client.text("system", "You were on hold.", id="h3")
    assert error_of(client.text("user", "again", id="h1")) == "item_create_duplicate_item_id"
    spoken = {"type": "output_audio" if dialect == "ga" else "audio", "transcript": "Sure."}
    assert error_of(client.item(type="message", role="assistant", content=[spoken])) == "invalid_value"
    other = {"type": "text" if dialect == "ga" else "output_text", "text": "Sure."}
    assert error_of(client.item(type="message", role="assistant", content=[other])) == "invalid_value"
    assert error_of(client.item(type="message", role="user", content=[])) == "missing_required_parameter"
    assert error_of(client.item(type="video")) == "invalid_value"
    assert [item.id for item in client.session.conversation.items] == ["h1", "h2", "h3"]


def test_items_have_places():
    client = Client()
    client.text("user", "one", id="a")
    client.send("conversation.item.create", previous_item_id="root", item=_user("b"))
    client.send("conversation.item.create", previous_item_id="b", item=_user("c"))
    assert [item.id for item in client.session.conversation.items] == ["b", "c", "a"]
    assert error_of(client.send("conversation.item.create", previous_item_id="?", item=_user("d"))) == "item_not_found"
    assert client.send("conversation.item.retrieve", item_id="c")[0]["type"] == "conversation.item.retrieved"
    assert client.send("conversation.item.delete", item_id="c")[0]["type"] == "conversation.item.deleted"
    assert error_of(client.send("conversation.item.delete", item_id="c")) == "item_not_found"


def test_a_tool_output_needs_its_call():
    client = Client()
    assert error_of(client.item(type="function_call_output", call_id="c9", output="{}")) == "invalid_tool_call_id"
    client.item(type="function_call", name="wait_on_hold", arguments="{}", call_id="c9")
    events = client.item(type="function_call_output", call_id="c9", output="{}")
    assert events[0]["type"] == "conversation.item.added"


def test_one_response_at_a_time_but_any_number_beside_it():
    client = Client()
    client.send("response.create")
    assert error_of(client.send("response.create")) == "conversation_already_has_active_response"
    aside = {"conversation": "none", "instructions": 'Say exactly: "Yes, hello, I\'m here."', "metadata": {"n": "1"}}
    client.send("response.create", response=aside)
    client.wait(5)
    spoken, phrase = sorted((event["response"] for event in client.of("response.done")), key=lambda r: r["id"])
    assert phrase["output"][0]["content"][0]["transcript"] == "Yes, hello, I'm here."
    assert phrase["metadata"] == {"n": "1"}
    assert spoken["conversation_id"]
    assert phrase["conversation_id"] is None
    assert [item.id for item in client.session.conversation.items] == [spoken["output"][0]["id"]]
    assert error_of(client.send("response.create", response={"voice": "marin"})) == "unknown_parameter"


def test_an_empty_buffer_cannot_be_committed():
    client = Client()
    off = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    client.send("session.update", session=off)
    assert error_of(client.send("input_audio_buffer.commit")) == "input_audio_buffer_commit_empty"
    client.append(b"\xff" * 400)
    assert error_of(client.send("input_audio_buffer.commit")) == "input_audio_buffer_commit_empty"
    client.append(b"\xff" * 800)
    kinds = [event["type"] for event in client.send("input_audio_buffer.commit")]
    assert kinds[0] == "input_audio_buffer.committed"
    assert "response.created" not in kinds
    client.append(b"\xff" * 8000)
    assert client.send("input_audio_buffer.clear")[0]["type"] == "input_audio_buffer.cleared"
    assert error_of(client.send("input_audio_buffer.commit")) == "input_audio_buffer_commit_empty"


def test_speech_cancels_the_answer_and_its_tool_call():
    client = Client()
    client.person(HOLD)
    client.wait(0.35)
    assert not client.of("response.done")
    client.append(sound.hold_piece("lounge")[:16000])
    (done,) = client.of("response.done")
    assert done["response"]["status"] == "cancelled"
    assert done["response"]["status_details"]["reason"] == "turn_detected"
    assert [item["type"] for item in done["response"]["output"]] == ["message"]
    assert done["response"]["output"][0]["status"] == "incomplete"
    assert client.wait(0) == []


def test_a_cancelled_tool_call_still_tells_its_arguments():
    client = Client()
    client.person(HOLD)
    while not client.of("response.function_call_arguments.delta"):
        client.wait(0.01)
    response = client.session.active
    if response is not None:
        client.send("response.cancel")
    assert len(client.of("response.function_call_arguments.done")) == 1


def test_cancelling_nothing_is_harmless():
    client = Client()
    (event,) = client.send("response.cancel")
    assert event["error"]["message"].startswith("Cancellation failed")
    client.send("response.create")
    client.wait(0.4)
    client.send("response.cancel")
    assert client.of("response.done")[0]["response"]["status_details"]["reason"] == "client_cancelled"


def test_without_interruption_the_answer_goes_on():
    client = Client()
    calm = {"type": "server_vad", "interrupt_response": False, "create_response": False}
    client.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": calm}}})
    client.send("response.create")
    client.wait(0.3)
    client.person(HELLO)
    client.wait(5)
    (done,) = client.of("response.done")
    assert done["response"]["status"] == "completed"


def test_truncation_stays_within_the_item():
    client = Client()
    client.send("response.create")
    client.wait(5)
    item = client.of("response.done")[0]["response"]["output"][0]
    length = len(deltas(client)) // 8
    cut = {"item_id": item["id"], "content_index": 0}
    assert error_of(client.send("conversation.item.truncate", **cut, audio_end_ms=length + 100)) == "invalid_value"
    (event,) = client.send("conversation.item.truncate", **cut, audio_end_ms=500)
    assert event["audio_end_ms"] == 500
    kept = client.session.conversation.find(item["id"])
    assert (kept.audio_ms, kept.heard) == (500.0, "")
    client.text("user", "x", id="u")
    user = {"item_id": "u", "content_index": 0, "audio_end_ms": 1}
    assert error_of(client.send("conversation.item.truncate", **user)) == "invalid_value"


def test_the_voice_is_fixed_once_it_was_heard():
    client = Client()
    voice = {"type": "realtime", "audio": {"output": {"voice": "cedar"}}}
    assert client.send("session.update", session=voice)[0]["type"] == "session.updated"
    client.send("response.create")
    client.wait(5)
    voice["audio"]["output"]["voice"] = "marin"
    assert error_of(client.send("session.update", session=voice)) == "cannot_update_voice"


def test_every_response_is_charged_the_whole_conversation_with_its_prefix_cached():
    client = Client()
    client.person(HELLO)
    client.wait(5)
    client.person(NEWS)
    client.wait(5)
    first, second = (event["response"]["usage"] for event in client.of("response.done"))
    assert first["input_token_details"]["cached_tokens"] == 0
    assert second["input_tokens"] > first["input_tokens"]
    assert second["input_token_details"]["cached_tokens"] == first["input_tokens"]
    seconds = len(sound.speak(client.session.counts.said[0], "agent")) / 8000
    assert first["output_token_details"]["audio_tokens"] == pytest.approx(seconds * 20, abs=1)
    responses = [line for line in client.bill.lines if line.what == "response"]
    assert [line.usage.event() for line in responses if isinstance(line.usage, Usage)] == [first, second]
    transcribed = [line for line in client.bill.lines if line.what == "transcription"]
    assert len(transcribed) == 2
    assert client.bill.usd == pytest.approx(sum(line.usd for line in client.bill.lines))


def test_an_early_change_breaks_the_cached_prefix():
    client = Client()
    client.text("user", "Hello", id="a")
    client.send("response.create")
    client.wait(5)
    client.send("session.update", session={"type": "realtime", "instructions": TASK + " Be brief."})
    client.send("response.create")
    client.wait(5)
    assert client.of("response.done")[1]["response"]["usage"]["input_token_details"]["cached_tokens"] == 0


def test_an_answer_under_way_is_charged_when_the_line_is_gone():
    client = Client()
    client.send("response.create")
    client.wait(0.5)
    client.session.lost()
    (line,) = client.bill.lines
    assert not line.delivered
    assert client.bill.lost_usd == line.usd > 0


def test_idle_time_is_a_paid_turn():
    client = Client()
    idle = {"type": "server_vad", "idle_timeout_ms": 5000}
    client.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": idle}}})
    client.append(b"\xff" * 8000 * 4)
    assert not client.of("input_audio_buffer.timeout_triggered")
    client.append(b"\xff" * 8000 * 2)
    client.wait(5)
    assert len(client.of("input_audio_buffer.timeout_triggered")) == len(client.of("response.done")) == 1


def test_the_session_ends_without_warning():
    client = Client()
    events = client.wait(601)
    assert error_of(events) == "session_expired"
    assert client.session.close_code == 1001


def test_a_rate_limit_is_a_failed_response():
    client = Client()
    client.session.rate_limited = True
    client.send("response.create")
    details = client.of("response.done")[0]["response"]["status_details"]
    assert details["error"]["code"] == "inference_rate_limit_exceeded"


def test_answers_in_text_and_in_24_khz():
    client = Client()
    client.send("response.create", response={"output_modalities": ["text"]})
    client.wait(3)
    (text,) = client.of("response.output_text.done")
    assert text["text"].startswith("Hello")
    pcm = Client(configure=False)
    session = {"type": "realtime", "instructions": TASK}
    pcm.send("session.update", session=session)
    pcm.append(b"\x00" * 4800)
    pcm.send("response.create")
    pcm.wait(5)
    said = pcm.of("response.output_audio_transcript.done")[0]["transcript"]
    assert len(deltas(pcm)) == pytest.approx(6 * len(sound.speak(said, "agent")), rel=0.02)
    assert pcm.session.counts.appended_ms == pytest.approx(100, rel=0.02)


def test_the_beta_session_shows_no_ga_fields():
    client = Client("beta")
    assert set(CONFIGS["beta"]) <= set(client.events[1]["session"])
    assert "audio" not in client.events[1]["session"]


def _user(name: str) -> dict[str, object]:
    return {"id": name, "type": "message", "role": "user", "content": [{"type": "input_text", "text": name}]}
