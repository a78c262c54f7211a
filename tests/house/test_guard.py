"""Which calls may be placed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from outwait.house.desk import CallRequest, Refused
from outwait.house.guard import Guardian, Rules
from outwait.rules.hours import Hours
from outwait.rules.numbers import NumberRefused, dialable
from outwait.store.base import ApiKey, Limits, Quota

OWN, US, CA, GB = "+12025550199", "+12025550143", "+14165550143", "+442079460000"
NIGHT = datetime(2026, 11, 23, 3, tzinfo=UTC)  # 22:00 in New York
HOURS = Hours.read("08:00-21:00")


class NotCalled:
    """A do-not-call list."""

    def __init__(self, *numbers: str) -> None:
        self._numbers = numbers

    async def not_called(self, number: str) -> bool:
        return number in self._numbers


async def check(
    to: str = US, rules: Rules | None = None, *listed: str, limits: Limits | None = None, **wish: Any
) -> Quota:
    key = None if limits is None else ApiKey("key_1", "shop", 0.0, None, limits)
    request = CallRequest(to=to, from_=wish.pop("from_", OWN), task="t", key=key, **wish)
    guardian = Guardian(rules or Rules(own_number=OWN), NotCalled(*listed), lambda: NIGHT.timestamp())
    return await guardian.check(request)


async def refused(*given: Any, **wish: Any) -> Refused:
    with pytest.raises(Refused) as refusal:
        await check(*given, **wish)
    return refusal.value


async def test_by_default_calls_stay_in_the_country_of_the_own_number() -> None:
    assert await check(US) == Quota()
    assert await check("+18005550100") == Quota()
    for to in (GB, CA, "+18765550143", "+80012345678"):  # the last ones: Jamaica, and a country of its own
        assert (await refused(to)).code == "country_not_allowed"
    assert (await refused(GB, from_=GB)).code == "country_not_allowed"
    assert await check("+18005550100", Rules(own_number=CA)) == Quota()


async def test_without_an_own_number_the_calling_ones_country_counts() -> None:
    assert await check(GB, Rules(), from_=GB) == Quota()
    assert (await refused(US, Rules(), from_=GB)).code == "country_not_allowed"


async def test_countries_can_be_named() -> None:
    assert await check(GB, Rules(own_number=OWN, countries=("GB",))) == Quota()
    assert (await refused(US, Rules(own_number=OWN, countries=("GB",)))).field == "to"
    assert await check(GB, Rules(own_number=OWN, countries=("*",))) == Quota()


async def test_a_key_narrows_the_servers_countries_and_never_widens_them() -> None:
    rules = Rules(own_number=OWN, countries=("US", "GB"))
    assert await check(GB, rules, limits=Limits(countries=("GB",))) == Quota()
    assert (await refused(US, rules, limits=Limits(countries=("GB",)))).code == "country_not_allowed"
    assert (await refused(CA, rules, limits=Limits(countries=("*",)))).code == "country_not_allowed"


async def test_a_number_on_the_list_is_not_called() -> None:
    assert (await refused(US, None, US)).code == "do_not_call"
    assert await check(US, None, OWN) == Quota()


async def test_nobody_is_called_at_night() -> None:
    rules = Rules(own_number=OWN, hours=HOURS)
    late = await refused(US, rules)
    assert late.code == "calling_hours"
    assert "next allowed at 2026-11-23T13:00:00Z" in late.message
    assert US not in late.message
    assert await check(US, Rules(own_number=OWN)) == Quota()


async def test_one_may_call_oneself_at_any_hour() -> None:
    assert await check(OWN, Rules(own_number=OWN, hours=HOURS, calls_to_number=1)) == Quota()


async def test_the_strictest_zone_counts_unless_the_caller_knows() -> None:
    rules = Rules(own_number=OWN, hours=HOURS)
    assert (await refused("+18005550100", rules)).code == "calling_hours"
    assert await check("+18005550100", rules, time_zone="America/Los_Angeles") == Quota()
    assert (await refused("+18005550100", rules, time_zone="Mars/Olympus")).field == "time_zone"
    assert (await refused("+15551234567", rules)).code == "unknown_time_zone"


async def test_a_key_brings_its_quota() -> None:
    limits = Limits(calls_at_once=1, calls_per_day=2, usd_per_day=3.0)
    quota = await check(US, Rules(own_number=OWN, calls_to_number=4), limits=limits, max_cost_usd=1.0)
    assert quota == Quota(live=1, calls=2, usd=3.0, to_number=4)


async def test_a_key_with_a_limit_of_spend_caps_each_call() -> None:
    uncapped = await refused(US, limits=Limits(usd_per_day=3.0))
    assert (uncapped.code, uncapped.field) == ("missing_field", "max_cost_usd")


@pytest.mark.parametrize("number", ["+870773123456", "+881612345678", "+8821612345678", "+883510012345678"])
def test_satellites_are_not_dialled(number: str) -> None:
    with pytest.raises(NumberRefused) as no:
        dialable(number, OWN)
    assert no.value.code == "satellite_number"


@pytest.mark.parametrize("number", ["+447012345678", "+979123456789"])
def test_dear_numbers_are_not_dialled(number: str) -> None:
    with pytest.raises(NumberRefused) as no:
        dialable(number, OWN)
    assert no.value.code == "premium_number"


@pytest.mark.parametrize(
    ("number", "countries", "code"),
    [(GB, None, "country_not_allowed"), (US, ("CA",), "country_not_allowed"), (CA, ("CA",), "country_not_allowed")],
)
async def test_whoever_takes_over_is_where_the_call_may_go(
    number: str, countries: tuple[str, ...] | None, code: str
) -> None:
    guardian = Guardian(Rules(own_number=OWN, hours=HOURS), NotCalled(), lambda: NIGHT.timestamp())
    await guardian.check_other(US, OWN, None, "human")  # whatever the hour: they have asked for it
    with pytest.raises(Refused) as refusal:
        await guardian.check_other(number, OWN, countries, "human")
    assert (refusal.value.code, refusal.value.field) == (code, "human")


async def test_whoever_does_not_want_to_be_called_takes_nothing_over() -> None:
    guardian = Guardian(Rules(own_number=OWN), NotCalled(US), lambda: NIGHT.timestamp())
    with pytest.raises(Refused) as refusal:
        await guardian.check_other(US, OWN, None, "to")
    assert refusal.value.code == "do_not_call"
