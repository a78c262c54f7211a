"""AI phone calls that ride out long holds.

What a program needs stands here; it is imported when it is first used, so that `import outwait` costs nothing.
Type checkers read `__init__.pyi`.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "Agent": "outwait.agent",
    "BadSignature": "outwait.webhook",
    "McpServer": "outwait.mcp",
    "Policy": "outwait.call.policy",
    "ToolContext": "outwait.toolbox",
    "ToolError": "outwait.toolbox",
    "verify_webhook": "outwait.webhook",
}

__all__ = ["Agent", "BadSignature", "McpServer", "Policy", "ToolContext", "ToolError", "__version__", "verify_webhook"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
