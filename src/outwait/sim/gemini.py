"""A Gemini Live server on 127.0.0.1: the door. What it takes and says is in `gemini_session` and `gemini_wire`."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from outwait.sim.gemini_bill import GeminiBill
from outwait.sim.gemini_session import GeminiSession, Memory
from outwait.sim.model_server import Connection, ModelServer, Refusal
from outwait.sim.realtime_response import Timing

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


@dataclass
class GeminiSim(ModelServer):
    """The server; see `ModelServer`.

    timing
        how fast the model is
    memory
        what it keeps of sessions that have ended
    """

    timing: Timing = field(default_factory=Timing)
    charged: GeminiBill = field(default_factory=GeminiBill)
    memory: Memory = field(default_factory=Memory)

    @property
    def bill(self) -> GeminiBill:
        return self.charged

    def _enter(self, connection: Connection) -> GeminiSession:
        parts = urlsplit(connection.path)
        if parts.path != PATH:
            raise Refusal(404, f"Not found: {parts.path}")
        given = {name.lower(): value for name, value in connection.headers.items()}
        key = given.get("x-goog-api-key") or parse_qs(parts.query).get("key", [""])[0]
        return GeminiSession(
            connection.number,
            self.mind,
            self.hearing,
            self.bill,
            self.timing,
            self.memory,
            welcome=key == self.key,
        )
