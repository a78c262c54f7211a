"""What every engine promises, as tests. To run it on one of your own, subclass `EngineContract` with a far side for it.

The far side is the model as the suite plays it: over a real socket, or whatever the engine speaks to. Needs pytest and
pytest-asyncio in its `auto` mode.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from outwait.call.commands import SeedItem
from outwait.call.events import (
    AgentSpoke,
    AnyEvent,
    PhraseFailed,
    PhraseMade,
    ResponseEnded,
    ResponseStarted,
    SessionClosed,
    SessionOpened,
    ToolCalled,
    Trouble,
)
from outwait.call.tools import schemas
from outwait.engines.base import Engine, EngineSession

PATIENCE = 20.0  # s that a test waits for anything

SEED = [
    SeedItem("system", "You were on hold for 27 minutes."),
    SeedItem("human", "Please hold."),
    SeedItem("agent", "Sure, I'll hold."),
    SeedItem("tool_call", '{"reason":"asked"}', call_id="call_1", name="wait_on_hold"),
    SeedItem("tool_output", '{"ok":true}', call_id="call_1"),
]


class Far(Protocol):
    """The model's side. One session after the other is opened on it."""

    engine: Engine  # under test; its own deadline for opening must be a second or less

    async def open(self) -> None:
        """Let the next session be opened to its end."""

    async def respond(self, response: str) -> None:
        """Begin a response by itself, as after a person's turn."""

    async def speak(self, response: str, ulaw: bytes) -> None: ...

    async def call_tool(self, response: str, call_id: str, name: str, arguments: str) -> None: ...

    async def finish(self, response: str) -> None:
        """Complete it, with its bill."""

    async def make_phrase(self, ulaw: bytes) -> None:
        """Wait to be asked for a phrase, and speak it."""

    async def vanish(self) -> None:
        """Cut the connection without a word."""

    def refuse(self) -> None:
        """From now on say no for good to every session."""

    def overload(self) -> None:
        """From now on say not now."""

    def fall_silent(self) -> None:
        """From now on accept connections, and say nothing."""


class Listener:
    """An inbox, and the task that runs its session."""

    def __init__(self, engine: Engine, number: int = 1) -> None:
        self.number = number
        self.events: list[AnyEvent] = []
        self._news = asyncio.Event()
        self._read = 0
        self.session: EngineSession = engine.session(number, "Order a pizza.", SEED, schemas(), self._post)
        self.task: asyncio.Task[None] | None = None

    def _post(self, event: AnyEvent) -> None:
        self.events.append(event)
        self._news.set()

    def start(self) -> None:
        self.task = asyncio.create_task(self.session.run())

    async def next(self) -> AnyEvent:
        async with asyncio.timeout(PATIENCE):
            while self._read == len(self.events):
                self._news.clear()
                await self._news.wait()
        self._read += 1
        return self.events[self._read - 1]

    async def until(self, kind: type[AnyEvent]) -> AnyEvent:
        while not isinstance(event := await self.next(), kind):
            pass
        return event

    async def over(self) -> SessionClosed:
        """The end, which comes once and last; every event bears the session's number."""
        assert self.task is not None
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({self.task})
        (closed,) = [event for event in self.events if isinstance(event, SessionClosed)]
        assert self.events[-1] is closed
        assert sum(isinstance(event, SessionOpened) for event in self.events) <= 1
        assert {getattr(event, "session", None) for event in self.events} == {self.number}
        return closed


class EngineContract:
    """The suite. A subclass has a fixture `far`; an engine whose model speaks at another rate has its own sound."""

    SOUND = bytes(range(256))

    def same(self, heard: bytes, meant: bytes) -> bool:
        """Whether this is the sound that was meant."""
        return heard == meant

    @asynccontextmanager
    async def opened(self, far: Far, number: int = 1) -> AsyncIterator[Listener]:
        listener = Listener(far.engine, number)
        listener.start()
        await far.open()
        assert isinstance(await listener.next(), SessionOpened)
        yield listener
        listener.session.close()
        await listener.over()

    def test_it_says_what_it_can(self, far: Far) -> None:
        told = far.engine.capabilities
        assert told.name
        assert told.model
        assert told.billing in ("tokens", "seconds")
        assert told.max_session_seconds > 0

    async def test_it_opens_and_closes(self, far: Far) -> None:
        async with self.opened(far) as listener:
            listener.session.close()
            listener.session.close()
            closed = await listener.over()
            assert closed.trouble is None

    async def test_close_before_run(self, far: Far) -> None:
        listener = Listener(far.engine)
        listener.session.close()
        listener.start()
        assert (await listener.over()).trouble is None
        assert len(listener.events) == 1

    async def test_close_while_opening(self, far: Far) -> None:
        far.fall_silent()
        listener = Listener(far.engine)
        listener.start()
        await asyncio.sleep(0)
        listener.session.close()
        assert (await listener.over()).trouble is None

    async def test_refused(self, far: Far) -> None:
        far.refuse()
        listener = Listener(far.engine)
        listener.start()
        closed = await listener.over()
        assert closed.trouble is Trouble.REFUSED
        assert listener.events == [closed]

    async def test_overloaded(self, far: Far) -> None:
        far.overload()
        listener = Listener(far.engine)
        listener.start()
        assert (await listener.over()).trouble is Trouble.BUSY

    async def test_silent_while_opening(self, far: Far) -> None:
        far.fall_silent()
        listener = Listener(far.engine)
        listener.start()
        closed = await listener.over()
        assert closed.trouble in (Trouble.LOST, Trouble.STALLED)
        assert listener.events == [closed]

    async def test_vanished(self, far: Far) -> None:
        async with self.opened(far) as listener:
            await far.vanish()
            assert (await listener.over()).trouble is Trouble.LOST

    async def test_a_response(self, far: Far) -> None:
        async with self.opened(far) as listener:
            await far.respond("r1")
            await far.speak("r1", self.SOUND)
            await far.speak("r1", b"\x10" * 160)
            await far.finish("r1")
            ended = await listener.until(ResponseEnded)
            assert isinstance(ended, ResponseEnded)
            assert ended.status == "completed"
            if far.engine.capabilities.billing == "tokens":
                assert ended.usage is not None
            kinds = [type(event) for event in listener.events]
            assert kinds.index(ResponseStarted) < kinds.index(AgentSpoke)
            spoken = [event for event in listener.events if isinstance(event, AgentSpoke)]
            assert self.same(b"".join(event.ulaw for event in spoken), self.SOUND + b"\x10" * 160)
            assert {event.response for event in spoken} == {ended.response}

    async def test_a_response_cut_by_the_end_is_ended_and_billed(self, far: Far) -> None:
        async with self.opened(far) as listener:
            await far.respond("r1")
            await far.speak("r1", bytes(8000))
            await listener.until(AgentSpoke)
            await far.vanish()
            await listener.over()
            (ended,) = [event for event in listener.events if isinstance(event, ResponseEnded)]
            assert ended.status == "failed"
            if far.engine.capabilities.billing == "tokens":
                assert ended.usage is not None
                assert ended.usage.estimated
                assert ended.usage.audio_out > 0

    async def test_a_tool_is_called_once_and_whole(self, far: Far) -> None:
        async with self.opened(far) as listener:
            await far.respond("r1")
            await far.call_tool("r1", "call_9", "press_digits", '{"digits":"1"}')
            await far.finish("r1")
            await listener.until(ResponseEnded)
            (called,) = [event for event in listener.events if isinstance(event, ToolCalled)]
            assert (called.call_id, called.name, called.arguments) == ("call_9", "press_digits", '{"digits":"1"}')
            listener.session.answer_tool("call_9", '{"ok":true}')

    async def test_phrases(self, far: Far) -> None:
        if not far.engine.capabilities.makes_phrases:
            pytest.skip("this engine makes none")
        async with self.opened(far) as listener:
            listener.session.make_phrase("here", "Yes, hello, I'm here.")
            await far.make_phrase(b"\x11" * 800)
            made = await listener.until(PhraseMade)
            assert isinstance(made, PhraseMade)
            assert (made.phrase, made.ulaw) == ("here", b"\x11" * 800)
            assert not [event for event in listener.events if isinstance(event, AgentSpoke | ResponseStarted)]
            listener.session.make_phrase("wait", "One moment.")
        failed = [event for event in listener.events if isinstance(event, PhraseFailed)]
        assert [event.phrase for event in failed] == ["wait"]

    async def test_wishes_at_any_time(self, far: Far) -> None:
        """Before it is open, while it is, and when it is over: no wish waits, and none raises."""
        far_away = Listener(far.engine)
        _wish_everything(far_away.session)
        far_away.session.close()
        far_away.start()
        await far_away.over()
        async with self.opened(far) as listener:
            _wish_everything(listener.session)
            await far.vanish()
            _wish_everything(listener.session)
            await listener.over()
            _wish_everything(listener.session)
        assert isinstance(listener.events[-1], SessionClosed)

    async def test_a_cancelled_run_closes(self, far: Far) -> None:
        async with self.opened(far) as listener:
            assert listener.task is not None
            listener.task.cancel()
            await listener.over()

    async def test_sessions_of_one_engine_do_not_know_each_other(self, far: Far) -> None:
        async with self.opened(far, 1) as first:
            async with self.opened(far, 2) as second:
                await far.vanish()
                await second.over()
            assert len(first.events) == 1
            assert first.task is not None
            assert not first.task.done()


def _wish_everything(session: EngineSession) -> None:
    session.send_audio(b"\xff" * 160)
    session.commit_turn()
    session.ask_response("", tools=True)
    session.ask_response("Be quick.", tools=False)
    session.cancel_response()
    session.truncate_item("nothing", 100)
    session.answer_tool("call_1", "{}")
    session.make_phrase("here", "Hello.")
