"""All that a call is made with. It is stored with the call, so that the call can be rebuilt."""

from __future__ import annotations

from typing import Literal

import msgspec

from outwait.call.cost import Prices
from outwait.call.policy import Policy
from outwait.call.tools import ToolSpec

DISCLOSURE = "the AI assistant"
"""How the agent names itself to whoever picks up, and again to whoever comes back after a hold."""


def phrases(disclosure: str, human: Human | None = None) -> dict[str, str]:
    """What is said before the engine can say anything. Made once per voice and text, and kept.

    Another person may be listening after a hold, so the first words say what is speaking. `disclosure`: how the agent
    names itself; "": it does not. `human`: who is rung when a person is back.
    """
    this_is = f"this is {disclosure}, " if disclosure else ""
    ours: dict[str, str] = {}
    if human is not None:
        name = human.name or "the person I call for"
        ours = {
            "putting_through": f"One moment please, {this_is}I'm putting you through to {name}.",
            "whisper": human.whisper,
        }
    return ours | {
        "resume": f"Yes, hello, {this_is}I'm here.",
        "resume_again": f"Hello, yes, {this_is}I'm still on the line.",
        "pickup": "One moment please, I'll be right with you.",
        "apology": "I'm sorry, I have a technical problem and can't go on. I will call again. Goodbye.",
        "budget": "I'm sorry, I have to end this call now. Thank you, goodbye.",
    }


class Human(msgspec.Struct, frozen=True, kw_only=True):
    """Our user, who wants to speak with the other side in person."""

    number: str  # E.164
    name: str = ""  # as the other side is to hear it
    when: Literal["returns", "asked"] = "returns"
    # returns: as soon as a person is back after a hold; asked: when the agent calls transfer_call with this number
    agent: Literal["leaves", "stays"] = "leaves"
    # once both are connected. stays: the session is open, and costs
    whisper: str = "They are on the line."
    # what our user hears first


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
    machine: Means | None = None  # speaks to menus and queues instead of them; None: they do
    disclosure: str = DISCLOSURE  # how the agent names itself; "": it does not
    phrases: dict[str, str] = msgspec.field(default_factory=lambda: phrases(DISCLOSURE))  # name -> text
    metadata: dict[str, object] = msgspec.field(default_factory=dict)
    human: Human | None = None  # who is rung when a person is there; None: nobody
    transfer_countries: tuple[str, ...] | None = None  # ISO 3166 letters that the key allows; None: it has no rule
    recogniser: str = ""  # what reads the far end's voice on this machine; "": nothing does
    agent: str = ""  # which of the server's agents speaks; "": the plain one
    instructions: str = ""  # what that agent is told beside the task
    tools: tuple[ToolSpec, ...] = ()  # of that agent, beside those that every agent has
    outcome_schema: dict[str, object] | None = None  # JSON Schema of the result to bring back; None: words will do

    @property
    def means(self) -> tuple[Means, ...]:
        """All engines of this call, the wanted one first."""
        return (Means(self.engine, self.model, self.prices), *self.reserves)

    @property
    def by_time(self) -> bool:
        """All of them bill by the second of an open session."""
        used = self.means if self.machine is None else (self.machine, *self.means)
        return all(means.prices.by_time for means in used)
