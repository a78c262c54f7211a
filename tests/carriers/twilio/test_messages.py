"""The media wire: what Twilio sends is understood, what it never sends is refused, what we send is right."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outwait.carriers.twilio import messages as m

START = """{"event":"start","sequenceNumber":"1","streamSid":"MZ1",
 "start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1","tracks":["inbound"],
 "mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},
 "customParameters":{"call_id":"c_01H","token":"t"}}}"""


def test_reads_what_twilio_sends() -> None:
    assert m.parse('{"event":"connected","protocol":"Call","version":"1.0.0"}') == m.Connected()
    start = m.parse(START)
    assert isinstance(start, m.Start)
    assert start.start.call_sid == "CA1"
    assert start.start.media_format.is_ulaw
    assert start.start.custom_parameters == {"call_id": "c_01H", "token": "t"}
    media = m.parse(
        '{"event":"media","sequenceNumber":"2","streamSid":"MZ1",'
        '"media":{"track":"inbound","chunk":"1","timestamp":"20","payload":"AAECAw=="}}'
    )
    assert media == m.Media("MZ1", m.MediaBody(b"\x00\x01\x02\x03", "20", "inbound"))
    assert m.seconds(media) == 0.02
    mark = m.parse('{"event":"mark","sequenceNumber":"9","streamSid":"MZ1","mark":{"name":"r12:end"}}')
    assert mark == m.Mark("MZ1", m.MarkBody("r12:end"))
    dtmf = m.parse('{"event":"dtmf","streamSid":"MZ1","dtmf":{"track":"inbound_track","digit":"5"}}')
    assert dtmf == m.Dtmf("MZ1", m.DtmfBody("5"))
    assert m.parse('{"event":"stop","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}') == m.Stop("MZ1")
    assert m.parse('{"event":"novelty","x":1}') == m.Unknown("novelty")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "null",
        "[]",
        "{}",
        '{"event":1}',
        '{"event":"media"}',
        '{"event":"media","streamSid":"MZ1","media":{"payload":"?","timestamp":"1"}}',
        '{"event":"start","streamSid":"MZ1","start":{}}',
        "[" * 100_000,
        b"\xff",
    ],
)
def test_refuses_what_is_no_message(text: str | bytes) -> None:
    with pytest.raises(m.BadMessage):
        m.parse(text)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_never_fails_otherwise(text: str | bytes) -> None:
    with pytest.raises(m.BadMessage):
        m.parse(text)


@pytest.mark.parametrize("timestamp", ["x", "", "-1", "1.5", str(m.MAX_TIMESTAMP + 1), "9" * 5000])
def test_refuses_odd_timestamps(timestamp: str) -> None:
    with pytest.raises(m.BadMessage):
        m.seconds(m.Media("MZ1", m.MediaBody(b"", timestamp)))


@given(ulaw=st.binary(min_size=1, max_size=2000), sid=st.text(max_size=40), name=st.text(max_size=40))
def test_writes_json(ulaw: bytes, sid: str, name: str) -> None:
    try:
        (sid + name).encode()
    except UnicodeEncodeError:
        return
    write = m.Writer(sid)
    # The last one is the key: a stream may have any name.
    before, _, sound = write.media(ulaw).rpartition('"payload"')
    back = m.parse(f'{before}"timestamp":"0","payload"{sound}')
    assert isinstance(back, m.Media) or '"payload"' in sid
    assert json.loads(write.media(ulaw))["streamSid"] == sid
    assert json.loads(write.mark(name)) == {"event": "mark", "streamSid": sid, "mark": {"name": name}}
    assert json.loads(write.clear()) == {"event": "clear", "streamSid": sid}
