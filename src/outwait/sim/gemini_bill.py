"""What the simulated Gemini Live server charges, by its own arithmetic: the figure a meter must agree with."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from outwait.sim.realtime_bill import Tokens, of_text

_PRICES = {"gemini-3.8-live": (0.75, 4.50, 3.00, 12.00)}  # USD per million: text in, text out, audio in, audio out
AUDIO_PER_SECOND = 25


def of_audio(milliseconds: float) -> int:
    """Tokens of sound, heard or spoken."""
    return math.ceil(milliseconds / 1000 * AUDIO_PER_SECOND)


@dataclass(frozen=True)
class Turn:
    """One turn of the model: all that the conversation held, and what came out."""

    prompt: Tokens
    response: Tokens

    def message(self) -> dict[str, Any]:
        """As `usageMetadata` tells it."""
        return {
            "promptTokenCount": self.prompt.text + self.prompt.audio,
            "responseTokenCount": self.response.text + self.response.audio,
            "totalTokenCount": sum((self.prompt.text, self.prompt.audio, self.response.text, self.response.audio)),
            "promptTokensDetails": _details(self.prompt),
            "responseTokensDetails": _details(self.response),
        }


@dataclass(frozen=True)
class GeminiLine:
    """One turn charged. delivered: False = the client was never told."""

    session: int
    usd: float
    delivered: bool
    turn: Turn


@dataclass
class GeminiBill:
    """Everything charged so far."""

    lines: list[GeminiLine] = field(default_factory=list)

    @property
    def usd(self) -> float:
        """The sum."""
        return sum(line.usd for line in self.lines)

    @property
    def lost_usd(self) -> float:
        """The part that the client was never told about."""
        return sum(line.usd for line in self.lines if not line.delivered)

    def turn(self, session: int, model: str, turn: Turn, *, delivered: bool) -> None:
        """Charge a turn."""
        amounts = (turn.prompt.text, turn.response.text, turn.prompt.audio, turn.response.audio)
        usd = sum(amount * price for amount, price in zip(amounts, _PRICES[model], strict=True)) / 1e6
        self.lines.append(GeminiLine(session, usd, delivered, turn))


def text_tokens(text: str) -> Tokens:
    """Of something written."""
    return Tokens(text=of_text(text))


def _details(tokens: Tokens) -> list[dict[str, Any]]:
    parts = (("TEXT", tokens.text), ("AUDIO", tokens.audio))
    return [{"modality": name, "tokenCount": count} for name, count in parts if count]
