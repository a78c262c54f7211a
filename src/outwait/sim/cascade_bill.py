"""What the simulated services of a cascade charge, by their own arithmetic: the figure a meter must agree with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from outwait.sim.realtime_bill import of_text

_CHAT = {"gpt-5.4-mini": (0.75, 0.075, 4.50), "gpt-5.4-nano": (0.20, 0.02, 1.25)}  # USD per million: in, cached, out
_HEARD = {"gpt-transcribe": 0.0045, "nova-3": 0.0048}  # USD per minute
_SPOKEN_MINUTE = {"gpt-4o-mini-tts": 0.015}  # USD per minute
_SPOKEN_CHARACTER = {"tts-1": 15e-6, "aura-2-thalia-en": 30e-6, "eleven_flash_v2_5": 40e-6}  # USD per character
_CACHE_FROM = 1024  # tokens of a prompt from which its beginning is cached
_CACHE_STEP = 128  # tokens
_OVERHEAD = 4  # tokens of a message


@dataclass(frozen=True)
class CascadeLine:
    """One thing charged: "chat", "transcription" or "speech"."""

    what: str
    usd: float
    delivered: bool = True


@dataclass
class CascadeBill:
    """Everything charged so far."""

    lines: list[CascadeLine] = field(default_factory=list)
    _prefix: list[Any] = field(default_factory=list)

    @property
    def usd(self) -> float:
        """The sum."""
        return sum(line.usd for line in self.lines)

    @property
    def lost_usd(self) -> float:
        """The part that the client was never told about."""
        return sum(line.usd for line in self.lines if not line.delivered)

    def prompt(self, messages: Sequence[Any]) -> tuple[int, int]:
        """Tokens of a prompt, and how many of them come from the cache: the messages that began the last one, too."""
        same = 0
        for ours, theirs in zip(messages, self._prefix, strict=False):
            if ours != theirs:
                break
            same += _tokens(ours)
        self._prefix = list(messages)
        total = sum(map(_tokens, messages))
        cached = same // _CACHE_STEP * _CACHE_STEP if same >= _CACHE_FROM else 0
        return total, min(cached, total)

    def chat(self, model: str, prompt: tuple[int, int], out: int, *, delivered: bool) -> None:
        """Charge an answer."""
        total, cached = prompt
        fresh_price, cached_price, out_price = _CHAT[model]
        usd = ((total - cached) * fresh_price + cached * cached_price + out * out_price) / 1e6
        self.lines.append(CascadeLine("chat", usd, delivered))

    def transcription(self, model: str, seconds: float) -> None:
        """Charge what was written down."""
        self.lines.append(CascadeLine("transcription", _HEARD[model] * seconds / 60))

    def speech(self, model: str, characters: int, seconds: float) -> None:
        """Charge what was spoken."""
        if model in _SPOKEN_CHARACTER:
            usd = _SPOKEN_CHARACTER[model] * characters
        else:
            usd = _SPOKEN_MINUTE[model] * seconds / 60
        self.lines.append(CascadeLine("speech", usd))

    @staticmethod
    def knows(model: str) -> bool:
        """Whether this model is served."""
        return any(model in table for table in (_CHAT, _HEARD, _SPOKEN_MINUTE, _SPOKEN_CHARACTER))


def _tokens(message: Any) -> int:
    calls = "".join(str(call["function"]) for call in message.get("tool_calls") or [])
    return of_text(message.get("content") or "") + of_text(calls) + _OVERHEAD
