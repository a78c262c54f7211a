"""What the parts of a call ask of it as a whole: the scout, the hold, the agent by its tools. The call does it."""

from __future__ import annotations

from dataclasses import dataclass

from outwait.call import notes
from outwait.call.commands import AnyCommand
from outwait.call.ending import Result
from outwait.call.hold_events import HumanReturned


@dataclass(frozen=True, slots=True)
class Listen:
    """Have this stretch of the far end read."""

    clip: int
    start: float
    """media s"""
    end: float
    """media s"""


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys."""

    keys: str
    by_carrier: bool = False
    """the carrier's own way"""


@dataclass(frozen=True, slots=True)
class Ask:
    """Let the agent answer this."""

    words: str
    """of the recording; "": none were read"""
    instructions: str
    since: float
    """media s at which the words began"""
    why: str
    machine: bool = False
    """a menu listens: when it has its answer, the session is not needed any more"""


@dataclass(frozen=True, slots=True)
class Say:
    """Say this to a machine; when there is no sound of it, let the agent do so."""

    text: str
    ask: Ask


@dataclass(frozen=True, slots=True)
class Park:
    """No person is there: the call goes on without a session."""

    since: float
    """media s"""
    why: str


@dataclass(frozen=True, slots=True)
class Resume:
    """It is a person after all."""

    heard: HumanReturned


@dataclass(frozen=True, slots=True)
class Dismiss:
    """Who seemed to be back is a recording: the hold goes on."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The other side will call back."""

    words: str


@dataclass(frozen=True, slots=True)
class Hello:
    """Nobody has said anything: say hello once more."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The line is on hold."""

    at: float
    """media s at which that was clear"""
    since: float
    """media s"""
    why: str


@dataclass(frozen=True, slots=True)
class Back:
    """On hold, somebody seems to be back."""

    heard: HumanReturned


@dataclass(frozen=True, slots=True)
class Nobody:
    """Who was back is a recording or noise: the hold goes on."""

    at: float
    """media s"""
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The agent has nothing to do until somebody comes: the line is on hold."""

    why: str


@dataclass(frozen=True, slots=True)
class End:
    """The call is over, or of no use any more."""

    result: Result
    cause: str
    polite: bool = False
    """what is being said is heard to its end"""
    goodbye: bool = False
    """and a goodbye is asked for first"""
    remote: bool = False
    """the other side seems to be gone: the carrier is asked before it is told to hang up"""
    transfer: str = ""
    """E.164: the number with which the carrier is to connect the leg instead of ending it"""


Act = (
    Listen
    | Press
    | Say
    | Ask
    | Park
    | Resume
    | Dismiss
    | Promise
    | Hello
    | Hold
    | Back
    | Nobody
    | Wait
    | End
    | notes.AnyNote
)

Step = AnyCommand | Act
"""What a part returns, in order: commands, to be performed as they are, and acts, which the call makes commands of."""
