"""All that a call is made with. It is stored with the call, so that the call can be rebuilt."""

from __future__ import annotations

from typing import Literal

import msgspec

from outwait.call import phrasebook
from outwait.call.cost import Prices
from outwait.call.known import Known
from outwait.call.policy import Policy
from outwait.call.tools import ToolSpec

DISCLOSURE = phrasebook.DISCLOSURES["en"]
"""How the agent names itself to whoever picks up, and again to whoever comes back after a hold."""


def phrases(
    disclosure: str,
    human: Human | None = None,
    language: str = "en",
    *,
    slow: bool = False,
    recorded: bool = False,
) -> dict[str, str]:
    """Name -> words: see `phrasebook.phrases`. `human`: who is rung when a person is back."""
    ours: dict[str, str] = {}
    if human is not None:
        ours = {
            "putting_through": phrasebook.putting_through(disclosure, human.name, language),
            "whisper": human.whisper,
        }
    return ours | phrasebook.phrases(disclosure, language, slow=slow, recorded=recorded)


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
    call_back_minutes: float | None = None  # how long the task waits for a call back; None: it takes none
    transfer_countries: tuple[str, ...] | None = None  # ISO 3166 letters that the key allows; None: it has no rule
    language: str = "en"  # of the house's own sentences
    reaction: float = 0.0  # wall s that the engine lets people wait for its first sound, as far as is known
    menu_path: tuple[str, ...] = ()  # what to look for in the company's menus, in turn; (): what the task says
    known: Known | None = None  # of this number, from earlier calls
    recogniser: str = ""  # what reads the far end's voice on this machine; "": nothing does
    agent: str = ""  # which of the server's agents speaks; "": the plain one
    instructions: str = ""  # what that agent is told beside the task
    tools: tuple[ToolSpec, ...] = ()  # of that agent, beside those that every agent has
    recorded: bool = False  # and whoever listens is told so
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
