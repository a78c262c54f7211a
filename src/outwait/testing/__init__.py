"""For tests, ours and yours: a playbook for the call core, and the laws that every trace obeys.

    book = Playbook(a_call())
    book >> Begun() << Dial >> Dialled("CA1") >> StreamStarted(1) << OpenSession

`>>` says what happened, `<<` what must be done about it, in order; nothing else may be. Sound and notes are left out of
the comparison. A playbook that fails prints the dialogue so far.
"""

from __future__ import annotations

from typing import Any

from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.commands import AnyCommand, Tell, is_sound
from outwait.call.cost import MinutePrice, Prices, TimePrice, TokenPrice
from outwait.call.events import AnyEvent
from outwait.call.hold import Scored
from outwait.call.laws import LawBroken, Laws
from outwait.call.machine import Call
from outwait.call.notes import AnyNote
from outwait.call.policy import Policy
from outwait.call.setup import Setup

__all__ = ["PRICES", "LawBroken", "Laws", "Playbook", "a_call", "scored"]

FRAME = 0.02  # s
STRETCH = 0.2  # s between two scores
SILENCE = b"\xff" * 160

PRICES = Prices(
    model=TokenPrice(
        text_in=4.0, text_cached=0.4, text_out=24.0, audio_in=32.0, audio_cached=0.4, audio_out=64.0, context=128_000
    ),
    transcription=TimePrice(rate=0.0045),
    carrier={"line": MinutePrice(rate=0.014), "media stream": MinutePrice(rate=0.004)},
)


def a_call(policy: Policy | None = None, **setup: Any) -> Call:
    """A call that is ready to begin."""
    wanted: dict[str, Any] = {
        "id": "call_1",
        "to": "+12025550143",
        "from_": "+12025550199",
        "task": "Ask when order 4711 ships.",
        "carrier": "twilio",
        "engine": "openai",
        "model": "gpt-realtime-2.1",
        "policy": policy or Policy(),
        "prices": PRICES,
        "phrases": {},
    }
    return Call(Setup(**(wanted | setup)))


class Playbook:
    """A dialogue with one call. Time stands still unless it is moved: by `wait` or by `hear`."""

    def __init__(self, call: Call, now: float = 1000.0) -> None:
        self.call = call
        self.now = now
        self.laws = Laws(call.setup.policy, by_time=call.setup.by_time)
        self.told: list[AnyNote] = []
        self.sound: list[AnyCommand] = []
        self.trace: list[tuple[float, AnyEvent, list[AnyCommand]]] = []
        self._pending: list[AnyCommand] = []
        self._dialogue: list[str] = []
        self._stream_at = 0.0  # s into the stream

    def __rshift__(self, event: AnyEvent) -> Playbook:
        self.done()
        self._dialogue.append(f"{self.now:9.2f} >> {event!r:.160}")
        self._feed(event)
        return self

    def __lshift__(self, expected: AnyCommand | type) -> Playbook:
        if not self._pending:
            self._fail(f"expected {expected!r:.200}, but nothing more is done")
        command = self._pending.pop(0)
        same = isinstance(command, expected) if isinstance(expected, type) else command == expected
        self._dialogue.append(f"          << {command!r:.160}")
        if not same:
            self._fail(f"expected {expected!r:.200}")
        return self

    def done(self) -> None:
        """Nothing else was done."""
        if self._pending:
            self._fail(f"not expected: {self._pending!r:.400}")

    def ignore(self) -> Playbook:
        """Whatever else was done does not matter here."""
        self._dialogue += [f"          .. {command!r:.160}" for command in self._pending]
        self._pending.clear()
        return self

    def wait(self, seconds: float) -> Playbook:
        """Wall time passes; the call's deadlines come."""
        self.done()
        until = self.now + seconds
        while True:
            deadline = self.call.deadline()
            if deadline is None or deadline.at > until:
                break
            self.now = max(self.now, deadline.at)
            self._dialogue.append(f"{self.now:9.2f} >> TimePassed ({deadline.name})")
            self._feed(ev.TimePassed())
            if self._pending:
                return self
        self.now = until
        return self

    def hear(self, seconds: float, *, stream: int = 1, pace: float = 1.0, **scores: float) -> Playbook:
        """The far end, with what the ear makes of it (speech, music, tone, level ...); wall time goes with it, or more
        slowly by `pace`, where a carrier is ahead of the clock. Marks come back as the carrier plays."""
        self.done()
        self._dialogue.append(f"{self.now:9.2f} >> {seconds} s of {scores or 'silence'}")
        frames = round(seconds / FRAME)
        for frame in range(1, frames + 1):
            self.now += FRAME / pace
            self._feed(ev.Heard(stream, round(self._stream_at, 3), SILENCE))
            self._stream_at += FRAME
            self._return_marks(stream)
            deadline = self.call.deadline()
            if deadline is not None and deadline.at <= self.now:
                self._feed(ev.TimePassed())
            if frame % round(STRETCH / FRAME) == 0:
                self._feed(ev.EarScored(scored(round(self._stream_at, 3), **scores)))
            if self._pending:
                return self
        return self

    def new_stream(self) -> None:
        """The next sound is the first of its stream."""
        self._stream_at = 0.0

    def notes(self, kind: type) -> list[Any]:
        """The notes of that kind so far."""
        return [note for note in self.told if isinstance(note, kind)]

    def sent(self, session: int) -> int:
        """Bytes of sound that this session was sent."""
        return sum(len(c.ulaw) for c in self.sound if isinstance(c, do.SendAudio) and c.session == session)

    def played(self) -> int:
        """Bytes of sound that the far end was sent."""
        return sum(len(c.ulaw) for c in self.sound if isinstance(c, do.PlayAudio))

    def _return_marks(self, stream: int) -> None:
        """A carrier that plays at once what it got: marks of the last frame's sound come with the next frame."""
        marks = [c for c in self.sound if isinstance(c, do.PlayMark)]
        for mark in marks[getattr(self, "_marks_back", 0) :]:
            self._feed(ev.Marked(stream, mark.name))
        self._marks_back = len(marks)

    def _feed(self, event: AnyEvent) -> None:
        commands = self.call.receive(event, self.now)
        self.trace.append((self.now, event, commands))
        try:
            self.laws.observe(event, commands, self.now)
        except LawBroken as broken:
            self._fail(str(broken))
        for command in commands:
            if isinstance(command, Tell):
                self.told.append(command.note)
            elif is_sound(command):
                self.sound.append(command)
            else:
                self._pending.append(command)

    def _fail(self, why: str) -> None:
        raise AssertionError("\n".join([*self._dialogue[-40:], why]))


def scored(at: float, **scores: float) -> Scored:
    """A stretch that is silent but for what is named."""
    loud = any(scores.get(name, 0.0) > 0.3 for name in ("speech", "music", "singing", "tone", "noise"))
    values: dict[str, Any] = {
        "at": at,
        "seconds": STRETCH,
        "speech": 0.0,
        "music": 0.0,
        "singing": 0.0,
        "tone": 0.0,
        "noise": 0.0,
        "level": -25.0 if loud else -70.0,
        "repeated": 0.0,
    }
    return Scored(**(values | scores))
