"""Are we on hold, and is a live person back? Pure, on the ear's scores alone, in media time.

A voice on hold is a *candidate* from its first stretch on. Evidence for and against a live person is weighed on every
stretch, as log odds: how it began (the music stopped, the line opened), how it goes on (music under it, a voice known
from a recording, words heard before), and how it ends (a person waits in silence, a recording gives way to music).
`MaybeHuman` comes at low odds, since a phrase costs nothing; `HumanReturned` at high ones.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import msgspec

from .hold_table import TREES

Kind = Literal["speech", "music", "announcement", "tone", "noise", "silence"]


class Scored(msgspec.Struct, frozen=True, array_like=True):
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


class Evidence(NamedTuple):
    """What is known of a voice on hold at one moment, as numbers for the table of `hold_table`."""

    gap: float
    """seconds of quiet between the music and the voice; 8 when it did not follow music"""
    silent_before: float
    """seconds of quiet before a voice that did not follow music, at most 8"""
    since_music: float
    """seconds between the last music and the voice, at most 30"""
    since_tone: float
    """seconds between the last tone and the voice, at most 30"""
    since_voice: float
    """seconds between the last voice and this one, at most 30"""
    talk: float
    """0..1: share of the last minute that was talk"""
    since_hold: float
    """seconds of hold before the voice, at most 6"""
    music_under: float
    """0..1: music under the voice"""
    singing_under: float
    """0..1: singing in the voice"""
    speech: float
    """0..1: how surely it is a voice"""
    room: float
    """dBFS: loudest floor of the quiet around the voice, from -80 to -35"""
    new_room: float
    """dB: the same against that of recordings heard before; 0 when there were none"""
    heard_before: float
    """0..1: it is a repeat"""
    repeats: float
    """0..1: share of repeats among the recordings heard before, when this voice is none; else 0"""
    recorded_voice: float
    """0..1: likeness to a voice known from recordings"""
    person_voice: float
    """0..1: likeness to the voice of a person talked with"""
    spoken: float
    """seconds of voice, at most 12"""
    first: float
    """seconds of voice before the first pause, at most 12"""
    run: float
    """seconds of voice since the last pause, at most 12"""
    turns: float
    """pauses of 0.5 s and more, at most 3"""
    quiet: float
    """seconds of quiet since the voice stopped, at most 3"""
    quiet_surplus: float
    """seconds by which that is more than the longest quiet between a recording and music; 0 when none is known"""
    music_after: float
    """seconds of music since the voice stopped, as loud as before it, at most 1"""
    soft_music: float
    """seconds of music since the voice stopped, turned down as against before it, at most 1"""
    like_announcement: float
    """seconds between the gap before it and that before a recording; 3 when none is known"""
    like_loudness: float
    """dB between its loudness and that of a recording; 20 when none is known"""


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
    returned_odds: float = 0.6
    # log odds for HumanReturned; more: fewer false resumes, later and more missed ones
    early_odds: float = 2.0
    # log odds asked for on top when a voice has just begun; none after `early_seconds`
    early_seconds: float = 2.0
    # seconds since the voice began
    learned_odds: float = 0.6
    # log odds asked for on top for each false resume of this call, three at most
    reaction_odds: float = 1.0
    # log odds that a voice gains when it stops for a phrase of ours or answers it, and loses when it talks on
    silent_hold_odds: float = 1.0
    # log odds that a sure voice gains on a hold that has carried neither music nor recordings for ten seconds and more
    waited_odds: float = 1.5
    # log odds that a voice gains by two seconds of silence after it where a recording would give way to music
    maybe_odds: float = -1.5
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
    nobody_silence: float = 8.0
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

_NEW_TURN: Final = 0.6  # seconds of quiet after which a voice is weighed anew
_LONG_TURN: Final = 5.0  # seconds: when it had talked for that long before
_TURNED_DOWN: Final = 7.0  # dB by which music is softer than before
_QUIET: Final = -68.0  # dBFS: below it a stretch is silence whatever the scores say


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
        self._unsettled: _Candidate | None = None
        self._past = _Past()
        self._false = 0  # resumes that were wrong
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
        events += self._segments.hear(score, heard, self._holding)
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
                self._settle(score, heard)
                return events
            candidate = self._candidate = _Candidate(score, self._background, score.at - self._hold_start)
            candidate.answers = 0.3 <= candidate.onset - self._last_phrase <= 4.0
        elif heard == "speech" and candidate.gives_way():
            self._unsettled = candidate
            candidate = self._candidate = _Candidate(score, self._background, score.at - self._hold_start)
        candidate.hear(score, heard)
        found = candidate.evidence(self._past)
        odds = (
            weigh(found)
            + policy.reaction_odds * candidate.reaction(score.at)
            + policy.silent_hold_odds * candidate.broke_silence(self._past)
            + policy.waited_odds * candidate.waited(self._past)
        )
        why = reasons(found, odds >= policy.maybe_odds)
        confidence = _share(odds)
        early = max(0.0, 1.0 - (score.at - candidate.onset) / policy.early_seconds) * policy.early_odds
        asked = policy.returned_odds + early + policy.learned_odds * min(self._false, 3)
        if odds >= asked and candidate.spoken >= policy.least_speech:
            events.append(HumanReturned(score.at, candidate.onset, confidence, why))
            self._segments.mark(candidate.onset, score.at, "speech")
            self._holding = False
            self._resumed_at = score.at
            self._resumed = candidate
            self._candidate = None
            self._talk = _Talk()
            return events
        if (
            not candidate.maybe
            and odds >= policy.maybe_odds
            and candidate.spoken >= policy.maybe_speech
            and score.at - self._last_maybe >= policy.phrase_gap
        ):
            candidate.maybe = True
            self._last_maybe = score.at
            events.append(MaybeHuman(score.at, candidate.onset, confidence, why))
        if candidate.known_repeat() and not candidate.announced:
            candidate.announced = True
            events.append(AnnouncementHeard(score.at, candidate.onset, "heard before in this call"))
        if candidate.over():
            if not candidate.announced and candidate.music_after >= 0.5:
                events.append(AnnouncementHeard(score.at, candidate.onset, "music went on after it"))
            self._unsettled = candidate
            self._candidate = None
        self._settle(score, heard)
        return events

    def _settle(self, score: Scored, heard: Kind) -> None:
        """A voice nobody was taken for was a recording: once music plays again or it has long been quiet."""
        quiet = self._background.quiet
        if self._unsettled is not None and (heard == "music" or quiet >= _SETTLED or self._unsettled.known_repeat()):
            self._past.learn(self._unsettled, live=False)
            self._unsettled = None

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
                    self._past.learn(self._resumed, live=False)
                    self._segments.mark(self._resumed.onset, score.at, "announcement")
                self._false += talk.silence < policy.nobody_silence
                self._park(score.at)
                return [NobodyThere(score.at, why)]
            if since > policy.probation:
                if self._resumed is not None:
                    self._past.learn(self._resumed, live=True)
                self._resumed_at = None
                self._resumed = None
        elif score.voice >= 0 and heard == "speech" and score.repeated < 0.5:
            self._past.alive[score.voice] = self._past.alive.get(score.voice, 0.0) + score.seconds
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
    if score.speech >= (0.5 if max(score.music, score.singing) >= 0.4 else 0.4) and score.speech >= score.singing:
        return "speech"
    if score.music >= 0.5 or score.singing >= 0.5:
        return "music"
    if score.noise >= 0.5:
        return "noise"
    return "silence"


def _share(odds: float) -> float:
    return round(1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds)))), 3)


class _Background:
    """What the line carried before a voice began."""

    def __init__(self) -> None:
        self.quiet = 0.0  # seconds of quiet up to now
        self.since_music = 1e9  # seconds since music was last heard
        self.since_tone = 1e9  # seconds since a tone was last heard
        self.since_speech = 1e9  # seconds since a voice was last heard
        self.floor = -96.0  # loudest floor of the quiet up to now, dBFS
        self.music_level = -96.0  # dBFS, of the music of the last seconds
        self.talk = 0.0  # share of the last minute or so in which a voice was heard

    def hear(self, score: Scored, heard: Kind) -> None:
        step = score.seconds
        self.since_music = 0.0 if heard == "music" else self.since_music + step
        self.since_tone = 0.0 if heard == "tone" else self.since_tone + step
        self.since_speech = 0.0 if heard == "speech" else self.since_speech + step
        if heard == "music":
            self.music_level += min(1.0, (step / 4.0 if self.music_level > -90.0 else 1.0)) * (
                score.level - self.music_level
            )
        self.talk += (step / 60.0) * ((1.0 if heard == "speech" else 0.0) - self.talk)
        if heard in ("silence", "noise"):
            self.floor = score.floor if self.quiet == 0.0 else max(self.floor, score.floor)
            self.quiet += step
        else:
            self.quiet = 0.0


class _Past:
    """What earlier voices of this call turned out to be."""

    def __init__(self) -> None:
        self.recorded: dict[int, float] = {}  # voice -> seconds heard as a recording
        self.alive: dict[int, float] = {}  # voice -> seconds heard live
        self.gaps: list[float] = []  # seconds of quiet before recordings, the last few
        self.floors: list[float] = []  # dBFS, floor of the quiet around recordings, the last few
        self.levels: list[float] = []  # dBFS, loudness of recordings, the last few
        self.waits: list[float] = []  # seconds of quiet between recordings and the music after them, the last few
        self.repeats = 0  # recordings that had been heard before
        self.count = 0  # recordings heard

    def learn(self, candidate: _Candidate, live: bool) -> None:
        if candidate.spoken < 1.2 or candidate.speech < 0.8 * candidate.spoken:
            return  # too short or too unsure to have been a voice: a slip in the music
        kept = self.alive if live else self.recorded
        if candidate.voice >= 0:
            kept[candidate.voice] = kept.get(candidate.voice, 0.0) + candidate.spoken
        if not live:
            self.count += 1
            self.repeats += candidate.known_repeat()
            if candidate.music_after > 0.0:
                self.waits = [*self.waits[-5:], candidate.longest]
            self.gaps = [*self.gaps[-5:], candidate.gap]
            self.floors = [*self.floors[-5:], candidate.room]
            self.levels = [*self.levels[-5:], candidate.loudness / candidate.spoken]


class _Candidate:
    """A voice on hold, and the evidence about it."""

    def __init__(self, score: Scored, before: _Background, since_hold: float) -> None:
        self.onset = round(score.at - score.seconds, 2)
        self.gap = before.quiet
        self.room = before.floor if before.quiet > 0 else -96.0
        self.since_music = before.since_music
        self.after_music = before.since_music <= 20.0
        self.since_tone = before.since_tone
        self.since_speech = before.since_speech
        self.talk = before.talk
        self.since_hold = since_hold
        self.music_level = before.music_level
        self.longest = 0.0  # seconds of quiet after the voice, before music came
        self.soft_music = 0.0  # seconds of music since the voice stopped, turned down as against before
        self.spoken = 0.0  # seconds of voice
        self.first = 0.0  # seconds of voice before the first pause of 0.5 s
        self.run = 0.0  # seconds of voice without a pause of 0.5 s
        self.quiet = 0.0  # seconds since the voice stopped, without music
        self.music_after = 0.0  # seconds of music since the voice stopped
        self.turns = 0  # pauses of 0.5 s or more in which no music came
        self.music = 0.0  # sums over the voice: of the music score,
        self.singing = 0.0  # of the singing score,
        self.speech = 0.0  # of the speech score,
        self.loudness = 0.0  # of the level
        self.repeated = 0.0  # seconds of voice that were heard before
        self.familiar = 0.0  # likeness to the nearest voice, the last one
        self.voice = -1
        self.phrase_at: float | None = None
        self.after_phrase = 0.0  # seconds of voice since a phrase of ours began
        self.answers = False  # it began soon after a phrase of ours
        self.maybe = False
        self.announced = False

    def hear(self, score: Scored, heard: Kind) -> None:
        step = score.seconds
        if heard == "speech":
            if self.quiet >= 0.5:
                self.turns += 1
                self.run = 0.0
            self.spoken += step
            self.run += step
            if self.phrase_at is not None:
                self.after_phrase += step
            if self.turns == 0:
                self.first += step
            self.quiet = self.longest = 0.0
            self.music_after = self.soft_music = 0.0
            self.music += step * score.music
            self.singing += step * score.singing
            self.speech += step * score.speech
            self.loudness += step * score.level
            if score.repeated >= 0.5:
                self.repeated += step
            if score.voice >= 0:
                self.voice = score.voice
                self.familiar = score.familiar
        elif heard in ("music", "tone"):
            if heard == "music" and score.level <= self.music_level - _TURNED_DOWN:
                self.soft_music += step
            self.music_after += step
        else:
            self.quiet += step
            if self.music_after == 0.0:
                self.longest += step
            if self.quiet >= 0.3:
                self.room = max(self.room, score.floor)

    def reaction(self, at: float) -> float:
        """-1: talks on over our phrase; 1: stopped for it, or answers it; 0: neither, or none was played."""
        if self.answers:
            return 1.0
        if self.phrase_at is None or at - self.phrase_at < 0.8:
            return 0.0
        if self.quiet >= 0.4 and self.music_after == 0.0:
            return 1.0 if self.after_phrase < 2.0 else 0.0
        return -1.0 if self.after_phrase >= 3.0 else 0.0

    def broke_silence(self, past: _Past) -> bool:
        """A sure voice on a hold that was silent from its beginning."""
        silent = self.since_hold >= 10.0 and self.since_music > self.since_hold and past.count == 0
        return silent and self.spoken >= 0.3 and self.speech >= 0.8 * self.spoken

    def waited(self, past: _Past) -> bool:
        """It spoke surely and alone, where music had played, and two seconds later there still is none."""
        alone = self.speech >= 0.8 * self.spoken and self.music < 0.3 * self.spoken and self.repeated == 0.0
        known = past.recorded.get(self.voice, 0.0) > past.alive.get(self.voice, 0.0)
        longest = max(past.waits, default=0.0)
        return alone and not known and self.spoken >= 1.0 and 2.1 <= self.quiet >= longest + 0.5 and self.after_music

    def known_repeat(self) -> bool:
        return self.repeated >= 0.6 and self.repeated >= 0.3 * self.spoken

    def gives_way(self) -> bool:
        """Whether a voice that starts now is another one: music came between, or a long talk or a mere blip before."""
        if self.music_after - self.soft_music >= 0.3:
            return True
        unsure = self.spoken < 0.4 or self.speech < 0.8 * self.spoken
        return self.quiet >= 0.4 and (unsure or (self.quiet >= _NEW_TURN and self.spoken >= _LONG_TURN))

    def over(self) -> bool:
        return self.music_after >= 1.0 or self.quiet >= 2.6

    def evidence(self, past: _Past) -> Evidence:
        """What speaks for and against a live person."""
        spoken = max(self.spoken, 0.16)
        from_music = self.since_music <= self.gap + 0.4
        known, person = past.recorded.get(self.voice, 0.0), past.alive.get(self.voice, 0.0)
        likeness = max(0.0, self.familiar - 0.5) * 2.0 if self.voice >= 0 else 0.0
        loud = self.loudness / spoken
        return Evidence(
            gap=min(self.gap, 8.0) if from_music else 8.0,
            silent_before=0.0 if from_music else min(self.gap, 8.0),
            since_music=min(self.since_music, 30.0),
            since_tone=min(self.since_tone, 30.0),
            since_voice=min(self.since_speech, 30.0),
            talk=self.talk,
            since_hold=min(self.since_hold, 6.0),
            music_under=min(1.0, self.music / spoken),
            singing_under=min(1.0, self.singing / spoken),
            speech=min(1.0, self.speech / spoken),
            room=max(-80.0, min(-35.0, self.room)),
            new_room=max(-20.0, min(20.0, self.room - max(past.floors))) if past.floors else 0.0,
            heard_before=min(1.0, self.repeated / 0.6),
            repeats=past.repeats / past.count if past.count >= 2 and spoken >= 1.2 and self.repeated == 0.0 else 0.0,
            recorded_voice=likeness if known > person else 0.0,
            person_voice=likeness if person > known else 0.0,
            spoken=min(self.spoken, 12.0),
            first=min(self.first, 12.0),
            run=min(self.run, 12.0),
            turns=min(self.turns, 3.0),
            quiet=min(self.quiet, 3.0),
            quiet_surplus=max(-3.0, min(3.0, self.quiet - max(past.waits))) if past.waits else 0.0,
            music_after=min(1.0, max(0.0, self.music_after - self.soft_music)),
            soft_music=min(1.0, self.soft_music),
            like_announcement=min((abs(self.gap - gap) for gap in past.gaps), default=3.0),
            like_loudness=min((abs(loud - level) for level in past.levels), default=20.0),
        )


def weigh(found: Evidence) -> float:
    """Log odds that a live person speaks: the sum of what each tree of the table says."""
    total = 0.0
    for tree in TREES:
        node = 0
        while True:
            feature, edge, left, right = tree[node]
            if feature < 0:
                total += edge
                break
            node = left if found[feature] <= edge else right
    return total


def reasons(found: Evidence, live: bool) -> str:
    """The strongest evidence in words."""
    said = [text for test, text in (_FOR if live else _AGAINST) if test(found)]
    return ", ".join(said[:3]) or "a voice"


_Reason = tuple[Callable[[Evidence], bool], str]
_FOR: Final[tuple[_Reason, ...]] = (
    (lambda e: e.quiet >= 0.6, "it waits in silence"),
    (lambda e: 0.4 <= e.gap < 8.0, "the music had stopped"),
    (lambda e: e.since_tone < 6.0, "after ringing"),
    (lambda e: e.person_voice > 0.0, "the voice of the person from before"),
    (lambda e: e.new_room >= 6.0, "a room on the line that was not there before"),
    (lambda e: e.repeats >= 0.5, "new on a hold that repeats itself"),
    (lambda e: e.turns >= 1, "words with pauses"),
    (lambda e: e.silent_before >= 2.0, "after silence"),
)
_AGAINST: Final[tuple[_Reason, ...]] = (
    (lambda e: e.heard_before > 0.0, "heard before in this call"),
    (lambda e: e.recorded_voice > 0.0, "the voice of an announcement"),
    (lambda e: e.music_after > 0.0, "music went on after it"),
    (lambda e: e.music_under >= 0.4, "music under the voice"),
    (lambda e: e.gap < 0.3, "it began with the music"),
    (lambda e: e.run >= 4.0, "it talks on"),
)


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
        if heard in ("silence", "noise", "tone") and not agent_speaking:
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
        while self._done and score.at - self._done[0][1] >= _SETTLED:
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
            self._marks = [mark for mark in self._marks if mark[1] > end - _SETTLED]
        return SegmentHeard(round(start, 2), round(end, 2), kind)


_LEAST: Final[dict[Kind, float]] = {
    "speech": 0.3, "music": 0.6, "announcement": 0.3, "tone": 0.3, "noise": 0.6, "silence": 0.45,
}  # fmt: skip
_SETTLED: Final = 5.0  # seconds after which the kind of a voice is settled
