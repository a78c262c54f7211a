"""One session after the other: opened, aged, closed, tried again, with the same engine or with the next.

What a session hears and says is none of its business; which of them there is, and why it ended, is.
"""

from __future__ import annotations

from outwait.call.choice import Choice
from outwait.call.clock import Deadlines
from outwait.call.commands import AnyCommand, CloseSession, OpenSession, SeedItem, Tell
from outwait.call.cost import Meter
from outwait.call.events import SessionClosed, SessionOpened, Trouble
from outwait.call.sessions import GAVE_UP, REASONS, Chain, Link
from outwait.call.setup import Setup
from outwait.call.states import Session

LEAST_AGE = 60.0  # wall s that a session is kept, however soon its engine says that it expires
EARLY = 120.0  # wall s before that at which the next one should take over


class Succession:
    """Of one call. `gave_up`: why no further session is tried."""

    def __init__(self, setup: Setup, waits: Deadlines, meter: Meter) -> None:
        self.chain = Chain()
        self.choice = Choice(setup)
        self.gave_up: str | None = None
        self.begun = False  # one of them has been open
        self.aged = False  # the one that is there nears its limit
        self._policy = setup.policy
        self._waits = waits
        self._meter = meter

    @property
    def may_open(self) -> bool:
        """There is none, and one can be tried now."""
        return self.chain.link is None and "session retry" not in self._waits and self.gave_up is None

    def open(self, instructions: str, seed: tuple[SeedItem, ...], now: float, at: float) -> list[AnyCommand]:
        """With the engine that works now."""
        means = self.choice.engine
        link = self.chain.open(now, means.engine, means.model)
        self._meter.switch(means.prices)
        self.aged = False
        self._waits.set("session open", now + self._policy.connect_seconds + self._policy.close_seconds)
        return [link.note(at), OpenSession(link.number, means.engine, instructions, seed)]

    def opened(self, link: Link, event: SessionOpened, now: float, at: float) -> list[AnyCommand]:
        if not link.move(Session.OPEN):
            return []
        link.opened_at = at
        self._waits.clear("session open")
        age = self._policy.max_session_seconds
        if event.expires_in is not None:
            age = min(age, max(LEAST_AGE, event.expires_in - EARLY))
        self._waits.set("session age", now + age)
        self.begun = True
        return [link.note(at)]

    def runs(self, at: float) -> None:
        """It is open at media second `at`: that may cost."""
        link = self.chain.link
        if link is not None and link.opened_at is not None:
            self._meter.session_runs(link.number, at - link.opened_at)

    def speak_to(self, *, machine: bool) -> bool:
        """A person is there, or a machine: whether another engine is to take over."""
        if not self.choice.speak_to(machine=machine):
            return False
        self.chain.failures = 0
        return True

    def close(self, reason: str, now: float, at: float) -> list[AnyCommand]:
        """Nothing, when there is none or it is being closed."""
        link = self.chain.link
        if link is None or not link.move(Session.CLOSING):
            return []
        link.reason = "warmup" if reason == "hold" and not link.fed else reason
        self._waits.clear("session open", "session age", "stall")
        self._waits.set("session close", now + 2 * self._policy.close_seconds)
        return [link.note(at), CloseSession(link.number)]

    def closed(self, link: Link, event: SessionClosed) -> Trouble | None:
        """What went wrong; None: we wished it."""
        trouble = event.trouble
        if link.state is Session.CLOSING and link.reason:
            trouble = Trouble.STALLED if link.reason == "stalled" else None
        elif trouble is None:
            trouble = Trouble.LOST
        if trouble is not None:
            link.reason = link.reason or REASONS[trouble]
        return trouble

    def try_again(self, link: Link, trouble: Trouble, now: float) -> None:
        """With the same engine after a while, with the next one at once, or not any more."""
        wait = self.chain.failed(link, trouble, self._policy, last=self.choice.last)
        if wait is not None:
            self._waits.set("session retry", now + wait)
        elif not self.choice.last:
            self.choice.give_up()
            self.chain.failures = 0
            link.reason = "failover"
        else:
            self.gave_up = GAVE_UP[trouble]

    def over(self, link: Link, at: float) -> Tell:
        """It is gone."""
        self._waits.clear("session open", "session close", "session age", "stall")
        link.state = Session.CLOSED
        self.chain.link = None
        self._meter.session_over()
        return link.note(at)
