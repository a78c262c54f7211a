"""The HTTP API against the contract."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest

from outwait.house.desk import CallRequest, Refused
from outwait.store.base import ApiKey, Limits, StoreError
from outwait.web import api as module
from outwait.web.app import build

from .desk import FakeDesk, call_object, settings

GOOD: dict[str, Any] = {"to": "+1 (202) 555-0143", "task": "Ask for the opening hours."}


def is_error(response: httpx2.Response, status: int, code: str, field: str | None = None) -> None:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert (error["code"], error.get("field")) == (code, field)
    assert isinstance(error["message"], str)
    assert error["message"]
    assert set(response.json()) == {"error"}


async def test_places_a_call(api: httpx2.AsyncClient, desk: FakeDesk) -> None:
    response = await api.post(
        "/v1/calls",
        json=GOOD
        | {
            "from": "+1 202 555 0100",
            "engine": "azure",
            "max_cost_usd": 2,
            "max_hold_minutes": 30,
            "metadata": {"a": 1},
        },
        headers={"Idempotency-Key": "once"},
    )
    assert response.status_code == 201
    assert response.json() == {"id": "c1", "status": "queued"}
    wish = CallRequest(
        to="+12025550143",
        from_="+12025550100",
        task=GOOD["task"],
        engine="azure",
        max_cost_usd=2.0,
        max_hold_minutes=30.0,
        metadata={"a": 1},
    )
    assert desk.placed == [(wish, "once")]


async def test_calls_from_its_own_number(api: httpx2.AsyncClient, desk: FakeDesk) -> None:
    assert (await api.post("/v1/calls", json=GOOD)).status_code == 201
    assert desk.placed[0][0].from_ == "+12025550199"


async def test_wants_a_number_to_call_from(desk: FakeDesk) -> None:
    app = build(desk, settings(twilio_phone_number=None), "http://127.0.0.1")
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1") as client:
        is_error(await client.post("/v1/calls", json=GOOD), 422, "missing_field", "from")


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"to": None}, "invalid_value", "to"),
        ({"to": "911"}, "emergency_number", "to"),
        ({"to": "+1 911"}, "emergency_number", "to"),
        ({"to": "+1 900 555 0100"}, "premium_number", "to"),
        ({"to": "12345"}, "short_code", "to"),
        ({"to": "2025550143"}, "invalid_number", "to"),
        ({"to": 12025550143}, "invalid_value", "to"),
        ({"from": "me"}, "invalid_number", "from"),
        ({"task": ""}, "invalid_value", "task"),
        ({"task": " \n"}, "invalid_value", "task"),
        ({"task": "x" * 20_001}, "invalid_value", "task"),
        ({"max_cost_usd": 0}, "invalid_value", "max_cost_usd"),
        ({"max_cost_usd": -1}, "invalid_value", "max_cost_usd"),
        ({"max_cost_usd": "2"}, "invalid_value", "max_cost_usd"),
        ({"max_cost_usd": True}, "invalid_value", "max_cost_usd"),
        ({"max_hold_minutes": 1e9}, "invalid_value", "max_hold_minutes"),
        ({"metadata": []}, "invalid_value", "metadata"),
        ({"time_zone": "Europe/Nowhere"}, "unknown_time_zone", "time_zone"),
        ({"speed": 1}, "unknown_field", "speed"),
        ({"from_": "+12025550100"}, "unknown_field", "from_"),
    ],
)
async def test_refuses_bad_input(
    api: httpx2.AsyncClient, desk: FakeDesk, changed: dict[str, Any], code: str, field: str
) -> None:
    is_error(await api.post("/v1/calls", json=GOOD | changed), 422, code, field)
    assert desk.placed == []


@pytest.mark.parametrize("missing", ["to", "task"])
async def test_refuses_missing_fields(api: httpx2.AsyncClient, missing: str) -> None:
    is_error(
        await api.post("/v1/calls", json={k: v for k, v in GOOD.items() if k != missing}),
        422,
        "missing_field",
        missing,
    )


@pytest.mark.parametrize(
    "body",
    [b"", b"nope", b"[]", b"null", b'{"to":', b"\xff\xfe", b'{"to":"+12025550143","task":"\\ud800"}', b"[" * 5000],
)
async def test_refuses_what_is_no_json_object(api: httpx2.AsyncClient, desk: FakeDesk, body: bytes) -> None:
    response = await api.post("/v1/calls", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert response.json()["error"]["code"] in ("invalid_json", "invalid_value")
    assert desk.placed == []


async def test_takes_only_json(api: httpx2.AsyncClient) -> None:
    response = await api.post("/v1/calls", content=json.dumps(GOOD), headers={"content-type": "text/plain"})
    is_error(response, 415, "unsupported_media_type")


async def test_a_body_has_a_limit(api: httpx2.AsyncClient) -> None:
    large = GOOD | {"metadata": {"a": "x" * 70_000}}
    is_error(await api.post("/v1/calls", json=large), 413, "request_entity_too_large")

    async def chunks() -> Any:
        for _ in range(70):
            yield b" " * 1000

    response = await api.post("/v1/calls", content=chunks(), headers={"content-type": "application/json"})
    is_error(response, 413, "request_entity_too_large")


@pytest.mark.parametrize("key", ["", "x" * 256, "a b"])
async def test_refuses_a_bad_idempotency_key(api: httpx2.AsyncClient, key: str) -> None:
    is_error(
        await api.post("/v1/calls", json=GOOD, headers={"Idempotency-Key": key}),
        422,
        "invalid_value",
        "idempotency-key",
    )


async def test_passes_refusals_on(api: httpx2.AsyncClient, desk: FakeDesk) -> None:
    desk.refusal = Refused("cap_too_low", "one response costs more", field="max_cost_usd")
    is_error(await api.post("/v1/calls", json=GOOD), 422, "cap_too_low", "max_cost_usd")


async def test_takes_no_calls_while_draining(api: httpx2.AsyncClient, desk: FakeDesk) -> None:
    desk.draining = True
    response = await api.post("/v1/calls", json=GOOD)
    is_error(response, 503, "draining")
    assert response.headers["retry-after"]
    assert (await api.get("/healthz")).json() == {"status": "draining"}


async def test_a_broken_store_is_503_and_a_bug_is_500(api: httpx2.AsyncClient, desk: FakeDesk) -> None:
    desk.refusal = StoreError("secret disk full")
    response = await api.get("/v1/calls/c1")
    is_error(response, 503, "store_unavailable")
    assert "secret" not in response.text
    desk.refusal = ZeroDivisionError("secret detail")
    response = await api.get("/v1/calls/c1")
    is_error(response, 500, "internal_error")
    assert "secret" not in response.text


async def test_shows_calls(api: httpx2.AsyncClient, desk: FakeDesk) -> None:
    desk.calls = {name: call_object(name) for name in ("c1", "c2")}
    assert (await api.get("/v1/calls/c2")).json() == desk.calls["c2"]
    assert (await api.get("/v1/calls?limit=1")).json() == {"calls": [desk.calls["c1"]], "next": None}
    is_error(await api.get("/v1/calls/c3"), 404, "not_found")
    is_error(await api.get("/v1/calls?cursor=wrong"), 422, "invalid_cursor", "cursor")
    is_error(await api.get("/v1/calls?limit=0"), 422, "invalid_value", "limit")
    is_error(await api.get("/v1/calls?limit=x"), 422, "invalid_value", "limit")


async def test_hangs_up(api: httpx2.AsyncClient, desk: FakeDesk) -> None:
    desk.calls = {"c1": call_object("c1"), "c2": call_object("c2")}
    desk.ended = {"c2"}
    assert (await api.post("/v1/calls/c1/hangup")).status_code == 202
    is_error(await api.post("/v1/calls/c2/hangup"), 409, "already_ended")
    is_error(await api.post("/v1/calls/c3/hangup"), 404, "not_found")


async def test_errors_of_the_router_have_the_shape_too(api: httpx2.AsyncClient) -> None:
    is_error(await api.get("/nothing"), 404, "not_found")
    response = await api.delete("/v1/calls")
    is_error(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET, POST"


async def test_counts_for_prometheus(api: httpx2.AsyncClient) -> None:
    await api.get("/healthz")
    response = await api.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert 'outwait_http_requests_total{method="GET",status="200"} 1.0' in response.text


async def test_describes_itself(api: httpx2.AsyncClient, keyed: httpx2.AsyncClient) -> None:
    schema = (await api.get("/openapi.json")).json()
    assert set(schema["paths"]) == {
        "/v1/calls",
        "/v1/calls/{call_id}",
        "/v1/calls/{call_id}/hangup",
        "/v1/calls/{call_id}/events",
        "/healthz",
        "/metrics",
    }
    body = schema["paths"]["/v1/calls"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {
        "to", "task", "from", "engine", "max_cost_usd", "max_hold_minutes", "metadata", "disclosure", "time_zone",
            "outcome_schema", "webhook_url", "agent", "human", "call_back_minutes", "menu_path", "voicemail",
    }  # fmt: skip
    assert body["additionalProperties"] is False
    assert "security" not in schema
    schema = (await keyed.get("/openapi.json", headers={"Authorization": "Bearer a key"})).json()
    assert schema["security"] == [{"key": []}]


# --- events ---------------------------------------------------------------------------------------


async def test_no_page_of_ours_has_a_browser_fetch_scripts(api: httpx2.AsyncClient) -> None:
    for path in ("/docs", "/redoc"):
        is_error(await api.get(path), 404, "not_found")


async def test_events_end_after_ended(api: httpx2.AsyncClient, desk: FakeDesk) -> None:
    desk.calls = {"c1": call_object("c1")}
    desk.told = {"c1": [("status", b'{"kind":"status"}'), ("ended", b'{"kind":"ended"}')]}
    response = await api.get("/v1/calls/c1/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text == (
        'id: 1\nevent: status\ndata: {"kind":"status"}\n\nid: 2\nevent: ended\ndata: {"kind":"ended"}\n\n'
    )
    response = await api.get("/v1/calls/c1/events", headers={"Last-Event-ID": "1"})
    assert response.text == 'id: 2\nevent: ended\ndata: {"kind":"ended"}\n\n'
    is_error(await api.get("/v1/calls/c9/events"), 404, "not_found")
    response = await api.get("/v1/calls/c1/events", headers={"Last-Event-ID": "x"})
    is_error(response, 422, "invalid_value", "last-event-id")


async def test_a_quiet_event_stream_shows_that_it_lives(desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 0.001)
    stream = module._server_sent(desk, "c1", 0, asyncio.Event())
    assert await anext(stream) == b": still here\n\n"
    desk.told["c1"] = [("ended", b"{}")]
    desk.more.set()
    seen = [piece async for piece in stream if not piece.startswith(b":")]
    assert seen == [b"id: 1\nevent: ended\ndata: {}\n\n"]


async def test_an_event_stream_ends_with_the_server(desk: FakeDesk) -> None:
    closing = asyncio.Event()
    stream = module._server_sent(desk, "c1", 0, closing)
    first = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0)
    closing.set()
    assert await first is None


# --- access ---------------------------------------------------------------------------------------


async def test_everything_but_health_and_the_carrier_wants_the_key(keyed: httpx2.AsyncClient, desk: FakeDesk) -> None:
    for path in ("/v1/calls", "/metrics", "/openapi.json", "/nothing", "/v1/calls/c1/events"):
        response = await keyed.get(path)
        is_error(response, 401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"
        is_error(await keyed.get(path, headers={"Authorization": "Bearer wrong"}), 401, "unauthorized")
        is_error(await keyed.get(path, headers={"Authorization": "Basic a key"}), 401, "unauthorized")
    assert (await keyed.post("/v1/calls", json=GOOD)).status_code == 401
    assert desk.placed == []
    assert (await keyed.get("/healthz")).status_code == 200
    is_error(await keyed.post("/twilio/voice/c1"), 403, "forbidden")
    assert (await keyed.get("/v1/calls", headers={"Authorization": "Bearer a key"})).status_code == 200


async def test_nothing_but_a_comparison_of_constant_time_decides_on_a_key(
    keyed: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what it compares has one length, so that it tells nothing of the key's."""
    sizes = set()

    def differ(a: bytes, b: bytes) -> bool:
        sizes.update((len(a), len(b)))
        return False

    monkeypatch.setattr("hmac.compare_digest", differ)
    for given in ("a key", "a", "another key, which is longer"):
        is_error(await keyed.get("/v1/calls", headers={"Authorization": f"Bearer {given}"}), 401, "unauthorized")
    assert len(sizes) == 1


async def test_the_public_prefix_may_be_left_on_or_taken_off(keyed: httpx2.AsyncClient) -> None:
    for path in ("/calls/v1/calls", "/v1/calls", "/calls/openapi.json", "/calls/healthz"):
        assert (await keyed.get(path, headers={"Authorization": "Bearer a key"})).status_code == 200
    is_error(await keyed.get("/calls/v1/calls"), 401, "unauthorized")


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "http://127.0.0.1:9"}]
)
async def test_without_a_key_no_web_page_gets_in(
    api: httpx2.AsyncClient, desk: FakeDesk, headers: dict[str, str]
) -> None:
    is_error(await api.post("/v1/calls", json=GOOD, headers=headers), 403, "forbidden")
    is_error(await api.get("/v1/calls", headers=headers), 403, "forbidden")
    assert desk.placed == []
    own = {"Origin": "http://127.0.0.1:8080"}
    assert (await api.get("/v1/calls", headers=own)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"X-Forwarded-Host": "127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
async def test_without_a_key_nobody_comes_in_through_a_proxy(
    api: httpx2.AsyncClient, desk: FakeDesk, headers: dict[str, str]
) -> None:
    """A proxy on this machine has a loopback address, whoever it speaks for."""
    is_error(await api.post("/v1/calls", json=GOOD, headers=headers), 403, "forbidden")
    is_error(await api.get("/metrics", headers=headers), 403, "forbidden")
    assert desk.placed == []
    assert (await api.get("/healthz", headers=headers)).status_code == 200


async def test_without_a_key_only_a_loopback_address_gets_in(desk: FakeDesk) -> None:
    app = build(desk, settings(), "http://127.0.0.1:8080")
    transport = httpx2.ASGITransport(app, client=("203.0.113.9", 4711))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        headers = {"X-Forwarded-For": "127.0.0.1"}
        is_error(await client.get("/v1/calls"), 403, "forbidden")
        is_error(await client.get("/v1/calls", headers=headers), 403, "forbidden")


def with_limits(name: str) -> ApiKey:
    return ApiKey(f"key_{name}", name, 0.0, None, Limits(calls_at_once=1))


async def test_a_kept_key_opens_too_and_is_passed_on(keyed: httpx2.AsyncClient, desk: FakeDesk) -> None:
    desk.keys = {"ow_shop": with_limits("shop")}
    shop = {"Authorization": "Bearer ow_shop", "Idempotency-Key": "once"}
    assert (await keyed.post("/v1/calls", json=GOOD, headers=shop)).status_code == 201
    assert desk.placed[0][0].key == desk.keys["ow_shop"]
    assert (await keyed.post("/v1/calls", json=GOOD, headers={"Authorization": "Bearer a key"})).status_code == 201
    assert desk.placed[1][0].key is None
    is_error(await keyed.get("/v1/calls", headers={"Authorization": "Bearer ow_other"}), 401, "unauthorized")
    is_error(await keyed.get("/v1/calls", headers={"Authorization": "Basic ow_shop"}), 401, "unauthorized")


async def test_a_wrong_key_is_wrong_even_where_none_is_needed(api: httpx2.AsyncClient, desk: FakeDesk) -> None:
    desk.keys = {"ow_shop": with_limits("shop")}
    is_error(await api.get("/v1/calls", headers={"Authorization": "Bearer revoked"}), 401, "unauthorized")
    assert (await api.get("/v1/calls", headers={"Authorization": "Bearer ow_shop"})).status_code == 200


async def test_with_the_store_down_the_configured_key_still_opens(keyed: httpx2.AsyncClient, desk: FakeDesk) -> None:
    desk.refusal = StoreError("disk full")
    is_error(await keyed.get("/metrics", headers={"Authorization": "Bearer ow_shop"}), 503, "store_unavailable")
    assert (await keyed.get("/metrics", headers={"Authorization": "Bearer a key"})).status_code == 200


async def test_passes_on_how_the_agent_names_itself(api: httpx2.AsyncClient, desk: FakeDesk) -> None:
    wish = GOOD | {"disclosure": "the assistant of Northwind", "time_zone": "America/New_York"}
    assert (await api.post("/v1/calls", json=wish)).status_code == 201
    assert desk.placed[0][0].disclosure == "the assistant of Northwind"
    assert desk.placed[0][0].time_zone == "America/New_York"
    is_error(await api.post("/v1/calls", json=GOOD | {"disclosure": " "}), 422, "invalid_value", "disclosure")
