"""A dialogue without a socket, and messages to play to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from outwait.call.cost import Usage
from outwait.call.events import (
    AnyEvent,
)
from outwait.engines.openai.dialogue import Dialogue
from outwait.engines.openai.frames import Dialect
from outwait.engines.openai.messages import (
    ErrorSaid,
    FunctionCall,
    ResponseCreated,
    ResponseDone,
)
from outwait.engines.openai.phrases import PHRASE_SECONDS

BILL = Usage(text_in=900, text_cached=800, audio_in=400, audio_cached=300, text_out=20, audio_out=100)


class Clock:
    """Timers that go off when the test says so."""

    def __init__(self, seconds: float, wake: Callable[[], None]) -> None:
        assert seconds == PHRASE_SECONDS
        self.wake = wake
        self.on = True

    def cancel(self) -> None:
        self.on = False

    def ring(self) -> None:
        assert self.on
        self.on = False
        self.wake()


class Stage:
    """A dialogue, what it posted, what it sent."""

    def __init__(self, dialect: Dialect = Dialect.GA) -> None:
        self.events: list[AnyEvent] = []
        self.sent: list[dict[str, Any]] = []
        self.timers: list[Clock] = []
        self.dialogue = Dialogue(3, dialect, self.events.append, self._send, self._later, 4000)

    def _send(self, frame: str) -> None:
        self.sent.append(json.loads(frame))

    def _later(self, seconds: float, wake: Callable[[], None]) -> Clock:
        self.timers.append(Clock(seconds, wake))
        return self.timers[-1]

    def hear(self, *messages: Any) -> list[AnyEvent]:
        """The events that these bring."""
        before = len(self.events)
        for message in messages:
            assert self.dialogue.receive(message) is None
        return self.events[before:]

    def take(self) -> list[dict[str, Any]]:
        """What was sent since the last time."""
        sent, self.sent = self.sent, []
        return sent


def created(name: str = "r1", phrase: str | None = None) -> ResponseCreated:
    return ResponseCreated(name, phrase)


def done(name: str = "r1", status: Any = "completed", *, usage: Usage | None = BILL, **fields: Any) -> ResponseDone:
    parts: dict[str, Any] = {"phrase": None, "code": "", "detail": "", "calls": ()} | fields
    return ResponseDone(response=name, status=status, usage=usage, **parts)


def error(code: str, event_id: str = "", text: str = "no", type_: str = "invalid_request_error") -> ErrorSaid:
    return ErrorSaid(code, type_, text, event_id)


def call(call_id: str = "call_1", *, complete: bool = True) -> FunctionCall:
    return FunctionCall(call_id, "hangup_call", "{}", complete)
