"""What goes on in one session, as a machine without I/O: the server's messages in, the core's events out.

The wire knows no turns and no responses, and the core is made of them. So a stretch in which the model speaks is a
response; words of the person that follow one another are a turn; and what the backend does is a response without a
voice. The model is full duplex: it hears the person while it speaks, and stops by itself. That is when the person has
cut in, not when they utter a sound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, assert_never

from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    AnyEvent,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    ResponseEnded,
    ResponseStarted,
    SessionComplained,
    SessionUsed,
    ToolCalled,
    Trouble,
)
from outwait.engines.ends import End
from outwait.engines.live import frames, voice
from outwait.engines.live.messages import (
    AgentWords,
    BackendBegan,
    BackendCalled,
    BackendEnded,
    Closed,
    PersonWords,
    ServerMessage,
    Sound,
    Started,
    Used,
)
from outwait.engines.live.voice import BYTES, Voice
from outwait.engines.openai.dialogue import verdict
from outwait.engines.openai.messages import ErrorSaid

TURN_GAP = 1.0  # s of the person's line without a new word that end their turn; words come in steps of 0.2 s
SILENT_SECONDS = 1.5  # wall s without output that end a stretch, where the server sends none while it is silent
STEADY = 1.0  # s of silence sent by a server that sends its output all the time
STALL_SECONDS = 3.0  # wall s without any message of such a server: it has stalled
UNHEARD_MS = 1000  # ms of its words that the person did not hear, from which on the model is told
REMEMBERED = 8  # stretches of which the words are kept for that

ENDS = {"expired": Trouble.EXPIRED, "content": Trouble.REFUSED}
"""Reasons of the server's own ends. A safety filter would strike again; all others are losses."""


class Timer(Protocol):
    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls back after so many wall seconds, unless cancelled."""


class Duplex:
    """One session, from its being started to its end."""

    def __init__(
        self,
        session: int,
        instructions: str,
        post: Callable[[AnyEvent], None],
        send: Callable[[str], None],
        later: Later,
        fail: Callable[[End], None],
    ) -> None:
        """`fail`: end the session for a reason that no message has."""
        self._session = session
        self._instructions = instructions
        self._post = post
        self._send = send
        self._later = later
        self._fail = fail
        self._count = 0
        self._voice = Voice()
        self._silence: Timer | None = None  # runs while a stretch is open
        self._silent = 0  # bytes of silence so far, outside of stretches
        self._messages = 0
        self._watch: Timer | None = None  # runs when the server is known to send all the time
        self._stretch: _Stretch | None = None
        self._stretches: list[_Stretch] = []  # the last ones
        self._early: list[AgentWords] = []  # words whose sound has not come yet
        self._unwanted = False  # what was asked for last is not wanted any more
        self._answered = False  # the model has spoken since the person last did
        self._turn: _Turn | None = None
        self._works: dict[str, _Work] = {}  # of the backend, by delegation
        self._fed = 0.0  # s of sound given to the server
        self._told = 0.0  # s that the server has counted
        self._began: float | None = None  # wall s at which it started
        self.closed = False  # the server has finalised it

    # --- our side

    def fed(self, ulaw: bytes) -> None:
        """Sound goes to the session, so it is in use."""
        self._fed += len(ulaw) / BYTES
        turn = self._turn
        if turn is not None and self._fed - turn.at >= TURN_GAP:
            self._close_turn(turn)
        self._go_on()

    def ask_response(self, instructions: str) -> None:
        """Have something said. Without instructions it is the backend's results that are wanted: it goes on."""
        self._unwanted = False
        note = instructions.removeprefix(self._instructions).strip()
        if note:
            self._send(frames.speak_of(note, self._name("ask")))
        self._go_on()

    def cancel_response(self) -> None:
        """The wire has no such wish: what is being said, or else what comes next, is not passed on."""
        if self._stretch is None:
            self._unwanted = True
        else:
            self._voice.mute()
            self._end_stretch("cancelled")

    def truncate_item(self, item: str, heard_ms: int) -> None:
        """The model hears itself being cut off, but not how much was still on its way."""
        stretch = next((s for s in self._stretches if s.name == item), None)
        if stretch is None or stretch.sound * 1000 // BYTES - heard_ms < UNHEARD_MS:
            return
        words = stretch.text[: round(len(stretch.text) * heard_ms * BYTES / 1000 / stretch.sound)]
        words = words.rpartition(" ")[0].strip()
        told = f'only this: "{words}"' if words else "nothing"
        self._send(frames.keep_in_mind(f"Of your last words the person heard {told}.", self._name("heard")))

    def answer_tool(self, call_id: str, output: str) -> None:
        """The backend has its result. It goes on when the session is used further: on hold nobody would hear of it."""
        for work in self._works.values():
            if call_id in work.open:
                work.open.discard(call_id)
                self._send(frames.tool_output(call_id, output))

    # --- the server's side

    def started(self, now: float) -> None:
        """It stands; `now`: wall s."""
        self._began = now

    def receive(self, message: ServerMessage) -> End | None:
        """One message. What it returns ends the session."""
        self._messages += 1
        match message:
            case Sound(ulaw=ulaw):
                self._sound(ulaw)
            case AgentWords():
                self._agent_words(message)
            case PersonWords():
                self._person_words(message)
            case BackendBegan(work=work):
                self._work(work)
            case BackendCalled():
                self._called(message)
            case BackendEnded():
                self._work_ended(message)
            case Used(seconds=seconds):
                self._used(seconds)
            case Closed():
                return self._closed(message)
            case ErrorSaid():
                end = verdict(message)
                if end is None:
                    self._post(SessionComplained(self._session, message.name, message.text[:300]))
                return end
            case Started():
                pass  # it is started once
            case _:
                assert_never(message)
        return None

    def end(self, *, asked: bool, now: float) -> None:
        """The socket is gone. Whatever was being said ends with it, and the time is counted."""
        for timer in (self._silence, self._watch):
            if timer is not None:
                timer.cancel()
        if self._stretch is not None:
            self._end_stretch("cancelled" if asked else "failed")
        for work in list(self._works.values()):
            self._end_work(work, "cancelled" if asked else "failed", "the session ended")
        if self._turn is not None:
            self._close_turn(self._turn)
        if self._began is not None and not self.closed:
            # It never said what it cost in the end. A real line is as long as the clock says.
            seconds = max(now - self._began, self._fed, self._told)
            self._post(SessionUsed(self._session, seconds, estimated=True))

    # --- the model's voice

    def _sound(self, ulaw: bytes) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        for happened in self._voice.hear(ulaw):
            match happened:
                case voice.Began():
                    self._begin_stretch()
                case voice.Spoke(ulaw=piece):
                    self._spoke(piece)
                case voice.Paused():
                    self._paused()
                case voice.Ended():
                    self._end_stretch("completed")
                case _:
                    assert_never(happened)
        if not self._voice.open:
            self._silent += len(ulaw)
        if self._watch is None and self._silent >= STEADY * BYTES:
            self._watch = self._later(STALL_SECONDS, self._look(self._messages))
        if self._voice.open and self._watch is None:
            self._silence = self._later(SILENT_SECONDS, self._fell_silent)

    def _begin_stretch(self) -> None:
        if self._unwanted:
            self._unwanted = False
            self._voice.mute()
            self._early.clear()
            return
        turn = self._turn
        if turn is not None and turn.told:
            self._commit(turn)
        self._answered = True
        self._stretch = stretch = _Stretch(self._name("voice"))
        self._stretches = [*self._stretches[1 - REMEMBERED :], stretch]
        self._post(ResponseStarted(self._session, stretch.name))
        early, self._early = self._early, []
        for words in early:
            self._write(stretch, words)

    def _spoke(self, ulaw: bytes) -> None:
        stretch = self._stretch
        if stretch is not None:
            stretch.sound += len(ulaw)
            self._post(AgentSpoke(self._session, stretch.name, stretch.name, ulaw))

    def _agent_words(self, words: AgentWords) -> None:
        if self._stretch is not None:
            self._write(self._stretch, words)
        elif not self._voice.muted:
            self._early.append(words)

    def _write(self, stretch: _Stretch, words: AgentWords) -> None:
        if not words.text:
            return
        if stretch.since is None:
            stretch.since = words.start
        stretch.text += words.text
        self._post(AgentWrote(self._session, stretch.name, stretch.name, words.text))

    def _paused(self) -> None:
        turn = self._turn
        if turn is not None and turn.over and not turn.told:
            self._start_turn(turn)

    def _fell_silent(self) -> None:
        """Nothing has come for a while."""
        self._silence = None
        if self._voice.stop():
            self._end_stretch("completed")

    def _look(self, messages: int) -> Callable[[], None]:
        """Has anything come since there were so many?"""

        def look() -> None:
            if self._messages == messages:
                self._fail(End(Trouble.STALLED, f"nothing for {STALL_SECONDS:g} s"))
            else:
                self._watch = self._later(STALL_SECONDS, self._look(self._messages))

        return look

    def _end_stretch(self, status: Literal["completed", "cancelled", "failed"]) -> None:
        stretch, self._stretch = self._stretch, None
        if stretch is not None:
            self._post(ResponseEnded(self._session, stretch.name, status))

    # --- the person

    def _person_words(self, words: PersonWords) -> None:
        if not words.text:
            return
        stretch = self._stretch
        over = stretch is not None and stretch.since is not None and words.start > stretch.since
        turn = self._turn
        if turn is not None and turn.committed and (over or stretch is None):
            self._close_turn(turn)  # it has had its answer: these are new words
            turn = None
        if turn is None:
            self._turn = turn = _Turn(self._name("turn"))
        turn.text += words.text
        turn.at = self._fed
        if turn.told:
            return
        turn.over = turn.over or over
        if not self._voice.speaking:
            self._start_turn(turn)

    def _start_turn(self, turn: _Turn) -> None:
        """The person speaks, and the model does not."""
        turn.told = True
        self._answered = False
        self._post(PersonStarted(self._session))
        if self._stretch is not None:
            self._voice.stop()
            self._end_stretch("cancelled")

    def _commit(self, turn: _Turn) -> None:
        """Its place in the conversation is here."""
        if turn.committed:
            return
        turn.committed = True
        if turn.told:
            self._post(PersonStopped(self._session, due=False))
        self._post(PersonCommitted(self._session, turn.name))

    def _close_turn(self, turn: _Turn) -> None:
        self._commit(turn)
        self._turn = None
        self._post(PersonSaid(self._session, turn.name, turn.text.strip()))

    # --- the backend

    def _work(self, key: str) -> _Work:
        """The backend's response for this delegation; it begins here if it is not known."""
        known = self._works.get(key)
        if known is None or known.ended:
            self._works[key] = known = _Work(self._name("backend"))
            self._post(ResponseStarted(self._session, known.name))
        return known

    def _called(self, call: BackendCalled) -> None:
        work = self._work(call.work)
        if call.call_id in work.calls:
            return
        work.calls.add(call.call_id)
        work.open.add(call.call_id)
        # What was said with it is the voice's: a goodbye before a hang-up is in the same answer
        response = self._stretches[-1].name if self._answered and self._stretches else work.name
        self._post(ToolCalled(self._session, response, call.call_id, call.name, call.arguments))

    def _work_ended(self, ended: BackendEnded) -> None:
        work = self._work(ended.work)
        work.ended = True
        self._post(ResponseEnded(self._session, work.name, ended.status, ended.usage, ended.detail[:300]))
        if ended.status != "completed" or not work.calls:
            del self._works[ended.work]

    def _end_work(self, work: _Work, status: Literal["cancelled", "failed"], detail: str) -> None:
        if not work.ended:
            work.ended = True
            self._post(ResponseEnded(self._session, work.name, status, None, detail))

    def _go_on(self) -> None:
        """A backend that has called, and has all its results, is told so."""
        for key, work in list(self._works.items()):
            if work.ended and not work.open:
                del self._works[key]
                self._send(frames.go_on())

    # --- time, ends

    def _used(self, seconds: float) -> None:
        self._told = max(self._told, seconds)
        self._post(SessionUsed(self._session, seconds))

    def _closed(self, closed: Closed) -> End | None:
        if closed.seconds is not None:
            self.closed = True
            self._used(closed.seconds)
        if closed.reason == "close_requested":
            return End(Trouble.LOST, "the server took it for closed")  # unless we did ask
        return End(ENDS.get(closed.reason, Trouble.LOST), f"the session was closed: {closed.reason or 'no reason'}")

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"


@dataclass(slots=True)
class _Stretch:
    """The model speaks: a response and its one item."""

    name: str
    text: str = ""
    since: int | None = None  # ms on the session's timeline: its first word
    sound: int = 0  # bytes


@dataclass(slots=True)
class _Turn:
    """Words of the person that follow one another."""

    name: str
    text: str = ""
    at: float = 0.0  # s of sound given, at its last word
    over: bool = False  # spoken while the model spoke
    told: bool = False  # the core knows that the person speaks
    committed: bool = False


@dataclass(slots=True)
class _Work:
    """What the backend does for one delegation."""

    name: str
    calls: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)  # calls without a result
    ended: bool = False
