"""Are we on hold, and is a live person back? Pure, on the ear's scores alone, in media time.

A voice on hold is a *candidate* from its first stretch on. Evidence for and against a live person is weighed on every
stretch, as log odds: how it began (the music stopped, the line opened), how it goes on (music under it, a voice known
from a recording, words heard before), and how it ends (a person waits in silence, a recording gives way to music).
`MaybeHuman` comes at low odds, since a phrase costs nothing; `HumanReturned` at high ones.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

Kind = Literal["speech", "music", "announcement", "tone", "noise", "silence"]


class Scored(msgspec.Struct, frozen=True):
    """What one stretch of sound is: the fields of `outwait.audio.ear.Score`, as the call's log keeps them."""

    at: float
    """media seconds at the end of the stretch"""
    seconds: float
    """length of the stretch, seconds"""
    speech: float
    """0..1: somebody speaks, live or recorded"""
    music: float
    """0..1: music, sung or not, also under a voice"""
    singing: float
    """0..1: somebody sings"""
    tone: float
    """0..1: a signalling tone"""
    noise: float
    """0..1: noise above the line's own"""
    level: float
    """loudness, dBFS"""
    repeated: float = 0.0
    """0..1: how surely the last second was heard earlier in this call"""
    floor: float = -60.0
    """loudness of the quietest 20 ms of the stretch, dBFS"""
    live: float = 0.5
    """0..1: how little the voice sounds like a studio recording"""
    familiar: float = 0.0
    """0..1: likeness of the nearest voice heard earlier in this call"""
    voice: int = -1
    """number of that voice in this call, -1: none"""
    hertz: float = 0.0
    """strongest frequency, Hz"""


class HoldSuspected(msgspec.Struct, frozen=True, tag=True):
    """The line sounds like a hold although nobody said so (`hold_started` of the contract)."""

    at: float
    """media seconds"""
    onset: float
    """media seconds where the music, announcement or silence began"""
    why: str


class AnnouncementHeard(msgspec.Struct, frozen=True, tag=True):
    """A recorded voice has spoken, or is speaking."""

    at: float
    """media seconds"""
    onset: float
    """media seconds where it began"""
    why: str


class MaybeHuman(msgspec.Struct, frozen=True, tag=True):
    """Worth a cached phrase, not worth money."""

    at: float
    """media seconds"""
    onset: float
    """media seconds where the voice began"""
    confidence: float
    """0..1"""
    why: str


class HumanReturned(msgspec.Struct, frozen=True, tag=True):
    """A live person is on the line: resume."""

    at: float
    """media seconds"""
    onset: float
    """media seconds where the voice began"""
    confidence: float
    """0..1"""
    why: str


class NobodyThere(msgspec.Struct, frozen=True, tag=True):
    """The resume was false: back to hold. The voice that caused it counts as recorded from now on."""

    at: float
    """media seconds"""
    why: str


class LineDead(msgspec.Struct, frozen=True, tag=True):
    """The other side is gone: busy or dial tone, or silence beyond hope."""

    at: float
    """media seconds"""
    why: str


class SegmentHeard(msgspec.Struct, frozen=True, tag=True):
    """What the line carried from `start` to `end`; segments follow each other without gaps."""

    start: float
    """media seconds"""
    end: float
    """media seconds"""
    kind: Kind


HoldEvent = HoldSuspected | AnnouncementHeard | MaybeHuman | HumanReturned | NobodyThere | LineDead | SegmentHeard


@dataclass(frozen=True, slots=True)
class HoldPolicy:
    """How the decision is made."""

    rule: Literal["evidence", "forum_rule"] = "evidence"
    # "evidence": this module's own. "forum_rule": 90 % of four seconds loud with voice-like sound, fires on music
    returned_odds: float = 2.0
    # log odds for HumanReturned; more: fewer false resumes, later and missed ones
    maybe_odds: float = -0.6
    # log odds for MaybeHuman
    maybe_speech: float = 0.4
    # seconds of voice before MaybeHuman
    least_speech: float = 0.25
    # seconds of voice before HumanReturned
    music_parks: float = 6.0
    # seconds of music while talking before HoldSuspected
    announcement_parks: float = 12.0
    # seconds of a recorded voice while talking before HoldSuspected
    silence_parks: float = 20.0
    # seconds in which neither side says anything before HoldSuspected
    nobody_music: float = 2.0
    # seconds of music after a resume before NobodyThere
    nobody_repeat: float = 1.0
    # seconds of a voice heard before, after a resume, before NobodyThere
    nobody_speech: float = 14.0
    # seconds of talk without a pause after a resume before NobodyThere
    nobody_silence: float = 12.0
    # seconds in which neither side says anything after a resume before NobodyThere
    probation: float = 45.0
    # seconds after a resume in which the four rules above hold
    phrase_gap: float = 8.0
    # seconds between two MaybeHuman
    busy_cycles: int = 6
    # short equal beeps in a row before LineDead
    dial_tone: float = 12.0
    # seconds of one unbroken tone before LineDead
    dead_silence: float = 1800.0
    # seconds of digital silence on hold before LineDead


FORUM_RULE: Final = HoldPolicy(rule="forum_rule")

_QUIET: Final = -56.0  # dBFS: below it a stretch is silence whatever the scores say


class HoldLogic:
    """One call's hold. Feed it every score; tell it what the rest of the call decided."""

    def __init__(self, policy: HoldPolicy, on_hold: bool) -> None:
        self._policy = policy
        self._segments = _Segments()
        self._line = _Line(policy)
        self._holding = on_hold
        self._hold_start = 0.0
        self._resumed_at: float | None = None
        self._resumed: _Candidate | None = None
        self._candidate: _Candidate | None = None
        self._recorded: dict[int, float] = {}  # voice -> seconds heard as a recording
        self._alive: dict[int, float] = {}  # voice -> seconds heard live
        self._last_phrase = -1e9
        self._last_maybe = -1e9
        self._background = _Background()
        self._talk = _Talk()
        self._forum: deque[tuple[float, bool]] = deque()
        self._dead = False

    @property
    def holding(self) -> bool:
        """True while the call counts as being on hold."""
        return self._holding

    def hear(self, score: Scored, agent_speaking: bool) -> list[HoldEvent]:
        """One stretch, in order. `agent_speaking`: our own side was playing something during it."""
        events: list[HoldEvent] = []
        heard = _what(score)
        events += self._segments.hear(score, heard)
        dead = self._line.hear(score, heard, self._holding)
        if dead is not None and not self._dead:
            self._dead = True
            events.append(LineDead(score.at, dead))
        elif heard == "speech":
            self._dead = False
        if self._policy.rule == "forum_rule":
            events += self._hear_forum(score, heard)
        elif self._holding:
            events += self._hear_hold(score, heard)
        if not self._holding:
            events += self._hear_talk(score, heard, agent_speaking)
        self._background.hear(score, heard)
        return events

    def enter_hold(self, at: float) -> None:
        """The core parked (the tool said so, or it took up HoldSuspected)."""
        if not self._holding:
            self._holding = True
            self._hold_start = at
        self._resumed_at = None
        self._resumed = None
        self._candidate = None

    def leave_hold(self, at: float) -> None:
        """The core resumed for a reason of its own: no probation."""
        self._holding = False
        self._resumed_at = None
        self._resumed = None
        self._candidate = None
        self._talk = _Talk()

    def phrase_played(self, at: float) -> None:
        """A cached phrase has begun to play: a live person reacts to it, a recording does not."""
        self._last_phrase = at
        if self._candidate is not None:
            self._candidate.phrase_at = at

    def finish(self, at: float) -> list[HoldEvent]:
        """The line is closed: the segments still open, at last."""
        return self._segments.finish(at)

    # on hold

    def _hear_hold(self, score: Scored, heard: Kind) -> list[HoldEvent]:
        policy = self._policy
        events: list[HoldEvent] = []
        candidate = self._candidate
        if candidate is None:
            if heard != "speech":
                return events
            candidate = self._candidate = _Candidate(score, self._background, score.at - self._hold_start)
        candidate.hear(score, heard)
        odds, why = candidate.odds(self._recorded, self._alive)
        confidence = _share(odds)
        if candidate.judged is None and odds >= policy.returned_odds and candidate.spoken >= policy.least_speech:
            candidate.judged = "live"
            events.append(HumanReturned(score.at, candidate.onset, confidence, why))
            self._segments.mark(candidate.onset, "speech")
            self._holding = False
            self._resumed_at = score.at
            self._resumed = candidate
            self._candidate = None
            self._talk = _Talk()
            return events
        if (
            not candidate.maybe
            and candidate.judged is None
            and odds >= policy.maybe_odds
            and candidate.spoken >= policy.maybe_speech
            and score.at - self._last_maybe >= policy.phrase_gap
        ):
            candidate.maybe = True
            self._last_maybe = score.at
            events.append(MaybeHuman(score.at, candidate.onset, confidence, why))
        if candidate.judged is None and candidate.known_repeat() and not candidate.announced:
            candidate.announced = True
            events.append(AnnouncementHeard(score.at, candidate.onset, "heard before in this call"))
        if candidate.over():
            if not candidate.announced and candidate.music_after >= 0.5:
                events.append(AnnouncementHeard(score.at, candidate.onset, "music went on after it"))
            if candidate.music_after >= 0.5 or candidate.known_repeat():
                self._learn(candidate)
            self._candidate = None
        return events

    def _learn(self, candidate: _Candidate) -> None:
        for voice, seconds in candidate.voices.items():
            self._recorded[voice] = self._recorded.get(voice, 0.0) + seconds

    # talking

    def _hear_talk(self, score: Scored, heard: Kind, agent_speaking: bool) -> list[HoldEvent]:
        policy = self._policy
        talk = self._talk
        talk.hear(score, heard, agent_speaking)
        if self._resumed_at is not None:
            since = score.at - self._resumed_at
            if talk.music >= policy.nobody_music:
                why = "music went on after the resume"
            elif talk.repeated >= policy.nobody_repeat:
                why = "the voice had been heard before"
            elif talk.unbroken >= policy.nobody_speech:
                why = "it talked on without listening"
            elif talk.silence >= policy.nobody_silence:
                why = "nobody said anything"
            else:
                why = ""
            if why:
                if self._resumed is not None and talk.silence < policy.nobody_silence:
                    self._learn(self._resumed)
                    self._segments.mark(self._resumed.onset, "announcement")
                self._park(score.at)
                return [NobodyThere(score.at, why)]
            if since > policy.probation:
                if self._resumed is not None:
                    for voice, seconds in self._resumed.voices.items():
                        self._alive[voice] = self._alive.get(voice, 0.0) + seconds
                self._resumed_at = None
                self._resumed = None
        elif score.voice >= 0 and heard == "speech" and score.repeated < 0.5:
            self._alive[score.voice] = self._alive.get(score.voice, 0.0) + score.seconds
        if talk.music >= policy.music_parks:
            return self._suspect(score, score.at - talk.music, "music")
        if talk.announcement >= policy.announcement_parks:
            return self._suspect(score, score.at - talk.announcement, "an announcement")
        if talk.silence >= policy.silence_parks:
            return self._suspect(score, score.at - talk.silence, "silence on both sides")
        return []

    def _suspect(self, score: Scored, onset: float, what: str) -> list[HoldEvent]:
        self._park(score.at)
        return [HoldSuspected(score.at, max(0.0, round(onset, 2)), f"{what} for {score.at - onset:.0f} s")]

    def _park(self, at: float) -> None:
        self._holding = True
        self._hold_start = at
        self._resumed_at = None
        self._resumed = None
        self._candidate = None
        self._talk = _Talk()

    def _hear_forum(self, score: Scored, heard: Kind) -> list[HoldEvent]:
        window = self._forum
        window.append((score.at, heard in ("speech", "music")))
        while window and window[0][0] <= score.at - 4.0:
            window.popleft()
        if not self._holding or len(window) * score.seconds < 3.9:
            return []
        share = sum(loud for _, loud in window) / len(window)
        if share < 0.9:
            return []
        onset = window[0][0] - score.seconds
        window.clear()
        self._holding = False
        self._resumed_at = score.at
        self._talk = _Talk()
        return [HumanReturned(score.at, onset, share, f"{share:.0%} of four seconds")]


def _what(score: Scored) -> Kind:
    """The one word for a stretch."""
    if score.level < _QUIET:
        return "silence"
    if score.tone >= 0.5 and score.tone >= score.speech:
        return "tone"
    if score.speech >= 0.5 and score.speech >= score.singing:
        return "speech"
    if score.music >= 0.5 or score.singing >= 0.5:
        return "music"
    if score.noise >= 0.5:
        return "noise"
    return "silence"


def _share(odds: float) -> float:
    # A logistic by a rational curve would do as well; this one needs no math import and is monotone.
    return round(0.5 + 0.5 * odds / (1.0 + abs(odds)), 3)


class _Background:
    """What the line carried before a voice began."""

    def __init__(self) -> None:
        self.quiet = 0.0  # seconds of quiet, or of a tone, up to now
        self.since_music = 1e9  # seconds since music was last heard
        self.since_tone = 1e9  # seconds since a tone was last heard
        self.floor = -96.0  # quietest 20 ms of the quiet up to now, dBFS

    def hear(self, score: Scored, heard: Kind) -> None:
        step = score.seconds
        self.since_music = 0.0 if heard == "music" else self.since_music + step
        self.since_tone = 0.0 if heard == "tone" else self.since_tone + step
        if heard in ("silence", "noise"):
            self.floor = score.floor if self.quiet == 0.0 else max(self.floor, score.floor)
            self.quiet += step
        else:
            self.quiet = 0.0


class _Candidate:
    """A voice on hold, and the evidence about it."""

    def __init__(self, score: Scored, before: _Background, since_hold: float) -> None:
        self.onset = round(score.at - score.seconds, 2)
        self.gap = before.quiet
        self.since_music = before.since_music
        self.since_tone = before.since_tone
        self.since_hold = since_hold
        self.spoken = 0.0  # seconds of voice
        self.run = 0.0  # seconds of voice without a pause of 0.6 s
        self.quiet = 0.0  # seconds since the voice stopped, without music
        self.music_after = 0.0  # seconds of music since the voice stopped
        self.turns = 0  # pauses of 0.6 s or more in which no music came
        self.music_under = 0.0  # sum of the music score over the voice
        self.live = 0.0  # sum of the live score over the voice
        self.repeated = 0.0  # seconds of voice that were heard before
        self.voices: dict[int, float] = {}
        self.phrase_at: float | None = None
        self.maybe = False
        self.announced = False
        self.judged: Kind | Literal["live"] | None = None

    def hear(self, score: Scored, heard: Kind) -> None:
        step = score.seconds
        if heard == "speech":
            if self.quiet >= 0.6:
                self.turns += 1
                self.run = 0.0
            self.spoken += step
            self.run += step
            self.quiet = 0.0
            self.music_after = 0.0
            self.music_under += step * score.music
            self.live += step * score.live
            if score.repeated >= 0.5:
                self.repeated += step
            if score.voice >= 0 and score.familiar >= 0.5:
                self.voices[score.voice] = self.voices.get(score.voice, 0.0) + step
        elif heard in ("music", "tone"):
            self.music_after += step
        else:
            self.quiet += step

    def known_repeat(self) -> bool:
        return self.repeated >= 0.6 and self.repeated >= 0.3 * self.spoken

    def over(self) -> bool:
        return self.music_after >= 1.0 or self.quiet >= 6.0

    def odds(self, recorded: dict[int, float], alive: dict[int, float]) -> tuple[float, str]:
        """Log odds that a live person speaks, and the strongest reasons in words."""
        spoken = max(self.spoken, 0.16)
        terms: list[tuple[float, str]] = []
        if self.since_music <= self.gap + 0.4:
            if self.gap >= 0.45:
                terms.append((min(2.2, 0.8 + 1.6 * self.gap), "the music had stopped"))
            else:
                terms.append((-0.8, "it began with the music"))
        elif self.gap >= 2.0:
            terms.append((0.8, "after silence"))
        if self.since_tone <= self.gap + 0.4 and self.since_tone < self.since_music:
            terms.append((1.0, "after a ringing tone"))
        terms.append((-2.5 * min(1.0, self.music_under / spoken), "music under the voice"))
        if self.music_after < 0.16:
            terms.append((min(4.0, max(0.0, 4.0 * (self.quiet - 0.3))), "it waits in silence"))
        else:
            terms.append((-4.0 * min(1.0, self.music_after), "music went on after it"))
        terms.append((-0.35 * max(0.0, self.run - 5.0), "it talks on"))
        terms.append((0.5 * min(self.turns, 3), "words with pauses"))
        if self.repeated > 0:
            terms.append((-8.0 * min(1.0, self.repeated / 0.6), "heard before in this call"))
        known = sum(s for v, s in self.voices.items() if recorded.get(v, 0.0) > alive.get(v, 0.0))
        person = sum(s for v, s in self.voices.items() if alive.get(v, 0.0) > recorded.get(v, 0.0))
        terms.append((-3.0 * min(1.0, known / spoken), "the voice of an announcement"))
        terms.append((2.0 * min(1.0, person / spoken), "the person from before"))
        if self.since_hold < 6.0:
            terms.append((-1.5, "the hold has just begun"))
        terms.append((1.5 * (2.0 * self.live / spoken - 1.0), "a live line"))
        total = sum(weight for weight, _ in terms) - 1.0
        sign = 1.0 if total >= 0 else -1.0
        reasons = sorted((t for t in terms if t[0] * sign > 0.4), key=lambda t: -abs(t[0]))[:3]
        return total, ", ".join(text for _, text in reasons) or "a voice"


class _Talk:
    """What the line carried since we began to talk."""

    def __init__(self) -> None:
        self.music = 0.0  # seconds of music, voices over it not counted against it
        self.announcement = 0.0  # seconds of a voice known to be recorded
        self.silence = 0.0  # seconds in which neither side said anything
        self.repeated = 0.0  # seconds of voice that were heard before
        self.unbroken = 0.0  # seconds of voice without a pause of 0.8 s
        self._pause = 0.0

    def hear(self, score: Scored, heard: Kind, agent_speaking: bool) -> None:
        step = score.seconds
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
                self.unbroken = 0.0
        if heard == "music":
            self.music += step
        elif heard == "speech":
            self.music = max(0.0, self.music - 2.0 * step)
        else:
            self.music = max(0.0, self.music - 0.5 * step)
        if heard in ("silence", "noise") and not agent_speaking:
            self.silence += step
        else:
            self.silence = 0.0


class _Line:
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


class _Segments:
    """Cuts the line into stretches of one kind, bridging short slips of the scores."""

    def __init__(self) -> None:
        self._open: Kind | None = None
        self._start = 0.0
        self._next: Kind | None = None
        self._next_start = 0.0
        self._done: list[tuple[float, float, Kind]] = []
        self._marks: list[tuple[float, Kind]] = []
        self._voice: Kind = "speech"

    def mark(self, onset: float, kind: Kind) -> None:
        """The voice that began at `onset` is live (speech) or recorded (announcement)."""
        self._marks.append((onset, kind))

    def hear(self, score: Scored, heard: Kind) -> list[HoldEvent]:
        begin = score.at - score.seconds
        if self._open is None:
            self._open, self._start = heard, 0.0
        elif heard == self._open:
            self._next = None
        elif heard != self._next:
            self._next, self._next_start = heard, begin
        if self._next is not None and score.at - self._next_start >= _LEAST[self._next]:
            self._done.append((self._start, self._next_start, self._open))
            self._open, self._start, self._next = self._next, self._next_start, None
        released: list[HoldEvent] = []
        while self._done and score.at - self._done[0][1] >= _SETTLED:
            released.append(self._release())
        return released

    def finish(self, at: float) -> list[HoldEvent]:
        if self._open is not None and at > self._start:
            self._done.append((self._start, at, self._open))
        self._open = None
        return [self._release() for _ in range(len(self._done))]

    def _release(self) -> SegmentHeard:
        start, end, kind = self._done.pop(0)
        if kind == "speech":
            for onset, marked in self._marks:
                if onset <= end:
                    self._voice = marked
            self._marks = [m for m in self._marks if m[0] > end]
            kind = self._voice
        return SegmentHeard(round(start, 2), round(end, 2), kind)


_LEAST: Final[dict[Kind, float]] = {
    "speech": 0.3, "music": 0.6, "announcement": 0.3, "tone": 0.3, "noise": 0.6, "silence": 0.45,
}  # fmt: skip
_SETTLED: Final = 5.0  # seconds after which the kind of a voice is settled
