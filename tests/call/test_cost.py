"""The meter, against figures worked out by hand or published with the formula."""

from __future__ import annotations

import pytest

from outwait.call.cost import (
    Meter,
    MinutePrice,
    Prices,
    TimePrice,
    TokenPrice,
    Usage,
    least_cap,
    naive_hold,
    priced,
)
from outwait.testing import PRICES

FLAGSHIP = PRICES.model
MINI = TokenPrice(text_in=0.6, text_cached=0.06, text_out=2.4, audio_in=10.0, audio_cached=0.3, audio_out=20.0)


def test_a_response_costs_what_its_tokens_cost() -> None:
    usage = Usage(text_in=928, text_cached=832, audio_in=480, audio_cached=384, text_out=25, audio_out=90)
    # (96 x 4 + 832 x 0.4 + 96 x 32 + 384 x 0.4 + 25 x 24 + 90 x 64) / 1e6
    assert priced(usage, FLAGSHIP) == round(384 + 332.8 + 3072 + 153.6 + 600 + 5760)


def test_time_is_priced_by_the_second() -> None:
    assert priced(Usage(seconds=90.0), TimePrice(rate=0.05)) == 75_000


def test_tokens_of_what_is_priced_by_time_are_not_free() -> None:
    assert priced(Usage(audio_in=600), TimePrice(rate=0.006)) == 6_000


def test_the_naive_hold_agrees_with_the_published_model() -> None:
    # 30 minutes, a reply every 30 s, 1,150 text and 1,350 audio tokens before the hold: 2.617 USD and 0.879 USD
    assert naive_hold(FLAGSHIP, 1800.0, 1150.0, 1350.0) == pytest.approx(2_617_000, rel=0.005)
    assert naive_hold(MINI, 1800.0, 1150.0, 1350.0) == pytest.approx(879_000, rel=0.005)


def test_a_hold_on_an_engine_that_bills_by_time_costs_its_time() -> None:
    assert naive_hold(TimePrice(rate=0.05), 1800.0, 0.0, 0.0) == 1_500_000


def test_a_context_that_overflows_loses_its_oldest_and_its_cache() -> None:
    """With little room the context is short, but none of it comes from the cache: here that is dearer."""
    small = TokenPrice(
        text_in=4.0, text_cached=0.4, text_out=24.0, audio_in=32.0, audio_cached=0.4, audio_out=64.0, context=12_000
    )
    assert naive_hold(small, 3600.0, 1150.0, 1350.0) > naive_hold(FLAGSHIP, 3600.0, 1150.0, 1350.0)


def test_minutes_are_counted_as_they_begin_and_settled_by_the_carriers_word() -> None:
    meter = Meter(PRICES, None)
    assert [item.micro_usd for item in meter.count_line(0.0)] == [14_000, 4_000]
    assert meter.count_line(59.9) == []
    assert sum(item.micro_usd for item in meter.count_line(60.5)) == 18_000
    assert sum(item.micro_usd for item in meter.settle_line(58)) == -18_000
    assert meter.total == 18_000


def test_the_cap_counts_the_minute_that_would_begin() -> None:
    meter = Meter(PRICES, 30_000)
    meter.count_line(0.0)
    assert meter.line_fits(59.0)
    assert not meter.line_fits(61.0)
    assert meter.next_response_fits()
    meter.count_response("response", Usage(audio_out=200))
    assert not meter.next_response_fits()


def test_a_guess_marks_the_bill() -> None:
    meter = Meter(PRICES, None)
    (item,) = meter.count_response("response", Usage(audio_out=10, estimated=True))
    assert item.estimated
    assert meter.estimated


def test_parking_saves_the_holds_and_nothing_else() -> None:
    meter = Meter(PRICES, None)
    meter.count_response("response", Usage(text_in=1000, audio_in=400, audio_out=200))
    meter.note_hold(1, 900.0)
    meter.note_hold(1, 1800.0)
    held = naive_hold(FLAGSHIP, 1800.0, 1000.0, 600.0)
    assert meter.without_parking == meter.total + held


def test_an_included_transcription_costs_nothing_and_a_session_counts_only_where_time_is_billed() -> None:
    by_time = Prices(model=TimePrice(rate=0.06), transcription=None, carrier={"line": MinutePrice(rate=0.01)})
    meter = Meter(by_time, None)
    assert meter.count_transcript(Usage(seconds=10.0)) == []
    assert [item.micro_usd for item in meter.count_session(30.0)] == [30_000]
    assert Meter(PRICES, None).count_session(30.0) == []
    assert least_cap(by_time) == 10_000 + 60_000


def test_another_engine_changes_the_price_of_what_follows() -> None:
    meter = Meter(PRICES, None)
    meter.switch(Prices(model=MINI, transcription=None, carrier={}))
    (item,) = meter.count_response("response", Usage(audio_out=1000))
    assert item.micro_usd == 20_000
    assert sum(item.micro_usd for item in meter.count_line(0.0)) == 18_000
