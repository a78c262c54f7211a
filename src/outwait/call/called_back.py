"""The other side calls back: their leg is over and the task is not, until they ring."""

from __future__ import annotations

from outwait.call.call_back import GOODBYE, CallBack, Stage
from outwait.call.call_back import WAIT as CALL_BACK
from outwait.call.clock import Deadlines, MediaClock
from outwait.call.commands import AnyCommand, Tell
from outwait.call.conversation import Conversation
from outwait.call.course import Course
from outwait.call.first_leg import WAITS as OF_THE_LINE
from outwait.call.first_leg import FirstLeg
from outwait.call.holds import Holds
from outwait.call.notes import CallBack as CallBackNote
from outwait.call.silence import WAITS as OF_SILENCE

WAITS_OF_A_LIVING_CALL = (*OF_THE_LINE, *OF_SILENCE, "session retry", "gate", "drain", CALL_BACK, GOODBYE)


class CalledBack:
    """Joins the promise (`CallBack`) with what the line and the talk do then."""

    def __init__(
        self,
        waits: Deadlines,
        media: MediaClock,
        course: Course,
        line: FirstLeg,
        talk: Conversation,
        holds: Holds,
        promise: CallBack,
    ) -> None:
        self._waits = waits
        self._media = media
        self._course = course
        self._line = line
        self._talk = talk
        self._holds = holds
        self._promise = promise

    def promised(self, words: str, now: float) -> list[AnyCommand]:
        """They have said that they will."""
        self._promise.promise(words, now)
        return [Tell(CallBackNote(at=self._media.at, state="promised", why=words))]

    def wait(self, now: float) -> list[AnyCommand]:
        """Their leg is over, and its stream and session with it."""
        if self._promise.stage is Stage.WAITING:
            return []
        self._waits.clear(*WAITS_OF_A_LIVING_CALL)
        self._promise.wait(now)
        commands = self._line.let_go(now)
        commands += self._talk.close("ended", now, self._media.at)
        self._holds.logic.leave_hold(self._media.at)  # it is over with the line; who calls back is talked to
        commands.append(Tell(CallBackNote(at=self._media.at, state="waiting", why=self._promise.why)))
        return commands + self._course.detach(afresh=True)

    def came(self, carrier_call_id: str, now: float) -> list[AnyCommand]:
        """They ring."""
        if self._promise.stage is not Stage.WAITING:
            return []
        at = self._media.read(now)
        self._talk.called_back(at - self._media.at, at)
        self._promise.came(at)
        return [Tell(CallBackNote(at=at, state="back")), *self._line.came_back(carrier_call_id, now)]
