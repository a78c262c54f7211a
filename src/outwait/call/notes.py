"""What is worth telling: the notes of a call. The call object, the event stream and the report are folds of them.

Times are media seconds since answer; money is integer micro-dollars.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


class Note(msgspec.Struct, frozen=True, tag_field="kind", tag=_snake):
    """Base of all notes; the tag is the kind of the server-sent event."""


class Status(Note, frozen=True):
    status: str  # Twilio's words: queued ringing in-progress completed busy failed no-answer canceled
    carrier_call_id: str = ""


class Phase(Note, frozen=True):
    at: float
    phase: str
    why: str = ""


class Answered(Note, frozen=True):
    """Media time zero."""


class HoldBegan(Note, frozen=True):
    at: float
    why: str


class HoldEnded(Note, frozen=True):
    """A person is back. `at` is where the words began that told so; the decision came at `decided_at`."""

    at: float
    decided_at: float
    confidence: float
    why: str


class HoldWentOn(Note, frozen=True):
    """The person who seemed to be back was not: what was taken for talk since `since` was part of the hold."""

    since: float
    at: float
    asked: bool  # a response had been asked for: a false resume that cost money
    why: str


class HoldPart(Note, frozen=True):
    """What a stretch of the far end was."""

    start: float
    end: float
    part: str  # speech music announcement tone noise silence


class Detached(Note, frozen=True):
    at: float


class Attached(Note, frozen=True):
    at: float


class MaybeHuman(Note, frozen=True):
    at: float
    onset: float
    confidence: float
    why: str


class Said(Note, frozen=True):
    """Words of the transcript."""

    at: float  # start
    role: Literal["human", "agent", "announcement"]
    text: str
    cut: bool = False  # the person did not hear the rest
    phrase: bool = False  # made beforehand


class Reacted(Note, frozen=True):
    """How long the person waited for an answer. Media s."""

    at: float  # end of their last word
    seconds: float  # to our first sound
    answer: float  # to the engine's own first sound
    phrase: bool  # the first sound was a phrase
    stages: dict[str, float] = {}  # wall s by part, of an engine made of parts


class CarrierJudged(Note, frozen=True):
    """Who answered, as the carrier says."""

    at: float
    who: str


class AnsweredBy(Note, frozen=True):
    """Who has answered, as far as that was found out."""

    at: float
    who: Literal["person", "machine", "voicemail", "screening", "fax", "nobody"]


class Queue(Note, frozen=True):
    """What a queue has said of the wait."""

    at: float
    position: int | None = None  # 1: next
    wait_seconds: int | None = None
    hours: str = ""  # when they are open, in their words
    closed: bool = False  # they say that they are closed now


class MenuStep(Note, frozen=True):
    """What was done about a menu or a request of a recording, without the agent."""

    at: float
    words: str  # of the recording
    keys: str = ""  # pressed
    say: str = ""  # said
    why: str = ""


class KeyHeard(Note, frozen=True):
    """The other side pressed a key."""

    at: float
    key: str


class SessionNote(Note, frozen=True):
    session: int  # connection number
    state: Literal["opening", "open", "closing", "closed"]
    at: float
    engine: str = ""
    model: str = ""
    reason: str = ""  # of the end: hold ended expired dropped stalled refused failover restart


class Spent(Note, frozen=True):
    what: str
    units: str
    quantity: float
    micro_usd: int
    estimated: bool
    total_micro_usd: int
    without_parking_micro_usd: int


class Quote(msgspec.Struct, frozen=True):
    """Words that a part of the result rests on, as the agent says."""

    of: str  # JSON pointer into the result
    quote: str  # said by the other side


class Outcome(Note, frozen=True, omit_defaults=True):
    """What the agent leaves when it hangs up."""

    text: str
    reason: str
    result: Any = None  # by the schema that the task came with
    valid: bool | None = None  # it keeps to that schema; None: there is none
    faults: tuple[str, ...] = ()  # where it does not
    quotes: tuple[Quote, ...] = ()


class ToolRan(Note, frozen=True):
    """A tool of the agent's own has come back, or is not waited for any more."""

    at: float
    name: str
    how: Literal["answered", "arguments", "error", "timeout", "gone", "unknown"]  # unknown: lost in a restart
    seconds: float  # media s since it was called


class HangUpStep(Note, frozen=True):
    """The ledger of the ending: goodbye_asked goodbye_heard goodbye_unheard rest_asked rest_done rest_failed
    callback session_closed stream_closed."""

    at: float
    step: str
    detail: str = ""


class CallBack(Note, frozen=True):
    """The other side will call back (`promised`), its leg is over (`waiting`), it calls (`back`)."""

    at: float
    state: Literal["promised", "waiting", "back"]
    why: str = ""


class SecondLeg(Note, frozen=True):
    """Our user's own telephone: rung, connected, gone. `at` is media time of the call."""

    at: float
    leg: int  # 2, 3 ...
    state: Literal["dialing", "ringing", "answered", "connected", "together", "ended"]
    to: str = ""  # E.164
    carrier_call_id: str = ""
    why: str = ""  # it was rung, or ended


class Ended(Note, frozen=True):
    at: float
    result: str
    cause: str
    status: str
    total_micro_usd: int
    without_parking_micro_usd: int


AnyNote = (
    Status
    | Phase
    | Answered
    | HoldBegan
    | HoldEnded
    | HoldWentOn
    | HoldPart
    | Detached
    | Attached
    | MaybeHuman
    | Said
    | Reacted
    | AnsweredBy
    | CarrierJudged
    | Queue
    | MenuStep
    | KeyHeard
    | SessionNote
    | Spent
    | Outcome
    | ToolRan
    | HangUpStep
    | CallBack
    | SecondLeg
    | Ended
)
