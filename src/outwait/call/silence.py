"""Nobody on the line is left in silence: what is said while the agent is not heard yet.

Joins two small machines, `Pickup` for whoever is back after a hold and `Patience` for whoever waits for an answer, with
the phrases that are at hand.
"""

from __future__ import annotations

from outwait.call import events as ev
from outwait.call.clock import Deadlines, MediaClock
from outwait.call.commands import AnyCommand, Tell
from outwait.call.conversation import Conversation
from outwait.call.errands import Errands
from outwait.call.events import SessionEvent
from outwait.call.first_leg import FirstLeg
from outwait.call.patience import WAIT as PATIENCE
from outwait.call.patience import Patience
from outwait.call.phrasebook import SITUATIONS
from outwait.call.pickup import WAIT as PICKUP
from outwait.call.pickup import Pickup
from outwait.call.setup import Setup
from outwait.call.states import Phase

WAITS = (PICKUP, PATIENCE)
"""The names of its deadlines."""


class Silence:
    """Of one call."""

    def __init__(
        self,
        setup: Setup,
        waits: Deadlines,
        media: MediaClock,
        line: FirstLeg,
        talk: Conversation,
        errands: Errands,
    ) -> None:
        self._media = media
        self._line = line
        self._talk = talk
        self._errands = errands
        self._apologises = setup.policy.apologise
        self._pickup = Pickup(setup.policy, waits)
        self._patience = Patience(setup.policy, waits, setup.reaction)

    def parked(self) -> None:
        """Nobody waits for an answer."""
        self._patience.speaks()

    def resumed(self, now: float) -> None:
        """A person is back."""
        self._pickup.begin(now)

    def over(self) -> None:
        """Who came back hears the agent, or somebody else, or is not there."""
        self._pickup.over()

    def session(self, event: SessionEvent, now: float, *, person: bool) -> list[AnyCommand]:
        """Somebody waits for an answer: what is said meanwhile, and how long it took. `person`: it is one; a machine
        would take a short word for an answer."""
        ready = self._talk.chain.ready
        if ready is None or event.session != ready.number:
            return []
        at = self._media.read(now)
        match event:
            case ev.PersonStarted():
                self._patience.speaks()
            case ev.PersonPaused(quiet=quiet):
                word = "filler" if self._talk.spoken else "opening"
                possible = person and self._silent and self._talk.sayings.at_hand(SITUATIONS[word])
                if self._patience.paused(quiet, possible, at, now):
                    return self._say(word)
            case ev.PersonStopped():
                self._patience.stopped(at, now)
            case ev.AnswerTimed():
                self._patience.timed(event)
            case ev.AgentSpoke():
                reaction = self._patience.answered(at, now)
                return [Tell(reaction)] if reaction is not None else []
            case ev.ToolCalled() if event.name in self._errands.specs:
                self._patience.owed(at, now)
            case ev.ResponseEnded(status="completed") if not self._errands.running:
                self._patience.speaks()  # it has nothing to say
            case _:
                pass
        return []

    def passed(self, name: str, phase: Phase, now: float) -> list[AnyCommand]:
        """A deadline has come, perhaps one of ours."""
        if name == PICKUP and phase is Phase.RESUMING and self._pickup.late(self._silent, now):
            return self._say("pickup")
        late = name == PATIENCE and phase is Phase.TALKING
        if late and self._patience.late(self._silent, self._media.read(now), now):
            return self._say("moment")
        return []

    def say_goodbye(self) -> list[AnyCommand]:
        """The agent could not."""
        return self._say("goodbye") if self._silent else []

    def apologise(self) -> list[AnyCommand] | None:
        """No model can be had any more, and whoever is there is told so; None: nothing can be said."""
        possible = self._apologises and bool(self._line.stream)
        if not possible or self._talk.sayings.say(["apology"], self._media.at) is None:
            return None
        return self._talk.playout.advance(self._line.stream, self._media.at)

    @property
    def _silent(self) -> bool:
        """Nothing is being said, and something may be."""
        return self._talk.playout.quiet and bool(self._line.stream)

    def _say(self, situation: str) -> list[AnyCommand]:
        """A phrase, if there is one."""
        self._talk.sayings.say(SITUATIONS[situation], self._media.at)
        return self._talk.playout.advance(self._line.stream, self._media.at)
