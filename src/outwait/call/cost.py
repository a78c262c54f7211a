"""What a call costs: the meter, the cap, and what the call would have cost without parking.

Money is counted in integer micro-dollars. Prices are passed in; a thing without a price is an error, never free.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an engine says that a response, a transcript or a phrase used."""

    text_in: int = 0  # tokens, cached ones included
    text_cached: int = 0  # tokens
    audio_in: int = 0  # tokens, cached ones included
    audio_cached: int = 0  # tokens
    text_out: int = 0  # tokens
    audio_out: int = 0  # tokens
    seconds: float = 0.0  # of audio or of session, for what is billed by time
    characters: int = 0  # for what is billed by length
    messages: int = 0  # texts sent to the model, for what bills them
    estimated: bool = False  # we had to guess: the engine never told


class TokenPrice(msgspec.Struct, frozen=True, tag="per_1M_tokens"):
    """USD for a million tokens."""

    text_in: float
    text_cached: float
    text_out: float
    audio_in: float
    audio_cached: float
    audio_out: float
    context: int = 32_000  # tokens that fit


class TimePrice(msgspec.Struct, frozen=True, tag="per_minute"):
    """USD for a minute, counted by the second."""

    rate: float
    message: float = 0.0  # USD for a text sent to the model


class CharacterPrice(msgspec.Struct, frozen=True, tag="per_character"):
    """USD for a character."""

    rate: float


class CascadePrice(msgspec.Struct, frozen=True, tag="cascade"):
    """An engine of parts: its words by the token, its voice by the character or by the minute of speech.

    Its third part writes down what the person says, and has the price of the transcription.
    """

    text: TokenPrice
    speech: CharacterPrice | TimePrice


class MinutePrice(msgspec.Struct, frozen=True, tag="minute_ceil"):
    """USD for a begun minute, as carriers count."""

    rate: float


class Prices(msgspec.Struct, frozen=True):
    """What this call's things cost. Made from the price table when the call is created, and kept with it."""

    model: TokenPrice | TimePrice | CascadePrice
    transcription: TokenPrice | TimePrice | None  # None: the engine's price includes it
    carrier: dict[str, MinutePrice]  # name -> price; all of them run from answer to end
    judgement: float | None = None  # USD for the carrier's word on who answered; None: not known
    backend: TokenPrice | None = None  # text model to which an engine billed by time hands its work; None: it has none

    @property
    def by_time(self) -> bool:
        """The engine bills every second of an open session, whether or not anybody speaks."""
        return isinstance(self.model, TimePrice)

    @property
    def carrier_minute(self) -> int:
        """Micro-dollars for each begun minute."""
        return sum(_micro(price.rate) for price in self.carrier.values())


class Item(msgspec.Struct, frozen=True):
    """One line of the bill."""

    what: str
    units: str
    quantity: float
    micro_usd: int
    estimated: bool


def _micro(usd: float) -> int:
    return round(usd * 1_000_000)


def priced(usage: Usage, price: TokenPrice | TimePrice | CascadePrice) -> int:
    """Micro-dollars for a usage."""
    return sum(micro for _, _, micro in _parts(usage, price))


def _parts(usage: Usage, price: TokenPrice | TimePrice | CascadePrice) -> list[tuple[str, float, int]]:
    """Units, how many of them, and micro-dollars, of each part that has its own price."""
    if isinstance(price, TimePrice):
        seconds = usage.seconds or usage.audio_in / USER_TOKENS  # a server may count in tokens what is priced by time
        parts: list[tuple[str, float, int]] = []
        if usage.messages:
            parts.append(("messages", usage.messages, _micro(price.message * usage.messages)))
        if seconds or not usage.messages:
            parts.append(("seconds", round(seconds, 3), _micro(price.rate * seconds / 60)))
        return parts
    if isinstance(price, TokenPrice):
        tokens = usage.text_in + usage.audio_in + usage.text_out + usage.audio_out
        return [("tokens", tokens, _tokens(usage, price))]
    text = usage.text_in + usage.text_out
    words = [("tokens", float(text), _tokens(_text_of(usage), price.text))] if text else []
    return words + _speech(usage, price.speech)


def _tokens(usage: Usage, price: TokenPrice) -> int:
    usd = (
        (usage.text_in - usage.text_cached) * price.text_in
        + usage.text_cached * price.text_cached
        + (usage.audio_in - usage.audio_cached) * price.audio_in
        + usage.audio_cached * price.audio_cached
        + usage.text_out * price.text_out
        + usage.audio_out * price.audio_out
    ) / 1_000_000
    return _micro(usd)


def _text_of(usage: Usage) -> Usage:
    return Usage(text_in=usage.text_in, text_cached=usage.text_cached, text_out=usage.text_out)


def _speech(usage: Usage, price: CharacterPrice | TimePrice) -> list[tuple[str, float, int]]:
    if isinstance(price, CharacterPrice):
        return [("characters", usage.characters, _micro(usage.characters * price.rate))] if usage.characters else []
    seconds = usage.audio_out / AGENT_TOKENS
    return [("seconds", seconds, _micro(seconds * price.rate / 60))] if seconds else []


# Naive hold: what the field's frameworks do, by the formula and figures of docs/money.md. Server VAD
# turns music into a turn every 30 s, commits 60 % of it, and answers for 3 s; 90 % of the context comes from the cache.
NAIVE_PERIOD = 30.0  # s between two replies to the hold
NAIVE_COMMITTED = 0.6  # share of the hold that enters the context
NAIVE_REPLY = 3.0  # s
NAIVE_CACHED = 0.9  # share of the previous context
USER_TOKENS = 10  # audio tokens for a second heard
AGENT_TOKENS = 20  # audio tokens for a second spoken
TEXT_TOKENS = 5  # text tokens for a second spoken
SPOKEN_CHARACTERS = 15  # characters for a second spoken
_RESERVE = 4096  # tokens of the context window kept for the answer


def naive_hold(
    price: TokenPrice | TimePrice | CascadePrice,
    seconds: float,
    text: float,
    audio: float,
    transcription: TokenPrice | TimePrice | None = None,
) -> int:
    """Micro-dollars that `seconds` of hold would have cost with the session left open and listening.

    `text` and `audio` are the tokens of context when the hold began; `transcription` counts for a cascade, which hears
    by it.
    """
    if isinstance(price, TimePrice):
        return _micro(price.rate * seconds / 60)
    if isinstance(price, CascadePrice):
        return _naive_cascade(price, seconds, text, transcription)
    total = 0.0
    before_text = before_audio = 0.0
    committed = NAIVE_PERIOD * NAIVE_COMMITTED * USER_TOKENS
    for _ in range(int(seconds // NAIVE_PERIOD)):
        cached = NAIVE_CACHED
        over = text + audio + committed - (price.context - _RESERVE)
        if over > 0:  # the oldest goes, the prefix changes, and nothing of it is in the cache any more
            audio = max(0.0, audio - over)
            cached = 0.0
        from_text, from_audio = min(text, before_text) * cached, min(audio, before_audio) * cached
        total += (text - from_text) * price.text_in + from_text * price.text_cached
        total += (audio + committed - from_audio) * price.audio_in + from_audio * price.audio_cached
        total += NAIVE_REPLY * (TEXT_TOKENS * price.text_out + AGENT_TOKENS * price.audio_out)
        audio += committed
        before_text, before_audio = text, audio
        audio += NAIVE_REPLY * AGENT_TOKENS
        text += NAIVE_REPLY * TEXT_TOKENS
    return _micro(total / 1_000_000)


def _naive_cascade(
    price: CascadePrice, seconds: float, text: float, transcription: TokenPrice | TimePrice | None
) -> int:
    """The same replies, but what is committed is written down, and music leaves no words in the context."""
    committed = NAIVE_PERIOD * NAIVE_COMMITTED
    heard = Usage(seconds=committed, audio_in=round(committed * USER_TOKENS))
    said = Usage(characters=round(NAIVE_REPLY * SPOKEN_CHARACTERS), audio_out=round(NAIVE_REPLY * AGENT_TOKENS))
    reply = NAIVE_REPLY * TEXT_TOKENS
    total = 0
    before = 0.0
    for _ in range(int(seconds // NAIVE_PERIOD)):
        cached = min(text, before) * NAIVE_CACHED
        words = (text - cached) * price.text.text_in + cached * price.text.text_cached + reply * price.text.text_out
        total += _micro(words / 1_000_000) + priced(said, price)
        total += priced(heard, transcription) if transcription is not None else 0
        before, text = text, text + reply
    return total


class Meter:
    """Counts one call. Every `count_*` returns the new lines of the bill; the caller tells them."""

    def __init__(self, prices: Prices, cap: int | None) -> None:
        self._prices = prices
        self._cap = cap
        self._minutes: dict[int, int] = {}  # begun ones of each leg
        self._holds: dict[int, _Hold] = {}
        self._context = (1000.0, 0.0)  # text, audio tokens of the last response
        self._sessions: dict[int, float] = {}  # s of each, as its engine has counted them; only where time is billed
        self._running = (0, 0.0)  # session that is open, s by our own count
        self.model = 0  # micro-dollars
        self.carrier = 0  # micro-dollars
        self.estimated = False

    def switch(self, prices: Prices) -> None:
        """From here another engine works; the line's prices stay."""
        self._prices = msgspec.structs.replace(prices, carrier=self._prices.carrier)

    @property
    def total(self) -> int:
        """Micro-dollars so far."""
        return self.model + self.carrier

    @property
    def without_parking(self) -> int:
        """Micro-dollars that this call would have cost with one session open all the time."""
        prices = self._prices
        held = sum(
            naive_hold(prices.model, hold.seconds - hold.open, hold.text, hold.audio, prices.transcription)
            for hold in self._holds.values()
        )
        return self.total + held

    def count_response(self, what: str, usage: Usage) -> list[Item]:
        """A response of the engine. Where time is billed, only its tokens of a text model behind it are."""
        if self._prices.by_time:
            return [] if self._prices.backend is None else self._count("backend", usage, self._prices.backend)
        self._context = (usage.text_in + usage.text_out, usage.audio_in + usage.audio_out)
        return self._count(what, usage, self._prices.model)

    def count_phrase(self, usage: Usage) -> list[Item]:
        """A phrase made outside the conversation."""
        return self._count("phrase", usage, self._prices.model)

    def count_transcript(self, usage: Usage) -> list[Item]:
        """The words of a turn of the person."""
        if self._prices.transcription is None:
            return []
        return self._count("transcription", usage, self._prices.transcription)

    def count_session(self, number: int, seconds: float, *, estimated: bool = False) -> list[Item]:
        """A session of an engine that bills by time has lasted `seconds` so far; nothing for the others.

        Such engines tell totals, some of them late or twice: the largest counts, and what is new of it is charged.
        """
        told = self._sessions.get(number, 0.0)
        if not self._prices.by_time or seconds <= told:
            return []
        self._sessions[number] = seconds
        return self._count("session", Usage(seconds=seconds - told, estimated=estimated), self._prices.model)

    def session_runs(self, number: int, seconds: float) -> None:
        """A session has been open for so long, by our own count: what its engine has not told yet is owed all the
        same."""
        self._running = (number, seconds)

    def session_over(self) -> None:
        """Nothing runs; what its engine says last is what it costs."""
        self._running = (0, 0.0)

    def count_line(self, seconds: float, leg: int = 1) -> list[Item]:
        """A leg has been up for so long: lines of the bill for the minutes newly begun."""
        return self._count_minutes(_begun(seconds), leg)

    def count_judgement(self) -> list[Item]:
        """The carrier was asked who answered."""
        item = Item("who answered", "calls", 1, _micro(self._prices.judgement or 0.0), estimated=False)
        self.carrier += item.micro_usd
        return [item]

    def settle_line(self, billed_seconds: int, leg: int = 1) -> list[Item]:
        """The carrier said how long the leg was; its word counts."""
        return self._count_minutes(max(0, math.ceil(billed_seconds / 60)), leg)

    def note_hold(self, number: int, seconds: float) -> None:
        """The call's hold of that number has lasted so long."""
        hold = self._holds.setdefault(number, _Hold(*self._context, opened=self._open_seconds))
        hold.seconds = seconds
        hold.open = min(seconds, self._open_seconds - hold.opened)

    def next_response_fits(self) -> bool:
        """Whether the cap leaves anything for one more response."""
        return self._cap is None or self.total + self._owed < self._cap

    def line_fits(self, *legs: tuple[int, float]) -> bool:
        """Whether the cap can pay these legs up to then: (number, s since its answer)."""
        if self._cap is None:
            return True
        minutes = sum(max(0, _begun(seconds) - self._minutes.get(leg, 0)) for leg, seconds in legs)
        more = minutes * self._prices.carrier_minute
        return self.total + self._owed + more <= self._cap

    @property
    def _unsaid(self) -> float:
        """Seconds of the open session that its engine has not told yet; 0 where time is not billed."""
        number, seconds = self._running
        return max(0.0, seconds - self._sessions.get(number, 0.0)) if self._prices.by_time else 0.0

    @property
    def _owed(self) -> int:
        """Micro-dollars for them."""
        return priced(Usage(seconds=self._unsaid), self._prices.model) if self._unsaid else 0

    @property
    def _open_seconds(self) -> float:
        """Of all sessions so far, where time is billed."""
        return sum(self._sessions.values()) + self._unsaid

    def seconds_left(self, legs: int) -> int:
        """How long the cap can pay so many legs from here."""
        if self._cap is None:
            return 24 * 3600
        minute = self._prices.carrier_minute * legs
        return 60 * max(0, (self._cap - self.total) // minute) if minute else 24 * 3600

    def _count(self, what: str, usage: Usage, price: TokenPrice | TimePrice | CascadePrice) -> list[Item]:
        items = [  # what costs nothing needs no guess
            Item(what=what, units=units, quantity=quantity, micro_usd=micro, estimated=usage.estimated and micro > 0)
            for units, quantity, micro in _parts(usage, price)
        ]
        self.estimated = self.estimated or any(item.estimated for item in items)
        self.model += sum(item.micro_usd for item in items)
        return items

    def _count_minutes(self, begun: int, leg: int) -> list[Item]:
        more = begun - self._minutes.get(leg, 0)
        if more == 0:
            return []
        self._minutes[leg] = begun
        of = "" if leg == 1 else f" (leg {leg})" if leg > 1 else " (call back)"
        prices = {f"{name}{of}": price for name, price in self._prices.carrier.items()}
        items = [
            Item(what=name, units="minutes", quantity=more, micro_usd=more * _micro(price.rate), estimated=False)
            for name, price in prices.items()
        ]
        self.carrier += sum(item.micro_usd for item in items)
        return items


@dataclass(slots=True)
class _Hold:
    """One hold, for the comparison with a session that stays open."""

    text: float  # tokens of context when it began
    audio: float  # tokens of context when it began
    opened: float  # s of all sessions until then, where time is billed
    seconds: float = 0.0
    open: float = 0.0  # s of it in which a session was open all the same: they are in the total


def _begun(seconds: float) -> int:
    return max(1, math.ceil(seconds / 60 - 1e-9))


def least_cap(prices: Prices) -> int:
    """Micro-dollars below which a cap can't even pay the first minute and one response."""
    one = Usage(text_in=1200, audio_in=100, text_out=60, audio_out=200, characters=150)
    response = priced(Usage(seconds=60) if prices.by_time else one, prices.model)
    return prices.carrier_minute + response
