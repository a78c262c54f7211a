"""What happened, in the past tense. Events are all that a call ever learns of the world.

Adapters parse a peer's message once and put one of these into the call's inbox. All of them are kept in the
call log, sound only by its length, and can be read back from it. Sound is mu-law, 8,000 bytes a second.
A `session` or `stream` number says which of several it is about: what an old one still has to say changes nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from outwait.call.cost import Usage
from outwait.call.hold import Scored


class Trouble(StrEnum):
    """Why the other side of a wire failed us, as its adapter classified it."""

    REFUSED = "refused"  # it said no for good: wrong key, bad request, no credit. Trying again is useless
    BUSY = "busy"  # it said not now: rate limit, overload, 5xx
    LOST = "lost"  # the connection went away, or never came about
    EXPIRED = "expired"  # it ended the session at its own age limit
    STALLED = "stalled"  # it is there and says nothing

    @property
    def retryable(self) -> bool:
        return self is not Trouble.REFUSED


class Event(msgspec.Struct, frozen=True, tag_field="event", tag=True):
    """Base of all events."""


# --- our side -----------------------------------------------------------------------------------


class Begun(Event, frozen=True):
    """The call is stored and may be dialled."""


class HangUpAsked(Event, frozen=True):
    """Our user wants the call to end (`POST /v1/calls/{id}/hangup`)."""


class Restarted(Event, frozen=True):
    """A new process has rebuilt this call from its log. All sockets of the old one are gone."""


class Released(Event, frozen=True):
    """This process must let the call go (deploy): the next process takes it over."""


class TimePassed(Event, frozen=True):
    """The deadline that the call asked for has come."""


class PhraseReady(Event, frozen=True):
    """A phrase that was made earlier is at hand."""

    phrase: str
    ulaw: bytes
    spare: str = ""  # the words, when it is in a strange voice: for want of one in the agent's own


class LogFailed(Event, frozen=True):
    """The call log can't be written: nothing may be begun that would have to be remembered."""

    detail: str


# --- the carrier --------------------------------------------------------------------------------


class Dialled(Event, frozen=True):
    carrier_call_id: str
    leg: int = 1  # which of the call's: 1 is the company's, each further one our user's


class DialRefused(Event, frozen=True):
    trouble: Trouble
    detail: str
    leg: int = 1


class LegReported(Event, frozen=True):
    """The carrier told us the status of the leg, by callback or when asked."""

    status: str  # Twilio's words: queued, initiated, ringing, in-progress, completed, busy, failed, no-answer, canceled
    sequence: int | None = None  # order among callbacks; None when we asked
    duration: int | None = None  # s, of a completed leg, as billed
    leg: int = 1


class CarrierJudged(Event, frozen=True):
    """The carrier has told who answered, as far as it can: it listens to the first seconds."""

    who: Literal["person", "machine", "voicemail", "fax", "unknown"]  # machine: a voicemail or a menu
    leg: int = 1


class LegUnknown(Event, frozen=True):
    """The carrier could not be asked, or does not know the leg."""

    gone: bool  # True: it says that there is no such call
    detail: str
    leg: int = 1


class StreamStarted(Event, frozen=True):
    """The carrier's media socket is up and has shown its token."""

    stream: int
    leg: int = 1


class Heard(Event, frozen=True):
    """The far end, as it sounded. The only event that comes fifty times a second."""

    stream: int
    at: float  # s since the stream began, start of this sound
    ulaw: bytes


class KeyHeard(Event, frozen=True):
    """The far end pressed a key, said the carrier."""

    stream: int
    digit: str


class Marked(Event, frozen=True):
    """All that was sent before this mark has been played, or was thrown away by our own clear."""

    stream: int
    name: str


class StreamStopped(Event, frozen=True):
    """The carrier said `stop`: the leg is over, or its instructions were replaced."""

    stream: int


class StreamLost(Event, frozen=True):
    """The media socket is closed, by whichever side."""

    stream: int
    code: int  # WebSocket close code; 1006 when there was none


class KeysPressed(Event, frozen=True):
    """The carrier has taken the keys; a stream that it replaced comes back by itself."""


class KeysRefused(Event, frozen=True):
    """The carrier can't press keys, or did not."""

    detail: str


class HungUp(Event, frozen=True):
    """The carrier took our hang-up, or said that the leg was over already; or it took our transfer."""

    leg: int = 1


class HangUpFailed(Event, frozen=True):
    trouble: Trouble
    detail: str
    leg: int = 1


class CalledBack(Event, frozen=True):
    """The other side calls our number, as it had promised: a new leg of the same call."""

    carrier_call_id: str


class NumberVetted(Event, frozen=True):
    """Whether a number that the agent named may be called."""

    number: str  # E.164
    refusal: str = ""  # why not, in words; "": it may


# --- the ear ------------------------------------------------------------------------------------


class EarScored(Event, frozen=True):
    """What the ear made of one stretch of the far end. `scored.at` is the call's media time."""

    scored: Scored


class ToneHeard(Event, frozen=True):
    """A signal in the far end's sound."""

    kind: Literal["key", "ringback", "busy", "reorder", "dial", "sit", "fax", "beep"]
    at: float  # call's media time, s, at which it began
    seconds: float  # from there until it was recognised or had ended
    key: str = ""  # of a key


class Transcribed(Event, frozen=True):
    """The local recogniser has read a clip. Empty: there were no words in it."""

    clip: int
    text: str


class NotTranscribed(Event, frozen=True):
    """A clip was not read: there is no recogniser here, it failed, or it had too much to do."""

    clip: int
    detail: str


# --- the engine ---------------------------------------------------------------------------------


class SessionOpened(Event, frozen=True):
    """Connected and configured; it may be fed."""

    session: int
    expires_in: float | None = None  # s until the engine ends it, when it says so


class SessionClosed(Event, frozen=True):
    """The session's connection has ended, or never came about."""

    session: int
    trouble: Trouble | None  # None: we asked for it
    code: int  # WebSocket close code or HTTP status
    detail: str


class PersonStarted(Event, frozen=True):
    """The engine hears the person begin to speak."""

    session: int


class PersonPaused(Event, frozen=True):
    """The engine hears the person pause: perhaps that was all, perhaps they go on."""

    session: int
    quiet: float  # media s since their last word


class PersonStopped(Event, frozen=True):
    """The engine hears the person's turn end."""

    session: int
    due: bool = True  # a response comes for certain; False: the model may find that there is nothing to say


class PersonCommitted(Event, frozen=True):
    """A turn of the person entered the conversation; its words may follow."""

    session: int
    item: str


class PersonSaid(Event, frozen=True):
    """The words of a committed turn. Empty when the recogniser failed."""

    session: int
    item: str
    text: str
    usage: Usage | None = None


class ResponseStarted(Event, frozen=True):
    session: int
    response: str


class AnswerTimed(Event, frozen=True):
    """Where the time went until the first sound of an answer, which follows; of an engine made of parts. Wall s."""

    session: int
    response: str
    silence: (
        float  # from the person's last word until their turn was to be written down; and, when the answer was there
    )
    # before their turn was over, the rest of it
    words: float  # from there until it was written down
    first_word: float  # from there to the model's first word, or the first tool call
    sentence: float  # from there to a sentence
    first_sound: float  # from there to its first sound


class AgentSpoke(Event, frozen=True):
    """A piece of the agent's voice; it comes faster than real time."""

    session: int
    response: str
    item: str
    ulaw: bytes


class AgentWrote(Event, frozen=True):
    """A piece of the words of the agent's voice."""

    session: int
    response: str
    item: str
    text: str


class ToolCalled(Event, frozen=True):
    """The agent calls a tool; its arguments are complete."""

    session: int
    response: str
    call_id: str
    name: str
    arguments: str  # JSON text, unchecked


class ToolAnswered(Event, frozen=True):
    """A tool of the agent's own has run."""

    key: str  # of RunTool
    output: str  # JSON text


class ToolFailed(Event, frozen=True):
    """A tool of the agent's own did not do what it was called for, or nobody knows whether it did."""

    key: str  # of RunTool
    why: Literal["arguments", "error", "timeout", "gone"]  # gone: there is no such tool on this server now
    detail: str  # for the model


class ResponseEnded(Event, frozen=True):
    session: int
    response: str
    status: Literal["completed", "cancelled", "failed", "incomplete"]
    usage: Usage | None = None
    detail: str = ""


class PhraseMade(Event, frozen=True):
    """An out-of-band response has become a phrase."""

    session: int
    phrase: str
    ulaw: bytes
    usage: Usage | None = None


class PhraseFailed(Event, frozen=True):
    session: int
    phrase: str
    detail: str
    usage: Usage | None = None  # of what was made before it failed


class SessionUsed(Event, frozen=True):
    """What an engine that bills by time has counted for this session."""

    session: int
    seconds: float  # in all so far, not since the last time
    estimated: bool = False  # by our own clock: the engine never told


class ResponseBilled(Event, frozen=True):
    """What a response has cost, when that is told after its end."""

    session: int
    response: str
    usage: Usage


class MemoryKept(Event, frozen=True):
    """The engine remembers what was said so far, and a later session may go on from there."""

    session: int
    handle: str  # by which the engine finds it again


class SessionComplained(Event, frozen=True):
    """The engine objected to something; the session goes on."""

    session: int
    code: str
    detail: str


LineEvent = (
    Heard
    | Marked
    | Dialled
    | DialRefused
    | LegReported
    | LegUnknown
    | CarrierJudged
    | StreamStarted
    | StreamStopped
    | StreamLost
    | KeyHeard
    | ToneHeard
    | KeysPressed
    | KeysRefused
    | HungUp
    | HangUpFailed
)
"""Of the carrier's side: legs, their streams, and what is heard on them."""

SessionEvent = (
    AgentSpoke
    | AgentWrote
    | SessionOpened
    | SessionClosed
    | PersonStarted
    | PersonPaused
    | PersonStopped
    | PersonCommitted
    | PersonSaid
    | ResponseStarted
    | AnswerTimed
    | ToolCalled
    | ResponseEnded
    | PhraseMade
    | PhraseFailed
    | SessionUsed
    | ResponseBilled
    | MemoryKept
    | SessionComplained
)
"""Of the model's side; each names its session."""

AnyEvent = (
    LineEvent
    | SessionEvent
    | Begun
    | HangUpAsked
    | Restarted
    | Released
    | TimePassed
    | PhraseReady
    | LogFailed
    | CalledBack
    | NumberVetted
    | EarScored
    | Transcribed
    | NotTranscribed
    | ToolAnswered
    | ToolFailed
)
