"""Which phase a call is in, along its table, and which one it goes back to when its stream is back."""

from __future__ import annotations

from outwait.call import notes
from outwait.call.clock import MediaClock
from outwait.call.commands import AnyCommand, Tell
from outwait.call.states import PHASE, Phase, allowed

_UP = (Phase.TALKING, Phase.HOLDING, Phase.RESUMING)


class Course:
    """Of one call. Every change is told."""

    def __init__(self, media: MediaClock) -> None:
        self.phase = Phase.QUEUED
        self._before = Phase.TALKING  # the phase to which a stream that is back goes
        self._media = media

    @property
    def beneath(self) -> Phase:
        """The phase, or the one that a stream would bring back."""
        return self._before if self.phase is Phase.DETACHED else self.phase

    def enter(self, phase: Phase, why: str = "") -> list[AnyCommand]:
        """Nothing, when it is there already."""
        if phase is self.phase:
            return []
        if not allowed(PHASE, self.phase, phase):
            raise AssertionError(f"no edge from {self.phase} to {phase}")
        self.phase = phase
        return [Tell(notes.Phase(at=self._media.at, phase=phase.value, why=why))]

    def talk(self) -> list[AnyCommand]:
        """Who was to come back is there, or need not come: the agent talks."""
        return self.enter(Phase.TALKING) if self.phase is Phase.RESUMING else []

    def detach(self, *, afresh: bool = False) -> list[AnyCommand]:
        """The stream is gone. `afresh`: with the next one somebody else begins."""
        if afresh:
            self._before = Phase.TALKING
        elif self.phase in _UP:
            self._before = self.phase
        if self.phase is Phase.DETACHED:
            return []
        return [Tell(notes.Detached(at=self._media.at)), *self.enter(Phase.DETACHED)]

    def attach(self) -> list[AnyCommand]:
        """There is a stream."""
        if self.phase is Phase.DETACHED:
            return self.enter(self._before)
        return self.enter(Phase.TALKING) if self.phase in (Phase.DIALING, Phase.RINGING) else []
