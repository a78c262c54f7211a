"""What the simulated model charges, by its own arithmetic: the figure a meter must agree with."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

# USD per million tokens: text in, text cached, text out, audio in, audio cached, audio out.
_TOKEN_PRICES = {
    "gpt-realtime-2": (4.00, 0.40, 24.00, 32.00, 0.40, 64.00),
    "gpt-realtime-mini": (0.60, 0.06, 2.40, 10.00, 0.30, 20.00),
    "gpt-realtime-2.1-mini": (0.60, 0.06, 2.40, 10.00, 0.30, 20.00),
    "gpt-realtime": (4.00, 0.40, 16.00, 32.00, 0.40, 64.00),
    "gpt-4o-mini-realtime-preview": (0.60, 0.30, 2.40, 10.00, 0.30, 20.00),
    "gpt-4o-realtime-preview": (5.00, 2.50, 20.00, 40.00, 2.50, 80.00),
}
# USD per minute of audio written down.
_TRANSCRIPTION_PRICES = {
    "gpt-transcribe": 0.0045,
    "gpt-live-transcribe": 0.017,
    "gpt-realtime-whisper": 0.017,
    "whisper-1": 0.006,
    "gpt-4o-transcribe": 0.006,
    "gpt-4o-mini-transcribe": 0.003,
    "grok-transcribe": 0.0,  # the price of the session includes it
}
# USD per minute of a connection, and per text message sent to it.
_TIME_PRICES = {"grok-voice": (0.08, 0.004)}

USER_MS_PER_TOKEN = 100
ASSISTANT_MS_PER_TOKEN = 50
CHARACTERS_PER_TOKEN = 4
ITEM_OVERHEAD = 3  # special tokens of every item


@dataclass(frozen=True)
class Tokens:
    """Text and audio tokens."""

    text: int = 0
    audio: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.text + other.text, self.audio + other.audio)


def of_text(text: str) -> int:
    """Tokens of a text."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def of_user_audio(milliseconds: float) -> int:
    """Tokens of the other side's sound."""
    return math.ceil(milliseconds / USER_MS_PER_TOKEN)


def of_assistant_audio(milliseconds: float) -> int:
    """Tokens of the model's own sound."""
    return math.ceil(milliseconds / ASSISTANT_MS_PER_TOKEN)


@dataclass(frozen=True)
class Usage:
    """One response: everything the conversation held, and what came out."""

    input: Tokens
    cached: Tokens
    output: Tokens

    def event(self) -> dict[str, Any]:
        """As `response.done` carries it."""
        return {
            "total_tokens": sum((self.input.text, self.input.audio, self.output.text, self.output.audio)),
            "input_tokens": self.input.text + self.input.audio,
            "output_tokens": self.output.text + self.output.audio,
            "input_token_details": {
                "text_tokens": self.input.text,
                "audio_tokens": self.input.audio,
                "image_tokens": 0,
                "cached_tokens": self.cached.text + self.cached.audio,
                "cached_tokens_details": {
                    "text_tokens": self.cached.text,
                    "audio_tokens": self.cached.audio,
                    "image_tokens": 0,
                },
            },
            "output_token_details": {"text_tokens": self.output.text, "audio_tokens": self.output.audio},
        }


@dataclass(frozen=True)
class BillLine:
    """One thing charged.

    what
        "response", "transcription", "session" or "message"
    delivered
        False = the client never got its `response.done` (the socket was gone)
    """

    session: int
    what: str
    model: str
    usd: float
    delivered: bool = True
    usage: Usage | None = None
    seconds: float = 0.0


@dataclass
class Bill:
    """Everything charged so far."""

    lines: list[BillLine] = field(default_factory=list)

    @property
    def usd(self) -> float:
        """The sum."""
        return sum(line.usd for line in self.lines)

    @property
    def lost_usd(self) -> float:
        """The part the client was never told about."""
        return sum(line.usd for line in self.lines if not line.delivered)

    def response(self, session: int, model: str, usage: Usage, *, delivered: bool = True) -> None:
        """Charge a response."""
        if _by_time(model) is not None:
            return
        prices = _priced(model)
        fresh = Tokens(usage.input.text - usage.cached.text, usage.input.audio - usage.cached.audio)
        amounts = (
            fresh.text,
            usage.cached.text,
            usage.output.text,
            fresh.audio,
            usage.cached.audio,
            usage.output.audio,
        )
        usd = sum(amount * price for amount, price in zip(amounts, prices, strict=True)) / 1e6
        self.lines.append(BillLine(session, "response", model, usd, delivered, usage))

    def transcription(self, session: int, model: str, seconds: float, *, delivered: bool = True) -> None:
        """Charge a transcription."""
        usd = _TRANSCRIPTION_PRICES.get(model, 0.006) * seconds / 60
        self.lines.append(BillLine(session, "transcription", model, usd, delivered, None, seconds))

    def session(self, number: int, model: str, seconds: float) -> None:
        """Charge the time of a connection, where that is what is charged."""
        prices = _by_time(model)
        if prices is not None:
            self.lines.append(BillLine(number, "session", model, prices[0] * seconds / 60, seconds=seconds))

    def message(self, number: int, model: str) -> None:
        """Charge a text message."""
        prices = _by_time(model)
        if prices is not None:
            self.lines.append(BillLine(number, "message", model, prices[1]))


def _by_time(model: str) -> tuple[float, float] | None:
    return next((prices for name, prices in _TIME_PRICES.items() if model.startswith(name)), None)


def _priced(model: str) -> tuple[float, ...]:
    """The longest known name the model's begins with."""
    fitting = [name for name in _TOKEN_PRICES if model.startswith(name)]
    return _TOKEN_PRICES[max(fitting, key=len)] if fitting else _TOKEN_PRICES["gpt-realtime-2"]
