"""Tools of a real MCP server in a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from outwait.agent import Agent, at_work
from outwait.errors import OutwaitError
from outwait.mcp import McpServer
from outwait.toolbox import BadArguments, ToolContext, ToolError, ToolGone

pytest.importorskip("mcp", reason="the extra `mcp` is not installed")

SHOP = Path(__file__).parent / "mcp_shop.py"
CONTEXT = ToolContext("call_1", "+12025550143", "ask")


def shop(folder: Path, **options: Any) -> McpServer:
    return McpServer([sys.executable, str(SHOP), str(folder / "marks")], **options)


async def test_its_tools_are_listed_called_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    agent = Agent("a", sources=[shop(tmp_path, prefix="shop_", timeout=7.0)])
    async with at_work([agent]) as staff:
        crew = staff["a"]
        specs = {spec.name: spec for spec in crew.specs}
        assert list(specs) == ["shop_price", "shop_buy", "shop_slow", "shop_die", "shop_odd_name_x"]
        assert specs["shop_buy"].description == "Buy an item."
        assert specs["shop_buy"].timeout == 7.0
        assert (specs["shop_price"].idempotent, specs["shop_buy"].idempotent) == (True, False)
        assert specs["shop_buy"].parameters["required"] == ["item"]
        json.dumps([spec.parameters for spec in crew.specs])

        async def run(name: str, arguments: str) -> Any:
            return json.loads(await crew.run(name, arguments, CONTEXT))

        assert (await run("shop_price", '{"item": "tea"}')) == {"usd": 4.5}
        assert "2 tea" in json.dumps(await run("shop_buy", '{"item": "tea", "number": 2}'))
        assert "sk-secret" not in json.dumps(await run("shop_odd_name_x", "")), "our secrets are not handed on"
        with pytest.raises(ToolError, match="gold is sold out"):
            await run("shop_buy", '{"item": "gold"}')
        with pytest.raises(ToolError):
            await run("shop_buy", '{"number": "many"}')
        for broken in ("{", "[]"):
            with pytest.raises(BadArguments):
                await run("shop_buy", broken)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await run("shop_slow", "{}")


async def test_a_server_that_dies_is_started_again(tmp_path: Path) -> None:
    async with shop(tmp_path, only=["die", "price"]).open() as tools:
        price, die = tools
        with pytest.raises(ToolGone, match="unknown"):
            await die.run("{}", CONTEXT)
        assert json.loads(await price.run('{"item": "tea"}', CONTEXT)) == {"usd": 4.5}
    assert (tmp_path / "marks").read_text() == "started\n" * 2


@pytest.mark.parametrize(
    ("server", "word"),
    [
        (McpServer(["/nowhere/at/all"]), "/nowhere/at/all"),
        (McpServer([sys.executable, "-c", "raise SystemExit(1)"]), "can't be"),
        (McpServer(url="http://127.0.0.1:1/mcp?key=secret"), "http://127.0.0.1:1/mcp"),
    ],
    ids=["no program", "ends at once", "nobody there"],
)
async def test_one_that_is_not_there_is_one_clear_line(server: McpServer, word: str) -> None:
    with pytest.raises(OutwaitError) as refused:
        async with server.open():
            pass
    assert word in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_a_wanted_tool_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutwaitError, match="no tool 'fly'; it has: price"):
        async with shop(tmp_path, only=["fly"]).open():
            pass


def test_it_has_a_command_or_an_address() -> None:
    with pytest.raises(ValueError, match="a command or a url"):
        McpServer()
    with pytest.raises(ValueError, match="a command or a url"):
        McpServer(["x"], url="https://example.com")
