"""The instructions that Twilio gets: connect the leg to our media socket, or hang up."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from outwait.carriers.twilio.urls import Urls

DIAL_SECONDS = 30  # s that it rings at somebody to whom a call is transferred
PAUSE_SECONDS = 5  # s of silence in which the next process starts
CONTENT_TYPE = "text/xml; charset=utf-8"


def connect(urls: Urls, call_id: str, token: str) -> bytes:
    """Stream both ways, and ask us again when the socket is gone: only so can a lost one be re-attached.

    The URL of a stream can't carry a query, so the call and its token travel as parameters.
    """
    response = ET.Element("Response")
    stream = ET.SubElement(
        ET.SubElement(response, "Connect"),
        "Stream",
        {
            "url": urls.media,
            "statusCallback": urls.stream_status(call_id),
            "statusCallbackMethod": "POST",
        },
    )
    ET.SubElement(stream, "Parameter", {"name": "call_id", "value": call_id})
    ET.SubElement(stream, "Parameter", {"name": "token", "value": token})
    ET.SubElement(response, "Redirect", {"method": "POST"}).text = urls.after_stream(call_id)
    return _document(response)


def press(urls: Urls, call_id: str, keys: str) -> bytes:
    """Press keys, then ask us what to do next: the stream that this ends is attached again."""
    response = ET.Element("Response")
    ET.SubElement(response, "Play", {"digits": keys})
    ET.SubElement(response, "Redirect", {"method": "POST"}).text = urls.after_stream(call_id)
    return _document(response)


def ask_again(urls: Urls, call_id: str) -> bytes:
    """Wait a moment and ask again: this process is going, and the next one is not there yet."""
    response = ET.Element("Response")
    ET.SubElement(response, "Pause", {"length": str(PAUSE_SECONDS)})
    ET.SubElement(response, "Redirect", {"method": "POST"}).text = urls.after_stream(call_id)
    return _document(response)


def dial(to: str, from_: str, time_limit: int) -> bytes:
    """Connect the leg with another number; what we had with it is over. It ends with that conversation."""
    response = ET.Element("Response")
    options = {"callerId": from_, "timeLimit": str(time_limit), "timeout": str(DIAL_SECONDS)}
    ET.SubElement(ET.SubElement(response, "Dial", options), "Number").text = to
    return _document(response)


def reject() -> bytes:
    """Do not take an incoming call; it costs nothing."""
    response = ET.Element("Response")
    ET.SubElement(response, "Reject")
    return _document(response)


def hang_up() -> bytes:
    """End the leg."""
    response = ET.Element("Response")
    ET.SubElement(response, "Hangup")
    return _document(response)


def _document(response: ET.Element) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(response)
