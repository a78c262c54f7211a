"""Tools of MCP servers, as a source of an agent's tools. Needs the extra `outwait[mcp]`.

agent = Agent("parcels", sources=[McpServer(["uvx", "some-mcp-server"])])

The server's process (or its address) is connected to when ours starts, and once more when it was lost and a tool is
called. What goes wrong in it is told to the model.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import structlog

from outwait.call.tools import ToolSpec
from outwait.errors import OutwaitError
from outwait.toolbox import BadArguments, ToolContext, ToolError, ToolGone, told

if TYPE_CHECKING:
    from mcp import Client

CONNECT_SECONDS = 20.0  # wall s for a server to start and say what it can do
CLOSE_SECONDS = 5.0  # wall s for it to end
MAX_TOOLS = 64  # of one server; more would fill the conversation with their descriptions
CONNECTION_CLOSED = -32000  # code of the package for a connection that ended while it waited

_ODD = re.compile(r"[^a-zA-Z0-9_-]")

log = structlog.get_logger(__name__)


class McpServer:
    """One server and which of its tools are wanted."""

    def __init__(
        self,
        command: Sequence[str] = (),
        *,
        url: str = "",
        env: Mapping[str, str] | None = None,
        only: Collection[str] | None = None,
        prefix: str = "",
        timeout: float = 20.0,
    ) -> None:
        """
        command
            program and arguments of a server that talks over its standard input and output
        url
            or the address of one that talks over HTTP
        env
            environment of the program, beside the few variables that every one gets; ours is not handed on
        only
            names of the wanted tools; None: all of them
        prefix
            of their names here, for servers whose tools have the same names
        timeout
            wall s that one of its tools may take
        """
        if bool(command) == bool(url):
            raise ValueError("an MCP server has a command or a url")
        self.name = url.partition("?")[0] or str(command[0])
        self._command = list(command)
        self._url = url
        self._env = dict(env) if env is not None else None
        self._only = None if only is None else frozenset(only)
        self._prefix = prefix
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._connection: _Connection | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[list[McpTool]]:
        """Its tools, as long as the context lasts. Raises OutwaitError."""
        try:
            import mcp  # noqa: F401
        except ImportError as error:
            raise OutwaitError("tools of MCP servers need the extra: pip install 'outwait[mcp]'") from error
        try:
            yield self._tools(await self._list())
        finally:
            if self._connection is not None:
                await self._connection.close()
                self._connection = None

    async def call(self, name: str, arguments: dict[str, Any]) -> str:
        """A tool's answer, JSON text. Raises ToolError, ToolGone."""
        from mcp import MCPError

        connection = await self._connected()
        broken: tuple[type[BaseException], ...] = (OSError, EOFError, RuntimeError, *_closed())
        try:
            result = await connection.client.call_tool(name, arguments)
        except MCPError as error:
            if error.code != CONNECTION_CLOSED:
                raise ToolError(str(error)) from error
            connection.leave()
            raise ToolGone(f"{self.name} broke off; whether it has happened is unknown") from error
        except broken as error:
            connection.leave()
            raise ToolGone(f"{self.name} broke off; whether it has happened is unknown") from error
        if result.is_error:
            raise ToolError(_text(result.content) or f"{name} failed")
        return told(result.structured_content if result.structured_content is not None else _text(result.content))

    async def _list(self) -> list[Any]:
        failures: tuple[type[BaseException], ...] = (ToolGone, TimeoutError, *_failures())
        try:
            connection = await self._connected()
            async with asyncio.timeout(CONNECT_SECONDS):
                found: list[Any] = []
                cursor: str | None = None
                while True:
                    page = await connection.client.list_tools(cursor=cursor)
                    found += page.tools
                    cursor = page.next_cursor
                    if not cursor:
                        return found
        except failures as error:
            raise OutwaitError(f"the MCP server {self.name} can't be used: {_why(error)}") from error

    def _tools(self, found: Sequence[Any]) -> list[McpTool]:
        wanted = [tool for tool in found if self._only is None or tool.name in self._only]
        missing = sorted((self._only or frozenset()) - {tool.name for tool in found})
        if missing:
            known = ", ".join(tool.name for tool in found)
            raise OutwaitError(f"the MCP server {self.name} has no tool {missing[0]!r}; it has: {known}")
        if len(wanted) > MAX_TOOLS:
            raise OutwaitError(f"the MCP server {self.name} has {len(wanted)} tools; name the wanted ones with only=")
        return [McpTool(self, tool.name, self._spec(tool)) for tool in wanted]

    def _spec(self, tool: Any) -> ToolSpec:
        hints = tool.annotations
        harmless = hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)
        return ToolSpec(
            name=_ODD.sub("_", self._prefix + tool.name)[:64],
            description=(tool.description or tool.title or tool.name).strip(),
            parameters={"type": "object", "properties": {}} | tool.input_schema,
            timeout=self._timeout,
            idempotent=harmless,
        )

    async def _connected(self) -> _Connection:
        """The connection, made anew when it was lost. Raises ToolGone."""
        async with self._lock:
            if self._connection is None or self._connection.over:
                if self._connection is not None:
                    await self._connection.close()
                self._connection = _Connection(self._client())
                await self._connection.open(self.name)
            return self._connection

    def _client(self) -> Client:
        from mcp import Client, StdioServerParameters

        if self._url:
            return Client(self._url)
        return Client(StdioServerParameters(command=self._command[0], args=self._command[1:], env=self._env))


class McpTool:
    """One tool of a server."""

    def __init__(self, server: McpServer, name: str, spec: ToolSpec) -> None:
        self.spec = spec
        self._server = server
        self._name = name  # there

    async def run(self, arguments: str, context: ToolContext) -> str:
        try:
            given = json.loads(arguments or "{}")
        except (ValueError, RecursionError) as error:
            raise BadArguments(f"{self.spec.name}: the arguments are not a complete JSON object") from error
        if not isinstance(given, dict):
            raise BadArguments(f"{self.spec.name}: the arguments are not a JSON object")
        return await self._server.call(self._name, given)


class _Connection:
    """A client in a task of its own: its library wants to be closed where it was opened."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._leave = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        return self._leave.is_set() or self._task is None or self._task.done()

    async def open(self, name: str) -> None:
        """Raises ToolGone."""
        self._task = asyncio.create_task(self._run(), name=f"MCP server {name}")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await asyncio.shield(self._ready)
        except TimeoutError as error:
            await self.close()
            raise ToolGone(f"{name} does not answer") from error
        except _failures() as error:
            raise ToolGone(f"{name} can't be reached: {_why(error)}") from error

    def leave(self) -> None:
        """It is of no use any more."""
        self._leave.set()

    async def close(self) -> None:
        self._leave.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=CLOSE_SECONDS)
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            async with self.client:
                self._ready.set_result(None)
                await self._leave.wait()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001  another program's end, in whatever form
            if not self._ready.done():
                self._ready.set_exception(OSError(_why(error)))
            else:
                log.warning("an MCP server broke off", error=type(error).__name__)  # its words may be anybody's


def _failures() -> tuple[type[BaseException], ...]:
    """All that a connection to another program may fail with."""
    with suppress(ImportError):
        from mcp import MCPError

        return (OSError, EOFError, RuntimeError, ValueError, MCPError, *_closed())
    return (OSError,)


def _closed() -> tuple[type[Exception], ...]:
    import anyio

    return (anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream)


def _text(content: Sequence[Any]) -> str:
    """The words of an answer; pictures and sound are named alone."""
    return "\n".join(block.text if block.type == "text" else f"[{block.type}]" for block in content)


def _why(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
