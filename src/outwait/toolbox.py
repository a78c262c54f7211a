"""Python functions as tools: their schema from their type hints, their arguments checked, run in a thread or awaited.

What goes wrong in a tool is told to the model, never to the caller's ear: what the author says with ToolError in their
own words, anything else as a failure without details, which may hold what is nobody's business.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import re
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, get_type_hints

import msgspec
import pydantic
import pydantic_core

from outwait.call.tools import RESERVED, ToolSpec

MAX_OUTPUT = 12_000  # characters of an answer that a model is told; it stays in the conversation to its end
MAX_FAULTS = 5  # of arguments that are told at a time
MAX_WORDS = 500  # characters of an error

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")  # what every engine takes for a tool's name
_FRAMES = 8  # looked through for the names in a function's hints
T = TypeVar("T")


class ToolError(Exception):
    """Raised by a tool for what the model should know: its words are told to it."""


class ToolGone(Exception):
    """There is no such tool here, or what serves it does not answer."""


class BadArguments(Exception):
    """The model's arguments are none of this tool's; the message says why."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may know of the call it runs for: a parameter of this type is given it, and the model sees none."""

    call_id: str
    to: str
    # E.164
    task: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    # as given when the call was placed
    key: str = ""
    # of this run, the same when it is run again: for systems that take an idempotency key


class Tool(Protocol):
    """One tool, whatever it is made of."""

    spec: ToolSpec

    async def run(self, arguments: str, context: ToolContext) -> str:
        """Its answer, JSON text. Raises BadArguments, ToolError, ToolGone."""


class FunctionTool:
    """A Python function. Made by `function_tool`."""

    def __init__(
        self, function: Callable[..., Any], spec: ToolSpec, model: type[pydantic.BaseModel], given: str
    ) -> None:
        """`given`: the parameter that gets the ToolContext; "": none does."""
        self.spec = spec
        self._function = function
        self._model = model
        self._given = given

    async def run(self, arguments: str, context: ToolContext) -> str:
        try:
            checked = self._model.model_validate_json(arguments or "{}")
        except pydantic.ValidationError as error:
            raise BadArguments(f"{self.spec.name}: {_faults(error)}") from None
        values = {_parameter(name): getattr(checked, name) for name in self._model.model_fields}
        if self._given:
            values[self._given] = context
        if inspect.iscoroutinefunction(self._function):
            result = await self._function(**values)
        else:
            result = await in_thread(self._function, **values)
            if isinstance(result, Awaitable):
                result = await result
        return told(result)


def function_tool(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float = 20.0,
    idempotent: bool = False,
) -> FunctionTool:
    """Make a tool of a function with type hints. Raises TypeError for one that a model can't be told of.

    name, description
        the function's own, and its docstring's first paragraph, when not given
    timeout
        wall s that it may take
    idempotent
        to run it twice is the same as once: after a restart it may be run again
    """
    name = name or str(getattr(function, "__name__", ""))
    if not _NAME.fullmatch(name):
        raise TypeError(f"{name!r} is no name for a tool: letters, digits, _ and -, at most 64")
    if name in RESERVED:
        raise TypeError(f"every agent has a tool {name!r} already")
    if not timeout > 0:
        raise TypeError(f"{name}: the timeout must be above zero")
    about, parts = read_docstring(inspect.getdoc(function) or "")
    fields, given = _fields(function, name, parts)
    model = pydantic.create_model(name, __config__=pydantic.ConfigDict(extra="forbid"), **fields)
    parameters = model.model_json_schema()
    parameters.pop("title", None)
    for part in parameters.get("properties", {}).values():
        part.pop("title", None)
    parameters.setdefault("properties", {})
    spec = ToolSpec(
        name=name,
        description=(description or about or name.replace("_", " ")).strip(),
        parameters=parameters,
        timeout=timeout,
        idempotent=idempotent,
    )
    return FunctionTool(function, spec, model, given)


def told(result: object) -> str:
    """A tool's result as the model is told of it: JSON text of bounded length. Raises ToolError."""
    if result is None:
        return '{"ok": true}'
    try:
        text = pydantic_core.to_json(result).decode()
    except (pydantic_core.PydanticSerializationError, ValueError, RecursionError) as error:
        raise ToolError("it ran, and its result can't be told: it is no JSON") from error
    if len(text) <= MAX_OUTPUT:
        return text
    return msgspec.json.encode({"cut_off_after_characters": MAX_OUTPUT, "text": text[:MAX_OUTPUT]}).decode()


async def in_thread(function: Callable[..., T], **values: Any) -> T:
    """Run it in a thread of its own, which nobody waits for when it hangs: not a call, and not the server's end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    context = contextvars.copy_context()

    def settle(error: BaseException | None, result: Any) -> None:
        if not future.done():
            future.set_result(result) if error is None else future.set_exception(error)

    def work() -> None:
        error: BaseException | None = None
        result: Any = None
        try:
            result = context.run(function, **values)
        except Exception as raised:  # noqa: BLE001  it is raised again where the tool is awaited
            error = RuntimeError(str(raised)) if isinstance(raised, StopIteration) else raised
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, error, result)

    threading.Thread(target=work, name=f"tool {getattr(function, '__name__', '')}", daemon=True).start()
    return await future


# --- docstrings ---------------------------------------------------------------------------------

_SECTION = re.compile(r"^(args|arguments|parameters|params)\s*:?\s*$", re.I)
_OTHER_SECTION = re.compile(r"^(returns?|raises|yields?|examples?|notes?|attributes)\s*:?\s*$", re.I)
_GOOGLE = re.compile(r"^\s+(\*{0,2}\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_NUMPY = re.compile(r"^(\w+)\s*(?::.*)?$")
_FIELD = re.compile(r"^:param\s+(?:[\w\[\], |.]+\s+)?(\w+)\s*:\s*(.*)$")


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """Its first paragraph, and what it says about each parameter: Google's form, NumPy's and Sphinx's."""
    lines = text.strip().splitlines()
    about = " ".join(line.strip() for line in _until(lines, lambda line: not line.strip() or line.startswith(":param")))
    parts: dict[str, str] = {}
    name, indent, inside = "", 0, False
    for line in lines:
        bare = line.strip()
        if _SECTION.match(line):
            inside, name = True, ""
        elif _OTHER_SECTION.match(line):
            inside, name = False, ""
        elif field := _FIELD.match(line):
            name, indent = field[1], 1
            parts[name] = field[2].strip()
        elif line.startswith(":"):
            name = ""
        elif not bare or set(bare) == {"-"}:
            continue
        elif name and len(line) - len(line.lstrip()) >= indent:
            parts[name] = f"{parts[name]} {bare}".strip()
        elif inside and (google := _GOOGLE.match(line)):
            name, indent = google[1].lstrip("*"), len(line) - len(line.lstrip()) + 1
            parts[name] = google[2].strip()
        elif inside and (numpy := _NUMPY.match(line)):
            name, indent = numpy[1], 1
            parts[name] = ""
        else:
            name = ""
    return about, {name: words for name, words in parts.items() if words}


def _until(lines: list[str], stop: Callable[[str], bool]) -> list[str]:
    for number, line in enumerate(lines):
        if stop(line):
            return lines[:number]
    return lines


# --- signatures ---------------------------------------------------------------------------------


def _fields(function: Callable[..., Any], name: str, about: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Each parameter as a model's field, and the one that gets the context."""
    try:
        signature = inspect.signature(function)
        hints = _hints(function)
    except (NameError, TypeError, ValueError) as error:
        raise TypeError(f"{name}: its type hints can't be read: {error}") from error
    fields: dict[str, Any] = {}
    given = ""
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(f"{name}: a model can't be told of the parameter {parameter}; give each a name and a type")
        if parameter.name not in hints:
            raise TypeError(f"{name}: the parameter {parameter.name} has no type hint")
        hint = hints[parameter.name]
        if hint is ToolContext:
            given = parameter.name
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[_field(parameter.name)] = (
            hint,
            pydantic.Field(default, alias=parameter.name, description=about.get(parameter.name))
            if _described(hint) is None
            else pydantic.Field(default, alias=parameter.name),
        )
    return fields, given


def _field(parameter: str) -> str:
    """Apart from what a model class has for itself, such as `copy`, and from names that begin with _."""
    return f"p_{parameter}"


def _parameter(field: str) -> str:
    return field.removeprefix("p_")


def _described(hint: Any) -> str | None:
    """The description in Annotated[..., Field(description=...)]."""
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, pydantic.fields.FieldInfo) and extra.description:
            return extra.description
    return None


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """With the names of the functions around it: it is made a tool where it is defined. Raises NameError."""
    frame, names = inspect.currentframe(), dict[str, Any]()
    for _ in range(_FRAMES):
        frame = frame.f_back if frame is not None else None
        if frame is not None and frame.f_code.co_filename != __file__:
            names = dict(frame.f_locals) | names
    return get_type_hints(function, include_extras=True, localns=names)


def _faults(error: pydantic.ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}" for fault in faults[:MAX_FAULTS]]
    return "; ".join(lines)[:MAX_WORDS]
