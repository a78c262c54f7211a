"""A client of `RealtimeSession`: no sockets, time in hand, every event checked against the SDK's own types."""

from __future__ import annotations

import base64
import json
from typing import Any, get_args

from openai.types.beta.realtime import RealtimeServerEvent as BetaEvent
from openai.types.realtime import RealtimeServerEvent as GaEvent
from pydantic import BaseModel

from outwait.sim import sound
from outwait.sim.hearing import Hearing
from outwait.sim.mind import Mind
from outwait.sim.realtime_bill import Bill
from outwait.sim.realtime_response import Timing
from outwait.sim.realtime_session import RealtimeSession

MODELS = {"ga": "gpt-realtime-2.1", "beta": "gpt-4o-realtime-preview"}
TASK = "Find out when parcel four seven one two will be delivered."
TOOLS = [{"type": "function", "name": name, "parameters": {}} for name in ("hangup_call", "wait_on_hold")]
PCMU = {"type": "audio/pcmu"}
ASR = {"model": "gpt-transcribe"}
CONFIGS: dict[str, dict[str, Any]] = {
    "ga": {
        "type": "realtime",
        "instructions": f"Your task: {TASK}",
        "tools": TOOLS,
        "audio": {"input": {"format": PCMU, "transcription": ASR}, "output": {"format": PCMU, "voice": "marin"}},
    },
    "beta": {
        "modalities": ["audio", "text"],
        "instructions": f"Your task: {TASK}",
        "tools": TOOLS,
        "input_audio_format": "g711_ulaw",
        "output_audio_format": "g711_ulaw",
        "input_audio_transcription": ASR,
        "voice": "alloy",
    },
}


def _by_type(union: object) -> dict[str, type[BaseModel]]:
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(get_args(union)[0])}


ORACLES = {"ga": _by_type(GaEvent), "beta": _by_type(BetaEvent)}


class Client:
    """Talks to a session and keeps every event it sent."""

    def __init__(self, dialect: str = "ga", configure: bool = True, mind: Mind | None = None) -> None:
        self.dialect = dialect
        self.now = 100.0
        self.hearing = Hearing()
        self.bill = Bill()
        self.events: list[dict[str, Any]] = []
        self.session = RealtimeSession(
            1, MODELS[dialect], dialect, mind or Mind(TASK), self.hearing, self.bill, Timing(lifetime=600)
        )
        self._keep(self.session.open(self.now))
        if configure:
            self.send("session.update", session=CONFIGS[dialect])

    def send(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """One client event; returns what came at once."""
        return self._keep(self.session.receive(json.dumps({"type": kind, **fields}), self.now))

    def raw(self, message: str | bytes) -> list[dict[str, Any]]:
        return self._keep(self.session.receive(message, self.now))

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """Let time pass, from deadline to deadline."""
        end, found = self.now + seconds, []
        while (due := self.session.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            found += self._keep(self.session.tick(self.now))
        self.now = end
        return found + self._keep(self.session.tick(end))

    def append(self, audio: bytes) -> list[dict[str, Any]]:
        """Give audio in frames of 20 ms, all at once."""
        found = []
        for at in range(0, len(audio), 160):
            found += self.send("input_audio_buffer.append", audio=base64.b64encode(audio[at : at + 160]).decode())
        return found

    def person(self, text: str, quiet: float = 0.7) -> list[dict[str, Any]]:
        """A person says something, and is quiet."""
        audio = sound.speak(text)
        self.hearing.said(text, audio)
        return self.append(audio + b"\xff" * round(quiet * 8000))

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    def item(self, **item: Any) -> list[dict[str, Any]]:
        return self.send("conversation.item.create", item=item)

    def text(self, role: str, text: str, **more: Any) -> list[dict[str, Any]]:
        part = {"user": "input_text", "system": "input_text", "assistant": "output_text"}[role]
        part = "text" if self.dialect == "beta" and role == "assistant" else part
        return self.item(type="message", role=role, content=[{"type": part, "text": text}], **more)

    def _keep(self, texts: list[str]) -> list[dict[str, Any]]:
        found = [json.loads(text) for text in texts]
        for event in found:
            ORACLES[self.dialect][event["type"]].model_validate(event)
        self.events += found
        return found


def error_of(events: list[dict[str, Any]]) -> str:
    """The code of the one error among the events."""
    (error,) = [event["error"] for event in events if event["type"] == "error"]
    return str(error["code"])
