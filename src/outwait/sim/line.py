"""The media side of Twilio, pure: messages in and out, and what is really played, clocked in 20 ms frames.

No sockets and no clock: the owner calls `tick` for every 20 ms of media, and sends what comes back.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import deque
from dataclasses import dataclass
from typing import Any

FRAME_MS = 20
FRAME_BYTES = 160
SILENT_FRAME = b"\xff" * FRAME_BYTES
MAX_QUEUED_BYTES = 600 * 8000  # ten minutes of mu-law


@dataclass(frozen=True)
class Mark:
    """A place in the playout queue to report when reached."""

    name: str


@dataclass(frozen=True)
class Warned:
    """Something Twilio would put into its debugger.

    code
        Twilio's error number
    ms
        media time of the stream
    """

    code: int
    text: str
    ms: int


class Line:
    """One media stream, from `connected` to `stop`.

    What our server sends goes to `receive`; `tick` plays 20 ms of it, takes 20 ms of the far end, and returns the
    messages to send and the bytes that were heard at the far end.
    """

    def __init__(self, account_sid: str, call_sid: str, stream_sid: str) -> None:
        self.account_sid = account_sid
        self.call_sid = call_sid
        self.stream_sid = stream_sid
        self.warnings: list[Warned] = []
        self.marks_returned: list[tuple[str, int, bool]] = []  # name, media ms, True = because of a clear
        self.clears: list[int] = []  # media ms of every clear
        self.media_messages = 0  # accepted from our server
        self._queue: deque[bytes | Mark] = deque()
        self._queued_bytes = 0
        self._outbox: list[str] = []
        self._sequence = 0
        self._chunk = 0

    @property
    def ms(self) -> int:
        """Media milliseconds of this stream so far."""
        return self._chunk * FRAME_MS

    @property
    def queued_seconds(self) -> float:
        """What waits to be played."""
        return self._queued_bytes / 8000

    def open(self, parameters: dict[str, str]) -> list[str]:
        """The first two messages."""
        start = {
            "accountSid": self.account_sid,
            "streamSid": self.stream_sid,
            "callSid": self.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        }
        connected = json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        return [connected, self._message("start", {"start": start})]

    def receive(self, message: str | bytes) -> None:
        """A message from our server. Bad ones are ignored with a warning, as Twilio does."""
        if isinstance(message, bytes):
            return self._warn(31950, "message cannot be decoded: binary frame")
        try:
            data = json.loads(message)
        except ValueError:
            return self._warn(31951, "message is not JSON")
        if not isinstance(data, dict):
            return self._warn(31951, "message is not an object")
        if data.get("streamSid") != self.stream_sid:
            return self._warn(31951, f"{data.get('event')} without this stream's streamSid")
        match data.get("event"):
            case "media":
                self._take_media(data.get("media"))
            case "mark":
                self._take_mark(data.get("mark"))
            case "clear":
                self._clear()
            case other:
                self._warn(31951, f"unknown event {other!r}")

    def tick(self, far_end: bytes) -> tuple[list[str], bytes]:
        """Twenty milliseconds: `far_end` is what the other side says. Returns (messages to send, bytes heard there)."""
        self._chunk += 1
        heard = self._play()
        self._outbox.append(self._media(far_end))
        return self.flush(), heard

    def digit(self, digit: str) -> None:
        """The far end pressed a key."""
        self._outbox.append(self._message("dtmf", {"dtmf": {"track": "inbound_track", "digit": digit}}))

    def flush(self) -> list[str]:
        """Messages that need no tick (marks due at once)."""
        out, self._outbox = self._outbox, []
        return out

    def stop(self) -> list[str]:
        """The last message: the call is over, or its TwiML was replaced."""
        body = {"accountSid": self.account_sid, "callSid": self.call_sid}
        return [*self.flush(), self._message("stop", {"stop": body})]

    def _take_media(self, media: Any) -> None:
        payload = media.get("payload") if isinstance(media, dict) else None
        try:
            audio = base64.b64decode(payload, validate=True) if isinstance(payload, str) else b""
        except binascii.Error:
            audio = b""
        if not audio:
            return self._warn(31951, "media without a payload in base64")
        if self._queued_bytes + len(audio) > MAX_QUEUED_BYTES:
            return self._warn(31931, "media discarded: more than ten minutes buffered")
        self.media_messages += 1
        self._queue.append(audio)
        self._queued_bytes += len(audio)

    def _take_mark(self, mark: Any) -> None:
        name = mark.get("name") if isinstance(mark, dict) else None
        if not isinstance(name, str) or not name:
            return self._warn(31951, "mark without a name")
        if self._queue:
            self._queue.append(Mark(name))
        else:
            self._return(name, cleared=False)

    def _clear(self) -> None:
        self.clears.append(self.ms)
        pending = [entry.name for entry in self._queue if isinstance(entry, Mark)]
        self._queue.clear()
        self._queued_bytes = 0
        for name in pending:
            self._return(name, cleared=True)

    def _play(self) -> bytes:
        played = b""
        while self._queue and (len(played) < FRAME_BYTES or isinstance(self._queue[0], Mark)):
            entry = self._queue.popleft()
            if isinstance(entry, Mark):
                self._return(entry.name, cleared=False)
                continue
            room = FRAME_BYTES - len(played)
            played += entry[:room]
            if len(entry) > room:
                self._queue.appendleft(entry[room:])
        self._queued_bytes -= len(played)
        return played + SILENT_FRAME[len(played) :]

    def _return(self, name: str, *, cleared: bool) -> None:
        self.marks_returned.append((name, self.ms, cleared))
        self._outbox.append(self._message("mark", {"mark": {"name": name}}))

    def _media(self, audio: bytes) -> str:
        self._sequence += 1  # written out by hand: there are fifty of these a second
        return (
            f'{{"event":"media","sequenceNumber":"{self._sequence}","streamSid":"{self.stream_sid}","media":{{'
            f'"track":"inbound","chunk":"{self._chunk}","timestamp":"{self.ms}",'
            f'"payload":"{base64.b64encode(audio).decode()}"}}}}'
        )

    def _message(self, event: str, body: dict[str, Any]) -> str:
        self._sequence += 1
        return json.dumps({"event": event, "sequenceNumber": str(self._sequence), "streamSid": self.stream_sid, **body})

    def _warn(self, code: int, text: str) -> None:
        self.warnings.append(Warned(code, text, self.ms))
