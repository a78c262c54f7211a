"""Which calls may be placed: where to, to whom, when, how many, and for how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from outwait.house.desk import CallRequest, Refused
from outwait.rules.hours import Hours, NoZone, zones_of
from outwait.rules.numbers import country, is_in, masked
from outwait.store.base import Limits, Quota

EVERYWHERE = "*"


class DoNotCall(Protocol):
    """A list of numbers that do not want to be called."""

    async def not_called(self, number: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """The server's own; a key's come on top of them."""

    own_number: str | None = None
    # E.164; calls to it keep no hours
    countries: tuple[str, ...] | None = None
    # ISO 3166 letters, or "*"; None: those of the numbers that call
    hours: Hours | None = None
    # of the day at which people are called; None: at any
    calls_to_number: int | None = None
    # in 24 hours; None: as many as you like


class Guardian:
    """A `Guard`."""

    def __init__(self, rules: Rules, do_not_call: DoNotCall, wall: Callable[[], float]) -> None:
        self._rules = rules
        self._do_not_call = do_not_call
        self._wall = wall

    async def check(self, request: CallRequest) -> Quota:
        """What still has to be true when the call is stored. Raises Refused."""
        limits = request.key.limits if request.key is not None else Limits()
        self._check_country(request.to, request.from_, limits.countries)
        if await self._do_not_call.not_called(request.to):
            raise Refused("do_not_call", "this number is on the do-not-call list", field="to")
        self._check_hours(request)
        if limits.usd_per_day is not None and request.max_cost_usd is None:
            message = "this key has a limit of spend a day, so each of its calls must say max_cost_usd"
            raise Refused("missing_field", message, field="max_cost_usd")
        return Quota(
            live=limits.calls_at_once,
            calls=limits.calls_per_day,
            usd=limits.usd_per_day,
            to_number=None if request.to == self._rules.own_number else self._rules.calls_to_number,
        )

    async def check_other(self, number: str, from_: str, countries: tuple[str, ...] | None, field: str) -> None:
        """Without hours and counts: whoever takes a call over has asked for it."""
        self._check_country(number, from_, countries, field)
        if await self._do_not_call.not_called(number):
            raise Refused("do_not_call", "this number is on the do-not-call list", field=field)

    def _check_country(self, to: str, from_: str, key: tuple[str, ...] | None, field: str = "to") -> None:
        """The server's countries, and of these the key's."""
        there = country(to)
        ours = self._rules.countries
        if ours is None:
            own = (self._rules.own_number, from_) if self._rules.own_number is None else (self._rules.own_number,)
            ours = tuple(found for number in own if number is not None and (found := country(number)) is not None)
        for allowed in (ours, key):
            if allowed is not None and EVERYWHERE not in allowed and not is_in(to, allowed):
                where = f"calls to {there or 'numbers of no country'} are not allowed"
                raise Refused("country_not_allowed", f"{where}; allowed: {', '.join(allowed) or 'none'}", field=field)

    def _check_hours(self, request: CallRequest) -> None:
        hours = self._rules.hours
        if hours is None or request.to == self._rules.own_number:
            return
        try:
            zones = zones_of(request.to, request.time_zone)
        except NoZone as error:
            field = "to" if request.time_zone is None else "time_zone"
            raise Refused("unknown_time_zone", str(error), field=field) from error
        now = datetime.fromtimestamp(self._wall(), UTC)
        allowed = hours.next_allowed(now, zones)
        if allowed == now:
            return
        between = f"{hours.start:%H:%M} and {hours.end:%H:%M} where they ring"
        if allowed is None:
            message = (
                f"numbers are called between {between}, and this one may ring in zones whose hours never meet; "
                "give `time_zone`"
            )
            raise Refused("calling_hours", message, field="to")
        when = f"{allowed:%Y-%m-%dT%H:%M:%SZ}"
        message = f"numbers like {masked(request.to)} are called between {between}; next allowed at {when}"
        raise Refused("calling_hours", message, field="to")
