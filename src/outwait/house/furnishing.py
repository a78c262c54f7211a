"""What a house works with: its store, carrier, engines, rules and agents. `compose` furnishes it from the settings."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from outwait.agent import Staffed
from outwait.audio.ear import Ear
from outwait.call.cost import Prices
from outwait.call.notes import Reacted
from outwait.call.policy import Policy
from outwait.call.setup import DISCLOSURE
from outwait.carriers.base import Carrier
from outwait.engines.base import Engine
from outwait.house.desk import Guard
from outwait.house.recording import Recordings
from outwait.house.transcriber import Recogniser
from outwait.runner import Phrases
from outwait.store.base import ApiKey, Store


@dataclass(frozen=True, slots=True)
class House:
    """What the switchboard works with."""

    store: Store
    carrier: Carrier
    engines: Mapping[str, Engine]
    ear: Ear
    phrases: Phrases
    policy: Policy
    prices: Callable[[str, str], Prices]  # (engine, model); every engine of the house has a price
    engine: str  # the default one
    engine_menu: str = ""  # that which speaks to menus and queues; "": the same
    failover: tuple[str, ...] = ()  # engines to turn to, in this order, when the one before is given up
    guard: Guard | None = None  # None: every call may be placed
    keys: Callable[[str], Awaitable[ApiKey | None]] | None = None  # whose API key this is
    process: str = ""  # who holds the lease on the calls that run here; "": nobody, and every call is free
    recordings: Recordings | None = None  # None: nothing is recorded
    disclosure: str = DISCLOSURE  # how the agent names itself; "": it does not
    language: str = "en"  # of the phrases: one of `phrasebook.LANGUAGES`
    recogniser: Recogniser | None = None  # reads menus and announcements; None: nothing does
    staff: Mapping[str, Staffed] = field(default_factory=dict)  # agents by name, the usual one first
    webhook: Callable[[str | None], str] = lambda wanted: ""  # whom to tell of a call's end, "": nobody; raises Refused
    on_ended: Callable[[], None] = lambda: None  # a call has ended, and is written down
    wall: Callable[[], float] = time.time
    on_reacted: Callable[[Reacted], None] = lambda note: None  # observes how long people waited
    on_law_broken: Callable[[str], None] = lambda law: None  # counts
