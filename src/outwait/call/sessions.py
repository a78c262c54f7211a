"""The chain of sessions: one at a time, numbered, each opened and closed once."""

from __future__ import annotations

from dataclasses import dataclass, field

from outwait.call import notes
from outwait.call.commands import Tell
from outwait.call.events import Trouble
from outwait.call.policy import Policy
from outwait.call.states import SESSION, Session, allowed

REASONS = {
    Trouble.EXPIRED: "expired",
    Trouble.LOST: "dropped",
    Trouble.STALLED: "stalled",
    Trouble.REFUSED: "refused",
    Trouble.BUSY: "refused",
}

"""Why a session ended that we did not end."""

GAVE_UP = {
    Trouble.EXPIRED: "model_lost",
    Trouble.LOST: "model_lost",
    Trouble.STALLED: "model_stalled",
    Trouble.REFUSED: "model_refused",
    Trouble.BUSY: "model_refused",
}
"""Why no further one is tried, after the last one ended so."""


@dataclass(slots=True)
class Link:
    """One session."""

    number: int
    opened: float  # wall s at which it was asked for
    engine: str
    model: str
    state: Session = Session.OPENING
    opened_at: float | None = None  # media s at which it was open
    reason: str = ""  # why we close it
    responses: set[str] = field(default_factory=set)  # running
    asked: int = 0  # responses that were asked for or begun
    due: bool = False  # a response is due that has not begun
    fed: bool = False  # it has heard the line: it was no mere warm-up
    untold: set[str] = field(default_factory=set)  # turns of the person whose words are not known yet
    useful: bool = False  # it has said something: the trouble of the ones before it is forgotten

    def move(self, state: Session) -> bool:
        """False when the table has no such edge: the news is late."""
        if not allowed(SESSION, self.state, state):
            return False
        self.state = state
        return True

    def note(self, at: float) -> Tell:
        """For the record: how it stands at `at`, media s."""
        return Tell(
            notes.SessionNote(
                session=self.number,
                state=self.state.value,
                at=at,
                engine=self.engine,
                model=self.model,
                reason=self.reason if self.state is Session.CLOSED else "",
            )
        )

    @property
    def responding(self) -> bool:
        """A response runs or is due: something must be heard of it soon."""
        return bool(self.responses or self.due)

    @property
    def busy(self) -> bool:
        """Its bill or its transcript is not complete."""
        return self.responding or bool(self.untold)


class Chain:
    """All sessions of a call; at most one of them lives."""

    def __init__(self) -> None:
        self.count = 0
        self.link: Link | None = None  # opening, open or closing
        self.failures = 0  # in a row

    def open(self, now: float, engine: str, model: str) -> Link:
        if self.link is not None:
            raise AssertionError("two sessions at a time")
        self.count += 1
        self.link = Link(self.count, now, engine, model)
        return self.link

    def of(self, number: int) -> Link | None:
        """The living session of that number; None for old ones, whose news is late."""
        return self.link if self.link is not None and self.link.number == number else None

    @property
    def ready(self) -> Link | None:
        return self.link if self.link is not None and self.link.state is Session.OPEN else None

    def failed(self, link: Link, trouble: Trouble, policy: Policy, *, last: bool) -> float | None:
        """Wall s after which the same engine is tried again; None: not any more. `last`: there is no other."""
        self.failures = 1 if link.useful else self.failures + 1
        patience = len(policy.retry_delays) if last else policy.retries_before_failover
        if not trouble.retryable or self.failures > patience:
            return None
        return policy.retry_delays[min(self.failures, len(policy.retry_delays)) - 1]
