"""The simulated model's mind: what it says and which tools it calls, by rules on what it has been told and has heard.

Deterministic. It knows its task only from its context: a session that was not given the task cannot speak of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_PLEASE_HOLD = re.compile(
    r"\b(please hold|hold (on|for|the line)|one moment|just a (moment|second)|bear with me)\b", re.I
)
_THANKS_FOR_HOLDING = re.compile(r"\b(thank you|thanks) for (holding|waiting|your patience)\b", re.I)
_HELD = re.compile(r"on hold|been holding|back on the line", re.I)  # as the agent is told of it
_RECORDING = re.compile(
    r"\b(your call is important|next available|stay on the line|did you know|on our website|in the queue)\b", re.I
)
_NEWS = re.compile(
    r"\b(anything else|next step|will be|has been|tomorrow|today|confirmation|reference|scheduled|booked|refund)\b",
    re.I,
)
_TRANSFER = re.compile(r"\b(transfer you|put you through|connect you|connecting you|pass you on)\b", re.I)
_PRESS = re.compile(r"\bpress (\d|star|pound)\b", re.I)
_OPTIONS = (  # "for deliveries, press 2" and "press 2 for deliveries": (what, key) or (key, what)
    re.compile(r"\b(?:for|to|if) (?P<what>[^,.;?!]+?),? (?:please )?press (?P<key>\d|star|pound)\b", re.I),
    re.compile(r"\bpress (?P<key>\d|star|pound)\b,? (?:for|to|if) (?P<what>[^,.;?!]+)", re.I),
)
_ANYBODY = re.compile(r"\b(agent|representative|operator|somebody|someone|anything else|other|person|advisor)\b", re.I)
_STAY = re.compile(r"\b(keep|stay|continue|hold(ing)?|remain)\b", re.I)
_CALL_BACK_OFFER = re.compile(r"\bcall(ed)? (you )?back\b", re.I)
_WILL_CALL_BACK = re.compile(r"\b(we|I)( will|'ll) call you back\b", re.I)
_ENTER = re.compile(r"\b(enter|key in|type)\b.*\b(number|digits)\b", re.I)
_POUND = re.compile(r"\bfollowed by the (pound|hash)\b", re.I)
_KEEP_WORD = re.compile(  # "say yes to stay on the line" and "to keep your place, say yes"
    r"\bsay (?P<word>\w+) (?:to|if)\b[^.?!]*\b(?:keep|stay|hold|wait)|"
    r"\b(?:keep|stay|hold|wait)\b[^.?!]*, (?:please )?say (?P<other>\w+)",
    re.I,
)
_SAY_WORD = re.compile(r"\b(?:you can say|please say|say)\b (?P<words>[^.?!]+)", re.I)
_SCREEN = re.compile(r"\b(say|state|record) your name\b|\bwho (is|may I say is) calling\b", re.I)
_MESSAGE = re.compile(r"\b(leave (us |me )?a message|after the (tone|beep)|not available to take)\b", re.I)
_TOLD_OF_A_BEEP = re.compile(r"\breached a voicemail\b", re.I)  # as the agent is told of it
_NAMES = "zero one two three four five six seven eight nine"
_SPOKEN_DIGITS = {name: str(digit) for digit, name in enumerate(_NAMES.split(" "))}
_SAY_EXACTLY = re.compile(
    r"\b(?:say|speak|read)\b[^:\"“]*?(?:exactly|only|verbatim|aloud|following)[^:\"“]*[:\"“]\s*(.+)", re.I | re.S
)
_GOODBYE = re.compile(r"\b(goodbye|good-bye|farewell)\b", re.I)
_STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "ask",
        "at",
        "be",
        "by",
        "can",
        "do",
        "for",
        "find",
        "if",
        "in",
        "is",
        "it",
        "my",
        "of",
        "on",
        "or",
        "out",
        "please",
        "that",
        "the",
        "to",
        "what",
        "when",
    ]
)


@dataclass(frozen=True)
class Turn:
    """One item of the conversation as the mind sees it.

    role
        "user", "assistant", "system", "call" (a function call), "result" (its output)
    text
        the words (heard or written); of a call its name
    """

    role: str
    text: str


@dataclass(frozen=True)
class View:
    """All the mind can know when a response is asked for.

    instructions
        of the session, or of this response when it has its own (they replace the session's, as with the real one)
    request
        the response's own instructions; "" = none
    tools
        the names it may call
    """

    instructions: str
    turns: tuple[Turn, ...]
    tools: frozenset[str]
    out_of_band: bool = False
    request: str = ""

    @property
    def context(self) -> str:
        """Everything that was given in writing."""
        return "\n".join([self.instructions, *(t.text for t in self.turns if t.role in ("system", "user"))])

    def last(self, role: str) -> str:
        """The newest words of a role; "" = none."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == role), "")

    @property
    def unanswered(self) -> str:
        """The newest words of the other side: those before a noise that was no words, if nothing was said to them."""
        for turn in reversed(self.turns):
            if turn.role == "assistant" and turn.text:
                break
            if turn.role == "user" and turn.text:
                return turn.text
        return self.last("user")


@dataclass(frozen=True)
class Plan:
    """A response: words, then tool calls."""

    say: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()


@dataclass(frozen=True)
class Lines:
    """What the agent says, by occasion. `task` and `still` are used only when the context names the task."""

    task: str = (
        "Hello, this is an AI assistant. I'm calling about parcel four seven one two. When will it be delivered?"
    )
    hold: str = "Of course, I'll hold."
    still: str = "Yes, I'm the AI assistant. I was asking when parcel four seven one two will be delivered."
    bye: str = "Thank you, that is all I needed to know. Goodbye."
    goodbye: str = "Goodbye."
    screen: str = "This is an AI assistant, calling about parcel four seven one two."
    message: str = (
        "Hello, this is an AI assistant, calling about parcel four seven one two. Please call back. Thank you."
    )
    there: str = "Hello? Is anyone there?"
    lost: str = "I'm sorry, I have lost track of why I am calling."


@dataclass(frozen=True)
class Mind:
    """The scripted agent.

    task
        the task of this scenario; the mind looks for it in its context before it speaks of it. "" = do not look
    forgets
        tools it never calls
    results
        what it gives as the typed result: at its first hang-up, at its second ...; it quotes what it heard last
    """

    task: str = ""
    forgets: frozenset[str] = frozenset()
    lines: Lines = field(default_factory=Lines)
    results: tuple[Any, ...] = ()

    def answer(self, view: View) -> Plan:
        """What to say and do now."""
        if exact := _SAY_EXACTLY.search(view.request):
            return Plan(exact[1].strip().strip("\"“”'").split('"')[0].strip())
        if view.out_of_band:
            return Plan(view.last("user") or view.last("system") or self.lines.goodbye)
        if _GOODBYE.search(view.request.strip().rpartition("\n\n")[2]):  # its own wish; what stands before is the task
            return Plan(self.lines.goodbye)
        if _TOLD_OF_A_BEEP.search(view.request):
            return self._trim(view, self._message())
        newest = view.turns[-1] if view.turns else Turn("system", "")
        if newest.role == "result":
            return self._after_tool(view)
        return self._trim(view, self._reply(view, view.unanswered))

    def _reply(self, view: View, heard: str) -> Plan:
        held = self._was_on_hold(view)
        if not heard:
            return Plan(self._about(view, self.lines.task)) if not held else Plan(self.lines.there)
        if keep := _KEEP_WORD.search(heard):
            return Plan((keep["word"] or keep["other"]).capitalize() + ".")
        if _RECORDING.search(heard) and not _PRESS.search(heard):
            heard = _without_recording(heard)
            if not heard:
                return Plan("", (("wait_on_hold", {"reason": "That was a recording."}),))
        thanked = _THANKS_FOR_HOLDING.search(heard)
        asked_to_wait = _PLEASE_HOLD.search(heard) or _TRANSFER.search(heard)
        if asked_to_wait and not thanked and not self._held_since(view):
            return Plan(self.lines.hold, (("wait_on_hold", {"reason": heard}),))
        if machine := self._to_a_machine(heard, self._heard_before(view, heard)):
            return machine
        if _NEWS.search(heard) and not heard.rstrip().endswith("help you?"):
            outcome = {"reason": "The task is done.", "outcome": f"They said: {heard}"}
            return Plan(self.lines.bye, (("hangup_call", outcome | self._result(view, heard)),))
        if held or self._said(view, self.lines.task):
            return Plan(self._about(view, self.lines.still))
        return Plan(self._about(view, self.lines.task))

    def _result(self, view: View, heard: str) -> dict[str, Any]:
        if not self.results:
            return {}
        given = sum(turn.role == "call" and turn.text == "hangup_call" for turn in view.turns)
        result = self.results[min(given, len(self.results) - 1)]
        return {"result": result, "evidence": [{"of": "", "quote": heard}]}

    def _heard_before(self, view: View, heard: str) -> int:
        """How often this menu had been heard: it came again because the choice led nowhere."""
        menu = heard[max(0, heard.rfind(".", 0, -1) - 30) :]
        return sum(menu in turn.text for turn in view.turns if turn.role == "user") - 1

    def _to_a_machine(self, heard: str, before: int) -> Plan | None:
        """What a menu, a screener or an answering machine gets; None when it is none of them."""
        if _MESSAGE.search(heard):
            return self._message()
        if _WILL_CALL_BACK.search(heard):
            return Plan("", (("expect_call_back", {"reason": heard}),))
        if _PRESS.search(heard):
            return Plan("", (("press_digits", {"digits": self._choice(heard, before)}),))
        if _ENTER.search(heard) and (number := self._number()):
            return Plan("", (("press_digits", {"digits": number + ("#" if _POUND.search(heard) else "")}),))
        if _SCREEN.search(heard):
            return Plan(self.lines.screen)
        if said := _SAY_WORD.search(heard):
            choices = [word.strip() for word in re.split(r",|\bor\b|\band\b", said["words"]) if word.strip(" '\"")]
            best = max(choices, key=self._fits, default="")
            if best and self._fits(best) > 0:
                return Plan(best.strip(" '\"").capitalize() + ".")
        return None

    def _message(self) -> Plan:
        outcome = {"reason": "Voicemail.", "outcome": "Left a message: nobody was there."}
        return Plan(self.lines.message, (("hangup_call", outcome),))

    def _choice(self, heard: str, before: int) -> str:
        """The key of the option that fits the task best, or the next best of a menu that came again."""
        options = [(m["what"], m["key"]) for pattern in _OPTIONS for m in pattern.finditer(heard)]
        first = _PRESS.search(heard)
        assert first is not None
        ranked = sorted(options, key=lambda option: -self._fits(option[0])) or [("", first[1])]
        key = ranked[max(0, before) % len(ranked)][1]
        return {"star": "*", "pound": "#"}.get(key.lower(), key)

    def _fits(self, option: str) -> float:
        """How well an option fits the task: by the beginnings of its words, else whether it leads to anybody."""
        words = [word for word in re.findall(r"[a-z]+", option.lower()) if word not in _STOP_WORDS]
        if _CALL_BACK_OFFER.search(option):
            return 3.0 if _CALL_BACK_OFFER.search(self.task) else -1.0
        score = float(sum(word[:5] in self.task.lower() for word in words))
        return score + (0.5 if _ANYBODY.search(option) or _STAY.search(option) else 0.0)

    def _number(self) -> str:
        """The figures of the task, as keys."""
        words = re.findall(r"[a-z0-9]+", self.task.lower())
        return "".join(word if word.isdecimal() else _SPOKEN_DIGITS.get(word, "") for word in words)

    def _after_tool(self, view: View) -> Plan:
        called = view.last("call")
        if called == "hangup_call" and "error" in view.turns[-1].text:
            heard = view.last("user")
            again = {"reason": "The task is done.", "outcome": f"They said: {heard}"} | self._result(view, heard)
            return self._trim(view, Plan("", (("hangup_call", again),)))
        if called == "hangup_call":
            return Plan(self.lines.goodbye)
        if called in ("wait_on_hold", "expect_call_back", "transfer_call"):
            return Plan()
        return Plan(self._about(view, self.lines.still))

    def _about(self, view: View, line: str) -> str:
        return line if self._knows_task(view) else self.lines.lost

    def _knows_task(self, view: View) -> bool:
        words = [word for word in re.findall(r"[a-z0-9]+", self.task.lower()) if word not in _STOP_WORDS]
        known = view.context.lower()
        return sum(word in known for word in words) >= 0.6 * len(words)

    def _was_on_hold(self, view: View) -> bool:
        written = "\n".join(turn.text for turn in view.turns if turn.role in ("system", "call", "result"))
        return "wait_on_hold" in written or bool(_HELD.search(written))

    def _held_since(self, view: View) -> bool:
        """Whether the hold they asked for is over, by what is written; what they have said since is not known."""
        for turn in reversed(view.turns):
            if turn.role == "user" and turn.text:
                return False
            if turn.role == "system" and _HELD.search(turn.text):
                return True
        return False

    def _said(self, view: View, line: str) -> bool:
        return any(turn.role == "assistant" and line[:20] in turn.text for turn in view.turns)

    def _trim(self, view: View, plan: Plan) -> Plan:
        calls = tuple(call for call in plan.calls if call[0] in view.tools and call[0] not in self.forgets)
        return Plan(plan.say, calls)


def _without_recording(heard: str) -> str:
    """What is left when the sentences of a queue's announcement are taken out; its opening thanks go with them."""
    sentences = re.split(r"(?<=[.?!])\s+", heard)
    live = [text for text in sentences if not _RECORDING.search(text)]
    return " ".join(live) if any(not _THANKS_FOR_HOLDING.search(text) for text in live) else ""
