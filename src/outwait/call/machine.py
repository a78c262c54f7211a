"""The call: events in, commands out. Only the rules that join its parts live here.

`Conversation` talks to the engine, `HoldLogic` judges the line, `Ending` ends, `Meter` counts. This file moves the
phase along its table and keeps one joint rule: leg over, no session and no stream while ending -> ended, by
whatever road.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call import hold, notes, scout, tools
from outwait.call.absence import Absence
from outwait.call.call_back import GOODBYE, CallBack, Stage
from outwait.call.call_back import WAIT as CALL_BACK
from outwait.call.clock import Deadline, Deadlines, MediaClock
from outwait.call.commands import AnyCommand, Tell
from outwait.call.conversation import Conversation, SessionEvent, Want, spent
from outwait.call.cost import Meter
from outwait.call.ending import Ending, Result, View
from outwait.call.errands import Done, Errands
from outwait.call.events import AnyEvent, Trouble
from outwait.call.handover import HandOver, SecondEvent
from outwait.call.keys import tones
from outwait.call.outcome import ResultDesk
from outwait.call.patience import WAIT as PATIENCE
from outwait.call.patience import Patience
from outwait.call.phrasebook import SITUATIONS
from outwait.call.pickup import WAIT as PICKUP
from outwait.call.pickup import Pickup
from outwait.call.setup import Setup
from outwait.call.states import LEG, PHASE, Leg, Phase, Session, allowed
from outwait.call.turns import BYTES

_WAITS_OF_A_LIVING_CALL = (
    "ring",
    "ring gone",
    "stream",
    "stream gone",
    "re-attach",
    "reclaim",
    "leg again",
    "detached session",
    "line quiet",
    "line gone",
    "session retry",
    "gate",
    "drain",
    PICKUP,
    CALL_BACK,
    GOODBYE,
    PATIENCE,
)
_OK = '{"ok": true}'  # a tool's output
WHISPER = "whisper now"  # the phrase that is made for one ring
MAX_WHISPER = 120  # characters of a reason that our user hears
_PUTTING_THROUGH = (
    "The person you call for is being called, to speak to them in person. You have said that you are putting them "
    "through. Keep them on the line: answer in a few words if they say anything, and do not begin with the task."
)
_ALONE = "Tell them so in a few words and go on with the task alone."
_RECALLED = "The person you call for has asked you back: all three of you hear each other now."
_SPEAK = "Say that you are back, and ask what you can do."
_STAYS = (
    "The person you call for is on the line now and talks to them; you hear both. Say nothing unless spoken to. "
    "Keep in mind what they agree on: when they have said goodbye, call hangup_call with it as the outcome."
)
_LISTEN = 1280  # bytes given to the ear at once: one stretch of its scores
_LEG_OVER: dict[Leg, tuple[Result, str]] = {
    Leg.COMPLETED: ("indeterminate", "remote_hangup"),
    Leg.BUSY: ("client_error", "busy"),
    Leg.NO_ANSWER: ("client_error", "no_answer"),
    Leg.CANCELED: ("client_error", "canceled"),
    Leg.FAILED: ("upstream_error", "carrier_failed"),
}


class Call:
    """One task on one phone call. Pure: no clock, no I/O; `now` is monotonic seconds, passed in."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.phase = Phase.QUEUED
        self.leg = Leg.QUEUED
        self.carrier_call_id = ""
        self.released = False  # the next process has it
        self._policy = setup.policy
        self._waits = Deadlines()
        self._media = MediaClock()
        self._meter = Meter(setup.prices, setup.policy.max_cost_micro_usd)
        self._talk = Conversation(setup, self._waits, self._meter)
        self._hold = hold.HoldLogic(setup.policy.hold, on_hold=False)
        self._pickup = Pickup(setup.policy, self._waits)
        self._patience = Patience(setup.policy, self._waits, setup.reaction)
        self._errands = Errands(setup.tools, self._waits, setup.policy)
        self._call_back = CallBack(setup.call_back_minutes, setup.policy, self._waits)
        self._handover = HandOver(setup, self._waits)
        self._transfers: dict[str, tuple[ev.ToolCalled, tools.TransferCall]] = {}  # numbers that are being vetted
        self._results = ResultDesk(setup.outcome_schema, setup.policy.result_tries)
        self._scout = scout.Scout(setup)
        self._machine_asked: float | None = None  # media s: since then the agent answers a machine, not a person
        self._waited: list[float] = []  # media s of the holds that a person ended
        self._ending: Ending | None = None
        self._before = Phase.TALKING  # the phase to which a re-attached stream goes back
        self._stream = 0  # number of the open one; 0: none
        self._absence = Absence(setup.policy)
        self._answered = False
        self._sequence = -1  # of the last status callback
        self._for_ear = bytearray()
        self._hold_began = 0.0  # media s
        self._hold_resumed = 0.0  # media s: onset of the words that ended the last hold
        self._hold_phrases = 0
        self._holds = 0  # so far

    # --- the front door --------------------------------------------------------------------------

    def receive(self, event: AnyEvent, now: float) -> list[AnyCommand]:
        """One event; the commands that follow from it, to be performed in order."""
        if self.phase is Phase.ENDED:
            return []
        return self._handle(event, now) + self._settle(now)

    def deadline(self) -> Deadline | None:
        """When `TimePassed` is wanted at the latest, and what for."""
        return self._waits.next() if self.phase is not Phase.ENDED else None

    @property
    def over(self) -> bool:
        """Nothing is left to do here: ended, or let go with nothing open."""
        open_here = self._stream or self._handover.stream or self._talk.chain.link is not None
        return self.phase is Phase.ENDED or (self.released and not open_here)

    @property
    def calm(self) -> bool:
        """Nothing is said and nobody else listens: sound may come in larger pieces."""
        return self.phase is Phase.HOLDING and self._talk.calm

    def carrier_id(self, leg: int) -> str:
        """The carrier's id of a leg; "": there is none, or it is not known yet."""
        if leg == 1:
            return self.carrier_call_id
        second = self._handover.second
        return second.carrier_call_id if second is not None and second.number == leg else ""

    def answers_redirect(self, now: float, leg: int = 1) -> bool:
        """The carrier asks what to do with a leg, at first or after its stream: whether it may attach."""
        if leg > 1:
            return self._handover.wants(leg)
        return self.phase not in (Phase.ENDING, Phase.ENDED) and self._absence.may_attach(now)

    # --- events ----------------------------------------------------------------------------------

    def _handle(self, event: AnyEvent, now: float) -> list[AnyCommand]:
        match event:
            case ev.Heard():
                return self._heard(event, now)
            case ev.EarScored():
                return self._scored(event, now)
            case ev.Marked(stream=stream, name=name):
                if stream == self._stream:
                    self._talk.playout.marked(name)
                elif stream == self._handover.stream:
                    self._handover.marked(name)
                return []
            case ev.TimePassed():
                return self._time_passed(now)
            case (
                ev.Dialled()
                | ev.DialRefused()
                | ev.LegReported()
                | ev.LegUnknown()
                | ev.StreamStarted()
                | ev.HungUp()
                | ev.HangUpFailed()
            ) if event.leg > 1:
                return self._of_second(event, now)
            case ev.StreamStopped(stream=stream) if stream == self._handover.stream:
                return self._handover.stream_stopped(self._media.at)
            case ev.StreamLost(stream=stream) if stream == self._handover.stream:
                return self._handover.stream_lost(now)
            case ev.KeyHeard(stream=stream, digit=digit) if stream == self._handover.stream:
                return self._handover.pressed(digit, self._media.at)
            case ev.CalledBack(carrier_call_id=carrier_call_id):
                return self._called_back(carrier_call_id, now)
            case ev.NumberVetted():
                return self._vetted(event, now)
            case ev.Begun():
                return self._begun(now)
            case ev.Dialled(carrier_call_id=carrier_call_id):
                return self._dialled(carrier_call_id, now)
            case ev.DialRefused(trouble=trouble, detail=detail):
                self._waits.clear("dial")
                self.leg = Leg.FAILED
                status = notes.Status(status=self.leg.value)
                result: Result = "client_error" if trouble is Trouble.REFUSED else "upstream_error"
                return [Tell(status), *self._end(result, f"carrier_refused: {detail}", now, polite=False)]
            case ev.LegReported():
                return self._leg_reported(event, now)
            case ev.LegUnknown(gone=gone):
                return self._leg_unknown(gone, now)
            case ev.StreamStarted(stream=stream):
                return self._stream_started(stream, now)
            case ev.StreamStopped(stream=stream):
                if stream != self._stream:
                    return []
                if self._ending is None and self._absence.our_doing(now):
                    return [do.CloseStream(stream), *self._stream_lost(stream, 1000, now)]
                ended = self._end("indeterminate", "remote_hangup", now, polite=False, remote=True)
                return [*ended, do.CloseStream(stream)] if self._stream else ended
            case ev.StreamLost(stream=stream, code=code):
                return self._stream_lost(stream, code, now)
            case ev.KeyHeard(digit=digit):
                return self._key_heard(digit, self._media.at)
            case ev.ToneHeard(kind="key", key=digit, at=at):
                return self._key_heard(digit, at) if self._talk.playout.quiet else []
            case ev.ToneHeard(kind=kind, at=at, seconds=seconds):
                return self._sent_out(self._scout.tone(kind, at, seconds), now) if self._listens else []
            case ev.Transcribed(clip=clip, text=text):
                return self._read(clip, text, now)
            case ev.NotTranscribed(clip=clip):
                return self._read(clip, "", now)
            case ev.KeysPressed() | ev.KeysRefused():
                return []
            case ev.HungUp():
                if self._ending is not None:
                    self._ending.answered(self._waits)
                done = self._step("rest_done")
                # Of a leg that came to us the carrier tells nothing by itself.
                return [done, *self._fetch()] if self._call_back.times and self._ending is not None else [done]
            case ev.HangUpFailed(detail=detail):
                if self._ending is not None:
                    self._ending.failed(self._waits, self._policy, now)
                return [self._step("rest_failed", detail)]
            case ev.HangUpAsked():
                return self._end("client_error", "api_hangup", now, polite=False)
            case ev.Restarted():
                return self._restarted(now)
            case ev.Released():
                return self._release(now)
            case ev.PhraseMade(phrase=phrase, ulaw=ulaw) if phrase == WHISPER and ulaw:
                self._handover.whisper(ulaw)
                return self._session(event, now)
            case ev.PhraseReady(phrase=phrase, ulaw=ulaw, spare=spare):
                self._talk.keep_phrase(phrase, ulaw, spare)
                return []
            case ev.ToolAnswered() | ev.ToolFailed():
                return self._errand_done(self._errands.answered(event), now)
            case ev.LogFailed(detail=detail):
                return [self._step("log_failed", detail)] if self._ending else []
            case (
                ev.SessionOpened()
                | ev.SessionClosed()
                | ev.PersonStarted()
                | ev.PersonPaused()
                | ev.PersonStopped()
                | ev.PersonCommitted()
                | ev.PersonSaid()
                | ev.ResponseStarted()
                | ev.AnswerTimed()
                | ev.AgentSpoke()
                | ev.AgentWrote()
                | ev.ToolCalled()
                | ev.ResponseEnded()
                | ev.PhraseMade()
                | ev.PhraseFailed()
                | ev.SessionUsed()
                | ev.ResponseBilled()
                | ev.MemoryKept()
                | ev.SessionComplained()
            ):
                return self._session(event, now)
            case _:
                assert_never(event)

    # --- the leg ---------------------------------------------------------------------------------

    def _begun(self, now: float) -> list[AnyCommand]:
        if self.phase is not Phase.QUEUED:
            return []
        self._waits.set("dial", now + self._policy.connect_seconds + self._policy.close_seconds)
        limit = int(self._policy.max_hold_seconds) + self._policy.time_limit_margin
        dial = do.Dial(self.setup.to, self.setup.from_, self._policy.ring_seconds, limit)
        return [*self._enter(Phase.DIALING), dial]

    def _dialled(self, carrier_call_id: str, now: float) -> list[AnyCommand]:
        self._waits.clear("dial")
        if self.carrier_call_id:
            self._absence.asked(self._waits, now)
            return []
        self.carrier_call_id = carrier_call_id
        if not self._answered and self._ending is None:
            self._waits.set("ring", now + self._policy.ring_seconds + self._policy.ring_grace)
        return [Tell(notes.Status(status=self.leg.value, carrier_call_id=carrier_call_id))]

    def _leg_reported(self, event: ev.LegReported, now: float) -> list[AnyCommand]:
        try:
            status = Leg(event.status)
        except ValueError:
            return []
        if event.sequence is not None and event.sequence <= self._sequence and not status.over:
            return []  # callbacks overtake each other
        self._sequence = max(self._sequence, event.sequence if event.sequence is not None else -1)
        self._waits.clear("leg fetch")
        commands: list[AnyCommand] = []
        if status.over and event.duration is not None and self._answered:
            commands += spent(self._meter, self._meter.settle_line(event.duration, self._call_back.line))
        if self.phase is Phase.DETACHED:
            self._absence.reported(status, self._waits, now)
        if not allowed(LEG, self.leg, status):
            return commands
        self.leg = status
        if status is not Leg.INITIATED and not (status.over and self._call_back.outlives("remote_hangup")):
            commands.append(Tell(notes.Status(status=status.value, carrier_call_id=self.carrier_call_id)))
        if status is Leg.RINGING and self.phase is Phase.DIALING:
            commands += self._enter(Phase.RINGING)
        elif status is Leg.IN_PROGRESS:
            self._waits.clear("ring", "ring gone")
            if not self._answered and self._ending is None:
                self._waits.set("stream", now + self._policy.stream_wait)
        elif status.over:
            if self._ending is not None:
                commands.append(self._step("callback", status.value))
            result, cause = _LEG_OVER[status]
            commands += self._end(result, cause, now, polite=False)
        return commands

    def _leg_unknown(self, gone: bool, now: float) -> list[AnyCommand]:
        if gone or self._ending is not None:
            self._waits.clear("leg fetch")
        if not gone:
            if self.phase is Phase.DETACHED:
                self._absence.unknown(self._waits, now)
            return []
        if not self.carrier_call_id:  # after a restart: it was never dialled, or refused
            self.leg = Leg.FAILED
            return self._end("server_error", "restart_before_dialling", now, polite=False)
        self.leg = Leg.COMPLETED
        return self._end("indeterminate", "remote_hangup", now, polite=False)

    # --- the stream ------------------------------------------------------------------------------

    def _stream_started(self, stream: int, now: float) -> list[AnyCommand]:
        if self._ending is not None or self.released:
            return [do.CloseStream(stream)]  # too late; it was never ours
        commands: list[AnyCommand] = []
        if self._stream:
            commands.append(do.CloseStream(self._stream))
            self._talk.detach()
        if self.leg in (Leg.QUEUED, Leg.INITIATED, Leg.RINGING):
            self.leg = Leg.IN_PROGRESS
            commands.append(Tell(notes.Status(status=self.leg.value, carrier_call_id=self.carrier_call_id)))
        self._waits.clear("stream", "stream gone", "ring", "ring gone", "re-attach", "reclaim", "leg again")
        self._waits.clear("detached session")
        self._stream = stream
        self._media.attach(now)
        self._waits.set("line quiet", now + self._policy.line_quiet)
        if not self._answered:
            self._answered = True
            commands.append(Tell(notes.Answered()))
            commands += spent(self._meter, self._meter.count_line(0.0))
        else:
            self._absence.attached(now)
            commands.append(Tell(notes.Attached(at=self._media.at)))
        if self.phase is Phase.DETACHED:
            commands += self._enter(self._before)
        elif self.phase in (Phase.DIALING, Phase.RINGING):
            commands += self._enter(Phase.TALKING)
            commands += self._sent_out(self._scout.answered(), now)
        return commands

    def _stream_lost(self, stream: int, code: int, now: float) -> list[AnyCommand]:
        if stream != self._stream:
            return []
        self._stream = 0
        self._media.detach(now)
        self._talk.detach()
        self._for_ear.clear()
        self._waits.clear("line quiet", "line gone", "stop")
        if self.phase is Phase.ENDING:
            return [self._step("stream_closed", str(code))]
        if self.released:
            return []
        return self._detach(now)

    def _detach(self, now: float) -> list[AnyCommand]:
        if self.phase in (Phase.TALKING, Phase.HOLDING, Phase.RESUMING):
            self._before = self.phase
        self._waits.set("re-attach", now + self._policy.reattach_seconds)
        self._waits.set("detached session", now + self._policy.detached_session_seconds)
        return [Tell(notes.Detached(at=self._media.at)), *self._enter(Phase.DETACHED), *self._fetch()]

    def _heard(self, event: ev.Heard, now: float) -> list[AnyCommand]:
        if not event.ulaw:
            return []
        if event.stream == self._handover.stream:
            quiet, at = self._talk.playout.quiet, self._media.read(now)
            return self._handover.user_heard(event, self._stream, self._media.at, quiet, at)
        if event.stream != self._stream:
            return []
        before = int(self._media.at)
        start = self._media.hear(event.at, len(event.ulaw) / BYTES)
        at = self._media.at
        self._waits.set("line quiet", now + self._policy.line_quiet)
        self._waits.clear("line gone")
        commands = self._talk.heard(start, self._handover.mixed(event.ulaw), self._want)
        commands += self._handover.person_heard(event.ulaw)
        self._for_ear += b"" if self._handover.connected else event.ulaw
        if len(self._for_ear) >= _LISTEN:
            commands.append(do.Listen(at - len(self._for_ear) / BYTES, bytes(self._for_ear)))
            self._for_ear.clear()
        if self._may_speak:
            commands += self._handover.agent_said(self._talk.playout.advance(self._stream, at), self._stream)
        if int(at) != before:
            commands += self._second_passed(at, now)
        return commands

    def _second_passed(self, at: float, now: float) -> list[AnyCommand]:
        """The line's own timers, on media time."""
        if self.phase is Phase.HOLDING:
            self._meter.note_hold(self._holds, at - self._hold_began)
        self._talk.second_passed(at)
        line, up = self._call_back.line, at - self._call_back.line_from
        commands = spent(self._meter, self._meter.count_line(up, line))
        legs = [(line, up + self._policy.wrap_up_seconds)]
        second = self._handover.second
        if second is not None and second.answered:
            commands += spent(self._meter, self._meter.count_line(second.clock.at, second.number))
            legs.append((second.number, second.clock.at + self._policy.wrap_up_seconds))
        if self._ending is not None:
            return commands
        if not self._meter.line_fits(*legs) or not self._meter.next_response_fits():
            return commands + self._talk.break_off("budget", self._stream, at) + self._end_politely("budget", now)
        if self.phase is Phase.HOLDING and at - self._hold_began > self._policy.max_hold_seconds:
            return commands + self._end("client_error", "hold_limit", now, polite=False)
        return commands

    # --- the hold --------------------------------------------------------------------------------

    def _scored(self, event: ev.EarScored, now: float) -> list[AnyCommand]:
        if self._ending is not None or not self._stream or self._handover.connected:
            return []
        scored = event.scored
        commands = self._talk.scored(scored, self._media.at, self._want, now)
        commands += self._sent_out(self._scout.hear(scored, holding=self.phase is Phase.HOLDING), now)
        if self._machine_asked is not None and self.phase in (Phase.TALKING, Phase.RESUMING):
            commands += self._machine_answered(now)
        for heard in self._hold.hear(scored, not self._talk.playout.quiet):
            commands += self._judged(heard, now)
            if self.phase is Phase.ENDING:
                break
        return commands

    def _judged(self, heard: hold.HoldEvent, now: float) -> list[AnyCommand]:
        match heard:
            case hold.HoldSuspected(at=at, onset=onset, why=why):
                if self.phase is Phase.RESUMING:
                    return self._nobody_there(at, why, now)
                return self._park(why, now, onset) if self.phase is Phase.TALKING else []
            case hold.MaybeHuman():
                note = notes.MaybeHuman(at=heard.at, onset=heard.onset, confidence=heard.confidence, why=heard.why)
                self._suspicion_phrase(heard.at)
                return [Tell(note)]
            case hold.HumanReturned():
                return self._sent_out(self._scout.returned(heard), now) if self.phase is Phase.HOLDING else []
            case hold.NobodyThere(at=at, why=why):
                return self._nobody_there(at, why, now)
            case hold.LineDead(why=why):
                return self._end("indeterminate", f"line_dead: {why}", now, polite=False)
            case hold.SegmentHeard(start=start, end=end, kind=kind):
                self._talk.line_heard(kind, end - start)
                return [Tell(notes.HoldPart(start=start, end=end, part=kind))]
            case hold.AnnouncementHeard():
                return []
            case _:
                assert_never(heard)

    def _park(self, why: str, now: float, since: float) -> list[AnyCommand]:
        self._patience.speaks()
        cancelled = self._handover.cancel("the other side holds again", self._media.at)
        self._hold_began = since
        self._hold_phrases = 0
        self._holds += 1
        self._hold.enter_hold(self._media.at)
        commands = cancelled + self._enter(Phase.HOLDING, why)
        return [*commands, Tell(notes.HoldBegan(at=since, why=why)), *self._talk.park(now, self._media.at)]

    def _suspicion_phrase(self, at: float) -> None:
        policy = self._policy
        most = policy.phrases_per_hold + int((at - self._hold_began) / policy.phrase_more)
        if self.phase is not Phase.HOLDING or self._hold_phrases >= most or self._scout.navigating:
            return
        if self._talk.phrase_age(at) >= policy.phrase_pause and self._talk.playout.quiet:
            self._hold_phrases += 1
            self._say_resume(at)

    def _say_resume(self, at: float) -> str | None:
        text = self._talk.say_phrase(SITUATIONS["resume"], at)
        if text is not None:
            self._hold.phrase_played(at)
        return text

    def _resume(self, heard: hold.HumanReturned, now: float) -> list[AnyCommand]:
        if self.phase is not Phase.HOLDING:
            return []
        at = self._media.at
        said = None
        if self._talk.phrase_age(at) >= self._policy.phrase_pause:
            said = self._say_resume(at)
        elif self._hold_phrases:
            said = self.setup.phrases.get("resume")
        onset = max(heard.onset, self._hold_began)
        self._hold_resumed = onset
        self._meter.note_hold(self._holds, onset - self._hold_began)
        turned = self._talk.speak_to(machine=False, now=now, at=at)
        self._waited.append(round(onset - self._hold_began, 1))
        self._scout.resumed()
        self._talk.resume(onset, onset - self._hold_began, said)
        self._pickup.begin(now)
        ringing = self._ring_at_once(onset - self._hold_began, now)
        note = notes.HoldEnded(at=onset, decided_at=at, confidence=heard.confidence, why=heard.why)
        resumed = [*self._enter(Phase.RESUMING, heard.why), Tell(note)]
        return [*turned, *resumed, *ringing, *self._talk.playout.advance(self._stream, at)]

    def _ring_at_once(self, held: float, now: float) -> list[AnyCommand]:
        """A person is there, and our user wants to speak to them: no session is waited for."""
        human = self.setup.human
        if human is None or human.when != "returns" or held < self._policy.ring_after_hold or not self._may_ring:
            return []
        self._talk.say_phrase(["putting_through"], self._media.at)
        self._talk.context.happened(_PUTTING_THROUGH)
        return self._ring("a person is back", now)

    def _nobody_there(self, at: float, why: str, now: float) -> list[AnyCommand]:
        if self.phase not in (Phase.RESUMING, Phase.TALKING):
            return []
        self._pickup.over()
        self._machine_asked = None
        asked = self._talk.asked_since_park
        self._talk.context.happened("That was a recording or noise, not a person; the hold goes on.")
        commands, _ = self._talk.playout.interrupt(self._stream)
        commands += self._handover.cancel("nobody was there", at)
        note = notes.HoldWentOn(since=self._hold_resumed, at=at, asked=asked, why=why)
        commands += [*self._enter(Phase.HOLDING, why), Tell(note)]
        return commands + self._talk.park(now, at)

    # --- machines on the line ----------------------------------------------------------------------

    def _read(self, clip: int, text: str, now: float) -> list[AnyCommand]:
        if not self._listens:
            return []
        acts = self._scout.words(clip, text, self._media.at, holding=self.phase is Phase.HOLDING)
        return self._sent_out(acts, now)

    def _sent_out(self, acts: list[scout.Act], now: float) -> list[AnyCommand]:
        """What the scout wants done."""
        commands: list[AnyCommand] = []
        for act in acts:
            if self._ending is not None:
                break
            commands += self._act(act, now)
        return commands

    def _act(self, act: scout.Act, now: float) -> list[AnyCommand]:
        at = self._media.at
        match act:
            case scout.Listen(clip=clip, start=start, end=end):
                return [do.Transcribe(clip, self._talk.sound(start, end))]
            case scout.Press(keys=keys, by_carrier=by_carrier):
                if by_carrier:
                    self._absence.pressed(now)
                    return [do.PressByCarrier(self.carrier_call_id, keys)]
                self._talk.playout.phrase("", tones(keys), kind="keys")
                return self._talk.playout.advance(self._stream, at)
            case scout.Say(text=text, ask=ask):
                if self._talk.say_phrase([f"say {text}"], at) is None:
                    return self._wake(ask, now)
                return self._talk.playout.advance(self._stream, at)
            case scout.Ask():
                return self._wake(act, now)
            case scout.Park(since=since, why=why):
                return self._park(why, now, since) if self.phase is Phase.TALKING else []
            case scout.Resume(heard=heard):
                return self._resume(heard, now)
            case scout.Dismiss():
                self._hold.enter_hold(at)
                return []
            case scout.Promise(words=words):
                self._call_back.promise(words, now)
                return [Tell(notes.CallBack(at=at, state="promised", why=words))]
            case scout.Hello():
                return self._talk.hello(now) if self._want == "talk" else []
            case scout.End(wish=wish, cause=cause):
                return self._end("client_error" if wish else "indeterminate", cause, now, polite=False)
            case notes.AnsweredBy(who="person"):
                return [Tell(act), *self._talk.speak_to(machine=False, now=now, at=at)]
            case _:
                return [Tell(act)]

    def _wake(self, ask: scout.Ask, now: float) -> list[AnyCommand]:
        """The agent is needed although no person is there."""
        at = self._media.at
        self._machine_asked = at if ask.machine else None
        turned = self._talk.speak_to(machine=ask.machine, now=now, at=at)
        self._talk.wake(ask.words, ask.instructions, at)
        if self.phase is not Phase.HOLDING:
            return turned
        self._hold.leave_hold(at)
        ended = notes.HoldEnded(at=at, decided_at=at, confidence=1.0, why=ask.why)
        return [*turned, *self._enter(Phase.RESUMING, ask.why), Tell(ended)]

    def _machine_answered(self, now: float) -> list[AnyCommand]:
        """A machine that had to be told something has its answer: the session is not needed any more."""
        said = self._talk.has_answered
        if said is None:
            return []
        self._machine_asked = None
        text = said.text.strip()
        self._scout.said(text)
        commands: list[AnyCommand] = [do.KeepPhrase(text, bytes(said.audio))] if text else []
        if self.phase is Phase.RESUMING:
            commands += self._enter(Phase.TALKING)
        return commands + self._park("the machine has its answer", now, self._media.at)

    def _key_heard(self, key: str, at: float) -> list[AnyCommand]:
        if self._ending is not None:
            return []
        self._talk.context.happened(f"The other side pressed the key {key}.")
        return [Tell(notes.KeyHeard(at=at, key=key))]

    # --- the conversation ------------------------------------------------------------------------

    def _session(self, event: SessionEvent, now: float) -> list[AnyCommand]:
        commands = self._be_patient(event, now)
        commands += self._talk.receive(event, now, self._media.read(now), self._stream)
        for call in self._talk.calls:
            commands += self._tool(call, now)
        self._talk.calls.clear()
        if isinstance(event, ev.AgentSpoke) and self._stream:
            self._pickup.over()
            if self.phase is Phase.RESUMING:
                commands += self._enter(Phase.TALKING)
            if self._may_speak:
                spoken = self._talk.playout.advance(self._stream, self._media.at)
                commands += self._handover.agent_said(spoken, self._stream)
        if isinstance(event, ev.SessionClosed):
            if self._ending is not None:
                commands.append(self._step("session_closed", str(event.code)))
            held = self.phase in (Phase.HOLDING, Phase.DETACHED)
            if self._talk.gave_up is not None and not held:
                commands += self._without_a_model(self._talk.gave_up, now)
        return commands

    def _be_patient(self, event: SessionEvent, now: float) -> list[AnyCommand]:
        """Somebody waits for an answer: what is said meanwhile, and how long it took."""
        current = self._talk.chain.ready is not None and event.session == self._talk.chain.ready.number
        if self.phase is not Phase.TALKING or self._ending is not None or not current:
            return []
        at = self._media.read(now)
        match event:
            case ev.PersonStarted():
                self._patience.speaks()
            case ev.PersonPaused(quiet=quiet):
                if self._patience.paused(quiet, self._silent, at, now):
                    return self._say("filler" if self._talk.began else "opening")
            case ev.PersonStopped():
                self._patience.stopped(at, now)
            case ev.AnswerTimed():
                self._patience.timed(event)
            case ev.AgentSpoke():
                reaction = self._patience.answered(at, now)
                return [Tell(reaction)] if reaction is not None else []
            case ev.ToolCalled() if event.name in self._errands.specs:
                self._patience.owed(at, now)
            case ev.ResponseEnded(status="completed") if not self._errands.running:
                self._patience.speaks()  # it has nothing to say
            case _:
                pass
        return []

    def _say(self, situation: str) -> list[AnyCommand]:
        """A phrase, if there is one."""
        self._talk.say_phrase(SITUATIONS[situation], self._media.at)
        return self._talk.playout.advance(self._stream, self._media.at)

    @property
    def _silent(self) -> bool:
        """Nothing is being said, and something may be."""
        return self._talk.playout.quiet and bool(self._stream)

    def _without_a_model(self, why: str, now: float) -> list[AnyCommand]:
        """No session can be had any more: whoever is on the line is told so."""
        at = self._media.at
        polite = self._policy.apologise and bool(self._stream) and self._talk.say_phrase(["apology"], at) is not None
        commands = self._talk.playout.advance(self._stream, at) if polite else []
        return [*commands, *self._end("upstream_error", why, now, polite=polite)]

    def _tool(self, call: ev.ToolCalled, now: float) -> list[AnyCommand]:
        if self._ending is not None:
            return []
        if call.name in self._errands.specs:
            begun = self._errands.begin(call, now, self._media.read(now))
            return self._errand_done(begun, now) if isinstance(begun, Done) else begun
        request = tools.read_call(call.name, call.arguments, self._errands.specs)
        match request:
            case tools.Mistake(text=text):
                return self._talk.answer_tool(call, _refusal(text), respond=True, now=now)
            case tools.HangUpCall():
                return self._agent_hangs_up(call, request, now)
            case tools.WaitOnHold():
                commands = self._talk.answer_tool(call, _OK, respond=False, now=now)
                if self.phase is Phase.RESUMING:
                    commands += self._enter(Phase.TALKING)
                if self.phase is not Phase.TALKING:
                    return commands
                return commands + self._park(f"the agent waits: {request.reason}", now, self._media.at)
            case tools.PressDigits(digits=digits):
                self._scout.pressed(digits)
                self._talk.playout.phrase("", tones(digits), kind="keys")
                return self._talk.answer_tool(call, _OK, respond=False, now=now)
            case tools.ExpectCallBack(reason=reason):
                return self._promised(call, reason, now)
            case tools.TransferCall():
                return self._transfer(call, request, now)
            case _:
                assert_never(request)

    def _errand_done(self, done: Done | None, now: float) -> list[AnyCommand]:
        """A tool of the agent's own is back. On hold its answer waits in the context."""
        if done is None or self._ending is not None:
            return []
        call, at = done.errand.call, self._media.read(now)
        ran = notes.ToolRan(at=at, name=call.name, how=done.how, seconds=at - done.errand.began)
        respond = not self._errands.together(call)
        talking = self._want == "talk" or (self.phase is Phase.DETACHED and self._before is not Phase.HOLDING)
        return [Tell(ran), *self._talk.tool_came_back(call, done.output, respond=respond, talking=talking, now=now)]

    def _agent_hangs_up(self, call: ev.ToolCalled, request: tools.HangUpCall, now: float) -> list[AnyCommand]:
        said = self._talk.playout.spoke(call.session, call.response) or self._results.goodbye_said
        outcome = self._results.take(request, said=said)
        if isinstance(outcome, tools.Mistake):
            return self._talk.answer_tool(call, _refusal(outcome.text), respond=True, now=now)
        commands = self._talk.answer_tool(call, _OK, respond=False, now=now)
        self._talk.stop_listening()
        ended = self._end("success", "hangup_call", now, polite=True, goodbye=not said)
        return [*commands, Tell(outcome), *ended]

    # --- the other side calls back ---------------------------------------------------------------

    def _promised(self, call: ev.ToolCalled, reason: str, now: float) -> list[AnyCommand]:
        if not self._call_back.allowed:
            refusal = _refusal("this task can't wait to be called back")
            return self._talk.answer_tool(call, refusal, respond=True, now=now)
        commands = self._talk.answer_tool(call, _OK, respond=False, now=now)
        self._call_back.promise(reason, now)
        return [*commands, Tell(notes.CallBack(at=self._media.at, state="promised", why=reason))]

    def _wait_for_call_back(self, now: float) -> list[AnyCommand]:
        """Their leg is over, and its stream and session with it; the task is not."""
        if self._call_back.stage is Stage.WAITING:
            return []
        self._waits.clear(*_WAITS_OF_A_LIVING_CALL)
        self._call_back.wait(now)
        commands: list[AnyCommand] = []
        if not self.leg.over:  # the carrier may not think so yet
            commands.append(do.HangUp(self.carrier_call_id, cancel=False))
            self.leg = Leg.COMPLETED
        if self._stream:
            commands.append(do.CloseStream(self._stream))
        self._stream = 0
        self._media.detach(now)
        commands += self._talk.close("ended", now, self._media.at)
        self._before = Phase.TALKING
        at = self._media.at
        note = notes.CallBack(at=at, state="waiting", why=self._call_back.why)
        detached = [] if self.phase is Phase.DETACHED else [Tell(notes.Detached(at=at)), *self._enter(Phase.DETACHED)]
        return [*commands, Tell(note), *detached]

    def _called_back(self, carrier_call_id: str, now: float) -> list[AnyCommand]:
        if self._call_back.stage is not Stage.WAITING or self._ending is not None:
            return []
        at = self._media.read(now)
        self._talk.called_back(at - self._media.at, at)
        self._call_back.came(at)
        self.carrier_call_id = carrier_call_id
        self.leg, self._sequence = Leg.RINGING, -1
        self._waits.set("stream", now + self._policy.stream_wait)
        back = Tell(notes.CallBack(at=at, state="back"))
        return [back, Tell(notes.Status(status=Leg.RINGING.value, carrier_call_id=carrier_call_id))]

    # --- our user, and others who take over ------------------------------------------------------

    def _transfer(self, call: ev.ToolCalled, request: tools.TransferCall, now: float) -> list[AnyCommand]:
        """To our user: their telephone is rung. To anybody else: the house's rules are asked first."""
        human = self.setup.human
        if human is not None and request.to == human.number:
            return self._ring_as_asked(call, request.reason, now)
        if request.to in self._transfers:
            return self._talk.answer_tool(
                call, _refusal("that number is being asked for already"), respond=True, now=now
            )
        self._transfers[request.to] = (call, request)
        return [do.VetNumber(request.to)]

    def _vetted(self, event: ev.NumberVetted, now: float) -> list[AnyCommand]:
        call, request = self._transfers.pop(event.number, (None, None))
        if call is None or request is None or self._ending is not None:
            return []
        if event.refusal:
            return self._talk.answer_tool(call, _refusal(event.refusal), respond=True, now=now)
        commands = self._talk.answer_tool(call, _OK, respond=False, now=now)
        outcome = notes.Outcome(text=f"Transferred to {request.to}: {request.reason}", reason=request.reason)
        self._talk.stop_listening()
        return [*commands, Tell(outcome), *self._end("success", "transferred", now, polite=True, transfer=request.to)]

    def _ring_as_asked(self, call: ev.ToolCalled, reason: str, now: float) -> list[AnyCommand]:
        if not self._may_ring:
            why = "they are being called already" if not self._handover.free else "there is no money left for it"
            return self._talk.answer_tool(call, _refusal(why), respond=True, now=now)
        ringing = '{"ok": true, "now": "they are being called; keep the person on the line until they come"}'
        commands = self._talk.answer_tool(call, ringing, respond=False, now=now)
        commands += self._talk.make_phrase(WHISPER, f"They are on the line: {reason[:MAX_WHISPER]}")
        return commands + self._ring(f"asked: {reason}", now)

    def _ring(self, why: str, now: float) -> list[AnyCommand]:
        assert self.setup.human is not None
        whisper = self._talk.phrase_sound("whisper")
        return self._handover.ring(self.setup.human.number, why, whisper, self._media.read(now), now)

    @property
    def _may_ring(self) -> bool:
        wrap_up = self._policy.wrap_up_seconds
        up = self._media.at - self._call_back.line_from
        fits = self._meter.line_fits((self._call_back.line, up + wrap_up), (self._handover.next_leg, wrap_up))
        return self._handover.free and fits and self._ending is None and bool(self._stream)

    def _of_second(self, event: SecondEvent, now: float) -> list[AnyCommand]:
        commands: list[AnyCommand] = []
        if isinstance(event, ev.LegReported) and event.duration is not None and Leg(event.status).over:
            commands += spent(self._meter, self._meter.settle_line(event.duration, event.leg))
        return commands + self._handover.receive(event, self._media.read(now), now)

    def _handed_over(self, now: float) -> list[AnyCommand]:
        """What became of our user, and what the agent does then."""
        commands: list[AnyCommand] = []
        at = self._media.read(now)
        for news in self._handover.news:
            match news:
                case "connected":
                    commands += self._connected(at, now)
                case "absent":
                    why = f"The person you call for could not be reached ({self._handover.why})."
                    if self.phase in (Phase.TALKING, Phase.RESUMING):
                        commands += self._talk.take_over(why, _ALONE, now, at)
                    else:
                        self._talk.context.happened(why)
                case "left":
                    commands += self._end("success", "handed_over", now, polite=False)
                case "left agent":
                    commands += self._talk.take_over("The person you call for has left the line.", _ALONE, now, at)
                case "recalled":
                    commands += self._talk.take_over(_RECALLED, _SPEAK, now, at)
                case _:
                    assert_never(news)
        self._handover.news.clear()
        return commands

    def _connected(self, at: float, now: float) -> list[AnyCommand]:
        commands: list[AnyCommand] = []
        if self.phase is Phase.RESUMING:
            self._pickup.over()
            commands += self._enter(Phase.TALKING)
        cut, _ = self._talk.playout.interrupt(self._stream)
        commands += cut
        if self.setup.human is not None and self.setup.human.agent == "stays":
            self._talk.context.happened(_STAYS)
            return commands + self._handover.stay(at)
        self._talk.context.happened("The person you call for has taken over and talks to them without you.")
        return commands + self._talk.close("ended", now, at)

    # --- the end ---------------------------------------------------------------------------------

    def _end(
        self,
        result: Result,
        cause: str,
        now: float,
        *,
        polite: bool,
        goodbye: bool = False,
        remote: bool = False,
        transfer: str = "",
    ) -> list[AnyCommand]:
        """Begin to end the call. Whoever ends it first gives the reason."""
        if self._ending is not None:
            return []
        if self._call_back.outlives(cause):
            return self._wait_for_call_back(now)
        if cause == "remote_hangup" and self._handover.connected:
            result, cause = "success", "handed_over"
        self._ending = Ending(result, cause, goodbye=goodbye, polite=polite, remote=remote, transfer=transfer)
        self._waits.clear(*_WAITS_OF_A_LIVING_CALL)
        self._errands.forget()
        commands = self._handover.end("the call ends", self._media.read(now))
        for heard in self._hold.finish(self._media.at):
            commands += self._judged(heard, now)
        if not polite and self._stream:
            cut, _ = self._talk.playout.interrupt(self._stream)
            commands += cut
        self._talk.stop_listening()
        return commands + self._enter(Phase.ENDING, cause)

    def _end_politely(self, cause: str, now: float) -> list[AnyCommand]:
        return self._end("client_error", cause, now, polite=True)

    def _settle(self, now: float) -> list[AnyCommand]:
        """Level-triggered: whatever has happened, bring the sessions and the ending to where they should be."""
        commands = self._handover.settle(self._media.read(now), now)
        commands += self._handed_over(now)
        if self._ending is None:
            if not self.released:
                commands += self._talk.settle(self._want, now, self._media.read(now))
            return commands
        commands += self._talk.settle("none", now, self._media.read(now))
        while not self.over:
            wanted = self._ending.advance(self._view, self._waits, self._policy, now)
            if not wanted:
                break
            for what in wanted:
                commands += self._perform(what, now)
        return commands

    def _perform(self, what: str, now: float) -> list[AnyCommand]:
        """What the ending wants."""
        match what:
            case "ask_goodbye":
                return [*self._talk.ask_goodbye(now), self._step("goodbye_asked")]
            case "say_goodbye":
                return self._say("goodbye") if self._silent else []
            case "note_heard":
                return [self._step("goodbye_heard")]
            case "note_unheard":
                return [self._step("goodbye_unheard")]
            case "hang_up":
                assert self._ending is not None
                if self._ending.transfer:
                    return [self._transfer_leg(self._ending.transfer), self._step("rest_asked", "transfer")]
                cancel = not self._answered and self.leg is not Leg.IN_PROGRESS
                return [do.HangUp(self.carrier_call_id, cancel), self._step("rest_asked")]
            case "fetch_leg":
                return self._fetch()
            case "close_session":
                return self._talk.close("ended", now, self._media.read(now))
            case "close_stream":
                return [do.CloseStream(self._stream)] if self._stream else []
            case _:
                return self._finish(now)

    def _transfer_leg(self, to: str) -> do.Transfer:
        """Whatever becomes of us, the carrier ends it: with the call's own limit, or when its money is spent."""
        limit = int(self._policy.max_hold_seconds) + self._policy.time_limit_margin
        limit = min(limit, self._meter.seconds_left(legs=2))
        return do.Transfer(self.carrier_call_id, to, self.setup.from_, max(60, limit))

    def _finish(self, now: float) -> list[AnyCommand]:
        assert self._ending is not None
        if not self.leg.over and self.carrier_call_id:
            self.leg = Leg.COMPLETED if self._answered else Leg.CANCELED
        elif not self.leg.over:
            self.leg = Leg.FAILED
        ended = notes.Ended(
            at=self._media.read(now),
            result=self._ending.result,
            cause=self._ending.cause,
            status=self.leg.value,
            total_micro_usd=self._meter.total,
            without_parking_micro_usd=self._meter.without_parking,
        )
        known = self._scout.lessons() if self._policy.learn else None
        kept: list[AnyCommand] = [do.KeepNumber(self.setup.to, known, tuple(self._waited))] if known is not None else []
        return [*self._enter(Phase.ENDED), Tell(ended), *kept, do.Finish(self._ending.result, self._ending.cause)]

    @property
    def _view(self) -> View:
        link = self._talk.chain.link
        return View(
            session=link is not None,
            session_busy=link is not None and link.state is Session.OPEN and link.responding,
            stream=bool(self._stream),
            quiet=self._talk.playout.quiet,
            remaining=self._talk.playout.remaining(self._media.at),
            dialled=bool(self.carrier_call_id),
            dialling="dial" in self._waits,
            leg_over=self.leg.over,
            second=self._handover.second is not None,
        )

    # --- time, processes -------------------------------------------------------------------------

    def _time_passed(self, now: float) -> list[AnyCommand]:
        commands: list[AnyCommand] = []
        for name in self._waits.due(now):
            commands += self._passed(name, now)
        return commands

    def _passed(self, name: str, now: float) -> list[AnyCommand]:
        if self._ending is not None:
            commands: list[AnyCommand] = []
            for what in self._ending.passed(name, self._waits, self._policy, now):
                commands += self._perform(what, now)
            commands += self._handover.passed(name, self._media.read(now), now)
            return commands + self._talk.passed(name, now, self._media.read(now))
        match name:
            case "dial":
                return self._end("upstream_error", "carrier_silent", now, polite=False)
            case "ring" | "stream":  # the carrier's word may be lost: it is asked once
                self._waits.set(f"{name} gone", now + self._policy.connect_seconds)
                self._waits.set("leg fetch", now + 2 * self._policy.connect_seconds)
                return self._fetch()
            case "ring gone" if "leg fetch" in self._waits:  # nor does it answer now
                return self._end("upstream_error", "carrier_silent", now, polite=False)
            case "ring gone":
                return self._end("client_error", "no_answer", now, polite=False)
            case "stream gone":
                return self._end("upstream_error", "no_media_stream", now, polite=False)
            case "re-attach":
                return self._end("upstream_error", "media_stream_lost", now, polite=False)
            case "reclaim" | "leg again":
                wanted = self._absence.passed(name, self._waits, now)
                return self._fetch() if wanted == "fetch" else [do.ReclaimLeg(self.carrier_call_id)]
            case "line quiet":
                self._waits.set("line gone", now + self._policy.line_gone)
                return self._fetch()
            case "detached session":
                return self._talk.close("dropped", now, self._media.read(now))
            case "pickup":
                late = self.phase is Phase.RESUMING and self._pickup.late(self._silent, now)
                return self._say("pickup") if late else []
            case "patience":
                late = self.phase is Phase.TALKING and self._patience.late(self._silent, self._media.read(now), now)
                return self._say("moment") if late else []
            case "call back goodbye":
                return self._end("indeterminate", "remote_hangup", now, polite=False)
            case "call back":
                return self._end("client_error", "no_call_back", now, polite=False)
            case "line gone":
                return self._end("upstream_error", "line_silent", now, polite=False)
            case _ if (done := self._errands.passed(name)) is not None:
                return self._errand_done(done, now)
            case _:
                at = self._media.read(now)
                return self._handover.passed(name, at, now) + self._talk.passed(name, now, at)

    def _restarted(self, now: float) -> list[AnyCommand]:
        """All sockets of the old process are gone. Never dial again; the carrier knows whether the leg lives."""
        self.released = False
        self._waits.clear_all()
        if self.phase in (Phase.QUEUED, Phase.ENDED):
            return []
        talking = self.phase is not Phase.HOLDING and not (
            self.phase is Phase.DETACHED and self._before is Phase.HOLDING
        )
        self._scout.restarted()
        commands = self._talk.restart(self._media.read(now), talking=talking)
        self._stream = 0
        self._for_ear.clear()
        self._media.detach(now)
        self._talk.detach()
        if self._call_back.stage is Stage.WAITING and self._ending is None:
            self._call_back.wait(now)
            return commands
        commands += self._handover.restarted(now)
        if self._ending is not None:
            self._ending.restarted()
            return [*commands, *self._fetch()]
        again, lost = self._errands.restarted(now)
        commands += again
        for done in lost:
            commands += self._errand_done(done, now)
        if not self.carrier_call_id:
            self._waits.set("dial", now + self._policy.connect_seconds + self._policy.close_seconds)
            return [*commands, *self._fetch()]
        if self.phase is Phase.DETACHED:
            self._waits.set("re-attach", now + self._policy.reattach_seconds)
            return [*commands, *self._fetch()]
        return [*commands, *self._detach(now)]

    def _release(self, now: float) -> list[AnyCommand]:
        self.released = True
        commands = self._talk.close("restart", now, self._media.read(now))
        streams = [stream for stream in (self._stream, self._handover.stream) if stream]
        return [*commands, *(do.CloseStream(stream) for stream in streams)]

    def _fetch(self) -> list[AnyCommand]:
        return [do.FetchLeg(self.carrier_call_id)]

    # --- below -----------------------------------------------------------------------------------

    @property
    def _listens(self) -> bool:
        """What is heard now may still change something."""
        return self._ending is None and bool(self._stream)

    @property
    def _may_speak(self) -> bool:
        return self._ending is None or self._ending.may_speak

    @property
    def _want(self) -> Want:
        if self._handover.agent_away:
            return "none"
        if self.phase is Phase.TALKING and self._scout.holds_back:
            return "warm" if self._scout.answering.open else "drain"
        if self.phase in (Phase.TALKING, Phase.RESUMING):
            return "talk"
        if self.phase is Phase.HOLDING:
            return "drain"
        return "none"

    def _enter(self, phase: Phase, why: str = "") -> list[AnyCommand]:
        if phase is self.phase:
            return []
        if not allowed(PHASE, self.phase, phase):
            raise AssertionError(f"no edge from {self.phase} to {phase}")
        self.phase = phase
        return [Tell(notes.Phase(at=self._media.at, phase=phase.value, why=why))]

    def _step(self, step: str, detail: str = "") -> Tell:
        return Tell(notes.HangUpStep(at=self._media.at, step=step, detail=detail))


def _refusal(why: str) -> str:
    return msgspec.json.encode({"error": why}).decode()
