"""What a model may say in a tool call, and what it hears when it errs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.realtime import RealtimeFunctionTool

from outwait.call.tools import (
    MAX_DIGITS,
    HangUpCall,
    Mistake,
    PressDigits,
    TransferCall,
    WaitOnHold,
    read_call,
    schemas,
)

NAMES = ["hangup_call", "wait_on_hold", "press_digits", "transfer_call"]


def test_schemas_are_what_the_realtime_api_takes() -> None:
    tools = [RealtimeFunctionTool.model_validate(tool, strict=True) for tool in schemas()]
    assert [tool.name for tool in tools] == NAMES
    for tool in tools:
        assert tool.type == "function"
        assert tool.description


def test_every_argument_is_described_and_nearly_all_are_required() -> None:
    wanted = {
        "hangup_call": ["reason", "outcome"],
        "wait_on_hold": ["reason"],
        "press_digits": ["digits"],
        "transfer_call": ["to", "reason"],
    }
    for tool in schemas():
        parameters = json.loads(json.dumps(tool["parameters"]))
        optional = ["announcement"] if tool["name"] == "transfer_call" else []
        assert parameters["required"] == wanted[str(tool["name"])]
        assert list(parameters["properties"]) == parameters["required"] + optional
        assert all(field["type"] == "string" and field["description"] for field in parameters["properties"].values())


def test_schemas_may_be_changed_by_who_gets_them() -> None:
    schemas()[0].clear()
    assert schemas()[0]["name"] == "hangup_call"


@pytest.mark.parametrize(
    ("name", "arguments", "request_"),
    [
        ("hangup_call", '{"reason":"done","outcome":" Open till 6. "}', HangUpCall("done", "Open till 6.")),
        ("wait_on_hold", '{"reason":"music"}', WaitOnHold("music")),
        ("press_digits", '{"digits":"1 - 2w#"}', PressDigits("12w#")),
        (
            "transfer_call",
            '{"to":"+1 (202) 555-0143","reason":"asked"}',
            TransferCall("+12025550143", "asked"),
        ),
    ],
)
def test_good_arguments(name: str, arguments: str, request_: object) -> None:
    assert read_call(name, arguments) == request_


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("hangup_call", '{"reason":"done"}', "outcome"),
        ("hangup_call", '{"outcome":"x"}', "reason"),
        ("hangup_call", '{"reason":"done","outcome":"  "}', "empty"),
        ("hangup_call", '{"reason":"done","outcome":3}', "str"),
        ("hangup_call", '{"reason":"done","out', "complete JSON"),
        ("hangup_call", "", "reason"),
        ("hangup_call", "[]", "array"),
        ("hangup_call", '{"reason":"done","outcome":"x","more":1}', "more"),
        ("press_digits", '{"digits":""}', "digits"),
        ("press_digits", '{"digits":"call me"}', "digits"),
        ("press_digits", '{"digits":"' + "1" * (MAX_DIGITS + 1) + '"}', str(MAX_DIGITS)),
        ("transfer_call", '{"to":"911","reason":"x"}', "international"),
        ("transfer_call", '{"to":"+1202555","reason":7}', "reason"),
        ("send_mail", "{}", "hangup_call, wait_on_hold, press_digits, transfer_call"),
    ],
)
def test_mistakes_tell_the_model_what_to_do(name: str, arguments: str, told: str) -> None:
    mistake = read_call(name, arguments)
    assert isinstance(mistake, Mistake)
    assert told in mistake.text


@settings(deadline=None)
@given(
    st.sampled_from([*NAMES, "other"]) | st.text(),
    st.text()
    | st.recursive(st.none() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)).map(json.dumps),
)
def test_anything_is_a_request_or_a_mistake(name: str, arguments: str) -> None:
    read_call(name, arguments)


def test_deep_nesting_is_a_mistake() -> None:
    assert isinstance(read_call("hangup_call", '{"reason":' + "[" * 100_000), Mistake)


@settings(deadline=None)
@given(st.text(), st.text(alphabet='\ud800\udfff{}"x'))
def test_lone_surrogates_are_a_mistake(name: str, arguments: str) -> None:
    read_call("hangup_call", arguments)
    read_call(name, "{}")
