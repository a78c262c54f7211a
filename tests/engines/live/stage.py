"""A session's machine without a socket, and a clock that a test moves."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from outwait.call.events import AnyEvent
from outwait.engines.ends import End
from outwait.engines.live.duplex import Duplex
from outwait.engines.live.messages import parse
from tests.engines.live.server import server_event

INSTRUCTIONS = "Order a pizza."
VOICE = b"\x10\x90" * 400  # a tenth of a second of something loud
QUIET = b"\xff" * 800  # a tenth of a second


class Alarm:
    def __init__(self, at: float, wake: Callable[[], None]) -> None:
        self.at = at
        self.wake = wake
        self.on = True

    def cancel(self) -> None:
        self.on = False


class Stage:
    """A machine, what it posted, what it sent, why it failed."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self.sent: list[dict[str, Any]] = []
        self.failed: list[End] = []
        self.now = 100.0
        self._alarms: list[Alarm] = []
        self.duplex = Duplex(3, INSTRUCTIONS, self.events.append, self._send, self._later, self.failed.append)
        self.duplex.started(self.now)

    def _send(self, frame: str) -> None:
        self.sent.append(json.loads(frame))

    def _later(self, seconds: float, wake: Callable[[], None]) -> Alarm:
        self._alarms.append(Alarm(self.now + seconds, wake))
        return self._alarms[-1]

    def wait(self, seconds: float) -> None:
        """Wall time passes."""
        until = self.now + seconds
        while due := [alarm for alarm in self._alarms if alarm.on and alarm.at <= until]:
            alarm = min(due, key=lambda a: a.at)
            self.now, alarm.on = alarm.at, False
            alarm.wake()
        self.now = until

    def say(self, type_: str, **fields: Any) -> End | None:
        """One event of the server."""
        return self.hear(server_event(type_, **fields))

    def hear(self, data: str) -> End | None:
        message = parse(data)
        assert message is not None
        return self.duplex.receive(message)

    def sound(self, ulaw: bytes = VOICE, times: int = 1) -> None:
        for _ in range(times):
            assert self.say("session.output_audio.delta", delta=b64encode(ulaw).decode()) is None

    def person(self, text: str, at: int = 0) -> None:
        self.say("session.input_transcript.delta", delta=text, start_ms=at, end_ms=at + 200)

    def agent(self, text: str, at: int = 0) -> None:
        self.say("session.output_transcript.delta", delta=text, start_ms=at, end_ms=at + 200)

    def feed(self, seconds: float) -> None:
        """The person's line goes on."""
        for _ in range(round(seconds * 50)):
            self.duplex.fed(b"\xff" * 160)

    def take(self) -> list[AnyEvent]:
        """What was posted since the last time."""
        events = list(self.events)
        self.events.clear()
        return events

    def kinds(self) -> list[str]:
        """The names of it."""
        return [type(event).__name__ for event in self.take()]
