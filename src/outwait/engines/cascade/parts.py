"""What the cascade's machine has in hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from outwait.call.cost import Usage
from outwait.engines.cascade import steps as at
from outwait.engines.cascade.bills import speech
from outwait.engines.cascade.sentences import Sentences
from outwait.engines.cascade.turns import BYTES_PER_SECOND

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


BYTES_PER_CHARACTER = 533  # of speech: a spoken minute is about 900 characters


@dataclass(slots=True)
class Sentence:
    text: str
    job: int = 0  # 0: not asked for yet
    sound: list[bytes] = field(default_factory=list)  # not told yet
    told: int = 0  # bytes told
    done: bool = False

    @property
    def missing(self) -> int:
        """Bytes of sound, about, that were asked for and have not come."""
        if self.done or not self.job:
            return 0
        return max(0, len(self.text) * BYTES_PER_CHARACTER - self.told - sum(map(len, self.sound)))


@dataclass(slots=True)
class Response:
    name: str
    item: str
    job: int  # of the model
    chars_in: int  # of its messages
    cutter: Sentences = field(default_factory=Sentences)
    sentences: list[Sentence] = field(default_factory=list)
    calls: list[at.Called] = field(default_factory=list)
    chars_out: int = 0
    written: at.Written | None = None
    characters: int = 0  # given to the synthesiser
    sound: int = 0  # bytes made

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
