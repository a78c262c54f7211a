"""An agent in Python: what it knows, what it may do, and how it behaves on the line.

agent = Agent("orders", instructions="You call for Northwind.")

@agent.tool
async def order_status(order: str) -> str:
    ...

agent.serve()
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar, overload

import pydantic

from outwait.call.outcome import BadSchema, Form
from outwait.call.policy import Policy
from outwait.call.tools import RESERVED, ToolSpec
from outwait.errors import OutwaitError
from outwait.toolbox import FunctionTool, Tool, ToolContext, ToolGone, function_tool

MAX_INSTRUCTIONS = 20_000  # characters

F = TypeVar("F", bound=Callable[..., Any])


class Source(Protocol):
    """Where further tools come from, such as an MCP server."""

    def open(self) -> Any:
        """An async context manager that gives its tools (`Sequence[Tool]`). Raises OutwaitError."""


class Agent:
    """One agent. Calls name it, or get the first one of the server."""

    def __init__(
        self,
        name: str = "agent",
        *,
        instructions: str = "",
        engine: str | None = None,
        policy: Policy | None = None,
        disclosure: str | None = None,
        outcome: Any = None,
        sources: Sequence[Source] = (),
    ) -> None:
        """
        instructions
            what it is told beside the task of each call
        engine
            which one speaks for it; None: the server's
        policy
            how its calls behave; None: the server's
        disclosure
            how it names itself; "": not unless it is asked; None: the server's
        outcome
            what its calls bring back: a JSON Schema (dict) or a type that pydantic knows; None: words
        sources
            where further tools come from
        """
        if not name or len(name) > 64:
            raise ValueError("an agent needs a name of at most 64 characters")
        if len(instructions) > MAX_INSTRUCTIONS:
            raise ValueError(f"instructions are longer than {MAX_INSTRUCTIONS} characters")
        self.name = name
        self.instructions = instructions
        self.engine = engine
        self.policy = policy
        self.disclosure = disclosure
        self.outcome_schema = _schema(outcome)
        self.sources = tuple(sources)
        self._tools: dict[str, FunctionTool] = {}

    @overload
    def tool(self, function: F, /) -> F: ...

    @overload
    def tool(
        self,
        /,
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float = 20.0,
        idempotent: bool = False,
    ) -> Callable[[F], F]: ...

    def tool(
        self,
        function: Any = None,
        /,
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float = 20.0,
        idempotent: bool = False,
    ) -> Any:
        """Make a function with type hints a tool of this agent: `@agent.tool`, or `@agent.tool(timeout=5.0)`. See
        `toolbox.function_tool`. Raises TypeError for one that a model can't be told of."""

        def add(function: F) -> F:
            made = function_tool(function, name=name, description=description, timeout=timeout, idempotent=idempotent)
            if made.spec.name in self._tools:
                raise TypeError(f"the agent {self.name} has a tool {made.spec.name!r} already")
            self._tools[made.spec.name] = made
            return function

        return add if function is None else add(function)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Those that are functions."""
        return tuple(self._tools.values())

    def serve(self, **settings: Any) -> None:
        """Run a server whose calls this agent makes, until SIGTERM. `settings` go before the environment, by the names
        that they have in outwait.toml. Raises OutwaitError."""
        from outwait.serving import serve_agents

        serve_agents([self], **settings)


class Staffed:
    """An agent at work: with the tools of all its sources."""

    def __init__(self, agent: Agent, tools: Sequence[Tool]) -> None:
        self.agent = agent
        self._tools = {tool.spec.name: tool for tool in tools}

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self._tools.values())

    async def run(self, name: str, arguments: str, context: ToolContext) -> str:
        """A tool's answer, JSON text. Raises BadArguments, ToolError, ToolGone, and whatever the tool raises."""
        tool = self._tools.get(name)
        if tool is None:
            raise ToolGone(f"there is no tool {name} on this server now")
        return await tool.run(arguments, context)


@asynccontextmanager
async def at_work(agents: Sequence[Agent]) -> AsyncIterator[dict[str, Staffed]]:
    """These agents by name, with their sources open. Raises OutwaitError."""
    async with AsyncExitStack() as stack:
        staff: dict[str, Staffed] = {}
        for agent in agents:
            tools = list(agent.tools)
            for source in agent.sources:
                tools += await stack.enter_async_context(source.open())
            names = [tool.spec.name for tool in tools]
            twice = sorted({name for name in names if names.count(name) > 1 or name in RESERVED})
            if twice:
                raise OutwaitError(f"the agent {agent.name} has two tools {twice[0]!r}")
            staff[agent.name] = Staffed(agent, tools)
        yield staff


def load(places: str) -> list[Agent]:
    """Agents named like `module:agent`, several separated by commas. The working folder is looked in first. Raises
    OutwaitError."""
    import sys

    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    agents = [_load(place.strip()) for place in places.split(",") if place.strip()]
    names = [agent.name for agent in agents]
    if len(set(names)) < len(names):
        raise OutwaitError(f"OUTWAIT_AGENT: two agents have the same name: {', '.join(sorted(names))}")
    return agents


def _load(place: str) -> Agent:
    module, _, name = place.partition(":")
    if not module or not name:
        raise OutwaitError(f"OUTWAIT_AGENT: {place!r} is not like module:agent")
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except ImportError as error:
        raise OutwaitError(f"OUTWAIT_AGENT: {module} can't be imported: {error}") from error
    except AttributeError as error:
        raise OutwaitError(f"OUTWAIT_AGENT: {error}") from error
    except Exception as error:  # the user's own code, which may raise anything
        raise OutwaitError(f"OUTWAIT_AGENT: {module} fails: {type(error).__name__}: {error}") from error
    if not isinstance(found, Agent):
        raise OutwaitError(f"OUTWAIT_AGENT: {place} is no outwait.Agent")
    return found


def _schema(outcome: Any) -> dict[str, Any] | None:
    if outcome is None:
        return None
    schema = outcome if isinstance(outcome, dict) else pydantic.TypeAdapter(outcome).json_schema()
    try:
        Form(schema)
    except BadSchema as error:
        raise ValueError(f"outcome: {error}") from error
    return schema
