"""What the parts of the cascade used: as they say, and where they do not, as far as we can know."""

from __future__ import annotations

from msgspec import structs

from outwait.call.cost import AGENT_TOKENS, Usage
from outwait.engines.cascade.steps import Tokens
from outwait.engines.cascade.turns import BYTES_PER_SECOND

CHARS_PER_TOKEN = 4  # of English text; an estimate


def speech(characters: int, sound: int) -> Usage:
    """Of a synthesiser that was given so many characters and made so many bytes: it is priced by either."""
    return Usage(characters=characters, audio_out=round(sound / BYTES_PER_SECOND * AGENT_TOKENS))


def guessed(usage: Usage) -> Usage:
    """The same, marked as a guess."""
    return structs.replace(usage, estimated=True)


class Bills:
    """Bills the answers of one session. One that was cut off has no bill of the model: it is guessed by the last."""

    def __init__(self) -> None:
        self._last: tuple[int, Tokens] | None = None  # characters and tokens of the last bill

    def response(self, spoken: Usage, tokens: Tokens | None, chars_in: int, chars_out: int) -> Usage:
        """`tokens`: what the model said; None: it did not. `chars_in`, `chars_out`: what it was told and wrote."""
        if tokens is not None:
            self._last = (chars_in, tokens)
            return _with_text(spoken, tokens)
        return guessed(_with_text(spoken, self._guess(chars_in, chars_out)))

    def _guess(self, chars_in: int, chars_out: int) -> Tokens:
        """The same tokenizer as last time, and as much from the cache."""
        text_out = chars_out // CHARS_PER_TOKEN
        if self._last is None:
            return Tokens(chars_in // CHARS_PER_TOKEN, 0, text_out)
        chars, last = self._last
        text_in = round(chars_in * last.text_in / max(1, chars))
        return Tokens(text_in, min(last.text_cached, text_in), text_out)


def _with_text(spoken: Usage, tokens: Tokens) -> Usage:
    return structs.replace(spoken, text_in=tokens.text_in, text_cached=tokens.text_cached, text_out=tokens.text_out)
