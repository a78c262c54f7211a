"""The model: sessions that hear turns and answer with words and tools, and a mind that knows only what it is told."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.cost import Usage
from outwait.call.events import AnyEvent, Trouble
from outwait.sim.chaos import words
from outwait.sim.chaos.words import Kind

if TYPE_CHECKING:
    from outwait.sim.chaos.world import World

INTRODUCTION = 1  # the sentence that every call begins with
INTRODUCED = 8  # words of it
STRETCH = 1600  # bytes that are judged at once
BEGINS = 0.2  # s of speech that begin a turn
ENDS = 0.45  # s of silence that end it

OWN_TOOLS = 0.05  # of what it says when nothing is to be done, the share that calls one of the agent's own tools


class Model:
    """The engine's side of one call: its sessions, one after the other."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sessions: dict[int, Session] = {}  # of the living process
        self.troubles: list[str] = []  # for the sessions to come
        self.sentences = INTRODUCTION
        self.said: dict[tuple[int, str], list[tuple[int, int]]] = {}  # words of every response
        self.goodbyes: set[tuple[int, str]] = set()  # responses that ended the call, or said goodbye
        self.opened = 0

    def open(self, command: do.OpenSession) -> None:
        """A new connection."""
        trouble = self.troubles.pop(0) if self.troubles else ""
        self.opened += 1
        self.sessions[command.session] = Session(self, command, trouble)

    def sentence(self) -> int:
        """A sentence that nobody has said yet."""
        self.sentences += 1
        return self.sentences

    @property
    def session(self) -> Session | None:
        """The one that is connected."""
        return next((s for s in self.sessions.values() if s.alive), None)

    def process_gone(self) -> None:
        """All connections are lost."""
        for session in self.sessions.values():
            session.alive = False
        self.sessions.clear()


class Session:
    """One connection. What it says comes in order."""

    def __init__(self, model: Model, command: do.OpenSession, trouble: str) -> None:
        self._model, self._world = model, model.world
        self.number = command.session
        self.alive = True
        self.opened = False
        self._mute = trouble == "mute"
        self._last = 0.0
        self._responses = 0
        self._response = ""  # the running one
        self._turns = 0
        self._speech = self._silence = 0.0
        self._speaking = False
        self._codes: Counter[int] = Counter()  # stretches heard in this turn
        self._last_turn = Kind.SILENCE
        self._mind = Mind(model, command.seed)
        dice = self._world.dice
        if trouble in ("refused", "busy", "lost"):
            kind = {"refused": Trouble.REFUSED, "busy": Trouble.BUSY, "lost": Trouble.LOST}[trouble]
            self.end(kind, 401 if trouble == "refused" else 503, dice.uniform(0.05, 3.0))
        elif not self._mute:
            expires = dice.choice((None, None, 3600.0, 200.0))
            delay = dice.uniform(0.05, 1.0)
            self._post(ev.SessionOpened(self.number, expires), delay)
            self._world.later(delay, self._open)

    @property
    def answering(self) -> bool:
        """A response runs."""
        return bool(self._response)

    def _open(self) -> None:
        self.opened = True

    # --- what the program does -------------------------------------------------------------------

    def hear(self, ulaw: bytes) -> None:
        for start in range(0, len(ulaw), STRETCH):
            self._hear(ulaw[start], min(STRETCH, len(ulaw) - start) / words.RATE)

    def commit(self) -> None:
        if self._codes:
            self._commit()
        else:
            self._post(ev.SessionComplained(self.number, "input_audio_buffer_commit_empty", ""), 0.05)

    def ask(self, instructions: str, tools: bool) -> None:
        if self._response:
            code = "conversation_already_has_active_response"
            self._post(ev.SessionComplained(self.number, code, instructions), 0.05)
        else:
            self._respond(instructions, tools=tools)

    def cancel(self) -> None:
        if self._response:
            self._end_response("cancelled", 0.05)

    def phrase(self, name: str) -> None:
        dice = self._world.dice
        if dice.random() < 0.1:
            self._post(ev.PhraseFailed(self.number, name, "no"), 0.5)
        else:
            usage = Usage(text_in=60, audio_out=40)
            sound = words.far_end(words.QUIET, 6400)
            self._post(ev.PhraseMade(self.number, name, sound, usage), dice.uniform(0.3, 2.0))

    def close(self) -> None:
        dice = self._world.dice
        late = dice.uniform(1.0, 6.0) if dice.random() < self._world.plan.wild * 0.3 else dice.uniform(0.01, 0.2)
        if self.alive:
            self._post(ev.SessionClosed(self.number, None, 1000, ""), late, last=True)
        self.alive = False

    # --- faults ----------------------------------------------------------------------------------

    def end(self, trouble: Trouble, code: int, delay: float = 0.01) -> None:
        """It ends by itself."""
        if self.alive:
            self._post(ev.SessionClosed(self.number, trouble, code, ""), delay, last=True)
            self.alive = False

    def mute(self) -> None:
        """It is there and says nothing more."""
        self._mute = True

    # --- hearing ---------------------------------------------------------------------------------

    def _hear(self, code: int, seconds: float) -> None:
        kind = self._world.company.kinds.get(code, Kind.SILENCE)
        if kind.spoken or (kind is Kind.MUSIC and self._speaking):
            self._speech += seconds
            self._silence = 0.0
            self._codes[code] += 1
            if not self._speaking and self._speech >= BEGINS:
                self._speaking = True
                self._post(ev.PersonStarted(self.number), 0.05)
                if self._response:
                    self._end_response("cancelled", 0.06)
        else:
            self._silence += seconds
            if self._silence >= ENDS:
                self._speech = 0.0
                if self._speaking:
                    self._post(ev.PersonStopped(self.number), 0.05)
                    self._commit()
                    self._respond("", tools=True)

    def _commit(self) -> None:
        kinds = Counter(self._world.company.kinds[code] for code in self._codes.elements())
        self._last_turn = kinds.most_common(1)[0][0]
        self._codes.clear()
        self._speaking = False
        self._turns += 1
        item = f"u{self._turns}"
        self._post(ev.PersonCommitted(self.number, item), 0.06)
        usage = Usage(seconds=2.0)
        said = ev.PersonSaid(self.number, item, self._last_turn.value, usage)
        self._later(self._world.dice.uniform(0.2, 1.5), said)

    # --- answering -------------------------------------------------------------------------------

    def _respond(self, instructions: str, *, tools: bool) -> None:
        dice = self._world.dice
        self._responses += 1
        response = self._response = f"s{self.number}r{self._responses}"
        delay = dice.uniform(0.1, 0.7)
        sentence, tool, arguments = self._mind.answer(self._last_turn, instructions, tools=tools)
        self._last_turn = Kind.SILENCE
        self._model.said[self.number, response] = []
        if tool == "hangup_call" or not tools:
            self._model.goodbyes.add((self.number, response))
        self._post(ev.ResponseStarted(self.number, response), delay)
        self._world.later(delay + 0.1, self._speak, response, sentence, tool, arguments)

    def _speak(self, response: str, sentence: list[tuple[int, int]], tool: str, arguments: str) -> None:
        """A few words at a time, faster than they are heard."""
        if response != self._response or not self.alive:
            return
        dice = self._world.dice
        some, rest = sentence[:5], sentence[5:]
        if some:
            self._mind.say(some)
            self._model.said[self.number, response] += some
            item = f"i-{response}"
            text = "".join(words.text(*word) for word in some)
            sound = b"".join(words.word(*word) for word in some)
            both: list[AnyEvent] = [
                ev.AgentWrote(self.number, response, item, text),
                ev.AgentSpoke(self.number, response, item, sound),
            ]
            for event in both:
                self._post(event, 0.02)
        if rest:
            self._world.later(dice.uniform(0.05, 0.6), self._speak, response, rest, tool, arguments)
            return
        if tool:
            call_id = f"c-{response}"
            self._mind.called.append(tool)
            self._post(ev.ToolCalled(self.number, response, call_id, tool, arguments), 0.05)
        self._end_response("completed" if dice.random() < 0.97 else "failed", 0.1)

    def _end_response(self, status: str, delay: float) -> None:
        usage = (
            Usage(text_in=900, audio_in=300, text_out=20, audio_out=40) if self._world.dice.random() < 0.95 else None
        )
        response, self._response = self._response, ""
        self._post(ev.ResponseEnded(self.number, response, status, usage), delay)  # type: ignore[arg-type]

    # --- the wire --------------------------------------------------------------------------------

    def _later(self, seconds: float, event: AnyEvent) -> None:
        """Something whose place among the others does not matter."""
        self._world.later(seconds, self._post_now, event)

    def _post_now(self, event: AnyEvent) -> None:
        self._post(event, 0.0)

    def _post(self, event: AnyEvent, delay: float, *, last: bool = False) -> None:
        if not self.alive or (self._mute and not last):
            return
        world = self._world
        self._last = max(self._last + 1e-6, world.now + delay)
        world.answer(event, self._last - world.now)


class Mind:
    """What the model wants to say. It knows the seed of its session and what it has said itself, nothing else."""

    def __init__(self, model: Model, seed: tuple[do.SeedItem, ...]) -> None:
        self._model, self._dice = model, model.world.dice
        self.called: list[str] = [item.name for item in seed if item.kind == "tool_call"]
        self._said = {word for item in seed if item.kind == "agent" for word in words.read_text(item.text)}
        self._broken = [
            words.read_text(item.text) for item in seed if item.kind == "agent" and "interrupted" in item.text
        ]

    def say(self, sentence: list[tuple[int, int]]) -> None:
        self._said.update(sentence)

    def answer(self, turn: Kind, instructions: str, *, tools: bool) -> tuple[list[tuple[int, int]], str, str]:
        """The words of the next response, its tool and the tool's arguments."""
        dice = self._dice
        tool = ""
        if not tools:
            return self._sentence(4), "", ""
        if turn in (Kind.PLEASE_HOLD, Kind.ANNOUNCEMENT, Kind.MUSIC):
            sentence, tool = (self._sentence(3) if dice.random() < 0.6 else []), "wait_on_hold"
            if self._model.world.caller.offers():
                tool = "expect_call_back"
        elif turn is Kind.MENU:
            sentence, tool = [], "press_digits"
        elif turn in (Kind.ANSWER, Kind.BYE):
            sentence, tool = (self._sentence(5) if dice.random() < 0.8 else []), "hangup_call"
        elif (rest := self._introduction()) and len(rest) > 1:
            sentence = rest
        elif "broke off" in instructions and self._broken and self._broken[-1]:
            last = self._broken[-1][-1]
            sentence = [(last[0], index) for index in range(last[1] + 1, INTRODUCED)] or self._sentence(4)
        elif (tools_dice := self._model.world.tool_dice).random() < OWN_TOOLS:
            sentence, tool = self._sentence(2), tools_dice.choice(("look_up", "book"))
        else:
            sentence = self._sentence(dice.randint(3, 20))
        if tool and dice.random() < self._model.world.plan.forgets:
            tool = ""
        return sentence, tool, _arguments(tool)

    def _introduction(self) -> list[tuple[int, int]]:
        return [word for index in range(INTRODUCED) if (word := (INTRODUCTION, index)) not in self._said]

    def _sentence(self, length: int) -> list[tuple[int, int]]:
        number = self._model.sentence()
        return [(number, index) for index in range(length)]


def _arguments(tool: str) -> str:
    given = {
        "wait_on_hold": {"reason": "asked"},
        "expect_call_back": {"reason": "they call back"},
        "press_digits": {"digits": "1"},
        "hangup_call": {"reason": "done", "outcome": "It ships on Monday."},
    }
    return json.dumps(given.get(tool, {}))
