"""What goes on in one Ultravox session, as a machine without I/O: its messages in, the core's events out.

The wire tells what the agent is at, and sends its words and its sound. A response begins with the first of either, or
with a tool that is called; it is over when the agent is at something else, or when its words were all told and nothing
of it has come for a while: the server may think it still speaking for as long as it plays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, assert_never

import numpy as np

from outwait.audio import g711
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    AnyEvent,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    PhraseFailed,
    ResponseEnded,
    ResponseStarted,
    ToolCalled,
)
from outwait.engines.ultravox import frames
from outwait.engines.ultravox.messages import Cleared, Invocation, ServerMessage, State, Transcript

QUIET_SECONDS = 1.5  # wall s without a piece of an answer whose words are all there, until it is over

_GO_ON = "Go on."

Status = Literal["completed", "cancelled", "failed"]


class Timer(Protocol):
    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls back after so many wall seconds, unless cancelled."""


class Dialogue:
    """One session's conversation, from its being joined to its end."""

    def __init__(
        self,
        session: int,
        instructions: str,
        post: Callable[[AnyEvent], None],
        send: Callable[[str | bytes], None],
        later: Later,
    ) -> None:
        self._session = session
        self._instructions = instructions
        self._post = post
        self._send = send
        self._later = later
        self._count = 0
        self._state = ""
        self._live: _Response | None = None
        self._asked = False  # an answer was asked for, and has not begun
        self._kept: str | None = None  # to be asked for when the present response has ended
        self._mute = False  # what comes is not wanted, until the agent listens again
        self._turn: str | None = None  # of the person, whose words have not come
        self._person_speaks = False
        self._odd = b""
        self._called: set[str] = set()

    # --- our side

    def send_audio(self, ulaw: bytes) -> None:
        self._send(g711.decode(ulaw).astype("<i2").tobytes())

    def ask_response(self, instructions: str) -> None:
        """Ask for an answer, at once or when the present one has ended. At most one waits: the newest.

        The wire has no instructions for one answer: what those say beyond the session's own is a message.
        """
        self._kept = instructions.removeprefix(self._instructions).strip() or _GO_ON
        self._next()

    def cancel_response(self) -> None:
        """Stop the answer being made, and forget the one that waits or is on its way."""
        self._kept = None
        if self._live is not None or self._asked or self._state == "thinking":
            self._send(frames.interrupt())
            self._mute = True
            self._asked = False
            self._end_response("cancelled")

    def answer_tool(self, call_id: str, output: str) -> None:
        """What a tool gave; once, as a second answer would be ignored."""
        if call_id in self._called:
            self._called.discard(call_id)
            self._send(frames.tool_result(call_id, output))

    def make_phrase(self, phrase: str) -> None:
        """Nothing can be spoken outside the conversation."""
        self._post(PhraseFailed(self._session, phrase, "this engine makes no phrases"))

    # --- the server's side

    def hear(self, sound: bytes) -> None:
        """A piece of the agent's voice: 16-bit samples."""
        sound = self._odd + sound
        whole = len(sound) // 2 * 2
        self._odd = sound[whole:]
        samples = np.frombuffer(sound[:whole], "<i2").astype(np.int16)
        if self._mute or not len(samples) or (self._live is None and not samples.any()):
            return  # not wanted, or the silence of somebody who does not speak
        live = self._begin()
        live.rest()
        self._post(AgentSpoke(self._session, live.name, live.item, g711.encode(samples)))
        self._watch(live)

    def receive(self, message: ServerMessage) -> None:
        """One data message."""
        match message:
            case State(state=state):
                self._move(state)
            case Transcript(role="user"):
                self._person_words(message)
            case Transcript():
                self._agent_words(message)
            case Invocation():
                self._invoked(message)
            case Cleared():
                self._cleared()
            case _:
                assert_never(message)

    def end(self, *, asked: bool) -> None:
        """The socket is gone. Whatever was being made ends with it."""
        self._end_response("cancelled" if asked else "failed", "the session was closed" if asked else "lost")
        self._close_turn("")

    # --- responses

    def _move(self, state: str) -> None:
        before, self._state = self._state, state
        if state == "thinking":
            if before != "thinking" and not self._asked:
                self._person_stopped()
        elif state != "speaking":
            self._mute = False
            self._asked = False
            self._end_response("completed")
            self._next()

    def _begin(self) -> _Response:
        """The response that what comes belongs to."""
        if self._live is None:
            self._asked = False
            if self._person_speaks:
                self._person_stopped()
            self._count += 1
            self._live = _Response(f"response_{self._count}", f"voice_{self._count}")
            self._post(ResponseStarted(self._session, self._live.name))
        return self._live

    def _agent_words(self, message: Transcript) -> None:
        if self._mute:
            return
        live = self._live
        if live is None and message.final:
            return  # all of it, once more
        live = self._begin()
        new = live.more(message)
        if new:
            self._post(AgentWrote(self._session, live.name, live.item, new))
        live.told = message.final
        live.rest()
        self._watch(live)

    def _invoked(self, call: Invocation) -> None:
        self._called.add(call.call_id)
        if self._mute:
            self.answer_tool(call.call_id, '{"error": "not wanted any more"}')
            return
        live = self._begin()
        self._post(ToolCalled(self._session, live.name, call.call_id, call.name, call.arguments))
        live.told = True
        live.rest()
        self._watch(live)

    def _watch(self, live: _Response) -> None:
        """It is over when nothing of it comes any more."""
        if live.told:
            live.timer = self._later(QUIET_SECONDS, lambda: self._fell_quiet(live))

    def _fell_quiet(self, live: _Response) -> None:
        live.timer = None
        if self._live is live:
            self._end_response("completed")
            self._next()

    def _end_response(self, status: Status, detail: str = "") -> None:
        live, self._live = self._live, None
        if live is not None:
            live.rest()
            self._post(ResponseEnded(self._session, live.name, status, detail=detail))

    def _next(self) -> None:
        """Ask for the answer that waits for the present one to end."""
        if self._kept is None or self._live is not None or self._asked:
            return
        text, self._kept = self._kept, None
        self._asked = True
        self._mute = False
        self._send(frames.ask(text))

    # --- the person

    def _cleared(self) -> None:
        """They have cut in."""
        self._end_response("cancelled", "the person cut in")
        if not self._person_speaks:
            self._person_speaks = True
            self._post(PersonStarted(self._session))

    def _person_stopped(self) -> None:
        """Their turn is over; its place in the conversation is here, its words follow."""
        self._person_speaks = False
        self._post(PersonStopped(self._session, due=False))  # it may find that there is nothing to say
        self._close_turn("")
        self._count += 1
        self._turn = f"turn_{self._count}"
        self._post(PersonCommitted(self._session, self._turn))

    def _person_words(self, message: Transcript) -> None:
        if not message.final or not message.text:
            return
        if self._turn is None:
            self._count += 1
            self._turn = f"turn_{self._count}"
            self._post(PersonCommitted(self._session, self._turn))
        self._close_turn(message.text.strip())

    def _close_turn(self, words: str) -> None:
        if self._turn is not None:
            turn, self._turn = self._turn, None
            self._post(PersonSaid(self._session, turn, words))


class _Response:
    def __init__(self, name: str, item: str) -> None:
        self.name = name
        self.item = item
        self.told = False  # all of its words are there, or it was a tool's
        self.timer: Timer | None = None
        self._words = ""
        self._ordinal: int | None = None

    def more(self, message: Transcript) -> str:
        """What these words add."""
        if self._ordinal != message.ordinal:
            self._ordinal, self._words = message.ordinal, ""
        if message.delta is not None:
            new = message.delta
        else:
            text = message.text or ""
            new = text.removeprefix(self._words) if text.startswith(self._words) else ""
        self._words += new
        return new

    def rest(self) -> None:
        """Something has come of it."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
