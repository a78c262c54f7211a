"""One session of the simulated Gemini Live server, pure: messages in, messages out, time passed in."""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import dataclass, field, replace

import numpy as np

from outwait.audio import g711
from outwait.audio.resample import Resampler
from outwait.sim import gemini_wire as wire
from outwait.sim import sound
from outwait.sim.gemini_bill import GeminiBill, Turn, of_audio, text_tokens
from outwait.sim.gemini_wire import Json, Wrong
from outwait.sim.hearing import Hearing
from outwait.sim.mind import Mind, Plan, View
from outwait.sim.mind import Turn as Thought
from outwait.sim.model_server import SessionCounts
from outwait.sim.realtime_bill import Tokens
from outwait.sim.realtime_response import Timing
from outwait.sim.turn_taking import PersonsTurn, Piece, script

GRACE = 1.0  # wall s from the goAway of a session that is told to expire, to its cut


@dataclass(frozen=True)
class Item:
    """One thing of the conversation. role: "user", "model", "call" or "result"."""

    role: str
    text: str
    tokens: Tokens


@dataclass
class Answer:
    """A turn of the model under way."""

    plan: Plan
    prompt: Tokens
    pieces: list[Piece]
    done_at: float
    said_ms: float = 0.0
    words: str = ""
    sent: int = 0
    called: bool = False


@dataclass
class Memory:
    """What the server keeps of sessions that have ended: handle -> conversation."""

    kept: dict[str, list[Item]] = field(default_factory=dict)


class GeminiSession:
    """See `model_server.Serving`."""

    def __init__(
        self,
        number: int,
        mind: Mind,
        hearing: Hearing,
        bill: GeminiBill,
        timing: Timing,
        memory: Memory,
        *,
        welcome: bool,
    ) -> None:
        """`welcome`: the key is right; a wrong one is told by a close, after the handshake."""
        self.number = number
        self.counts = SessionCounts()
        self.close_code: int | None = None
        self.stalled = False
        self.rate_limited = False
        self.items: list[Item] = []
        self.setup: Json | None = None
        self._mind, self._hearing, self._bill, self._timing, self._memory = mind, hearing, bill, timing, memory
        self._welcome = welcome
        self._now = 0.0
        self._out: list[bytes] = []
        self._answer: Answer | None = None
        self._history = False  # the initial history is not complete
        self._calls: dict[str, str] = {}  # open: id -> name
        self._person = PersonsTurn()
        self._handles = itertools.count(1)
        self._cut_at = float("inf")

    @property
    def pieces(self) -> int:
        """Of sound of the answer that is being given."""
        return self._answer.sent if self._answer is not None else 0

    def open(self, now: float) -> list[bytes]:
        """The connection is up: the client speaks first."""
        self._now = now
        return []

    def receive(self, message: str | bytes, now: float) -> list[bytes]:
        """One client message."""
        self._now = now
        try:
            kind, body = wire.read(message)
            if kind != "realtimeInput" or "audio" not in body:
                self.counts.received.append(kind)
            self._handle(kind, body)
        except Wrong as wrong:
            self.counts.errors.append(str(wrong))
            self.close_code = wrong.code
        return self._take()

    def tick(self, now: float) -> list[bytes]:
        """Time has passed."""
        self._now = now
        while self._answer is not None and self._answer.pieces and self._answer.pieces[0][0] <= now:
            self._piece(self._answer)
        if self._answer is not None and not self._answer.pieces and self._answer.done_at <= now:
            self._finish(self._answer)
        if now >= self._cut_at and self.close_code is None:
            self.close_code = wire.GONE
        return self._take()

    def next_deadline(self) -> float | None:
        """When `tick` has something to do."""
        answer = self._answer
        due = [self._cut_at] if self.close_code is None else []
        if answer is not None:
            due.append(answer.pieces[0][0] if answer.pieces else answer.done_at)
        return min(due, default=None)

    def expire(self) -> None:
        """The session's time is up: that is said a while before."""
        self._emit({"goAway": {"timeLeft": f"{GRACE:g}s"}})
        self._cut_at = self._now + GRACE

    def flush(self) -> list[bytes]:
        """What is left to send."""
        return self._take()

    def lost(self) -> None:
        """The connection is gone: what was generated is charged all the same."""
        if self._answer is not None:
            self._charge(self._answer, delivered=False)
            self._answer = None

    # Client messages.

    def _handle(self, kind: str, body: Json) -> None:
        if (kind == "setup") != (self.setup is None):
            raise Wrong("The first message, and only that, is a setup.")
        match kind:
            case "setup":
                self._set_up(body)
            case "clientContent":
                self._content(body)
            case "realtimeInput":
                self._input(body)
            case _:
                self._answers(body)

    def _set_up(self, setup: Json) -> None:
        if not self._welcome:
            raise Wrong("API key not valid. Please pass a valid API key.")
        wire.check_setup(setup)
        handle = setup.get("sessionResumption", {}).get("handle")
        if handle:
            if handle not in self._memory.kept:
                raise Wrong("Session not found.", wire.GONE)
            self.items = list(self._memory.kept[handle])
        self.setup = setup
        self._history = setup.get("historyConfig", {}).get("initialHistoryInClientContent", False)
        detection = setup.get("realtimeInputConfig", {}).get("automaticActivityDetection", {})
        self._person = PersonsTurn(int(detection.get("silenceDurationMs", 500)))
        self._emit({"setupComplete": {"sessionId": f"sim-{self.number}"}})

    def _content(self, content: Json) -> None:
        for role, words in wire.check_turns(content):
            self.items.append(Item(role, words, text_tokens(words)))
        if not content.get("turnComplete"):
            return
        if self._history:
            self._history = False
            return
        self._cut("")
        self.counts.created_by_client += 1
        self._respond(request=True)

    def _input(self, given: Json) -> None:
        wire.check_input(given)
        if self._history:
            raise Wrong("The initial history is not complete.")
        if "audio" in given:
            self._hear(wire.ulaw(given["audio"]))
        if given.get("audioStreamEnd") and self._person.speaking:
            self._hear(b"\xff" * 8 * 600)

    def _answers(self, response: Json) -> None:
        for answer in wire.check_answers(response):
            if self._calls.pop(answer["id"], None) != answer["name"]:
                raise Wrong("No such function call.")
            text = json.dumps(answer["response"])
            self.items.append(Item("result", text, text_tokens(text)))
            if answer.get("scheduling") != "SILENT":
                self._respond()
            elif self._answer is None:
                self._remember()

    # Turns.

    def _hear(self, audio: bytes) -> None:
        self.counts.appends.append(self._now)
        self.counts.appended_ms += len(audio) / 8
        for began in self._person.feed(audio):
            if not began:
                self._turn(self._person.take())
            elif self._answer is not None:
                self._cut("interrupted")

    def _turn(self, audio: bytes) -> None:
        words = self._hearing.words(audio)
        self.counts.heard.append(words)
        self.items.append(Item("user", words, Tokens(audio=of_audio(len(audio) / 8))))
        half = len(words) // 2
        for piece in (words[:half], words[half:]):
            if piece:
                self._emit({"serverContent": {"inputTranscription": {"text": piece}}})
        self._respond()

    def _respond(self, *, request: bool = False) -> None:
        assert self.setup is not None
        self.counts.responses.append(self._now)
        if self.rate_limited:
            self.rate_limited = False
            self.counts.errors.append("quota")
            self.close_code = 1011
            return
        plan = self._mind.answer(self._view(request=request))
        self.counts.said.append(plan.say)
        speech = sound.speak(plan.say, "agent") if plan.say else b""
        begin = self._now + self._timing.think
        pieces = script(plan.say, speech, begin, self._timing.speed)
        last = pieces[-1][0] if pieces else begin
        self._answer = Answer(plan, self._compressed(), pieces, last + 0.01)
        self._emit({"sessionResumptionUpdate": {"resumable": False}})

    def _piece(self, answer: Answer) -> None:
        _, chunk, words = answer.pieces.pop(0)
        answer.sent += 1
        answer.said_ms += len(chunk) / 8
        answer.words += words
        up = Resampler(8000, 24_000)
        samples = np.concatenate([up.take(g711.decode(chunk)), up.end()]).astype("<i2").tobytes()
        blob = {"mimeType": "audio/pcm;rate=24000", "data": base64.b64encode(samples).decode()}
        self._emit({"serverContent": {"modelTurn": {"parts": [{"inlineData": blob}]}}})
        if words:
            self._emit({"serverContent": {"outputTranscription": {"text": words}}})

    def _finish(self, answer: Answer) -> None:
        if answer.plan.calls and not answer.called:
            answer.called = True
            calls = []
            for name, arguments in answer.plan.calls:
                call_id = f"call-{self.number}-{len(self.items)}"
                self._calls[call_id] = name
                self.items.append(Item("call", name, text_tokens(name + json.dumps(arguments))))
                calls.append({"id": call_id, "name": name, "args": arguments})
            self._emit({"toolCall": {"functionCalls": calls}})
            answer.done_at = self._now + 0.02
            return
        self._emit({"serverContent": {"generationComplete": True}})
        self._complete(answer)

    def _cut(self, why: str) -> None:
        answer = self._answer
        if answer is None:
            return
        if why:
            self._emit({"serverContent": {"interrupted": True}})
            for name in list(self._calls):
                del self._calls[name]
                self._emit({"toolCallCancellation": {"ids": [name]}})
        self._complete(answer)

    def _complete(self, answer: Answer) -> None:
        self._answer = None
        turn = self._charge(answer, delivered=not self.stalled)
        if answer.words:
            self.items.append(Item("model", answer.words, turn.response))
        self._emit({"serverContent": {"turnComplete": True}, "usageMetadata": turn.message()})
        self._remember()

    def _remember(self) -> None:
        """With a call open, or while it speaks, there is nothing to go on from."""
        if self._calls:
            return
        handle = f"handle-{self.number}-{next(self._handles)}"
        self._memory.kept[handle] = list(self.items)
        self._emit({"sessionResumptionUpdate": {"newHandle": handle, "resumable": True}})

    def _charge(self, answer: Answer, *, delivered: bool) -> Turn:
        assert self.setup is not None
        called = text_tokens(json.dumps(answer.plan.calls)).text if answer.called else 0
        turn = Turn(answer.prompt, Tokens(called, of_audio(answer.said_ms)))
        model = self.setup["model"].removeprefix("models/")
        self._bill.turn(self.number, model, turn, delivered=delivered)
        return turn

    def _compressed(self) -> Tokens:
        """The prompt, after the oldest has been let go of when there was too much."""
        assert self.setup is not None
        window = self.setup.get("contextWindowCompression")
        head = text_tokens(json.dumps(self.setup.get("systemInstruction")) + json.dumps(self.setup.get("tools")))
        total = sum((item.tokens for item in self.items), head)
        if window and total.text + total.audio > window["triggerTokens"]:
            while self.items and total.text + total.audio > window["slidingWindow"]["targetTokens"]:
                self.items.pop(0)
                total = sum((item.tokens for item in self.items), head)
        return total

    def _view(self, *, request: bool) -> View:
        assert self.setup is not None
        roles = {"user": "user", "model": "assistant", "call": "call", "result": "result"}
        turns = tuple(Thought(roles[item.role], item.text) for item in self.items)
        asked = turns[-1].text if request and turns else ""
        turns = tuple(replace(turn, role="system") if turn.text.startswith("(Note") else turn for turn in turns)
        names = frozenset(
            declaration["name"] for tool in self.setup.get("tools", []) for declaration in tool["functionDeclarations"]
        )
        told = " ".join(part["text"] for part in self.setup.get("systemInstruction", {}).get("parts", []))
        return View(told, turns, names, False, asked)

    # Messages.

    def _emit(self, message: Json) -> None:
        self._out.append(json.dumps(message).encode())  # binary frames, as the real one sends

    def _take(self) -> list[bytes]:
        out, self._out = self._out, []
        return out
