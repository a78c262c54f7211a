"""One session of the simulated Live server, pure: texts in, texts out, time passed in.

A full-duplex model: its sound comes all the time, silence included, a tenth of a second at once; it stops when somebody
talks over it, and says nothing to music. What it can't do itself it delegates, to the text model that the session has.
The time it bills goes on as long as it is open, whatever is said.
"""

from __future__ import annotations

import base64
import functools
import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from outwait.sim import live_wire as wire
from outwait.sim import sound
from outwait.sim.hearing import Hearing
from outwait.sim.live_bill import BACKENDS, MODELS, LiveBill
from outwait.sim.live_wire import Json, Outbox
from outwait.sim.mind import Mind, Plan, Turn, View
from outwait.sim.model_server import SessionCounts
from outwait.sim.pipes import Message
from outwait.sim.realtime_bill import of_text
from outwait.sim.realtime_dialect import Refused, read_event
from outwait.sim.realtime_vad import Vad

FRAME_MS = 100  # of the output in one piece
WORDS_MS = 400  # of speech between two fragments of a transcript
YIELD_MS = 200  # of somebody's voice until the model stops
TELL_SECONDS = 15.0  # of a session between two words about its cost
SILENCE_MS = 500  # that end a turn
_SILENT = b"\xff" * (FRAME_MS * 8)


@dataclass(frozen=True)
class LiveTiming:
    """How fast the model is.

    think, backend
        wall seconds from a turn's end to the first sound, and from a delegation to its call
    rate
        seconds of the session in one wall second: 1 in life
    lifetime
        of a session; wall seconds
    """

    think: float = 0.3
    backend: float = 0.4
    rate: float = 1.0
    lifetime: float = 3600.0


@dataclass
class _Speech:
    """What the model is saying."""

    words: list[str]
    frames: list[bytes]
    frames_said: int = 0
    words_said: int = 0


@dataclass
class _Backend:
    """The text model at work for a delegation."""

    delegation: str
    response: str
    calls: tuple[tuple[str, Json], ...]
    open: set[str] = field(default_factory=set)  # calls without a result


@dataclass(frozen=True)
class Stored:
    """A session that has ended and is kept: how it was configured, and what was said."""

    session: Json
    turns: tuple[Turn, ...]


class LiveSession:
    """The server's side of one connection. See `model_server.Serving`."""

    def __init__(
        self,
        number: int,
        mind: Mind,
        hearing: Hearing,
        bill: LiveBill,
        timing: LiveTiming | None = None,
        *,
        stored: dict[str, Stored] | None = None,
        source: Stored | None = None,
    ) -> None:
        """`stored`: where sessions are kept that wish it, by their ids; `source`: the one that this goes on from."""
        self._stored = stored if stored is not None else {}
        self._source = source
        self.number = number
        self.counts = SessionCounts()
        self.close_code: int | None = None
        self.rate_limited = False
        self.stalled = False
        self.session: Json = {}
        self.turns: list[Turn] = []
        self._mind = mind
        self._hearing = hearing
        self._bill = bill
        self._timing = timing or LiveTiming()
        self._now = 0.0
        self._began: float | None = None  # wall s
        self._closed = False
        self._out = Outbox(number, self.counts.errors)
        self._order = itertools.count()  # of what is due at the same moment
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._frames = 0  # of the output so far
        self._speech: _Speech | None = None
        self._pieces = 0  # of what it says, or said last
        self._plan: Plan | None = None  # of what is being said
        self._wanted: list[str] = []  # to be spoken about, when nothing else is said
        self._vad = Vad(0.5, SILENCE_MS)
        self._turn = b""  # sound of the person's turn
        self._turn_words = 0  # characters of it that were told
        self._backends: dict[str, _Backend] = {}
        self._told_at = 0.0  # s of the session

    @property
    def pieces(self) -> int:
        return self._pieces

    def open(self, now: float) -> list[Message]:
        """The connection is up; nothing is said until the session is started."""
        self._now = now
        return []

    def receive(self, message: Message, now: float) -> list[Message]:
        """One client message."""
        self._now = now
        event: Json = {}
        try:
            event = read_event(message)
            self._handle(event)
        except Refused as refusal:
            self._out.error(refusal.code, str(refusal), refusal.param, event.get("event_id"))
        return self.flush()

    def tick(self, now: float) -> list[Message]:
        """Time has passed."""
        self._now = now
        while self._later and self._later[0][0] <= now:
            heapq.heappop(self._later)[2]()
        while self._running and self._next_frame() <= now:
            self._output()
        if self._began is not None and self.close_code is None:
            self._count()
            if now - self._began >= self._timing.lifetime:
                self.expire()
        return self.flush()

    def next_deadline(self) -> float | None:
        """When `tick` has something to do."""
        due = [self._later[0][0]] if self._later else []
        if self._running:
            due.append(self._next_frame())
        return min(due, default=None)

    def expire(self) -> None:
        """The session's time is up."""
        self._finalise("expired", None)

    def flush(self) -> list[Message]:
        """What has been said since the last time."""
        return self._out.take()

    def lost(self) -> None:
        """The connection is gone: its time is charged all the same."""
        if self._began is not None and not self._closed:
            self._bill.session(self.number, self.session["model"], self._seconds)

    # Client events.

    def _handle(self, event: Json) -> None:
        wire.check_event(event)
        kind = event["type"]
        if kind != "session.input_audio.append":
            self.counts.received.append(kind)
        if (self._began is None) != (kind == "session.start"):
            raise Refused("invalid_event", "Send session.start once, before everything else.", "type")
        handlers: dict[str, Callable[[Json], None]] = {
            "session.start": self._start,
            "session.update": self._update,
            "session.input_audio.append": self._append,
            "session.input_audio.mute": lambda e: self._out.answer(e, "session.input_audio.muted"),
            "session.input_audio.unmute": lambda e: self._out.answer(e, "session.input_audio.unmuted"),
            "session.output_audio.fixture.play": self._fixture,
            "session.instructions.append": self._context,
            "session.thinking.append": self._context,
            "session.commentary.append": self._context,
            "response.item.create": self._item,
            "response.create": self._continue,
            "session.close": lambda e: self._finalise("close_requested", e.get("event_id")),
        }
        handlers[kind](event)

    def _start(self, event: Json) -> None:
        if self._source is not None:
            self.session = self._source.session | wire.check_fork(event["session"])
            self.turns = list(self._source.turns)
            self._began = self._now
            self._out.answer(event, "session.started", session=self._resource())
            return
        session = wire.check_session(event["session"], MODELS)
        backend = self._backend_of(session)
        if backend and backend not in BACKENDS:
            raise Refused("model_not_found", f"The model {backend!r} does not exist.", "session.delegation.responses")
        self.session = session
        self.turns = wire.history(session.get("input") or [])
        self._began = self._now
        self._out.answer(event, "session.started", session=self._resource())

    def _update(self, event: Json) -> None:
        wire.check_update(event["session"], self._delegation)
        self._out.answer(event, "session.updated", session=self._resource())

    def _append(self, event: Json) -> None:
        audio = wire.decode(event["audio"])
        self.counts.appends.append(self._now)
        self.counts.appended_ms += len(audio) / 8
        self._count()
        for at in range(0, len(audio), 160):
            self._listen(audio[at : at + 160])

    def _fixture(self, event: Json) -> None:
        audio = wire.decode(event["audio"])
        if not audio or len(audio) > wire.MAX_FIXTURE or len(audio) % 2:
            raise Refused("invalid_value", "A fixture is PCM16 at 24 kHz, of 30 seconds at most.", "audio")
        self._speech = self._plan = None
        self._out.answer(event, "session.output_audio.fixture.playing")
        self._out.answer(event, "session.output_audio.fixture.played")

    def _context(self, event: Json) -> None:
        content = wire.check_context(event, self._delegation, {b.delegation for b in self._backends.values()})
        at = self._ms
        self._out.answer(event, event["type"].replace(".append", ".appended"), start_ms=at, end_ms=at)
        if event["type"] != "session.commentary.append":
            self.turns.append(Turn("system", content))
            return
        self.counts.created_by_client += 1
        self._wanted.append(content)
        self._after(self._timing.think, self._speak_of)

    def _item(self, event: Json) -> None:
        if self._delegation != "responses":
            raise Refused("invalid_request", "response.item.create requires Responses delegation.", "type")
        item = event["item"]
        if not isinstance(item, dict) or item.get("type") != "function_call_output":
            raise Refused("invalid_value", "The simulator takes results of functions only.", "item.type")
        backend = next((b for b in self._backends.values() if item.get("call_id") in b.open), None)
        if backend is None:
            raise Refused("invalid_tool_call_id", f"No call {item.get('call_id')!r} is open.", "item.call_id")
        backend.open.discard(item["call_id"])
        self.turns.append(Turn("result", str(item.get("output", ""))))

    def _continue(self, event: Json) -> None:
        if self._delegation != "responses":
            raise Refused("invalid_request", "response.create requires Responses delegation.", "type")
        done = [b for b in self._backends.values() if not b.open]
        if not done:
            raise Refused("invalid_request", "No response waits for results, or some are missing.", "type")
        for backend in done:
            del self._backends[backend.response]
            self._after(self._timing.backend, functools.partial(self._finish_work, backend))

    # What it hears.

    def _listen(self, frame: bytes) -> None:
        """A fiftieth of a second of the person's line."""
        speech = self._vad.feed(frame)
        if self._vad.speaking or speech:
            self._turn += frame
        else:
            self._turn = (self._turn + frame)[-2400:]  # the beginning of a word comes before it is noticed
        if self._vad.speaking:
            spoken = len(self._turn) / 8
            if self._speech is not None and spoken >= YIELD_MS:
                self._yield()
            if spoken // WORDS_MS != (spoken - 20) // WORDS_MS:
                self._write_down()
        for change in speech:
            if not change.began:
                self._turn_over()

    def _write_down(self) -> str:
        """Tell the words that are new."""
        words = self._hearing.words(self._turn)
        new, self._turn_words = words[self._turn_words :], max(self._turn_words, len(words))
        if new.strip():
            at = self._ms
            self._out.emit(
                {"type": "session.input_transcript.delta", "delta": new, "start_ms": at, "end_ms": at + WORDS_MS}
            )
        return words

    def _turn_over(self) -> None:
        words = self._write_down()
        self._turn, self._turn_words = b"", 0
        self.counts.heard.append(words)
        if not words:
            return  # music, a cough: nothing to say to that
        self.turns.append(Turn("user", words))
        self._after(self._timing.think, lambda: self._answer_person(words))

    def _yield(self) -> None:
        """Somebody talks over the model: it stops."""
        speech, self._speech, self._plan = self._speech, None, None
        if speech is not None:
            said = " ".join(speech.words[: speech.words_said])
            self.turns.append(Turn("assistant", said))

    # What it says.

    def _answer_person(self, words: str) -> None:
        if self._vad.speaking or self._speech is not None or not self.turns or self.turns[-1].text != words:
            return  # they go on, or have had their answer
        self._say(self._think(""))

    def _speak_of(self) -> None:
        if self._wanted and self._speech is None:
            self._say(self._think(self._wanted.pop(0)))

    def _think(self, request: str) -> Plan:
        self.counts.responses.append(self._now)
        return self._mind.answer(
            View(self.session.get("instructions") or "", tuple(self.turns), self._tools, False, request)
        )

    def _say(self, plan: Plan) -> None:
        self.counts.said.append(plan.say)
        self._plan = plan
        if not plan.say:
            self._said()
            return
        speech = sound.speak(plan.say, "agent")
        size = len(_SILENT)
        frames = [speech[at : at + size].ljust(size, b"\xff") for at in range(0, len(speech), size)]
        self._speech = _Speech(plan.say.split(" "), frames)

    def _output(self) -> None:
        """The next tenth of a second."""
        frame = _SILENT
        speech = self._speech
        if speech is not None:
            frame = speech.frames[speech.frames_said]
            self._tell_words(speech)
            speech.frames_said += 1
            self._pieces = speech.frames_said
        self._frames += 1
        self._out.emit({"type": "session.output_audio.delta", "delta": base64.b64encode(frame).decode()}, name=False)
        if speech is not None and speech.frames_said == len(speech.frames):
            self._speech = None
            self.turns.append(Turn("assistant", " ".join(speech.words)))
            self._said()

    def _tell_words(self, speech: _Speech) -> None:
        upto = max(1, round(len(speech.words) * (speech.frames_said + 1) / len(speech.frames)))
        if upto == speech.words_said or (speech.frames_said % 2 and upto < len(speech.words)):
            return
        delta = (" " if speech.words_said else "") + " ".join(speech.words[speech.words_said : upto])
        event = {"type": "session.output_transcript.delta", "delta": delta}
        self._out.emit(event | {"start_ms": self._ms, "end_ms": self._ms + 2 * FRAME_MS})
        speech.words_said = upto

    def _said(self) -> None:
        """It has said what it had to; the rest is for the backend."""
        plan, self._plan = self._plan, None
        if plan is not None and plan.calls:
            self._delegate(plan.calls)
        elif self._wanted:
            self._after(self._timing.think, self._speak_of)

    # The backend.

    def _delegate(self, calls: tuple[tuple[str, Json], ...]) -> None:
        delegation = {"id": self._out.new_id("del"), "type": "delegation", "target": self._delegation}
        if self._delegation == "responses":
            delegation["response_id"] = self._out.new_id("resp")
        self._out.emit({"type": "session.delegation.created", "offset_ms": self._ms, "delegation": delegation})
        if self._delegation == "responses":
            backend = _Backend(delegation["id"], delegation["response_id"], calls)
            self._nested(backend, {"type": "response.created", "response": {"id": backend.response}})
            self._after(self._timing.backend, lambda: self._work(backend))

    def _work(self, backend: _Backend) -> None:
        if self.rate_limited:
            self.rate_limited = False
            error = {"code": "rate_limit_exceeded", "message": "Slow down."}
            response = {"id": backend.response, "status": "failed", "error": error, "usage": None}
            self._nested(backend, {"type": "response.failed", "response": response})
            return
        for place, (name, arguments) in enumerate(backend.calls):
            item = {"id": self._out.new_id("fc"), "type": "function_call", "status": "completed", "name": name}
            item |= {"call_id": self._out.new_id("call"), "arguments": json.dumps(arguments)}
            backend.open.add(item["call_id"])
            self.turns.append(Turn("call", name))
            self._nested(backend, {"type": "response.output_item.done", "output_index": place, "item": item})
        self._backends[backend.response] = backend
        self._complete(
            backend, sum(of_text(json.dumps(arguments)) + of_text(name) for name, arguments in backend.calls)
        )

    def _finish_work(self, backend: _Backend) -> None:
        """It has its results. The model speaks of them when something was wrong."""
        again = _Backend(backend.delegation, self._out.new_id("resp"), ())
        self._nested(again, {"type": "response.created", "response": {"id": again.response}})
        self._complete(again, 8)
        if self.turns and self.turns[-1].role == "result" and "error" in self.turns[-1].text:
            self._say(self._think(""))

    def _complete(self, backend: _Backend, text_out: int) -> None:
        text_in = of_text(json.dumps(self.session["delegation"])) + sum(of_text(turn.text) for turn in self.turns)
        self._bill.backend(self._backend_of(self.session), text_in, 0, text_out)
        usage = {"input_tokens": text_in, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": text_out}
        response = {"id": backend.response, "status": "completed", "output": [], "usage": usage}
        self._nested(backend, {"type": "response.completed", "response": response})

    def _nested(self, backend: _Backend, event: Json) -> None:
        self._out.emit({"type": "response.event", "delegation_id": backend.delegation, "event": event})

    # Time, events.

    @property
    def _running(self) -> bool:
        return self._began is not None and self.close_code is None

    @property
    def _seconds(self) -> float:
        """How long the session has lasted: by the clock, or by the sound it was given where a call is played fast."""
        wall = 0.0 if self._began is None else self._now - self._began
        return max(wall, self.counts.appended_ms / 1000)

    @property
    def _ms(self) -> int:
        return self._frames * FRAME_MS

    @property
    def _delegation(self) -> str:
        return str((self.session.get("delegation") or {}).get("type", "client"))

    @property
    def _tools(self) -> frozenset[str]:
        backend = (self.session.get("delegation") or {}).get("responses") or {}
        return frozenset(tool["name"] for tool in backend.get("tools") or [])

    @staticmethod
    def _backend_of(session: Json) -> str:
        return str(((session.get("delegation") or {}).get("responses") or {}).get("model", ""))

    def _next_frame(self) -> float:
        assert self._began is not None
        return self._began + (self._frames + 1) * FRAME_MS / 1000 / self._timing.rate

    def _count(self) -> None:
        """The time so far is charged; the client is told once in a while."""
        self._bill.session(self.number, self.session["model"], self._seconds)
        if self._seconds - self._told_at >= TELL_SECONDS:
            self._told_at = self._seconds
            usage = {"seconds": self._bill.tell(self.number)}
            self._out.emit({"type": "session.usage.updated", "usage": usage, "context_window": {"usage_ratio": 0.02}})

    def _finalise(self, reason: str, about: Any) -> None:
        if self._closed:
            return
        self._count()
        self._closed = True
        if self.session.get("store"):
            self._stored[self._resource()["id"]] = Stored(self.session, tuple(self.turns))
        closed: Json = {"type": "session.closed", "reason": reason, "session": self._resource()}
        if not self.stalled:
            closed["usage"] = {"seconds": self._bill.tell(self.number)}
        self._out.emit(closed | ({"client_event_id": about} if about else {}))
        self.close_code = 1000 if reason == "close_requested" else 1001

    def _resource(self) -> Json:
        shown = {name: self.session[name] for name in ("model", "audio", "delegation", "store") if name in self.session}
        expires = int(1_800_000_000 + self._timing.lifetime)
        return shown | {"id": f"live_sim{self.number:04d}", "status": "active", "expires_at": expires}

    def _after(self, seconds: float, then: Callable[[], None]) -> None:
        heapq.heappush(self._later, (self._now + seconds, next(self._order), then))
