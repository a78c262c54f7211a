"""The call: events in, commands out. Only the rules that join its parts live here.

`FirstLeg` is the line, `Conversation` talks to the engine, `Holds` and `Scout` judge who is there, `Wishes` is what the
agent asks for, `HandOver` our user's telephone, `Ending` ends, `Meter` counts. Each has a file of its own. This one
moves the phase along its table and keeps one joint rule: leg over, no session and no stream while ending -> ended, by
whatever road.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from outwait.call import acts, notes
from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.audience import Audience
from outwait.call.bill import LineBill
from outwait.call.call_back import GOODBYE, CallBack, Stage
from outwait.call.call_back import WAIT as CALL_BACK
from outwait.call.called_back import WAITS_OF_A_LIVING_CALL, CalledBack
from outwait.call.clock import Deadline, Deadlines, MediaClock
from outwait.call.commands import AnyCommand, Tell
from outwait.call.conversation import Conversation
from outwait.call.cost import Meter
from outwait.call.course import Course
from outwait.call.ending import Ending
from outwait.call.errands import Done, Errands
from outwait.call.events import AnyEvent, LineEvent, SessionEvent
from outwait.call.farewell import Farewell
from outwait.call.first_leg import FirstLeg
from outwait.call.handover import HandOver, SecondEvent
from outwait.call.holds import Holds
from outwait.call.machines import Machines
from outwait.call.on_hold import OnHold
from outwait.call.our_user import WHISPER, OurUser
from outwait.call.scout import Scout
from outwait.call.setup import Setup
from outwait.call.silence import Silence
from outwait.call.sound import Sound
from outwait.call.states import Leg, Phase
from outwait.call.wishes import Wishes


class Call:
    """One task on one phone call. Pure: no clock, no I/O; `now` is monotonic seconds, passed in."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.released = False  # the next process has it
        self._policy = setup.policy
        self._waits = Deadlines()
        self._media = MediaClock()
        self._course = Course(self._media)
        self._meter = Meter(setup.prices, setup.policy.max_cost_micro_usd)
        self._talk = Conversation(setup, self._waits, self._meter)
        self._call_back = CallBack(setup.call_back_minutes, setup.policy, self._waits)
        self._handover = HandOver(setup, self._waits)
        self._bill = LineBill(self._meter, setup.policy, self._call_back, self._handover)
        self._line = FirstLeg(setup, self._waits, self._media, self._bill, self._call_back)
        self._sound = Sound(self._media, self._line, self._talk, self._handover)
        self._holds = Holds(setup, self._talk, self._meter)
        self._scout = Scout(setup)
        self._machines = Machines(self._media, self._course, self._talk, self._holds, self._scout)
        self._errands = Errands(setup.tools, self._waits, setup.policy)
        self._silence = Silence(setup, self._waits, self._media, self._line, self._talk, self._errands)
        self._our_user = OurUser(
            setup, self._media, self._course, self._line, self._talk, self._silence, self._handover, self._bill
        )
        self._audience = Audience(self._course, self._scout, self._handover)
        self._on_hold = OnHold(
            self._media,
            self._course,
            self._line,
            self._talk,
            self._holds,
            self._scout,
            self._machines,
            self._silence,
            self._handover,
            self._our_user,
        )
        self._called_back = CalledBack(
            self._waits, self._media, self._course, self._line, self._talk, self._holds, self._call_back
        )
        self._wishes = Wishes(
            setup, self._media, self._talk, self._errands, self._call_back, self._scout, self._our_user
        )
        self._ending: Farewell | None = None

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
    def phase(self) -> Phase:
        """What the call is about just now."""
        return self._course.phase

    @property
    def voice(self) -> str:
        """The engine that people hear."""
        return self._talk.sessions.choice.voice

    @property
    def over(self) -> bool:
        """Nothing is left to do here: ended, or let go with nothing open."""
        open_here = self._line.stream or self._handover.stream or self._talk.chain.link is not None
        return self.phase is Phase.ENDED or (self.released and not open_here)

    @property
    def calm(self) -> bool:
        """Nothing is said and nobody else listens: sound may come in larger pieces."""
        return self.phase is Phase.HOLDING and self._talk.calm

    def carrier_id(self, leg: int) -> str:
        """The carrier's id of a leg; "": there is none, or it is not known yet."""
        if leg == 1:
            return self._line.carrier_call_id
        second = self._handover.second
        return second.carrier_call_id if second is not None and second.number == leg else ""

    def answers_redirect(self, now: float, leg: int = 1) -> bool:
        """The carrier asks what to do with a leg, at first or after its stream: whether it may attach."""
        if leg > 1:
            return self._handover.wants(leg)
        return self.phase not in (Phase.ENDING, Phase.ENDED) and self._line.may_attach(now)

    # --- events ----------------------------------------------------------------------------------

    def _handle(self, event: AnyEvent, now: float) -> list[AnyCommand]:
        if isinstance(event, SecondEvent) and event.leg > 1:
            return self._our_user.receive(event, now)
        if isinstance(event, LineEvent):
            return self._of_line(event, now)
        if isinstance(event, SessionEvent):
            return self._session(event, now)
        match event:
            case ev.EarScored():
                return self._scored(event, now)
            case ev.TimePassed():
                commands: list[AnyCommand] = []
                for name in self._waits.due(now):
                    commands += self._passed(name, now)
                return commands
            case ev.Begun():
                if self.phase is not Phase.QUEUED:
                    return []
                return [*self._course.enter(Phase.DIALING), *self._line.dial(now)]
            case ev.CalledBack(carrier_call_id=carrier_call_id):
                return self._called_back.came(carrier_call_id, now) if self._ending is None else []
            case ev.NumberVetted():
                up = bool(self._line.stream)
                return self._do(self._wishes.vetted(event, now, up=up), now) if self._ending is None else []
            case ev.Transcribed() | ev.NotTranscribed():
                if not self._listens:
                    return []
                text = event.text if isinstance(event, ev.Transcribed) else ""
                words = self._scout.words(event.clip, text, self._media.at, holding=self.phase is Phase.HOLDING)
                return self._do(words, now)
            case ev.HangUpAsked():
                return self._end(acts.End("client_error", "api_hangup"), now)
            case ev.Restarted():
                return self._restarted(now)
            case ev.Released():
                return self._release(now)
            case ev.PhraseReady(phrase=phrase, ulaw=ulaw, spare=spare):
                self._talk.sayings.keep(phrase, ulaw, spare)
                return []
            case ev.ToolAnswered() | ev.ToolFailed():
                return self._errand_done(self._errands.answered(event), now)
            case ev.LogFailed(detail=detail):
                return [self._step("log_failed", detail)] if self._ending else []
            case _:
                assert_never(event)

    def _of_line(self, event: LineEvent, now: float) -> list[AnyCommand]:
        """News of the company's leg, and of the streams of both."""
        detached, ending, users = self.phase is Phase.DETACHED, self._ending is not None, self._handover.stream
        match event:
            case ev.Heard():
                return self._heard(event, now)
            case ev.Marked() | ev.StreamStopped() | ev.StreamLost() | ev.KeyHeard() if event.stream == users:
                return self._handover.of_stream(event, self._media.at, now)
            case ev.Marked(stream=stream, name=name):
                if stream == self._line.stream:
                    self._talk.playout.marked(name)
                return []
            case ev.Dialled(carrier_call_id=carrier_call_id):
                return self._line.dialled(carrier_call_id, now, ending=ending)
            case ev.DialRefused(trouble=trouble, detail=detail):
                return self._do(self._line.refused(trouble, detail), now)
            case ev.LegReported():
                steps = self._line.reported(event, now, detached=detached, ending=ending)
                rings = self.phase is Phase.DIALING and self._line.leg is Leg.RINGING
                return self._do(steps, now) + (self._course.enter(Phase.RINGING) if rings else [])
            case ev.LegUnknown(gone=gone):
                return self._do(self._line.unknown(gone, now, detached=detached, ending=ending), now)
            case ev.CarrierJudged(who=who):
                said = self._scout.carrier_says(who, self._media.at, holding=self.phase is Phase.HOLDING)
                return self._do(said, now) if self._listens else []
            case ev.StreamStarted(stream=stream):
                return self._stream_started(stream, now)
            case ev.StreamStopped(stream=stream):
                return self._stream_stopped(stream, now)
            case ev.StreamLost(stream=stream, code=code):
                return self._stream_lost(stream, code, now)
            case ev.KeyHeard(digit=digit):
                return self._talk.key_heard(digit, self._media.at) if self._ending is None else []
            case ev.ToneHeard(kind="key", key=digit, at=at):
                heard = self._ending is None and self._talk.playout.quiet  # and it is no key of ours
                return self._talk.key_heard(digit, at) if heard else []
            case ev.ToneHeard(kind=kind, at=at, seconds=seconds):
                return self._do(self._scout.tone(kind, at, seconds), now) if self._listens else []
            case ev.KeysPressed() | ev.KeysRefused():
                return []
            case ev.HungUp():
                if self._ending is not None:
                    self._ending.hung_up()
                # Of a leg that came to us the carrier tells nothing by itself.
                fetched = self._line.fetch() if self._call_back.times and ending else []
                return [self._step("rest_done"), *fetched]
            case ev.HangUpFailed(detail=detail):
                if self._ending is not None:
                    self._ending.hang_up_failed(now)
                return [self._step("rest_failed", detail)]
            case _:
                assert_never(event)

    def _do(self, steps: Iterable[acts.Step], now: float) -> list[AnyCommand]:
        """What parts return, as commands. An ending call does nothing any more that was still wanted of it."""
        commands: list[AnyCommand] = []
        for step in steps:
            if isinstance(step, do.Command):
                commands.append(step)
            elif self._ending is None:
                commands += self._act(step, now)
        return commands

    def _act(self, act: acts.Act, now: float) -> list[AnyCommand]:
        at = self._media.at
        match act:
            case acts.Listen(clip=clip, start=start, end=end):
                return [do.Transcribe(clip, self._talk.far.between(start, end))]
            case acts.Press(keys=keys, by_carrier=by_carrier):
                return self._line.press(keys, now) if by_carrier else self._sound.press(keys)
            case acts.Say():
                return self._machines.say(act, self._line.stream, now)
            case acts.Ask():
                return self._machines.wake(act, self._line.stream, now)
            case acts.Park(since=since, why=why):
                return self._on_hold.park(why, now, since)
            case acts.Hold(since=since, why=why) if self.phase is Phase.TALKING:
                return self._on_hold.park(why, now, since)
            case acts.Hold(at=at, why=why) | acts.Nobody(at=at, why=why):
                return self._on_hold.nobody_there(at, why, now)
            case acts.Back(heard=heard):
                return self._do(self._scout.returned(heard), now) if self.phase is Phase.HOLDING else []
            case acts.Wait(why=why):
                commands = self._course.talk()
                return commands + self._on_hold.park(why, now, at)
            case acts.Resume(heard=heard):
                return self._on_hold.resume(heard, now)
            case acts.Dismiss():
                self._holds.logic.enter_hold(at)
                return []
            case acts.Promise(words=words):
                return self._called_back.promised(words, now)
            case acts.Hello():
                return self._talk.hello(now) if self._audience.want == "talk" else []
            case acts.End():
                return self._end(act, now)
            case notes.AnsweredBy(who="person"):
                return [Tell(act), *self._talk.speak_to(machine=False, now=now, at=at)]
            case _:
                return [Tell(act)]

    # --- the line --------------------------------------------------------------------------------

    def _stream_started(self, stream: int, now: float) -> list[AnyCommand]:
        if self._ending is not None or self.released or self._call_back.stage is Stage.WAITING:
            return [do.CloseStream(stream)]  # too late; it was never ours
        if self._line.stream:
            self._talk.playout.rewind()
        first = self.phase in (Phase.DIALING, Phase.RINGING)
        commands = self._line.stream_started(stream, now) + self._course.attach()
        return commands + (self._do(self._scout.answered(), now) if first else [])

    def _stream_stopped(self, stream: int, now: float) -> list[AnyCommand]:
        if stream != self._line.stream:
            return []
        if self._ending is None and self._line.our_doing(now):
            return [do.CloseStream(stream), *self._stream_lost(stream, 1000, now)]
        ended = self._end(acts.End("indeterminate", "remote_hangup", remote=True), now)
        return [*ended, do.CloseStream(stream)] if self._line.stream else ended

    def _stream_lost(self, stream: int, code: int, now: float) -> list[AnyCommand]:
        if stream != self._line.stream:
            return []
        self._line.stream_lost(now)
        self._sound.broken_off()
        if self.phase is Phase.ENDING:
            return [self._step("stream_closed", str(code))]
        return self._course.detach() + self._line.detach(now) if not self.released else []

    def _heard(self, event: ev.Heard, now: float) -> list[AnyCommand]:
        if not event.ulaw:
            return []
        before = int(self._media.at)
        commands = self._sound.heard(event, self._audience.want, now, may_speak=self._may_speak)
        if int(self._media.at) != before:
            commands += self._second_passed(self._media.at, now)
        return commands

    def _second_passed(self, at: float, now: float) -> list[AnyCommand]:
        """The line's own timers, on media time."""
        if self.phase is Phase.HOLDING:
            self._holds.runs(at)
        self._talk.sessions.runs(at)
        commands = self._bill.runs(at)
        if self._ending is not None:
            return commands
        if not self._bill.fits(at):
            commands += self._talk.break_off("budget", self._line.stream, at)
            return commands + self._end(acts.End("client_error", "budget", polite=True), now)
        limit = self._line.limit(at) or (self._holds.limit(at) if self.phase is Phase.HOLDING else "")
        return commands + self._end(acts.End("client_error", limit), now) if limit else commands

    # --- the hold --------------------------------------------------------------------------------

    def _scored(self, event: ev.EarScored, now: float) -> list[AnyCommand]:
        if not self._listens or self._handover.connected:
            return []
        scored = event.scored
        speaking = not self._talk.playout.quiet
        commands = self._talk.scored(scored, self._media.at, self._audience.want, now)
        commands += self._do(self._scout.hear(scored, holding=self.phase is Phase.HOLDING, speaking=speaking), now)
        commands += self._do(self._machines.heard(), now)
        ours = not self._talk.playout.quiet or (self._audience.listens and self._talk.owes(scored.at))
        for heard in self._holds.logic.hear(scored, ours):
            waiting = self.phase is Phase.HOLDING and not self._scout.navigating
            commands += self._do(self._holds.judged(heard, waiting=waiting), now)
            if self.phase is Phase.ENDING:
                break
        return commands

    # --- the conversation ------------------------------------------------------------------------

    def _session(self, event: SessionEvent, now: float) -> list[AnyCommand]:
        commands: list[AnyCommand] = []
        if isinstance(event, ev.PhraseMade) and event.phrase == WHISPER and event.ulaw:
            self._handover.whisper(event.ulaw)
        if self.phase is Phase.TALKING:
            commands += self._silence.session(event, now, person=not self._machines.answering)
        commands += self._talk.receive(event, now, self._media.read(now), self._line.stream)
        for call in self._talk.calls:
            if self._ending is None:
                talking, up = self._audience.there, bool(self._line.stream)
                commands += self._do(self._wishes.called(call, now, talking=talking, up=up), now)
        self._talk.calls.clear()
        if isinstance(event, ev.AgentSpoke) and self._line.stream:
            self._silence.over()
            commands += self._course.talk()
            if self._may_speak:
                commands += self._sound.speak()
        if isinstance(event, ev.SessionClosed):
            if self._ending is not None:
                commands.append(self._step("session_closed", str(event.code)))
            if self._talk.sessions.gave_up is not None and self.phase not in (Phase.HOLDING, Phase.DETACHED):
                said = self._silence.apologise()  # whoever is on the line is told that no session can be had any more
                end = acts.End("upstream_error", self._talk.sessions.gave_up, polite=said is not None)
                commands += [*(said or ()), *self._end(end, now)]
        return commands

    def _errand_done(self, done: Done | None, now: float) -> list[AnyCommand]:
        if done is None or self._ending is not None:
            return []
        return self._wishes.errand_done(done, now, talking=self._audience.there)

    # --- the end ---------------------------------------------------------------------------------

    def _end(self, end: acts.End, now: float) -> list[AnyCommand]:
        """Begin to end the call. Whoever ends it first gives the reason."""
        if self._ending is not None:
            return []
        if self._call_back.outlives(end.cause):
            return self._called_back.wait(now)
        result, cause = end.result, end.cause
        if cause == "remote_hangup" and self._handover.connected:
            result, cause = "success", self._handover.called
        ending = Ending(result, cause, goodbye=end.goodbye, polite=end.polite, remote=end.remote, transfer=end.transfer)
        self._ending = Farewell(
            ending, self._policy, self._waits, self._media, self._line, self._talk, self._silence, self._meter
        )
        self._waits.clear(*WAITS_OF_A_LIVING_CALL)
        self._errands.forget()
        commands = self._handover.end("the call ends", self._media.read(now))
        for heard in self._holds.logic.finish(self._media.at):
            commands += self._do(self._holds.judged(heard, waiting=False), now)
        if not end.polite and self._line.stream:
            commands += self._talk.playout.interrupt(self._line.stream)[0]
        self._talk.stop_listening()
        return commands + self._course.enter(Phase.ENDING, cause)

    def _settle(self, now: float) -> list[AnyCommand]:
        """Level-triggered: whatever has happened, bring the sessions and the ending to where they should be."""
        at = self._media.read(now)
        commands = self._handover.settle(at, now)
        commands += self._do(self._our_user.settle(now), now)
        if self._ending is None:
            if not self.released:
                commands += self._talk.settle(self._audience.want, now, at)
            return commands
        commands += self._talk.settle("none", now, at)
        if not self.over:
            commands += self._ending.advance(now, second=self._handover.second is not None)
        return commands + (self._finish(now, self._ending) if self._ending.over else [])

    def _finish(self, now: float, farewell: Farewell) -> list[AnyCommand]:
        self._line.finish()
        commands = [*self._course.enter(Phase.ENDED), farewell.ended(now)]
        known = self._scout.lessons() if self._policy.learn else None
        if known is not None:
            commands.append(do.KeepNumber(self.setup.to, known, tuple(self._holds.waited)))
        return [*commands, do.Finish(farewell.ending.result, farewell.ending.cause)]

    # --- time, processes -------------------------------------------------------------------------

    def _passed(self, name: str, now: float) -> list[AnyCommand]:
        """A deadline has come: whose it is, they know themselves."""
        at = self._media.read(now)
        commands: list[AnyCommand] = []
        if self._ending is not None:
            commands += self._ending.passed(name, now)
        elif name == "detached session":
            return self._talk.close("dropped", now, at)
        elif name == GOODBYE:
            return self._end(acts.End("indeterminate", "remote_hangup"), now)
        elif name == CALL_BACK:
            return self._end(acts.End("client_error", "no_call_back"), now)
        else:
            commands += self._silence.passed(name, self.phase, now)
            commands += self._errand_done(self._errands.passed(name), now)
            commands += self._do(self._line.passed(name, now), now)
        return commands + self._handover.passed(name, at, now) + self._talk.passed(name, now, at)

    def _restarted(self, now: float) -> list[AnyCommand]:
        """All sockets of the old process are gone. Never dial again; the carrier knows whether the leg lives."""
        self.released = False
        self._waits.clear_all()
        if self.phase in (Phase.QUEUED, Phase.ENDED):
            return []
        self._scout.restarted()
        talking = self._course.beneath is not Phase.HOLDING
        commands = self._talk.restart(self._media.read(now), talking=talking)
        self._line.restarted(now)
        self._sound.broken_off()
        if self._call_back.stage is Stage.WAITING and self._ending is None:
            self._call_back.wait(now)
            return commands
        commands += self._handover.restarted(now)
        if self._ending is not None:
            self._ending.ending.restarted()
            return commands + self._line.fetch()
        again, lost = self._errands.restarted(now)
        commands += again
        for done in lost:
            commands += self._errand_done(done, now)
        if self._line.carrier_call_id and self.phase is not Phase.DETACHED:
            return commands + self._course.detach() + self._line.detach(now)
        return commands + self._line.look_again(now, detached=self.phase is Phase.DETACHED)

    def _release(self, now: float) -> list[AnyCommand]:
        self.released = True
        commands = self._talk.close("restart", now, self._media.read(now))
        streams = [stream for stream in (self._line.stream, self._handover.stream) if stream]
        return [*commands, *(do.CloseStream(stream) for stream in streams)]

    # --- below -----------------------------------------------------------------------------------

    @property
    def _listens(self) -> bool:
        """What is heard now may still change something."""
        return self._ending is None and bool(self._line.stream)

    @property
    def _may_speak(self) -> bool:
        return self._ending is None or self._ending.ending.may_speak

    def _step(self, step: str, detail: str = "") -> Tell:
        return Tell(notes.HangUpStep(at=self._media.at, step=step, detail=detail))
