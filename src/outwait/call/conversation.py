"""The talk of a call: which session there is, what it hears, what it says, what it still owes an answer to.

Sessions come and go; the conversation goes on. One mechanism serves every cause (hold, expiry, drop, stall, refusal):
a session ends, the next one is opened with the context and with the sound that the last one did not answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal

from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call import notes
from outwait.call.bill import spent
from outwait.call.choice import Choice
from outwait.call.clock import Deadlines
from outwait.call.commands import AnyCommand, Tell
from outwait.call.context import Context
from outwait.call.cost import Item, Meter
from outwait.call.events import SessionEvent, Trouble
from outwait.call.hold import Scored
from outwait.call.parking import Parking
from outwait.call.sessions import REASONS, Chain, Link
from outwait.call.setup import Means, Setup
from outwait.call.states import Session
from outwait.call.turns import BYTES, Listening, Playout, Utterance

Want = Literal["talk", "warm", "drain", "none"]
"""talk: a session that hears the line. warm: one that is connected and hears nothing yet, if that costs nothing."""

_TURN_MARGIN = 0.6  # s before the engine noticed a turn: its prefix and the way there
_GO_ON = "The connection broke off while you spoke. Go on from where the person last heard you; do not repeat it."
_ANSWER = "Answer the person now."
_PASSED_ON = (
    "you have been passed on, so this is most likely somebody else, who knows nothing of this call: explain again, "
    "shortly, from the beginning."
)
RINGBACK_SECONDS = 1.0  # of tone on hold: it rings somewhere else
_AGAIN = "Still nobody has said anything. Say hello once more, and ask whether anybody is there."
_FIRST = "Nobody has said anything. Introduce yourself and say why you call."


class Conversation:
    """Owns the chain of sessions, the playout and the context. `calls` and `gave_up` are for the machine to act on."""

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
        self.chain = Chain()
        self.playout = Playout(setup.policy)
        self.calls: list[ev.ToolCalled] = []  # tools to be run; whoever reads them empties the list
        self.gave_up: str | None = None  # why no further session is tried
        self.person_speaking = False  # says the engine
        self.asked_since_park = False  # a response was asked for since the last hold began
        self._listening = Listening()
        self._far: deque[tuple[float, bytes]] = deque()  # the far end's last seconds: start, sound
        self._feed_from = 0.0  # media s: what a session that opens now has to hear
        self._live = False  # the open session has had what it missed, and hears on
        self._turn_from: float | None = None  # media s: start of the person's turn that has no answer yet
        self._turn_starts: dict[str, float] = {}  # of committed turns
        self._untold: list[str] = []  # results of tools that the session which is there has not been told
        self._last_said: Utterance | None = None  # what the agent said last
        self._owed = ""  # instructions of the response that the next session has to be asked for
        self._opened_once = False
        self._spoken = False  # the agent has been asked to speak, or has spoken
        self._aged = False  # the session nears its limit
        self._choice = Choice(setup)
        self._phrases: dict[str, bytes] = {}
        self._spares: dict[str, tuple[str, bytes]] = {}  # words and sound, in a strange voice
        self._phrase_asked: set[str] = set()
        self._turns: dict[tuple[str, ...], int] = {}  # of a situation's phrases: place of the last one
        self._last_phrase = ("", -1e9)  # name, media s
        self._gate_until = 0.0  # media s: the parked session is kept, deaf and dumb
        self._drain_until = 0.0  # media s: it may finish what it has begun
        self._rang = False  # it rang somewhere else since the last hold began
        self._deaf = False  # the person is not to be listened to any more: the goodbye is not for discussion

    # --- the far end ---------------------------------------------------------------------------

    @property
    def calm(self) -> bool:
        """There is no session, and nothing is being said."""
        return self.chain.link is None and self.playout.quiet

    def heard(self, start: float, ulaw: bytes, want: Want) -> list[AnyCommand]:
        """The far end, to whoever has to hear it."""
        self._far.append((start, ulaw))
        while self._far and start - self._far[0][0] > self._policy.preroll_max:
            self._far.popleft()
        link = self.chain.ready
        if want == "talk" and link is not None and self._live and not self._deaf:
            return [do.SendAudio(link.number, ulaw)]
        return []

    def scored(self, scored: Scored, answered_for: float, want: Want, now: float) -> list[AnyCommand]:
        """The ear's view: speak first, or end a turn that the engine does not end. `answered_for`: media s."""
        self._listening.hear(scored.at, scored.seconds, scored.speech, scored.music)
        link = self.chain.ready
        if want != "talk" or link is None or not self._live or link.responding or not self.playout.quiet or self._deaf:
            return []
        waiting = self._listening.waits(scored.at, self._policy.reply_patience)
        if waiting:
            commands: list[AnyCommand] = [do.CommitTurn(link.number)]
            self.person_speaking = False
            return commands + self._ask(link, _ANSWER if self._spoken else "", now)
        quiet_for = scored.at - (self._listening.last_speech or 0.0)
        if not (self._spoken or self.person_speaking) and min(answered_for, quiet_for) >= self._policy.listen_first:
            return self._ask(link, _FIRST, now)
        return []

    # --- the engine ----------------------------------------------------------------------------

    def receive(self, event: SessionEvent, now: float, at: float, stream: int) -> list[AnyCommand]:
        """News of a session. That of an old one changes nothing but the bill."""
        if isinstance(event, ev.PhraseMade):
            return self._phrase_made(event)
        if isinstance(event, ev.SessionUsed):
            seconds, estimated = event.seconds, event.estimated
            return self._spent(self._meter.count_session(event.session, seconds, estimated=estimated))
        if isinstance(event, ev.ResponseBilled):
            return self._spent(self._meter.count_response("response", event.usage))
        link = self.chain.of(event.session)
        if link is None:
            return self._late(event)
        if link.responding:
            self._waits.set("stall", now + self._policy.stall_seconds)
        match event:
            case ev.SessionOpened():
                return self._opened(link, event, now, at)
            case ev.SessionClosed():
                return self._closed(link, event, now, at)
            case ev.PersonStarted():
                return self._person_started(link, at, stream)
            case ev.PersonStopped():
                self.person_speaking = False
                if event.due:
                    link.due = True
                    self._waits.set("stall", now + self._policy.stall_seconds)
            case ev.PersonCommitted(item=item):
                link.untold.add(item)
                self._turn_starts[item] = at if self._turn_from is None else self._turn_from
                self.context.person_speaks(f"{link.number}.{item}")
            case ev.PersonSaid():
                return self._person_said(link, event, at)
            case ev.ResponseStarted(response=response):
                link.due = False
                link.asked += 1
                link.responses.add(response)
                self._spoken = True
                self.asked_since_park = True
                self._listening.answered()
                self._waits.set("stall", now + self._policy.stall_seconds)
            case ev.AgentSpoke(response=response, item=item, ulaw=ulaw):
                link.useful = True
                self._turn_from = None
                self.playout.speak(link.number, response, item, ulaw)
            case ev.AgentWrote(response=response, item=item, text=text):
                self.playout.write(link.number, response, item, text)
            case ev.ToolCalled():
                link.useful = True
                self._turn_from = None
                self.calls.append(event)
            case ev.ResponseEnded():
                return self._response_ended(link, event)
            case ev.PhraseFailed(phrase=phrase, usage=usage):
                self._phrase_asked.discard(phrase)
                return self._spent(self._meter.count_phrase(usage)) if usage is not None else []
            case ev.MemoryKept(handle=handle):
                self.context.remembered(link.engine, handle)
            case ev.SessionComplained() | ev.PersonPaused() | ev.AnswerTimed():
                pass
        return []

    def second_passed(self, at: float) -> None:
        """The line has gone on to media second `at`."""
        link = self.chain.link
        if link is not None and link.opened_at is not None:
            self._meter.session_runs(link.number, at - link.opened_at)

    def settle(self, want: Want, now: float, at: float) -> list[AnyCommand]:
        """Bring the sessions to what is wanted, whatever has happened. Called after every event."""
        link = self.chain.link
        commands = self._finished()
        if want == "talk" or (want == "warm" and self._parking.awaits_words):
            if link is None:
                if "session retry" not in self._waits and self.gave_up is None:
                    commands += self._open(now, at)
            elif link.state is Session.OPEN:
                if self._aged and not (link.responding or self.person_speaking) and self.playout.quiet:
                    return commands + self.close("expired", now, at)
                if not self._live and want == "talk":
                    commands += self._feed(link, now)
        elif want == "drain":
            busy = link is not None and (link.busy if self._parking.awaits_words else link.responding)
            done = link is not None and not busy and ("gate" not in self._waits or at >= self._gate_until)
            late = "drain" not in self._waits or at >= self._drain_until
            if link is not None and (done or late or link.state is Session.OPENING):
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
            self._aged = True
        elif name == "session open" and link is not None and link.state is Session.OPENING:
            return self.close("stalled", now, at)
        elif name == "session close" and link is not None:
            closed = ev.SessionClosed(link.number, trouble=Trouble.LOST, code=1006, detail="it did not close in time")
            return self._closed(link, closed, now, at)
        return []

    # --- what the machine asks for -------------------------------------------------------------

    def close(self, reason: str, now: float, at: float) -> list[AnyCommand]:
        """End the session, if there is one."""
        link = self.chain.link
        if link is None or not link.move(Session.CLOSING):
            return []
        link.reason = "warmup" if reason == "hold" and not link.fed else reason
        self._waits.clear("session open", "session age", "stall")
        self._waits.set("session close", now + 2 * self._policy.close_seconds)
        self._live = False
        return [self._note(link, at), do.CloseSession(link.number)]

    def speak_to(self, *, machine: bool, now: float, at: float) -> list[AnyCommand]:
        """A person is there, or a machine: another engine may be better for it. It takes over where this one is."""
        if not self._choice.speak_to(machine=machine):
            return []
        self.chain.failures = 0
        return self.close("failover" if self._live else "hold", now, at)

    def park(self, now: float, at: float) -> list[AnyCommand]:
        """The line is on hold: no sound goes to the session from here, and nothing is asked of it."""
        self._live = False
        self._rang = False
        self.person_speaking = False
        self._turn_from = None
        self._owed = ""
        self.asked_since_park = False
        self._listening.answered()
        self._gate_until, self._drain_until = at + self._parking.gate, at + self._parking.drain
        self._waits.set("drain", now + self._parking.drain)
        if self._parking.gate:
            self._waits.set("gate", now + self._parking.gate)
        link = self.chain.ready
        talking = self.playout.agent_speaking or bool(self.calls)
        if link is not None and (link.due or (link.responses and not talking)):
            link.due = False
            return [do.CancelResponse(link.number)]  # what was asked for and has not begun is not wanted any more
        return []

    def line_heard(self, kind: str, seconds: float) -> None:
        """What a stretch of the hold was."""
        self._rang = self._rang or (kind == "tone" and seconds >= RINGBACK_SECONDS)

    def resume(self, onset: float, held: float, phrase: str | None) -> None:
        """A person is back: the next session hears them from `onset`, media s."""
        self._waits.clear("gate", "drain")
        self._feed_from = max(0.0, onset - self._policy.preroll)
        self._listening.spoke(onset)
        self._spoken = True
        minutes, seconds = divmod(round(held), 60)
        said = f' While the line was connected you already said to them: "{phrase}"' if phrase else ""
        other = _PASSED_ON if self._rang or self.context.passed_on else "it may be somebody else."
        self.context.happened(
            f"You were on hold for {minutes} min {seconds} s. A person has just come back on the line; "
            f"{other}{said} Listen to what they say, {self._introduction} if they may not know, and go on with "
            "the task. Should it be a recording, a queue announcement or music after all, say nothing and call "
            "wait_on_hold."
        )

    def wake(self, words: str, instructions: str, at: float) -> None:
        """A recording needs the agent: it is told what was said and what to do, and hears the line from now on."""
        self._waits.clear("gate", "drain")
        if words:
            self.context.person_said(f"recording at {at:.2f}", words)
        self._feed_from = at
        self._last_said = None
        self._owed = instructions
        link = self.chain.ready
        if link is not None and self._live:
            self._live = False  # it is given the words again, and asked

    def hello(self, now: float) -> list[AnyCommand]:
        """Nobody has said anything since the agent spoke."""
        link = self.chain.ready
        if link is None or not self._live or link.responding or not self.playout.quiet:
            return []
        return self._ask(link, _AGAIN, now)

    def sound(self, start: float, end: float) -> bytes:
        """The far end between two moments, media s, as far as it is still kept."""
        return b"".join(ulaw for at, ulaw in self._far if at + len(ulaw) / BYTES > start and at < end)

    @property
    def has_answered(self) -> Utterance | None:
        """What the agent said since it was woken, when all has been heard and nothing more is due; None: not yet.
        Without words when it only pressed keys."""
        link = self.chain.ready
        if link is None or not self._live or link.responding or not link.asked or not self.playout.quiet:
            return None
        return self._last_said or Utterance(0, "agent")

    @property
    def _introduction(self) -> str:
        what = ["whom you call for"]
        if self._setup.disclosure:
            what.insert(0, "that you are an AI assistant")
        if self._setup.recorded:
            what.append("that the call is recorded")
        return f"say again in a few words {', and '.join(what)}"

    def say_phrase(self, names: Sequence[str], at: float) -> str | None:
        """Say the next of these phrases in their turn, so never the same twice in a row if there is another; its text,
        None if none is at hand."""
        known = [name for name in names if name in self._phrases] or [name for name in names if name in self._spares]
        if not known:
            return None
        last = self._turns.get(tuple(names), -1)
        name = min(known, key=lambda one: ((names.index(one) - last - 1) % len(names), names.index(one)))
        if name == self._last_phrase[0] and len(known) > 1:
            name = known[(known.index(name) + 1) % len(known)]
        self._turns[tuple(names)] = names.index(name)
        self._last_phrase = (name, at)
        if name in self._phrases:
            text, ulaw = self._setup.phrases[name], self._phrases[name]
        else:
            text, ulaw = self._spares[name]
        self.playout.phrase(text, ulaw)
        return text

    @property
    def began(self) -> bool:
        """The agent has spoken, or has been asked to."""
        return self._spoken

    def break_off(self, phrase: str, stream: int, at: float) -> list[AnyCommand]:
        """Stop whatever the agent says and say this phrase instead; no further response is wanted."""
        commands, _ = self.playout.interrupt(stream)
        link = self.chain.ready
        if link is not None:
            for response in link.responses:
                self.playout.mute(link.number, response)
            if link.responses:
                commands.append(do.CancelResponse(link.number))
            link.due = False
        self.say_phrase([phrase], at)
        return commands + self.playout.advance(stream, at)

    def phrase_age(self, at: float) -> float:
        """Media seconds since the last phrase."""
        return at - self._last_phrase[1]

    def keep_phrase(self, name: str, ulaw: bytes, spare: str) -> None:
        """A phrase is at hand; `spare`: its words, when the voice is not the agent's."""
        if spare:
            self._spares[name] = (spare, ulaw)
        else:
            self._phrases[name] = ulaw

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
            self._untold.append(f"{call.name}, which was called earlier, has answered: {output}")
            if link is not None and self._live:
                return self._ask(link, f"{_ANSWER} {self._tell_late()}", now) if respond else []
        self._owed = self._owed or _ANSWER
        return []

    def take_over(self, happened: str, instructions: str, now: float, at: float) -> list[AnyCommand]:
        """Something has changed on the line, and the agent is to speak: now, or as soon as there is a session."""
        self.context.happened(happened)
        link = self.chain.ready
        if link is not None and self._live and not link.responding:
            return self._ask(link, f"{happened} {instructions}", now)
        self._owed = f"{happened} {instructions}"
        if link is None or not self._live:
            self._feed_from = at
        return []

    def called_back(self, waited: float, at: float) -> None:
        """Whoever calls back is heard from here."""
        self._spoken = True
        self._feed_from = at
        minutes = max(1, round(waited / 60))
        self.context.happened(
            f"They have called you back, as they had promised, {minutes} min later. It may be somebody else: "
            f"listen to what they say, {self._introduction}, and go on with the task."
        )

    def make_phrase(self, name: str, text: str) -> list[AnyCommand]:
        """One for this moment only; there is no time for it without a session."""
        link = self.chain.ready
        return [do.MakePhrase(link.number, name, text)] if link is not None else []

    def phrase_sound(self, name: str) -> bytes:
        """Mu-law of a phrase that is at hand; nothing otherwise."""
        return self._phrases.get(name) or self._spares.get(name, ("", b""))[1]

    def stop_listening(self) -> None:
        """From here the person is not heard by the session, and can't cut in: the goodbye is said to its end."""
        self._deaf = True

    def detach(self) -> None:
        """The carrier's socket is gone, and its queue with it."""
        self.playout.rewind()

    def restart(self, at: float, *, talking: bool) -> list[AnyCommand]:
        """All sockets of the old process are gone, and what was queued for them. `talking`: not on hold."""
        link = self.chain.link
        speaking = not self.playout.quiet
        heard = self.playout.forget()
        self._feed_from = at
        self._far.clear()
        self._phrase_asked.clear()
        due = link is not None and bool(link.responses or link.due)
        if talking and (speaking or due or self._turn_from is not None):
            self._owed = _GO_ON if heard else _ANSWER
        if link is None:
            return self._finished()
        link.reason = "restart"
        return self._end(link, at)

    # --- below ---------------------------------------------------------------------------------

    def _open(self, now: float, at: float) -> list[AnyCommand]:
        link = self.chain.open(now, self._engine.engine, self._engine.model)
        self._meter.switch(self._engine.prices)
        self._live = False
        self._aged = False
        if self._opened_once and not self._owed and self._feed_from < at - self._policy.preroll_max:
            self._feed_from = at
        self._untold.clear()
        self._waits.set("session open", now + self._policy.connect_seconds + self._policy.close_seconds)
        seed = self.context.seed([(u.text, u.broken) for u in self.playout.saying], self._engine.engine)
        opened = do.OpenSession(link.number, self._engine.engine, self.context.instructions, seed)
        return [self._note(link, at), opened]

    def _opened(self, link: Link, event: ev.SessionOpened, now: float, at: float) -> list[AnyCommand]:
        if not link.move(Session.OPEN):
            return []
        link.opened_at = at
        self._waits.clear("session open")
        age = self._policy.max_session_seconds
        if event.expires_in is not None:
            age = min(age, max(60.0, event.expires_in - 120.0))
        self._waits.set("session age", now + age)
        self._opened_once = True
        return [self._note(link, at)]

    def _feed(self, link: Link, now: float) -> list[AnyCommand]:
        """An open session catches up with the line."""
        self._live = link.fed = True
        making: list[AnyCommand] = []
        for name, text in self._setup.phrases.items():
            if self._choice.machine:  # phrases are for people, in the voice that talks to them
                break
            if name not in self._phrases and name not in self._phrase_asked:
                self._phrase_asked.add(name)
                making.append(do.MakePhrase(link.number, name, text))
        if self._deaf:
            return making
        missed = b"".join(ulaw for start, ulaw in self._far if start + len(ulaw) / BYTES > self._feed_from)
        commands = [*making, do.SendAudio(link.number, missed)] if missed else making
        if self._owed:
            commands += self._ask(link, f"{self._owed} {self._tell_late()}".rstrip(), now)
            self._owed = ""
        return commands

    def _closed(self, link: Link, event: ev.SessionClosed, now: float, at: float) -> list[AnyCommand]:
        trouble = event.trouble
        if link.state is Session.CLOSING and link.reason:
            trouble = Trouble.STALLED if link.reason == "stalled" else None
        elif trouble is None:
            trouble = Trouble.LOST
        if trouble is not None:
            link.reason = link.reason or REASONS[trouble]
        if trouble is not None or link.reason in ("expired", "restart", "failover"):
            self._hand_over(link, at)
        if trouble is not None:
            self._try_again(link, trouble, now)
        return self._end(link, at)

    def _try_again(self, link: Link, trouble: Trouble, now: float) -> None:
        """With the same engine after a while, with the next one at once, or not any more."""
        self.chain.failures = 1 if link.useful else self.chain.failures + 1
        delays = self._policy.retry_delays
        last = self._choice.last
        patience = len(delays) if last else self._policy.retries_before_failover
        if trouble.retryable and self.chain.failures <= patience:
            self._waits.set("session retry", now + delays[min(self.chain.failures, len(delays)) - 1])
        elif not last:
            self._choice.give_up()
            self.chain.failures = 0
            link.reason = "failover"
        elif trouble is Trouble.STALLED:
            self.gave_up = "model_stalled"
        else:
            self.gave_up = "model_lost" if trouble in (Trouble.LOST, Trouble.EXPIRED) else "model_refused"

    @property
    def _engine(self) -> Means:
        """The one that works now."""
        return self._choice.engine

    @property
    def _parking(self) -> Parking:
        return Parking.of(self._policy, by_time=self._engine.prices.by_time)

    def _hand_over(self, link: Link, at: float) -> None:
        """What the next session owes the person: an answer to what they said, or the rest of the agent's words."""
        if self._turn_from is not None or self.person_speaking:
            start = at if self._turn_from is None else self._turn_from
            self._feed_from = max(start, at - self._policy.preroll_max)
            self._listening.spoke(at)
        elif link.responses or link.due:
            self._owed = _GO_ON if self.playout.agent_speaking else _ANSWER if self._spoken and link.asked else ""
            self._feed_from = at
        elif self._opened_once:
            self._feed_from = at

    def _end(self, link: Link, at: float) -> list[AnyCommand]:
        self.playout.end(link.number, broken=link.responses)
        self._waits.clear("session open", "session close", "session age", "stall")
        link.state = Session.CLOSED
        self.chain.link = None
        self._meter.session_over()
        self.person_speaking = False
        self._live = False
        return [*self._finished(), self._note(link, at)]

    def _late(self, event: SessionEvent) -> list[AnyCommand]:
        if isinstance(event, ev.ResponseEnded) and event.usage is not None:
            return self._spent(self._meter.count_response("response", event.usage))
        if isinstance(event, ev.PersonSaid) and event.usage is not None:
            self.context.person_said(f"{event.session}.{event.item}", event.text)
            return self._spent(self._meter.count_transcript(event.usage))
        return []

    def _person_started(self, link: Link, at: float, stream: int) -> list[AnyCommand]:
        self.person_speaking = True
        link.due = False
        if self._turn_from is None:
            self._turn_from = max(0.0, at - _TURN_MARGIN)
        if not self.playout.agent_speaking or self._deaf or not self._live:
            return []
        commands, cut = self.playout.interrupt(stream)
        for utterance in cut:
            if utterance.kind == "agent" and utterance.session == link.number:
                commands.append(do.TruncateItem(link.number, utterance.item, utterance.heard_ms))
        return commands + self._finished()

    def _person_said(self, link: Link, event: ev.PersonSaid, at: float) -> list[AnyCommand]:
        link.untold.discard(event.item)
        self.context.person_said(f"{link.number}.{event.item}", event.text)
        commands: list[AnyCommand] = []
        if event.text.strip():
            said_at = self._turn_starts.pop(event.item, at)
            commands.append(Tell(notes.Said(at=said_at, role="human", text=event.text.strip())))
        if event.usage is not None:
            commands += self._spent(self._meter.count_transcript(event.usage))
        return commands

    def _response_ended(self, link: Link, event: ev.ResponseEnded) -> list[AnyCommand]:
        link.responses.discard(event.response)
        if not link.responding:
            self._waits.clear("stall")
        self.playout.end(link.number, event.response)
        if event.status in ("completed", "incomplete"):
            self._turn_from = None
        commands = self._finished()
        if event.usage is not None:
            commands += self._spent(self._meter.count_response("response", event.usage))
        return commands

    def _phrase_made(self, event: ev.PhraseMade) -> list[AnyCommand]:
        self._phrases[event.phrase] = event.ulaw
        return self._spent(self._meter.count_phrase(event.usage)) if event.usage is not None else []

    def _ask(self, link: Link, instructions: str, now: float, *, tools: bool = True) -> list[AnyCommand]:
        link.due = True
        self._spoken = True
        self.asked_since_park = True
        self._listening.answered()
        self._waits.set("stall", now + self._policy.stall_seconds)
        # Instructions for one response replace those of the session: alone, they would leave it without its task.
        wanted = f"{self.context.instructions}\n\n{instructions}" if instructions else ""
        return [do.AskResponse(link.number, wanted, tools)]

    def _finished(self) -> list[AnyCommand]:
        """Words that have been said to their end, or cut, enter the context and the transcript."""
        commands: list[AnyCommand] = []
        for utterance in self.playout.finished:
            text = utterance.heard_text
            cut = text != utterance.text
            if utterance.kind == "agent":
                self._last_said = utterance
                self.context.agent_said(text, cut=cut or utterance.broken)
            if text and utterance.began is not None:
                said = notes.Said(
                    at=utterance.began, role="agent", text=text, cut=cut, phrase=utterance.kind == "phrase"
                )
                commands.append(Tell(said))
        self.playout.finished.clear()
        return commands

    def _tell_late(self) -> str:
        told = " ".join(self._untold)
        self._untold.clear()
        return told

    def _spent(self, items: list[Item]) -> list[AnyCommand]:
        return spent(self._meter, items)

    def _note(self, link: Link, at: float) -> Tell:
        return Tell(
            notes.SessionNote(
                session=link.number,
                state=link.state.value,
                at=at,
                engine=link.engine,
                model=link.model,
                reason=link.reason if link.state is Session.CLOSED else "",
            )
        )
