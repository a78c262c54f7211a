"""One session of the cascade as a machine without I/O: what is learnt in, what is wanted out, the time passed in.

A turn of the person is written down, the language model answers it, and the answer is spoken sentence by sentence
while the model still writes. One response is made at a time. A person who speaks stops it.

All of that begins while nobody knows yet whether the turn is over: the answer is *held*, nothing of it is told. When
the turn ends and the conversation is the one that was answered, it is told; when the person goes on, it is thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, assert_never

from outwait.call.commands import SeedItem
from outwait.call.cost import Usage
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    AnswerTimed,
    AnyEvent,
    PersonCommitted,
    PersonPaused,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    ResponseBilled,
    ResponseEnded,
    ResponseStarted,
    ToolCalled,
    Trouble,
)
from outwait.engines.cascade import steps as at
from outwait.engines.cascade.bills import Bills, Rates
from outwait.engines.cascade.history import History
from outwait.engines.cascade.parts import Ask, Deadline, Patience, Response, Sentence, Stage, Turn
from outwait.engines.cascade.phrases import PhraseDesk
from outwait.engines.cascade.stages import StageClock
from outwait.engines.cascade.turns import (
    BYTES_PER_SECOND,
    Happened,
    PerhapsAll,
    TurnEnded,
    TurnPaused,
    TurnResumed,
    Turns,
    TurnStarted,
)

UNCLEAR = "The person made a sound that could not be understood. Go on, or ask them to repeat it."


class Machine:
    """`receive` what is learnt, do what it returns, in order; `deadline` says when TimePassed is due."""

    def __init__(
        self,
        session: int,
        instructions: str,
        seed: Sequence[SeedItem],
        *,
        patience: Patience | None = None,
        turns: Turns | None = None,
        rates: Rates | None = None,
        free_ears: bool = False,
        listens: bool = False,
    ) -> None:
        """`free_ears`: the recogniser costs nothing, so what is of no use need not be written down to its end.
        `listens`: it hears the person while they speak."""
        self._session = session
        self._patience = patience or Patience()
        self._turns = turns or Turns()
        self._free_ears = free_ears
        self._listens = listens
        self._history = History(instructions, seed)
        self._wanted: list[at.Wanted] = []
        self._now = 0.0
        self._count = 0
        self._waits: dict[int, tuple[Stage, float]] = {}  # job -> what it is, s of its deadline
        self._open: dict[int, Turn] = {}  # job -> turn being written down
        self._ahead: Turn | None = None  # the person says nothing: perhaps it is complete
        self._useless: dict[int, Turn] = {}  # job -> was asked for ahead, but the person went on
        self._wasted = 0.0  # s written down ahead for nothing, and not billed yet
        self._given = 0.0  # s that a recogniser has heard while it listens, and has not billed yet
        self._response: Response | None = None
        self._busy = False  # what was asked ahead was refused: no more of that until an answer is complete
        self._ask: Ask | None = None  # waits for the present response, or for the person's words
        self._due = False  # the person's turn has ended: an answer is owed
        self._words = False  # it had words
        self._cut = False  # what the agent said last was cut off
        self._called: set[str] = set()  # ids of tool calls told
        self._rates = rates or Rates()
        self._bills = Bills(self._rates)
        self._phrases = PhraseDesk(session, self._rates)
        self._clock = StageClock()
        self._over = False

    def deadline(self) -> Deadline | None:
        """The next wait to end."""
        if not self._waits:
            return None
        stage, due = min(self._waits.values(), key=lambda wait: wait[1])
        return Deadline(stage, due)

    def receive(self, learnt: at.Learnt, now: float) -> list[at.Wanted]:
        """One thing learnt; what is to be done about it."""
        self._now = now
        if not self._over:
            self._learn(learnt)
        wanted, self._wanted = self._wanted, []
        return wanted

    # --- what is learnt

    def _learn(self, learnt: at.Learnt) -> None:
        match learnt:
            case at.Fed(ulaw=ulaw):
                for happened in self._turns.hear(ulaw):
                    self._turn(happened)
                if self._listens:
                    start, news = self._turns.news()
                    self._given += len(news) / BYTES_PER_SECOND
                    self._wanted += [at.Hear(self._turns.number, start, news)] if news else []
            case at.TurnCut():
                self._cut_turn()
            case at.ResponseAsked(instructions=instructions, tools=tools):
                self._ask = Ask(instructions, tools)
            case at.ResponseUnwanted():
                self._ask = None
                self._due = False
                self._break_off("cancelled", "not wanted")
            case at.ItemCut(item=item, heard_ms=heard_ms):
                self._cut = self._history.cut(item, heard_ms) or self._cut
            case at.ToolAnswered(call_id=call_id, output=output):
                self._history.tool_answered(call_id, output)
            case at.PhraseAsked(phrase=phrase, text=text):
                self._phrases.ask(phrase, text)
            case at.TimePassed():
                self._time_passed()
            case at.Ended(asked=asked):
                self._end(asked=asked)
            case at.Sent(job=job):
                self._bills.sent(job)
            case _:
                self._result(learnt)
        if not self._over:
            self._next()
            if (phrase_due := self._phrases.next) is not None:
                phrase_due.job = self._job("phrase")
                self._wanted.append(at.Speak(phrase_due.job, phrase_due.text))

    def _result(self, result: at.Result) -> None:
        wait = self._waits.get(result.job)
        if wait is None:
            return  # an old job
        self._waits[result.job] = (wait[0], self._now + self._patience_for(wait[0]))
        match result:
            case at.Transcribed():
                self._transcribed(result)
            case at.Wrote(text=text):
                self._wrote(text)
            case at.Called() if self._response is not None:
                self._response.calls.append(result)
            case at.Written() if self._response is not None:
                del self._waits[result.job]
                self._response.written = result
                self._say(self._response.cutter.rest())
            case at.Spoke(job=job, ulaw=ulaw):
                self._spoke(job, ulaw)
            case at.Spoken(job=job):
                self._spoken(job)
            case at.Broke():
                self._broke(result, wait[0])
            case at.Called() | at.Written():
                pass  # a response without its job is none
            case _:
                assert_never(result)
        self._tell()

    # --- the person

    def _turn(self, happened: Happened) -> None:
        match happened:
            case TurnStarted():
                self._due = False
                self._post(PersonStarted(self._session))
                self._break_off("cancelled", "the person speaks")
            case PerhapsAll(ulaw=ulaw, quiet=quiet):
                self._clock.begin(quiet, self._now)
                self._ahead = self._transcribe(ulaw)
            case TurnPaused():
                self._post(PersonPaused(self._session, self._turns.pause))
            case TurnResumed():
                self._forget_ahead()
            case TurnEnded(ulaw=ulaw):
                self._post(PersonStopped(self._session))
                self._due = True
                self._commit(ulaw)
            case _:
                assert_never(happened)

    def _cut_turn(self) -> None:
        """The core asks for the answer itself."""
        speaking = self._turns.speaking
        ended = self._turns.cut()
        if ended is not None:
            if speaking:
                self._post(PersonStopped(self._session))
            self._commit(ended.ulaw)
            self._clock.forget()

    def _transcribe(self, ulaw: bytes) -> Turn:
        turn = Turn(self._job("transcript"), ulaw, self._turns.number)
        self._wanted.append(at.Transcribe(turn.job, ulaw, turn.number))
        return turn

    def _commit(self, ulaw: bytes) -> None:
        """A turn is over. It may be written down already."""
        if self._ahead is not None and self._ahead.ulaw != ulaw:
            self._forget_ahead()
        if self._ahead is None:
            self._clock.begin(self._turns.silence, self._now)
        turn, self._ahead = self._ahead or self._transcribe(ulaw), None
        turn.item = f"turn_{self._session}_{turn.job}"
        self._open[turn.job] = turn
        self._history.person_speaks(turn.item)
        self._post(PersonCommitted(self._session, turn.item))
        if turn.words is not None:
            self._said(turn, turn.words)

    def _transcribed(self, result: at.Transcribed) -> None:
        del self._waits[result.job]
        self._given = 0.0
        if result.job in self._open:
            self._said(self._open[result.job], result)
        elif result.job in self._useless:
            turn = self._useless.pop(result.job)
            self._wasted += turn.seconds if result.seconds is None else result.seconds
        elif self._ahead is not None:
            self._ahead.words = result
            self._clock.words(self._now)

    def _said(self, turn: Turn, result: at.Transcribed) -> None:
        del self._open[turn.job]
        self._clock.words(self._now)
        self._history.person_said(turn.item, result.text)
        self._words = self._words or bool(result.text)
        seconds = (turn.seconds if result.seconds is None else result.seconds) + self._wasted
        self._wasted = 0.0
        self._post(PersonSaid(self._session, turn.item, result.text, Usage(seconds=seconds)))

    def _forget_ahead(self) -> None:
        """The person goes on: what was made ahead is of no use. Once words are asked for they have their price, so they
        are let come: only then is it known."""
        turn, self._ahead = self._ahead, None
        if turn is None:
            return
        self._throw_away()
        asking = at.Transcribe(turn.job, turn.ulaw, turn.number)
        if asking in self._wanted:
            self._wanted.remove(asking)
            del self._waits[turn.job]
        elif self._free_ears:
            if self._waits.pop(turn.job, None) is not None:
                self._wanted.append(at.Stop(turn.job))
        elif turn.words is not None:
            self._wasted += turn.seconds if turn.words.seconds is None else turn.words.seconds
        else:
            self._useless[turn.job] = turn

    # --- responses

    def _next(self) -> None:
        """Begin the response that is asked for or owed, when nothing stands in its way."""
        if self._open or (self._response is not None and not self._response.held):
            return
        if self._ask is not None:
            ask, self._ask = self._ask, None
        elif self._due and not self._turns.speaking:
            ask = Ask("", True)
            if not self._words:
                if self._history.agent_spoke and not self._cut:
                    self._answer_nothing()
                    return
                ask.instructions = UNCLEAR
        else:
            self._answer_ahead()
            return
        self._due = self._words = self._cut = False
        self._answer(self._history.messages(ask.instructions), ask.tools)

    def _answer(self, messages: list[dict[str, Any]], tools: bool) -> None:
        """With what was made ahead, if that answers the same."""
        held = self._response
        if held is not None and (held.messages, held.tools) != (messages, tools):
            self._throw_away()
        response = self._response or self._begin(messages, tools, held=False)
        response.held = False
        self._post(ResponseStarted(self._session, response.name))
        self._tell()

    def _answer_ahead(self) -> None:
        """The person says nothing, and it is written down what they said: perhaps that was all."""
        turn = self._ahead
        if self._busy or turn is None or turn.answered or turn.words is None or not turn.words.text:
            return
        turn.answered = True
        self._begin(self._history.messages(said=turn.words.text), tools=True, held=True)

    def _begin(self, messages: list[dict[str, Any]], tools: bool, *, held: bool) -> Response:
        job = self._job("answer")
        self._response = Response(
            f"response_{self._session}_{job}", f"item_{self._session}_{job}", job, messages, tools, held
        )
        self._wanted.append(at.Write(job, messages, tools))
        return self._response

    def _throw_away(self) -> None:
        """What was made ahead is of no use. It has its price all the same."""
        response = self._response
        if response is None or not response.held:
            return
        self._response = None
        self._stop(response)
        self._bills.thrown_away(response)

    def _answer_nothing(self) -> None:
        """It was a noise: there is nothing to answer, and nobody was interrupted by it."""
        self._due = False
        self._count += 1
        name = f"response_{self._session}_{self._count}"
        self._post(ResponseStarted(self._session, name))
        self._post(ResponseEnded(self._session, name, "completed"))

    def _wrote(self, text: str) -> None:
        self._clock.first_word(self._now)
        if self._response is not None:
            self._response.chars_out += len(text)
            for piece in self._response.cutter.push(text):
                self._say(piece)

    def _say(self, text: str) -> None:
        if self._response is not None and text:
            self._response.sentences.append(Sentence(text))

    def _spoke(self, job: int, ulaw: bytes) -> None:
        if not self._phrases.spoke(job, ulaw) and self._response is not None:
            self._clock.sound(self._now)
            self._response.sound += len(ulaw)
            for sentence in self._response.sentences:
                if sentence.job == job:
                    sentence.sound.append(ulaw)

    def _spoken(self, job: int) -> None:
        del self._waits[job]
        phrase = self._phrases.spoken(job)
        if phrase is not None:
            self._post(phrase)
        elif self._response is not None:
            for sentence in self._response.sentences:
                if sentence.job == job:
                    sentence.done = True
                    self._rates.spoke(len(sentence.text), sentence.size)

    def _tell(self) -> None:
        """Tell the sound in the order of the sentences, ask for the next ones, and end what is complete."""
        response = self._response
        if response is None:
            return
        for place, sentence in enumerate([] if response.held else response.sentences):
            if sentence.sound and not sentence.told:
                words = sentence.text if not place else f" {sentence.text}"
                self._post(AgentWrote(self._session, response.name, response.item, words))
            if sentence.sound and (times := self._clock.told(self._now)) is not None:
                self._post(AnswerTimed(self._session, response.name, *times))
            for ulaw in sentence.sound:
                sentence.told += len(ulaw)
                self._post(AgentSpoke(self._session, response.name, response.item, ulaw))
            sentence.sound.clear()
            if not sentence.done:
                break
        while (further := response.next_sentence) is not None:
            self._clock.sentence(self._now)
            further.job = self._job("speech")
            response.characters += len(further.text)
            self._wanted.append(at.Speak(further.job, further.text))
        if response.complete:
            self._complete(response)

    def _complete(self, response: Response) -> None:
        assert response.written is not None
        self._response = None
        self._busy = False
        self._history.agent_said(response.item, response.pieces, cut=False)
        for call in response.calls:
            call_id = call.call_id if call.call_id not in self._called else f"{call.call_id}_{call.job}"
            self._called.add(call_id)
            self._history.tool_called(call_id, call.name, call.arguments)
            self._post(ToolCalled(self._session, response.name, call_id, call.name, call.arguments))
        status: Literal["completed", "incomplete"] = "completed" if response.written.whole else "incomplete"
        self._post(ResponseEnded(self._session, response.name, status, self._bills.response(response)))
        self._bill_thrown_away()

    def _break_off(self, status: Literal["cancelled", "failed"], detail: str) -> None:
        """Stop the response being made, if there is one. What was told of it stays in the conversation."""
        self._throw_away()
        response, self._response = self._response, None
        if response is None:
            return
        self._stop(response)
        self._history.agent_said(response.item, response.pieces, cut=True)
        self._cut = True
        self._post(ResponseEnded(self._session, response.name, status, self._bills.cut_off(response), detail))

    def _stop(self, response: Response) -> None:
        for job in response.jobs:
            if self._waits.pop(job, None) is not None:
                self._wanted.append(at.Stop(job))

    # --- failures and the end

    def _time_passed(self) -> None:
        for job, (stage, due) in list(self._waits.items()):
            if due <= self._now and job in self._waits:
                self._wanted.append(at.Stop(job))
                detail = f"{stage}: nothing came for {self._patience_for(stage):g} s"
                self._broke(at.Broke(job, Trouble.STALLED, 0, detail), stage)

    def _broke(self, broke: at.Broke, stage: Stage) -> None:
        """Of a turn that fails the next session is told again: this one ends. A phrase that fails is a phrase less,
        unless the next sentence would meet the same."""
        self._waits.pop(broke.job, None)
        if self._useless.pop(broke.job, None) is not None:
            return
        if self._ahead is not None and self._ahead.job == broke.job:
            self._ahead = None  # it is asked for again when the turn is over
            return
        if self._response is not None and self._response.held and broke.job in self._response.jobs:
            self._busy = True
            self._throw_away()
            return
        failed = self._phrases.broke(broke.job, broke.detail)
        if failed is not None:
            self._post(failed)
            if broke.trouble in (Trouble.BUSY, Trouble.STALLED):
                return
        self._end(asked=False, detail=broke.detail)
        self._wanted.append(at.End(broke.trouble, broke.code, broke.detail))

    def _end(self, *, asked: bool, detail: str = "") -> None:
        """Whatever was being made ends, and is billed by what came of it."""
        words = "the session was closed" if asked else detail or "the session was lost"
        self._break_off("cancelled" if asked else "failed", words)
        self._forget_ahead()
        self._wasted += self._given  # who listens has heard the turns that are not written down yet
        if not self._listens:
            unheard = (*self._useless.values(), *self._open.values())
            self._wasted += sum(turn.seconds for turn in unheard if self._bills.was_sent(turn.job))
        for turn in self._open.values():
            usage, self._wasted = Usage(seconds=self._wasted, estimated=True), 0.0
            self._post(PersonSaid(self._session, turn.item, "", usage))
        if self._wasted:
            usage = Usage(seconds=self._wasted, estimated=True)
            self._post(PersonSaid(self._session, f"unsaid_{self._session}", "", usage))
        for failed in self._phrases.end(words, self._bills.was_sent):
            self._post(failed)
        self._bill_thrown_away()
        self._wanted += [at.Stop(job) for job in self._waits]
        self._open.clear()
        self._waits.clear()
        self._over = True

    def _bill_thrown_away(self) -> None:
        for name, usage in self._bills.owed():
            self._post(ResponseBilled(self._session, name, usage))

    # --- parts

    def _job(self, stage: Stage) -> int:
        self._count += 1
        self._waits[self._count] = (stage, self._now + self._patience_for(stage))
        return self._count

    def _patience_for(self, stage: Stage) -> float:
        patience: float = getattr(self._patience, stage)
        return patience

    def _post(self, event: AnyEvent) -> None:
        self._wanted.append(at.Post(event))
