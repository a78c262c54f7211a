"""The media socket over a real server on 127.0.0.1."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from outwait.call.events import AnyEvent, Heard, KeyHeard, Marked, StreamLost, StreamStopped
from outwait.carriers.twilio import stream
from outwait.store.base import StoreError
from outwait.web import media
from outwait.web.server import listening

from .desk import TOKEN, FakeDesk, settings

SID = "MZ" + "1" * 32
ULAW = bytes(range(160))


@pytest.fixture
async def url(desk: FakeDesk) -> AsyncIterator[str]:
    """Of a running server."""

    @asynccontextmanager
    async def open_desk(_url: str, _registry: CollectorRegistry) -> AsyncIterator[FakeDesk]:
        yield desk

    desk.tokens = {"good"}
    async with listening(settings(), open_desk) as (address, _):
        yield address


def dial(url: str, signature: str | None = None, path: str = "/twilio/media") -> connect:
    address = "ws" + url.removeprefix("http") + path
    if signature is None:
        signature = RequestValidator(TOKEN).compute_signature(address, {})
    headers = {"x-twilio-signature": signature} if signature else {}
    return connect(address, additional_headers=headers, compression=None, proxy=None)


def start(token: str = "good", **format_: Any) -> dict[str, Any]:
    return {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": SID,
        "start": {
            "accountSid": "AC1",
            "streamSid": SID,
            "callSid": "CA1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1} | format_,
            "customParameters": {"call_id": "c1", "token": token},
        },
    }


def sound(number: int, sid: str = SID, track: str = "inbound", payload: bytes = ULAW) -> dict[str, Any]:
    text = base64.b64encode(payload).decode()
    body = {"track": track, "chunk": str(number), "timestamp": str(number * 20), "payload": text}
    return {"event": "media", "sequenceNumber": str(number + 1), "streamSid": sid, "media": body}


async def say(socket: ClientConnection, *messages: dict[str, Any]) -> None:
    for message in messages:
        await socket.send(json.dumps(message))


@asynccontextmanager
async def streaming(url: str, desk: FakeDesk) -> AsyncIterator[ClientConnection]:
    """A socket that has been let in."""
    async with dial(url) as socket:
        await say(socket, {"event": "connected", "protocol": "Call", "version": "1.0.0"}, start())
        async with asyncio.timeout(10):
            await desk.stream_there.wait()
        yield socket


async def closed(socket: ClientConnection) -> int:
    """The code with which the server closed it."""
    async with asyncio.timeout(10):
        await socket.wait_closed()
    assert socket.close_code is not None
    return socket.close_code


def lost(events: list[AnyEvent]) -> bool:
    return any(isinstance(event, StreamLost) for event in events)


async def test_a_stream_from_start_to_stop(url: str, desk: FakeDesk) -> None:
    async with streaming(url, desk) as socket:
        assert desk.attached == [("good", "CA1")]
        await say(
            socket,
            sound(1),
            sound(2, payload=b"\xff" * 33),
            {"event": "mark", "sequenceNumber": "3", "streamSid": SID, "mark": {"name": "m1"}},
            {"event": "dtmf", "streamSid": SID, "dtmf": {"track": "inbound_track", "digit": "5"}},
            {"event": "stop", "streamSid": SID, "stop": {"accountSid": "AC1", "callSid": "CA1"}},
        )
        await socket.close()
    events = await desk.inbox.until(lost)
    assert events == [
        Heard(1, 0.02, ULAW),
        Heard(1, 0.04, b"\xff" * 33),
        Marked(1, "m1"),
        KeyHeard(1, "5"),
        StreamStopped(1),
        StreamLost(1, 1000),
    ]


async def test_what_we_send(url: str, desk: FakeDesk) -> None:
    async with streaming(url, desk) as socket:
        assert desk.stream is not None
        await desk.stream.play(ULAW)
        await desk.stream.play(b"")
        await desk.stream.mark('r1 "end"')
        await desk.stream.clear()
        seen = [json.loads(await socket.recv()) for _ in range(3)]
        await desk.stream.close()
        await desk.stream.close()
        assert await closed(socket) == 1000
    assert seen == [
        {"event": "media", "streamSid": SID, "media": {"payload": base64.b64encode(ULAW).decode()}},
        {"event": "mark", "streamSid": SID, "mark": {"name": 'r1 "end"'}},
        {"event": "clear", "streamSid": SID},
    ]
    await desk.inbox.until(lost)
    await desk.stream.play(ULAW)  # after the end: nobody minds
    await desk.stream.mark("late")
    assert desk.inbox.events == [StreamLost(1, 1000)]


@pytest.mark.parametrize("signature", ["", "nonsense", RequestValidator("other").compute_signature("ws://x", {})])
async def test_an_unsigned_upgrade_is_refused(url: str, desk: FakeDesk, signature: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dial(url, signature):
            pass
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body)["error"]["code"] == "forbidden"
    assert desk.attached == []


async def test_the_signature_may_have_a_trailing_slash(url: str) -> None:
    address = "ws" + url.removeprefix("http") + "/twilio/media/"
    async with dial(url, RequestValidator(TOKEN).compute_signature(address, {})):
        pass


async def test_no_other_socket_is_there(url: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dial(url, path="/v1/calls"):
            pass
    assert refused.value.response.status_code == 404


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_a_bad_token_opens_nothing(url: str, desk: FakeDesk, token: str) -> None:
    async with dial(url) as socket:
        await say(socket, start(token))
        assert await closed(socket) == 1008
    assert desk.stream is None


async def test_a_token_is_wanted(url: str, desk: FakeDesk) -> None:
    message = start()
    del message["start"]["customParameters"]
    async with dial(url) as socket:
        await say(socket, message)
        assert await closed(socket) == 1008
    assert desk.attached == [("", "CA1")]


@pytest.mark.parametrize("format_", [{"encoding": "audio/x-l16"}, {"sampleRate": 16000}, {"channels": 2}])
async def test_another_codec_is_refused(url: str, desk: FakeDesk, format_: dict[str, Any]) -> None:
    async with dial(url) as socket:
        await say(socket, start(**format_))
        assert await closed(socket) == 1003
    assert desk.attached == []
    assert desk.tokens == {"good"}


async def test_start_must_come_in_time(url: str, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "START_SECONDS", 0.02)
    async with dial(url) as socket:
        assert await closed(socket) == 1008
    assert desk.attached == []


async def test_a_store_that_fails_closes_the_socket(url: str, desk: FakeDesk) -> None:
    desk.refusal = StoreError("disk full")
    async with dial(url) as socket:
        await say(socket, start())
        assert await closed(socket) == 1011


async def test_a_peer_that_vanishes_is_lost(url: str, desk: FakeDesk) -> None:
    async with streaming(url, desk) as socket:
        socket.transport.abort()
    assert (await desk.inbox.until(lost)) == [StreamLost(1, 1006)]


async def test_our_side_closes_after_stop(url: str, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "STOP_SECONDS", 0.02)
    async with streaming(url, desk) as socket:
        await say(socket, {"event": "stop", "streamSid": SID, "stop": {}})
        assert await closed(socket) == 1000
    assert (await desk.inbox.until(lost)) == [StreamStopped(1), StreamLost(1, 1000)]


BAD: list[str | bytes] = [
    "nope",
    "",
    "[]",
    b"\x00\x01",
    json.dumps(sound(1, sid="MZother")),
    json.dumps({"event": "media", "streamSid": SID, "media": {"payload": "!", "timestamp": "1"}}),
    json.dumps({"event": "media", "streamSid": SID, "media": {"payload": "/w==", "timestamp": "x"}}),
    json.dumps({"event": "media", "streamSid": SID, "media": {"payload": "/w==", "timestamp": "-1"}}),
    json.dumps({"event": "media", "streamSid": SID, "media": {"payload": "/w==", "timestamp": "9" * 5000}}),
    json.dumps({"event": "media", "streamSid": SID}),
    json.dumps({"event": "mark", "streamSid": "MZother", "mark": {"name": "m"}}),
    json.dumps({"event": "stop", "streamSid": "MZother"}),
    json.dumps(start()),
]


async def test_bad_messages_are_counted_and_ignored(url: str, desk: FakeDesk) -> None:
    async with streaming(url, desk) as socket:
        for message in BAD:
            await socket.send(message)
        await say(socket, {"event": "novelty", "streamSid": SID}, sound(3, track="outbound"), sound(4, payload=b""))
        await say(socket, sound(5))
        events = await desk.inbox.until(bool)
        async with httpx2.AsyncClient(trust_env=False) as client:
            metrics = (await client.get(url + "/metrics")).text
    assert events[0] == Heard(1, 0.1, ULAW)
    assert f"outwait_bad_frames_total {len(BAD)}.0" in metrics
    assert "outwait_unknown_frames_total 1.0" in metrics
    assert "outwait_streams 1.0" in metrics


async def test_a_flood_of_bad_messages_ends_the_socket(url: str, desk: FakeDesk) -> None:
    async with streaming(url, desk) as socket:
        for _ in range(media.MAX_STRIKES):
            await socket.send("nope")
        assert await closed(socket) == 1008
    assert (await desk.inbox.until(lost)) == [StreamLost(1, 1008)]


async def test_a_flood_before_start_ends_it_too(url: str, desk: FakeDesk) -> None:
    async with dial(url) as socket:
        for _ in range(media.MAX_STRIKES):
            await socket.send("nope")
        assert await closed(socket) == 1008
    assert desk.attached == []


async def test_unknown_messages_never_end_it(url: str, desk: FakeDesk) -> None:
    async with streaming(url, desk) as socket:
        for _ in range(3 * media.MAX_STRIKES):
            await say(socket, {"event": "novelty"})
        await say(socket, sound(1))
        assert await desk.inbox.until(bool) == [Heard(1, 0.02, ULAW)]


async def test_a_message_too_large_ends_the_socket(url: str, desk: FakeDesk) -> None:
    async with streaming(url, desk) as socket:
        await say(socket, sound(1, payload=b"\xff" * 60_000))
        assert await closed(socket) == 1009
    assert (await desk.inbox.until(lost)) == [StreamLost(1, 1009)]


async def test_a_carrier_ahead_of_time_waits(url: str, desk: FakeDesk) -> None:
    desk.inbox.open.clear()
    async with streaming(url, desk) as socket:
        await say(socket, *(sound(number) for number in range(1, 11)))
        await desk.inbox.until(bool)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(desk.inbox.events) == 1
        desk.inbox.open.set()
        await desk.inbox.until(lambda events: len(events) == 10)
    assert [event.at for event in desk.inbox.events if isinstance(event, Heard)] == [n * 0.02 for n in range(1, 11)]


async def test_a_peer_that_never_answers_our_close_is_cut_off(
    url: str, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "CLOSE_SECONDS", 0.02)
    address = "ws" + url.removeprefix("http") + "/twilio/media"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
    request = [
        "GET /twilio/media HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: " + base64.b64encode(b"k" * 16).decode(),
        "X-Twilio-Signature: " + RequestValidator(TOKEN).compute_signature(address, {}),
    ]
    writer.write("\r\n".join([*request, "", ""]).encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    message = json.dumps(start()).encode()
    writer.write(b"\x81\xfe" + len(message).to_bytes(2, "big") + bytes(4) + message)  # masked with zeros
    async with asyncio.timeout(10):
        await desk.stream_there.wait()
        assert desk.stream is not None
        await desk.stream.close()
        with contextlib.suppress(ConnectionResetError):
            assert (await reader.read()).endswith(b"\x88\x02\x03\xe8")  # the close frame, then the end
        await desk.inbox.until(lost)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_waiting_socket_can_be_closed(url: str, desk: FakeDesk) -> None:
    desk.inbox.open.clear()
    async with streaming(url, desk) as socket:
        await say(socket, sound(1))
        await desk.inbox.until(bool)
        assert desk.stream is not None
        await desk.stream.close()
        assert await closed(socket) == 1000
        await desk.inbox.until(lost)
    assert desk.inbox.events[-1] == StreamLost(1, 1000)
