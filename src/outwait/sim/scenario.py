"""A scenario: what the world does on one call, as a small readable TOML file.

Every step is one inline table with the verb first: `{ say = "Hello?" }`, `{ hold = "25:00", sound = "moh" }`. The
verbs and their options are the dataclasses of `steps`; an unknown verb or option is an error that names it. `parts` are
further lists of steps, to which menus and `go` lead. docs/scenarios.md describes each key for people who write their
own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from outwait.sim.steps import VERBS
from outwait.sim.steps import Beep as Beep
from outwait.sim.steps import CallBack as CallBack
from outwait.sim.steps import Drop as Drop
from outwait.sim.steps import Go as Go
from outwait.sim.steps import HangUp as HangUp
from outwait.sim.steps import Hold as Hold
from outwait.sim.steps import Listen as Listen
from outwait.sim.steps import MenuOf as MenuOf
from outwait.sim.steps import Pause as Pause
from outwait.sim.steps import Press as Press
from outwait.sim.steps import Refuse as Refuse
from outwait.sim.steps import Ring as Ring
from outwait.sim.steps import Ringback as Ringback
from outwait.sim.steps import Say as Say
from outwait.sim.steps import Step as Step
from outwait.sim.steps import Wait as Wait

FAST = 0.0  # a pace: as fast as the other side takes it


class ScenarioError(Exception):
    """The file is not a scenario; the text says where and why."""


T = TypeVar("T")


@dataclass(frozen=True)
class Menu:
    """A recorded menu that takes keys, words, or both. A key pressed while it speaks ends the prompt.

    say
        the prompt
    keys
        the key, or several in a row, and the part it leads to; a dot stands for any digit
    words
        a word heard from the caller (its beginning is enough), and the part it leads to
    patience
        how long it waits after its prompt, seconds
    wrong
        what it says to a key or word that it does not know
    repeats
        how often it says its prompt again
    otherwise
        the part when nothing was chosen; "" = it hangs up
    """

    say: str
    by: str = "recorded"
    keys: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    patience: float = 5.0
    wrong: str = ""
    repeats: int = 2
    otherwise: str = ""


@dataclass(frozen=True)
class Prompt:
    """What a queue asks for while the caller holds.

    say
        the prompt
    keys
        the key and the part it leads to; "" = the hold goes on
    words
        the same for a word of the caller; its beginning is enough
    at
        when it is said first, seconds after the hold begins
    every
        from one to the next; 0 = once
    within
        how long it waits for a key or a word, seconds
    otherwise
        the part when none was pressed; "" = the hold goes on
    """

    say: str
    by: str = "recorded"
    keys: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    at: float = 30.0
    every: float = 0.0
    within: float = 6.0
    otherwise: str = ""


@dataclass(frozen=True)
class Pace:
    """How many seconds of media a second of wall clock carries; 0 = as fast as the other side takes it."""

    talk: float = 4.0
    hold: float = FAST
    announce: float = 20.0


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong on one numbered connection to the model.

    session
        which connection, counted from 1; 0 = every one
    kind
        "refuse", "vanish", "stall", "expire", "rate_limit", "slow"
    status
        the HTTP status of a refusal
    at
        when: "open" (right after session.created), "response" (some audio into its first response)
    seconds
        wall seconds after `at`; for "slow": the delay of the handshake
    """

    session: int
    kind: str
    status: int = 503
    at: str = "open"
    seconds: float = 0.0


@dataclass(frozen=True)
class Model:
    """The simulated model's temper.

    forgets
        tools it never calls
    """

    forgets: tuple[str, ...] = ()
    fault: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Carrier:
    """What the carrier gets wrong: HTTP statuses for the first REST requests of a kind, 0 = no answer at all.

    amd, amd_after
        who answers, as its answering machine detection says in Twilio's words, when it is asked, and how many s after
    """

    create_fails: tuple[int, ...] = ()
    complete_fails: tuple[int, ...] = ()
    lose_callbacks: bool = False
    amd: str = "human"
    amd_after: float = 2.0


@dataclass(frozen=True)
class Scenario:
    """One call's world.

    task
        what the caller is to do, for whoever places the call
    to
        the number that plays this scenario
    expect
        what a correct program's record says, e.g. {"result": "success", "holds": 1}
    parts
        further steps, by name
    menus, prompts
        by name
    """

    name: str
    about: str
    steps: tuple[Step, ...]
    parts: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    menus: Mapping[str, Menu] = field(default_factory=dict)
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    task: str = "Ask when the order will be delivered."
    to: str = "+12025550143"
    pace: Pace = field(default_factory=Pace)
    model: Model = field(default_factory=Model)
    carrier: Carrier = field(default_factory=Carrier)
    expect: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None  # where its sound files are


def names() -> list[str]:
    """The scenarios that come with the package."""
    found = (resources.files("outwait.sim") / "scenarios").iterdir()
    return sorted(entry.name.removesuffix(".toml") for entry in found if entry.name.endswith(".toml"))


def companies() -> list[str]:
    """The companies that come with the package, as `load` takes them."""
    found = (resources.files("outwait.sim") / "scenarios" / "companies").iterdir()
    return sorted(f"companies/{entry.name.removesuffix('.toml')}" for entry in found if entry.name.endswith(".toml"))


def load(name: str | Path) -> Scenario:
    """A scenario by its name (one of `names()` or `companies()`) or from a file. Raises ScenarioError."""
    path = Path(name)
    if path.suffix == ".toml":
        try:
            return parse(path.read_text("utf-8"), path.stem, path.parent)
        except OSError as error:
            raise ScenarioError(f"{path}: {error.strerror}") from None
    entry = resources.files("outwait.sim") / "scenarios" / f"{name}.toml"
    if not entry.is_file():
        raise ScenarioError(f"no scenario {str(name)!r}; there are: {', '.join([*names(), *companies()])}")
    return parse(entry.read_text("utf-8"), str(name))


def parse(text: str, name: str, folder: Path | None = None) -> Scenario:
    """A scenario from TOML text. Raises ScenarioError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{name}: {error}") from None
    steps = data.pop("steps", None)
    if not isinstance(steps, list) or not steps:
        raise ScenarioError(f"{name}: steps is missing")
    data["steps"] = tuple(_step(step, f"{name}: step {number}") for number, step in enumerate(steps, 1))
    parts = _table(data, "parts", name)
    for part, listed in parts.items():
        if not isinstance(listed, list) or not listed:
            raise ScenarioError(f"{name}: parts.{part}: not a list of steps")
        parts[part] = tuple(_step(step, f"{name}: parts.{part}: step {n}") for n, step in enumerate(listed, 1))
    data["parts"] = parts
    for table, kind in (("menus", Menu), ("prompts", Prompt)):
        entries = _table(data, table, name)
        data[table] = {entry: _make(kind, values, f"{name}: {table}.{entry}") for entry, values in entries.items()}
    data["pace"] = _make(Pace, data.get("pace", {}), f"{name}: pace")
    model = dict(data.get("model", {}))
    model["fault"] = tuple(_make(Fault, fault, f"{name}: model.fault") for fault in model.get("fault", ()))
    data["model"] = _make(Model, model, f"{name}: model")
    data["carrier"] = _make(Carrier, data.get("carrier", {}), f"{name}: carrier")
    data["folder"] = folder
    scenario = _make(Scenario, {"name": name, **data}, name)
    _check_names(scenario)
    return scenario


def _table(data: Mapping[str, Any], key: str, name: str) -> dict[str, Any]:
    found = data.get(key, {})
    if not isinstance(found, Mapping):
        raise ScenarioError(f"{name}: {key}: not a table")
    return dict(found)


def _check_names(scenario: Scenario) -> None:
    """Whatever is named is there."""
    parts: list[tuple[str, str]] = []
    for where, steps in [("steps", scenario.steps), *scenario.parts.items()]:
        for step in steps:
            match step:
                case MenuOf(menu=menu) if menu not in scenario.menus:
                    raise ScenarioError(f"{scenario.name}: {where}: there is no menu {menu!r}")
                case Hold(prompts=prompts):
                    for prompt in prompts:
                        if prompt not in scenario.prompts:
                            raise ScenarioError(f"{scenario.name}: {where}: there is no prompt {prompt!r}")
                case Go(go=part) | CallBack(part=part):
                    parts.append((where, part))
                case Listen(otherwise=part) if part:
                    parts.append((where, part))
                case _:
                    pass
    for where, asked in scenario.menus.items():
        parts += [(f"menus.{where}", part) for part in (*asked.keys.values(), *asked.words.values(), asked.otherwise)]
    for where, wanted in scenario.prompts.items():
        leads = (*wanted.keys.values(), *wanted.words.values(), wanted.otherwise)
        parts += [(f"prompts.{where}", part) for part in leads]
    for where, part in parts:
        if part and part not in scenario.parts:
            raise ScenarioError(f"{scenario.name}: {where}: there is no part {part!r}")


def _step(step: Any, where: str) -> Step:
    verb = next(iter(step), "") if isinstance(step, dict) else ""
    kind = VERBS.get(verb)
    if kind is None:
        raise ScenarioError(f"{where}: no such verb {verb!r}; there are: {', '.join(VERBS)}")
    return _make(kind, step, where)


def _make(kind: type[T], values: Any, where: str) -> T:
    if not isinstance(values, Mapping):
        raise ScenarioError(f"{where}: not a table")
    known = {entry.name: str(entry.type) for entry in fields(kind)}  # type: ignore[arg-type]
    arguments = {}
    for key, value in values.items():
        if key not in known:
            raise ScenarioError(f"{where}: no such option {key!r}; there are: {', '.join(known)}")
        arguments[key] = _value(value, known[key], f"{where}: {key}")
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ScenarioError(f"{where}: {error}") from None


def _value(value: Any, wanted: str, where: str) -> Any:
    if wanted == "float":
        return _seconds(value, where)
    if wanted.startswith("tuple"):
        return tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if wanted.startswith("Mapping[str, str]"):
        if not isinstance(value, Mapping) or not all(isinstance(entry, str) for entry in value.values()):
            raise ScenarioError(f"{where}: not a table of names")
        return {str(key): entry for key, entry in value.items()}
    if wanted in ("str", "bool", "int") and type(value).__name__ != wanted:
        raise ScenarioError(f"{where}: {value!r} is not {wanted}")
    return value


def _seconds(value: Any, where: str) -> float:
    if value == "fast":
        return FAST
    try:
        if isinstance(value, str):
            minutes, _, seconds = value.rpartition(":")
            return 60.0 * int(minutes or 0) + float(seconds)
        return float(value)
    except (TypeError, ValueError):
        raise ScenarioError(f'{where}: {value!r} is neither seconds nor "minutes:seconds"') from None
