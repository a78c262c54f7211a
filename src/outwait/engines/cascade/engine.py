"""The engine of three services: it makes sessions, and says what each part of them is called for its price."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from outwait.call.commands import SeedItem
from outwait.engines.base import IN_PROCESS, Capabilities, Post
from outwait.engines.cascade.bills import Rates
from outwait.engines.cascade.llm import OpenAIWriter
from outwait.engines.cascade.session import CONNECT_SECONDS, CascadeSession
from outwait.engines.cascade.stack import Stack
from outwait.engines.cascade.stt import OpenAIRecogniser
from outwait.engines.cascade.tts import OpenAISpeaker
from outwait.engines.cascade.turns import TurnPolicy
from outwait.engines.cascade.wire import Service

REACTION = 1.0  # s; see docs/cascade.md: three services, one after the other
PATIENT = TurnPolicy(ahead=TurnPolicy().pause)
"""For a recogniser that has our own cores to itself: it is asked only when the person really pauses."""

SESSION_SECONDS = 86_400.0  # s; there is no session at the services: only the conversation grows


class CascadeEngine:
    """Makes sessions on one stack of services. Shared by all calls of a process."""

    def __init__(
        self,
        stack: Stack,
        *,
        name: str = "cascade",
        turns: TurnPolicy | None = None,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        """`turns`: when a turn begins and ends; None: as suits the recogniser."""
        self.stack = stack
        self._rates = Rates()
        self._turns = turns or (PATIENT if stack.recogniser.model.endswith(IN_PROCESS) else TurnPolicy())
        self.capabilities = Capabilities(
            name=name,
            model=stack.writer.model,
            billing="tokens",
            max_session_seconds=SESSION_SECONDS,
            makes_phrases=True,
            voice=f"{stack.speaker.model} {stack.speaker.voice}",
            transcription=stack.recogniser.model,
            speech=stack.speaker.model,
            reaction=REACTION,
        )
        self._connect_seconds = connect_seconds
        # Made once: reading the certificates takes tens of milliseconds, in which no call would hear anything
        self._tls = ssl.create_default_context() if stack.secure else None

    def session(
        self, number: int, instructions: str, seed: Sequence[SeedItem], tools: Sequence[dict[str, object]], post: Post
    ) -> CascadeSession:
        """A session that has reached nobody yet: `run` does that."""
        return CascadeSession(
            number,
            self.stack,
            instructions,
            seed,
            tools,
            post,
            turns=self._turns,
            rates=self._rates,
            connect_seconds=self._connect_seconds,
            tls=self._tls,
        )


def cascade_engine(
    *, stt: Service, llm: Service, tts: Service, voice: str, connect_seconds: float = CONNECT_SECONDS
) -> CascadeEngine:
    """Three servers that speak OpenAI's wire; they may be one."""
    stack = Stack(OpenAIRecogniser(stt), OpenAIWriter(llm), OpenAISpeaker(tts, voice))
    return CascadeEngine(stack, connect_seconds=connect_seconds)
