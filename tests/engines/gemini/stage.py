"""A dialogue without a socket, what it posted and what it sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from outwait.audio import g711
from outwait.audio.resample import Resampler
from outwait.call.cost import Usage
from outwait.call.events import AnyEvent
from outwait.engines.ends import End
from outwait.engines.gemini.dialogue import Dialogue
from outwait.engines.gemini.messages import Message

BILL = Usage(text_in=100, audio_in=50, text_out=4, audio_out=25)


class Clock:
    """A timer that goes off when the test says so."""

    def __init__(self, seconds: float, wake: Callable[[], None]) -> None:
        self.seconds = seconds
        self.wake = wake
        self.on = True

    def cancel(self) -> None:
        self.on = False

    def ring(self) -> None:
        assert self.on
        self.on = False
        self.wake()


class Stage:
    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.sent: list[dict[str, Any]] = []
        self.timers: list[Clock] = []
        self.ends: list[End] = []
        self.dialogue = Dialogue(
            3, "Be brief.", self.events.append, self._send, self._later, self.ends.append, context_chars=4000
        )

    def _send(self, frame: str) -> None:
        self.sent.append(json.loads(frame))

    def _later(self, seconds: float, wake: Callable[[], None]) -> Clock:
        self.timers.append(Clock(seconds, wake))
        return self.timers[-1]

    def hear(self, *messages: Message) -> list[AnyEvent]:
        """The events that these bring."""
        before = len(self.events)
        for message in messages:
            self.dialogue.receive(message)
        return self.events[before:]

    def take(self) -> list[dict[str, Any]]:
        """What was sent since the last time."""
        sent, self.sent = self.sent, []
        return sent


def pcm(ulaw: bytes) -> bytes:
    """The telephone's sound as the model's."""
    up = Resampler(g711.RATE, 24_000)
    return np.concatenate([up.take(g711.decode(ulaw)), up.end()]).astype("<i2").tobytes()


def hum(seconds: float = 0.5) -> bytes:
    """A tone that both ways leave as it is; mu-law."""
    at = np.arange(round(seconds * g711.RATE))
    return g711.encode((8000 * np.sin(at * 0.4)).astype(np.int16))
