"""A dialogue without a socket, what it posted and what it sent; and a turn as the wire tells it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from outwait.audio import g711
from outwait.call.events import AnyEvent
from outwait.engines.ultravox.dialogue import Dialogue
from outwait.engines.ultravox.messages import ServerMessage
from tests.engines.gemini.stage import Clock

TURN = (
    b'{"type":"call_started","callId":"c"}\n'
    b'{"type":"state","state":"listening"}\n'
    b'{"type":"state","state":"thinking"}\n'
    b'{"type":"transcript","role":"user","medium":"voice","text":"Please hold.","final":true,"ordinal":0}\n'
    b'{"type":"state","state":"speaking"}\n'
    b'{"type":"transcript","role":"agent","medium":"voice","delta":"Of course.","final":false,"ordinal":1}\n'
    b'{"type":"transcript","role":"agent","medium":"voice","text":"Of course.","final":true,"ordinal":1}\n'
    b'{"type":"client_tool_invocation","toolName":"wait_on_hold","invocationId":"i1","parameters":{"reason":"asked"}}\n'
    b'{"type":"playback_clear_buffer"}\n'
    b'{"type":"pong","timestamp":1.5}\n'
    b'{"type":"debug","message":"x"}'
)


class Stage:
    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.sent: list[Any] = []
        self.timers: list[Clock] = []
        self.dialogue = Dialogue(3, "Be brief.", self.events.append, self._send, self._later)

    def _send(self, frame: str | bytes) -> None:
        self.sent.append(frame if isinstance(frame, bytes) else json.loads(frame))

    def _later(self, seconds: float, wake: Callable[[], None]) -> Clock:
        self.timers.append(Clock(seconds, wake))
        return self.timers[-1]

    def hear(self, *messages: ServerMessage | bytes) -> list[AnyEvent]:
        """The events that these bring; bytes are sound."""
        before = len(self.events)
        for message in messages:
            if isinstance(message, bytes):
                self.dialogue.hear(message)
            else:
                self.dialogue.receive(message)
        return self.events[before:]

    def take(self) -> list[Any]:
        """What was sent since the last time."""
        sent, self.sent = self.sent, []
        return sent


def pcm(ulaw: bytes) -> bytes:
    return g711.decode(ulaw).astype("<i2").tobytes()
