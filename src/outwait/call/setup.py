"""All that a call is made with. It is stored with the call, so that the call can be rebuilt."""

from __future__ import annotations

import msgspec

from outwait.call.cost import Prices
from outwait.call.policy import Policy

PHRASES: dict[str, str] = {
    "resume": "Yes, hello, I'm here.",
    "resume_again": "Hello, yes, I'm still on the line.",
    "budget": "I'm sorry, I have to end this call now. Thank you, goodbye.",
}
"""What is said before the engine can say anything. Made once per voice and text, and kept."""


class Means(msgspec.Struct, frozen=True):
    """An engine, and what it costs."""

    engine: str
    model: str
    prices: Prices


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted, with which means, at which price."""

    id: str
    to: str  # E.164
    from_: str  # E.164
    task: str
    carrier: str
    engine: str
    model: str
    policy: Policy
    prices: Prices
    reserves: tuple[Means, ...] = ()  # engines to turn to, in this order, when the one before is given up
    phrases: dict[str, str] = msgspec.field(default_factory=lambda: dict(PHRASES))  # name -> text
    metadata: dict[str, object] = msgspec.field(default_factory=dict)

    @property
    def means(self) -> tuple[Means, ...]:
        """All engines of this call, the wanted one first."""
        return (Means(self.engine, self.model, self.prices), *self.reserves)
