"""An MCP server for tests, over standard input and output: `python mcp_shop.py MARKS`, where it writes its starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

shop = MCPServer("shop", log_level="CRITICAL")
marks = Path(sys.argv[1])


@shop.tool(annotations=ToolAnnotations(read_only_hint=True))
def price(item: str) -> dict[str, float]:
    """What an item costs."""
    return {"usd": 4.5 if item == "tea" else 1.0}


@shop.tool()
def buy(item: str, number: int = 1) -> str:
    """Buy an item."""
    if item == "gold":
        raise ToolError("gold is sold out")
    return f"{number} {item}"


@shop.tool()
async def slow() -> str:
    """Takes its time."""
    await anyio.sleep(30)
    return "done"


@shop.tool()
def die() -> str:
    """The process ends in the middle of it."""
    os._exit(3)


@shop.tool(name="odd.name/x")
def odd() -> str:
    """Has a name that no engine takes."""
    return os.environ.get("OPENAI_API_KEY", "no key")


with marks.open("a") as file:
    file.write("started\n")
shop.run("stdio")
