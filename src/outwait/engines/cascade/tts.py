"""Text to speech: a sentence in, its sound as it is made."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

import httpx2

from outwait.call.events import Trouble
from outwait.engines.cascade.sound import Incoming, WrongSound
from outwait.engines.cascade.wire import Failed, Service, Wires, asked


class Speaker(Protocol):
    """Speaks a text."""

    def speak(self, text: str) -> AsyncGenerator[bytes, None]:
        """Mu-law, piece by piece. Raises Failed."""


class OpenAISpeaker:
    """`POST /audio/speech`, asked for bare samples; a server that answers with a WAV file is understood, too."""

    def __init__(self, service: Service, voice: str) -> None:
        self.service = service
        self.model = service.model
        self.secure = service.secure
        self.voice = voice

    async def open(self, wires: Wires) -> Speaker:
        """Raises Failed."""
        return self.on(await wires.reach(self.service))

    def on(self, http: httpx2.AsyncClient) -> Speaker:
        """With these connections."""
        return _Speech(self.service, self.voice, http)


class _Speech:
    def __init__(self, service: Service, voice: str, http: httpx2.AsyncClient) -> None:
        self._service = service
        self._voice = voice
        self._http = http

    async def speak(self, text: str) -> AsyncGenerator[bytes, None]:
        wish = {"model": self._service.model, "voice": self._voice, "input": text, "response_format": "pcm"}
        sound = Incoming()
        try:
            async with asked(self._http, self._service, "POST", "/audio/speech", json=wish) as response:
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
