"""What the parts of the cascade used: as they say, and where they do not, as far as we can know."""

from __future__ import annotations

from msgspec import structs

from outwait.call.cost import Usage
from outwait.engines.cascade.parts import Response
from outwait.engines.cascade.steps import Tokens
from outwait.engines.cascade.usage import guessed, speech

CHARS_PER_TOKEN = 4  # of English text; an estimate
BYTES_PER_CHARACTER = 533  # of speech: a spoken minute is about 900 characters


class Rates:
    """What is known of how this model counts and how long this voice speaks; of all sessions of an engine."""

    def __init__(self) -> None:
        self._told = (0, 0)  # characters and tokens of the last bill
        self._spoken = (0, 0)  # characters and bytes of what was spoken to its end

    def told(self, characters: int, tokens: int) -> None:
        """A bill of the model."""
        self._told = (characters, tokens)

    def spoke(self, characters: int, sound: int) -> None:
        """A sentence was spoken to its end; `sound`: bytes."""
        self._spoken = (self._spoken[0] + characters, self._spoken[1] + sound)

    def tokens(self, characters: int) -> int:
        """Of a prompt, about."""
        told, tokens = self._told
        return round(characters * tokens / told) if told and tokens else characters // CHARS_PER_TOKEN

    def sound(self, characters: int) -> int:
        """Bytes, about, that so much text has in this voice."""
        spoken, sound = self._spoken
        return characters * sound // spoken if spoken and sound else characters * BYTES_PER_CHARACTER


class Bills:
    """Bills the answers of one session. One that was cut off has no bill of the model: it is guessed by the last."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._cached = 0  # tokens of the last prompt that came from the cache
        self._thrown: list[Response] = []  # away, and not billed yet
        self._sent: set[int] = set()  # requests that have gone out since the last told bill

    def response(self, response: Response) -> Usage:
        """Of an answer. A service charges what it makes: a sentence cut off was made to its end."""
        usage = self._spoken(response)
        tokens = response.written.tokens if response.written is not None else None
        if tokens is not None:
            self._rates.told(response.chars_in, tokens.text_in)
            self._cached = tokens.text_cached
            usage = _with_text(usage, tokens)
            return guessed(usage) if self._unheard(response) else usage
        return guessed(_with_text(usage, self._guess(response.chars_in, response.chars_out)))

    def sent(self, job: int) -> None:
        """This request has gone out."""
        self._sent.add(job)

    def cut_off(self, response: Response) -> Usage | None:
        """Of an answer that ends before its time; None: it is not known yet what of it was asked for, and it is
        `owed`."""
        if self._sent.issuperset(response.jobs):
            return self.response(response)
        self.thrown_away(response)
        return None

    def was_sent(self, job: int) -> bool:
        """This request has gone out, as far as is known."""
        return job in self._sent

    def thrown_away(self, response: Response) -> None:
        """An answer that nobody is to hear. What was asked for has its price all the same."""
        self._thrown.append(response)

    def owed(self) -> list[tuple[str, Usage]]:
        """Names and prices of what was thrown away. To be asked behind a bill of the model, which tells its rates, and
        at the end."""
        thrown, self._thrown = self._thrown, []
        owed: list[tuple[str, Usage]] = []
        for response in thrown:
            response.sentences = [sentence for sentence in response.sentences if sentence.job in self._sent]
            response.characters = sum(len(sentence.text) for sentence in response.sentences)
            if response.job in self._sent:
                owed.append((response.name, self.response(response)))
            elif response.sentences:  # of a model in this process
                owed.append((response.name, guessed(self._spoken(response))))
        self._sent.clear()
        return owed

    def _spoken(self, response: Response) -> Usage:
        return speech(response.characters, response.sound + self._unheard(response))

    def _unheard(self, response: Response) -> int:
        """Bytes of sound, about, that were asked for and have not come."""
        cut = [sentence for sentence in response.sentences if sentence.job and not sentence.done]
        return sum(max(0, self._rates.sound(len(sentence.text)) - sentence.size) for sentence in cut)

    def _guess(self, chars_in: int, chars_out: int) -> Tokens:
        """The same tokenizer as last time, and as much from the cache."""
        text_in = self._rates.tokens(chars_in)
        return Tokens(text_in, min(self._cached, text_in), chars_out // CHARS_PER_TOKEN)


def _with_text(spoken: Usage, tokens: Tokens) -> Usage:
    return structs.replace(spoken, text_in=tokens.text_in, text_cached=tokens.text_cached, text_out=tokens.text_out)
