"""One session of the simulated realtime server, pure: texts in, texts out, time passed in.

The owner calls `open`, then `receive` for every message and `tick` when `next_deadline` has come, and sends what they
return.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable
from typing import Any

from outwait.sim import realtime_input, sound
from outwait.sim.hearing import Hearing
from outwait.sim.mind import Mind, Plan, View
from outwait.sim.model_server import SessionCounts
from outwait.sim.realtime_bill import Bill
from outwait.sim.realtime_dialect import (
    Dialect,
    Json,
    Refused,
    new_session,
    read_event,
)
from outwait.sim.realtime_input import InputBuffer
from outwait.sim.realtime_items import Conversation, Item, PromptCache, from_client
from outwait.sim.realtime_response import Response, Timing
from outwait.sim.realtime_vendors import MANNERS, update_session

MIN_COMMIT_MS = 100
MAX_APPEND = 15 * 1024 * 1024  # bytes of base64 in one event


class RealtimeSession:
    """The server's side of one connection.

    number
        which connection this is, counted from 1
    seconds
        wall seconds that the connection was open, asked for when it is lost
    close_code
        set when the server wants the connection closed
    """

    def __init__(
        self,
        number: int,
        model: str,
        dialect: Dialect,
        mind: Mind,
        hearing: Hearing,
        bill: Bill,
        timing: Timing | None = None,
        seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.number = number
        self.model = model
        self.dialect: Dialect = dialect
        self.manner = MANNERS[dialect]
        self.counts = SessionCounts()
        self.conversation = Conversation()
        self.session: Json = {}
        self.close_code: int | None = None
        self.rate_limited = False  # the next response fails
        self.stalled = False  # nothing said from here on reaches the client
        self._mind = mind
        self._hearing = hearing
        self._bill = bill
        self._timing = timing or Timing()
        self._seconds = seconds
        self._now = 0.0
        self._out: list[str] = []
        self._ids = itertools.count(1)
        self._responses: list[Response] = []
        self._later: list[tuple[float, int, Json]] = []
        self._expires = float("inf")
        self._input = InputBuffer()
        self._turn_item = ""
        self._spoke = False
        self._cache = PromptCache()

    @property
    def active(self) -> Response | None:
        """The default conversation's response under way."""
        return next((r for r in self._responses if not r.out_of_band and not r.done), None)

    @property
    def pieces(self) -> int:
        """Of sound of the response under way that has most of it."""
        return max((response.audio_chunks for response in self._responses if not response.done), default=0)

    def open(self, now: float) -> list[str]:
        """The connection is up."""
        self._now = now
        self._expires = now + self._timing.lifetime
        session_id = f"sess_sim{self.number:04d}"
        manner, ends = self.manner, int(1_800_000_000 + self._timing.lifetime)
        self.session = new_session(session_id, self.model, ends, manner.voice, manner.voices)
        self._input.detect(self._turn_detection)
        self._emit({"type": "session.created", "session": manner.show(self.session)})
        for event in manner.greeting:
            self._emit(event)
        return self._take()

    def receive(self, text: str | bytes, now: float) -> list[str]:
        """One client message."""
        self._now = now
        event: Json = {}
        try:
            event = read_event(text)
            self._handle(event)
        except Refused as refusal:
            self._error(refusal.code, str(refusal), refusal.param, event.get("event_id"))
        return self._take()

    def tick(self, now: float) -> list[str]:
        """Time has passed."""
        self._now = now
        while self._later and self._later[0][0] <= now:
            self._emit(heapq.heappop(self._later)[2])
        for response in list(self._responses):
            response.tick(now)
        self._settle()
        if now >= self._expires and self.close_code is None:
            self.expire()
        return self._take()

    def next_deadline(self) -> float | None:
        """When `tick` has something to do."""
        due = [response.due for response in self._responses if not response.done]
        if self._later:
            due.append(self._later[0][0])
        if self.close_code is None:
            due.append(self._expires)
        return min(due, default=None)

    def expire(self) -> None:
        """The session's time is up: say so, then close 1001."""
        minutes = round(self._timing.lifetime / 60)
        self._error("session_expired", f"Your session hit the maximum duration of {minutes} minutes.", None, None)
        self.close_code = 1001

    def flush(self) -> list[str]:
        """What `expire` left to send."""
        return self._take()

    def lost(self) -> None:
        """The connection is gone: what was generated is charged all the same."""
        for response in self._responses:
            if not response.done:
                response.done = True
                self._bill.response(self.number, self.model, response.usage(), delivered=False)
        self._responses.clear()
        asr = self.session["audio"]["input"]["transcription"] if self.session else None
        for _, _, event in self._later:
            if asr and event["type"].endswith("transcription.completed"):
                seconds = event["usage"]["seconds"]
                self._bill.transcription(self.number, asr.get("model", "whisper-1"), seconds, delivered=False)
        self._later.clear()
        self._bill.session(self.number, self.model, self._seconds())

    # Client events.

    def _handle(self, event: Json) -> None:
        kind = event["type"]
        handler = self._handlers().get(kind)
        if handler is None:
            raise Refused("invalid_value", f"Invalid value: {kind!r}. Unknown event type.", "type")
        if kind != "input_audio_buffer.append":
            self.counts.received.append(kind)
        handler(event)

    def _handlers(self) -> dict[str, Callable[[Json], None]]:
        return {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit_by_client,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._create_item,
            "conversation.item.retrieve": self._retrieve,
            "conversation.item.truncate": self._truncate,
            "conversation.item.delete": self._delete,
            "response.create": self._create_response,
            "response.cancel": self._cancel,
        }

    def _update(self, event: Json) -> None:
        after = update_session(self.session, event.get("session"), self.dialect)
        voice = after["audio"]["output"]["voice"]
        if self._spoke and voice != self.session["audio"]["output"]["voice"]:
            message = "Cannot update a conversation's voice if assistant audio is present."
            raise Refused("cannot_update_voice", message, "session.audio.output.voice")
        again = after["audio"]["input"]["turn_detection"] != self.session["audio"]["input"]["turn_detection"]
        self.session = after
        if again:
            self._input.detect(self._turn_detection)
        self._emit({"type": "session.updated", "session": self.manner.show(self.session)})

    def _append(self, event: Json) -> None:
        encoded = event.get("audio")
        if not isinstance(encoded, str) or len(encoded) > MAX_APPEND:
            raise Refused("invalid_value", "Invalid 'audio': expected base64, at most 15 MiB.", "audio")
        audio = self._decode(encoded)
        self.counts.appends.append(self._now)
        self.counts.appended_ms += len(audio) / 8
        for speech in self._input.append(audio):
            if speech.began:
                self._speech_started(speech.ms)
            else:
                self._speech_stopped(speech.ms)
        self._check_idle()
        self._input.trim()

    def _commit_by_client(self, event: Json) -> None:
        if self._input.ms < MIN_COMMIT_MS:
            message = f"Error committing input audio buffer: buffer too small, {self._input.ms:.0f}ms of audio."
            raise Refused("input_audio_buffer_commit_empty", message)
        self._commit(self._new_id("item"))
        self._input.detect(self._turn_detection)

    def _clear(self, event: Json) -> None:
        self._input.clear()
        self._emit({"type": "input_audio_buffer.cleared"})

    def _create_item(self, event: Json) -> None:
        raw = event.get("item")
        if self.manner.forces and isinstance(raw, dict) and raw.get("type") == "force_message":
            self._force(raw)
            return
        item = self._client_item(raw)
        if self.manner.by_time and item.type == "message" and item.text:
            self._bill.message(self.number, self.model)
        if self.conversation.has(item.id):
            message = f"Error adding item: an item with id {item.id!r} already exists."
            raise Refused("item_create_duplicate_item_id", message, "item.id")
        if item.type == "function_call_output" and not any(
            known.type == "function_call" and known.call_id == item.call_id for known in self.conversation.items
        ):
            message = f"Tool call ID {item.call_id!r} not found in conversation."
            raise Refused("invalid_tool_call_id", message, "item.call_id")
        before = self.conversation.add(item, event.get("previous_item_id"))
        self._item_events(item, before)

    def _force(self, raw: Json) -> None:
        """Words of the client's are spoken as they are, in the conversation."""
        if raw.get("role") != "assistant":
            raise Refused("invalid_value", f"Invalid value: {raw.get('role')!r}.", "item.role")
        parts = raw.get("content") or [{}]
        if parts[0].get("type") not in ("text", "output_text") or not parts[0].get("text"):
            raise Refused("invalid_value", "A forced message has one part of text.", "item.content")
        if self.active is not None:
            raise Refused("conversation_already_has_active_response", "There is an active response.")
        self._bill.message(self.number, self.model)
        self._respond({}, Plan(parts[0]["text"]))

    def _retrieve(self, event: Json) -> None:
        item = self.conversation.find(event.get("item_id"))
        self._emit({"type": "conversation.item.retrieved", "item": item.wire()})

    def _truncate(self, event: Json) -> None:
        item = self.conversation.find(event.get("item_id"))
        end, index = event.get("audio_end_ms"), event.get("content_index")
        if item.role != "assistant" or not item.has_audio or index != 0:
            raise Refused("invalid_value", "Only assistant audio messages can be truncated.", "item_id")
        if not isinstance(end, int) or end < 0:
            raise Refused("invalid_value", "Invalid 'audio_end_ms': expected milliseconds.", "audio_end_ms")
        if end > item.audio_ms:
            message = f"Audio content of {item.audio_ms:.0f}ms is already shorter than {end}ms"
            raise Refused("invalid_value", message, "audio_end_ms")
        item.audio_ms, item.heard = float(end), ""
        truncated = {"item_id": item.id, "content_index": 0, "audio_end_ms": end}
        self._emit({"type": "conversation.item.truncated", **truncated})

    def _delete(self, event: Json) -> None:
        item = self.conversation.find(event.get("item_id"))
        self.conversation.items.remove(item)
        self._emit({"type": "conversation.item.deleted", "item_id": item.id})

    def _create_response(self, event: Json) -> None:
        wanted = self.manner.check(event.get("response"))
        aside = wanted.get("conversation") == "none"
        if self.active is not None and not aside:
            message = f"Conversation already has an active response in progress: {self.active.id}."
            raise Refused("conversation_already_has_active_response", message)
        self.counts.created_by_client += 1
        self._respond(wanted)

    def _cancel(self, event: Json) -> None:
        wanted = event.get("response_id")
        for response in self._responses:
            if not response.done and (response.id == wanted if wanted else not response.out_of_band):
                response.end("cancelled", {"type": "cancelled", "reason": "client_cancelled"})
                self._settle()
                return
        raise Refused("response_cancel_not_active", "Cancellation failed: no active response found")

    # Turns.

    def _speech_started(self, at_ms: int) -> None:
        self._turn_item = self._new_id("item")
        start = self._input.begin_turn(at_ms)
        self._emit({"type": "input_audio_buffer.speech_started", "audio_start_ms": start, "item_id": self._turn_item})
        if self._turn_detection["interrupt_response"] and (running := self.active):
            running.end("cancelled", {"type": "cancelled", "reason": "turn_detected"})
            self._settle()

    def _speech_stopped(self, at_ms: int) -> None:
        self._emit({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": at_ms, "item_id": self._turn_item})
        self._commit(self._turn_item, at_ms)
        self._input.active()
        if self._turn_detection["create_response"] and self.active is None:
            self._respond({})

    def _commit(self, item_id: str, until_ms: float | None = None) -> None:
        audio = self._input.take(until_ms)
        words = self._hearing.words(audio)
        self.counts.heard.append(words)
        item = Item(item_id, "message", "user", heard=words, audio_ms=len(audio) / 8, has_audio=True)
        before = self.conversation.add(item)
        self._emit({"type": "input_audio_buffer.committed", "item_id": item.id, "previous_item_id": before})
        self._item_events(item, before)
        self._transcribe(item)

    def _transcribe(self, item: Item) -> None:
        asr = self.session["audio"]["input"]["transcription"]
        if not asr:
            return
        where = {"item_id": item.id, "content_index": 0}
        kind = "conversation.item.input_audio_transcription."
        usage = {"type": "duration", "seconds": item.audio_ms / 1000}
        if item.heard:
            self._schedule({"type": kind + "delta", **where, "delta": item.heard})
        self._schedule({"type": kind + "completed", **where, "transcript": item.heard, "usage": usage})

    def _check_idle(self) -> None:
        if self.active is not None:
            self._input.active()
        idle = self._input.idle()
        if idle is None:
            return
        item_id = self._new_id("item")
        where = {"audio_start_ms": idle[0], "audio_end_ms": idle[1], "item_id": item_id}
        self._emit({"type": "input_audio_buffer.timeout_triggered", **where})
        self._commit(item_id)
        self._respond({})

    def _respond(self, wanted: Json, forced: Plan | None = None) -> None:
        aside = wanted.get("conversation") == "none"
        self.counts.responses.append(self._now)
        items = self._input_items(wanted)
        instructions = wanted.get("instructions") or self.session["instructions"]
        tools: list[Json] = wanted["tools"] if "tools" in wanted else self.session["tools"]
        allowed = wanted.get("tool_choice", self.session["tool_choice"]) != "none"
        names = frozenset(tool["name"] for tool in tools if tool.get("type") == "function") if allowed else frozenset()
        turns = tuple(item.turn() for item in items)
        plan = forced or self._mind.answer(View(instructions, turns, names, aside, wanted.get("instructions") or ""))
        modalities = wanted.get("output_modalities") or wanted.get("modalities") or self.session["output_modalities"]
        self.counts.said.append(plan.say)
        response = Response(
            id=self._new_id("resp"),
            plan=plan,
            speech=self._speech(plan.say),
            encode=self._encode,
            emit=self._emit,
            new_id=self._new_id,
            conversation=self.conversation,
            usage_in=self._cache.tokens(instructions, tools, items, remember=not aside),
            timing=self._timing,
            began=self._now,
            out_of_band=aside,
            as_text="audio" not in modalities,
            metadata=wanted.get("metadata"),
        )
        self._responses.append(response)
        if self.rate_limited:
            self.rate_limited = False
            trouble = {"type": "rate_limit_exceeded", "code": "inference_rate_limit_exceeded", "message": "Slow down."}
            response.end("failed", {"type": "failed", "error": trouble})
        response.tick(self._now)
        self._settle()

    def _input_items(self, wanted: Json) -> list[Item]:
        if "input" not in wanted:
            return list(self.conversation.items)
        found = []
        for raw in wanted["input"]:
            if isinstance(raw, dict) and raw.get("type") == "item_reference":
                found.append(self.conversation.find(raw.get("id")))
            else:
                found.append(self._client_item(raw))
        return found

    def _settle(self) -> None:
        """Charge and forget the responses that are done."""
        for response in [response for response in self._responses if response.done]:
            self._responses.remove(response)
            self._spoke = self._spoke or (response.audio_chunks > 0 and not response.out_of_band)
            self._bill.response(self.number, self.model, response.usage(), delivered=not self.stalled)

    # Sound.

    def _speech(self, words: str) -> bytes:
        """The agent's voice; whoever hears it will know the words."""
        speech = sound.speak(words, "agent") if words else b""
        if speech:
            self._hearing.said(words, speech, "agent")
        return speech

    def _decode(self, encoded: str) -> bytes:
        return realtime_input.decode(encoded, self.session["audio"]["input"]["format"]["type"])

    def _encode(self, ulaw: bytes) -> bytes:
        return realtime_input.encode(ulaw, self.session["audio"]["output"]["format"]["type"])

    @property
    def _turn_detection(self) -> Any:
        return self.session["audio"]["input"]["turn_detection"]

    # Events.

    def _client_item(self, raw: Any) -> Item:
        item, audio = from_client(raw, self.dialect, self._new_id("item"))
        if audio:
            ulaw = self._decode(audio)
            item.audio_ms, item.heard = len(ulaw) / 8, self._hearing.words(ulaw)
        return item

    def _item_events(self, item: Item, before: str | None) -> None:
        for kind in ("conversation.item.added", "conversation.item.done"):
            self._emit({"type": kind, "previous_item_id": before, "item": item.wire()})

    def _schedule(self, event: Json) -> None:
        heapq.heappush(self._later, (self._now + self._timing.transcribe, next(self._ids), event))

    def _error(self, code: str, message: str, param: str | None, event_id: Any) -> None:
        self.counts.errors.append(code)
        error = {"type": "invalid_request_error", "code": code, "message": message, "param": param}
        self._emit({"type": "error", "error": error | {"event_id": event_id if isinstance(event_id, str) else None}})

    def _emit(self, event: Json) -> None:
        if event["type"].endswith("transcription.completed"):
            asr = self.session["audio"]["input"]["transcription"] or {}
            name, seconds = asr.get("model", "whisper-1"), event["usage"]["seconds"]
            self._bill.transcription(self.number, name, seconds, delivered=not self.stalled)
        for spoken in self.manner.speak({"event_id": self._new_id("event"), **event}):
            self._out.append(json.dumps(spoken))

    def _new_id(self, prefix: str) -> str:
        return f"{prefix}_s{self.number}_{next(self._ids)}"

    def _take(self) -> list[str]:
        out, self._out = self._out, []
        return out
