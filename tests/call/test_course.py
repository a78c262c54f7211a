"""The phase of a call, and the one that its stream brings back."""

from __future__ import annotations

import pytest

from outwait.call import notes
from outwait.call.clock import MediaClock
from outwait.call.commands import AnyCommand, Tell
from outwait.call.course import Course
from outwait.call.states import Phase


def course(*phases: Phase) -> Course:
    one = Course(MediaClock())
    for phase in phases:
        one.enter(phase)
    return one


def told(commands: list[AnyCommand]) -> list[str]:
    notes_ = [command.note for command in commands if isinstance(command, Tell)]
    return [note.phase if isinstance(note, notes.Phase) else type(note).__name__ for note in notes_]


def test_only_edges_of_the_table_are_gone() -> None:
    one = course(Phase.DIALING)
    assert told(one.enter(Phase.TALKING)) == ["talking"]
    assert one.enter(Phase.TALKING) == [], "where it is already"
    with pytest.raises(AssertionError, match="no edge"):
        one.enter(Phase.RESUMING)


@pytest.mark.parametrize("phase", [Phase.HOLDING, Phase.RESUMING])
def test_a_stream_brings_back_the_phase_it_was_lost_in(phase: Phase) -> None:
    one = course(Phase.DIALING, Phase.TALKING, Phase.HOLDING, phase)
    assert told(one.detach()) == ["Detached", "detached"]
    assert one.beneath is phase
    assert one.detach() == [], "once"
    assert told(one.attach()) == [phase.value]
    assert one.beneath is phase


def test_whoever_calls_back_is_talked_to() -> None:
    one = course(Phase.DIALING, Phase.TALKING, Phase.HOLDING)
    one.detach(afresh=True)
    assert told(one.attach()) == ["talking"]


def test_a_leg_that_was_never_answered_has_nothing_to_go_back_to() -> None:
    one = course(Phase.DIALING)
    one.detach()
    assert told(one.attach()) == ["talking"]


def test_only_who_resumes_begins_to_talk() -> None:
    one = course(Phase.DIALING, Phase.TALKING, Phase.HOLDING)
    assert one.talk() == []
    one.enter(Phase.RESUMING)
    assert told(one.talk()) == ["talking"]
