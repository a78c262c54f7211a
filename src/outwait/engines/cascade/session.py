"""One session of the cascade: three services, one task for each request, and the machine that decides."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import assert_never

from outwait.call.commands import SeedItem
from outwait.call.events import AnyEvent, PhraseFailed, SessionClosed, SessionOpened, Trouble
from outwait.engines.base import IN_PROCESS
from outwait.engines.cascade import steps as at
from outwait.engines.cascade.bills import Rates
from outwait.engines.cascade.llm import Finished, ToolCall, Words, Writer
from outwait.engines.cascade.machine import Machine
from outwait.engines.cascade.stack import Stack
from outwait.engines.cascade.stt import Recogniser
from outwait.engines.cascade.tts import Speaker
from outwait.engines.cascade.turns import TurnPolicy, Turns
from outwait.engines.cascade.wire import ON_STEP, Failed, Step, Wires

CONNECT_SECONDS = 10.0  # s for all services to answer
SEND_SECONDS = 1.0  # s for a request that is on its way when the session ends


class CascadeSession:
    """See `EngineSession` for what its methods promise."""

    def __init__(
        self,
        number: int,
        stack: Stack,
        instructions: str,
        seed: Sequence[SeedItem],
        tools: Sequence[dict[str, object]],
        post: Callable[[AnyEvent], None],
        *,
        turns: TurnPolicy | None = None,
        rates: Rates | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._number = number
        self._stack = stack
        self._tools = list(tools)
        self._post = post
        self._connect_seconds = connect_seconds
        self._tls = tls
        self._machine = Machine(
            number,
            instructions,
            seed,
            turns=Turns(turns),
            rates=rates,
            free_ears=stack.recogniser.model.endswith(IN_PROCESS),
            listens=stack.recogniser.listens,
        )
        self._learnt: asyncio.Queue[at.Learnt] = asyncio.Queue()
        self._close_asked = asyncio.Event()
        self._parts: tuple[Recogniser, Writer, Speaker] | None = None  # once all are open
        self._jobs: dict[int, asyncio.Task[None]] = {}
        self._sending: set[int] = set()  # jobs whose request goes out just now
        self._unwanted: set[int] = set()  # of these, jobs that end when it has gone
        self._end: at.End | None = None
        self._over = False

    # --- what may be asked of it: these only queue

    def send_audio(self, ulaw: bytes) -> None:
        self._wish(at.Fed(ulaw))

    def commit_turn(self) -> None:
        self._wish(at.TurnCut())

    def ask_response(self, instructions: str, *, tools: bool) -> None:
        self._wish(at.ResponseAsked(instructions, tools))

    def cancel_response(self) -> None:
        self._wish(at.ResponseUnwanted())

    def truncate_item(self, item: str, heard_ms: int) -> None:
        self._wish(at.ItemCut(item, heard_ms))

    def answer_tool(self, call_id: str, output: str) -> None:
        self._wish(at.ToolAnswered(call_id, output))

    def make_phrase(self, phrase: str, text: str) -> None:
        self._wish(at.PhraseAsked(phrase, text))

    def close(self) -> None:
        """Ask for the end. Idempotent; SessionClosed follows within CLOSE_SECONDS."""
        if self._end is None:
            self._close_asked.set()

    async def run(self) -> None:
        """Reach the services, and serve until the end. Leaves no task and no socket."""
        try:
            if not self._close_asked.is_set():
                await self._live()
        finally:
            self._over = True
            asked = self._close_asked.is_set()
            while not self._learnt.empty():  # what was wished for before the end: a phrase fails by name
                wish = self._learnt.get_nowait()
                if isinstance(wish, at.PhraseAsked):
                    self._post(PhraseFailed(self._number, wish.phrase, "the session is over"))
                elif isinstance(wish, at.Sent):
                    self._machine.receive(wish, 0.0)
            self._perform(self._machine.receive(at.Ended(asked), 0.0), None)
            self._post(self._closed(asked=asked))

    # --- its life

    async def _live(self) -> None:
        """Serve until the end, or until close() is called."""
        async with Wires(self._tls) as wires, asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(self._serve(wires, tasks), name=f"session {self._number}")
            asked = tasks.create_task(self._close_asked.wait(), name=f"session {self._number}: close asked")
            await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
            for task in (asked, serving):
                task.cancel()
            await self._let_go()

    async def _let_go(self) -> None:
        """What is on its way goes out, so that it is known to have a price; everything else ends here."""
        for job in list(self._jobs):
            self._stop(job)
        going = {job: self._jobs[job] for job in self._sending}
        if going:
            await asyncio.wait(going.values(), timeout=SEND_SECONDS)
        for job, task in going.items():
            if task.cancel():
                self._learnt.put_nowait(at.Sent(job))  # nobody knows how much of it has come there

    async def _serve(self, wires: Wires, tasks: asyncio.TaskGroup) -> None:
        if not await self._open(wires):
            return
        loop = asyncio.get_running_loop()
        self._post(SessionOpened(self._number))
        while self._end is None:
            deadline = self._machine.deadline()
            learnt: at.Learnt = at.TimePassed()
            try:
                async with asyncio.timeout_at(deadline.at if deadline is not None else None):
                    learnt = await self._learnt.get()
            except TimeoutError:
                pass  # that is what we learnt
            self._perform(self._machine.receive(learnt, loop.time()), tasks)

    async def _open(self, wires: Wires) -> bool:
        """All services answer, and take the keys. False: `_end` says why not."""
        stack = self._stack
        try:
            async with asyncio.timeout(self._connect_seconds):
                self._parts = (
                    await stack.recogniser.open(wires),
                    await stack.writer.open(wires),
                    await stack.speaker.open(wires),
                )
        except Failed as failed:
            self._end = at.End(failed.trouble, failed.code, failed.detail)
        except TimeoutError:
            self._end = at.End(Trouble.STALLED, 0, f"no answer within {self._connect_seconds:g} s")
        return self._end is None

    def _perform(self, wanted: list[at.Wanted], tasks: asyncio.TaskGroup | None) -> None:
        """`tasks` None: the session is over, and nothing new is begun."""
        for want in wanted:
            match want:
                case at.Post(event=event):
                    self._post(event)
                case at.End():
                    self._end = want
                case at.Stop(job=job):
                    self._stop(job)
                case at.Hear(turn=turn, start=start, ulaw=ulaw):
                    if self._parts is not None and tasks is not None:
                        self._parts[0].hear(turn, start, ulaw)
                case at.Transcribe() | at.Write() | at.Speak():
                    if tasks is not None:
                        name = f"session {self._number}: {type(want).__name__.lower()} {want.job}"
                        self._jobs[want.job] = tasks.create_task(self._job(want), name=name)
                case _:
                    assert_never(want)

    # --- jobs

    async def _job(self, want: at.Transcribe | at.Write | at.Speak) -> None:
        try:
            ON_STEP.set(partial(self._on_its_way, want.job))
            async with aclosing(self._results(want)) as results:
                async for result in results:
                    self._learnt.put_nowait(result)
        except Failed as failed:
            self._learnt.put_nowait(at.Broke(want.job, failed.trouble, failed.code, failed.detail))
        finally:
            self._jobs.pop(want.job, None)
            self._sending.discard(want.job)
            self._unwanted.discard(want.job)

    def _stop(self, job: int) -> None:
        """A request is sent whole or not at all, so that it is known whether it has a price."""
        if job in self._sending:
            self._unwanted.add(job)
        elif job in self._jobs:
            self._jobs[job].cancel()

    def _on_its_way(self, job: int, step: Step) -> None:
        if step == "sending":
            self._sending.add(job)
            return
        self._sending.discard(job)
        self._learnt.put_nowait(at.Sent(job))
        if job in self._unwanted:
            self._jobs[job].cancel()

    async def _results(self, want: at.Transcribe | at.Write | at.Speak) -> AsyncGenerator[at.Result, None]:
        assert self._parts is not None  # before any job
        recogniser, writer, speaker = self._parts
        match want:
            case at.Transcribe(job=job, ulaw=ulaw, turn=turn):
                transcript = await recogniser.transcribe(ulaw, turn)
                yield at.Transcribed(job, transcript.text, transcript.seconds)
            case at.Write(job=job, messages=messages, tools=tools):
                async with aclosing(writer.write(messages, self._tools if tools else [])) as pieces:
                    async for piece in pieces:
                        yield _written(job, piece)
            case at.Speak(job=job, text=text):
                async with aclosing(speaker.speak(text)) as sounds:
                    async for ulaw in sounds:
                        yield at.Spoke(job, ulaw)
                yield at.Spoken(job)
            case _:
                assert_never(want)

    # --- parts

    def _wish(self, wish: at.Learnt) -> None:
        if not self._over:
            self._learnt.put_nowait(wish)

    def _closed(self, *, asked: bool) -> SessionClosed:
        if asked:
            return SessionClosed(self._number, None, 0, "closed")
        end = self._end or at.End(Trouble.LOST, 0, "abandoned")
        return SessionClosed(self._number, end.trouble, end.code, end.detail)


def _written(job: int, piece: Words | ToolCall | Finished) -> at.Result:
    match piece:
        case Words(text=text):
            return at.Wrote(job, text)
        case ToolCall(call_id=call_id, name=name, arguments=arguments):
            return at.Called(job, call_id, name, arguments)
        case Finished(tokens=tokens, whole=whole):
            return at.Written(job, tokens, whole)
        case _:
            assert_never(piece)
