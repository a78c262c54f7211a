"""Functions as tools: their schema, their arguments, what they give back, and what is told when they fail."""

from __future__ import annotations

import asyncio
import datetime
import json
import threading
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from outwait.call.outcome import Form
from outwait.toolbox import (
    MAX_OUTPUT,
    BadArguments,
    FunctionTool,
    ToolContext,
    ToolError,
    function_tool,
    in_thread,
    read_docstring,
    told,
)

CONTEXT = ToolContext("call_1", "+12025550143", "ask", {"who": "Dana"}, "call_1 tool 1")


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Slot(BaseModel):
    day: datetime.date
    seats: Annotated[int, Field(ge=1, le=8)] = 1


@dataclass
class Booked:
    number: int
    on: datetime.date


def book(slot: Slot, size: Size, *, note: str = "", copy: bool = False) -> Booked:
    """Book a table.

    It can't be undone.

    Args:
        slot: when, and
            for how many
        size (Size): of the table
        note: anything else
    Returns:
        the booking: its number
    """
    return Booked(slot.seats * 100 + (1 if copy else 0), slot.day)


async def run(tool: FunctionTool, **arguments: Any) -> Any:
    return json.loads(await tool.run(json.dumps(arguments), CONTEXT))


def test_its_schema_comes_from_its_hints_and_its_docstring() -> None:
    spec = function_tool(book).spec
    assert (spec.name, spec.description) == ("book", "Book a table.")
    properties = spec.parameters["properties"]
    assert list(properties) == ["slot", "size", "note", "copy"]
    assert spec.parameters["required"] == ["slot", "size"]
    assert properties["slot"]["description"] == "when, and for how many"
    assert properties["size"]["description"] == "of the table"
    assert properties["note"] == {"default": "", "description": "anything else", "type": "string"}
    assert spec.parameters["additionalProperties"] is False
    assert Form(spec.parameters).faults({"slot": {"day": "2026-12-03"}, "size": "small"}) == ()
    json.dumps(spec.parameters)


async def test_arguments_become_what_the_hints_say() -> None:
    found = await run(function_tool(book), slot={"day": "2026-12-03", "seats": 4}, size="large", copy=True)
    assert found == {"number": 401, "on": "2026-12-03"}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("", "slot"),
        ("{", "JSON"),
        ("[]", "arguments"),
        ('{"slot": {"day": "soon"}, "size": "small"}', "slot.day"),
        ('{"slot": {"day": "2026-12-03", "seats": 9}, "size": "small"}', "slot.seats"),
        ('{"slot": {"day": "2026-12-03"}, "size": "huge"}', "size"),
        ('{"slot": {"day": "2026-12-03"}, "size": "small", "who": 1}', "who"),
    ],
)
async def test_wrong_arguments_are_told_and_nothing_is_run(arguments: str, word: str) -> None:
    with pytest.raises(BadArguments) as told_:
        await function_tool(book).run(arguments, CONTEXT)
    assert word in str(told_.value)
    assert "pydantic" not in str(told_.value)


async def test_the_context_is_given_and_not_asked_for() -> None:
    async def who(context: ToolContext, prefix: Literal["to", "for"] = "for") -> str:
        return f"{prefix} {context.metadata['who']} {context.key}"

    tool = function_tool(who)
    assert list(tool.spec.parameters["properties"]) == ["prefix"]
    assert await run(tool) == "for Dana call_1 tool 1"


async def test_a_plain_function_runs_in_a_thread_and_a_coroutine_does_not() -> None:
    def plain() -> str:
        return threading.current_thread().name

    async def waiting() -> bool:
        return threading.current_thread() is threading.main_thread()

    assert await run(function_tool(plain)) == "tool plain"
    assert await run(function_tool(waiting)) is True


async def test_a_thread_that_hangs_holds_nothing_up() -> None:
    hanging = threading.Event()
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await in_thread(hanging.wait, timeout=60.0)
    finally:
        hanging.set()


async def test_what_a_function_raises_comes_out() -> None:
    def fails(kind: str) -> None:
        raise ToolError("closed on Mondays") if kind == "told" else StopIteration("odd")

    tool = function_tool(fails)
    with pytest.raises(ToolError, match="closed on Mondays"):
        await run(tool, kind="told")
    with pytest.raises(RuntimeError):
        await run(tool, kind="odd")


def test_hints_of_a_local_type_are_found() -> None:
    class Local(BaseModel):
        number: int

    def use(local: Local) -> Local:
        return local

    assert "number" in json.dumps(function_tool(use).spec.parameters)


def no_hint(a):  # type: ignore[no-untyped-def]
    pass


def many(*all: int) -> None: ...


def loose(**all: int) -> None: ...


def unknown(a: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


def hangup_call() -> None: ...


@pytest.mark.parametrize("function", [no_hint, many, loose, unknown, hangup_call, lambda: None])
def test_what_a_model_can_not_be_told_of_is_refused(function: Any) -> None:
    with pytest.raises(TypeError):
        function_tool(function)


def test_an_impossible_timeout_is_refused() -> None:
    with pytest.raises(TypeError, match="timeout"):
        function_tool(book, timeout=0.0)


def test_results_are_json_of_bounded_length() -> None:
    assert told(None) == '{"ok": true}'
    assert told("a") == '"a"'
    assert json.loads(told(Slot(day=datetime.date(2026, 12, 3)))) == {"day": "2026-12-03", "seats": 1}
    long = json.loads(told("x" * 100_000))
    assert (long["cut_off_after_characters"], len(long["text"])) == (MAX_OUTPUT, MAX_OUTPUT)
    with pytest.raises(ToolError, match="no JSON"):
        told(object())


@pytest.mark.parametrize(
    "text",
    [
        "Says.\n\nArgs:\n    a: first\n    b (int, optional): second\n\nReturns:\n    x: not a parameter",
        "Says.\n\n:param a: first\n:param int b: second\n:returns: nothing",
        "Says.\n\nParameters\n----------\na : str\n    first\nb\n    second\n\nReturns\n-------\nx\n    no",
    ],
    ids=["google", "sphinx", "numpy"],
)
def test_docstrings_of_each_form(text: str) -> None:
    assert read_docstring(text) == ("Says.", {"a": "first", "b": "second"})


@given(st.text())
def test_any_docstring_can_be_read(text: str) -> None:
    about, parts = read_docstring(text)
    assert isinstance(about, str)
    assert all(parts.values())
