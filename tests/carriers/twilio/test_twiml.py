"""TwiML: the same as twilio's own library would write."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from twilio.twiml.voice_response import Connect, VoiceResponse

from outwait.carriers.twilio import Urls, twiml

ODD = "c<&\"'1"


def test_connects_as_twilio_would_write_it() -> None:
    urls = Urls.of("https://voice.example.com/x/")
    oracle = VoiceResponse()
    connect = Connect()
    stream = connect.stream(
        url="wss://voice.example.com/x/twilio/media",
        status_callback=urls.stream_status(ODD),
        status_callback_method="POST",
    )
    stream.parameter(name="call_id", value=ODD)
    stream.parameter(name="token", value="t&")
    oracle.append(connect)
    oracle.redirect(urls.after_stream(ODD), method="POST")
    assert ET.canonicalize(twiml.connect(urls, ODD, "t&")) == ET.canonicalize(str(oracle))


def test_presses_keys_as_twilio_would_write_it() -> None:
    urls = Urls.of("https://voice.example.com")
    oracle = VoiceResponse()
    oracle.play(digits="1ww2#")
    oracle.redirect(urls.after_stream("c1"), method="POST")
    # Its library writes <Play digits="..."></Play>; both are the same document.
    assert ET.canonicalize(twiml.press(urls, "c1", "1ww2#")) == ET.canonicalize(str(oracle))


def test_hangs_up_as_twilio_would_write_it() -> None:
    oracle = VoiceResponse()
    oracle.hangup()
    assert ET.canonicalize(twiml.hang_up()) == ET.canonicalize(str(oracle))


def test_addresses() -> None:
    urls = Urls.of("http://127.0.0.1:8080")
    assert urls.prefix == ""
    assert urls.media == "ws://127.0.0.1:8080/twilio/media"
    assert urls.voice("c1") == "http://127.0.0.1:8080/twilio/voice/c1"
    assert urls.status("a/b") == "http://127.0.0.1:8080/twilio/status/a%2Fb"
    assert Urls.of("https://a.example/x/y//").media == "wss://a.example/x/y/twilio/media"
    assert Urls.of("https://a.example/x/y").prefix == "/x/y"
