"""A carrier that behaves like Twilio: REST, signed webhooks, TwiML, and media streams with real playout.

`TwilioSim` runs the calls. Over sockets it serves REST on a port and dials out with httpx and websockets; in a virtual
world it is given an HTTP client and a `connect` of the world's own, and its REST app is used as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import httpx2

from outwait.sim import sound, twiml
from outwait.sim.hearing import Hearing
from outwait.sim.line import SILENT_FRAME, Line
from outwait.sim.media_socket import Clock, ConnectFailed, connect_socket
from outwait.sim.media_socket import Connect as Connect
from outwait.sim.person import FarEnd, lines_of, pieces_of, refusal, ring_seconds
from outwait.sim.pipes import Pipe, PipeClosed
from outwait.sim.scenario import Scenario
from outwait.sim.serving import serve_http
from outwait.sim.signing import signature
from outwait.sim.twilio_call import StreamRecord, TwilioCall, frames_of
from outwait.sim.twilio_rest import RestApp, RestRequest
from outwait.sim.twilio_webhooks import Webhooks

SETTLE_EVERY = 10  # frames between two looks whether the peer keeps up, when faster than real time
# Looks whose answer may be outstanding: so far behind may the peer be, who reads hold music in batches.
SETTLE_BEHIND = {"talk": 1, "announce": 2, "hold": 6}
MAX_GAP = 30.0  # wall seconds without a stream that the far end lives through
_SETTLE_AT_END = 5.0  # wall seconds for the reader to notice the peer's close


class TwilioSim:
    """The carrier.

    scenario
        what every called number does, or a mapping from number to scenario ("" = any other number)
    hearing
        the registry of spoken words, shared with the model's simulator
    http, connect
        how webhooks are posted and media sockets opened; None = over real sockets
    on_frame
        called after every 20 ms of every call
    port
        of the REST server; 0 = any free one
    """

    def __init__(
        self,
        scenario: Scenario | Mapping[str, Scenario],
        hearing: Hearing,
        *,
        account_sid: str = "AC" + "0" * 31 + "1",
        auth_token: str = "sim-auth-token",
        http: httpx2.AsyncClient | None = None,
        connect: Connect | None = None,
        on_frame: Callable[[TwilioCall], None] | None = None,
        port: int = 0,
    ) -> None:
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.calls: dict[str, TwilioCall] = {}
        self.requests: list[RestRequest] = []
        self.app = RestApp(self)
        self.base_url = ""
        self.incoming_url = ""  # where calls to our number are announced; "" = nobody can call
        self._scenarios = scenario if isinstance(scenario, Mapping) else {"": scenario}
        self._hearing = hearing
        self._http = http
        self._connect = connect
        self._on_frame = on_frame
        self._port = port
        self._numbers = itertools.count(1)
        self._failures: dict[str, list[int]] = {"create": [], "complete": []}
        for entry in self._scenarios.values():
            self._failures["create"] += entry.carrier.create_fails
            self._failures["complete"] += entry.carrier.complete_fails
        self._tasks: set[asyncio.Task[object]] = set()
        self._changed: dict[str, asyncio.Event] = {}
        self._done: dict[str, asyncio.Event] = {}
        self._placed = asyncio.Event()
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._prepare)
        if self._http is None:
            self._http = await self._stack.enter_async_context(httpx2.AsyncClient(trust_env=False))
        if self._connect is None:
            self._connect = connect_socket
            port = await self._stack.enter_async_context(serve_http(self.app, self._port))
            self.base_url = f"http://127.0.0.1:{port}"
        self._webhooks = Webhooks(self._http, self.auth_token, self.now)
        self._group = await self._stack.enter_async_context(asyncio.TaskGroup())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._stack.__aexit__(kind, error, trace)

    def _prepare(self) -> None:
        for scenario in self._scenarios.values():
            sound.prepare(lines_of(scenario), pieces_of(scenario))

    # What tests and the demo ask.

    async def first_call(self, limit: float = 30.0) -> TwilioCall:
        """The first call placed, as soon as there is one. `limit`: wall seconds."""
        async with asyncio.timeout(limit):
            await self._placed.wait()
        return next(iter(self.calls.values()))

    async def ended(self, call: TwilioCall, limit: float = 120.0) -> None:
        """Wait until the call is over and its last callback was sent. `limit`: wall seconds."""
        async with asyncio.timeout(limit):
            await self._done[call.sid].wait()

    @property
    def open_streams(self) -> int:
        """Media sockets open now."""
        return sum(not record.ended for call in self.calls.values() for record in call.streams)

    def call_in(self, scenario: Scenario, from_: str, to: str, part: str = "") -> TwilioCall:
        """Somebody calls our number, and acts out the scenario, or a part of it, when the call is taken."""
        form = {"From": from_, "To": to, "Url": self.incoming_url}
        call = self._new_call(form, frozenset(), FarEnd(scenario, self._hearing, part))
        call.inbound = True
        self._start(call, self._live_inbound(call))
        return call

    # What the REST app needs.

    def now(self) -> float:
        """Wall seconds (the loop's clock)."""
        return asyncio.get_running_loop().time()

    def next_failure(self, kind: str) -> int | None:
        """See `Exchange`."""
        return self._failures[kind].pop(0) if self._failures[kind] else None

    def dial(self, form: dict[str, str], events: frozenset[str]) -> TwilioCall:
        """Place a call to a number of the scenarios."""
        scenario = self._scenarios.get(form["To"]) or self._scenarios.get("") or next(iter(self._scenarios.values()))
        call = self._new_call(form, events, FarEnd(scenario, self._hearing))
        self._start(call, self._live(call))
        self._placed.set()
        return call

    def _new_call(self, form: dict[str, str], events: frozenset[str], far: FarEnd) -> TwilioCall:
        sid = f"CA{next(self._numbers):032x}"
        call = TwilioCall(sid, self.account_sid, form, events, far, created_at=self.now())
        self.calls[sid] = call
        self._changed[sid] = asyncio.Event()
        self._done[sid] = asyncio.Event()
        return call

    def _start(self, call: TwilioCall, life: Coroutine[Any, Any, None]) -> None:
        self._beside(life, f"sim call {call.sid[-6:]}")

    def _beside(self, work: Coroutine[Any, Any, object], name: str) -> asyncio.Task[object]:
        """It ends with the carrier."""
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def update(self, call: TwilioCall, form: dict[str, str]) -> None:
        """Carry out Status=, Twiml=, Url=, TimeLimit= on a live call."""
        for name in ("TimeLimit", "StatusCallback", "FallbackUrl", "Url", "Method"):
            if name in form:
                call.options[name] = form[name]
        status = form.get("Status")
        if status == "completed" or (status == "canceled" and call.status in ("queued", "initiated", "ringing")):
            call.wanted = "end"
            call.ended_why = "api"
        elif "Twiml" in form or "Url" in form:
            call.wanted = "replace"
            call.new_document = form.get("Twiml", "")
        self._changed[call.sid].set()

    # The life of one call.

    async def _live(self, call: TwilioCall) -> None:
        callbacks: asyncio.Queue[dict[str, str] | None] = asyncio.Queue()
        poster = self._beside(self._post_callbacks(call, callbacks), f"sim callbacks {call.sid[-6:]}")
        await self._dial(call, callbacks)
        if call.status == "in-progress":
            if call.options.get("MachineDetection") and call.options.get("AsyncAmd") == "true":
                self._beside(self._judge(call), f"sim amd {call.sid[-6:]}")
            why = await self._run_verbs(call)
            self._enter(call, callbacks, "completed", why)
        callbacks.put_nowait(None)
        await asyncio.wait([poster])
        self._call_back(call)
        self._done[call.sid].set()

    async def _live_inbound(self, call: TwilioCall) -> None:
        """The document is fetched while it rings; taking the call, or not, is up to it."""
        call.change("ringing", self.now())
        verbs = await self._verbs(call, None, call.options["Url"], "POST")
        if verbs is None or not verbs or isinstance(verbs[0], twiml.Reject | twiml.Hangup):
            call.change("busy", self.now(), "rejected")
        else:
            call.change("in-progress", self.now())
            call.change("completed", self.now(), await self._run_verbs(call, verbs))
        self._call_back(call)
        self._done[call.sid].set()

    def _call_back(self, call: TwilioCall) -> None:
        """The far end had promised to."""
        promised = call.far_end.call_back
        if promised is None or not self.incoming_url:
            return
        scenario = call.far_end.scenario
        ours, theirs = call.options.get("From", ""), promised.by_number or call.to

        async def later() -> None:
            await asyncio.sleep(promised.call_back / (scenario.pace.talk or 1.0))
            self.call_in(scenario, theirs, ours, promised.part)

        self._beside(later(), f"sim call-back {call.sid[-6:]}")

    async def _dial(self, call: TwilioCall, callbacks: asyncio.Queue[dict[str, str] | None]) -> None:
        scenario = call.far_end.scenario
        self._enter(call, callbacks, "initiated")
        self._enter(call, callbacks, "ringing")
        rings = ring_seconds(scenario)
        limit = float(call.options.get("Timeout", "60"))
        pace = scenario.pace.talk
        await self._wait(call, min(rings, limit) / pace if pace else 0.0)
        if call.wanted == "end":
            self._enter(call, callbacks, "canceled", "api")
        elif refused := refusal(scenario):
            self._enter(call, callbacks, refused)
        elif rings > limit:
            self._enter(call, callbacks, "no-answer")
        else:
            self._enter(call, callbacks, "in-progress")

    async def _run_verbs(self, call: TwilioCall, first: list[twiml.Verb] | None = None) -> str:
        """Fetch and run TwiML until something ends the call; returns why. `first`: fetched already."""
        document: str | None = call.options.get("Twiml")
        url, method = call.options.get("Url", ""), call.options.get("Method", "POST")
        while True:
            verbs = first or await self._verbs(call, document, url, method)
            first = None
            if verbs is None:
                return "webhook_failed"
            outcome: str | twiml.Redirect = ""
            for verb in verbs:
                outcome = await self._run(call, verb)
                if outcome:
                    break
            outcome = outcome or self._outcome(call) or "no_more_verbs"
            if isinstance(outcome, twiml.Redirect):
                document, url, method = None, urljoin(url, outcome.url), outcome.method
            elif outcome == "replace":
                call.wanted = ""
                document, url = call.new_document or None, call.options.get("Url", url)
            else:
                return outcome

    async def _run(self, call: TwilioCall, verb: twiml.Verb) -> str | twiml.Redirect:
        """One verb. Returns "" = go on with the next, "replace", a redirect, or why the call is over."""
        match verb:
            case twiml.Stream():
                return await self._stream(call, verb)
            case twiml.Redirect():
                return verb
            case twiml.Hangup() | twiml.Reject():
                return "twiml"
            case twiml.PlayDigits():
                call.digits_played += verb.digits
                call.far_end.press(verb.digits)
                return await self._idle(call, sum(0.5 if digit in "wW" else 0.2 for digit in verb.digits))
            case twiml.Pause():
                return await self._idle(call, verb.length)
            case twiml.Dial():
                call.dialled = verb.to
                return await self._idle(call, 1.0) or "dialled"

    async def _verbs(self, call: TwilioCall, document: str | None, url: str, method: str) -> list[twiml.Verb] | None:
        """Parse the given document, or fetch one; falls back to FallbackUrl once. None = all failed."""
        targets = [(url, method)]
        if call.options.get("FallbackUrl"):
            targets.append((call.options["FallbackUrl"], call.options.get("FallbackMethod", "POST")))
        for target, how in targets:
            text = document if document is not None else await self._fetch(call, target, how)
            document = None
            if text is None:
                continue
            try:
                return twiml.parse(text)
            except twiml.TwimlError as error:
                call.warn(error.code, str(error))
        return None

    async def _fetch(self, call: TwilioCall, url: str, method: str) -> str | None:
        asking = asyncio.ensure_future(self._webhooks.post(call, "twiml", url, call.form(), method))
        changed = asyncio.ensure_future(self._until(call, "end"))
        try:
            await asyncio.wait([asking, changed], return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                return "<Response/>"  # ended meanwhile: the document no longer matters
            answer = asking.result()
        finally:
            for task in (asking, changed):
                task.cancel()
            await asyncio.wait([asking, changed])
        if answer is None or answer.status_code >= 400:
            call.warn(11200, f"HTTP retrieval failure: {url}")
            return None
        return str(answer.text)

    async def _stream(self, call: TwilioCall, verb: twiml.Stream) -> str:
        """Run a media stream to its end. Returns as `_run`."""
        if call.wanted:
            return self._outcome(call)
        line = Line(self.account_sid, call.sid, f"MZ{next(self._numbers):032x}")
        record = StreamRecord(line, verb.url, self.now())
        headers = {"X-Twilio-Signature": signature(self.auth_token, verb.url)}
        assert self._connect is not None
        try:
            pipe = await self._connect(verb.url, headers)
        except ConnectFailed as failure:
            call.warn(failure.code, str(failure))
            return ""
        self._catch_up(call)
        call.streams.append(record)
        self._tell(call, verb, record, "stream-started")
        closed = asyncio.Event()
        reader = asyncio.create_task(self._read(pipe, record, closed), name=f"sim media {call.sid[-6:]}")
        try:
            record.ended = await self._media(call, pipe, line, verb.parameters, closed)
            record.ended_at = self.now()
            if record.ended == "dropped":
                pipe.abort()
            else:
                await pipe.close(1000)
                await asyncio.wait([reader], timeout=_SETTLE_AT_END)
        finally:
            record.ended = record.ended or "cancelled"
            record.ended_at = record.ended_at or self.now()
            if not reader.done():
                reader.cancel()
                pipe.abort()
            await asyncio.wait([reader])
        self._tell(call, verb, record, "stream-stopped")
        if record.ended == "peer_closed":
            call.warn(31921, "close error: the server closed the media socket")
        return self._outcome(call)

    async def _read(self, pipe: Pipe, record: StreamRecord, closed: asyncio.Event) -> None:
        try:
            while True:
                record.line.receive(await pipe.recv())
        except PipeClosed as gone:
            record.close_code = gone.code
            record.peer_closed_at = self.now()
            closed.set()

    async def _media(
        self, call: TwilioCall, pipe: Pipe, line: Line, parameters: dict[str, str], closed: asyncio.Event
    ) -> str:
        """Carry media until the stream ends; returns how."""
        far = call.far_end
        clock = Clock(self.now)
        try:
            for message in line.open(parameters):
                await pipe.send(message)
            for number in itertools.count(1):
                if closed.is_set():
                    return "peer_closed"
                if self._outcome(call):
                    for message in line.stop():
                        await pipe.send(message)
                    return "replaced" if call.wanted == "replace" else "stopped"
                for key in far.keys:
                    line.digit(key)
                far.keys.clear()
                said = far.speak()
                messages, heard = line.tick(said)
                call.play(said, heard)
                for message in messages:
                    await pipe.send(message)
                if self._on_frame:
                    self._on_frame(call)
                if far.drop_wanted:
                    far.drop_wanted = False
                    return "dropped"
                if far.pace != 1.0 and number % SETTLE_EVERY == 0:
                    await pipe.settle(SETTLE_BEHIND[far.kind])
                await clock.frame(far.pace)
        except PipeClosed:
            return "peer_closed"
        raise AssertionError

    async def _idle(self, call: TwilioCall, seconds: float) -> str:
        """Let media time pass without a stream; a long time at the pace of life, for somebody is waited for then."""
        clock = Clock(self.now)
        for _ in range(frames_of(seconds)):
            if outcome := self._outcome(call):
                return outcome
            call.play(call.far_end.speak(), SILENT_FRAME)
            await clock.frame(1.0 if seconds > MAX_GAP else call.far_end.pace)
        return self._outcome(call)

    def _catch_up(self, call: TwilioCall) -> None:
        """The far end goes on while no stream is there: one media second for every wall second."""
        before = [record.ended_at for record in call.streams if record.ended_at]
        since = before[-1] if before else call.answered_at
        for _ in range(frames_of(min(MAX_GAP, self.now() - since))):
            call.play(call.far_end.speak(), SILENT_FRAME)

    def _outcome(self, call: TwilioCall) -> str:
        """Why the current verb must stop: "" = it need not."""
        if call.wanted == "end":
            return "api"
        if call.far_end.ended:
            return "far_end"
        if call.media_seconds >= float(call.options.get("TimeLimit", "14400")):
            return "time_limit"
        return call.wanted

    # Webhooks.

    def _enter(
        self, call: TwilioCall, callbacks: asyncio.Queue[dict[str, str] | None], status: str, why: str = ""
    ) -> None:
        call.change(status, self.now(), why)
        form = call.callback(status, format_datetime(datetime.now(UTC)))
        if form is not None and not call.far_end.scenario.carrier.lose_callbacks:
            callbacks.put_nowait(form)

    async def _post_callbacks(self, call: TwilioCall, callbacks: asyncio.Queue[dict[str, str] | None]) -> None:
        while (form := await callbacks.get()) is not None:
            method = call.options.get("StatusCallbackMethod", "POST")
            await self._webhooks.post(call, "status", call.options["StatusCallback"], form, method)

    async def _judge(self, call: TwilioCall) -> None:
        """Who answered, as this carrier hears it."""
        carrier, pace = call.far_end.scenario.carrier, call.far_end.scenario.pace.talk
        await self._wait(call, carrier.amd_after / pace if pace else 0.0)
        if call.over:
            return
        form = {"CallSid": call.sid, "AccountSid": self.account_sid, "AnsweredBy": carrier.amd}
        form |= {"MachineDetectionDuration": str(round(carrier.amd_after * 1000))}
        method = call.options.get("AsyncAmdStatusCallbackMethod", "POST")
        await self._webhooks.post(call, "amd", call.options["AsyncAmdStatusCallback"], form, method)

    def _tell(self, call: TwilioCall, verb: twiml.Stream, record: StreamRecord, event: str) -> None:
        if verb.status_callback is None:
            return
        form = {"AccountSid": self.account_sid, "CallSid": call.sid, "StreamSid": record.line.stream_sid}
        form |= {"StreamEvent": event, "Timestamp": datetime.now(UTC).isoformat()}
        self._beside(self._webhooks.post(call, "stream", verb.status_callback, form), f"sim stream {call.sid[-6:]}")

    # Small things.

    async def _wait(self, call: TwilioCall, seconds: float) -> None:
        """Wall seconds, or until REST wants the call ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._until(call, "end")

    async def _until(self, call: TwilioCall, wanted: str) -> None:
        changed = self._changed[call.sid]
        while call.wanted != wanted:
            changed.clear()
            await changed.wait()
