"""One call at the simulated Ultravox, pure: messages in, messages out, time passed in.

Written from what pipecat 1.14.0 and livekit-plugins-ultravox 1.8.9 send and expect; what they never send is an error.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from outwait.audio import g711
from outwait.sim import sound
from outwait.sim.hearing import Hearing
from outwait.sim.mind import Mind, Plan, Turn, View
from outwait.sim.model_server import SessionCounts
from outwait.sim.realtime_response import Timing
from outwait.sim.turn_taking import PersonsTurn, Piece, script

Json = dict[str, Any]

_CALL = frozenset(
    [
        "systemPrompt",
        "model",
        "voice",
        "temperature",
        "maxDuration",
        "timeExceededMessage",
        "selectedTools",
        "initialMessages",
        "firstSpeakerSettings",
        "medium",
        "languageHint",
        "externalVoice",
        "metadata",
        "initialOutputMedium",
    ]
)
_MESSAGES: dict[str, frozenset[str]] = {
    "ping": frozenset({"timestamp"}),
    "user_text_message": frozenset({"text", "urgency", "deferResponse"}),
    "forced_agent_message": frozenset({"content", "uninterruptible", "urgency", "threadId"}),
    "set_output_medium": frozenset({"medium"}),
    "client_tool_result": frozenset(
        {"invocationId", "result", "agentReaction", "responseType", "errorType", "errorMessage"}
    ),
    "hang_up": frozenset({"message"}),
}
_INSTRUCTION = re.compile(r"<instruction>(.*)</instruction>", re.S)
_ROLES = {"MESSAGE_ROLE_USER": "user", "MESSAGE_ROLE_AGENT": "assistant"}


class Wrong(Exception):
    """What the server does not take."""


def check_call(wanted: Any) -> None:
    """The body that makes a call. Raises Wrong."""
    if not isinstance(wanted, dict) or (unknown := wanted.keys() - _CALL):
        raise Wrong(f"Unknown fields: {sorted(unknown) if isinstance(wanted, dict) else wanted}")
    medium = wanted.get("medium", {}).get("serverWebSocket", {})
    if not isinstance(medium.get("inputSampleRate"), int):
        raise Wrong("medium.serverWebSocket.inputSampleRate is required.")
    if not re.fullmatch(r"[0-9.]+s", wanted.get("maxDuration", "3600s")):
        raise Wrong("Invalid maxDuration.")
    for message in wanted.get("initialMessages", []):
        if message.get("role") not in _ROLES or not message.get("text"):
            raise Wrong("Invalid initialMessages.")
    for tool in wanted.get("selectedTools", []):
        temporary = tool["temporaryTool"]
        for parameter in temporary["dynamicParameters"]:
            if parameter.keys() != {"name", "location", "schema", "required"}:
                raise Wrong("Invalid dynamicParameters.")
        if "client" not in temporary:
            raise Wrong("A temporary tool has an implementation.")


@dataclass
class Answer:
    """What the agent is saying."""

    plan: Plan
    ordinal: int
    pieces: list[Piece]
    done_at: float
    words: str = ""
    sent: int = 0


class UltravoxSession:
    """See `model_server.Serving`. `lasted`: called when the connection is gone: it is billed."""

    def __init__(
        self,
        number: int,
        wanted: Json,
        mind: Mind,
        hearing: Hearing,
        timing: Timing,
        lasted: Callable[[], None],
    ) -> None:
        self.number = number
        self.wanted = wanted
        self.counts = SessionCounts()
        self.close_code: int | None = None
        self.stalled = False
        self.rate_limited = False
        self._mind, self._hearing, self._timing, self._lasted = mind, hearing, timing, lasted
        self._now = 0.0
        self._ends = float("inf")
        self._out: list[str | bytes] = []
        self._ordinals = itertools.count()
        self._turns = [_told(_ROLES[m["role"]], m["text"]) for m in wanted.get("initialMessages", [])]
        self._answer: Answer | None = None
        self._frozen = ""  # the tool call that is waited for
        self._calls: list[tuple[str, Json]] = []  # to be made when it is answered
        self._person = PersonsTurn()
        self._state = ""

    @property
    def pieces(self) -> int:
        """Of sound of the answer that is being given."""
        return self._answer.sent if self._answer is not None else 0

    def open(self, now: float) -> list[str | bytes]:
        """It is joined."""
        self._now = now
        self._ends = now + float(self.wanted.get("maxDuration", "3600s").removesuffix("s"))
        self._emit({"type": "call_started", "callId": f"call-{self.number}"})
        self._move("listening")
        return self._take()

    def receive(self, message: str | bytes, now: float) -> list[str | bytes]:
        """Sound, or a data message."""
        self._now = now
        if isinstance(message, bytes):
            self._hear(g711.encode(np.frombuffer(message, "<i2").astype(np.int16)))
            return self._take()
        try:
            told = json.loads(message)
            kind = told.pop("type")
            if kind not in _MESSAGES or (unknown := told.keys() - _MESSAGES[kind]):
                raise Wrong(f"Not known: {kind} {unknown if kind in _MESSAGES else ''}")
            self.counts.received.append(kind)
            self._handle(kind, told)
        except (ValueError, KeyError, Wrong) as wrong:
            self.counts.errors.append(str(wrong))
        return self._take()

    def tick(self, now: float) -> list[str | bytes]:
        """Time has passed."""
        self._now = now
        answer = self._answer
        while answer is not None and answer.pieces and answer.pieces[0][0] <= now:
            self._piece(answer)
        if answer is not None and not answer.pieces and answer.done_at <= now:
            self._finish(answer)
        if now >= self._ends and self.close_code is None:
            self.close_code = 1000
        return self._take()

    def next_deadline(self) -> float | None:
        """When `tick` has something to do."""
        answer = self._answer
        due = [self._ends] if self.close_code is None else []
        if answer is not None:
            due.append(answer.pieces[0][0] if answer.pieces else answer.done_at)
        return min(due, default=None)

    def expire(self) -> None:
        """Its longest time is over."""
        self.close_code = 1000

    def flush(self) -> list[str | bytes]:
        """What is left to send."""
        return self._take()

    def lost(self) -> None:
        """The connection is gone."""
        self._answer = None
        self._lasted()

    # Data messages.

    def _handle(self, kind: str, told: Json) -> None:
        match kind:
            case "user_text_message":
                self._text(told)
            case "client_tool_result":
                self._result(told)
            case "ping":
                self._emit({"type": "pong", "timestamp": told["timestamp"]})
            case "hang_up":
                self.close_code = 1000
            case _:
                raise Wrong(f"This server has no {kind}.")

    def _text(self, told: Json) -> None:
        if told.get("urgency", "soon") not in ("immediate", "soon", "later"):
            raise Wrong("Invalid urgency.")
        if told.get("urgency") == "immediate":
            self._cut(cleared=True)
        if told["text"]:
            self._turns.append(_told("user", told["text"]))
        if told.get("deferResponse") or told.get("urgency") == "later":
            return
        if self._answer is None and not self._frozen:
            self.counts.created_by_client += 1
            self._respond(self._turns[-1].text if told["text"] else "")

    def _result(self, told: Json) -> None:
        if told["invocationId"] != self._frozen:
            raise Wrong("No such invocation.")
        if told.get("agentReaction", "speaks") not in ("speaks", "listens", "speaks-once"):
            raise Wrong("Invalid agentReaction.")
        self._frozen = ""
        self._turns.append(Turn("result", told.get("result") or ""))
        if told.get("agentReaction", "speaks") == "listens":
            self._move("listening")
        else:
            self._respond("")

    # Turns.

    def _hear(self, audio: bytes) -> None:
        self.counts.appends.append(self._now)
        self.counts.appended_ms += len(audio) / 8
        for began in self._person.feed(audio):
            if began:
                self._cut(cleared=self._answer is not None)
            elif not self._frozen:
                self._turn(self._person.take())

    def _turn(self, audio: bytes) -> None:
        words = self._hearing.words(audio)
        self.counts.heard.append(words)
        self._turns.append(Turn("user", words))
        self._move("thinking")
        if words:
            ordinal = next(self._ordinals)
            self._emit({**_transcript("user", ordinal, final=True), "text": words})
        self._respond("")

    def _respond(self, asked: str) -> None:
        self.counts.responses.append(self._now)
        tools = frozenset(tool["temporaryTool"]["modelToolName"] for tool in self.wanted.get("selectedTools", []))
        plan = self._mind.answer(View(self.wanted.get("systemPrompt", ""), tuple(self._turns), tools, False, asked))
        self.counts.said.append(plan.say)
        self._move("thinking")
        speech = sound.speak(plan.say, "agent") if plan.say else b""
        begin = self._now + self._timing.think
        pieces = script(plan.say, speech, begin, self._timing.speed)
        last = pieces[-1][0] if pieces else begin
        self._answer = Answer(plan, next(self._ordinals), pieces, last + 0.01)

    def _piece(self, answer: Answer) -> None:
        _, chunk, words = answer.pieces.pop(0)
        self._move("speaking")
        answer.sent += 1
        answer.words += words
        if words:
            self._emit({**_transcript("agent", answer.ordinal, final=False), "delta": words})
        self._out.append(g711.decode(chunk).astype("<i2").tobytes())

    def _finish(self, answer: Answer) -> None:
        self._answer = None
        if answer.words:
            self._emit({**_transcript("agent", answer.ordinal, final=True), "text": answer.words})
            self._turns.append(Turn("assistant", answer.words))
        for name, arguments in answer.plan.calls[:1]:
            self._frozen = f"invocation-{self.number}-{len(self._turns)}"
            self._turns.append(Turn("call", name))
            call = {"toolName": name, "invocationId": self._frozen, "parameters": arguments}
            self._emit({"type": "client_tool_invocation", **call})
            return
        self._move("listening")

    def _cut(self, *, cleared: bool) -> None:
        answer, self._answer = self._answer, None
        if cleared:
            self._emit({"type": "playback_clear_buffer"})
        if answer is not None:
            if answer.words:
                self._turns.append(Turn("assistant", answer.words))
            self._move("listening")

    # Messages.

    def _move(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self._emit({"type": "state", "state": state})

    def _emit(self, message: Json) -> None:
        self._out.append(json.dumps(message))

    def _take(self) -> list[str | bytes]:
        out, self._out = self._out, []
        return out


def _transcript(role: str, ordinal: int, *, final: bool) -> Json:
    return {"type": "transcript", "role": role, "medium": "voice", "final": final, "ordinal": ordinal}


def _told(role: str, text: str) -> Turn:
    """What is in an instruction was said by nobody."""
    found = _INSTRUCTION.fullmatch(text)
    return Turn(role, text) if found is None else Turn("system", found[1])
