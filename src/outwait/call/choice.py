"""Which of the call's engines speaks: a cheap one to machines, the wanted one to people, the next when one fails."""

from __future__ import annotations

from outwait.call.setup import Means, Setup


class Choice:
    """Remembers who is spoken to, and who has been given up."""

    def __init__(self, setup: Setup) -> None:
        self._people = setup.means
        self._machines = setup.means if setup.machine is None else (setup.machine, *setup.means)
        self._given_up: set[str] = set()
        self.machine = setup.machine is not None  # who answers is taken for a machine until it is known to be none

    @property
    def engine(self) -> Means:
        """The one that works now."""
        left = self._left
        return left[0] if left else self._order[-1]

    @property
    def voice(self) -> str:
        """The engine that people hear, now or as soon as there is one: its voice is the agent's."""
        left = [means for means in self._people if means.engine not in self._given_up]
        return (left[0] if left else self._people[-1]).engine

    @property
    def last(self) -> bool:
        """There is none to turn to after it."""
        return len(self._left) <= 1

    def give_up(self) -> None:
        """It has failed for good."""
        self._given_up.add(self.engine.engine)

    def speak_to(self, *, machine: bool) -> bool:
        """Whether another engine is to speak now."""
        before = self.engine
        self.machine = machine
        return self.engine != before

    @property
    def _order(self) -> tuple[Means, ...]:
        return self._machines if self.machine else self._people

    @property
    def _left(self) -> list[Means]:
        return [means for means in self._order if means.engine not in self._given_up]
