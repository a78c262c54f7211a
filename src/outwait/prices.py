"""What things cost: the price table with its sources, and the prices of one call made from it.

A model or carrier without a price is an error at start, never free.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec

from outwait.call.cost import CascadePrice, CharacterPrice, MinutePrice, Prices, TimePrice, TokenPrice
from outwait.engines.base import IN_PROCESS, Capabilities

WARN_DAYS = 120  # d before a model's end at which it is worth a warning


class NoPrice(Exception):
    """The table does not know it, or the table itself can't be read."""


class PriceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One price, where it was read and when."""

    unit: Literal["per_1M_tokens", "per_minute", "per_begun_minute", "per_call", "per_character", "free"]
    source: str
    date: str  # year, month or day on which the source said so
    rate: float | None = None  # USD for a minute or a character
    per_message: float | None = None  # USD for a text sent to a model that is billed by the minute
    text_in: float | None = None  # this and the following: USD for a million tokens
    text_cached: float | None = None
    text_out: float | None = None
    audio_in: float | None = None
    audio_cached: float | None = None
    audio_out: float | None = None
    context: int | None = None  # tokens
    ends: datetime.date | None = None  # the vendor stops serving it then


_HERE = PriceEntry(unit="free", source="it runs in this process", date="always")


class PriceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All prices, by `vendor/name`."""

    as_of: str
    currency: Literal["USD"] = "USD"
    models: dict[str, PriceEntry] = {}
    chat: dict[str, PriceEntry] = {}
    transcription: dict[str, PriceEntry] = {}
    speech: dict[str, PriceEntry] = {}
    carriers: dict[str, PriceEntry] = {}

    @classmethod
    def load(cls, own: Path | None = None) -> PriceTable:
        """The built-in table; entries of the file `own` (same form) come before it. Raises NoPrice."""
        table = _read(files("outwait").joinpath("prices.json").read_bytes(), "built-in prices")
        if own is None:
            return table
        try:
            mine = _read(own.read_bytes(), str(own))
        except OSError as error:
            raise NoPrice(f"{own}: {error.strerror}") from error
        return cls(
            as_of=mine.as_of,
            models=table.models | mine.models,
            chat=table.chat | mine.chat,
            transcription=table.transcription | mine.transcription,
            speech=table.speech | mine.speech,
            carriers=table.carriers | mine.carriers,
        )

    def of(self, engine: Capabilities, carrier: str) -> Prices:
        """What a call on this engine costs. Raises NoPrice: also for a price that does not fit how it bills."""
        if engine.speech is not None:
            return self.cascade(engine.model, engine.transcription or "", engine.speech, carrier)
        prices = self.prices(engine.vendor or engine.name, engine.model, engine.transcription, carrier)
        if prices.by_time != (engine.billing == "seconds"):
            kind = "open minute of a session" if engine.billing == "seconds" else "token"
            raise NoPrice(f"the engine {engine.name} bills by the {kind}, and the price of {engine.model!r} is another")
        if engine.backend is None:
            return prices
        backend = _text_price(_find("chat model", self.chat, engine.vendor or engine.name, engine.backend))
        return msgspec.structs.replace(prices, backend=backend)

    def endings_of(self, engine: Capabilities, today: datetime.date) -> list[str]:
        """The like of `endings`, for whatever an engine is made of."""
        if engine.speech is not None:
            return self.cascade_endings(engine.model, engine.transcription or "", engine.speech, today)
        return self.endings(engine.vendor or engine.name, engine.model, engine.transcription, today)

    def prices(self, engine: str, model: str, transcription: str | None, carrier: str) -> Prices:
        """What a call costs with these. Raises NoPrice.

        engine, model
            who serves the model and its id there. Azure names deployments freely: the price is that of the model
        transcription
            model that writes down what the person says; None when the engine's price includes it
        carrier
            such as `twilio`
        """
        return Prices(
            model=_price(_find("model", self.models, engine, model)),
            transcription=None
            if transcription is None
            else _price(_find("transcription model", self.transcription, engine, transcription)),
            carrier=self._line(carrier),
            judgement=self._judgement(carrier),
        )

    def cascade(self, chat: str, transcription: str, speech: str, carrier: str) -> Prices:
        """What a call costs with these three models. Raises NoPrice.

        One that costs nothing, on a machine of one's own, says so: its unit is `free`. A model of a vendor with its own
        wire goes by `vendor/name`.
        """
        return Prices(
            model=CascadePrice(
                text=_text_price(_find("chat model", self.chat, "cascade", chat)),
                speech=_speech_price(_find("speech model", self.speech, "cascade", speech)),
            ),
            transcription=_part_price(_find("transcription model", self.transcription, "cascade", transcription)),
            carrier=self._line(carrier),
            judgement=self._judgement(carrier),
        )

    def cascade_endings(self, chat: str, transcription: str, speech: str, today: datetime.date) -> list[str]:
        """The like of `endings`, for a cascade."""
        parts = [(chat, self.chat), (transcription, self.transcription), (speech, self.speech)]
        return self._endings("cascade", parts, today)

    def endings(self, engine: str, model: str, transcription: str | None, today: datetime.date) -> list[str]:
        """A line for each of these that the vendor stops serving soon, or has stopped."""
        used = [(model, self.models)] + ([(transcription, self.transcription)] if transcription else [])
        return self._endings(engine, used, today)

    def _endings(self, engine: str, used: list[tuple[str, dict[str, PriceEntry]]], today: datetime.date) -> list[str]:
        lines: list[str] = []
        for name, table in used:
            ends = _find("model", table, engine, name).ends
            if ends is not None and (ends - today).days <= WARN_DAYS:
                verb = "ends" if ends > today else "ended"
                lines.append(f"{name} {verb} on {ends.isoformat()}, says the price table of {self.as_of}")
        return lines

    def _judgement(self, carrier: str) -> float | None:
        """USD for the carrier's word on who answered a call."""
        entry = self.carriers.get(f"{carrier}/judgement")
        return _rate(entry) if entry is not None else None

    def _line(self, carrier: str) -> dict[str, MinutePrice]:
        names = {"outbound": f"{carrier}/us_outbound", "media_stream": f"{carrier}/media_stream"}
        line = {f"{carrier} {part}": self.carriers[name] for part, name in names.items() if name in self.carriers}
        if f"{carrier} outbound" not in line:
            raise NoPrice(f"no price for carrier {carrier!r}; known: {_names(self.carriers)}")
        return {part: MinutePrice(rate=_rate(entry)) for part, entry in line.items()}


def _read(data: bytes, name: str) -> PriceTable:
    try:
        return msgspec.json.decode(data, type=PriceTable)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoPrice(f"{name}: {error}") from error


def _find(what: str, table: Mapping[str, PriceEntry], engine: str, name: str) -> PriceEntry:
    """Of the engine itself, else of OpenAI, whose models Azure and compatible servers host under the same names."""
    if name.endswith(IN_PROCESS):
        return _HERE
    undated = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", name)
    lists = (engine,) if engine in _OWN_PRICES else (engine, "openai")
    for key in (*(f"{vendor}/{known}" for known in (name, undated) for vendor in lists), name):
        if key in table:
            return table[key]
    known = _names(key for key in table if key.startswith(tuple(f"{vendor}/" for vendor in lists)))
    raise NoPrice(f"no price for {what} {name!r} of engine {engine!r}; known: {known}")


_OWN_PRICES = frozenset({"voicelive"})
"""Who serve OpenAI's models at prices of their own."""


def _names(table: Iterable[str]) -> str:
    return ", ".join(sorted(table))


def _price(entry: PriceEntry) -> TokenPrice | TimePrice:
    if entry.unit == "per_minute":
        return TimePrice(rate=_rate(entry), message=entry.per_message or 0.0)
    if entry.unit != "per_1M_tokens":
        raise NoPrice(f"a model can't be priced {entry.unit}")
    if entry.text_in is None or entry.text_out is None or entry.audio_in is None or entry.audio_out is None:
        raise NoPrice("a model needs text_in, text_out, audio_in and audio_out")
    price = TokenPrice(
        text_in=entry.text_in,
        text_cached=entry.text_in if entry.text_cached is None else entry.text_cached,  # no discount known: none given
        text_out=entry.text_out,
        audio_in=entry.audio_in,
        audio_cached=entry.audio_in if entry.audio_cached is None else entry.audio_cached,
        audio_out=entry.audio_out,
    )
    return price if entry.context is None else msgspec.structs.replace(price, context=entry.context)


def _text_price(entry: PriceEntry) -> TokenPrice:
    """Of a model that neither hears nor speaks."""
    if entry.unit == "free":
        return TokenPrice(text_in=0.0, text_cached=0.0, text_out=0.0, audio_in=0.0, audio_cached=0.0, audio_out=0.0)
    if entry.unit != "per_1M_tokens" or not entry.text_in or not entry.text_out:
        raise NoPrice("a chat model needs text_in and text_out above zero, per_1M_tokens")
    cached = entry.text_in if entry.text_cached is None else entry.text_cached
    return TokenPrice(
        text_in=entry.text_in,
        text_cached=cached,
        text_out=entry.text_out,
        audio_in=0.0,
        audio_cached=0.0,
        audio_out=0.0,
        context=entry.context or 128_000,
    )


def _speech_price(entry: PriceEntry) -> CharacterPrice | TimePrice:
    if entry.unit == "per_character":
        return CharacterPrice(rate=_rate(entry))
    price = _part_price(entry)
    if isinstance(price, TimePrice):
        return price
    raise NoPrice(f"speech can't be priced {entry.unit}")


def _part_price(entry: PriceEntry) -> TokenPrice | TimePrice:
    return TimePrice(rate=0.0) if entry.unit == "free" else _price(entry)


def _rate(entry: PriceEntry) -> float:
    if entry.rate is None or entry.rate <= 0:
        raise NoPrice(f"a price {entry.unit} needs a rate above zero")
    return entry.rate
