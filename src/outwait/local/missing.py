"""What to do when the extra `local` is not installed."""

from __future__ import annotations

from outwait.errors import OutwaitError

INSTALL = "pip install 'outwait[local]'"


class Missing(OutwaitError):
    """A part of the local stack is not here; the message says what to install or to set."""


def not_installed(package: str) -> Missing:
    """A package of the extra can't be imported."""
    return Missing(f"{package} is not installed, which the local stack needs: {INSTALL}")
