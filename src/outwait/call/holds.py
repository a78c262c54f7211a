"""The holds of a call: since when, what is said in them while nobody is there for sure, and what they came to.

`HoldLogic` judges the line; this keeps the books of what the call made of it.
"""

from __future__ import annotations

from typing import assert_never

from outwait.call import acts, hold, notes
from outwait.call.commands import AnyCommand, Tell
from outwait.call.conversation import Conversation
from outwait.call.cost import Meter
from outwait.call.phrasebook import SITUATIONS
from outwait.call.setup import Setup

RINGBACK_SECONDS = 1.0  # of tone on hold: it rings somewhere else


class Holds:
    """Of one call, one after the other."""

    def __init__(self, setup: Setup, talk: Conversation, meter: Meter) -> None:
        self.logic = hold.HoldLogic(setup.policy.hold, on_hold=False)
        self.waited: list[float] = []  # media s of the holds that a person ended
        self._setup = setup
        self._policy = setup.policy
        self._talk = talk
        self._meter = meter
        self._count = 0  # so far
        self._began = 0.0  # media s
        self._resumed = 0.0  # media s: onset of the words that ended the last one
        self._phrases = 0  # said in this one
        self.rang = False  # in it, it rang somewhere else: who comes then is not who left

    def judged(self, heard: hold.HoldEvent, *, waiting: bool) -> list[acts.Step]:
        """What the line has come to. `waiting`: for a person, and nothing else is to be done."""
        match heard:
            case hold.HoldSuspected(at=at, onset=onset, why=why):
                return [acts.Hold(at, onset, why)]
            case hold.MaybeHuman(at=at, onset=onset, confidence=confidence, why=why):
                if waiting:
                    self._suspected(at)
                return [Tell(notes.MaybeHuman(at=at, onset=onset, confidence=confidence, why=why))]
            case hold.HumanReturned():
                return [acts.Back(heard)]
            case hold.NobodyThere(at=at, why=why):
                return [acts.Nobody(at, why)]
            case hold.LineDead(why=why):
                return [acts.End("indeterminate", f"line_dead: {why}")]
            case hold.SegmentHeard(start=start, end=end, kind=kind):
                self.rang = self.rang or (kind == "tone" and end - start >= RINGBACK_SECONDS)
                return [Tell(notes.HoldPart(start=start, end=end, part=kind))]
            case hold.AnnouncementHeard():
                return []
            case _:
                assert_never(heard)

    def begin(self, since: float, at: float, why: str) -> list[AnyCommand]:
        """The call is parked at `at`; the hold has gone on since `since`, media s."""
        self._began = since
        self._phrases = 0
        self.rang = False
        self._count += 1
        self.logic.enter_hold(at)
        return [Tell(notes.HoldBegan(at=since, why=why))]

    def runs(self, at: float) -> None:
        """The hold has gone on to media second `at`."""
        self._meter.note_hold(self._count, at - self._began)

    def limit(self, at: float) -> str:
        """The limit that has been reached by the present hold: nobody is to be waited for any longer; "": none."""
        return "hold_limit" if at - self._began > self._policy.max_hold_seconds else ""

    def end(self, heard: hold.HumanReturned, at: float) -> tuple[float, float, str | None]:
        """A person is back. Where their words began and how long we waited, media s, and what was said to them."""
        said = None
        if self._may_say(at):
            said = self._say(at)
        elif self._phrases:
            said = self._setup.phrases.get("resume")
        onset = self._resumed = max(heard.onset, self._began)
        held = onset - self._began
        self._meter.note_hold(self._count, held)
        self.waited.append(round(held, 1))
        return onset, held, said

    def goes_on(self, at: float, asked: bool, why: str) -> list[AnyCommand]:
        """Nobody was there. `asked`: a response was."""
        self.rang = False
        return [Tell(notes.HoldWentOn(since=self._resumed, at=at, asked=asked, why=why))]

    def _suspected(self, at: float) -> None:
        """Perhaps somebody is there: they are told that we are."""
        most = self._policy.phrases_per_hold + int((at - self._began) / self._policy.phrase_more)
        if self._phrases < most and self._may_say(at) and self._talk.playout.quiet:
            self._phrases += 1
            self._say(at)

    def _may_say(self, at: float) -> bool:
        return self._talk.sayings.age(at) >= self._policy.phrase_pause

    def _say(self, at: float) -> str | None:
        text = self._talk.sayings.say(SITUATIONS["resume"], at)
        if text is not None:
            self.logic.phrase_played(at)
        return text
