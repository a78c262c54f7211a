"""Whom the agent is to talk to, and so which session is wanted."""

from __future__ import annotations

from outwait.call.conversation import Want
from outwait.call.course import Course
from outwait.call.handover import HandOver
from outwait.call.scout import Scout
from outwait.call.states import Phase


class Audience:
    """At the other end of one call."""

    def __init__(self, course: Course, scout: Scout, handover: HandOver) -> None:
        self._course = course
        self._scout = scout
        self._handover = handover

    @property
    def want(self) -> Want:
        """The session that is wanted for it."""
        phase = self._course.phase
        if self._handover.agent_away:
            return "none"
        if phase is Phase.TALKING and self._scout.holds_back:
            return "warm" if self._scout.answering.open else "drain"
        if phase in (Phase.TALKING, Phase.RESUMING):
            return "talk"
        return "drain" if phase is Phase.HOLDING else "none"

    @property
    def there(self) -> bool:
        """Somebody is to be answered, now or when the stream is back."""
        detached = self._course.phase is Phase.DETACHED and self._course.beneath is not Phase.HOLDING
        return detached or self.want == "talk"

    @property
    def listens(self) -> bool:
        """It is the agent's talk that it waits for, if nobody speaks."""
        return self._course.phase is Phase.TALKING and self.want == "talk"
