"""The price table: every price has a source, what is unknown is an error, and what ends is said."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from outwait.call.cost import CascadePrice, CharacterPrice, MinutePrice, TimePrice, TokenPrice
from outwait.prices import NoPrice, PriceTable

TODAY = date(2026, 11, 22)


@pytest.fixture
def table() -> PriceTable:
    return PriceTable.load()


def test_every_price_says_where_it_comes_from(table: PriceTable) -> None:
    for entries in (table.models, table.transcription, table.speech, table.carriers):
        assert entries
        for name, entry in entries.items():
            assert entry.source, name
            assert entry.date.startswith("2026"), name


def test_every_model_can_be_priced(table: PriceTable) -> None:
    for name in table.models:
        engine, model = name.split("/") if "/" in name else ("ultravox", name)
        if "/" in name:
            table.prices(engine, model, None, "twilio")


def test_the_default_call(table: PriceTable) -> None:
    prices = table.prices("openai", "gpt-realtime-2.1", "gpt-transcribe", "twilio")
    assert prices.model == TokenPrice(
        text_in=4, text_cached=0.4, text_out=24, audio_in=32, audio_cached=0.4, audio_out=64, context=128_000
    )
    assert prices.transcription == TimePrice(rate=0.0045)
    assert prices.carrier == {
        "twilio outbound": MinutePrice(rate=0.014),
        "twilio media_stream": MinutePrice(rate=0.004),
    }
    assert prices.carrier_minute == 18_000


def test_other_engines(table: PriceTable) -> None:
    assert table.prices("openai", "gpt-live-1", None, "twilio").model == TimePrice(rate=0.05)
    azure = table.prices("azure", "gpt-realtime-2.1", "whisper-1", "twilio").model
    assert isinstance(azure, TokenPrice)
    assert azure.context == 32_000
    assert (
        table.prices("azure", "gpt-realtime-2", None, "twilio").model
        == table.prices("openai", "gpt-realtime-2", None, "twilio").model
    )
    dated = table.prices("openai", "gpt-realtime-2025-08-28", None, "twilio")
    assert dated == table.prices("openai", "gpt-realtime", None, "twilio")
    without_cache = table.prices("google", "gemini-3.8-live", None, "twilio").model
    assert isinstance(without_cache, TokenPrice)
    assert without_cache.audio_cached == without_cache.audio_in


@pytest.mark.parametrize(
    "names",
    [
        ("openai", "gpt-unheard-of", None, "twilio"),
        ("openai", "gpt-realtime-2.1", "unheard-of", "twilio"),
        ("openai", "gpt-realtime-2.1", None, "smoke-signals"),
    ],
)
def test_what_has_no_price_is_an_error(table: PriceTable, names: tuple[str, str, str | None, str]) -> None:
    with pytest.raises(NoPrice, match=r"no price for .*; known: "):
        table.prices(*names)


def test_warns_of_ends(table: PriceTable) -> None:
    assert table.endings("openai", "gpt-realtime-2.1", "gpt-transcribe", TODAY) == []
    assert table.endings("openai", "gpt-realtime", "whisper-1", TODAY) == [
        "gpt-realtime ends on 2027-01-20, says the price table of 2026-11-22",
        "whisper-1 ends on 2027-02-26, says the price table of 2026-11-22",
    ]
    assert "ended" in table.endings("openai", "gpt-realtime", None, date(2027, 2, 1))[0]


def test_own_prices_come_first(tmp_path: Path) -> None:
    own = tmp_path / "prices.json"
    entry = {"unit": "per_minute", "rate": 0.1, "source": "my contract", "date": "2026-11"}
    own.write_text(json.dumps({"as_of": "2026-12-01", "models": {"azure/ours": entry}}))
    table = PriceTable.load(own)
    assert table.prices("azure", "ours", None, "twilio").model == TimePrice(rate=0.1)
    assert table.prices("openai", "gpt-realtime-2.1", None, "twilio").carrier_minute == 18_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"as_of": "x", "modles": {}}',
        '{"as_of": "x", "models": {"openai/x": {"unit": "per_minute", "rate": 0.1}}}',
        '{"as_of": "x", "models": {"openai/x": {"unit": "per_year", "rate": 1, "source": "s", "date": "2026"}}}',
    ],
)
def test_refuses_a_table_it_cannot_read(tmp_path: Path, text: str) -> None:
    own = tmp_path / "prices.json"
    own.write_text(text)
    with pytest.raises(NoPrice, match=r"prices\.json"):
        PriceTable.load(own)
    with pytest.raises(NoPrice, match="nowhere"):
        PriceTable.load(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    "price",
    [
        {"unit": "per_minute"},
        {"unit": "per_minute", "rate": 0},
        {"unit": "per_minute", "rate": -1},
        {"unit": "per_1M_tokens", "text_in": 1},
        {"unit": "per_character", "rate": 1},
    ],
)
def test_nothing_is_free_by_mistake(tmp_path: Path, price: dict[str, object]) -> None:
    own = tmp_path / "prices.json"
    own.write_text(json.dumps({"as_of": "x", "models": {"openai/x": price | {"source": "s", "date": "2026"}}}))
    with pytest.raises(NoPrice):
        PriceTable.load(own).prices("openai", "x", None, "twilio")


def test_a_cascade_has_three_prices(table: PriceTable) -> None:
    prices = table.cascade("gpt-5.4-mini", "gpt-transcribe", "tts-1", "twilio")
    assert isinstance(prices.model, CascadePrice)
    assert (prices.model.text.text_in, prices.model.text.text_cached, prices.model.text.text_out) == (0.75, 0.075, 4.5)
    assert prices.model.speech == CharacterPrice(rate=1.5e-5)
    assert prices.transcription == TimePrice(rate=0.0045)
    by_minute = table.cascade("gpt-5.4-mini", "gpt-transcribe", "gpt-4o-mini-tts", "twilio").model
    assert isinstance(by_minute, CascadePrice)
    assert by_minute.speech == TimePrice(rate=0.015)
    assert table.cascade_endings("gpt-5.4-mini", "gpt-transcribe", "gpt-4o-mini-tts", TODAY) == [
        "gpt-4o-mini-tts ends on 2027-01-06, says the price table of 2026-11-22"
    ]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_part_of_a_cascade_without_a_price_is_an_error(table: PriceTable, place: int) -> None:
    names = ["gpt-5.4-mini", "gpt-transcribe", "tts-1"]
    names[place] = "unheard-of"
    with pytest.raises(NoPrice, match=r"no price for .* 'unheard-of' of engine 'cascade'; known: "):
        table.cascade(*names, "twilio")


def test_what_is_free_says_so(tmp_path: Path) -> None:
    own = tmp_path / "prices.json"
    free = {"unit": "free", "source": "my own machine", "date": "2026-11"}
    ours = {"cascade/ours": free}
    own.write_text(json.dumps({"as_of": "x", "chat": ours, "speech": ours, "transcription": ours, "models": ours}))
    table = PriceTable.load(own)
    prices = table.cascade("ours", "ours", "ours", "twilio")
    assert prices.transcription == TimePrice(rate=0.0)
    assert isinstance(prices.model, CascadePrice)
    assert prices.model.speech == TimePrice(rate=0.0)
    with pytest.raises(NoPrice):
        table.prices("cascade", "ours", None, "twilio")
    own.write_text(json.dumps({"as_of": "x", "chat": {"cascade/x": free | {"unit": "per_1M_tokens", "text_in": 0}}}))
    with pytest.raises(NoPrice, match="above zero"):
        PriceTable.load(own).cascade("x", "gpt-transcribe", "tts-1", "twilio")
