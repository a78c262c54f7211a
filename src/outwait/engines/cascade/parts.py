"""What the cascade's machine has in hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from outwait.call.cost import Usage
from outwait.engines.cascade import steps as at
from outwait.engines.cascade.sentences import Sentences
from outwait.engines.cascade.turns import BYTES_PER_SECOND
from outwait.engines.cascade.usage import speech

SPEECHES = 2  # sentences that are spoken at once: the next one is under way when one ends

Stage = Literal["transcript", "answer", "speech", "phrase"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a service may say nothing. All wall seconds, and less than the core's own patience."""

    transcript: float = 7.0
    answer: float = 7.0
    speech: float = 6.0
    phrase: float = 15.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """A wait with a name."""

    name: str
    at: float  # s


@dataclass(slots=True)
class Sentence:
    text: str
    job: int = 0  # 0: not asked for yet
    sound: list[bytes] = field(default_factory=list)  # not told yet
    told: int = 0  # bytes told
    done: bool = False

    @property
    def size(self) -> int:
        """Bytes of its sound so far."""
        return self.told + sum(map(len, self.sound))


@dataclass(slots=True)
class Response:
    name: str
    item: str
    job: int  # of the model
    messages: list[dict[str, Any]]  # what it answers
    tools: bool
    held: bool  # made ahead of the end of the person's turn: nothing of it is told, and it may be of no use
    cutter: Sentences = field(default_factory=Sentences)
    sentences: list[Sentence] = field(default_factory=list)
    calls: list[at.Called] = field(default_factory=list)
    chars_out: int = 0
    written: at.Written | None = None
    characters: int = 0  # given to the synthesiser
    sound: int = 0  # bytes made

    @property
    def chars_in(self) -> int:
        """Characters of its messages."""
        return sum(len(str(message.get("content") or message.get("tool_calls"))) for message in self.messages)

    @property
    def jobs(self) -> list[int]:
        """All that are done for it."""
        return [self.job, *(sentence.job for sentence in self.sentences if sentence.job)]

    @property
    def next_sentence(self) -> Sentence | None:
        """The one to be spoken now; None: enough are under way. Of an answer that may be of no use, only the first."""
        running = sum(1 for sentence in self.sentences if sentence.job and not sentence.done)
        if running >= SPEECHES:
            return None
        return next((one for one in self.sentences[: 1 if self.held else None] if not one.job), None)

    @property
    def complete(self) -> bool:
        """All of it is made, and may be told."""
        return self.written is not None and not self.held and all(sentence.done for sentence in self.sentences)

    @property
    def pieces(self) -> list[tuple[str, int]]:
        """What was told of it: words, and bytes of their sound."""
        return [(sentence.text, sentence.told) for sentence in self.sentences if sentence.told]


@dataclass(slots=True)
class Turn:
    """Of the person, being written down. One without an item is written down ahead: it may go on."""

    job: int
    ulaw: bytes
    number: int = 0  # among the session's
    item: str = ""
    words: at.Transcribed | None = None
    answered: bool = False  # ahead, or it was tried

    @property
    def seconds(self) -> float:
        return len(self.ulaw) / BYTES_PER_SECOND


@dataclass(slots=True)
class Phrase:
    name: str
    text: str
    job: int = 0
    sound: bytes = b""

    @property
    def usage(self) -> Usage:
        return speech(len(self.text), len(self.sound))


@dataclass(slots=True)
class Ask:
    instructions: str
    tools: bool
