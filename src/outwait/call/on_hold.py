"""Into a hold, out of it, and back into it when nobody was there: what every part of the call does then."""

from __future__ import annotations

from outwait.call import hold
from outwait.call.clock import MediaClock
from outwait.call.commands import AnyCommand, Tell
from outwait.call.conversation import Conversation
from outwait.call.course import Course
from outwait.call.first_leg import FirstLeg
from outwait.call.handover import HandOver
from outwait.call.holds import Holds
from outwait.call.machines import Machines
from outwait.call.notes import HoldEnded
from outwait.call.our_user import OurUser
from outwait.call.scout import Scout
from outwait.call.silence import Silence
from outwait.call.states import Phase

_NOBODY = "That was a recording or noise, not a person; the hold goes on."


class OnHold:
    """Of one call."""

    def __init__(
        self,
        media: MediaClock,
        course: Course,
        line: FirstLeg,
        talk: Conversation,
        holds: Holds,
        scout: Scout,
        machines: Machines,
        silence: Silence,
        handover: HandOver,
        our_user: OurUser,
    ) -> None:
        self._media = media
        self._course = course
        self._line = line
        self._talk = talk
        self._holds = holds
        self._scout = scout
        self._machines = machines
        self._silence = silence
        self._handover = handover
        self._our_user = our_user

    def park(self, why: str, now: float, since: float) -> list[AnyCommand]:
        """The other side holds, since media s `since`: no session is paid for."""
        if self._course.phase is not Phase.TALKING:
            return []
        at = self._media.at
        self._silence.parked()
        commands = self._handover.cancel("the other side holds again", at)
        commands += self._course.enter(Phase.HOLDING, why)
        commands += self._holds.begin(since, at, why)
        return commands + self._talk.park(now, at)

    def resume(self, heard: hold.HumanReturned, now: float) -> list[AnyCommand]:
        """A person is back."""
        if self._course.phase is not Phase.HOLDING:
            return []
        at = self._media.at
        onset, held, said = self._holds.end(heard, at)
        commands = self._talk.speak_to(machine=False, now=now, at=at)
        self._scout.resumed()
        self._talk.resume(onset, held, said, rang=self._holds.rang)
        self._silence.resumed(now)
        ringing = self._our_user.ring_at_once(held, now)
        commands += self._course.enter(Phase.RESUMING, heard.why)
        commands.append(Tell(HoldEnded(at=onset, decided_at=at, confidence=heard.confidence, why=heard.why)))
        return commands + ringing + self._talk.playout.advance(self._line.stream, at)

    def nobody_there(self, at: float, why: str, now: float) -> list[AnyCommand]:
        """Whoever was taken for a person was none."""
        if self._course.phase not in (Phase.RESUMING, Phase.TALKING):
            return []
        self._silence.over()
        self._machines.forget()
        asked = self._talk.asked_since_park
        self._talk.context.happened(_NOBODY)
        commands, _ = self._talk.playout.interrupt(self._line.stream)
        commands += self._handover.cancel("nobody was there", at)
        commands += self._course.enter(Phase.HOLDING, why)
        return commands + self._holds.goes_on(at, asked, why) + self._talk.park(now, at)
