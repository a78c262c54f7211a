"""The three parts of a cascade, whoever makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from outwait.engines.cascade.llm import Writer
from outwait.engines.cascade.stt import Recogniser
from outwait.engines.cascade.tts import Speaker
from outwait.engines.cascade.wire import Wires

Opened = TypeVar("Opened", covariant=True)


class Part(Protocol[Opened]):
    """A recogniser, a language model or a synthesiser that sessions can be given. Shared by all calls of a process."""

    model: str  # as the price table has it
    secure: bool  # it is reached through TLS

    async def open(self, wires: Wires) -> Opened:
        """For one session: connected, and the key shown, so that the first turn need not wait. Raises Failed."""


class RecogniserPart(Part[Recogniser], Protocol):
    """A recogniser."""

    listens: bool  # to the person while they speak; else it is given whole turns


class SpeakerPart(Part[Speaker], Protocol):
    """A synthesiser; it has a voice."""

    voice: str


@dataclass(frozen=True, slots=True)
class Stack:
    """What a cascade is made of."""

    recogniser: RecogniserPart
    writer: Part[Writer]
    speaker: SpeakerPart

    @property
    def secure(self) -> bool:
        """Any of them is reached through TLS."""
        return self.recogniser.secure or self.writer.secure or self.speaker.secure
