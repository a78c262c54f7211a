"""Parts of a cascade that run in this process: nothing is asked of anybody, and nothing is to be paid."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from outwait.audio import g711
from outwait.call.events import Trouble
from outwait.engines.base import IN_PROCESS
from outwait.engines.cascade.llm import Finished, ToolCall, Words, Writer
from outwait.engines.cascade.steps import Tokens
from outwait.engines.cascade.stt import Recogniser, Transcript
from outwait.engines.cascade.tts import Speaker
from outwait.engines.cascade.wire import Failed, Wires
from outwait.local.mind import reply
from outwait.local.missing import Missing
from outwait.local.stt import LocalRecogniser
from outwait.local.tts import LocalVoice

RULES = f"rules{IN_PROCESS}"  # the mind's name, where a model's would stand


class HereRecogniser:
    """Whisper on one thread, for all sessions of the process."""

    secure = False
    listens = False

    def __init__(self, recogniser: LocalRecogniser) -> None:
        self.model = recogniser.name + IN_PROCESS
        self._recogniser = recogniser

    async def open(self, wires: Wires) -> Recogniser:
        await _ready(self._recogniser)
        return self

    def hear(self, turn: int, start: int, ulaw: bytes) -> None:
        pass  # it takes whole turns

    async def transcribe(self, ulaw: bytes, turn: int) -> Transcript:
        return Transcript(await self._recogniser.transcribe(ulaw), g711.seconds(ulaw))


class HereWriter:
    """The rules of `local/mind.py`."""

    secure = False
    model = RULES

    async def open(self, wires: Wires) -> Writer:
        return self

    async def write(
        self, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, object]]
    ) -> AsyncGenerator[Words | ToolCall | Finished, None]:
        wanted = reply(messages, {str(tool["name"]) for tool in tools})
        if wanted.say:
            yield Words(wanted.say)
        for number, (name, arguments) in enumerate(wanted.calls):
            # The conversation has grown when the next one is called, so its id is another
            yield ToolCall(f"call_{len(messages)}_{number}", name, json.dumps(arguments))
        yield Finished(Tokens(0, 0, 0), True)


class HereSpeaker:
    """A small voice on one thread, for all sessions of the process."""

    secure = False

    def __init__(self, voice: LocalVoice) -> None:
        self.model = f"hibari{IN_PROCESS}"
        self.voice = voice.name
        self._voice = voice

    async def open(self, wires: Wires) -> Speaker:
        await _ready(self._voice)
        return self

    async def speak(self, text: str) -> AsyncGenerator[bytes, None]:
        if sound := await self._voice.speak(text):
            yield sound


async def _ready(model: LocalRecogniser | LocalVoice) -> None:
    try:
        await model.ready()
    except Missing as missing:
        raise Failed(Trouble.REFUSED, 0, str(missing)) from missing
