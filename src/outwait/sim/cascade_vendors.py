"""What vendors with a wire of their own take and say: Deepgram's socket and voices, ElevenLabs' voices.

Strict: what their documents do not have is refused.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from outwait.sim.cascade_wire import Json, Refused
from outwait.sim.hearing import Hearing

PIECE = 800  # bytes of speech in one piece: 100 ms
MAX_SPEAK = 2000  # characters of one request to /speak
_LISTEN = {
    "encoding": {"mulaw"},
    "sample_rate": {"8000"},
    "channels": {"1"},
    "punctuate": {"true", "false"},
    "smart_format": {"true", "false"},
}


def key_of(path: str, headers: dict[str, str]) -> str:
    """The key, in the header of whose path it is."""
    if path.startswith("/v1/text-to-speech/"):
        return headers.get("xi-api-key", "")
    before = "Token " if path in ("/v1/speak", "/v1/listen") else "Bearer "
    given = headers.get("authorization", headers.get("xi-api-key", ""))
    if path == "/v1/models":  # each of them has one
        return given.removeprefix("Token ").removeprefix("Bearer ")
    return given.removeprefix(before) if given.startswith(before) else ""


def check_listen(query: bytes) -> str:
    """The model of a socket. Raises Refused."""
    given = _query(query)
    model = given.pop("model", "")
    for name, value in given.items():
        if value not in _LISTEN.get(name, ()):
            raise Refused(f"Bad query parameter {name}={value}")
    if not model or "encoding" not in given or "sample_rate" not in given:
        raise Refused("model, encoding and sample_rate are needed for bare sound")
    return model


def check_speak(query: bytes, body: Json) -> Json:
    """A request for /speak. Raises Refused."""
    given = _query(query)
    if given != {"model": given.get("model"), "encoding": "mulaw", "sample_rate": "8000", "container": "none"}:
        raise Refused(f"Bad query parameters {given}")
    if set(body) != {"text"} or not isinstance(body["text"], str) or not 0 < len(body["text"]) <= MAX_SPEAK:
        raise Refused("Expected a text of 1 to 2000 characters and nothing else.")
    return {"model": given["model"], "text": body["text"]}


def check_text_to_speech(path: str, query: bytes, body: Json) -> Json:
    """A request for /text-to-speech/VOICE/stream. Raises Refused."""
    parts = path.split("/")
    if len(parts) != 5 or not parts[3] or parts[4] != "stream":
        raise Refused(f"Invalid URL {path}", status=404, code="not_found")
    if _query(query) != {"output_format": "ulaw_8000"}:
        raise Refused("This simulator only speaks ulaw_8000.")
    if set(body) != {"text", "model_id"} or not body["text"]:
        raise Refused("Expected text and model_id.")
    return {"model": body["model_id"], "text": body["text"]}


class ListenLine:
    """One socket of a recogniser, pure.

    closed
        close code, once it is to be closed; 0 = not yet
    heard
        the words of every flush
    """

    def __init__(self, hearing: Hearing, model: str) -> None:
        self._hearing = hearing
        self._sound = b""
        self.model = model
        self.closed = 0
        self.heard: list[str] = []

    def hear(self, ulaw: bytes) -> None:
        self._sound += ulaw

    def flushes(self, text: str) -> bool:
        """Whether this message asks for the rest of the words."""
        return bool(_kind(text) == "Finalize")

    def told(self, text: str) -> list[str]:
        """A control message; what is said to it."""
        match _kind(text):
            case "Finalize":
                words, self._sound = self._hearing.words(self._sound), b""
                self.heard.append(words)
                final = {"is_final": True, "speech_final": False, "from_finalize": True}
                alternatives = [{"transcript": words, "confidence": 0.99, "words": []}]
                results = {"type": "Results", "channel_index": [0, 1], "duration": 1.0, "start": 0.0, **final}
                return [json.dumps({**results, "channel": {"alternatives": alternatives}})]
            case "KeepAlive":
                return []
            case "CloseStream":
                self.closed = 1000
                return [json.dumps({"type": "Metadata", "duration": 0.0, "channels": 1})]
            case _:
                self.closed = 1008
                return [json.dumps({"type": "Error", "description": f"unknown message {text[:80]}"})]


def _kind(text: str) -> Any:
    try:
        return json.loads(text).get("type")
    except (ValueError, AttributeError):
        return None


def _query(query: bytes) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query.decode()).items()}
