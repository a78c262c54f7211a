"""ElevenLabs' voices.

Written from elevenlabs.io/docs (text to speech, stream); run against a strict simulator only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx2

from outwait.engines.cascade.tts import Speaker
from outwait.engines.cascade.wire import Service, Wires, asked

URL = "https://api.elevenlabs.io/v1"
AUTH = ("xi-api-key", "")
MODEL = "eleven_flash_v2_5"
VOICE = "JBFqnCBsd6RMkjVDRZzb"  # the one of their examples
FORM = "ulaw_8000"  # the telephone's own code


class ElevenLabsSpeaker:
    """`POST /text-to-speech/VOICE/stream`: a sentence in, its sound as it is made. `voice`: its id there."""

    def __init__(self, service: Service, voice: str) -> None:
        self.service = service
        self.model = f"elevenlabs/{service.model.removeprefix('eleven_')}"
        self.voice = voice
        self.secure = service.secure

    async def open(self, wires: Wires) -> Speaker:
        """Raises Failed."""
        return _Speech(self.service, self.voice, await wires.reach(self.service))


class _Speech:
    def __init__(self, service: Service, voice: str, http: httpx2.AsyncClient) -> None:
        self._service = service
        self._voice = voice
        self._http = http

    async def speak(self, text: str) -> AsyncGenerator[bytes, None]:
        path = f"/text-to-speech/{self._voice}/stream?output_format={FORM}"
        wish = {"text": text, "model_id": self._service.model}
        async with asked(self._http, self._service, "POST", path, json=wish) as response:
            async for data in response.aiter_bytes():
                if data:
                    yield data
