"""What goes on in one Gemini Live session, as a machine without I/O: the server's messages in, the core's events out.

The wire has neither responses nor turns with names, so they are numbered here. A response begins with the first sound,
word or tool call of the model, and is over when the server says that the turn is complete: that is when its bill
comes. The server waits with it until it thinks the answer played, so a response that has been made is not waited for
longer than `BILL_SECONDS`; its bill then comes by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from outwait.audio import g711
from outwait.audio.resample import Resampler
from outwait.call.cost import Usage
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    AnyEvent,
    MemoryKept,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    PhraseFailed,
    ResponseBilled,
    ResponseEnded,
    ResponseStarted,
    SessionComplained,
    ToolCalled,
    Trouble,
)
from outwait.engines.ends import End
from outwait.engines.gemini import frames
from outwait.engines.gemini.messages import FunctionCall, Message

BILL_SECONDS = 3.0  # wall s from the end of an answer's making until its bill is no longer waited for
LEAVE_EARLY = 5.0  # wall s before the server goes away, at which we go at the latest
TOKENS = 25  # audio tokens of a second, heard or spoken; unverified
CHARS_PER_TOKEN = 4  # of English text; an estimate

_GO_ON = "Go on."

Status = Literal["completed", "cancelled", "failed"]


class Timer(Protocol):
    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls back after so many wall seconds, unless cancelled."""


class Dialogue:
    """One session's conversation, from its being set up to its end."""

    def __init__(
        self,
        session: int,
        instructions: str,
        post: Callable[[AnyEvent], None],
        send: Callable[[str], None],
        later: Later,
        finish: Callable[[End], None],
        context_chars: int,
    ) -> None:
        """`finish`: ends the session. `context_chars`: of what it was given to begin with."""
        self._session = session
        self._instructions = instructions
        self._post = post
        self._send = send
        self._later = later
        self._finish = finish
        self._up = Resampler(g711.RATE, frames.IN_RATE)
        self._context = Usage(text_in=context_chars // CHARS_PER_TOKEN)  # of the last bill
        self._heard = 0.0  # s given since that
        self._count = 0
        self._idle = True  # the model waits for the person
        self._live: _Response | None = None
        self._unbilled: _Response | None = None  # it has ended, and its bill may still come
        self._mute = False  # what comes is not wanted, until the turn is complete
        self._asked = False  # an answer was asked for, and has not begun
        self._kept: str | None = None  # to be asked for when the present response has ended
        self._turn: _Turn | None = None
        self._person_speaks = False
        self._calls: dict[str, FunctionCall] = {}  # open ones
        self._leaving: Timer | None = None
        self._handle = ""
        self._resumable = True  # says the server; False: it is at something, and a handle comes when it is not

    # --- our side

    def send_audio(self, ulaw: bytes) -> None:
        """The person's sound, in pieces of a second at most."""
        samples = self._up.take(g711.decode(ulaw)).astype("<i2").tobytes()
        self._heard += len(ulaw) / g711.RATE
        for start in range(0, len(samples), 2 * frames.IN_RATE):
            self._send(frames.audio(samples[start : start + 2 * frames.IN_RATE]))

    def commit_turn(self) -> None:
        """End the person's turn: the server has not noticed its end."""
        self._send(frames.stream_end())

    def ask_response(self, instructions: str) -> None:
        """Ask for an answer, at once or when the present one has ended. At most one waits: the newest.

        The wire has no instructions for one answer. What those say beyond the session's own is a note.
        """
        self._kept = instructions.removeprefix(self._instructions).strip() or _GO_ON
        self._next()

    def cancel_response(self) -> None:
        """The wire has no such wish: what is being said, or else what comes next, is not passed on."""
        self._kept = None
        if self._live is not None:
            self._end_response("cancelled")
            self._mute = True
        elif self._asked:
            self._mute = True

    def answer_tool(self, call_id: str, output: str) -> None:
        """What a tool gave, unless the server has taken the call back."""
        call = self._calls.pop(call_id, None)
        if call is not None:
            self._send(frames.tool_response(call_id, call.name, output))

    def make_phrase(self, phrase: str) -> None:
        """Nothing can be spoken outside the conversation."""
        self._post(PhraseFailed(self._session, phrase, "this engine makes no phrases"))

    # --- the server's side

    def receive(self, message: Message) -> None:
        """One message: a bundle, in the order in which its parts matter."""
        if message.speaking is not None:
            self._voice(message.speaking)
        if message.heard:
            self._words_heard(message.heard)
        if message.interrupted:
            self._interrupted()
        if message.sound or message.words:
            self._speak(message)
        for call in message.calls:
            self._called(call)
        for name in message.revoked:
            self._calls.pop(name, None)
        if message.usage is not None:
            self._billed(message.usage)
        if message.heard_all:
            self._close_turn()
        if message.generated or message.calls:
            self._generated()
        if message.complete:
            self._complete()
        if message.handle is not None:
            self._remembered(message.handle.text)
        if message.leaves_in is not None:
            self._leave(message.leaves_in)
        if message.error:
            self._post(SessionComplained(self._session, "error", message.error[:300]))

    def end(self, *, asked: bool) -> None:
        """The socket is gone. Whatever was being made ends with it, and is priced by what came of it."""
        if self._leaving is not None:
            self._leaving.cancel()
        self._close_turn()
        if self._live is not None:
            self._live.usage = self._live.usage or self._estimate(self._live)
            detail = "the session was closed" if asked else "the session was lost"
            self._end_response("cancelled" if asked else "failed", detail)
        if self._unbilled is not None:
            self._post(ResponseBilled(self._session, self._unbilled.name, self._estimate(self._unbilled)))
            self._unbilled = None

    @property
    def owes(self) -> bool:
        """Whether something is on its way that is worth waiting for: the bill of an answer, or a new handle."""
        return self._live is not None or self._unbilled is not None or not self._resumable

    @property
    def leaving(self) -> bool:
        """Whether the server has said that it goes away."""
        return self._leaving is not None

    # --- responses

    def _begin(self) -> _Response:
        """The response that what comes belongs to."""
        if self._live is None:
            if self._unbilled is not None:  # the bill that comes next is not that one's
                self._post(ResponseBilled(self._session, self._unbilled.name, self._estimate(self._unbilled)))
                self._unbilled = None
            self._asked = self._idle = False
            turn = self._turn
            if self._person_speaks:
                self._person_speaks = False
                self._post(PersonStopped(self._session))
            if turn is not None:
                turn.answered = True
            self._count += 1
            self._live = _Response(f"response_{self._count}", f"voice_{self._count}")
            self._post(ResponseStarted(self._session, self._live.name))
        return self._live

    def _speak(self, message: Message) -> None:
        if self._mute:
            self._silent(message)
            return
        live = self._begin()
        live.stop_waiting()
        if message.words:
            live.chars += len(message.words)
            self._post(AgentWrote(self._session, live.name, live.item, message.words))
        ulaw = live.hear(message.sound)
        if ulaw:
            self._post(AgentSpoke(self._session, live.name, live.item, ulaw))

    def _silent(self, message: Message) -> None:
        """An answer that is not wanted is paid for all the same."""
        if self._unbilled is None:
            self._count += 1
            self._unbilled = _Response(f"response_{self._count}", "")
        self._asked = False
        self._unbilled.chars += len(message.words)
        self._unbilled.hear(message.sound)

    def _called(self, call: FunctionCall) -> None:
        if self._mute or call.call_id in self._calls:
            return
        live = self._begin()
        self._calls[call.call_id] = call
        self._post(ToolCalled(self._session, live.name, call.call_id, call.name, call.arguments))

    def _interrupted(self) -> None:
        """The person has cut in: the server has stopped, and forgets what it thinks was not heard."""
        if self._live is not None:
            self._end_response("cancelled", "the person cut in")
            self._mute = True  # late pieces of it
        self._close_turn(answered=True)
        self._idle = True
        if not self._person_speaks:
            self._person_speaks = True
            self._post(PersonStarted(self._session))

    def _generated(self) -> None:
        live = self._live
        if live is not None and live.waiting is None:
            self._flush(live)
            live.waiting = self._later(BILL_SECONDS, lambda: self._give_up(live))

    def _give_up(self, response: _Response) -> None:
        """The bill takes its time."""
        response.waiting = None
        if self._live is response:
            self._end_response("completed")
            self._next()

    def _billed(self, usage: Usage) -> None:
        self._context, self._heard = usage, 0.0
        if self._live is not None:
            self._live.usage = usage
        else:
            name = self._unbilled.name if self._unbilled is not None else ""
            self._unbilled = None
            self._post(ResponseBilled(self._session, name, usage))

    def _complete(self) -> None:
        """The model waits for the person again."""
        self._mute = self._asked = False
        self._idle = True
        self._close_turn(answered=True)
        if self._live is not None:
            self._end_response("completed")
        self._next()
        self._may_leave()

    def _end_response(self, status: Status, detail: str = "") -> None:
        live, self._live = self._live, None
        if live is None:
            return
        live.stop_waiting()
        self._flush(live)
        self._post(ResponseEnded(self._session, live.name, status, live.usage, detail))
        if live.usage is None:
            self._unbilled = live

    def _flush(self, live: _Response) -> None:
        """The last of its sound that was still on its way."""
        ulaw = live.rest()
        if ulaw:
            self._post(AgentSpoke(self._session, live.name, live.item, ulaw))

    def _next(self) -> None:
        """Ask for the answer that waits for the present one to end: it would cut that off."""
        if self._kept is None or self._live is not None or self._asked:
            return
        text, self._kept = self._kept, None
        self._asked = True
        self._mute = False
        self._send(frames.content([frames.note(text)], complete=True))

    # --- the person

    def _voice(self, speaking: bool) -> None:
        """The server says by itself what it hears of the person."""
        if speaking == self._person_speaks:
            return
        self._person_speaks = speaking
        # The model may find that there is nothing to say
        self._post(PersonStarted(self._session) if speaking else PersonStopped(self._session, due=False))

    def _words_heard(self, text: str) -> None:
        """Words may come late, while they are being answered: then they say nothing about who speaks now."""
        turn = self._turn
        if turn is None:
            self._count += 1
            self._turn = turn = _Turn(f"turn_{self._count}", answered=not self._idle)
            if self._idle and not self._person_speaks:
                self._person_speaks = True
                self._post(PersonStarted(self._session))
            self._post(PersonCommitted(self._session, turn.name))
        turn.text += text

    def _close_turn(self, *, answered: bool = False) -> None:
        """Its words are all there. `answered`: only if it has had its answer."""
        turn = self._turn
        if turn is None or (answered and not turn.answered):
            return
        self._turn = None
        self._post(PersonSaid(self._session, turn.name, turn.text.strip()))

    # --- the end

    def _remembered(self, handle: str) -> None:
        self._resumable = bool(handle)
        if handle not in ("", self._handle):
            self._handle = handle
            self._post(MemoryKept(self._session, handle))

    def _leave(self, seconds: float) -> None:
        """The server goes away: so do we, in the next pause, or shortly before it does."""
        if self._leaving is None:
            self._leaving = self._later(max(0.5, seconds - LEAVE_EARLY), self._expire)
            self._may_leave()

    def _may_leave(self) -> None:
        if self._leaving is not None and self._live is None and not (self._asked or self._person_speaks):
            self._expire()

    def _expire(self) -> None:
        self._finish(End(Trouble.EXPIRED, "the server goes away"))

    # --- money

    def _estimate(self, response: _Response) -> Usage:
        """The bill of a response that was never told: all that was known to be in the conversation, and what came."""
        last = self._context
        return Usage(
            text_in=last.text_in + last.text_out,
            text_cached=last.text_cached,
            audio_in=last.audio_in + last.audio_out + round(self._heard * TOKENS),
            audio_cached=last.audio_cached,
            text_out=response.chars // CHARS_PER_TOKEN,
            audio_out=round(response.samples / frames.OUT_RATE * TOKENS),
            estimated=True,
        )


class _Response:
    def __init__(self, name: str, item: str) -> None:
        self.name = name
        self.item = item
        self.samples = 0  # received
        self.chars = 0  # of its words received
        self.usage: Usage | None = None
        self.waiting: Timer | None = None  # it has been made, and its bill is waited for
        self._down = Resampler(frames.OUT_RATE, g711.RATE)
        self._odd = b""

    def hear(self, sound: bytes) -> bytes:
        """Samples as they come; mu-law."""
        sound = self._odd + sound
        whole = len(sound) // 2 * 2
        self._odd = sound[whole:]
        samples = np.frombuffer(sound[:whole], "<i2").astype(np.int16)
        self.samples += len(samples)
        return g711.encode(self._down.take(samples))

    def rest(self) -> bytes:
        """What is still on its way; mu-law."""
        return g711.encode(self._down.end()) if self.samples else b""

    def stop_waiting(self) -> None:
        if self.waiting is not None:
            self.waiting.cancel()
            self.waiting = None


@dataclass(slots=True)
class _Turn:
    name: str
    text: str = ""
    answered: bool = False  # a response to it has begun
