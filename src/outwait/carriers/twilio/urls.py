"""Where Twilio reaches us."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit


@dataclass(frozen=True, slots=True)
class Urls:
    """All addresses that Twilio is given, below the public URL."""

    public: str  # scheme, host, perhaps port and path prefix; no trailing slash

    @classmethod
    def of(cls, public: str) -> Urls:
        """From the public URL as configured, where a trailing slash means nothing."""
        return cls(public.rstrip("/"))

    @property
    def prefix(self) -> str:
        """The path prefix, "" or like "/voice"."""
        return urlsplit(self.public).path

    @property
    def media(self) -> str:
        """The media WebSocket: wss, or ws on loopback."""
        return "ws" + self.public.removeprefix("http") + "/twilio/media"

    def voice(self, call_id: str) -> str:
        """What to do when the leg is answered."""
        return self._at("voice", call_id)

    def after_stream(self, call_id: str) -> str:
        """What to do when the media socket is gone."""
        return self._at("after-stream", call_id)

    def status(self, call_id: str) -> str:
        return self._at("status", call_id)

    def judged(self, call_id: str) -> str:
        """Who answered, as Twilio hears it."""
        return self._at("judged", call_id)

    def stream_status(self, call_id: str) -> str:
        return self._at("stream-status", call_id)

    def _at(self, what: str, call_id: str) -> str:
        return f"{self.public}/twilio/{what}/{quote(call_id, safe='')}"
