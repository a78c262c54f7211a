"""Machines on the line that the agent has to answer: it is woken for them, and goes when they have their answer."""

from __future__ import annotations

from outwait.call import acts, notes
from outwait.call.clock import MediaClock
from outwait.call.commands import AnyCommand, KeepPhrase, Tell
from outwait.call.conversation import Conversation
from outwait.call.course import Course
from outwait.call.holds import Holds
from outwait.call.scout import Scout
from outwait.call.states import Phase


class Machines:
    """What the agent tells to machines is kept: the next time no session is needed for it."""

    def __init__(self, media: MediaClock, course: Course, talk: Conversation, holds: Holds, scout: Scout) -> None:
        self._media = media
        self._course = course
        self._talk = talk
        self._holds = holds
        self._scout = scout
        self._asked = False  # the agent answers a machine, not a person

    @property
    def answering(self) -> bool:
        """The agent talks to one."""
        return self._asked

    def say(self, say: acts.Say, stream: int, now: float) -> list[AnyCommand]:
        """Tell it something; where there is no sound of it yet, the agent has to."""
        at = self._media.at
        if self._talk.sayings.say([f"say {say.text}"], at) is None:
            return self.wake(say.ask, stream, now)
        return self._talk.playout.advance(stream, at)

    def wake(self, ask: acts.Ask, stream: int, now: float) -> list[AnyCommand]:
        """The agent is needed although no person is there."""
        at = self._media.at
        self._asked = ask.machine
        commands = self._talk.speak_to(machine=ask.machine, now=now, at=at)
        commands += self._talk.wake(ask.words, ask.instructions, at, stream)
        if self._course.phase is not Phase.HOLDING:
            return commands
        self._holds.logic.leave_hold(at)
        ended = notes.HoldEnded(at=at, decided_at=at, confidence=1.0, why=ask.why)
        return [*commands, *self._course.enter(Phase.RESUMING, ask.why), Tell(ended)]

    def heard(self) -> list[acts.Step]:
        """The line has gone on: perhaps the machine has its answer."""
        if not self._asked or self._course.phase not in (Phase.TALKING, Phase.RESUMING):
            return []
        said = self._talk.has_answered
        if said is None:
            return []
        self._asked = False
        text = said.text.strip()
        self._scout.said(text)
        kept: list[acts.Step] = []
        if text:
            kept.append(KeepPhrase(text, bytes(said.audio)))
            self._talk.sayings.learn(f"say {text}", text, bytes(said.audio))
        return [*kept, acts.Wait("the machine has its answer")]

    def forget(self) -> None:
        """Nobody was there to be answered."""
        self._asked = False
