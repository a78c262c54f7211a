"""What the house asks of an engine. Adapters implement these; nothing else of an engine is known outside its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from outwait.call.commands import SeedItem
from outwait.call.events import AnyEvent

Post = Callable[[AnyEvent], None]
"""Puts an event into a call's inbox. Never blocks, never fails."""

IN_PROCESS = " (this process)"
"""Behind the name of a model that runs in our own process: nobody is to be paid for it."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do, as data."""

    name: str
    model: str
    billing: Literal["tokens", "seconds"]  # seconds: of an open session, whether or not anybody speaks
    max_session_seconds: float  # the engine ends a session then
    makes_phrases: bool  # can speak a text outside the conversation
    voice: str = ""  # of the agent, as the engine names it
    vendor: str = ""  # whose price list its model is on; empty: that of its name
    transcription: str | None = None  # model that writes down the person; None: the price includes it
    backend: str | None = None  # text model that calls its tools, with a price of its own; None: it does so itself
    reaction: float = 0.0  # wall s from a person's last word to its first sound, usually; 0: fast, or not known
    speech: str | None = None  # model that speaks, of an engine of parts; None: one model does it all

    @property
    def voice_key(self) -> str:
        """All that makes a phrase sound as it does: another one has phrases of its own."""
        return f"{self.name}-{self.model}-{self.voice}"


class EngineSession(Protocol):
    """One session. It posts SessionOpened once, or not at all, and SessionClosed exactly once, last.

    The methods only queue: they neither wait for the peer nor raise when it is gone.
    """

    def send_audio(self, ulaw: bytes) -> None: ...

    def commit_turn(self) -> None: ...

    def ask_response(self, instructions: str, *, tools: bool) -> None: ...

    def cancel_response(self) -> None: ...

    def truncate_item(self, item: str, heard_ms: int) -> None: ...

    def answer_tool(self, call_id: str, output: str) -> None: ...

    def make_phrase(self, phrase: str, text: str) -> None: ...

    def close(self) -> None:
        """Ask for the end. Idempotent; SessionClosed follows within the close deadline, by force if need be."""

    async def run(self) -> None:
        """Connect, configure, seed, and serve until the end. Runs once, in a task that the runner owns."""


class Engine(Protocol):
    """Makes sessions. Shared by all calls of a process."""

    capabilities: Capabilities

    def session(
        self, number: int, instructions: str, seed: Sequence[SeedItem], tools: Sequence[dict[str, object]], post: Post
    ) -> EngineSession:
        """A session that is not connected yet: `run` does that."""
