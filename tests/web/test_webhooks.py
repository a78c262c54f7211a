"""Twilio's webhooks: twilio's own validator signs, and its TwiML is read back."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import httpx2
import pytest
from twilio.request_validator import RequestValidator

from outwait.call.events import CarrierJudged, LegReported

from .conftest import PUBLIC
from .desk import TOKEN, FakeDesk, call_object

FORM = {"CallSid": "CA1", "AccountSid": "AC1", "CallStatus": "in-progress", "Empty": "", "Text": "\u00fc & +"}


@pytest.fixture(autouse=True)
def one_call(desk: FakeDesk) -> None:
    desk.calls = {"c1": call_object("c1")}


def signed(path: str, form: dict[str, str], token: str = TOKEN) -> dict[str, str]:
    return {"X-Twilio-Signature": RequestValidator(token).compute_signature(PUBLIC + path, form)}


async def post(client: httpx2.AsyncClient, path: str, form: dict[str, str], prefix: str = "/calls") -> httpx2.Response:
    return await client.post(prefix + path, data=form, headers=signed(path, form))


@pytest.mark.parametrize("prefix", ["", "/calls"])
async def test_connects_an_answered_leg(keyed: httpx2.AsyncClient, desk: FakeDesk, prefix: str) -> None:
    response = await post(keyed, "/twilio/voice/c1", FORM, prefix)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/xml")
    assert desk.answers == [("c1", "CA1", False)]
    tree = ET.fromstring(response.text)
    assert [child.tag for child in tree] == ["Connect", "Redirect"]
    stream = tree.find("Connect/Stream")
    assert stream is not None
    assert stream.get("url") == "wss://voice.example.com/calls/twilio/media"
    assert stream.get("statusCallback") == PUBLIC + "/twilio/stream-status/c1"
    parameters = {child.get("name"): child.get("value") for child in stream}
    assert parameters == {"call_id": "c1", "token": "token-0"}
    assert tree.findtext("Redirect") == PUBLIC + "/twilio/after-stream/c1"


async def test_every_twiml_brings_its_own_token(keyed: httpx2.AsyncClient, desk: FakeDesk) -> None:
    await post(keyed, "/twilio/voice/c1", FORM)
    response = await post(keyed, "/twilio/after-stream/c1", FORM)
    assert "token-1" in response.text
    assert desk.answers == [("c1", "CA1", False), ("c1", "CA1", True)]


async def test_hangs_up_a_leg_that_is_done(keyed: httpx2.AsyncClient, desk: FakeDesk) -> None:
    desk.what = "hangup"
    response = await post(keyed, "/twilio/after-stream/c1", FORM)
    assert [child.tag for child in ET.fromstring(response.text)] == ["Hangup"]
    assert desk.tokens == set()


@pytest.mark.parametrize(
    ("said", "who"),
    [("human", "person"), ("machine_start", "machine"), ("machine_end_beep", "voicemail"), ("cyborg", "unknown")],
)
async def test_reports_who_answered(keyed: httpx2.AsyncClient, desk: FakeDesk, said: str, who: str) -> None:
    form = {"CallSid": "CA1", "AccountSid": "AC1", "AnsweredBy": said, "MachineDetectionDuration": "2300"}
    assert (await post(keyed, "/twilio/judged/c1", form)).status_code == 204
    assert desk.reported == [("c1", CarrierJudged(who))]  # type: ignore[arg-type]
    forged = await keyed.post("/calls/twilio/judged/c1", data=form, headers=signed("/twilio/judged/c1", FORM))
    assert forged.status_code == 403
    assert len(desk.reported) == 1


async def test_reports_the_status(keyed: httpx2.AsyncClient, desk: FakeDesk) -> None:
    form = FORM | {"CallStatus": "completed", "SequenceNumber": "3", "CallDuration": "61"}
    assert (await post(keyed, "/twilio/status/c1", form)).status_code == 204
    assert (await post(keyed, "/twilio/status/c1", FORM)).status_code == 204
    assert desk.reported == [
        ("c1", LegReported(status="completed", sequence=3, duration=61)),
        ("c1", LegReported(status="in-progress")),
    ]


async def test_the_status_of_another_leg_is_not_taken_for_this_one(keyed: httpx2.AsyncClient, desk: FakeDesk) -> None:
    form = FORM | {"CallSid": "CA2", "CallStatus": "completed"}
    assert (await post(keyed, "/twilio/status/c1", form)).status_code == 404
    assert desk.reported == []


async def test_what_is_no_form_is_not_signed(keyed: httpx2.AsyncClient) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": "nonsense"}
    response = await keyed.post("/twilio/status/c1", content=b"\xff\xfe=%zz&&&", headers=kind)
    assert response.status_code == 403


@pytest.mark.parametrize(
    "changed", [{"CallStatus": "odd"}, {"CallStatus": ""}, {"SequenceNumber": "x"}, {"CallDuration": "-1"}]
)
async def test_refuses_a_status_it_cannot_read(
    keyed: httpx2.AsyncClient, desk: FakeDesk, changed: dict[str, str]
) -> None:
    response = await post(keyed, "/twilio/status/c1", FORM | changed)
    assert response.status_code == 422
    assert response.json()["error"]["field"] in changed
    assert desk.reported == []


async def test_takes_the_streams_status(keyed: httpx2.AsyncClient) -> None:
    form = {"StreamEvent": "stream-error", "StreamError": "31921", "CallSid": "CA1"}
    assert (await post(keyed, "/twilio/stream-status/c1", form)).status_code == 204
    assert (await post(keyed, "/twilio/stream-status/c9", form)).status_code == 404
    metrics = await keyed.get("/metrics", headers={"Authorization": "Bearer a key"})
    assert "outwait_stream_errors_total 1.0" in metrics.text


@pytest.mark.parametrize("name", ["voice", "after-stream", "status", "stream-status"])
async def test_the_signature_comes_first(keyed: httpx2.AsyncClient, desk: FakeDesk, name: str) -> None:
    for call_id in ("c1", "c9"):
        path = f"/twilio/{name}/{call_id}"
        good = signed(path, FORM)
        wrong: list[dict[str, str]] = [
            {},
            {"X-Twilio-Signature": ""},
            {"X-Twilio-Signature": "nonsense"},
            signed(path, FORM, token="another"),
            signed(path + "x", FORM),
            signed(path, FORM | {"CallSid": "CA2"}),
        ]
        for headers in wrong:
            response = await keyed.post(path, data=FORM, headers=headers)
            assert response.status_code == 403
            assert response.json()["error"]["code"] == "forbidden"
        response = await keyed.post(path + "?a=1", data=FORM, headers=good)
        assert response.status_code == 403
    assert desk.answers == []
    assert desk.reported == []
    response = await keyed.post(f"/twilio/{name}/c9", data=FORM, headers=signed(f"/twilio/{name}/c9", FORM))
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


async def test_other_shapes_of_request(keyed: httpx2.AsyncClient, desk: FakeDesk) -> None:
    path = "/twilio/voice/c1"
    assert (await keyed.get(path)).status_code == 405
    response = await keyed.post(path, headers=signed(path, {}))
    assert response.status_code == 422
    assert response.json()["error"]["field"] == "CallSid"
    response = await keyed.post(path, content=b"{}", headers=signed(path, {}) | {"content-type": "application/json"})
    assert response.status_code == 403
    odd = {"content-type": "application/x-www-form-urlencoded"}
    assert (await keyed.post(path, content=b"a=%ff", headers=odd)).status_code in (403, 422)
    assert (await keyed.post(path, content=b"a=1&" * 300, headers=odd)).status_code in (403, 422)
    assert (await keyed.post(path, content=b"\xff" * 70_000, headers=odd)).status_code == 413
    assert desk.answers == []


async def test_a_signed_query_is_part_of_the_address(keyed: httpx2.AsyncClient) -> None:
    response = await keyed.post(
        "/twilio/voice/c1?a=%20b&c", data=FORM, headers=signed("/twilio/voice/c1?a=%20b&c", FORM)
    )
    assert response.status_code == 200
