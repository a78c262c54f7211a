"""A user's own server, which writes down what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.answering import Answer, Asked, answering


@dataclass
class Hook:
    """`answers`: the status of each answer in turn, the last one for ever. 0: one that breaks off."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [204])
    location: str = "http://127.0.0.1:1/"  # of an answer that leads elsewhere
    told: list[Asked] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, asked: Asked) -> Answer:
        self.news.set()
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        location = {"location": self.location} if 300 <= status < 400 else {}
        return Answer(status or 500, headers=location, cut=not status)


@asynccontextmanager
async def hook() -> AsyncIterator[Hook]:
    """One on a port of its own."""
    here = Hook()
    async with answering(here.answer) as (url, here.told):
        here.url = f"{url}/hook?token=t"
        yield here
