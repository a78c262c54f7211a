"""TwiML as far as a streamed call meets it."""

import pytest

from outwait.sim import twiml

STREAM = """<?xml version="1.0" encoding="UTF-8"?>
<Response><Connect><Stream url="wss://x.example/media" statusCallback="https://x.example/s">
<Parameter name="token" value="t&amp;1"/></Stream></Connect>
<Redirect method="GET">https://x.example/again?a=1</Redirect></Response>"""


def test_a_stream_that_can_be_attached_again():
    stream, redirect = twiml.parse(STREAM)
    assert stream == twiml.Stream("wss://x.example/media", {"token": "t&1"}, "https://x.example/s")
    assert redirect == twiml.Redirect("https://x.example/again?a=1", "GET")


def test_the_other_verbs():
    text = '<Response><Play digits="1w2"/><Pause length="2"/><Dial><Number>+1202</Number></Dial><Hangup/></Response>'
    assert twiml.parse(text) == [twiml.PlayDigits("1w2"), twiml.Pause(2), twiml.Dial("+1202"), twiml.Hangup()]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no xml", 12100),
        ("<Other/>", 12200),
        ("<Response><Sing/></Response>", 12200),
        ("<Response><Connect/></Response>", 12200),
        ('<Response><Connect><Stream url="ws://x.example/"/></Connect></Response>', 31922),
        ('<Response><Connect><Stream url="wss://x.example/?a=1"/></Connect></Response>', 31920),
        (
            '<Response><Connect><Stream url="wss://x/">'
            f'<Parameter name="a" value="{"x" * 500}"/></Stream></Connect></Response>',
            12200,
        ),
    ],
)
def test_wrong_documents(text, code):
    with pytest.raises(twiml.TwimlError) as error:
        twiml.parse(text)
    assert error.value.code == code
