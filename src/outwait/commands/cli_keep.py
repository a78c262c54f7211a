"""The commands about what is kept: calls, people, API keys, numbers that are not called.

Like `cli`, this imports what a command needs when it runs.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from outwait.errors import OutwaitError

_HELP = {"help_option_names": ["-h", "--help"]}
key = typer.Typer(help="API keys, each with limits of its own.", no_args_is_help=True, context_settings=_HELP)
dnc = typer.Typer(help="Numbers that are not called.", no_args_is_help=True, context_settings=_HELP)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many it would be.")]


def prune(
    older_than: Annotated[
        str | None, typer.Option(help="Delete calls older than this, like 90d; default: OUTWAIT_KEEP_CALLS.")
    ] = None,
    transcripts: Annotated[
        str | None,
        typer.Option(
            help="Delete what was said in calls older than this, like 30d; default: OUTWAIT_KEEP_TRANSCRIPTS."
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Delete old calls, or what was said in them. Calls that run are left alone."""
    from outwait.commands import keep

    given = {name: _days(name, text) for name, text in (("older-than", older_than), ("transcripts", transcripts))}
    _say(keep.prune(given["older-than"], given["transcripts"], dry=dry_run))


def forget(
    number: Annotated[str, typer.Argument(help="Whose calls to delete, like +12025550143.")],
) -> None:
    """Delete every call to a number, with all that is kept of it."""
    from outwait.commands import keep

    _say(keep.forget(number))


def number(
    number: Annotated[str, typer.Argument(help="Which, like +12025550143.")],
) -> None:
    """What earlier calls have learned of a number: menus, usual hold, best time to call."""
    from outwait.commands import keep

    _say(keep.known(number))


@key.command("add")
def key_add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    calls_at_once: Annotated[int | None, typer.Option(help="Calls that it may have running.", min=0)] = None,
    calls_per_day: Annotated[int | None, typer.Option(help="Calls that it may place in 24 hours.", min=0)] = None,
    usd_per_day: Annotated[
        float | None,
        typer.Option(help="Dollars that it may spend in 24 hours; each call must say max_cost_usd.", min=0),
    ] = None,
    countries: Annotated[
        str | None, typer.Option(help="Where it may call, like US,CA; default: wherever the server may.")
    ] = None,
) -> None:
    """Make a key, and print it: this once, for only its hash is kept."""
    from outwait.commands import keep

    limits = keep.limits(calls_at_once, calls_per_day, usd_per_day, countries)
    _say([keep.add_key(name, limits)])


@key.command("list")
def key_list() -> None:
    """Show all keys by name, with their limits; never the keys."""
    from outwait.commands import keep

    _say(keep.list_keys())


@key.command("revoke")
def key_revoke(name: Annotated[str, typer.Argument(help="Its name.")]) -> None:
    """From now on the key opens nothing."""
    from outwait.commands import keep

    _say(keep.revoke_key(name))


@dnc.command("add")
def dnc_add(
    numbers: Annotated[list[str], typer.Argument(help="Numbers, like +12025550143.")],
    note: Annotated[str, typer.Option(help="Why, or who asked.")] = "",
) -> None:
    """Calls to these numbers are refused from now on."""
    from outwait.commands import keep

    _say(keep.dnc_add(numbers, note))


@dnc.command("remove")
def dnc_remove(numbers: Annotated[list[str], typer.Argument(help="Numbers, like +12025550143.")]) -> None:
    """These numbers may be called again."""
    from outwait.commands import keep

    _say(keep.dnc_remove(numbers))


@dnc.command("list")
def dnc_list() -> None:
    """Show all numbers that are not called."""
    from outwait.commands import keep

    _say(keep.dnc_list())


def _days(name: str, text: str | None) -> float | None:
    """Seconds."""
    if text is None:
        return None
    from outwait.config import read_days

    try:
        return read_days(text).total_seconds()
    except ValueError as error:
        raise OutwaitError(f"--{name} {error}", usage=True) from error


def _say(lines: list[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
