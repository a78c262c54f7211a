"""What to do, in the imperative. `Call.receive` returns these; the runner performs them in order.

Sound is mu-law, 8,000 bytes a second.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from outwait.call.known import Known
from outwait.call.notes import AnyNote


class Command(msgspec.Struct, frozen=True, tag_field="command", tag=True):
    """Base of all commands."""


# --- the carrier --------------------------------------------------------------------------------


class Dial(Command, frozen=True):
    to: str
    from_: str
    ring_seconds: int
    time_limit: int  # s; the carrier ends the call then, whatever becomes of us
    leg: int = 1  # which of the call's: 1 is the company's, each further one our user's
    judge: bool = False  # the carrier is to tell who answers -> CarrierJudged


class FetchLeg(Command, frozen=True):
    """Ask the carrier for the status of the leg -> LegReported or LegUnknown."""

    carrier_call_id: str
    leg: int = 1
    to: str = ""  # the number of a further leg, by which one of unknown id is found


class ReclaimLeg(Command, frozen=True):
    """Have the carrier ask us again what to do with a leg that is up without a stream -> StreamStarted, or LegUnknown
    when it could not be done."""

    carrier_call_id: str


class HangUp(Command, frozen=True):
    """End the leg at the carrier -> HungUp or HangUpFailed."""

    carrier_call_id: str
    cancel: bool  # the leg has not been answered: some carriers word that differently
    leg: int = 1


class VetNumber(Command, frozen=True):
    """Ask whether the house's rules let us call this number -> NumberVetted."""

    number: str  # E.164


class Transfer(Command, frozen=True):
    """Have the carrier connect the leg with another number, without us -> HungUp or HangUpFailed."""

    carrier_call_id: str
    to: str  # E.164
    from_: str  # E.164, shown to whom it rings
    time_limit: int  # s after which the carrier ends it


class PlayAudio(Command, frozen=True):
    stream: int
    ulaw: bytes


class PlayMark(Command, frozen=True):
    """-> Marked when all before it has been played."""

    stream: int
    name: str


class ClearAudio(Command, frozen=True):
    """Throw away what the carrier has not played yet."""

    stream: int


class CloseStream(Command, frozen=True):
    """-> StreamLost."""

    stream: int


class PressByCarrier(Command, frozen=True):
    """Have the carrier itself press keys -> KeysPressed or KeysRefused. Some carriers replace the stream for it."""

    carrier_call_id: str
    keys: str  # 0-9 * # A-D; w waits half a second


# --- the ear ------------------------------------------------------------------------------------


class Listen(Command, frozen=True):
    """Give the far end to the ear -> EarScored, a few times a second."""

    at: float  # call's media time, s, start of this sound
    ulaw: bytes


class Transcribe(Command, frozen=True):
    """Have a piece of the far end's voice read on this machine -> Transcribed or NotTranscribed."""

    clip: int  # the call's number for it
    ulaw: bytes


# --- the engine ---------------------------------------------------------------------------------


class SeedItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a new session must know, oldest first."""

    kind: Literal["system", "human", "agent", "tool_call", "tool_output", "memory"]
    # memory: the engine itself remembers all that comes before; only for engines that told so
    text: str  # words; for a tool call its arguments, for an output the output (JSON text); for a memory its handle
    call_id: str = ""
    name: str = ""  # of the tool


class OpenSession(Command, frozen=True):
    """Connect and configure -> SessionOpened or SessionClosed."""

    session: int
    engine: str
    instructions: str
    seed: tuple[SeedItem, ...]


class SendAudio(Command, frozen=True):
    session: int
    ulaw: bytes


class CommitTurn(Command, frozen=True):
    """End the person's turn ourselves: the engine did not notice its end."""

    session: int


class AskResponse(Command, frozen=True):
    """-> ResponseStarted ... ResponseEnded."""

    session: int
    instructions: str = ""  # for this response, instead of those of the session; empty: those of the session
    tools: bool = True


class CancelResponse(Command, frozen=True):
    session: int


class TruncateItem(Command, frozen=True):
    """The person heard only this much of what the agent said."""

    session: int
    item: str
    heard_ms: int


class AnswerTool(Command, frozen=True):
    session: int
    call_id: str
    output: str  # JSON text


class RunTool(Command, frozen=True):
    """Run a tool of the agent's own -> ToolAnswered or ToolFailed. Written down before it is run."""

    key: str  # of this run within the call: the same when it is run again
    name: str
    arguments: str  # JSON text, unchecked
    timeout: float  # wall s
    idempotent: bool = False


class MakePhrase(Command, frozen=True):
    """Speak a text outside the conversation -> PhraseMade or PhraseFailed."""

    session: int
    phrase: str
    text: str


class CloseSession(Command, frozen=True):
    """-> SessionClosed."""

    session: int


# --- the record ---------------------------------------------------------------------------------


class Tell(Command, frozen=True):
    """Something the record, the event stream and the user should know."""

    note: AnyNote


class KeepNumber(Command, frozen=True):
    """What has been learned of a number is kept for the next call to it."""

    number: str  # E.164
    known: Known
    waits: tuple[float, ...]  # media s on hold, of this call


class KeepPhrase(Command, frozen=True):
    """The agent's own words to a machine, for the next time that they are wanted."""

    text: str
    ulaw: bytes


class Finish(Command, frozen=True):
    """The call is over and nothing is open. Always the last command of a call, exactly once."""

    result: Literal["success", "client_error", "server_error", "upstream_error", "indeterminate"]
    cause: str


AnyCommand = (
    Dial
    | FetchLeg
    | ReclaimLeg
    | HangUp
    | VetNumber
    | Transfer
    | PlayAudio
    | PlayMark
    | ClearAudio
    | CloseStream
    | PressByCarrier
    | Listen
    | Transcribe
    | OpenSession
    | SendAudio
    | CommitTurn
    | AskResponse
    | CancelResponse
    | TruncateItem
    | AnswerTool
    | RunTool
    | MakePhrase
    | CloseSession
    | Tell
    | KeepNumber
    | KeepPhrase
    | Finish
)


def is_sound(command: AnyCommand) -> bool:
    """Commands that carry sound or pace it: performed, but kept out of the call log."""
    return isinstance(command, PlayAudio | PlayMark | Listen | Transcribe | SendAudio | KeepPhrase)
