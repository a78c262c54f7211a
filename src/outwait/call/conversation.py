"""The talk of a call: which session there is, what it hears, what it says, what it still owes an answer to.

Sessions come and go; the conversation goes on. One mechanism serves every cause (hold, expiry, drop, stall, refusal):
a session ends, the next one is opened with the context and with the sound that the last one did not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, assert_never

from outwait.call import bill, tidings
from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.clock import Deadlines
from outwait.call.commands import AnyCommand
from outwait.call.context import Context
from outwait.call.cost import Meter
from outwait.call.events import SessionEvent, Trouble
from outwait.call.far_end import FarEnd
from outwait.call.hold import Scored
from outwait.call.lull import REST, Lull
from outwait.call.notes import KeyHeard
from outwait.call.owed import ANSWER, GO_ON, Owed
from outwait.call.parking import Parked, Parking
from outwait.call.sayings import Sayings
from outwait.call.sessions import Link
from outwait.call.setup import Setup
from outwait.call.states import Session
from outwait.call.succession import Succession
from outwait.call.transcript import Transcript
from outwait.call.turns import Listening, Playout, Utterance

Want = Literal["talk", "warm", "drain", "none"]
"""talk: a session that hears the line. warm: one that is connected and hears nothing yet, if that costs nothing."""

_TURN_MARGIN = 0.6  # s before the engine noticed a turn: its prefix and the way there
_AGAIN = "Still nobody has said anything. Say hello once more, and ask whether anybody is there."
_FIRST = "Nobody has said anything. Introduce yourself and say why you call."


class Conversation:
    """Owns the sessions, the playout and the context. `calls` are for the machine to act on."""

    def __init__(self, setup: Setup, waits: Deadlines, meter: Meter) -> None:
        self._setup = setup
        self._policy = setup.policy
        self._waits = waits
        self._meter = meter
        self.context = Context(
            setup.task,
            setup.disclosure,
            setup.instructions,
            max_tokens=setup.policy.seed_tokens,
            recorded=setup.recorded,
        )
        self.sessions = Succession(setup, waits, meter)
        self.chain = self.sessions.chain
        self.playout = Playout(setup.policy)
        self._transcript = Transcript(self.context, self.playout)
        self.sayings = Sayings(setup.phrases, self.playout)
        self.calls: list[ev.ToolCalled] = []  # tools to be run; whoever reads them empties the list
        self.person_speaking = False  # says the engine
        self.asked_since_park = False  # a response was asked for since the last hold began
        self._listening = Listening()
        self._lull = Lull()
        self.far = FarEnd(setup.policy.preroll_max)
        self._owed = Owed(setup.policy)
        self._live = False  # the open session has had what it missed, and hears on
        self.spoken = False  # the agent has been asked to speak, or has spoken
        self._parked = Parked(waits)
        self._deaf = False  # the person is not to be listened to any more: the goodbye is not for discussion

    # --- the far end ---------------------------------------------------------------------------

    @property
    def calm(self) -> bool:
        """There is no session, and nothing is being said."""
        return self.chain.link is None and self.playout.quiet

    def owes(self, at: float) -> bool:
        """The agent has the floor and does not use it: silence is our own, no sign of a hold. `at`: media s, now."""
        link = self.chain.ready
        if link is None or not self._live:
            return not self._lull.on(at)
        return link.responding

    def key_heard(self, key: str, at: float) -> list[AnyCommand]:
        """The other side has pressed one."""
        self.context.happened(f"The other side pressed the key {key}.")
        return [do.Tell(KeyHeard(at=at, key=key))]

    def heard(self, start: float, ulaw: bytes, want: Want) -> list[AnyCommand]:
        """The far end, to whoever has to hear it."""
        self.far.hear(start, ulaw)
        link = self.chain.ready
        if want == "talk" and link is not None and self._live and not (self._deaf or self._owed.deaf):
            return [do.SendAudio(link.number, ulaw)]
        return []

    def scored(self, scored: Scored, answered_for: float, want: Want, now: float) -> list[AnyCommand]:
        """The ear's view: speak first, or end a turn that the engine does not end. `answered_for`: media s."""
        self._listening.hear(scored.at, scored.seconds, scored.speech, scored.music)
        heard_from = self._lull.hear(scored)
        if heard_from is not None and (self.chain.link is None or self.chain.link.state is Session.CLOSING):
            self._owed.hear_from = max(0.0, heard_from - self._policy.preroll)
        link = self.chain.ready
        if want != "talk" or link is None or not self._live or link.responding or not self.playout.quiet or self._deaf:
            return []
        waiting = self._listening.waits(scored.at, self._policy.reply_patience)
        if waiting:
            commands: list[AnyCommand] = [do.CommitTurn(link.number)]
            self.person_speaking = False
            return commands + self._ask(link, self._owed.woken_for or (ANSWER if self.spoken else ""), now)
        quiet_for = scored.at - self._listening.last_sound  # nobody introduces themselves to music
        if not (self.spoken or self.person_speaking) and min(answered_for, quiet_for) >= self._policy.listen_first:
            return self._ask(link, _FIRST, now)
        return []

    # --- the engine ----------------------------------------------------------------------------

    def receive(self, event: SessionEvent, now: float, at: float, stream: int) -> list[AnyCommand]:
        """News of a session. That of an old one changes nothing but the bill, and the words of the transcript."""
        return self._received(event, now, at, stream) + bill.told(event, self._meter)

    def _received(self, event: SessionEvent, now: float, at: float, stream: int) -> list[AnyCommand]:
        if isinstance(event, ev.PhraseMade):
            self.sayings.made(event.phrase, event.ulaw, event.session)
            return []
        link = self.chain.of(event.session)
        if link is None:
            if isinstance(event, ev.PersonSaid) and event.usage is not None:
                self.context.person_said(f"{event.session}.{event.item}", event.text)
            return []
        if link.responding:
            self._waits.set("stall", now + self._policy.stall_seconds)
        match event:
            case ev.SessionOpened():
                return self.sessions.opened(link, event, now, at)
            case ev.SessionClosed():
                return self._closed(link, event, now, at)
            case ev.PersonStarted():
                return self._person_started(link, at, stream)
            case ev.PersonStopped():
                self.person_speaking = False
                if event.due and not (self._deaf or link.responses):  # no second one while we have asked for one
                    link.due = True
                    self._waits.set("stall", now + self._policy.stall_seconds)
            case ev.PersonCommitted(item=item):
                link.untold.add(item)
                start = at if self._owed.turn_from is None else self._owed.turn_from
                self._transcript.turn(link.number, item, start)
            case ev.PersonSaid(item=item, text=text):
                link.untold.discard(item)
                return self._transcript.person_said(link.number, item, text, at)
            case ev.ResponseStarted(response=response):
                link.due = False
                link.asked += 1
                link.responses.add(response)
                self._asked(now)
            case ev.AgentSpoke(response=response, item=item, ulaw=ulaw):
                link.useful = True
                self._owed.answered()
                self.playout.speak(link.number, response, item, ulaw)
            case ev.AgentWrote(response=response, item=item, text=text):
                self.playout.write(link.number, response, item, text)
            case ev.ToolCalled():
                link.useful = True
                self._owed.answered()
                self.calls.append(event)
            case ev.ResponseEnded():
                return self._response_ended(link, event, at)
            case ev.PhraseFailed(phrase=phrase):
                self.sayings.failed(phrase)
            case ev.MemoryKept(handle=handle):
                self.context.remembered(link.engine, handle)
            case ev.PersonPaused() | ev.AnswerTimed() | ev.SessionComplained():
                pass
            case ev.SessionUsed() | ev.ResponseBilled():
                pass  # it costs, and says nothing
            case _:
                assert_never(event)
        return []

    def settle(self, want: Want, now: float, at: float) -> list[AnyCommand]:
        """Bring the sessions to what is wanted, whatever has happened. Called after every event."""
        link = self.chain.link
        commands = self._transcript.agent_finished()
        if self.playout.quiet and link is not None and not link.responding:
            self._owed.told()
        if want == "talk" and self._lull.on(at) and not (self._owed.pending or self.playout.agent_speaking):
            if link is not None and link.state is Session.OPEN and link.fed and not self._busy(link):
                self._owed.answered()
                self._listening.answered()
                commands += self.close("hold", now, at)
        elif want == "talk" or (want == "warm" and self._parking.awaits_words):
            if self.sessions.may_open:
                commands += self._open(now, at)
            elif link is not None and link.state is Session.OPEN:
                if self.sessions.aged and not (link.responding or self.person_speaking) and self.playout.quiet:
                    return commands + self.close("expired", now, at)
                if not self._live and want == "talk":
                    commands += self._feed(link, now)
        elif want == "drain":
            over = link is not None and self._parked.closes(at, busy=self._busy(link))
            if over or (link is not None and link.state is Session.OPENING):
                commands += self.close("hold", now, at)
            self._waits.clear("session retry")
        else:
            self._waits.clear("session retry")
        return commands

    def passed(self, name: str, now: float, at: float) -> list[AnyCommand]:
        """One of our deadlines has come."""
        link = self.chain.link
        if name == "stall" and link is not None and link.responding and link.state is Session.OPEN:
            return self.close("stalled", now, at)
        if name == "session age":
            self.sessions.aged = True
        elif name == "session open" and link is not None and link.state is Session.OPENING:
            return self.close("stalled", now, at)
        elif name == "session close" and link is not None:
            closed = ev.SessionClosed(link.number, trouble=Trouble.LOST, code=1006, detail="it did not close in time")
            return self._closed(link, closed, now, at)
        return []

    # --- what the machine asks for -------------------------------------------------------------

    def close(self, reason: str, now: float, at: float) -> list[AnyCommand]:
        """End the session, if there is one."""
        commands = self.sessions.close(reason, now, at)
        if commands:
            self._live = False
        return commands

    def speak_to(self, *, machine: bool, now: float, at: float) -> list[AnyCommand]:
        """A person is there, or a machine: another engine may be better for it. It takes over where this one is."""
        if not self.sessions.speak_to(machine=machine):
            return []
        return self.close("failover" if self._live else "hold", now, at)

    def park(self, now: float, at: float) -> list[AnyCommand]:
        """The line is on hold: no sound goes to the session from here, and nothing is asked of it."""
        self._live = False
        self._lull = Lull()
        self.person_speaking = False
        self._owed.nothing()
        self.asked_since_park = False
        self._listening.answered()
        self._parked.begin(self._parking, at, now)
        link = self.chain.ready
        talking = self.playout.agent_speaking or bool(self.calls)
        if link is not None and (link.due or (link.responses and not talking)):
            link.due = False
            return [do.CancelResponse(link.number)]  # what was asked for and has not begun is not wanted any more
        return []

    def resume(self, onset: float, held: float, phrase: str | None, *, rang: bool) -> None:
        """A person is back: the next session hears them from `onset`, media s, after `held` of hold. `rang`: somewhere
        else, in the meantime."""
        self._parked.over()
        self._owed.hear_from = max(0.0, onset - self._policy.preroll)
        self._listening.spoke(onset)
        self._lull = Lull(onset + REST)
        self.spoken = True
        passed_on = rang or self.context.passed_on
        self.context.happened(tidings.back_after_hold(self._setup, held, phrase, passed_on=passed_on))

    def wake(self, words: str, instructions: str, at: float, stream: int) -> list[AnyCommand]:
        """A recording needs the agent: it is told what was said and what to do. It hears the line from `at` (media s)
        up to now, and again when its answer has been heard: what comes meanwhile would only break that off. What it was
        about to say of itself is not said."""
        self._parked.over()
        if words:
            self.context.person_said(f"recording at {at:.2f}", words)
        self._owed.wake(instructions, at)
        self._transcript.last = None
        if self.chain.ready is None or not self._live:
            return []
        self._live = False  # it is given the words again, and asked
        return self._break_off(stream)

    def hello(self, now: float) -> list[AnyCommand]:
        """Nobody has said anything since the agent spoke."""
        link = self.chain.ready
        if link is None or not self._live or link.responding or not self.playout.quiet:
            return []
        return self._ask(link, _AGAIN, now)

    @property
    def has_answered(self) -> Utterance | None:
        """What the agent said since it was woken, when all has been heard and nothing more is due; None: not yet.
        Without words when it only pressed keys."""
        link = self.chain.ready
        if link is None or not self._live or link.responding or self._owed.woken_for or not self.playout.quiet:
            return None
        return self._transcript.last or Utterance(0, "agent")

    def break_off(self, phrase: str, stream: int, at: float) -> list[AnyCommand]:
        """Stop whatever the agent says and say this phrase instead; no further response is wanted."""
        commands = self._break_off(stream)
        self.sayings.say([phrase], at)
        return commands + self.playout.advance(stream, at)

    def ask_goodbye(self, now: float) -> list[AnyCommand]:
        link = self.chain.ready
        if link is None:
            return []
        return self._ask(link, "Thank the person and say goodbye in one short sentence.", now, tools=False)

    def answer_tool(self, call: ev.ToolCalled, output: str, *, respond: bool, now: float) -> list[AnyCommand]:
        """The result of a tool, into the context and to the session that asked."""
        self.context.tool_called(call.call_id, call.name, call.arguments)
        self.context.tool_answered(call.call_id, output)
        link = self.chain.of(call.session)
        if link is None or link.state is not Session.OPEN:
            return []
        commands: list[AnyCommand] = [do.AnswerTool(link.number, call.call_id, output)]
        return commands + (self._ask(link, "", now) if respond else [])

    def tool_came_back(
        self, call: ev.ToolCalled, output: str, *, respond: bool, talking: bool, now: float
    ) -> list[AnyCommand]:
        """The result of a tool that took its time, in which the session that called it may have ended.

        respond
            no other tool of the same response is still out
        talking
            somebody is there to be answered
        """
        link = self.chain.ready
        if link is not None and link.number == call.session:
            # Who speaks now is answered anyway, with the result at hand.
            return self.answer_tool(call, output, respond=respond and talking and not self.person_speaking, now=now)
        self.context.tool_called(call.call_id, call.name, call.arguments)
        self.context.tool_answered(call.call_id, output)
        if not talking:
            return []
        if self.chain.link is not None:  # its seed was made without it
            self._owed.result(f"{call.name}, which was called earlier, has answered: {output}")
            if link is not None and self._live:
                return self._ask(link, f"{ANSWER} {self._owed.results()}", now) if respond else []
        self._owed.words = self._owed.words or ANSWER
        return []

    def take_over(self, happened: str, instructions: str, now: float, at: float) -> list[AnyCommand]:
        """Something has changed on the line, and the agent is to speak: now, or as soon as there is a session."""
        self.context.happened(happened)
        link = self.chain.ready
        if link is not None and self._live and not link.responding:
            return self._ask(link, f"{happened} {instructions}", now)
        self._owed.words = f"{happened} {instructions}"
        if link is None or not self._live:
            self._owed.hear_from = at
        return []

    def called_back(self, waited: float, at: float) -> None:
        """Whoever calls back is heard from here."""
        self.spoken = True
        self._owed.hear_from = at
        self.context.happened(tidings.called_back(self._setup, waited))

    def make_phrase(self, name: str, text: str) -> list[AnyCommand]:
        """One for this moment only; there is no time for it without a session."""
        link = self.chain.ready
        return [do.MakePhrase(link.number, name, text)] if link is not None else []

    def stop_listening(self) -> None:
        """From here the person is not heard by the session, and can't cut in: the goodbye is said to its end."""
        self._deaf = True
        if self.chain.link is not None:
            self.chain.link.due = False  # whoever spoke is not answered any more

    def restart(self, at: float, *, talking: bool) -> list[AnyCommand]:
        """All sockets of the old process are gone, and what was queued for them. `talking`: not on hold."""
        link = self.chain.link
        speaking = not self.playout.quiet
        heard = self.playout.forget()
        self._owed.hear_from = at
        self.far.clear()
        self.sayings.restarted()
        due = link is not None and bool(link.responses or link.due)
        if talking and (speaking or due or self._owed.turn_from is not None):
            self._owed.words = GO_ON if heard else ANSWER
        if link is None:
            return self._transcript.agent_finished()
        link.reason = "restart"
        return self._end(link, at)

    # --- below ---------------------------------------------------------------------------------

    def _break_off(self, stream: int) -> list[AnyCommand]:
        """Stop whatever the agent says."""
        commands, cut = self.playout.interrupt(stream)
        link = self.chain.ready
        if link is not None:
            commands += _truncated(link, cut)
            for response in link.responses:
                self.playout.mute(link.number, response)
            if link.responses:
                commands.append(do.CancelResponse(link.number))
            link.due = False
        return commands

    def _busy(self, link: Link) -> bool:
        """Something of this session is still to come that is worth waiting for."""
        return link.busy if self._parking.awaits_words else link.responding

    def _open(self, now: float, at: float) -> list[AnyCommand]:
        self._live = False
        self._owed.opens(at, later=self.sessions.begun)
        self.sayings.speaks(self.sessions.choice.voice, self.chain.count + 1)
        saying = [(u.text, u.broken) for u in self.playout.saying]
        seed = self.context.seed(saying, self.sessions.choice.engine.engine)
        return self.sessions.open(self.context.instructions, seed, now, at)

    def _feed(self, link: Link, now: float) -> list[AnyCommand]:
        """An open session catches up with the line."""
        self._live = link.fed = True
        # Phrases are for people, in the voice that talks to them.
        making: list[AnyCommand] = [] if self.sessions.choice.machine else [*self.sayings.make(link.number)]
        if self._deaf:
            return making
        missed = self.far.since(self._owed.hear_from)
        commands = [*making, do.SendAudio(link.number, missed)] if missed else making
        due = self._owed.due()
        return commands + (self._ask(link, due, now) if due else [])

    def _closed(self, link: Link, event: ev.SessionClosed, now: float, at: float) -> list[AnyCommand]:
        trouble = self.sessions.closed(link, event)
        if trouble is not None or link.reason in ("expired", "restart", "failover"):
            self._hand_over(link, at)
        if trouble is not None:
            self.sessions.try_again(link, trouble, now)
        return self._end(link, at)

    @property
    def _parking(self) -> Parking:
        return Parking.of(self._policy, by_time=self.sessions.choice.engine.prices.by_time)

    def _hand_over(self, link: Link, at: float) -> None:
        """What the next session owes the person: an answer to what they said, or the rest of the agent's words."""
        if self._owed.turn_from is not None or self.person_speaking:
            start = at if self._owed.turn_from is None else self._owed.turn_from
            self._owed.answer_from(start, at)
            self._listening.spoke(at)
        elif link.responses or link.due:
            self._owed.words = GO_ON if self.playout.agent_speaking else ANSWER if self.spoken and link.asked else ""
            self._owed.hear_from = at
        elif self.sessions.begun:
            self._owed.hear_from = at

    def _end(self, link: Link, at: float) -> list[AnyCommand]:
        self.playout.end(link.number, broken=link.responses)
        over = self.sessions.over(link, at)
        self.person_speaking = False
        self._live = False
        return [*self._transcript.agent_finished(), over]

    def _person_started(self, link: Link, at: float, stream: int) -> list[AnyCommand]:
        self.person_speaking = True
        link.due = False
        if self._owed.turn_from is None:
            self._owed.turn_from = max(0.0, at - _TURN_MARGIN)
        if not self.playout.agent_speaking or self._deaf or self._owed.deaf or not self._live:
            return []
        commands, cut = self.playout.interrupt(stream)
        return commands + _truncated(link, cut) + self._transcript.agent_finished()

    def _response_ended(self, link: Link, event: ev.ResponseEnded, at: float) -> list[AnyCommand]:
        link.responses.discard(event.response)
        if not link.responding:
            self._waits.clear("stall")
        self.playout.end(link.number, event.response)
        if event.status in ("completed", "incomplete"):
            self._owed.answered()
        elif self._owed.woken_for:  # broken off by a noise: it is asked for again if the engine makes nothing of that
            self._listening.spoke(at, near_music=True)
        return self._transcript.agent_finished()

    def _ask(self, link: Link, instructions: str, now: float, *, tools: bool = True) -> list[AnyCommand]:
        link.due = True
        self._asked(now)
        # Instructions for one response replace those of the session: alone, they would leave it without its task.
        wanted = f"{self.context.instructions}\n\n{instructions}" if instructions else ""
        return [do.AskResponse(link.number, wanted, tools)]

    def _asked(self, now: float) -> None:
        """A response is wanted, or there: it is the agent's turn."""
        self.spoken = True
        self.asked_since_park = True
        self._listening.answered()
        self._waits.set("stall", now + self._policy.stall_seconds)


def _truncated(link: Link, cut: Sequence[Utterance]) -> list[AnyCommand]:
    """The session is told how much of its words was heard."""
    mine = [utterance for utterance in cut if utterance.kind == "agent" and utterance.session == link.number]
    return [do.TruncateItem(link.number, utterance.item, utterance.heard_ms) for utterance in mine]
