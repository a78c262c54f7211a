"""Engines and carriers of others: packages name them in the entry points `outwait.engines` and `outwait.carriers`.

Nothing of them is imported before a setting asks for it by its name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, cast

from outwait.carriers.base import Carrier
from outwait.config import ConfigError
from outwait.engines.base import Engine
from outwait.house.desk import Desk

ENGINES, CARRIERS = "outwait.engines", "outwait.carriers"

Application = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
"""An ASGI application."""


class Kit(Protocol):
    """A carrier as a whole: how we reach it, and how it reaches us.

    An entry point of `outwait.carriers` is a function from the environment (names to values) to one of these. It raises
    ValueError when a setting is missing; the message says which.
    """

    number: str | None
    # that calls come from unless they say otherwise, E.164

    def open(self, public_url: str) -> AbstractAsyncContextManager[Carrier]:
        """Its REST side, as long as the context lasts. `public_url` leads to us, without a slash at its end."""

    def application(self, desk: Desk, public_url: str) -> Application:
        """Answers all that comes below `/NAME/`, requests and WebSockets; the path of a scope is without the public
        URL's. It checks itself that they come from the carrier: no key of ours is asked for there."""


def engine(name: str, environment: Mapping[str, str]) -> Engine | None:
    """That engine; None when no package has one of this name. Raises ConfigError.

    An entry point of `outwait.engines` is a function from the environment to an Engine, whose capabilities bear the
    entry point's name. It raises ValueError when a setting is missing.
    """
    made = _made(ENGINES, name, environment)
    if made is None:
        return None
    found = cast(Engine, made)
    if found.capabilities.name != name:
        raise ConfigError(f"the engine {name} calls itself {found.capabilities.name!r}; its package must be mended")
    return found


def carrier(name: str, environment: Mapping[str, str]) -> Kit:
    """That carrier. Raises ConfigError."""
    made = _made(CARRIERS, name, environment)
    if made is None:
        known = ", ".join(["twilio", *names(CARRIERS)])
        raise ConfigError(f"OUTWAIT_CARRIER: there is no carrier {name!r}; there is: {known}")
    return cast(Kit, made)


def names(group: str) -> list[str]:
    """What is installed."""
    return sorted({point.name for point in entry_points(group=group)})


def _made(group: str, name: str, environment: Mapping[str, str]) -> object | None:
    points = list(entry_points(group=group, name=name))
    if not points:
        return None
    if len({point.value for point in points}) > 1:
        raise ConfigError(f"two packages offer the {_word(group)} {name}: {', '.join(map(_package, points))}")
    try:
        return cast(object, points[0].load()(environment))
    except ValueError as error:
        raise ConfigError(f"the {_word(group)} {name}: {error}") from error
    except Exception as error:  # somebody else's code, which may raise anything
        why = f"{type(error).__name__}: {error}"
        raise ConfigError(f"the {_word(group)} {name} of {_package(points[0])} fails: {why}") from error


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _word(group: str) -> str:
    return "engine" if group == ENGINES else "carrier"
