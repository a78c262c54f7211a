"""The commands about what is kept, as a user types them."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from outwait.call.known import Choice, Known, Wait
from outwait.call.usual import usual
from outwait.cli import main
from outwait.store.base import CallRow
from outwait.store.book import Book
from outwait.store.sql import SqlStore
from tests.sample_call import sample_call

Run = Callable[..., tuple[int, str, str]]
TO = str(sample_call()["to"])


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """(status, stdout, stderr) of a command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/calls.db")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["outwait", *words])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return int(end.value.code or 0), said.out, said.err

    return run


def kept(tmp_path: Path, *, live: bool = False) -> None:
    """An old call is in the database."""

    async def create() -> None:
        store = await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
        await store.create(CallRow("c1", 0.0, b'{"task": "t"}', sample_call(), None, live, 1))
        await store.close()

    asyncio.run(create())


def test_a_key_is_made_shown_and_revoked(run: Run, tmp_path: Path) -> None:
    status, key, _ = run("key", "add", "shop", "--usd-per-day", "5", "--countries", "us,ca", "--calls-at-once", "2")
    assert status == 0

    async def found() -> object:
        store = await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
        found = await Book(store).key_of(key.strip())
        await store.close()
        return found

    assert asyncio.run(found()) is not None
    status, listed, _ = run("key", "list")
    assert "shop" in listed
    assert "2 calls at once, 5.0 USD a day, US,CA only" in listed
    assert key.strip() not in listed
    assert run("key", "revoke", "shop")[0] == 0
    assert asyncio.run(found()) is None
    assert "revoked" in run("key", "list")[1]
    assert run("key", "revoke", "shop")[0] == 1
    assert run("key", "add", "shop")[0] == 1


@pytest.mark.parametrize("words", [["add", "a b"], ["add", "x", "--countries", "Germany"], ["add"], ["revoke"]])
def test_a_key_wants_a_name_and_limits_that_make_sense(run: Run, words: list[str]) -> None:
    assert run("key", *words)[0] == 2


def test_numbers_go_on_the_list_and_off_it(run: Run) -> None:
    assert run("dnc", "add", "+1 (202) 555-0143", "+442079460000", "--note", "asked us")[0] == 0
    assert "was on the list" in run("dnc", "add", "+12025550143")[1]
    _, listed, _ = run("dnc", "list")
    assert [line.split("\t")[0] for line in listed.splitlines()] == ["+12025550143", "+442079460000"]
    assert "asked us" in listed
    assert run("dnc", "remove", "+12025550143")[0] == 0
    assert run("dnc", "remove", "+12025550143")[0] == 1
    assert run("dnc", "add", "+12025550143", "nonsense")[0] == 2
    assert "+12025550143" not in run("dnc", "list")[1]


def test_old_calls_are_pruned(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path)
    assert run("prune")[0] == 2
    assert run("prune", "--older-than", "soon")[0] == 2
    assert run("prune", "--transcripts", "30d", "--dry-run")[1] == "what was said in 1 call would be deleted\n"
    assert run("prune", "--transcripts", "30d")[1] == "what was said in 1 call deleted\n"
    monkeypatch.setenv("OUTWAIT_KEEP_CALLS", "90d")
    assert run("prune", "--dry-run")[1] == "1 call would be deleted\n"
    assert run("prune")[1] == "1 call deleted\n"
    assert run("prune")[1] == "0 calls deleted\n"


def test_a_person_is_forgotten(run: Run, tmp_path: Path) -> None:
    kept(tmp_path)
    assert run("forget", "+442079460000")[1] == "0 calls deleted\n"
    assert run("forget", TO)[1] == "1 call deleted\n"
    assert run("forget", "me")[0] == 2


def test_a_person_who_is_on_the_line_is_not_forgotten_yet(run: Run, tmp_path: Path) -> None:
    kept(tmp_path, live=True)
    status, _, said = run("forget", TO)
    assert status == 1
    assert "1 call to this number still running" in said


def test_a_database_that_is_not_there_is_one_clear_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////proc/nothing/calls.db")
    for words in (["key", "list"], ["dnc", "list"], ["forget", TO], ["prune", "--older-than", "1d"]):
        status, out, err = run(*words)
        assert (status, out, len(err.splitlines())) == (1, "", 1)


def test_what_is_known_of_a_number_is_shown(run: Run, tmp_path: Path) -> None:
    assert run("number", TO)[1] == "nothing is known of this number\n"
    day = 1_795_000_000.0 // 86400 * 86400
    hours = {9: (600.0, 660.0), 14: (120.0, 180.0, 60.0), 16: (30.0,)}  # UTC
    waits = tuple(Wait(day + 3600 * hour, wait) for hour, found in hours.items() for wait in found)
    known = Known(choices=(Choice("2: parcels", "g1", "2"),), by_machine=True, keep_say="Yes.", waits=waits, calls=6)

    async def keep() -> None:
        store = await SqlStore.open(f"sqlite:///{tmp_path}/calls.db")
        await store.keep_number(TO, msgspec.json.encode(known), day)
        await store.close()

    asyncio.run(keep())
    lines = run("number", TO)[1].splitlines()
    assert lines[0] == "6 calls to this number, answered by a machine"
    assert lines[1] == "menu '2: parcels': 2"
    assert lines[2] == "its queue is told 'Yes.' to keep the place"
    assert lines[3] == "usual hold 2:30, longest 11:00, of 6"
    assert re.fullmatch(r"best time to call \d+:00 to \d+:00 there: usual hold 2:00", lines[4])


def test_one_wait_says_nothing_about_the_time_of_day() -> None:
    assert usual([], lambda at: 9) is None
    told = usual([Wait(0.0, 60.0), Wait(1.0, 90.0)], lambda at: 9)
    assert told is not None
    assert (told.seconds, told.longest, told.best_hour) == (75.0, 90.0, None)
