"""One response of the simulated model, spelled out event by event, each when it is due."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from outwait.sim import realtime_bill as bill
from outwait.sim.mind import Plan
from outwait.sim.realtime_dialect import Json
from outwait.sim.realtime_items import Conversation, Item

CHUNK_MS = 100  # audio in one delta


@dataclass(frozen=True)
class Timing:
    """How fast the model is; wall seconds.

    think
        from the request to the first audio
    speed
        seconds of speech made in one second
    transcribe
        from a commit to its transcript
    lifetime
        of a session
    """

    think: float = 0.25
    speed: float = 8.0
    transcribe: float = 0.3
    lifetime: float = 3600.0


@dataclass
class Response:
    """A response under way.

    speech
        mu-law of `plan.say`
    encode
        mu-law to the session's output format
    emit
        takes an event in GA names, without its event_id
    new_id
        makes ids from a prefix
    """

    id: str
    plan: Plan
    speech: bytes
    encode: Callable[[bytes], bytes]
    emit: Callable[[Json], None]
    new_id: Callable[[str], str]
    conversation: Conversation
    usage_in: tuple[bill.Tokens, bill.Tokens]
    timing: Timing
    began: float
    out_of_band: bool = False
    as_text: bool = False
    metadata: Json | None = None
    items: list[Item] = field(default_factory=list)
    done: bool = False
    audio_chunks: int = 0
    due: float = 0.0  # when the next events come

    def __post_init__(self) -> None:
        self._script = self._write()
        self._open: Item | None = None
        self._emit_created()
        self._advance()

    def tick(self, now: float) -> None:
        """Emit what is due."""
        while not self.done and self.due <= now:
            self._advance()

    def end(self, status: str, details: Json | None) -> None:
        """Stop now: cancelled or failed. Closes what is open, as the real one does."""
        if self.done:
            return
        self._script = iter(())
        if self._open is not None:
            self._open.status = "incomplete"
            if self._open.type == "message":
                self._finish_message(self._open)
            else:
                self._finish_call(self._open)
        self._finish(status, details)

    def usage(self) -> bill.Usage:
        """What it costs, as far as it went."""
        text = sum(bill.of_text(item.heard) + bill.of_text(item.text) + bill.of_text(item.name) for item in self.items)
        audio = sum(bill.of_assistant_audio(item.audio_ms) for item in self.items)
        return bill.Usage(self.usage_in[0], self.usage_in[1], bill.Tokens(text, audio))

    def wire(self, status: str, details: Json | None = None) -> Json:
        """The response object."""
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": details,
            "output": [item.wire() for item in self.items],
            "conversation_id": None if self.out_of_band else "conv_sim",
            "metadata": self.metadata,
            "usage": None if status == "in_progress" else self.usage().event(),
        }

    def _emit_created(self) -> None:
        self.emit({"type": "response.created", "response": self.wire("in_progress")})
        limits = [{"name": "tokens", "limit": 400_000, "remaining": 395_000, "reset_seconds": 0.75}]
        self.emit({"type": "rate_limits.updated", "rate_limits": limits})

    def _advance(self) -> None:
        due = next(self._script, None)
        if due is None:
            self._finish("completed", None)
        else:
            self.due = due

    def _write(self) -> Iterator[float]:
        """Yields when the events that follow are due."""
        when = self.began + self.timing.think
        yield when
        if self.plan.say:
            item = self._begin(Item(self.new_id("item"), "message", "assistant", status="in_progress"))
            item.has_audio = not self.as_text
            part: Json = {"type": "text", "text": ""} if self.as_text else {"type": "audio", "transcript": ""}
            self._content_event("response.content_part.added", item, part=part)
            yield from self._words(item, when)
            item.status = "completed"
            self._finish_message(item)
        for name, arguments in self.plan.calls:
            call_id = self.new_id("call")
            item = self._begin(Item(self.new_id("item"), "function_call", name=name, call_id=call_id))
            item.status = "in_progress"
            written = json.dumps(arguments)
            for at in range(0, len(written), 24):
                yield self.due
                item.text = written[: at + 24]
                self._call_event("response.function_call_arguments.delta", item, delta=written[at : at + 24])
            item.status = "completed"
            self._finish_call(item)

    def _words(self, item: Item, when: float) -> Iterator[float]:
        words = self.plan.say.split(" ")
        if self.as_text:
            for number, word in enumerate(words):
                item.text = " ".join(words[: number + 1])
                self._content_event("response.output_text.delta", item, delta=word if not number else " " + word)
            return
        step = CHUNK_MS * 8
        chunks = [self.speech[at : at + step] for at in range(0, len(self.speech), step)]
        said = 0
        for number, chunk in enumerate(chunks, 1):
            yield when
            upto = max(1, round(len(words) * number / len(chunks)))
            if upto > said:
                delta = ("" if not said else " ") + " ".join(words[said:upto])
                item.heard += delta
                self._content_event("response.output_audio_transcript.delta", item, delta=delta)
                said = upto
            item.audio_ms += len(chunk) / 8
            self.audio_chunks += 1
            encoded = base64.b64encode(self.encode(chunk)).decode()
            self._content_event("response.output_audio.delta", item, delta=encoded)
            when += len(chunk) / 8000 / self.timing.speed

    def _begin(self, item: Item) -> Item:
        self._open = item
        self.items.append(item)
        before = None if self.out_of_band else self.conversation.add(item)
        self._item_event("response.output_item.added", item)
        if not self.out_of_band:
            self.emit({"type": "conversation.item.added", "previous_item_id": before, "item": item.wire()})
        return item

    def _finish_message(self, item: Item) -> None:
        if self.as_text:
            self._content_event("response.output_text.done", item, text=item.text)
            self._content_event("response.content_part.done", item, part={"type": "text", "text": item.text})
        else:
            self._content_event("response.output_audio.done", item)
            self._content_event("response.output_audio_transcript.done", item, transcript=item.heard)
            self._content_event("response.content_part.done", item, part={"type": "audio", "transcript": item.heard})
        self._close(item)

    def _finish_call(self, item: Item) -> None:
        self._call_event("response.function_call_arguments.done", item, name=item.name, arguments=item.text)
        self._close(item)

    def _close(self, item: Item) -> None:
        self._open = None
        if not self.out_of_band:
            before = self.conversation.before(item)
            self.emit({"type": "conversation.item.done", "previous_item_id": before, "item": item.wire()})
        self._item_event("response.output_item.done", item)

    def _finish(self, status: str, details: Json | None) -> None:
        self.done = True
        self.emit({"type": "response.done", "response": self.wire(status, details)})

    def _place(self, item: Item) -> Json:
        return {"response_id": self.id, "item_id": item.id, "output_index": self.items.index(item)}

    def _item_event(self, kind: str, item: Item) -> None:
        self.emit({"type": kind, "response_id": self.id, "output_index": self.items.index(item), "item": item.wire()})

    def _content_event(self, kind: str, item: Item, **fields: object) -> None:
        self.emit({"type": kind, **self._place(item), "content_index": 0, **fields})

    def _call_event(self, kind: str, item: Item, **fields: object) -> None:
        self.emit({"type": kind, **self._place(item), "call_id": item.call_id, **fields})
