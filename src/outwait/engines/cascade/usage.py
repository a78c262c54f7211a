"""What a synthesiser used, as every price wants it, and what is only guessed."""

from __future__ import annotations

from msgspec import structs

from outwait.call.cost import AGENT_TOKENS, Usage
from outwait.engines.cascade.turns import BYTES_PER_SECOND


def speech(characters: int, sound: int) -> Usage:
    """Of a synthesiser that was given so many characters and made so many bytes: it is priced by either."""
    return Usage(characters=characters, audio_out=round(sound / BYTES_PER_SECOND * AGENT_TOKENS))


def guessed(usage: Usage) -> Usage:
    """The same, marked as a guess."""
    return structs.replace(usage, estimated=True)
