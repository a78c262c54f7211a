"""The typed result: which schemas may be asked, how a wrong result is given back, and when it is kept all the same."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeFunctionTool

from outwait.call import notes
from outwait.call.commands import AnswerTool, AskResponse
from outwait.call.events import PersonCommitted, PersonSaid, ResponseEnded, ToolCalled
from outwait.call.outcome import MAX_DEPTH, MAX_SCHEMA, BadSchema, Form
from outwait.call.policy import Policy
from outwait.call.tools import schemas
from outwait.testing import Playbook
from tests.call.test_machine import says, talking

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "date": {"type": "string", "format": "date"},
        "window": {"$ref": "#/$defs/window"},
    },
    "required": ["date"],
    "additionalProperties": False,
    "$defs": {"window": {"type": "array", "items": {"type": "string"}, "maxItems": 2}},
}
GOOD = {"date": "2026-12-03"}


def hangs_up(book: Playbook, call_id: str, **arguments: Any) -> None:
    text = json.dumps({"reason": "done", "outcome": "On the third."} | arguments)
    book >> ToolCalled(1, "r1", call_id, "hangup_call", text)


def output(answer: Any) -> dict[str, Any]:
    assert isinstance(answer, AnswerTool)
    found: dict[str, Any] = json.loads(answer.output)
    return found


def test_a_good_result_is_kept_with_its_quotes() -> None:
    book = talking(outcome_schema=SCHEMA)
    says(book, 1, "r1", "Goodbye.")
    hangs_up(book, "c1", result=GOOD, evidence=[{"of": "/date", "quote": "on the third"}])
    book.ignore()
    (outcome,) = book.notes(notes.Outcome)
    assert (outcome.result, outcome.valid, outcome.faults) == (GOOD, True, ())
    assert outcome.quotes == (notes.Quote("/date", "on the third"),)


def test_a_wrong_result_is_given_back_and_the_call_goes_on() -> None:
    book = talking(outcome_schema=SCHEMA)
    says(book, 1, "r1", "Thank you, goodbye.")
    hangs_up(book, "c1", result={"date": "soon", "who": 1})
    answer = book._pending[0]
    assert "/date" in output(answer)["error"]
    assert "who" in output(answer)["error"]
    book << AnswerTool << AskResponse
    assert not book.notes(notes.Outcome)
    hangs_up(book, "c2", result=GOOD)
    book << AnswerTool(1, "c2", '{"ok": true}')
    book.ignore()
    (outcome,) = book.notes(notes.Outcome)
    assert outcome.result == GOOD
    book >> ResponseEnded(1, "r1", "completed")
    assert not any(isinstance(c, AskResponse) for c in book._pending), "the goodbye was said before the correction"


def test_after_so_many_corrections_it_is_kept_with_its_faults() -> None:
    book = talking(Policy(result_tries=1), outcome_schema=SCHEMA)
    says(book, 1, "r1", "Goodbye.")
    hangs_up(book, "c1")
    book.ignore()
    assert not book.notes(notes.Outcome)
    hangs_up(book, "c2", result={"date": 3})
    book.ignore()
    (outcome,) = book.notes(notes.Outcome)
    assert (outcome.result, outcome.valid) == ({"date": 3}, False)
    assert "/date" in outcome.faults[0]


def test_a_missing_result_is_said_to_be_missing() -> None:
    book = talking(Policy(result_tries=0), outcome_schema=SCHEMA)
    says(book, 1, "r1", "Goodbye.")
    hangs_up(book, "c1")
    book.ignore()
    (outcome,) = book.notes(notes.Outcome)
    assert (outcome.result, outcome.valid, outcome.faults) == (None, False, ("it is missing",))


def test_without_a_schema_words_will_do() -> None:
    book = talking()
    says(book, 1, "r1", "Goodbye.")
    hangs_up(book, "c1", result=GOOD)
    book.ignore()
    assert book.notes(notes.Outcome) == [notes.Outcome("On the third.", "done")]


def test_the_next_session_knows_of_the_correction() -> None:
    book = talking(outcome_schema=SCHEMA)
    book >> PersonCommitted(1, "i1") >> PersonSaid(1, "i1", "On the third.")
    says(book, 1, "r1", "Goodbye.")
    hangs_up(book, "c1", result={})
    book.ignore()
    seed = book.call._talk.context.seed()
    assert [item.kind for item in seed if item.call_id == "c1"] == ["tool_call", "tool_output"]


def test_the_tool_takes_the_schema_with_its_definitions() -> None:
    tool = schemas(SCHEMA)[0]
    RealtimeFunctionTool.model_validate(tool, strict=True)
    parameters = json.loads(json.dumps(tool["parameters"]))
    assert parameters["required"] == ["reason", "outcome", "result"]
    assert parameters["$defs"] == SCHEMA["$defs"], "references lead from the root"
    assert "$defs" not in parameters["properties"]["result"]
    whole = Form(parameters)
    assert whole.faults({"reason": "a", "outcome": "b", "result": GOOD | {"window": ["10", "12"]}}) == ()
    assert whole.faults({"reason": "a", "outcome": "b", "result": GOOD | {"window": ["10", "12", "14"]}})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt"},
        {"required": "date"},
        {"properties": {"a": 3}},
        {"pattern": "("},
        {"pattern": "(?=a)"},
        {"$ref": "https://example.com/schema"},
        {"$ref": "#"},
        {"$ref": "#/$defs/nowhere"},
        {"properties": {"a": {"$id": "https://example.com/x"}}},
        {"description": "x" * MAX_SCHEMA},
    ],
    ids=str,
)
def test_what_is_no_schema_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(BadSchema) as refused:
        Form(schema)
    assert "\n" not in str(refused.value)


def test_a_schema_is_nested_so_deep_and_no_deeper() -> None:
    schema: dict[str, Any] = {}
    for _ in range(MAX_DEPTH // 2 - 1):  # two levels each: the schema, and its properties
        schema = {"properties": {"a": schema}}
    Form(schema)
    for _ in range(3):
        schema = {"properties": {"a": schema}}
    with pytest.raises(BadSchema, match="deep"):
        Form(schema)


def test_nothing_is_fetched_for_a_schema() -> None:
    """Its `$schema` would be, if anybody let it: from our own network, too."""
    asked: list[str] = []

    class Meta(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Meta) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        here = f"http://127.0.0.1:{server.server_port}/meta"
        try:
            Form({"$schema": here, "type": "object", "properties": {"a": {"$schema": here, "type": "string"}}})
        finally:
            server.shutdown()
            thread.join()
    assert asked == []


def test_a_schema_nested_without_end_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"items": schema}
    with pytest.raises(BadSchema):
        Form(schema)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_any_value_is_judged_and_never_fails(value: Any) -> None:
    faults = Form({"type": "object", "required": ["date"]}).faults(value)
    assert (faults == ()) == (isinstance(value, dict) and "date" in value)


def test_a_pattern_runs_in_linear_time() -> None:
    form = Form({"type": "string", "pattern": "^(a+)+$"})
    assert form.faults("a" * 30_000 + "b")
    assert form.faults("a" * 30_000) == ()


def test_a_result_as_long_as_a_book_is_none() -> None:
    assert Form({"type": "string"}).faults("x" * 40_000)
