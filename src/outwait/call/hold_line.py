"""The line during a call: what it carries now, what it carried before, and whether it is dead. Pure, in media time."""

from __future__ import annotations

from typing import Final

from outwait.call.hold_events import HoldEvent, Kind, Scored, SegmentHeard
from outwait.call.hold_policy import HoldPolicy

_NO_SLIP: Final = 0.45  # seconds of voice after which it is no slip of the scores in sparse music
_MET: Final = 2.0  # seconds of a voice after which we have met somebody
SETTLED: Final = 5.0  # seconds after which the kind of a voice is settled
_LOUD: Final = -45.0  # dBFS from which a stretch that is no kind of sound is no silence either
_LATELY: Final = 8.0  # seconds over which such stretches count
_QUIET: Final = -68.0  # dBFS: below it a stretch is silence whatever the scores say


def kind_of(score: Scored) -> Kind:
    """The one word for a stretch."""
    if score.level < _QUIET:
        return "silence"
    if score.tone >= 0.5 and score.tone >= score.speech:
        return "tone"
    if score.speech >= (0.5 if max(score.music, score.singing) >= 0.4 else 0.4) and score.speech >= score.singing:
        return "speech"
    if score.music >= 0.5 or score.singing >= 0.5:
        return "music"
    if score.noise >= 0.5:
        return "noise"
    return "silence"


class Background:
    """What the line carried before a voice began."""

    def __init__(self) -> None:
        self.quiet = 0.0  # seconds of quiet up to now
        self.since_music = 1e9  # seconds since music was last heard
        self.since_tone = 1e9  # seconds since a tone was last heard
        self.since_speech = 1e9  # seconds since a voice was last heard
        self.floor = -96.0  # loudest floor of the quiet up to now, dBFS
        self.music_level = -96.0  # dBFS, of the music of the last seconds
        self.music_floor = -96.0  # dBFS, the same of its quietest 20 ms
        self.talk = 0.0  # share of the last minute or so in which a voice was heard; starts from nothing
        self.music = 0.0  # the same of music
        self.vague = 0.0  # the same of the last seconds and of what is loud and yet no kind of sound, as some drums are

    def hear(self, score: Scored, heard: Kind) -> None:
        step = score.seconds
        self.since_music = 0.0 if heard == "music" else self.since_music + step
        self.since_tone = 0.0 if heard == "tone" else self.since_tone + step
        self.since_speech = 0.0 if heard == "speech" else self.since_speech + step
        if heard == "music":
            share = step / 4.0 if self.music_level > -90.0 else 1.0
            self.music_level += share * (score.level - self.music_level)
            self.music_floor += share * (score.floor - self.music_floor)
        self.talk += (step / 60.0) * ((1.0 if heard == "speech" else 0.0) - self.talk)
        self.music += (step / 60.0) * ((1.0 if heard == "music" else 0.0) - self.music)
        vague = heard == "silence" and score.level >= _LOUD
        self.vague += (step / _LATELY) * ((1.0 if vague else 0.0) - self.vague)
        if heard in ("silence", "noise"):
            self.floor = score.floor if self.quiet == 0.0 else max(self.floor, score.floor)
            self.quiet += step
        else:
            self.quiet = 0.0


class Talk:
    """What the line carried since we began to talk."""

    def __init__(self) -> None:
        self.music = 0.0  # seconds of music, voices over it not counted against it
        self.announcement = 0.0  # seconds of a voice known to be recorded
        self.silence = 0.0  # seconds in which neither side said anything
        self.repeated = 0.0  # seconds of voice that were heard before
        self.unbroken = 0.0  # seconds of voice without a pause of 0.8 s
        self.strange = 0.0  # seconds of it by somebody who had not spoken before
        self._met: frozenset[int] = frozenset()  # who had spoken before it
        self._pause = 0.0
        self._voice = 0.0  # seconds of voice up to now

    def hear(self, score: Scored, heard: Kind, agent_speaking: bool) -> None:
        step = score.seconds
        self._voice = self._voice + step if heard == "speech" else 0.0
        if heard == "speech":
            self.unbroken += step
            self._pause = 0.0
            recorded = score.repeated >= 0.5
            self.repeated = self.repeated + step if recorded else max(0.0, self.repeated - 0.3 * step)
            if recorded or score.music >= 0.5:
                self.announcement += step
            else:
                self.announcement = max(0.0, self.announcement - step)
        else:
            self._pause += step
            if self._pause >= 0.8:
                self.unbroken = self.strange = 0.0
        if heard == "music":
            self.music += step
        elif heard == "speech":
            if self._voice >= _NO_SLIP:
                self.music = max(0.0, self.music - 2.0 * step)
        else:
            self.music = max(0.0, self.music - 0.5 * step)
        if heard in ("silence", "noise", "tone") and not agent_speaking:
            self.silence += step
        else:
            self.silence = 0.0

    def meet(self, score: Scored, heard: Kind, alive: dict[int, float]) -> None:
        """Whether it is somebody new who speaks; `alive`: voice -> seconds talked with."""
        if self.unbroken == 0.0:
            self._met = frozenset(voice for voice, seconds in alive.items() if seconds >= _MET)
        elif heard == "speech" and self._met and score.voice >= 0 and score.voice not in self._met:
            self.strange += score.seconds


class Line:
    """Busy, dial tone, and silence beyond hope."""

    def __init__(self, policy: HoldPolicy) -> None:
        self._policy = policy
        self._tone = 0.0
        self._gap = 0.0
        self._short = 0
        self._silence = 0.0

    def hear(self, score: Scored, heard: Kind, holding: bool) -> str | None:
        step = score.seconds
        self._silence = self._silence + step if score.level <= -80.0 and holding else 0.0
        if self._silence >= self._policy.dead_silence:
            return f"silent for {self._silence:.0f} s"
        if heard == "tone":
            if self._tone == 0.0 and self._gap > 0.9:
                self._short = 0
            self._tone += step
            self._gap = 0.0
        else:
            if self._tone > 0.0:
                self._short = self._short + 1 if self._tone <= 0.9 else 0
            self._tone = 0.0
            self._gap += step
            if self._gap > 0.9 or heard in ("speech", "music"):
                self._short = 0
        if self._short >= self._policy.busy_cycles:
            return "busy tone"
        if self._tone >= self._policy.dial_tone:
            return f"one tone for {self._tone:.0f} s"
        return None


class Segments:
    """Cuts the line into stretches of one kind, bridging short slips of the scores."""

    def __init__(self) -> None:
        self._open: Kind | None = None
        self._start = 0.0
        self._held = False
        self._next: Kind | None = None
        self._next_start = 0.0
        self._done: list[tuple[float, float, Kind]] = []
        self._marks: list[tuple[float, float, Kind]] = []

    def mark(self, onset: float, until: float, kind: Kind) -> None:
        """The voice heard from `onset` until now is live (speech) or recorded (announcement)."""
        self._marks.append((onset, until, kind))

    def hear(self, score: Scored, heard: Kind, held: bool) -> list[HoldEvent]:
        begin = score.at - score.seconds
        if self._open is None:
            self._open, self._start, self._held = heard, 0.0, held
        elif heard == self._open:
            self._next = None
        elif heard != self._next:
            self._next, self._next_start = heard, begin
        if self._next is not None and score.at - self._next_start >= _LEAST[self._next]:
            self._close(self._next_start)
            self._open, self._start, self._held, self._next = self._next, self._next_start, held, None
        released: list[HoldEvent] = []
        while self._done and score.at - self._done[0][1] >= SETTLED:
            released.append(self._release())
        return released

    def finish(self, at: float) -> list[HoldEvent]:
        if at > self._start:
            self._close(at)
        self._open = None
        return [self._release() for _ in range(len(self._done))]

    def _close(self, end: float) -> None:
        if self._open is not None:
            kind: Kind = "announcement" if self._open == "speech" and self._held else self._open
            self._done.append((self._start, end, kind))

    def _release(self) -> SegmentHeard:
        start, end, kind = self._done.pop(0)
        if kind in ("speech", "announcement"):
            for onset, until, marked in self._marks:
                if start < until and end > onset:
                    kind = marked
            self._marks = [mark for mark in self._marks if mark[1] > end - SETTLED]
        return SegmentHeard(round(start, 2), round(end, 2), kind)


_LEAST: Final[dict[Kind, float]] = {
    "speech": 0.3, "music": 0.6, "announcement": 0.3, "tone": 0.3, "noise": 0.6, "silence": 0.45,
}  # fmt: skip
