"""What we say to a Live server. Every frame is checked by the types of OpenAI's SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.live import ForkSessionStartEvent

from outwait.call.commands import SeedItem
from outwait.call.tools import schemas
from outwait.engines.live import frames
from outwait.engines.live.engine import azure_door, azure_live_engine, live_engine, openai_door
from outwait.engines.live.frames import Manner
from outwait.sim import live_wire
from outwait.sim.live_bill import MODELS
from tests.engines.live.server import check_client

MANNER = Manner("marin", "gpt-5.4-mini")
SEED = [
    SeedItem("system", "You were on hold for 27 minutes."),
    SeedItem("human", "Please hold."),
    SeedItem("agent", "Sure, I'll hold."),
    SeedItem("tool_call", '{"reason":"asked"}', call_id="call_1", name="wait_on_hold"),
    SeedItem("tool_output", '{"ok":true}', call_id="call_1"),
    SeedItem("human", "  "),
]


def said(frame: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(frame)
    check_client(message)
    live_wire.check_event(message)
    return message


def started(seed: list[SeedItem]) -> dict[str, Any]:
    message = said(frames.start("gpt-live-1", MANNER, "Order a pizza.", seed, schemas(), "start"))
    return live_wire.check_session(message["session"], MODELS)


def test_a_session_is_told_all_at_once() -> None:
    session = started(SEED)
    assert session["instructions"].startswith("Order a pizza.")
    assert session["store"] is False, "a stored session keeps a recording with the vendor"
    backend = session["delegation"]["responses"]
    assert backend["model"] == "gpt-5.4-mini"
    assert "Order a pizza." in backend["instructions"]
    assert [tool["name"] for tool in backend["tools"]] == [tool["name"] for tool in schemas()]
    assert [(m["role"], m["content"][0]["text"]) for m in session["input"]] == [
        ("developer", "You were on hold for 27 minutes."),
        ("user", "Please hold."),
        ("assistant", "Sure, I'll hold."),
        ("developer", 'You called the tool wait_on_hold with {"reason":"asked"}'),
        ("developer", 'The tool answered {"ok":true}'),
    ]
    assert "input" not in started([])


def test_a_fork_changes_nothing_but_where_its_sound_goes() -> None:
    message = json.loads(frames.fork("start"))
    checked = ForkSessionStartEvent.model_validate(message)
    assert checked.model_dump(exclude_none=True) == message, "no field that the type does not know"
    assert live_wire.check_fork(message["session"])["store"] is True


@pytest.mark.parametrize(("count", "length"), [(400, 20), (60, 3000), (127, 10), (128, 10), (129, 10)])
def test_history_keeps_within_the_servers_bounds(count: int, length: int) -> None:
    """The beginning and as much of the end as fits; the simulator refuses what is beyond."""
    seed = [SeedItem("human", f"{number} ".ljust(length, "x")) for number in range(count)]
    texts = [message["content"][0]["text"] for message in started(seed)["input"]]
    assert [text.split()[0] for text in texts[: frames.FIRST]] == ["0", "1", "2", "3"]
    assert texts[-1].split()[0] == str(count - 1)
    assert len(texts) <= 128
    whole = count <= 128 and length < 100
    assert any("left out" in text for text in texts) is not whole


def test_context_is_short_and_of_no_delegation() -> None:
    for frame in (frames.speak_of("x" * 9000, "ask_1"), frames.keep_in_mind("x", "heard_1")):
        message = said(frame)
        assert message["delegation_id"] is None
        assert live_wire.check_context(message, "responses", set()) == message["content"]


def test_the_rest_of_it() -> None:
    assert said(frames.append(b"\xff" * 160))["audio"] == "/" * 213 + "w=="
    assert said(frames.close("close"))["event_id"] == "close"
    said(frames.go_on())
    assert said(frames.tool_output("call_1", "{}"))["item"]["call_id"] == "call_1"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.openai.com/v1", "wss://api.openai.com/v1/live/sessions"),
        ("http://127.0.0.1:9/v1/", "ws://127.0.0.1:9/v1/live/sessions"),
    ],
)
def test_openais_door(base: str, url: str) -> None:
    door = openai_door(base, "k", "gpt-live-1")
    assert door.place.url == url
    assert door.place.headers == {"Authorization": "Bearer k"}
    told = live_engine(api_key="k", base_url=base).capabilities
    assert (told.name, told.vendor, told.model, told.billing) == ("live", "openai", "gpt-live-1", "seconds")


def test_azures_door() -> None:
    endpoint = "https://a.openai.azure.com/openai/v1"
    door = azure_door(endpoint, "k", "ours")
    assert door.place.url == "wss://a.openai.azure.com/openai/v1/live/sessions"
    assert door.place.headers == {"api-key": "k"}, "a bearer key is answered with a redirect"
    assert door.model == "ours"
    assert "k" not in repr(door)
    engine = azure_live_engine(endpoint=endpoint, api_key="k", deployment="ours")
    assert engine.capabilities.model == "gpt-live-1", "the price is that of the model"


@pytest.mark.parametrize("wrong", [{"api_key": ""}, {"model": " "}, {"base_url": "ftp://x"}, {"backend": ""}])
def test_settings_that_cannot_be_right(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"key|model|must look like"):
        live_engine(**({"api_key": "k"} | wrong))
