"""Calling hours, by the clock of the person who is called. Pure: the moment is passed in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import NumberParseException

_FORM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*(([01]\d|2[0-3]):([0-5]\d)|24:00)")
_DAYS_AHEAD = 3  # within which every zone has had its hours; beyond that they never meet


class NoZone(Exception):
    """It can't be told what time it is where the number rings."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` until `end` of every day; an `end` of 00:00 is midnight."""

    start: time
    end: time

    @classmethod
    def read(cls, text: str) -> Hours:
        """From a form like `08:00-21:00`. Raises ValueError."""
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise ValueError("must look like 08:00-21:00")
        start = time(int(found[1]), int(found[2]))
        end = time(0) if found[3] == "24:00" else time(int(found[4]), int(found[5]))
        if end <= start and end != time(0):
            raise ValueError("must begin before they end")
        return cls(start, end)

    def next_allowed(self, now: datetime, zones: tuple[ZoneInfo, ...]) -> datetime | None:
        """`now` itself when it is within the hours of every zone, else the next moment that is; None: there is none."""
        moment = now.astimezone(UTC)
        latest = moment + timedelta(days=_DAYS_AHEAD)
        while moment < latest:
            later = max(self._not_before(moment, zone) for zone in zones)
            if later == moment:
                return moment
            moment = later
        return None

    def _not_before(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The moment itself if it is within the hours of this zone, else when they begin next."""
        there = moment.astimezone(zone)
        begins = datetime.combine(there.date(), self.start, zone)
        if there.time() < self.start:
            return begins.astimezone(UTC)
        if self.end == time(0) or there.time() < self.end:
            return moment
        return datetime.combine(there.date() + timedelta(days=1), self.start, zone).astimezone(UTC)


def zones_of(number: str, given: str | None = None) -> tuple[ZoneInfo, ...]:
    """Every zone in which a number (E.164) may ring, or the one that the caller knows it to be in. Raises NoZone."""
    if given is not None:
        return (zone(given),)
    from phonenumbers import timezone  # a table of some size, for whoever wants it

    try:
        names = timezone.time_zones_for_number(phonenumbers.parse(number, None))
    except NumberParseException:
        names = ()
    names = tuple(name for name in names if name != timezone.UNKNOWN_TIMEZONE)
    if not names:
        raise NoZone("the number does not say in which time zone it rings; give `time_zone`")
    return tuple(zone(name) for name in names)


def zone(name: str) -> ZoneInfo:
    """By its name in the time zone database, such as Europe/Berlin. Raises NoZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder
        raise NoZone(f"there is no time zone {name!r} here") from error
