"""One call at the simulated carrier: its status, its callbacks, what it recorded. Pure: no sockets, no clock.

Times named `at` are what the owner passes in, seconds of its clock; media times are seconds since the answer.
"""

from __future__ import annotations

import math
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from outwait.audio import g711
from outwait.sim.line import FRAME_BYTES, FRAME_MS, Line, Warned
from outwait.sim.person import FarEnd

FINAL = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_EVENT_OF = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}


@dataclass
class Sent:
    """One webhook or status callback of ours, and what came back.

    kind
        "twiml", "status", "stream"
    at, answered_at
        wall seconds
    status
        HTTP status; 0 = no answer
    """

    kind: str
    url: str
    form: dict[str, str]
    at: float
    status: int = 0
    answered_at: float = 0.0


@dataclass
class StreamRecord:
    """One media stream of the call.

    ended
        "peer_closed", "stopped" (call over), "replaced" (new TwiML), "dropped", "refused"
    opened_at, ended_at
        wall seconds
    peer_closed_at
        when our server's side of the socket was gone; 0 = it never was
    close_code
        what our server closed with; 0 = it did not
    """

    line: Line
    url: str
    opened_at: float
    ended: str = ""
    ended_at: float = 0.0
    peer_closed_at: float = 0.0
    close_code: int = 0


@dataclass
class TwilioCall:
    """A call and everything that can be asked about it afterwards."""

    sid: str
    account_sid: str
    options: dict[str, str]  # the form it was created with (repeatable fields: the last value)
    callback_events: frozenset[str]
    far_end: FarEnd
    status: str = "queued"
    created_at: float = 0.0  # wall seconds
    answered_at: float = 0.0  # wall seconds; 0 = never
    ended_at: float = 0.0  # wall seconds; 0 = not yet
    ended_why: str = ""  # "api", "far_end", "time_limit", "twiml", "no_more_verbs", "webhook_failed", a status
    completed_requests: int = 0  # how often REST was asked to end it
    completed_at: list[float] = field(default_factory=list)  # wall seconds of each
    media_at_completed: list[float] = field(default_factory=list)  # media seconds of each
    unheard_at_completed: list[float] = field(default_factory=list)  # seconds still queued at each
    streams: list[StreamRecord] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    digits_played: str = ""
    dialled: str = ""
    inbound: bool = False  # the far end calls us
    wanted: str = ""  # "" | "end" | "replace": an order by REST that the media loop must obey
    new_document: str = ""  # TwiML of a replace; "" = fetch `options["Url"]`
    _said: bytearray = field(default_factory=bytearray)
    _heard: bytearray = field(default_factory=bytearray)
    _callbacks: int = 0

    @property
    def to(self) -> str:
        """The number called."""
        return self.options.get("To", "")

    @property
    def direction(self) -> str:
        """In Twilio's words."""
        return "inbound" if self.inbound else "outbound-api"

    @property
    def over(self) -> bool:
        """True in a final status."""
        return self.status in FINAL

    @property
    def media_seconds(self) -> float:
        """Since the answer."""
        return len(self._said) / g711.RATE

    @property
    def duration(self) -> int:
        """CallDuration: whole seconds."""
        return math.ceil(self.media_seconds)

    @property
    def all_warnings(self) -> list[Warned]:
        """Of the call and of its streams."""
        return [*self.warnings, *(warning for record in self.streams for warning in record.line.warnings)]

    def play(self, said: bytes, heard: bytes) -> None:
        """Twenty milliseconds have passed on the line."""
        self._said += said
        self._heard += heard
        self.far_end.hear(heard)

    def warn(self, code: int, text: str) -> None:
        """For its debugger: Twilio's error number, and words."""
        self.warnings.append(Warned(code, text, round(self.media_seconds * 1000)))

    def change(self, status: str, at: float, why: str = "") -> None:
        """Enter a status. A final one is never left."""
        if self.over:
            return
        self.status = status
        if status == "in-progress":
            self.answered_at = at
        if status in FINAL:
            self.ended_at = at
            self.ended_why = why or status

    def callback(self, status: str, timestamp: str) -> dict[str, str] | None:
        """The form of the status callback due for `status`, or None when nobody asked for it."""
        event = _EVENT_OF.get(status, "completed")
        if not self.options.get("StatusCallback") or event not in self.callback_events:
            return None
        form = self.form(status) | {
            "Timestamp": timestamp,
            "SequenceNumber": str(self._callbacks),
            "CallbackSource": "call-progress-events",
        }
        self._callbacks += 1
        if status in FINAL:
            form["CallDuration"] = str(self.duration)
            form["Duration"] = str(math.ceil(self.duration / 60))
            form["SipResponseCode"] = {"busy": "486", "no-answer": "487", "failed": "404"}.get(status, "200")
        return form

    def form(self, status: str | None = None) -> dict[str, str]:
        """The fields every webhook carries."""
        return {
            "CallSid": self.sid,
            "AccountSid": self.account_sid,
            "From": self.options.get("From", ""),
            "To": self.to,
            "Caller": self.options.get("From", ""),
            "Called": self.to,
            "CallStatus": status or self.status,
            "Direction": self.direction,
            "ApiVersion": "2010-04-01",
        }

    def resource(self) -> dict[str, Any]:
        """The call as REST shows it."""
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "to": self.to,
            "from": self.options.get("From", ""),
            "status": self.status if self.status != "initiated" else "queued",
            "direction": self.direction,
            "duration": str(self.duration) if self.over else None,
            "price": None,
            "price_unit": "USD",
            "api_version": "2010-04-01",
            "uri": f"/2010-04-01/Accounts/{self.account_sid}/Calls/{self.sid}.json",
            "subresource_uris": {},
        }

    def audio(self) -> tuple[bytes, bytes]:
        """What the far end said and what it heard, mu-law, equally long."""
        return bytes(self._said), bytes(self._heard)

    def write_wav(self, path: Path) -> None:
        """Stereo, 8,000 samples a second, 16 bits: left the far end, right our side as it was really played."""
        with wave.open(str(path), "wb") as file:  # its errors are the system's own, which tell of a full disk
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(g711.RATE)
            block = FRAME_BYTES * 500
            for start in range(0, len(self._said), block):
                left = g711.decode(bytes(self._said[start : start + block]))
                right = g711.decode(bytes(self._heard[start : start + block]))
                file.writeframes(np.stack([left, right], axis=1).astype("<i2").tobytes())


def frames_of(seconds: float) -> int:
    """How many 20 ms frames fit."""
    return round(seconds * 1000 / FRAME_MS)
