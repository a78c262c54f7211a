"""The simulated carrier lives a call as Twilio does. All of it in memory and in virtual time."""

import asyncio
import base64
from dataclasses import replace

import httpx2
import pytest
from twilio.request_validator import RequestValidator

from outwait.sim.hearing import Hearing
from outwait.sim.media_socket import ConnectFailed, connect_socket
from outwait.sim.scenario import Ring, Wait, load
from outwait.sim.serving import serve_http
from outwait.sim.twilio import TwilioSim
from outwait.sim.world import until

from .program import BASE, STREAM, TALK, Media, carrier, virtual

LOUD = base64.b64encode(b"\x20" * 8000).decode()  # one second


@virtual
async def test_a_call_is_told_by_signed_callbacks_in_order():
    async with carrier("{ ring = 2 }, { pause = 61.2 }, { hangup = true }") as program:
        call = await program.dial()
        await program.sim.ended(call, 200)
        validator = RequestValidator(program.sim.auth_token)
        for path, form, headers in program.received:
            assert validator.validate(BASE + path, form, headers["x-twilio-signature"])
        told = [(form["CallStatus"], form["SequenceNumber"]) for form in program.callbacks]
        assert told == [("initiated", "0"), ("ringing", "1"), ("in-progress", "2"), ("completed", "3")]
        last = program.callbacks[-1]
        assert (last["CallDuration"], last["Duration"]) == ("62", "2")
        assert last["CallbackSource"] == "call-progress-events"
        assert program.received[0][1]["Direction"] == "outbound-api"
        assert call.ended_why == "far_end"
        assert call.answered_at - call.created_at == pytest.approx(2, abs=0.1)


@virtual
async def test_the_media_socket_is_signed_and_carries_the_parameters():
    async with carrier() as program:
        call = await program.dial()
        await until(lambda: program.sockets and program.sockets[0].frames > 10)
        (socket,) = program.sockets
        signature = socket.headers["x-twilio-signature"]
        assert RequestValidator(program.sim.auth_token).validate("ws://127.0.0.1/media", {}, signature)
        assert socket.start["customParameters"] == {"token": "t"}
        assert socket.start["callSid"] == call.sid
        await program.update(call, Status="completed")
        await program.sim.ended(call)
        assert (call.status, call.completed_requests) == ("completed", 1)
        assert (await program.update(call, Status="completed")).json()["code"] == 20404


@virtual
async def test_what_is_said_is_heard_and_marked():
    events = []

    async def media(socket: Media) -> None:
        async for message in socket.messages():
            if socket.frames == 1 and not events:
                await socket.say("media", media={"payload": LOUD})
                await socket.say("mark", mark={"name": "end"})
            if message["event"] != "media":
                events.append((message["event"], socket.frames))

    async with carrier("{ ring = 0 }, { pause = 3 }", media=media) as program:
        call = await program.dial()
        await program.sim.ended(call)
        (mark, frames), (stop, _) = [event for event in events if event[0] in ("mark", "stop")]
        assert (mark, stop) == ("mark", "stop")
        assert frames == pytest.approx(51, abs=2)
        (heard,) = [entry for entry in call.far_end.diary if entry.kind == "heard"]
        assert heard.end - heard.start == pytest.approx(1, abs=0.05)


@virtual
async def test_closing_the_socket_leads_to_the_next_verb():
    async def media(socket: Media) -> None:
        async for _ in socket.messages():
            if socket.frames == 20:
                await socket.close()

    twiml = [f"{STREAM}<Redirect>/again?n=1</Redirect>", f"{STREAM}<Hangup/>"]
    async with carrier(twiml=twiml, media=media) as program:
        call = await program.dial()
        await program.sim.ended(call)
        first, second = program.sockets
        assert first.start["streamSid"] != second.start["streamSid"]
        assert first.start["callSid"] == second.start["callSid"]
        assert [path for path, _, _ in program.received if "again" in path] == ["/again?n=1"]
        assert [record.ended for record in call.streams] == ["peer_closed", "peer_closed"]
        assert [warning.code for warning in call.all_warnings] == [31921, 31921]
        assert call.ended_why == "twiml"


@virtual
async def test_nothing_after_the_stream_ends_the_call():
    async def media(socket: Media) -> None:
        async for _ in socket.messages():
            await socket.close()
            return

    async with carrier(media=media) as program:
        call = await program.dial()
        await program.sim.ended(call)
        assert call.ended_why == "no_more_verbs"


@virtual
async def test_new_twiml_replaces_the_stream():
    async with carrier() as program:
        call = await program.dial()
        await until(lambda: program.sockets and program.sockets[0].frames > 10)
        digits = '<Response><Play digits="1w2"/><Redirect>http://program.test/voice</Redirect></Response>'
        assert (await program.update(call, Twiml=digits)).status_code == 200
        await until(lambda: len(program.sockets) == 2 and program.sockets[1].frames > 10)
        assert call.digits_played == "1w2"
        await program.update(call, Url=f"{BASE}/other")
        await until(lambda: len(program.sockets) == 3)
        await program.update(call, Twiml="<Response><Dial>+12025550111</Dial></Response>")
        await program.sim.ended(call)
        assert call.dialled == "+12025550111"
        assert [record.ended for record in call.streams] == ["replaced", "replaced", "replaced"]


@virtual
async def test_a_broken_socket_is_attached_again():
    steps = "{ ring = 1 }, { pause = 2 }, { drop = true }, { pause = 2 }, { hangup = true }"
    async with carrier(steps, [f"{STREAM}<Redirect>/voice</Redirect>"]) as program:
        call = await program.dial()
        await program.sim.ended(call)
        assert [record.ended for record in call.streams] == ["dropped", "stopped"]


@virtual
async def test_the_fallback_is_asked_when_the_webhook_fails():
    async with carrier(twiml=[(500, ""), "<Hangup/>"]) as program:
        call = await program.dial(FallbackUrl=f"{BASE}/fallback")
        await program.sim.ended(call)
        assert call.ended_why == "twiml"
        assert [warning.code for warning in call.warnings] == [11200]
        assert "/fallback" in [path for path, _, _ in program.received]
    async with carrier(twiml=[(500, "")]) as program:
        call = await program.dial()
        await program.sim.ended(call)
        assert call.ended_why == "webhook_failed"


@virtual
async def test_the_time_limit_holds():
    async with carrier() as program:
        call = await program.dial(TimeLimit="5")
        await program.sim.ended(call)
        assert (call.ended_why, round(call.media_seconds)) == ("time_limit", 5)


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed"])
@virtual
async def test_nobody_answers(status):
    async with carrier(f"{{ ring = 1 }}, {{ refuse = '{status}' }}") as program:
        call = await program.dial()
        await program.sim.ended(call)
        assert program.callbacks[-1]["CallStatus"] == call.status == status
        assert program.callbacks[-1]["CallDuration"] == "0"


@virtual
async def test_it_rings_out():
    async with carrier("{ ring = 30 }, { pause = 1 }") as program:
        call = await program.dial(Timeout="10")
        await program.sim.ended(call)
        assert call.status == "no-answer"
        assert call.ended_at - call.created_at == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("order", ["canceled", "completed"])
@virtual
async def test_a_ringing_call_can_be_canceled(order):
    async with carrier("{ ring = 30 }, { pause = 1 }") as program:
        call = await program.dial()
        await until(lambda: call.status == "ringing")
        await program.update(call, Status=order)
        await program.sim.ended(call)
        assert call.status == "canceled"


@virtual
async def test_only_the_callbacks_asked_for_are_sent():
    async with carrier("{ ring = 1 }, { hangup = true }") as program:
        call = await program.dial(StatusCallbackEvent="answered")
        await program.sim.ended(call)
        assert program.callbacks == []
        call = await program.dial(StatusCallbackEvent=[])
        await program.sim.ended(call)
        assert [form["CallStatus"] for form in program.callbacks] == ["busy"]


@virtual
async def test_callbacks_can_be_lost():
    async with carrier("{ ring = 1 }, { hangup = true }", rest="[carrier]\nlose_callbacks = true") as program:
        call = await program.dial()
        await program.sim.ended(call)
        assert program.callbacks == []


@virtual
async def test_rest_refuses_what_twilio_refuses():
    async with carrier() as program:
        assert (await program.create(To="911")).json()["code"] == 21211
        assert (await program.create(From="me")).json()["code"] == 21212
        assert (await program.create(Url="")).json()["code"] == 21205
        assert (await program.create(StatusCallbackEvent="dinner")).json()["code"] == 21626
        unauthorised = await program.create(auth=("AC1", "wrong"))
        assert (unauthorised.status_code, unauthorised.json()["code"]) == (401, 20003)
        assert (await program.get("Calls/CA" + "0" * 32 + ".json")).status_code == 404
        assert (await program.get("Conferences.json")).status_code == 404
        assert program.sim.calls == {}
        assert [request.status for request in program.sim.requests] == [400, 400, 400, 400, 401, 404, 404]


@virtual
async def test_rest_shows_calls():
    async with carrier("{ ring = 10 }, { pause = 1 }") as program:
        call = await program.dial()
        assert (await program.get(f"Calls/{call.sid}.json")).json()["sid"] == call.sid
        await until(lambda: call.status == "ringing")
        found = (await program.get("Calls.json?Status=ringing&To=%2B12025550143")).json()["calls"]
        assert [entry["status"] for entry in found] == ["ringing"]
        assert (await program.get("Calls.json?Status=completed")).json()["calls"] == []
        assert (await program.update(call, Twiml="<Response/>")).json()["code"] == 21220
        assert (await program.update(call, Status="dancing")).json()["code"] == 20001


@virtual
async def test_rest_fails_when_told_so():
    faults = "[carrier]\ncreate_fails = [500, 429]\ncomplete_fails = [500]"
    async with carrier(TALK, rest=faults) as program:
        assert [(await program.create()).status_code for _ in range(3)] == [500, 429, 201]
        call = await program.sim.first_call()
        await until(lambda: call.status == "in-progress")
        assert [(await program.update(call, Status="completed")).status_code for _ in range(2)] == [500, 200]
        await program.sim.ended(call)
        assert call.completed_requests == len(call.completed_at) == 2


@virtual
async def test_streams_tell_of_themselves():
    twiml = STREAM.replace(
        'url="ws://127.0.0.1/media"', 'url="ws://127.0.0.1/media" statusCallback="http://program.test/status-of"'
    )
    async with carrier("{ ring = 0 }, { pause = 1 }, { hangup = true }", [twiml]) as program:
        call = await program.dial()
        await program.sim.ended(call)
        await until(lambda: len([1 for path, _, _ in program.received if path == "/status-of"]) == 2)
        told = [form["StreamEvent"] for path, form, _ in program.received if path == "/status-of"]
        assert told == ["stream-started", "stream-stopped"]


@virtual
async def test_webhooks_by_get():
    async with carrier(twiml=["<Redirect method='GET'>/get</Redirect>", "<Hangup/>"]) as program:
        call = await program.dial()
        await program.sim.ended(call)
        (path, form, headers) = next(entry for entry in program.received if entry[0].startswith("/get"))
        assert form == {}
        assert "CallSid=" in path
        assert RequestValidator(program.sim.auth_token).validate(BASE + path, {}, headers["x-twilio-signature"])


@virtual
async def test_other_verbs_take_their_time():
    twiml = ['<Pause length="2"/><Play digits="1w"/><Dial>+12025550111</Dial>']
    async with carrier(twiml=twiml) as program:
        call = await program.dial()
        await program.sim.ended(call)
        assert call.media_seconds == pytest.approx(2 + 0.7 + 1, abs=0.1)
        assert (call.ended_why, call.digits_played) == ("dialled", "1w")


@virtual
async def test_an_order_cuts_a_pause_and_a_fetch_short():
    async with carrier(twiml=['<Pause length="50"/>']) as program:
        call = await program.dial()
        await until(lambda: call.media_seconds > 1)
        await program.update(call, Status="completed")
        await program.sim.ended(call)
        assert call.media_seconds < 2

    hanging = asyncio.Event()
    async with carrier(webhook=hanging.wait) as program:
        call = await program.dial()
        await until(lambda: call.status == "in-progress")
        await program.update(call, Status="completed")
        await program.sim.ended(call)
        assert call.ended_why == "api"


@pytest.mark.parametrize(
    ("twiml", "code"), [("<Sing/>", 12200), ('<Connect><Stream url="http://x.example/media"/></Connect>', 31922)]
)
@virtual
async def test_wrong_twiml_ends_the_call(twiml, code):
    async with carrier(twiml=[twiml]) as program:
        call = await program.dial()
        await program.sim.ended(call)
        assert call.ended_why == "webhook_failed"
        assert [warning.code for warning in call.warnings] == [code]


@virtual
async def test_calls_of_different_numbers():
    scenarios = {"+12025550111": load("busy"), "": load("no_answer")}
    async with httpx2.AsyncClient() as http, TwilioSim(scenarios, Hearing(), http=http, connect=_nowhere) as sim:
        calls = [
            sim.dial({"To": to, "From": "+12025550199", "Twiml": ""}, frozenset()) for to in ("+12025550111", "+1")
        ]
        for call in calls:
            await sim.ended(call)
        assert [call.status for call in calls] == ["busy", "no-answer"]


async def test_sockets_that_do_not_come_up():
    async with serve_http(_teapot) as port:
        wrong = f"127.0.0.1:{port}"
        urls = [f"ws://{wrong}/media", "ws://127.0.0.1:1/media"]
        for url, code in zip(urls, (31920, 31902), strict=True):
            with pytest.raises(ConnectFailed) as failed:
                await connect_socket(url, {})
            assert failed.value.code == code
        text = f"{_stream(urls[0])}{_stream(urls[1])}"
        scenario = replace(load("short_hold"), steps=(Ring(0.0), Wait(60.0)))
        async with TwilioSim(scenario, Hearing()) as sim:
            form = {"To": "+12025550143", "From": "+12025550199", "StatusCallback": "http://127.0.0.1:1/"}
            call = sim.dial({**form, "Twiml": f"<Response>{text}</Response>"}, frozenset({"completed"}))
            await sim.ended(call)
            assert sorted(warning.code for warning in call.warnings) == [11205, 31902, 31920]
            call = sim.dial({**form, "Url": "http://127.0.0.1:1/"}, frozenset())
            await sim.ended(call)
            assert call.ended_why == "webhook_failed"


async def test_a_call_under_way_is_dropped_when_the_carrier_stops():
    async with TwilioSim(load("short_hold"), Hearing()) as sim:
        form = {"To": "+12025550143", "From": "+12025550199", "Twiml": '<Response><Pause length="90"/></Response>'}
        call = sim.dial(form, frozenset())
        assert await sim.first_call() is call
    assert not call.over


async def _nowhere(url, headers):
    raise ConnectFailed(31902, url)


async def _teapot(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def _stream(url: str) -> str:
    return f'<Connect><Stream url="{url}"/></Connect>'
