"""Media streams behave as Twilio's: strings for numbers, playout in media time, marks, clear, warnings."""

import base64
import json

from outwait.sim.line import MAX_QUEUED_BYTES, SILENT_FRAME, Line

LOUD = b"\x20" * 160


def opened() -> Line:
    line = Line("AC1", "CA1", "MZ1")
    line.open({})
    return line


def say(line: Line, event: str, **body: object) -> None:
    line.receive(json.dumps({"event": event, "streamSid": "MZ1", **body}))


def media(line: Line, audio: bytes) -> None:
    say(line, "media", media={"payload": base64.b64encode(audio).decode()})


def mark(line: Line, name: str) -> None:
    say(line, "mark", mark={"name": name})


def run(line: Line, frames: int) -> tuple[list[dict[str, object]], bytes]:
    messages, heard = [], b""
    for _ in range(frames):
        sent, played = line.tick(SILENT_FRAME)
        messages += [json.loads(text) for text in sent]
        heard += played
    return messages, heard


def marks(messages: list[dict[str, object]]) -> list[str]:
    return [message["mark"]["name"] for message in messages if message["event"] == "mark"]  # type: ignore[index]


def test_it_opens_with_connected_and_start():
    connected, start = (json.loads(text) for text in Line("AC1", "CA1", "MZ1").open({"token": "t"}))
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start["sequenceNumber"] == "1"
    assert start["start"]["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    assert start["start"]["customParameters"] == {"token": "t"}
    assert (start["start"]["callSid"], start["start"]["accountSid"]) == ("CA1", "AC1")


def test_media_counts_in_strings():
    line = opened()
    messages, _ = run(line, 2)
    assert [message["sequenceNumber"] for message in messages] == ["2", "3"]
    assert [message["media"]["chunk"] for message in messages] == ["1", "2"]
    assert [message["media"]["timestamp"] for message in messages] == ["20", "40"]
    assert base64.b64decode(messages[0]["media"]["payload"]) == SILENT_FRAME


def test_what_is_sent_is_played_in_order_and_in_time():
    line = opened()
    media(line, LOUD * 2 + LOUD[:80])
    media(line, b"\x10" * 80)
    _, heard = run(line, 4)
    assert heard == LOUD * 2 + LOUD[:80] + b"\x10" * 80 + SILENT_FRAME
    assert line.queued_seconds == 0


def test_a_mark_comes_back_when_all_before_it_was_played():
    line = opened()
    media(line, LOUD * 3)
    mark(line, "end")
    media(line, LOUD)
    messages, _ = run(line, 2)
    assert marks(messages) == []
    messages, _ = run(line, 1)
    assert marks(messages) == ["end"]
    assert line.marks_returned == [("end", 60, False)]


def test_a_mark_with_nothing_queued_comes_back_at_once():
    line = opened()
    mark(line, "now")
    assert marks([json.loads(text) for text in line.flush()]) == ["now"]


def test_clear_drops_the_queue_and_returns_all_marks():
    line = opened()
    media(line, LOUD * 100)
    mark(line, "a")
    media(line, LOUD)
    mark(line, "b")
    run(line, 5)
    say(line, "clear")
    messages, heard = run(line, 1)
    assert marks(messages) == ["a", "b"]
    assert heard == SILENT_FRAME
    assert line.marks_returned == [("a", 100, True), ("b", 100, True)]
    assert line.clears == [100]


def test_more_than_ten_minutes_are_discarded():
    line = opened()
    for _ in range(10):
        media(line, b"\x20" * (MAX_QUEUED_BYTES // 10))
    media(line, LOUD)
    assert line.queued_seconds == 600
    assert [warning.code for warning in line.warnings] == [31931]


def test_bad_frames_are_ignored_with_a_warning():
    line = opened()
    line.receive(b"binary")
    line.receive("{")
    line.receive("[]")
    line.receive(json.dumps({"event": "media", "media": {"payload": "AAAA"}}))
    line.receive(json.dumps({"event": "clear", "streamSid": "MZ2"}))
    say(line, "dance")
    say(line, "media", media={"payload": "%"})
    say(line, "media")
    say(line, "mark", mark={})
    assert [warning.code for warning in line.warnings] == [31950] + [31951] * 8
    assert run(line, 1)[1] == SILENT_FRAME


def test_keys_and_the_end():
    line = opened()
    line.digit("5")
    dtmf, _media = (json.loads(text) for text in line.tick(SILENT_FRAME)[0])
    assert dtmf["dtmf"] == {"track": "inbound_track", "digit": "5"}
    stop = json.loads(line.stop()[-1])
    assert stop["stop"] == {"accountSid": "AC1", "callSid": "CA1"}
