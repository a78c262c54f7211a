"""The meter, against figures worked out by hand or published with the formula."""

from __future__ import annotations

import msgspec
import pytest

from outwait.call.cost import (
    CascadePrice,
    CharacterPrice,
    Item,
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
    assert meter.line_fits((1, 59.0))
    assert not meter.line_fits((1, 61.0))
    assert meter.next_response_fits()
    meter.count_response("response", Usage(audio_out=200))
    assert not meter.next_response_fits()


def test_a_guess_marks_the_bill() -> None:
    meter = Meter(PRICES, None)
    (item,) = meter.count_response("response", Usage(audio_out=10, estimated=True))
    assert item.estimated
    assert meter.estimated


def test_what_costs_nothing_needs_no_guess() -> None:
    free = Prices(model=PRICES.model, transcription=TimePrice(rate=0.0), carrier={})
    meter = Meter(free, None)
    (item,) = meter.count_transcript(Usage(seconds=3.4, estimated=True))
    assert (item.micro_usd, item.estimated, meter.estimated) == (0, False, False)


def test_parking_saves_the_holds_and_nothing_else() -> None:
    meter = Meter(PRICES, None)
    meter.count_response("response", Usage(text_in=1000, audio_in=400, audio_out=200))
    meter.note_hold(1, 900.0)
    meter.note_hold(1, 1800.0)
    held = naive_hold(FLAGSHIP, 1800.0, 1000.0, 600.0)
    assert meter.without_parking == meter.total + held


BY_TIME = Prices(model=TimePrice(rate=0.06), transcription=None, carrier={"line": MinutePrice(rate=0.01)})


def charged(items: list[Item]) -> int:
    return sum(item.micro_usd for item in items)


def test_an_included_transcription_costs_nothing() -> None:
    assert Meter(BY_TIME, None).count_transcript(Usage(seconds=10.0)) == []
    assert least_cap(BY_TIME) == 10_000 + 60_000


def test_seconds_of_a_session_are_totals_and_the_largest_counts() -> None:
    meter = Meter(BY_TIME, None)
    assert [(i.what, i.units, i.micro_usd) for i in meter.count_session(1, 30.0)] == [("session", "seconds", 30_000)]
    assert meter.count_session(1, 30.0) == [], "told twice"
    assert charged(meter.count_session(1, 42.0)) == 12_000
    assert meter.count_session(1, 7.0) == [], "late"
    assert charged(meter.count_session(2, 7.0)) == 7_000, "another session has a total of its own"
    assert meter.model == 49_000
    assert not meter.estimated
    meter.count_session(2, 8.0, estimated=True)
    assert meter.estimated


def test_a_session_counts_only_where_time_is_billed() -> None:
    meter = Meter(PRICES, 18_001)
    assert meter.count_session(1, 30.0) == []
    meter.session_runs(1, 3600.0)
    assert meter.next_response_fits()
    assert meter.without_parking == 0


def test_tokens_count_only_where_a_text_model_stands_behind() -> None:
    usage = Usage(text_in=1000, text_out=100)
    assert Meter(BY_TIME, None).count_response("response", usage) == []
    behind = Meter(msgspec.structs.replace(BY_TIME, backend=CHAT), None)
    (item,) = behind.count_response("response", usage)
    assert (item.what, item.units, item.quantity) == ("backend", "tokens", 1100)
    assert item.micro_usd == priced(usage, CHAT)


def test_the_cap_knows_what_the_engine_has_not_told_yet() -> None:
    meter = Meter(BY_TIME, 50_000)
    meter.count_line(0.0)
    meter.session_runs(1, 39.0)
    assert meter.next_response_fits()
    assert meter.line_fits((1, 59.0))
    assert not meter.line_fits((1, 61.0)), "there would be no second minute of the line"
    meter.session_runs(1, 40.0)
    assert not meter.next_response_fits()
    assert meter.total == 10_000, "it is owed, and charged when the engine tells"
    meter.session_over()
    meter.count_session(1, 38.0)
    assert meter.next_response_fits(), "the engine's word counts"


def test_without_parking_a_session_is_billed_for_the_whole_hold_but_not_twice() -> None:
    meter = Meter(BY_TIME, None)
    meter.count_session(1, 20.0)
    meter.note_hold(1, 1.0)
    meter.count_session(1, 22.0)  # it finished its sentence
    meter.note_hold(1, 100.0)
    assert meter.without_parking == 22_000 + 98_000
    meter.session_runs(2, 10.0)  # somebody seems to be back, and is not
    meter.note_hold(1, 110.0)
    meter.count_session(2, 10.0)
    meter.session_over()
    meter.note_hold(1, 120.0)
    assert meter.without_parking == 20_000 + 120_000
    meter.count_session(3, 60.0)  # the person is back
    meter.note_hold(2, 30.0)
    assert meter.without_parking == 80_000 + 150_000


def test_another_engine_changes_the_price_of_what_follows() -> None:
    meter = Meter(PRICES, None)
    meter.switch(Prices(model=MINI, transcription=None, carrier={}))
    (item,) = meter.count_response("response", Usage(audio_out=1000))
    assert item.micro_usd == 20_000
    assert sum(item.micro_usd for item in meter.count_line(0.0)) == 18_000


CHAT = TokenPrice(text_in=0.75, text_cached=0.075, text_out=4.5, audio_in=0.0, audio_cached=0.0, audio_out=0.0)
CASCADE = Prices(
    model=CascadePrice(text=CHAT, speech=CharacterPrice(rate=15e-6)), transcription=TimePrice(rate=0.0045), carrier={}
)
ANSWER = Usage(text_in=1000, text_cached=800, text_out=40, characters=120, audio_out=160)


def test_each_part_of_a_cascade_has_its_line() -> None:
    meter = Meter(CASCADE, None)
    words, voice = meter.count_response("response", ANSWER)
    # (200 x 0.75 + 800 x 0.075 + 40 x 4.5) / 1e6, and 120 characters at 15 a million
    assert (words.units, words.quantity, words.micro_usd) == ("tokens", 1040, 390)
    assert (voice.units, voice.quantity, voice.micro_usd) == ("characters", 120, 1800)
    (heard,) = meter.count_transcript(Usage(seconds=4.0))
    assert (heard.units, heard.micro_usd) == ("seconds", 300)
    assert meter.total == 390 + 1800 + 300
    assert priced(ANSWER, CASCADE.model) == 390 + 1800


def test_a_voice_may_be_priced_by_its_length() -> None:
    by_time = CascadePrice(text=CHAT, speech=TimePrice(rate=0.015))
    assert priced(ANSWER, by_time) == 390 + 2000  # 160 tokens are 8 s
    (phrase,) = Meter(Prices(model=by_time, transcription=None, carrier={}), None).count_phrase(Usage(audio_out=40))
    assert (phrase.units, phrase.quantity, phrase.micro_usd) == ("seconds", 2.0, 500)


def test_parts_that_were_not_used_have_no_line() -> None:
    assert Meter(CASCADE, None).count_response("response", Usage(audio_out=20)) == []
    (item,) = Meter(CASCADE, None).count_phrase(Usage(characters=30, audio_out=40))
    assert item.units == "characters"


def test_a_hold_with_a_cascade_left_open() -> None:
    """60 replies: what is heard is written down, the context comes from the cache, a reply is spoken."""
    by_hand = 0
    for reply in range(60):
        text, before = 1000 + 15 * reply, 1000 + 15 * (reply - 1) if reply else 0
        cached = 0.9 * before
        by_hand += round((text - cached) * 0.75 + cached * 0.075 + 15 * 4.5) + 45 * 15 + 18 * 75
    assert naive_hold(CASCADE.model, 1800.0, 1000.0, 0.0, CASCADE.transcription) == by_hand
    meter = Meter(CASCADE, None)
    meter.count_response("response", Usage(text_in=970, text_out=30))
    meter.note_hold(1, 1800.0)
    assert meter.without_parking - meter.total == by_hand


def test_the_least_cap_of_a_cascade_pays_its_parts() -> None:
    assert least_cap(CASCADE) == priced(Usage(text_in=1200, text_out=60, characters=150), CASCADE.model) > 0


def test_prices_of_a_cascade_can_be_kept_with_the_call() -> None:
    assert msgspec.json.decode(msgspec.json.encode(CASCADE), type=Prices) == CASCADE
