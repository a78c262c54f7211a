"""What the commands about keeping do, against the configured database. Each gives the lines to print."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, tzinfo
from typing import TypeVar

import msgspec

from outwait.call.known import Known
from outwait.call.usual import usual
from outwait.config import Settings
from outwait.errors import OutwaitError
from outwait.house.recording import Recordings
from outwait.rules.hours import NoZone, zones_of
from outwait.rules.numbers import NumberRefused, e164
from outwait.store.base import Limits, StoreError
from outwait.store.book import Book, Taken
from outwait.store.sql import SqlStore

_T = TypeVar("_T")


def prune(calls_older: float | None, words_older: float | None, *, dry: bool) -> list[str]:
    """Ages in seconds; None: what the settings say."""
    settings = Settings.load()
    if calls_older is None and words_older is None:
        calls_older = None if settings.keep_calls is None else settings.keep_calls.total_seconds()
        words_older = None if settings.keep_transcripts is None else settings.keep_transcripts.total_seconds()
    if calls_older is None and words_older is None:
        message = (
            "say how old: --older-than 90d, --transcripts 30d, or set OUTWAIT_KEEP_CALLS or OUTWAIT_KEEP_TRANSCRIPTS"
        )
        raise OutwaitError(message, usage=True)
    now = time.time()

    async def work(book: Book) -> tuple[int, int]:
        before = (None if age is None else now - age for age in (calls_older, words_older))
        return await book.prune(*before, dry=dry)

    deleted, stripped = _with_book(settings, work)
    would = "would be " if dry else ""
    lines = [] if calls_older is None else [f"{_calls(deleted)} {would}deleted"]
    return lines + ([] if words_older is None else [f"what was said in {_calls(stripped)} {would}deleted"])


def forget(number: str) -> list[str]:
    """Raises OutwaitError when some of it can't be deleted yet."""
    wanted = _number(number)
    deleted, live = _with_book(Settings.load(), lambda book: book.forget(wanted))
    if live:
        raise OutwaitError(
            f"{_calls(deleted)} deleted; {_calls(live)} to this number still running: hang up and try again"
        )
    return [f"{_calls(deleted)} deleted"]


def known(number: str) -> list[str]:
    """What earlier calls have learned of a number."""
    wanted = _number(number)
    found = msgspec.json.decode(_with_store(Settings.load(), lambda store: store.number(wanted)) or b"{}", type=Known)
    if not found.calls:
        return ["nothing is known of this number"]
    lines = [f"{_calls(found.calls)} to this number" + (", answered by a machine" if found.by_machine else "")]
    lines += [f"menu {choice.menu!r}: {choice.keys or repr(choice.say)}" for choice in found.choices]
    if found.keep_say:
        lines.append(f"its queue is told {found.keep_say!r} to keep the place")
    if found.by_carrier:
        lines.append("keys are pressed the carrier's own way")
    there = _hour_of(wanted)
    told = usual(found.waits, there)
    if told is not None:
        lines.append(f"usual hold {_clock(told.seconds)}, longest {_clock(told.longest)}, of {told.waits}")
    if told is not None and told.best_hour is not None and told.best_seconds is not None:
        hours = f"{told.best_hour}:00 to {(told.best_hour + 1) % 24}:00"
        lines.append(f"best time to call {hours} there: usual hold {_clock(told.best_seconds)}")
    return lines


def limits(at_once: int | None, per_day: int | None, usd: float | None, countries: str | None) -> Limits:
    """From the flags. Raises OutwaitError."""
    letters = None
    if countries is not None:
        letters = tuple(part.strip().upper() for part in countries.split(",") if part.strip())
        if not letters or any(part != "*" and re.fullmatch("[A-Z]{2}", part) is None for part in letters):
            raise OutwaitError("--countries wants countries by their two letters, such as US,CA, or *", usage=True)
    return Limits(calls_at_once=at_once, calls_per_day=per_day, usd_per_day=usd, countries=letters)


def add_key(name: str, given: Limits) -> str:
    """The key."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name) is None:
        raise OutwaitError("a key's name is made of letters, digits, dots and dashes, 64 at most", usage=True)
    try:
        return _with_book(Settings.load(), lambda book: book.add_key(name, given, time.time()))
    except Taken as error:
        raise OutwaitError(
            f"there is a key {name} already; names are not used twice, not even those of revoked keys"
        ) from error


def list_keys() -> list[str]:
    """One a line."""
    lines = []
    for key in _with_book(Settings.load(), lambda book: book.keys()):
        state = "active" if key.revoked is None else f"revoked {_day(key.revoked)}"
        shown = [
            f"{value} {words}"
            for value, words in (
                (key.limits.calls_at_once, "calls at once"),
                (key.limits.calls_per_day, "calls a day"),
                (key.limits.usd_per_day, "USD a day"),
                (None if key.limits.countries is None else ",".join(key.limits.countries), "only"),
            )
            if value is not None
        ]
        lines.append(f"{key.name}\t{_day(key.created)}\t{state}\t{', '.join(shown) or 'no limits'}")
    return lines


def revoke_key(name: str) -> list[str]:
    """Raises OutwaitError for an unknown one."""
    if not _with_book(Settings.load(), lambda book: book.revoke_key(name, time.time())):
        raise OutwaitError(f"there is no active key {name}")
    return [f"{name} revoked"]


def dnc_add(numbers: list[str], note: str) -> list[str]:
    """All or none: a wrong number stops it before the first is added."""
    wanted = [_number(number) for number in numbers]

    async def work(book: Book) -> list[str]:
        return [
            f"{number} {'added' if await book.do_not_call(number, note, time.time()) else 'was on the list'}"
            for number in wanted
        ]

    return _with_book(Settings.load(), work)


def dnc_remove(numbers: list[str]) -> list[str]:
    """Raises OutwaitError when none of them was on the list."""
    wanted = [_number(number) for number in numbers]

    async def work(book: Book) -> list[tuple[str, bool]]:
        return [(number, await book.may_call_again(number)) for number in wanted]

    done = _with_book(Settings.load(), work)
    if not any(removed for _, removed in done):
        raise OutwaitError("not on the list")
    return [f"{number} {'removed' if removed else 'was not on the list'}" for number, removed in done]


def dnc_list() -> list[str]:
    """One a line."""
    listed = _with_book(Settings.load(), lambda book: book.do_not_call_list())
    return [f"{number}\t{_day(added)}\t{note}".rstrip() for number, added, note in listed]


def _hour_of(number: str) -> Callable[[float], int]:
    """The hour of day where the number rings; of UTC when it does not say where that is."""
    try:
        there: tzinfo = zones_of(number)[0]
    except NoZone:
        there = UTC
    return lambda at: datetime.fromtimestamp(at, there).hour


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _with_book(settings: Settings, work: Callable[[Book], Awaitable[_T]]) -> _T:
    return _with_store(settings, lambda store: work(Book(store, _delete_recordings(settings))))


def _with_store(settings: Settings, work: Callable[[SqlStore], Awaitable[_T]]) -> _T:
    async def run() -> _T:
        store = await SqlStore.open(settings.database_url.get_secret_value())
        try:
            return await work(store)
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except StoreError as error:
        raise OutwaitError(str(error)) from error


def _delete_recordings(settings: Settings) -> Callable[[Collection[str]], None]:
    if settings.recordings is None:
        return lambda call_ids: None
    return Recordings(settings.recordings.expanduser(), 0).delete


def _number(text: str) -> str:
    try:
        return e164(text)
    except NumberRefused as error:
        raise OutwaitError(f"{text}: {error}", usage=True) from error


def _calls(count: int) -> str:
    return f"{count} call{'' if count == 1 else 's'}"


def _day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"
