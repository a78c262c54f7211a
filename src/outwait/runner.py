"""Drives one call: wait for one event, let the core receive it, write it down, perform the commands in order.

The only place that performs. It may match commands and nothing else: every decision is the core's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Literal, Protocol, assert_never

import msgspec
import structlog

from outwait import call_log, spare
from outwait.audio.ear import Listening
from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.commands import AnyCommand
from outwait.call.events import AnyEvent, Trouble
from outwait.call.known import WAITS, Known, Wait
from outwait.call.laws import LawBroken, Laws
from outwait.call.machine import Call
from outwait.call.notes import AnyNote
from outwait.call.setup import Setup
from outwait.call.tools import schemas
from outwait.carriers.base import Carrier, CarrierError, Stream
from outwait.engines.base import Engine, EngineSession
from outwait.house.desk import leg_id
from outwait.house.ears import Ears
from outwait.house.hearing import Hearing
from outwait.house.inbox import Alarm, Inbox
from outwait.house.logbook import Logbook, Show
from outwait.house.recording import Recording
from outwait.house.transcriber import Transcriber
from outwait.store.base import Fenced, Store, StoreError
from outwait.toolbox import MAX_WORDS, BadArguments, ToolContext, ToolError, ToolGone

COMPANY = 1  # the leg to it; the others are our user's
MEMORY_SECONDS = 60.0  # media s between two times that the ear's memory is kept: what a crash can make it forget

log = structlog.get_logger(__name__)


class Phrases(Protocol):
    """Where phrases are kept between calls."""

    def get(self, voice: str, text: str) -> bytes | None: ...

    def keep(self, voice: str, text: str, ulaw: bytes) -> None: ...


class Workshop(Protocol):
    """Runs the tools of an agent: `agent.Staffed`."""

    async def run(self, name: str, arguments: str, context: ToolContext) -> str: ...


class Runner:
    """One call on this process. `run` ends when the call is over or let go, with nothing left open."""

    def __init__(
        self,
        call: Call,
        *,
        carrier: Carrier,
        engines: Mapping[str, Engine],
        hearing: Hearing,
        phrases: Phrases,
        store: Store,
        tell: Callable[[list[AnyNote]], Show],
        wall: Callable[[], float],
        on_law_broken: Callable[[str], None],
        vet: Callable[[Setup, str], Awaitable[str]],
        listening: Listening | None = None,
        recording: Recording | None = None,
        transcriber: Transcriber | None = None,
        workshop: Workshop | None = None,
        seq: int = 0,
        epoch: int = 1,
    ) -> None:
        """`tell` takes the notes of one event into the record and returns what makes the call object of it; `vet` says
        why a number may not be called, "" when it may; `transcriber` reads voices, None: nothing does here; `workshop`
        runs the agent's own tools; `seq` and `epoch` go on where the log ends."""
        self.call = call
        self.inbox = Inbox()
        self._carrier = carrier
        self._vet = vet
        self._engines = engines
        self._ears = Ears(hearing, transcriber, self.inbox.post, listening)
        self._remembered = 0.0  # media s at which their memory was last kept
        self._idle: set[asyncio.Task[None]] = set()  # what nobody waits for any more when the call is over
        self._workshop = workshop
        self._phrases = phrases
        self._store = store
        self._wall = wall
        self._tell = tell
        self._sessions: dict[int, EngineSession] = {}
        self._voices: dict[int, str] = {}  # of each session so far
        self._voice = ""  # that people hear
        self._streams: dict[int, Stream] = {}
        self._stream_count = 0
        self._recording = recording
        self._legs: dict[int, int] = {}  # of each stream
        self._epoch = epoch
        self._book = Logbook(call.setup.id, store, wall=wall, spawn=self._spawn, tell=self._told, seq=seq, epoch=epoch)
        self._log = log.bind(call=call.setup.id)
        self._tasks: asyncio.TaskGroup | None = None
        self._laws = Laws(call.setup.policy, by_time=call.setup.by_time)
        self._on_law_broken = on_law_broken

    def attach(self, make: Callable[[int], Stream], leg: int = 1) -> Stream:
        """A media socket that has shown its token."""
        self._stream_count += 1
        stream = make(self._stream_count)
        self._streams[stream.number] = stream
        self._legs[stream.number] = leg
        if self._recording is not None and leg == COMPANY:
            self._recording.attached()
        self.inbox.post(ev.StreamStarted(stream.number, leg))
        return stream

    @property
    def streaming(self) -> set[int]:
        """The legs whose media sockets are open."""
        return {self._legs[number] for number in self._streams}

    async def run(self) -> None:
        """Until the call is over."""
        loop = asyncio.get_running_loop()
        alarm = Alarm(self.inbox.wake)
        self._offer_phrases()
        try:
            async with asyncio.TaskGroup() as self._tasks:
                # What is waiting counts first: a call that another process has released is taken up by its next event.
                while not self._book.fenced and (self.inbox.pending or not self.call.over):
                    deadline = self.call.deadline()
                    if deadline is not None and deadline.at <= loop.time():
                        await self._receive(ev.TimePassed(), loop.time())
                        continue
                    event = self.inbox.take()
                    if event is None:
                        alarm.set(deadline.at if deadline is not None else None)
                        await self.inbox.wait()
                        continue
                    await self._receive(event, loop.time())
                await self._leave()
        finally:
            alarm.stop()
            self._book.rest()
            self.inbox.open_floodgate()

    # --- one event -------------------------------------------------------------------------------

    async def _receive(self, event: AnyEvent, now: float) -> None:
        match event:
            case ev.Heard(stream=stream):  # fifty times a second
                if self._recording is not None and self._legs.get(stream) == COMPANY:
                    self._record(self._recording, event)
            case ev.PhraseMade(session=session, phrase=phrase, ulaw=ulaw) if ulaw:
                text = self.call.setup.phrases.get(phrase)
                if text is not None:  # what is made for one moment only is not kept
                    self._phrases.keep(self._voices.get(session, self._voice), text, ulaw)
            case ev.SessionClosed(session=session):
                self._sessions.pop(session, None)
            case ev.StreamLost(stream=stream):
                self._streams.pop(stream, None)
            case _:
                pass
        commands = self.call.receive(event, now)
        try:
            self._laws.observe(event, commands, now)
        except LawBroken as broken:  # a bug of ours: counted and told, and the call goes on as best it can
            self._log.error("a law is broken", law=str(broken).partition(":")[0])
            self._on_law_broken(str(broken).partition(":")[0])
        if commands and call_log.visible(commands):
            notes = [command.note for command in commands if isinstance(command, do.Tell)]
            await self._book.add(now, event, commands, self._tell(notes) if notes else None)
        else:
            self._book.add_quiet(now, event)
        if self._book.fenced:
            return
        for command in commands:
            await self._perform(command)
        self.inbox.calm(self.call.calm)

    def _record(self, recording: Recording, event: ev.Heard) -> None:
        recording.heard(event.at, event.ulaw)
        if recording.due:
            self._spawn(recording.write())

    def _told(self, event: AnyEvent | None) -> None:
        """Of the logbook."""
        if event is None:
            self.inbox.wake()
        else:
            self.inbox.post(event)

    # --- commands --------------------------------------------------------------------------------

    async def _perform(self, command: AnyCommand) -> None:
        match command:
            case do.SendAudio(session=number, ulaw=ulaw):
                if number in self._sessions:
                    self._sessions[number].send_audio(ulaw)
            case do.Listen(at=at, ulaw=ulaw):
                self._listen(at, ulaw)
            case do.Transcribe(clip=clip, ulaw=ulaw):
                self._idly(self._ears.read(clip, ulaw))
            case do.PlayAudio(stream=number, ulaw=ulaw):
                if number in self._streams:
                    if self._recording is not None and self._legs[number] == COMPANY:
                        self._recording.sent(ulaw)
                    await self._streams[number].play(ulaw)
            case do.PlayMark(stream=number, name=name):
                if number in self._streams:
                    await self._streams[number].mark(name)
            case do.ClearAudio(stream=number):
                if number in self._streams:
                    if self._recording is not None and self._legs[number] == COMPANY:
                        self._recording.cleared()
                    await self._streams[number].clear()
            case do.CloseStream(stream=number):
                if number in self._streams:
                    self._spawn(self._streams[number].close())
            case do.Dial():
                self._spawn(self._dial(command))
            case do.FetchLeg():
                self._spawn(self._fetch(command))
            case do.VetNumber(number=number):
                self._spawn(self._vet_number(number))
            case do.Transfer():
                self._spawn(self._transfer(command))
            case do.ReclaimLeg(carrier_call_id=carrier_call_id):
                self._spawn(self._reclaim(carrier_call_id))
            case do.HangUp():
                self._spawn(self._hang_up(command))
            case do.PressByCarrier(carrier_call_id=carrier_call_id, keys=keys):
                self._spawn(self._press(carrier_call_id, keys))
            case do.KeepNumber(number=number, known=known, waits=waits):
                await self._keep_number(number, known, waits)
            case do.KeepPhrase(text=text, ulaw=ulaw):
                self._phrases.keep(self._voice, text, ulaw)
            case do.OpenSession():
                self._open(command)
            case do.RunTool():
                self._spawn(self._run_tool(command))
            case do.Tell() | do.Finish():
                pass  # told and written with the event that caused it
            case _:
                self._to_session(command)

    def _to_session(
        self,
        command: do.CommitTurn
        | do.AskResponse
        | do.CancelResponse
        | do.TruncateItem
        | do.AnswerTool
        | do.MakePhrase
        | do.CloseSession,
    ) -> None:
        session = self._sessions.get(command.session)
        if session is None:
            return
        match command:
            case do.CommitTurn():
                session.commit_turn()
            case do.AskResponse(instructions=instructions, tools=tools):
                session.ask_response(instructions, tools=tools)
            case do.CancelResponse():
                session.cancel_response()
            case do.TruncateItem(item=item, heard_ms=heard_ms):
                session.truncate_item(item, heard_ms)
            case do.AnswerTool(call_id=call_id, output=output):
                session.answer_tool(call_id, output)
            case do.MakePhrase(phrase=phrase, text=text):
                session.make_phrase(phrase, text)
            case do.CloseSession():
                session.close()
            case _:
                assert_never(command)

    def _listen(self, at: float, ulaw: bytes) -> None:
        self._ears.hear(at, ulaw)
        if at - self._remembered >= MEMORY_SECONDS:
            self._remembered = at
            self._idly(self._remember())

    async def _remember(self) -> None:
        """The next process should know what this one has heard; without it, it would only be fooled once more."""
        try:
            await self._store.keep_memory(self.call.setup.id, self._ears.memory(), self._epoch)
        except Fenced:
            pass  # another process has the call, and an ear of its own; the log will tell us
        except StoreError as error:
            self._log.warning("the ear's memory can't be kept", error=str(error))

    async def _dial(self, command: do.Dial) -> None:
        try:
            carrier_call_id = await self._carrier.dial(
                leg_id(self.call.setup.id, command.leg),
                command.to,
                command.from_,
                ring_seconds=command.ring_seconds,
                time_limit=command.time_limit,
                **({"judge": True} if command.judge else {}),
            )
        except CarrierError as error:
            self.inbox.post(ev.DialRefused(error.trouble, str(error)[:200], command.leg))
        else:
            self.inbox.post(ev.Dialled(carrier_call_id, command.leg))

    async def _fetch(self, command: do.FetchLeg) -> None:
        carrier_call_id, leg = command.carrier_call_id, command.leg
        try:
            if not carrier_call_id:
                found = await self._carrier.find(leg_id(self.call.setup.id, leg), command.to or self.call.setup.to)
                if found is None:
                    self.inbox.post(ev.LegUnknown(gone=True, detail="never dialled", leg=leg))
                    return
                self.inbox.post(ev.Dialled(found, leg))
                carrier_call_id = found
            report = await self._carrier.fetch(carrier_call_id)
        except CarrierError as error:
            self.inbox.post(ev.LegUnknown(gone=error.gone, detail=str(error)[:200], leg=leg))
        else:
            self.inbox.post(ev.LegReported(status=report.status, duration=report.duration, leg=leg))

    async def _reclaim(self, carrier_call_id: str) -> None:
        try:
            await self._carrier.reclaim(self.call.setup.id, carrier_call_id)
        except CarrierError as error:
            self.inbox.post(ev.LegUnknown(gone=error.gone, detail=str(error)[:200]))

    async def _hang_up(self, command: do.HangUp) -> None:
        try:
            await self._carrier.hang_up(command.carrier_call_id, cancel=command.cancel)
        except CarrierError as error:
            if not error.gone:
                self.inbox.post(ev.HangUpFailed(error.trouble, str(error)[:200], command.leg))
                return
        self.inbox.post(ev.HungUp(command.leg))

    async def _transfer(self, command: do.Transfer) -> None:
        try:
            await self._carrier.transfer(
                command.carrier_call_id, command.to, command.from_, time_limit=command.time_limit
            )
        except CarrierError as error:
            self.inbox.post(ev.HangUpFailed(error.trouble, str(error)[:200]))
        else:
            self.inbox.post(ev.HungUp())

    async def _vet_number(self, number: str) -> None:
        self.inbox.post(ev.NumberVetted(number, await self._vet(self.call.setup, number)))

    async def _run_tool(self, command: do.RunTool) -> None:
        setup = self.call.setup
        context = ToolContext(setup.id, setup.to, setup.task, setup.metadata, key=f"{setup.id} {command.key}")
        why: Literal["arguments", "error", "timeout", "gone"] = "error"
        limit = asyncio.timeout(command.timeout)
        try:
            async with limit:
                if self._workshop is None:
                    raise ToolGone(f"there is no tool {command.name} on this server now")
                output = await self._workshop.run(command.name, command.arguments, context)
            self.inbox.post(ev.ToolAnswered(command.key, output))
            return
        except BadArguments as error:
            why, detail = "arguments", str(error)
        except ToolGone as error:
            why, detail = "gone", str(error)
        except ToolError as error:
            detail = str(error)
        except Exception as error:  # noqa: BLE001  the user's own code, which may raise anything
            if limit.expired():
                why = "timeout"
            else:
                place = error.__traceback__
                while place is not None and place.tb_next is not None:
                    place = place.tb_next
                line = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place is not None else ""
                # Its words may hold what was said on the call.
                self._log.error("a tool failed", tool=command.name, error=type(error).__name__, line=line)
            detail = f"{command.name} failed; whether it has happened is unknown"
        self.inbox.post(ev.ToolFailed(command.key, why, detail[:MAX_WORDS]))

    async def _press(self, carrier_call_id: str, keys: str) -> None:
        try:
            await self._carrier.press(self.call.setup.id, carrier_call_id, keys)
        except CarrierError as error:
            self.inbox.post(ev.KeysRefused(str(error)[:200]))
        else:
            self.inbox.post(ev.KeysPressed())

    async def _keep_number(self, number: str, known: Known, waits: tuple[float, ...]) -> None:
        answered = self._wall() - sum(waits)
        fresh = [Wait(round(answered, 1), seconds) for seconds in waits]
        kept = msgspec.structs.replace(known, waits=(*known.waits, *fresh)[-WAITS:])
        try:
            await self._store.keep_number(number, msgspec.json.encode(kept), self._wall())
        except StoreError as error:
            self._log.warning("what was learned of a number can't be kept", error=str(error))

    def _open(self, command: do.OpenSession) -> None:
        closed = False

        def post(event: AnyEvent) -> None:
            nonlocal closed
            closed = closed or isinstance(event, ev.SessionClosed)
            self.inbox.post(event)

        async def serve() -> None:
            detail = "the engine's adapter ended without saying so"
            try:
                await session.run()
            except Exception as error:  # noqa: BLE001  an adapter's bug must not end the other half of the call
                self._log.exception("the engine's adapter failed")
                detail = type(error).__name__
            if not closed:  # the call would wait for it
                post(ev.SessionClosed(command.session, trouble=Trouble.LOST, code=1006, detail=detail))

        engine = self._engines[command.engine]
        self._voices[command.session] = engine.capabilities.voice_key
        if self._voice_now != self._voice:
            self._offer_phrases()
        tools = schemas(
            self.call.setup.outcome_schema,
            self.call.setup.tools,
            call_back=self.call.setup.call_back_minutes is not None,
        )
        session = engine.session(command.session, command.instructions, command.seed, tools, post)
        self._sessions[command.session] = session
        self._spawn(serve())

    # --- below -----------------------------------------------------------------------------------

    @property
    def _voice_now(self) -> str:
        return self._engines[self.call.voice].capabilities.voice_key

    def _offer_phrases(self) -> None:
        self._voice = self._voice_now
        for name, text in self.call.setup.phrases.items():
            ulaw = self._phrases.get(self._voice, text)
            if ulaw:
                self.inbox.post(ev.PhraseReady(name, ulaw))
            elif name in spare.TEXTS:
                self.inbox.post(ev.PhraseReady(name, spare.sound(name), spare=spare.TEXTS[name]))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        assert self._tasks is not None
        return self._tasks.create_task(work)

    def _idly(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._spawn(work)
        self._idle.add(task)
        task.add_done_callback(self._idle.discard)

    async def _leave(self) -> None:
        """Whatever should still be open is closed; what is not written is written, if the store lets us."""
        for task in self._idle:
            task.cancel()
        for session in self._sessions.values():
            session.close()
        for stream in list(self._streams.values()):
            self._spawn(stream.close())
        if self._recording is not None:
            await self._recording.write()
        if self._book.fenced:
            return
        if self.call.released:
            await self._remember()
        await self._book.finish(asyncio.get_running_loop().time(), self._tell([]))
