"""Text to speech: a sentence in, its sound as it is made."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

import httpx2

from outwait.call.events import Trouble
from outwait.engines.cascade.sound import Incoming, WrongSound
from outwait.engines.cascade.wire import Failed, Service, asked


class Speaker(Protocol):
    """Speaks a text."""

    service: Service
    voice: str

    def speak(self, http: httpx2.AsyncClient, text: str) -> AsyncGenerator[bytes, None]:
        """Mu-law, piece by piece. Raises Failed."""


class OpenAISpeaker:
    """`POST /audio/speech`, asked for bare samples; a server that answers with a WAV file is understood, too."""

    def __init__(self, service: Service, voice: str) -> None:
        self.service = service
        self.voice = voice

    async def speak(self, http: httpx2.AsyncClient, text: str) -> AsyncGenerator[bytes, None]:
        """Mu-law, piece by piece. Raises Failed."""
        wish = {"model": self.service.model, "voice": self.voice, "input": text, "response_format": "pcm"}
        sound = Incoming()
        try:
            async with asked(http, self.service, "POST", "/audio/speech", json=wish) as response:
                form = response.headers.get("content-type", "")
                if "mpeg" in form or "ogg" in form or form.startswith(("text/", "application/json")):
                    raise WrongSound(form)
                async for data in response.aiter_bytes():
                    if piece := sound.take(data):
                        yield piece
            if piece := sound.end():
                yield piece
        except WrongSound as wrong:
            raise Failed(Trouble.REFUSED, 200, f"/audio/speech: neither samples nor a WAV file: {wrong}") from wrong
