"""TwiML, as far as a call with a media stream meets it: a document parsed into verbs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias
from xml.etree import ElementTree

MAX_PARAMETER = 500  # characters of name and value together


class TwimlError(Exception):
    """The document cannot be run; `code` is Twilio's error number (12100 not XML, 12200 not TwiML)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Stream:
    """`<Connect><Stream>`: a two-way media socket; blocks until our side closes it."""

    url: str
    parameters: dict[str, str] = field(default_factory=dict)
    status_callback: str | None = None


@dataclass(frozen=True)
class Redirect:
    """Go on with the document at `url`."""

    url: str
    method: str = "POST"


@dataclass(frozen=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True)
class Reject:
    """Do not take an incoming call."""


@dataclass(frozen=True)
class PlayDigits:
    """Send DTMF to the far end; `w` is half a second of nothing."""

    digits: str


@dataclass(frozen=True)
class Pause:
    """Say nothing for `length` seconds."""

    length: float


@dataclass(frozen=True)
class Dial:
    """Connect the far end to another number: our part is over.

    caller_id
        what the other number sees
    time_limit
        seconds after which the carrier ends it; 0 = its own
    """

    to: str
    caller_id: str = ""
    time_limit: int = 0


Verb: TypeAlias = Stream | Redirect | Hangup | Reject | PlayDigits | Pause | Dial


def parse(document: str) -> list[Verb]:
    """The verbs in order. Raises TwimlError."""
    try:
        root = ElementTree.fromstring(document.strip())
    except ElementTree.ParseError as error:
        raise TwimlError(12100, f"Document parse failure: {error}") from None
    if root.tag != "Response":
        raise TwimlError(12200, f"Schema validation warning: root element is {root.tag}")
    return [_verb(node) for node in root]


def _verb(node: ElementTree.Element) -> Verb:
    match node.tag:
        case "Connect":
            return _stream(node)
        case "Redirect":
            return Redirect((node.text or "").strip(), node.get("method", "POST").upper())
        case "Hangup":
            return Hangup()
        case "Reject":
            return Reject()
        case "Play" if node.get("digits"):
            return PlayDigits(node.get("digits", ""))
        case "Pause":
            return Pause(float(node.get("length", "1")))
        case "Dial":
            number = node.find("Number")
            to = ((number.text if number is not None else node.text) or "").strip()
            return Dial(to, node.get("callerId", ""), int(node.get("timeLimit", "0")))
    raise TwimlError(12200, f"Schema validation warning: element {node.tag}")


def _stream(connect: ElementTree.Element) -> Stream:
    stream = connect.find("Stream")
    if stream is None:
        raise TwimlError(12200, "Schema validation warning: Connect without Stream")
    parameters: dict[str, str] = {}
    for node in stream.findall("Parameter"):
        name, value = node.get("name", ""), node.get("value", "")
        if len(name) + len(value) >= MAX_PARAMETER:
            raise TwimlError(12200, f"Parameter {name} is too long")
        parameters[name] = value
    url = stream.get("url", "")
    if "?" in url:
        raise TwimlError(31920, "Stream url cannot carry query parameters")
    if not url.startswith(("wss://", "ws://127.0.0.1", "ws://localhost", "ws://[::1]")):
        raise TwimlError(31922, "Stream url must be wss (ws only on loopback)")
    return Stream(url, parameters, stream.get("statusCallback"))
