"""A scenario: what the world does on one call, as a small readable TOML file.

Every step is one inline table with the verb first: `{ say = "Hello?" }`, `{ hold = "25:00", sound = "moh" }`. The
verbs and their options are the dataclasses below; an unknown verb or option is an error that names it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

FAST = 0.0  # a pace: as fast as the other side takes it


class ScenarioError(Exception):
    """The file is not a scenario; the text says where and why."""


@dataclass(frozen=True)
class Ring:
    """`ring = seconds` until the next step answers (or refuses)."""

    ring: float


@dataclass(frozen=True)
class Refuse:
    """`refuse = "busy" | "no-answer" | "failed"`: nobody takes the call."""

    refuse: str


@dataclass(frozen=True)
class Say:
    """A live person speaks.

    say
        the words
    by
        the voice: a name of `sound.VOICES`
    level
        dB relative to the usual level
    file
        a sound file in which these words are spoken, beside the scenario; "" = make the speech
    """

    say: str
    by: str = "clerk"
    level: float = 0.0
    file: str = ""


@dataclass(frozen=True)
class Listen:
    """A live person waits until the caller has spoken and finished; after `listen` seconds without a word asks `nudge`
    once, then hangs up.

    listen
        patience, seconds of media
    quiet
        how long the caller must be silent to have finished, seconds
    only_start
        go on as soon as the caller has spoken for this many seconds (0 = wait for the end)
    """

    listen: float
    quiet: float = 0.9
    only_start: float = 0.0
    nudge: str = ""
    by: str = "clerk"


@dataclass(frozen=True)
class Pause:
    """`pause = seconds` of line noise."""

    pause: float


@dataclass(frozen=True)
class Hold:
    """On hold.

    hold
        how long: seconds or "minutes:seconds"
    sound
        "moh" (installed hold music, else generated), a generated style of `music.STYLES`, "silence", or a sound file
    announce
        recorded lines, in turn
    every
        from one announcement's end to the next one's start: seconds or "minutes:seconds"; 0 = never
    first
        the first announcement; seconds after the hold begins
    over
        dB by which the music drops under an announcement; 0 = the music stops
    by
        the announcements' voice
    level
        dB relative to the usual level
    """

    hold: float
    sound: str = "moh"
    announce: tuple[str, ...] = ()
    every: float = 60.0
    first: float = 20.0
    over: float = 0.0
    by: str = "recorded"
    level: float = 0.0


@dataclass(frozen=True)
class Press:
    """The far end presses keys."""

    press: str


@dataclass(frozen=True)
class HangUp:
    """The far end hangs up (before an answer: rejects the call)."""

    hangup: bool = True


@dataclass(frozen=True)
class Wait:
    """Listen until the caller hangs up; after `wait` seconds hang up anyway."""

    wait: float


@dataclass(frozen=True)
class Drop:
    """The carrier's media socket breaks (no close frame); the call lives."""

    drop: bool = True


T = TypeVar("T")

Step: TypeAlias = Ring | Refuse | Say | Listen | Pause | Hold | Press | HangUp | Wait | Drop
_VERBS: dict[str, type[Step]] = {
    "ring": Ring,
    "refuse": Refuse,
    "say": Say,
    "listen": Listen,
    "pause": Pause,
    "hold": Hold,
    "press": Press,
    "hangup": HangUp,
    "wait": Wait,
    "drop": Drop,
}


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
    """What the carrier gets wrong: HTTP statuses for the first REST requests of a kind, 0 = no answer at all."""

    create_fails: tuple[int, ...] = ()
    complete_fails: tuple[int, ...] = ()
    lose_callbacks: bool = False


@dataclass(frozen=True)
class Scenario:
    """One call's world.

    task
        what the caller is to do, for whoever places the call
    to
        the number that plays this scenario
    expect
        what a correct program's record says, e.g. {"result": "success", "holds": 1}
    """

    name: str
    about: str
    steps: tuple[Step, ...]
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


def load(name: str | Path) -> Scenario:
    """A scenario by its name (one of `names()`) or from a file. Raises ScenarioError."""
    path = Path(name)
    if path.suffix == ".toml":
        try:
            return parse(path.read_text("utf-8"), path.stem, path.parent)
        except OSError as error:
            raise ScenarioError(f"{path}: {error.strerror}") from None
    entry = resources.files("outwait.sim") / "scenarios" / f"{name}.toml"
    if not entry.is_file():
        raise ScenarioError(f"no scenario {str(name)!r}; there are: {', '.join(names())}")
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
    data["pace"] = _make(Pace, data.get("pace", {}), f"{name}: pace")
    model = dict(data.get("model", {}))
    model["fault"] = tuple(_make(Fault, fault, f"{name}: model.fault") for fault in model.get("fault", ()))
    data["model"] = _make(Model, model, f"{name}: model")
    data["carrier"] = _make(Carrier, data.get("carrier", {}), f"{name}: carrier")
    data["folder"] = folder
    return _make(Scenario, {"name": name, **data}, name)


def _step(step: Any, where: str) -> Step:
    verb = next(iter(step), "") if isinstance(step, dict) else ""
    kind = _VERBS.get(verb)
    if kind is None:
        raise ScenarioError(f"{where}: no such verb {verb!r}; there are: {', '.join(_VERBS)}")
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
