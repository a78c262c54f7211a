"""AI phone calls that ride out long holds.

What a program needs stands here; it is imported when it is first used, so that `import outwait` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outwait.webhook import BadSignature as BadSignature
    from outwait.webhook import verify_webhook as verify_webhook

__version__ = "0.1.0"

_WHERE = {
    "BadSignature": "outwait.webhook",
    "verify_webhook": "outwait.webhook",
}

__all__ = ["BadSignature", "__version__", "verify_webhook"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
