"""All calls of this process: places them, brings what the world says to the right one, hands them over at the end.

The web layer knows it as its `Desk`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal

import msgspec
import structlog

from outwait import call_log
from outwait.audio.ear import Listening
from outwait.call.commands import Tell
from outwait.call.events import (
    AnyEvent,
    Begun,
    CalledBack,
    CarrierJudged,
    Dialled,
    HangUpAsked,
    LegReported,
    Released,
    Restarted,
)
from outwait.call.known import Known
from outwait.call.machine import Call
from outwait.call.notes import AnyNote, Reacted
from outwait.call.setup import Setup
from outwait.call.states import Phase
from outwait.carriers.base import Stream
from outwait.house.desk import CallRequest, Inbox, Refused, call_and_leg, leg_id
from outwait.house.furnishing import House
from outwait.house.hearing import Hearing
from outwait.house.letters import Letters
from outwait.house.logbook import Show
from outwait.house.placing import countries_of, setup_of
from outwait.house.telling import Telling, Told, read
from outwait.house.transcriber import Transcriber
from outwait.rules.numbers import NumberRefused, dialable, same_house
from outwait.runner import Runner
from outwait.store.base import ApiKey, CallRow, OverQuota, StoreError

REDIRECT_SECONDS = 4.0  # for the carrier to ask about the legs that a process lets go
LEAVE_SECONDS = 6.0  # for the calls of a process that ends to close their sockets
ANEW_SECONDS = 60.0  # wall s in which a call of ours that is stored may not run yet
TOKEN_SECONDS = 600.0  # life of a stream token
ELSEWHERE_SECONDS = 1.0  # wall s between looks at the log of a call that runs in another process

log = structlog.get_logger(__name__)


class Live:
    """A call that runs here: its runner, and what it has told."""

    def __init__(self, runner: Runner, telling: Telling) -> None:
        self.runner = runner
        self.telling = telling
        self.task: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        return self.telling.over

    @property
    def talks(self) -> bool:
        """Somebody would be cut off if this process ended now."""
        return not self.ended and self.runner.call.phase not in (Phase.HOLDING, Phase.DETACHED)


class Switchboard:
    """All calls of this process. `async with` owns their tasks."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._live: dict[str, Live] = {}
        self._draining = False
        self._hearing = Hearing(house.ear)
        self._transcriber = Transcriber(house.recogniser) if house.recogniser is not None else None
        self._taking_up = asyncio.Lock()
        self._released: set[str] = set()  # calls whose legs have not asked yet what to do without their stream
        self._moved = asyncio.Event()  # a call has changed its phase, or ended
        self._tasks: set[asyncio.Task[None]] = set()
        self._letters = Letters(house.store, house.process, self._deliver)
        self._closing = contextlib.AsyncExitStack()
        self._failed: set[str] = set()  # calls that a fault of ours has thrown out
        self.callers: set[str] = set()  # numbers that calls of this process came from, E.164

    async def __aenter__(self) -> Switchboard:
        await self.take_up()
        await self._closing.enter_async_context(self._letters.collecting())
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self._draining:
            await self.drain(0.0)
        await self._closing.aclose()

    @property
    def draining(self) -> bool:
        return self._draining

    @property
    def live(self) -> Mapping[str, Live]:
        """The calls that run here, by id."""
        return self._live

    # --- the API ---------------------------------------------------------------------------------

    async def place(self, request: CallRequest, idempotency_key: str | None) -> CallRow:
        if self._draining:
            raise Refused("draining", "the server is shutting down; try again in a moment", status=503)
        guard = self._house.guard
        quota = await guard.check(request) if guard is not None else None
        if guard is not None and request.human is not None:
            await guard.check_other(request.human.number, request.from_, countries_of(request), "human")
        setup = setup_of(request, self._house, await self._known(request.to))
        webhook = self._house.webhook(request.webhook_url)
        created = self._house.wall()
        telling = Telling(setup, created)
        row = CallRow(
            id=setup.id,
            created=created,
            setup=call_log.pack_setup(setup),
            record=telling.record.as_dict(),
            carrier_call_id=None,
            live=True,
            epoch=1,
            owner=self._house.process,
            api_key=request.key.id if request.key is not None else "",
            reserved=request.max_cost_usd or 0.0,
            webhook=webhook,
        )
        if idempotency_key is not None and request.key is not None:
            idempotency_key = f"{request.key.id} {idempotency_key}"  # no key that a client sends holds a space
        try:
            kept = await self._house.store.create(row, idempotency_key, quota)
        except OverQuota as over:
            raise Refused(over.code, str(over), status=429) from over
        if kept.id == setup.id:
            live = self._start(Call(setup), telling, seq=0, epoch=kept.epoch)
            live.runner.inbox.post(Begun())
        return kept

    async def _known(self, number: str) -> Known | None:
        """What was learned of this number; without it, it is learned again."""
        if self._house.recogniser is None or not self._house.policy.learn:
            return None
        try:
            data = await self._house.store.number(number)
            return msgspec.json.decode(data, type=Known) if data is not None else None
        except (StoreError, msgspec.MsgspecError) as error:
            log.warning("what is known of a number can't be read", error=str(error))
            return None

    async def hang_up(self, call_id: str) -> bool:
        live = self._live.get(call_id)
        if live is not None and not live.ended:
            live.runner.inbox.post(HangUpAsked())
            return True
        row = await self._house.store.get(call_id)
        if row is None:
            raise KeyError(call_id)
        if row.live:
            await self._pass_on(row, HangUpAsked())
        return row.live

    async def get(self, call_id: str) -> dict[str, Any] | None:
        live = self._live.get(call_id)
        if live is not None:
            return live.telling.record.as_dict()
        row = await self._house.store.get(call_id)
        return row.record if row is not None else None

    async def page(self, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        rows, following = await self._house.store.page(limit, cursor)
        here = {call_id: live.telling.record for call_id, live in self._live.items()}
        return [here[row.id].as_dict() if row.id in here else row.record for row in rows], following

    async def notes(self, call_id: str, after: int) -> AsyncIterator[Told]:
        seq = count = 0  # read from the log so far
        while True:
            live = self._live.get(call_id)
            if live is not None:
                async for told in live.telling.after(after):
                    after = told[0]
                    yield told
                if self._draining:
                    return
            row = await self._house.store.get(call_id)  # before the log, so that its end is not missed
            entries = await self._house.store.log(call_id, seq)
            for told in read(entries, count):
                count = told[0]
                if count > after:
                    after = count
                    yield told
            if row is None or not row.live:
                return
            seq = entries[-1].seq if entries else seq
            await asyncio.sleep(ELSEWHERE_SECONDS)

    async def bearer(self, key: str) -> ApiKey | None:
        return await self._house.keys(key) if self._house.keys is not None else None

    # --- the carrier -----------------------------------------------------------------------------

    async def answer(self, call_id: str, carrier_call_id: str, *, again: bool) -> Literal["connect", "hangup", "wait"]:
        named = call_id
        call_id, leg = call_and_leg(named)
        live = self._live.get(call_id)
        if live is None or live.runner.call.released:
            row = await self._house.store.get(call_id)
            if row is None:
                raise KeyError(call_id)
            _same_leg(_carrier_id(row, leg), carrier_call_id)
            if not row.live:
                return "hangup"
            if self._draining:
                self._released.discard(named)
                self._moved.set()
                return "wait"
            live = await self._adopt(row)
        call = live.runner.call
        _same_leg(call.carrier_id(leg), carrier_call_id)
        if not call.answers_redirect(asyncio.get_running_loop().time(), leg):
            return "hangup"
        live.runner.inbox.post(Dialled(carrier_call_id, leg))
        if not again:
            live.runner.inbox.post(LegReported(status="in-progress", leg=leg))
        return "connect"

    async def called_back(self, from_: str, to: str, carrier_call_id: str) -> str | None:
        if self._draining:
            return None
        waiting = [row for row in await self._house.store.live() if _waits_for(row.record, from_, to)]
        if not waiting:
            return None
        row = min(waiting, key=lambda row: (row.record["to"] != from_, row.created))  # who was called first, is first
        live = self._live.get(row.id)
        if live is None or live.runner.call.released:
            live = await self._adopt(row)
        live.runner.inbox.post(CalledBack(carrier_call_id))
        return row.id

    async def call_of(self, carrier_call_id: str) -> str:
        row = await self._house.store.by_carrier_id(carrier_call_id)
        if row is None:
            raise KeyError(carrier_call_id)
        further = {leg["carrier_call_id"]: leg["leg"] for leg in row.record.get("second_legs", [])}
        return leg_id(row.id, further.get(carrier_call_id, 1))

    async def token(self, call_id: str) -> str:
        token = secrets.token_urlsafe(24)
        expires = self._house.wall() + TOKEN_SECONDS
        await self._house.store.keep_token(hashlib.sha256(token.encode()).digest(), call_id, expires)
        return token

    async def report(self, call_id: str, event: LegReported | CarrierJudged, carrier_call_id: str = "") -> None:
        call_id, leg = call_and_leg(call_id)
        event = msgspec.structs.replace(event, leg=leg)
        live = self._live.get(call_id)
        if live is not None:
            _same_leg(live.runner.call.carrier_id(leg), carrier_call_id)
            live.runner.inbox.post(event)
            return
        row = await self._house.store.get(call_id)
        if row is None:
            raise KeyError(call_id)
        _same_leg(_carrier_id(row, leg), carrier_call_id)
        if row.live:
            await self._pass_on(row, event)

    async def _pass_on(self, row: CallRow, event: AnyEvent) -> None:
        """To the process that runs the call; if that one is dead, to this one."""
        await self._letters.leave(row.id, event)
        if not (self._draining or row.id in self._failed):
            await self._claim(row)

    def _deliver(self, call_id: str, event: AnyEvent) -> bool:
        live = self._live.get(call_id)
        if live is None or live.ended or live.runner.call.released:
            return False
        live.runner.inbox.post(event)
        return True

    async def attach(
        self, token: str, carrier_call_id: str, make: Callable[[int], Stream]
    ) -> tuple[Stream, Inbox] | None:
        named = await self._house.store.spend_token(hashlib.sha256(token.encode()).digest(), self._house.wall())
        if named is None:
            return None
        call_id, leg = call_and_leg(named)
        live = self._live.get(call_id)
        if live is None:
            row = await self._house.store.get(call_id)
            if row is None or not row.live or self._draining:
                return None
            live = await self._adopt(row)
        known = live.runner.call.carrier_id(leg)
        if live.ended or (known and known != carrier_call_id):
            return None
        live.runner.inbox.post(Dialled(carrier_call_id, leg))
        return live.runner.attach(make, leg), live.runner.inbox

    # --- processes -------------------------------------------------------------------------------

    async def drain(self, seconds: float) -> None:
        self._draining = True
        until = asyncio.get_running_loop().time() + seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                while any(live.talks for live in self._live.values()):
                    await self._moved.wait()
                    self._moved.clear()
        for call_id, live in self._live.items():
            live.runner.inbox.post(Released())
            self._released.update(leg_id(call_id, leg) for leg in live.runner.streaming)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LEAVE_SECONDS)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LEAVE_SECONDS)
        self._hearing.close()
        # The carrier asks what to do with each leg whose socket we closed; whoever asks after we are gone hears an
        # error, and the leg is lost. So we stay until all have been told to ask again.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REDIRECT_SECONDS):
                while self._released:
                    await self._moved.wait()
                    self._moved.clear()

    async def take_up(self) -> int:
        """Calls that have no living owner are gone on with here; how many. One that fails is no reason to leave the
        others."""
        taken = 0
        for row in await self._house.store.live():
            if self._draining:
                break
            if row.id in self._live or self._ours_anew(row):
                continue
            try:
                taken += await self._claim(row)
            except StoreError:
                raise
            except Exception:
                self._failed.add(row.id)
                log.exception("a call that was left unfinished can't be taken up", call=row.id)
        return taken

    def _ours_anew(self, row: CallRow) -> bool:
        """It was stored a moment ago and is about to run here, or it failed here and would fail again."""
        ours = bool(row.owner) and row.owner == self._house.process
        return ours and (row.id in self._failed or row.created > self._house.wall() - ANEW_SECONDS)

    async def _claim(self, row: CallRow) -> bool:
        """Go on here with a call that is left over, unless another process is faster."""
        async with self._taking_up:
            if row.id in self._live:
                return False
            epoch = await self._house.store.claim(row.id, self._house.process, self._house.wall())
            if epoch is not None:
                await self._rebuild(row, epoch)
            return epoch is not None

    async def _adopt(self, row: CallRow) -> Live:
        """Go on here with a call that the carrier has brought to us: whoever had it has lost it."""
        async with self._taking_up:
            if row.id in self._live and not self._live[row.id].runner.call.released:
                return self._live[row.id]  # somebody was quicker
            return await self._rebuild(row, await self._house.store.take_over(row.id, self._house.process))

    async def _rebuild(self, row: CallRow, epoch: int) -> Live:
        """By letting today's core receive again what is in its log."""
        setup = call_log.unpack_setup(row.setup)
        call, telling = Call(setup), Telling(setup, row.created)
        seq, last = 0, 0.0
        for entry in await self._house.store.log(row.id):
            seq = entry.seq
            for at, event in call_log.unpack_event(entry.event):
                last = entry.now if at is None else at
                commands = call.receive(event, last)
                telling.add([c.note for c in commands if isinstance(c, Tell)], entry.wall)
        live = self._start(call, telling, seq=seq, epoch=epoch, listening=await self._remembered(row.id))
        if call.phase is Phase.QUEUED:
            live.runner.inbox.post(Begun())
        else:
            live.runner.inbox.post(Restarted())
        return live

    async def _remembered(self, call_id: str) -> Listening | None:
        data = await self._house.store.memory(call_id)
        if data is None:
            return None
        try:
            return Listening.load(data)
        except ValueError as error:  # of another version: the ear begins anew
            log.warning("the ear's memory of a call can't be read", call=call_id, error=str(error))
            return None

    def _start(
        self,
        call: Call,
        telling: Telling,
        *,
        seq: int,
        epoch: int,
        listening: Listening | None = None,
    ) -> Live:
        house = self._house

        def tell(notes: list[AnyNote]) -> Show:
            telling.add(notes, house.wall())
            for note in notes:
                if isinstance(note, Reacted):
                    house.on_reacted(note)
            self._moved.set()
            return telling.record.as_dict

        runner = Runner(
            call,
            carrier=house.carrier,
            engines=house.engines,
            hearing=self._hearing,
            phrases=house.phrases,
            store=house.store,
            tell=tell,
            wall=house.wall,
            on_law_broken=house.on_law_broken,
            listening=listening,
            recording=house.recordings.begin(call.setup.id) if house.recordings and call.setup.recorded else None,
            transcriber=self._transcriber,
            workshop=house.staff.get(call.setup.agent),
            vet=self._vet,
            seq=seq,
            epoch=epoch,
        )
        live = Live(runner, telling)
        self._live[call.setup.id] = live
        self.callers.add(call.setup.from_)
        live.task = asyncio.create_task(self._run(live), name=f"call {call.setup.id}")
        self._tasks.add(live.task)
        live.task.add_done_callback(self._tasks.discard)
        return live

    async def _vet(self, setup: Setup, number: str) -> str:
        """Why the agent may not have this number called; "" when it may."""
        try:
            dialable(number, setup.from_)
            if self._house.guard is not None:
                await self._house.guard.check_other(number, setup.from_, setup.transfer_countries, "to")
        except (NumberRefused, Refused) as refused:
            return str(refused)
        except StoreError:
            return "the number can't be checked just now"
        return ""

    async def _run(self, live: Live) -> None:
        call_id = live.runner.call.setup.id
        try:
            await live.runner.run()
        except Exception:
            self._failed.add(call_id)
            log.exception("a call failed; the others go on", call=call_id)
        finally:
            live.telling.end()
            if self._live.get(call_id) is live:  # and not another runner that has taken the call up again
                del self._live[call_id]
            self._moved.set()
            self._house.on_ended()


def _same_leg(known: str, named: str) -> None:
    """Raises KeyError when the carrier speaks of another leg than the one we know; an id that is "" is any."""
    if known and named and known != named:
        raise KeyError(named)


def _carrier_id(row: CallRow, leg: int) -> str:
    """The carrier's id of a leg of a call that does not run here; "": not known."""
    if leg == 1:
        return row.carrier_call_id or ""
    return next((each["carrier_call_id"] or "" for each in row.record["second_legs"] if each["leg"] == leg), "")


def _waits_for(record: dict[str, Any], from_: str, to: str) -> bool:
    """Whether this call waits to be called back from there."""
    waits = (record.get("call_back") or {}).get("state") == "waiting"
    return waits and record["from"] == to and same_house(record["to"], from_)
