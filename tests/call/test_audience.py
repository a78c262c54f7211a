"""Whom the agent is to talk to, in every phase."""

from __future__ import annotations

from outwait.call.audience import Audience
from outwait.call.clock import Deadlines, MediaClock
from outwait.call.course import Course
from outwait.call.handover import HandOver, Mode
from outwait.call.scout import Scout
from outwait.call.states import Phase
from outwait.testing import a_call


def test_who_is_there_and_which_session_that_wants() -> None:
    setup = a_call().setup
    course, handover = Course(MediaClock()), HandOver(setup, Deadlines())
    audience = Audience(course, Scout(setup), handover)
    seen = []
    for step in (Phase.DIALING, Phase.TALKING, Phase.HOLDING, None, Phase.HOLDING, Phase.RESUMING, None):
        course.enter(step) if step is not None else course.detach()
        seen.append((course.phase.value, audience.want, audience.there, audience.listens))
        if step is None:
            course.attach()
    assert seen == [
        ("dialing", "none", False, False),
        ("talking", "talk", True, True),
        ("holding", "drain", False, False),
        ("detached", "none", False, False),  # from a hold
        ("holding", "drain", False, False),
        ("resuming", "talk", True, False),
        ("detached", "none", True, False),  # a person was there, and will be
    ]
    course.enter(Phase.TALKING)
    handover.mode = Mode.JOINED
    assert (audience.want, audience.there) == ("none", False), "our user talks to them"
