"""Are we on hold, and is a live person back? Pure, on the ear's scores alone, in media time.

A voice on hold is a *candidate* from its first stretch on. Evidence for and against a live person is weighed on every
stretch, as log odds: how it began (the music stopped, the line opened), how it goes on (music under it, a voice known
from a recording, words heard before), and how it ends (a person waits in silence, a recording gives way to music).
`MaybeHuman` comes at low odds, since a phrase costs nothing; `HumanReturned` at high ones.
"""

from __future__ import annotations

import math
from collections import deque

import msgspec

from outwait.call.hold_events import (
    AnnouncementHeard,
    HoldEvent,
    HoldSuspected,
    HumanReturned,
    Kind,
    LineDead,
    MaybeHuman,
    NobodyThere,
    Scored,
    SegmentHeard,
)
from outwait.call.hold_line import Background, Line, Segments, Talk, kind_of
from outwait.call.hold_policy import FORUM_RULE, HoldPolicy
from outwait.call.hold_voice import Candidate, Evidence, Past, reasons, speaks_again, weigh

__all__ = [
    "FORUM_RULE",
    "AnnouncementHeard",
    "Evidence",
    "HoldEvent",
    "HoldLogic",
    "HoldPolicy",
    "HoldSuspected",
    "HumanReturned",
    "Kind",
    "LineDead",
    "MaybeHuman",
    "NobodyThere",
    "Scored",
    "SegmentHeard",
    "reasons",
    "weigh",
]


_TALKED = 10.0  # seconds of talk after a resume, ended by a hold that was asked for, after which it was a person
_SPEAKS_AGAIN = 7.0  # seconds within which a person who got no answer speaks again


class HoldLogic:
    """One call's hold. Feed it every score; tell it what the rest of the call decided."""

    def __init__(self, policy: HoldPolicy, on_hold: bool) -> None:
        self._policy = policy
        self._segments = Segments()
        self._line = Line(policy)
        self._holding = on_hold
        self._hold_start = 0.0
        self._talked_from: float | None = None
        self._people: list[tuple[float, float]] = []  # media seconds in which a person was talked with
        self._resumed_at: float | None = None
        self._resumed: Candidate | None = None
        self._candidate: Candidate | None = None
        self._unsettled: list[Candidate] = []
        self._past = Past()
        self._last_phrase = -1e9
        self._last_maybe = -1e9
        self._background = Background()
        self._talk = Talk()
        self._forum: deque[tuple[float, bool]] = deque()
        self._dead = False

    @property
    def holding(self) -> bool:
        """True while the call counts as being on hold."""
        return self._holding

    def hear(self, score: Scored, agent_speaking: bool) -> list[HoldEvent]:
        """One stretch, in order. `agent_speaking`: our own side was playing something during it."""
        events: list[HoldEvent] = []
        heard = kind_of(score)
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
        if not self._holding and self._talked_from is not None and at - self._talked_from >= _TALKED:
            self._people.append((self._talked_from, at))
        self._talked_from = None
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
        self._talk = Talk()

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
        if score.repeated > 0.0 and any(start <= score.at - score.ago <= end for start, end in self._people):
            score = msgspec.structs.replace(score, repeated=0.0)  # people may say the same again
        candidate = self._candidate
        if candidate is None:
            if heard != "speech":
                self._settle(score)
                return events
            candidate = self._begin(score)
            candidate.answers = 0.3 <= candidate.onset - self._last_phrase <= 4.0
        elif heard == "speech" and candidate.gives_way():
            self._unsettled.append(candidate)
            candidate = self._begin(score)
        candidate.hear(score, heard)
        found = candidate.evidence(self._past)
        odds = weigh(found) + policy.reaction_odds * candidate.reaction(score.at)
        drowned = candidate.drowned()
        odds += policy.waited_odds * found.waited * (1.0 - drowned) + policy.answered_odds * found.answered
        odds += policy.silent_hold_odds * found.broke_silence + policy.speaks_again_odds * speaks_again(found)
        odds -= policy.crowd_odds * drowned
        odds -= policy.unsure_odds * candidate.unsure()
        why = reasons(found, odds >= policy.maybe_odds)
        confidence = _share(odds)
        begun = policy.early_over_music_odds if candidate.over_music() else policy.early_odds
        since = score.at - candidate.onset
        early = max(0.0, 1.0 - since / policy.early_seconds) * begun
        late = max(0.0, min(1.0, since - policy.early_seconds)) * policy.late_odds * candidate.lasting()
        asked = policy.returned_odds + early - late + policy.learned_odds * min(self._past.false, 3)
        if odds >= asked and candidate.spoken >= policy.least_speech and candidate.new(self._past):
            events.append(HumanReturned(score.at, candidate.onset, confidence, why))
            self._segments.mark(candidate.onset, score.at, "speech")
            self._holding = False
            self._resumed_at = score.at
            self._talked_from = candidate.onset
            self._resumed = candidate
            self._candidate = None
            self._unsettled.clear()
            self._talk = Talk()
            return events
        if (
            not candidate.maybe
            and odds >= policy.maybe_odds
            and candidate.spoken >= policy.maybe_speech
            and score.at - self._last_maybe >= policy.phrase_gap
            and (self._past.repeats == 0 or candidate.new(self._past))
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
            self._unsettled.append(candidate)
            self._candidate = None
        self._settle(score)
        return events

    def _begin(self, score: Scored) -> Candidate:
        """A voice begins; it may be the one that stopped shortly before."""
        lasting = [voice for voice in self._unsettled if voice.lasting()]
        before = next((voice for voice in reversed(lasting) if score.at - voice.ended <= 8.0), None)
        alone = max(0.0, score.at - max(self._hold_start, self._past.ended, *(voice.ended for voice in lasting)))
        self._candidate = Candidate(score, self._background, score.at - self._hold_start, alone, before)
        return self._candidate

    def _settle(self, score: Scored) -> None:
        """A voice nobody was taken for, and that did not speak again as a person would, was a recording."""
        for voice in [*self._unsettled]:
            if voice.known_repeat() or score.at - voice.ended >= _SPEAKS_AGAIN:
                self._past.learn(voice, live=False)
                self._unsettled.remove(voice)

    # talking

    def _hear_talk(self, score: Scored, heard: Kind, agent_speaking: bool) -> list[HoldEvent]:
        policy = self._policy
        talk = self._talk
        talk.hear(score, heard, agent_speaking)
        if self._resumed is not None:
            self._resumed.hear(score, heard)
        if self._resumed_at is not None:
            why = self._nobody_there()
            if why:
                silent = talk.silence >= policy.nobody_silence
                if self._resumed is not None:
                    self._past.learn(self._resumed, live=False)
                    if not silent:
                        self._segments.mark(self._resumed.onset, score.at, "announcement")
                self._past.false += 1
                self._park(self._hold_start)  # the hold has gone on
                return [NobodyThere(score.at, why)]
            if score.at - self._resumed_at > policy.probation:
                if self._resumed is not None:
                    self._past.learn(self._resumed, live=True)
                self._resumed_at = None
                self._resumed = None
        else:
            talk.meet(score, heard, self._past.alive)
        if self._resumed_at is None and score.voice >= 0 and heard == "speech" and score.repeated < 0.5:
            self._past.alive[score.voice] = self._past.alive.get(score.voice, 0.0) + score.seconds
        if talk.music >= policy.music_parks:
            return self._suspect(score, score.at - talk.music, "music")
        if talk.announcement >= policy.announcement_parks:
            return self._suspect(score, score.at - talk.announcement, "an announcement")
        if talk.strange >= policy.announcement_parks:
            return self._suspect(score, score.at - talk.unbroken, "somebody new who does not stop")
        if talk.silence >= policy.silence_parks:
            return self._suspect(score, score.at - talk.silence, "silence on both sides")
        return []

    def _nobody_there(self) -> str:
        """Why nobody is on the line after all; empty when somebody may be."""
        policy, talk = self._policy, self._talk
        over_music = self._resumed is not None and self._resumed.over_music()
        if talk.music >= (policy.nobody_over_music if over_music else policy.nobody_music):
            return "music went on after the resume"
        if talk.repeated >= policy.nobody_repeat:
            return "the voice had been heard before"
        if talk.unbroken >= policy.nobody_speech:
            return "it talked on without listening"
        answered = self._resumed is not None and self._resumed.answered
        if talk.silence >= policy.nobody_silence * (2.0 if answered else 1.0):
            return "nobody said anything"
        return ""

    def _suspect(self, score: Scored, onset: float, what: str) -> list[HoldEvent]:
        self._park(score.at)
        return [HoldSuspected(score.at, max(0.0, round(onset, 2)), f"{what} for {score.at - onset:.0f} s")]

    def _park(self, since: float) -> None:
        self._holding = True
        self._talked_from = None
        self._hold_start = since
        self._resumed_at = None
        self._resumed = None
        self._candidate = None
        self._talk = Talk()

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
        self._talk = Talk()
        return [HumanReturned(score.at, onset, share, f"{share:.0%} of four seconds")]


def _share(odds: float) -> float:
    return round(1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds)))), 3)
