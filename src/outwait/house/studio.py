"""Phrases made before any call, in an engine's own voice: a session that says nothing else.

Engines that can speak a text beside the conversation are asked for just that. Of the others a session of its own is
opened, which is told to say each text word by word; what it says counts only when its own transcript has those words.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from outwait.call.cost import Meter, Prices
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    AnyEvent,
    PhraseFailed,
    PhraseMade,
    ResponseBilled,
    ResponseEnded,
    SessionClosed,
    SessionOpened,
    SessionUsed,
)
from outwait.engines.base import Engine, EngineSession

SECONDS = 20.0  # wall s for a session to open, and for each take
TAKES = 2  # of a phrase that came out in other words
VOICE = "You are a voice. Say exactly what you are asked to say, word by word, and nothing else."


@dataclass(frozen=True, slots=True)
class Take:
    """One phrase, made or not."""

    name: str
    text: str
    ulaw: bytes  # mu-law, 8,000 bytes a second; empty: it could not be made
    why: str = ""  # it could not


class _Over(Exception):
    """There will be no more takes."""


class Studio:
    """One session with one engine."""

    def __init__(self, engine: Engine, prices: Prices) -> None:
        self._engine = engine
        self._meter = Meter(prices, None)
        self._news: asyncio.Queue[AnyEvent] = asyncio.Queue()

    @property
    def spent(self) -> int:
        """Micro-dollars so far."""
        return self._meter.model

    @property
    def estimated(self) -> bool:
        """Some of it is."""
        return self._meter.estimated

    async def record(self, texts: Mapping[str, str], made: Callable[[Take], None]) -> None:
        """All of these; `made` is told of each in turn."""
        session = self._engine.session(1, VOICE, [], [], self._news.put_nowait)
        running = asyncio.create_task(session.run(), name="studio")
        waiting = dict(texts)
        try:
            await self._until(SessionOpened)
            for name, text in texts.items():
                take = await self._take(session, name, text)
                del waiting[name]
                made(take)
        except _Over as over:
            for name, text in waiting.items():
                made(Take(name, text, b"", str(over)))
        finally:
            session.close()
            await running
            while not self._news.empty():
                self._count(self._news.get_nowait())

    async def _take(self, session: EngineSession, name: str, text: str) -> Take:
        if self._engine.capabilities.makes_phrases:
            session.make_phrase(name, text)
            event = await self._until(PhraseMade, PhraseFailed)
            if isinstance(event, PhraseMade):
                return Take(name, text, event.ulaw)
            return Take(name, text, b"", getattr(event, "detail", ""))
        words = ""
        for _ in range(TAKES):
            session.ask_response(f'Say exactly: "{text}"', tools=False)
            words, sound = await self._said()
            if sound and _plain(words) == _plain(text):
                return Take(name, text, sound)
        return Take(name, text, b"", f"it said {words!r}")

    async def _said(self) -> tuple[str, bytes]:
        """The words and the sound of the next response."""
        words, sound = "", bytearray()
        while True:
            match await self._until(AgentWrote, AgentSpoke, ResponseEnded):
                case AgentWrote(text=text):
                    words += text
                case AgentSpoke(ulaw=ulaw):
                    sound += ulaw
                case _:
                    return words.strip(), bytes(sound)

    async def _until(self, *kinds: type[AnyEvent]) -> AnyEvent:
        """The next event of these kinds. Raises _Over when there will be none."""
        try:
            async with asyncio.timeout(SECONDS):
                while True:
                    event = await self._news.get()
                    self._count(event)
                    if isinstance(event, SessionClosed):
                        raise _Over(event.detail or "the session was closed")
                    if isinstance(event, kinds):
                        return event
        except TimeoutError:
            raise _Over(f"nothing came for {SECONDS:g} s") from None

    def _count(self, event: AnyEvent) -> None:
        match event:
            case PhraseMade(usage=usage) | PhraseFailed(usage=usage) if usage is not None:
                self._meter.count_phrase(usage)
            case ResponseEnded(usage=usage) | ResponseBilled(usage=usage) if usage is not None:
                self._meter.count_response("phrase", usage)
            case SessionUsed(session=session, seconds=seconds, estimated=estimated):
                self._meter.count_session(session, seconds, estimated=estimated)
            case _:
                pass


def _plain(text: str) -> list[str]:
    """Words alone."""
    return re.findall(r"\w+", text.lower().replace("'", "").replace("’", ""))
