"""What the HTTP API takes and gives, for checking requests and for its description."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, WithJsonSchema

MAX_TASK = 20_000  # characters
MAX_COST_USD = 10_000.0
MAX_HOLD_MINUTES = 24 * 60.0

Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class HumanWish(BaseModel):
    """Who is rung when a person is there, to speak to them in person."""

    model_config = ConfigDict(extra="forbid", strict=True)

    number: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    # E.164; separators are tolerated
    name: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = None
    # as the other side is to hear it
    when: Literal["returns", "asked"] = "returns"
    # returns: when a person is back after a hold; asked: when the agent thinks so
    agent: Literal["leaves", "stays"] = "leaves"
    # once both are connected
    whisper: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")] | None = None
    # what they hear first


class CallCreate(BaseModel):
    """A wish for a call."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        json_schema_extra={"examples": [{"to": "+12025550143", "task": "Ask for the opening hours."}]},
    )

    to: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    # E.164; separators are tolerated
    task: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TASK, pattern=r"\S")]
    # what the agent shall achieve, in words
    from_: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = Field(None, alias="from")
    # E.164; the server's own number when absent
    engine: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    # the server's when absent
    max_cost_usd: Annotated[float, Field(gt=0, le=MAX_COST_USD)] | None = None
    # cap on all that the call costs
    max_hold_minutes: Annotated[float, Field(gt=0, le=MAX_HOLD_MINUTES)] | None = None
    # a longer hold ends the call
    metadata: Annotated[dict[str, JsonValue], WithJsonSchema({"type": "object"})] | None = None
    # kept with the call as it is
    disclosure: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")] | None = None
    # how the agent names itself, such as "the AI assistant of Northwind"; the server's when absent
    menu_path: Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=80)]], Field(max_length=8)] = []
    # what to look for in the company's menus, in turn, such as ["billing", "agent"]; what the task says when absent
    voicemail: Literal["message", "hang_up", "agent"] | None = None
    # whether a voicemail gets a message, or the call ends, or the agent does what it likes; the server's when absent
    time_zone: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    # where the callee is, such as America/New_York, for the calling hours; where the number rings when absent
    outcome_schema: Annotated[dict[str, JsonValue], WithJsonSchema({"type": "object"})] | None = None
    # JSON Schema of the typed result that the agent is to leave
    agent: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    # which of the server's agents makes the call; the first when absent
    webhook_url: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None
    # who is told of the call's end; whom the server tells when absent

    call_back_minutes: Annotated[float, Field(gt=0, le=MAX_HOLD_MINUTES)] | None = None
    # how long the task waits to be called back, when that is offered; it takes no such offer when absent
    human: HumanWish | None = None
    # who is rung when a person is there


class CallCreated(BaseModel):
    """The call is stored; dialling follows."""

    id: Id
    status: str


class HangUpAccepted(BaseModel):
    """The call will end."""

    id: Id


class EndReason(BaseModel):
    """Why a call ended."""

    result: Literal["success", "client_error", "server_error", "upstream_error", "indeterminate"]
    cause: str


class Part(BaseModel):
    """What a stretch of a hold was."""

    kind: str
    start: float
    # media s since answer
    end: float
    # media s


class Stretch(BaseModel):
    """A stretch of the call."""

    kind: Literal["talk", "hold", "detached"]
    start: float
    # media s since answer
    end: float
    # media s
    parts: list[Part] = []
    # of a hold


class Words(BaseModel):
    """A line of the transcript."""

    at: float
    # media s since answer
    role: Literal["human", "agent", "announcement"]
    text: str
    cut: bool = False
    # the other side did not hear the rest
    phrase: bool = False
    # said with a recording made beforehand


class QueueState(BaseModel):
    """What a queue has said of the wait."""

    position: int | None
    # 1: next
    wait_seconds: int | None
    hours: str | None = None
    # when they are open, in their words
    closed: bool = False
    # now, as they say
    heard_at: float
    # media s


class MenuStep(BaseModel):
    """What was done about a menu or a request of a recording."""

    at: float
    # media s
    words: str
    # of the recording
    keys: str
    # pressed
    say: str
    # said
    why: str


class Session(BaseModel):
    """One connection to an engine."""

    number: int
    engine: str
    model: str
    opened_at: float
    # media s since answer
    closed_at: float | None
    reason: str | None
    # of its end


class FailedSession(BaseModel):
    """A connection that never came about."""

    at: float | None
    # media s since answer
    engine: str
    model: str
    reason: str | None


class Decision(BaseModel):
    """What the ear's evidence led to."""

    model_config = ConfigDict(extra="allow")

    kind: Literal["hold_started", "maybe_human", "human_returned", "hold_went_on", "key_heard", "carrier_judged"]
    at: float
    # media s heard when it was taken
    why: str
    onset: float | None = None
    # media s at which the speech that caused it began
    confidence: float | None = None
    # 0..1


class Reaction(BaseModel):
    """How long a person waited for an answer."""

    at: float
    # media s: end of their last word
    seconds: float
    # media s from there to our first sound
    answer: float
    # media s from there to the engine's own
    phrase: bool
    # the first sound was a phrase
    stages: dict[str, float] = {}
    # wall s by stage, of an engine made of parts


class ToolRun(BaseModel):
    """A tool of the agent's own."""

    at: float
    # media s at which it came back
    name: str
    how: Literal["answered", "arguments", "error", "timeout", "gone", "unknown"]
    seconds: float
    # media s since it was called


class HangUpStep(BaseModel):
    """A step of the ending."""

    at: float
    # media s
    step: str
    detail: str = ""


class Evidence(BaseModel):
    """What a part of the result rests on."""

    of: str
    # JSON pointer into the result
    quote: str | None
    # the other side's words, as the agent quotes them
    line: int | None
    # index into the transcript; none: nobody said so
    at: float | None
    # media s since answer
    role: str | None
    text: str | None
    # of that line


class CostItem(BaseModel):
    """A line of the bill."""

    what: str
    units: str
    quantity: float
    usd: float
    estimated: bool


class Cost(BaseModel):
    """What the call costs."""

    total_usd: float
    model_usd: float
    carrier_usd: float
    without_parking_usd: float
    estimated: bool
    items: list[CostItem]


class CallObject(BaseModel):
    """A call. Times inside it are seconds of media time since answer."""

    model_config = ConfigDict(extra="allow")

    id: Id
    to: str
    from_: str = Field(alias="from")
    task: str
    carrier: str
    carrier_call_id: str | None
    engine: str = ""
    agent: str | None = None
    # none: the plain one
    metadata: dict[str, JsonValue] | None = None
    status: Literal["queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"]
    phase: Literal["queued", "dialing", "ringing", "talking", "holding", "resuming", "detached", "ending", "ended"]
    end_reason: EndReason | None
    outcome: str | None
    # text that the agent left when it hung up
    outcome_reason: str | None = None
    # why it hung up, in its words
    result: JsonValue = None
    # the outcome by the schema that was asked for
    result_valid: bool | None = None
    # whether it keeps to it; none: there is no schema, or the agent did not hang up
    result_faults: list[str] = []
    evidence: list[Evidence] = []
    created_at: str
    answered_at: str | None
    ended_at: str | None
    answered_by: Literal["person", "machine", "voicemail", "screening", "fax", "nobody"] | None = None
    # who answered, as far as that was found out
    timeline: list[Stretch]
    queue: QueueState | None = None
    # what the queue said last
    menu: list[MenuStep] = []
    # what was done about menus and requests of recordings, without the agent
    transcript: list[Words]
    sessions: list[Session]
    failed_sessions: list[FailedSession] = []
    warmups: int = 0
    # connections made ahead for a person who was not there
    reactions: list[Reaction] = []
    decisions: list[Decision] = []
    tools: list[ToolRun] = []
    hangup: list[HangUpStep] = []
    call_back: dict[str, JsonValue] | None = None
    # promised, waited for, come
    second_legs: list[dict[str, JsonValue]] = []
    # telephones of our user that were rung
    cost: Cost


class CallPage(BaseModel):
    """Calls, newest first."""

    calls: list[CallObject]
    next: str | None
    # cursor of the next page


class Health(BaseModel):
    """The server answers."""

    status: Literal["ok", "draining"]
