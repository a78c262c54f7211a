"""The typed result that a task asks for: what schema may be asked, and whether the agent's result keeps to it.

Pure. Patterns run in linear time and nothing is fetched, because schemas come from whoever places the call and values
from a model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from outwait.call.notes import Outcome
from outwait.call.tools import HangUpCall, Mistake

MAX_SCHEMA = 16_384  # bytes of a schema, as JSON
MAX_DEPTH = 24  # of a schema
MAX_RESULT = 32_768  # bytes of a result, as JSON
MAX_FAULTS = 5  # that are told at a time
MAX_FAULT = 240  # characters of one

_LOCAL = ("#/$defs/", "#/definitions/")  # what a `$ref` may lead to: these move with the schema into the tool's own


class BadSchema(ValueError):
    """Not a schema that a result can be asked for by; the message says why."""


class Form:
    """A schema, ready to be kept to."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Raises BadSchema."""
        import jsonschema_rs  # here, for calls without a schema don't need it

        _check_bounds(schema)
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                schema, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions(), retriever=_never
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            raise BadSchema(_first_line(error)) from error

    def faults(self, value: object) -> tuple[str, ...]:
        """What is wrong with it, the first few; empty when nothing is."""
        if len(msgspec.json.encode(value)) > MAX_RESULT:
            return (f"it is longer than {MAX_RESULT} bytes",)
        found: list[str] = []
        for error in self._validator.iter_errors(value):
            where = "".join(f"/{step}" for step in error.instance_path)
            found.append(f"{where or 'result'}: {_first_line(error)}"[:MAX_FAULT])
            if len(found) == MAX_FAULTS:
                break
        return tuple(found)


class ResultDesk:
    """Takes the result that comes with the hang-up, or gives it back to be corrected, so many times."""

    def __init__(self, schema: dict[str, Any] | None, tries: int) -> None:
        self._form = Form(schema) if schema is not None else None
        self._left = tries
        self.goodbye_said = False  # with a hang-up that was given back

    def take(self, request: HangUpCall, *, said: bool) -> Outcome | Mistake:
        """`said`: the agent spoke in the same response."""
        if self._form is None:
            return Outcome(text=request.outcome, reason=request.reason)
        missing = request.result is msgspec.UNSET
        faults = ("it is missing",) if missing else self._form.faults(request.result)
        self.goodbye_said = self.goodbye_said or said
        if faults and self._left > 0:
            self._left -= 1
            return Mistake(
                f"hangup_call: `result` does not keep to its schema. {'; '.join(faults)}. Call hangup_call again with "
                "a corrected result, and say nothing more. What you were not told, leave out or null where the schema "
                "allows it; invent nothing."
            )
        return Outcome(
            text=request.outcome,
            reason=request.reason,
            result=None if missing else request.result,
            valid=not faults,
            faults=faults,
            quotes=tuple(request.evidence),
        )


def _check_bounds(schema: dict[str, Any]) -> None:
    try:
        size = len(msgspec.json.encode(schema))
    except (RecursionError, ValueError, TypeError) as error:
        raise BadSchema("it is no JSON, or nested too deeply") from error
    if size > MAX_SCHEMA:
        raise BadSchema(f"it is longer than {MAX_SCHEMA} bytes")
    for depth, part in _parts(schema):
        if depth > MAX_DEPTH:
            raise BadSchema(f"it is nested more than {MAX_DEPTH} deep")
        target = part.get("$ref")
        if isinstance(target, str) and not target.startswith(_LOCAL):
            raise BadSchema("a $ref may only lead to #/$defs/...")
        if "$dynamicRef" in part or "$id" in part:
            raise BadSchema("$dynamicRef and $id are not supported")


def _parts(schema: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every object in it, with its depth."""
    waiting: list[tuple[int, Any]] = [(0, schema)]
    while waiting:
        depth, part = waiting.pop()
        if isinstance(part, dict):
            yield depth, part
            waiting += [(depth + 1, inner) for inner in part.values()]
        elif isinstance(part, list):
            waiting += [(depth + 1, inner) for inner in part]


def _never(uri: str) -> dict[str, Any]:
    raise ValueError(f"nothing is fetched: {uri}")


def _first_line(error: Exception) -> str:
    text = getattr(error, "message", None) or str(error)
    return text.strip().splitlines()[0][:MAX_FAULT] if text.strip() else "not a JSON Schema"
