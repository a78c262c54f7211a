"""Calling hours, by the clock of whoever is called."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outwait.rules.hours import Hours, NoZone, zone, zones_of

DAY = Hours.read("08:00-21:00")
NEW_YORK, LOS_ANGELES, TOKYO = (ZoneInfo(name) for name in ("America/New_York", "America/Los_Angeles", "Asia/Tokyo"))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        ("2026-11-23T13:00", "2026-11-23T13:00"),  # 8:00 in New York
        ("2026-11-23T12:59", "2026-11-23T13:00"),
        ("2026-11-24T01:59", "2026-11-24T01:59"),  # 20:59
        ("2026-11-24T02:00", "2026-11-24T13:00"),  # 21:00: tomorrow
        ("2026-03-08T05:00", "2026-03-08T12:00"),  # the night in which the clocks go forward
        ("2026-11-01T05:00", "2026-11-01T13:00"),  # and back
    ],
)
def test_says_when_a_call_is_allowed(now: str, allowed: str) -> None:
    assert DAY.next_allowed(utc(now), (NEW_YORK,)) == utc(allowed)


def test_the_strictest_zone_counts() -> None:
    both = (NEW_YORK, LOS_ANGELES)
    assert DAY.next_allowed(utc("2026-11-23T13:00"), both) == utc("2026-11-23T16:00")  # 8:00 in Los Angeles
    assert DAY.next_allowed(utc("2026-11-24T02:30"), both) == utc("2026-11-24T16:00")  # 21:30 in New York


def test_hours_that_never_meet() -> None:
    assert Hours.read("12:00-13:00").next_allowed(utc("2026-11-23T13:00"), (NEW_YORK, TOKYO)) is None


def test_until_midnight() -> None:
    for text in ("20:00-24:00", "20:00-00:00"):
        late = Hours.read(text)
        assert late.next_allowed(utc("2026-11-24T04:59"), (NEW_YORK,)) == utc("2026-11-24T04:59")
        assert late.next_allowed(utc("2026-11-24T05:00"), (NEW_YORK,)) == utc("2026-11-25T01:00")


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1)),  # noqa: DTZ001  made aware below
    st.lists(st.sampled_from([NEW_YORK, LOS_ANGELES, ZoneInfo("Europe/Berlin")]), min_size=1),
)
def test_what_is_allowed_is_within_the_hours_of_all(now: datetime, zones: list[ZoneInfo]) -> None:
    aware = now.replace(tzinfo=UTC)
    allowed = DAY.next_allowed(aware, tuple(zones))
    assert allowed is not None
    assert allowed >= aware
    for there in (allowed.astimezone(one) for one in zones):
        assert DAY.start <= there.time() < DAY.end


@pytest.mark.parametrize("text", ["", "8-21", "08:00", "21:00-08:00", "08:00-08:00", "25:00-26:00", "08:00-24:30"])
def test_refuses_other_forms(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        Hours.read(text)


def test_a_number_says_where_it_rings() -> None:
    assert zones_of("+12025550143") == (NEW_YORK,)
    assert len(zones_of("+18005550100")) > 10
    assert zones_of("+18005550100", "America/New_York") == (NEW_YORK,)
    with pytest.raises(NoZone, match="time_zone"):
        zones_of("+15551234567")


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "America", "/etc/passwd", "a\0b", "x" * 300])
def test_there_is_no_such_zone(name: str) -> None:
    with pytest.raises(NoZone):
        zone(name)
