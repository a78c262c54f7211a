"""Where no server plays the model: the engine runs in the program itself, and hears for itself."""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from outwait.sim.cascade_bill import CascadeBill
from outwait.sim.hearing import Hearing
from outwait.sim.scenario import Listen, Scenario

REAL = 1.0  # media s a second of a talk in which every word is understood from its sound
PATIENT = 40.0  # media s that the person waits for an answer which a slow or busy machine has to make
QUIET = 4.0  # media s of silence between two sentences, or after a filler, that such a machine may need


def patient(scenario: Scenario) -> Scenario:
    """The same with talk in real time, and people who wait for a slow machine."""
    steps = tuple(
        replace(step, listen=PATIENT, quiet=max(step.quiet, QUIET)) if isinstance(step, Listen) else step
        for step in scenario.steps
    )
    return replace(scenario, steps=steps, pace=replace(scenario.pace, talk=REAL))


class Nobody:
    """In a server's place: nothing is asked of it."""

    connections: tuple[Any, ...] = ()
    open_sockets = 0
    most_open = 0
    appended_ms = 0.0
    responses = 0

    def __init__(self, hearing: Hearing) -> None:
        self.hearing = hearing
        self.bill = CascadeBill()
        self.errors: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None
