"""Twilio's REST API at the other end of a mock transport."""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx2
import pytest

from outwait.call.events import Trouble
from outwait.carriers.base import CarrierError, LegReport
from outwait.carriers.twilio import TwilioCarrier, Urls

SID, TOKEN = "AC1", "secret-token"
CALL = {"sid": "CA1", "status": "queued", "direction": "outbound-api", "duration": None}
CALLS = "/2010-04-01/Accounts/AC1/Calls"

Answer = Callable[[httpx2.Request], httpx2.Response]


def carrier(answer: Answer, **more: str) -> TwilioCarrier:
    urls = Urls.of("https://voice.example.com/x")
    return TwilioCarrier(SID, TOKEN, urls, transport=httpx2.MockTransport(answer), **more)  # type: ignore[arg-type]


class Twilio:
    """Answers in turn, and keeps what it was asked."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, list[str]]]] = []
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        fields = request.content.decode() or request.url.query.decode()
        self.asked.append((request.method, request.url.path, parse_qs(fields)))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def ok(code: int = 200, **changed: object) -> httpx2.Response:
    return httpx2.Response(code, json=CALL | changed)


def error(status: int, code: int | None = None) -> httpx2.Response:
    return httpx2.Response(status, json={"code": code, "message": "because", "status": status})


async def test_asks_who_answers_without_waiting_for_it() -> None:
    twilio = Twilio(ok(201))
    async with carrier(twilio) as subject:
        await subject.dial("c1", "+12025550143", "+12025550199", ring_seconds=60, time_limit=4800, judge=True)
    form = twilio.asked[0][2]
    assert (form["MachineDetection"], form["AsyncAmd"]) == (["Enable"], ["true"])
    assert form["AsyncAmdStatusCallback"] == ["https://voice.example.com/x/twilio/judged/c1"]


async def test_dials() -> None:
    twilio = Twilio(ok(201))
    async with carrier(twilio, fallback_url="https://other.example/twiml") as subject:
        assert await subject.dial("c1", "+12025550143", "+12025550199", ring_seconds=60, time_limit=4800) == "CA1"
    assert twilio.asked == [
        (
            "POST",
            CALLS + ".json",
            {
                "To": ["+12025550143"],
                "From": ["+12025550199"],
                "Url": ["https://voice.example.com/x/twilio/voice/c1"],
                "Method": ["POST"],
                "StatusCallback": ["https://voice.example.com/x/twilio/status/c1"],
                "StatusCallbackMethod": ["POST"],
                "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
                "Timeout": ["60"],
                "TimeLimit": ["4800"],
                "FallbackUrl": ["https://other.example/twiml"],
                "FallbackMethod": ["POST"],
            },
        )
    ]
    request = twilio.requests[0]
    assert request.url.host == "api.twilio.com"
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"AC1:secret-token").decode()


async def test_goes_where_it_is_told() -> None:
    twilio = Twilio(ok(201))
    async with carrier(twilio, base_url="http://127.0.0.1:9/base/") as subject:
        await subject.dial("c1", "+12025550143", "+12025550199", ring_seconds=60, time_limit=4800)
    assert str(twilio.requests[0].url) == f"http://127.0.0.1:9/base{CALLS}.json"
    assert "FallbackUrl" not in twilio.asked[0][2]


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (error(400, 21211), Trouble.REFUSED),
        (error(401, 20003), Trouble.REFUSED),
        (error(403), Trouble.REFUSED),
        (error(429, 20429), Trouble.BUSY),
        (error(408), Trouble.BUSY),
        (error(500), Trouble.BUSY),
        (httpx2.Response(503, text="<html>"), Trouble.BUSY),
        (httpx2.Response(302, headers={"location": "/x"}), Trouble.REFUSED),
        (httpx2.Response(201, text="{}"), Trouble.LOST),
        (httpx2.Response(201, text="nope"), Trouble.LOST),
        (httpx2.ConnectError("refused"), Trouble.LOST),
        (httpx2.ReadTimeout("slow"), Trouble.LOST),
    ],
)
async def test_says_what_went_wrong(answer: httpx2.Response | Exception, trouble: Trouble) -> None:
    twilio = Twilio(answer)
    async with carrier(twilio) as subject:
        with pytest.raises(CarrierError) as failed:
            await subject.dial("c1", "+12025550143", "+12025550199", ring_seconds=60, time_limit=4800)
    assert failed.value.trouble is trouble
    assert not failed.value.gone
    assert TOKEN not in str(failed.value)
    assert len(twilio.asked) == 1  # never dials twice


async def test_hangs_up() -> None:
    twilio = Twilio(ok(status="completed"))
    async with carrier(twilio) as subject:
        await subject.hang_up("CA1", cancel=False)
    assert twilio.asked == [("POST", f"{CALLS}/CA1.json", {"Status": ["completed"]})]


async def test_cancels() -> None:
    twilio = Twilio(ok(status="canceled"))
    async with carrier(twilio) as subject:
        await subject.hang_up("CA1", cancel=True)
    assert twilio.asked == [("POST", f"{CALLS}/CA1.json", {"Status": ["canceled"]})]


@pytest.mark.parametrize("answer", [ok(status="in-progress"), error(400, 21220)])
async def test_a_leg_answered_while_it_is_cancelled_is_ended(answer: httpx2.Response) -> None:
    twilio = Twilio(answer, ok(status="completed"))
    async with carrier(twilio) as subject:
        await subject.hang_up("CA1", cancel=True)
    assert [form for _, _, form in twilio.asked] == [{"Status": ["canceled"]}, {"Status": ["completed"]}]


@pytest.mark.parametrize("answer", [error(404, 20404), error(400, 21220), httpx2.Response(404, text="gone")])
async def test_over_already_is_no_error(answer: httpx2.Response) -> None:
    async with carrier(Twilio(answer)) as subject:
        await subject.hang_up("CA1", cancel=False)


async def test_a_hang_up_that_fails_says_so() -> None:
    async with carrier(Twilio(error(503))) as subject:
        with pytest.raises(CarrierError):
            await subject.hang_up("CA1", cancel=False)


async def test_asks() -> None:
    twilio = Twilio(ok(status="completed", duration="61"), ok(), ok(duration="x"), error(404, 20404))
    async with carrier(twilio) as subject:
        assert await subject.fetch("CA1") == LegReport("completed", 61)
        assert await subject.fetch("CA1") == LegReport("queued", None)
        assert await subject.fetch("CA1") == LegReport("queued", None)
        with pytest.raises(CarrierError) as failed:
            await subject.fetch("CA1")
    assert failed.value.gone


async def test_finds_the_only_live_leg() -> None:
    other = CALL | {"sid": "CA2", "status": "completed"}
    inbound = CALL | {"sid": "CA3", "status": "in-progress", "direction": "inbound"}
    second = CALL | {"sid": "CA4", "status": "ringing"}
    twilio = Twilio(
        httpx2.Response(200, json={"calls": [other, inbound, CALL]}),
        httpx2.Response(200, json={"calls": [second, CALL]}),
        httpx2.Response(200, json={"calls": []}),
    )
    async with carrier(twilio) as subject:
        assert await subject.find("c1", "+12025550143") == "CA1"
        assert await subject.find("c1", "+12025550143") is None
        assert await subject.find("c1", "+12025550143") is None
    assert twilio.asked[0] == ("GET", CALLS + ".json", {"To": ["+12025550143"], "PageSize": ["50"]})


async def test_has_a_leg_ask_again() -> None:
    twilio = Twilio(ok(status="in-progress"), error(400, 21220), error(404, 20404))
    async with carrier(twilio) as subject:
        await subject.reclaim("c1", "CA1")
        with pytest.raises(CarrierError) as ringing:
            await subject.reclaim("c1", "CA1")
        with pytest.raises(CarrierError) as over:
            await subject.reclaim("c1", "CA1")
    url = "https://voice.example.com/x/twilio/after-stream/c1"
    assert twilio.asked[0] == ("POST", f"{CALLS}/CA1.json", {"Url": [url], "Method": ["POST"]})
    assert not ringing.value.gone, "it is not in progress, which it may yet be"
    assert over.value.gone
