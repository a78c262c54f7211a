"""What the cascade's machine learns, in the past tense, and what it wants done, in the imperative.

A job is one request to a service. Its number comes back with everything that came of it; what an old job still has to
say changes nothing. Sound is mu-law, 8,000 bytes a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from outwait.call.events import AnyEvent, Trouble


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a language model says that an answer used."""

    text_in: int  # cached ones included
    text_cached: int
    text_out: int


# --- learnt: from our side


@dataclass(frozen=True, slots=True)
class Fed:
    """The person, as they sounded."""

    ulaw: bytes


@dataclass(frozen=True, slots=True)
class TurnCut:
    """The core ends the person's turn: we did not notice its end."""


@dataclass(frozen=True, slots=True)
class ResponseAsked:
    instructions: str
    tools: bool


@dataclass(frozen=True, slots=True)
class ResponseUnwanted:
    """The response being made is to be stopped, and the one that waits forgotten."""


@dataclass(frozen=True, slots=True)
class ItemCut:
    """The person heard only this much of what the agent said."""

    item: str
    heard_ms: int


@dataclass(frozen=True, slots=True)
class ToolAnswered:
    call_id: str
    output: str  # JSON text


@dataclass(frozen=True, slots=True)
class PhraseAsked:
    phrase: str
    text: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The deadline has come."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over; whatever was being made ends with it."""

    asked: bool  # by us


# --- learnt: from the services


@dataclass(frozen=True, slots=True)
class Sent:
    """The request has gone out: from here it has its price, also when it is given up."""

    job: int


@dataclass(frozen=True, slots=True)
class Transcribed:
    job: int
    text: str
    seconds: float | None  # of audio, as billed; None: it does not say


@dataclass(frozen=True, slots=True)
class Wrote:
    """A piece of the model's words."""

    job: int
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """The model calls a tool; its arguments are complete."""

    job: int
    call_id: str
    name: str
    arguments: str  # JSON text, unchecked


@dataclass(frozen=True, slots=True)
class Written:
    """The model has finished."""

    job: int
    tokens: Tokens | None  # None: it does not say
    whole: bool  # False: it was cut off by a limit or a filter


@dataclass(frozen=True, slots=True)
class Spoke:
    """A piece of the voice."""

    job: int
    ulaw: bytes


@dataclass(frozen=True, slots=True)
class Spoken:
    """The text has been spoken to its end."""

    job: int


@dataclass(frozen=True, slots=True)
class Broke:
    """A service failed us."""

    job: int
    trouble: Trouble
    code: int  # HTTP status; 0: there was none
    detail: str


Result = Transcribed | Wrote | Called | Written | Spoke | Spoken | Broke
Learnt = (
    Fed
    | TurnCut
    | ResponseAsked
    | ResponseUnwanted
    | ItemCut
    | ToolAnswered
    | PhraseAsked
    | TimePassed
    | Ended
    | Sent
    | Result
)

# --- wanted


@dataclass(frozen=True, slots=True)
class Post:
    """Tell the call."""

    event: AnyEvent


@dataclass(frozen=True, slots=True)
class Hear:
    """More of the person's turn, for a recogniser that listens while they speak."""

    turn: int
    start: int  # byte of the turn
    ulaw: bytes


@dataclass(frozen=True, slots=True)
class Transcribe:
    """-> Transcribed or Broke."""

    job: int
    ulaw: bytes  # all of the turn so far
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Write:
    """-> Wrote ..., Called ..., Written; or Broke."""

    job: int
    messages: list[dict[str, Any]]
    tools: bool


@dataclass(frozen=True, slots=True)
class Speak:
    """-> Spoke ..., Spoken; or Broke."""

    job: int
    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Give up a job; nothing comes of it any more."""

    job: int


@dataclass(frozen=True, slots=True)
class End:
    """End the session."""

    trouble: Trouble
    code: int
    detail: str


Wanted = Post | Hear | Transcribe | Write | Speak | Stop | End
