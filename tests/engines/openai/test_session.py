"""An open session over a real socket, against a strict server, in both dialects: serving and every way to end."""

from __future__ import annotations

import asyncio
import logging

import pytest

from outwait.call.cost import Usage
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    PhraseFailed,
    PhraseMade,
    ResponseEnded,
    ResponseStarted,
    SessionClosed,
    SessionComplained,
    Trouble,
)
from outwait.engines import websocket
from outwait.engines.openai import dialogue as dialogue_module
from outwait.engines.openai import phrases as phrases_module
from tests.contract.realtime_server import RealtimeServer
from tests.engines.openai.line import KEY, Line, opened

# --- serving ------------------------------------------------------------------------------------


async def test_sound_passes_untouched_both_ways(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        line.session.send_audio(bytes(range(256)))
        line.session.send_audio(b"\x7f" * 160)
        assert (await peer.hear("input_audio_buffer.append"))["audio"].startswith("AAECAwQF")
        assert len((await peer.hear("input_audio_buffer.append"))["audio"]) == 216
        await peer.begin("r1")
        await peer.speak("r1", bytes(range(256)), "a1")
        await peer.write("r1", "Hi.", "a1")
        assert await line.next() == ResponseStarted(7, "r1")
        assert await line.next() == AgentSpoke(7, "r1", "a1", bytes(range(256)))
        assert await line.next() == AgentWrote(7, "r1", "a1", "Hi.")
        await peer.finish("r1")
        assert await line.next() == ResponseEnded(
            7, "r1", "completed", Usage(text_in=15, audio_in=5, text_out=4, audio_out=6)
        )


async def test_a_persons_turn(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        await peer.say("input_audio_buffer.speech_started", audio_start_ms=100, item_id="u1")
        await peer.say("input_audio_buffer.speech_stopped", audio_end_ms=2100, item_id="u1")
        await peer.say("input_audio_buffer.committed", item_id="u1")
        await peer.say(
            "conversation.item.input_audio_transcription.completed",
            item_id="u1",
            content_index=0,
            transcript="Hello?",
            usage={"type": "duration", "seconds": 2.0},
        )
        assert [await line.next() for _ in range(4)] == [
            PersonStarted(7),
            PersonStopped(7),
            PersonCommitted(7, "u1"),
            PersonSaid(7, "u1", "Hello?", Usage(seconds=2.0)),
        ]


async def test_every_wish_goes_out(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        line.session.commit_turn()
        await peer.hear("input_audio_buffer.commit")
        line.session.answer_tool("call_1", '{"ok":true}')
        item = (await peer.hear("conversation.item.create"))["item"]
        assert item == {"type": "function_call_output", "call_id": "call_1", "output": '{"ok":true}'}
        line.session.ask_response("Say goodbye.", tools=False)
        response = (await peer.hear("response.create"))["response"]
        assert (response["instructions"], response["tools"], response["tool_choice"]) == ("Say goodbye.", [], "none")
        line.session.cancel_response()
        await peer.hear("response.cancel")


async def test_phrases_in_both_dialects(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        line.session.make_phrase("here", "Yes, hello, I'm here.")
        asked = (await peer.hear("response.create"))["response"]
        assert asked["conversation"] == "none"
        assert asked["input"] == []
        assert "Yes, hello, I'm here." in asked["instructions"]
        await peer.begin("p1", asked["metadata"])
        await peer.speak("p1", b"\x01\x02", "i1")
        await peer.write("p1", "Yes", "i1")
        await peer.speak("p1", b"\x03", "i1")
        await peer.finish("p1", metadata=asked["metadata"])
        made = await line.next()
        assert made == PhraseMade(7, "here", b"\x01\x02\x03", Usage(text_in=15, audio_in=5, text_out=4, audio_out=6))


async def test_a_phrase_that_does_not_come(server: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phrases_module, "PHRASE_SECONDS", 0.05)
    async with opened(server) as (line, peer):
        line.session.make_phrase("here", "Hello.")
        await peer.hear("response.create")
        failed = await line.next()
        assert isinstance(failed, PhraseFailed)
        assert "0.05 s" in failed.detail


async def test_unknown_and_malformed_messages_change_nothing(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        for odd in ("", "{", "[]", "7", '{"type":7}', '{"type":"response.created"}', b"\xff\xfe", '{"x":' + "[" * 5000):
            await peer.raw(odd)
        await peer.raw('{"type":"from.the.future","delta":1}')
        await peer.raw('{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"no base64!"}')
        await peer.begin("r1")
        assert await line.next() == ResponseStarted(7, "r1")


async def test_beta_names_are_known_in_any_dialect(ga: RealtimeServer) -> None:
    async with opened(ga) as (line, peer):
        peer.beta = True
        await peer.begin("r1")
        await peer.speak("r1", b"\x01", "a1")
        await line.next()
        assert await line.next() == AgentSpoke(7, "r1", "a1", b"\x01")
        peer.beta = False


async def test_a_flood_of_nonsense_ends_it(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        for _ in range(websocket.MAX_MALFORMED):
            await peer.raw("nonsense")
        assert await peer.gone() == 1000
        assert (await line.over()).trouble is Trouble.LOST


async def test_complaints_hide_the_key(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        error = {"type": "x", "code": "y", "message": f"about {KEY}"}
        await peer.finish("r1", "failed", status_details={"type": "failed", "error": error})
        await line.next()
        ended = await line.next()
        assert isinstance(ended, ResponseEnded)
        assert ended.detail == "y about ***"
        await peer.complain("invalid_value", f"Bad key {KEY} or sk-proj-ab**12")
        assert await line.next() == SessionComplained(7, "invalid_value", "Bad key *** or ***")


# --- ending -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1013, 4000])
async def test_an_end_that_nobody_asked_for_is_a_loss(server: RealtimeServer, code: int) -> None:
    async with opened(server) as (line, peer):
        await peer.socket.close(code, "bye")
        closed = await line.over()
        assert (closed.trouble, closed.code) == (Trouble.LOST, code)


async def test_expiry(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        await peer.complain("session_expired", "Your session hit the maximum duration of 60 minutes.")
        await peer.socket.close(1001)
        closed = await line.over()
        assert closed.trouble is Trouble.EXPIRED
        assert "60 minutes" in closed.detail


@pytest.mark.parametrize("code", sorted(dialogue_module.FATAL))
async def test_fatal_errors_are_refusals(server: RealtimeServer, code: str) -> None:
    async with opened(server) as (line, peer):
        await peer.complain("x", "no more", code)
        assert await peer.gone() == 1000
        assert (await line.over()).trouble is Trouble.REFUSED


async def test_a_response_lost_with_the_socket_is_not_free(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        await peer.begin("r1")
        await peer.speak("r1", bytes(8000), "a1")
        assert isinstance(await line.next(), ResponseStarted)
        assert isinstance(await line.next(), AgentSpoke)
        peer.vanish()
        closed = await line.over()
        assert closed.trouble is Trouble.LOST
        ended = line.events[-2]
        assert isinstance(ended, ResponseEnded)
        assert ended.status == "failed"
        assert ended.usage is not None
        assert ended.usage.estimated
        assert ended.usage.audio_out == 20
        assert ended.usage.text_in > 0


async def test_what_is_said_while_closing_is_heard(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        await peer.begin("r1")
        assert isinstance(await line.next(), ResponseStarted)
        line.session.close()
        await peer.finish("r1")
        await peer.gone()
        await line.over()
        ended = line.events[-2]
        assert isinstance(ended, ResponseEnded)
        assert ended.usage is not None


async def test_a_server_that_does_not_let_go(ga: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that neither reads nor answers the close: the transport is cut."""
    monkeypatch.setattr(websocket, "CLOSE_SECONDS", 0.1)
    async with opened(ga) as (line, peer):
        peer.socket.transport.pause_reading()
        line.session.close()
        closed = await line.over()
        assert closed.trouble is None
        peer.vanish()


async def test_a_server_that_reads_nothing(ga: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "SEND_SECONDS", 0.2)
    async with opened(ga) as (line, peer):
        peer.socket.transport.pause_reading()
        for _ in range(100):
            line.session.send_audio(bytes(200_000))
        closed = await line.over()
        assert closed.trouble is Trouble.STALLED
        peer.vanish()


async def test_cancelled_runs_leave_nothing(server: RealtimeServer) -> None:
    line = Line(server)
    line.start()
    peer = await server.open()
    await line.next()
    assert line.task is not None
    line.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await line.task
    assert isinstance(line.events[-1], SessionClosed)
    assert await peer.gone() == 1006


async def test_after_the_end_every_wish_is_ignored(server: RealtimeServer) -> None:
    async with opened(server) as (line, peer):
        peer.vanish()
        await line.over()
        said = len(line.events)
        session = line.session
        session.send_audio(b"\x00")
        session.commit_turn()
        session.ask_response("", tools=True)
        session.cancel_response()
        session.truncate_item("a1", 100)
        session.answer_tool("c", "{}")
        session.make_phrase("p", "t")
        session.close()
        assert len(line.events) == said


async def test_the_key_is_never_written_down(ga: RealtimeServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(ga) as (line, peer):
        await peer.complain("x", KEY)
        await line.next()
    assert not [
        record for record in caplog.records if KEY in record.getMessage() and "websockets.server" not in record.name
    ]
    assert KEY not in repr(line.session) + repr(line.events) + repr(vars(line.session)["_place"])


async def test_loopback_takes_no_proxy(ga: RealtimeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with opened(ga):
        pass
