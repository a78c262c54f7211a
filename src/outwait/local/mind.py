"""A mind without a model: an errand by rules. It says why it calls, waits on hold, and brings back what it was told.

It is given the conversation as a chat model is, and knows no more than what stands there. It understands nothing: what
is said to it after it has said why it calls, and is neither a question nor a politeness, is the answer. That is enough
for a demonstration and for simple errands; any server with OpenAI's wire (Ollama, llama.cpp, vLLM) takes its place by
one setting.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

PLEASE_HOLD: Final = re.compile(
    r"\b(please (hold|wait)|hold (on|for|the line)|one moment|just a (moment|second|minute)|bear with me)\b", re.I
)
THANKS_FOR_HOLDING: Final = re.compile(r"\b(thank you|thanks) for (holding|waiting|your patience)\b", re.I)
RECORDING: Final = re.compile(
    r"\b(your call is important|next available|stay on the line|did you know|on our website|in the queue)\b", re.I
)
PRESS: Final = re.compile(r"\bpress (\d|star|pound|zero|one|two|three|four|five|six|seven|eight|nine|to|too)\b", re.I)
KEYS: Final = {"star": "*", "pound": "#", "to": "2", "too": "2"} | {
    name: str(digit)
    for digit, name in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    )
}

_TASK = re.compile(r"Your task on this call:\n(.+?)(?:\n\nHow to behave:|\Z)", re.S)
_NAME = re.compile(r'"this is ([^"]+)"')
_HELD = re.compile(r"\byou were on hold\b|\bback on the line\b", re.I)
_GOODBYE_WANTED = re.compile(r"\bsay goodbye in one short sentence\b", re.I)
_UNCLEAR = re.compile(r"\bcould not be understood\b", re.I)
_LOOKS = re.compile(r"\blet me (just )?(look|check|see|find)\b|\bi('ll| will) (look|check|see|find)\b", re.I)
_BYE = re.compile(r"\b(goodbye|good-bye|bye|have a (nice|good) (day|one))\b", re.I)
_POLITE = re.compile(
    r"\b(hello|hi|hey|yes|no|yeah|okay|ok|sure|of course|thank you|thanks|please|sorry"
    r"|good (morning|afternoon|evening|day)"
    r"|you'?re welcome|i'?m (here|back)|speaking|how can i help( you)?|for (holding|waiting|your patience))\b",
    re.I,
)
_SENTENCE = re.compile(r"(?<=[.?!])\s+")
_BEGUN = 11  # characters of why we call after which it counts as begun: "I'm calling"
_FEWEST = 4  # words beside politeness that make an answer
_VERBS: Final = frozenset(
    "arrange ask book cancel change check collect complain confirm enquire find get inquire learn make obtain order "  # noqa: SIM905
    "remind report request reschedule reserve return schedule see tell verify".split()
)


@dataclass(frozen=True, slots=True)
class Reply:
    """Words, then tool calls."""

    say: str = ""
    calls: tuple[tuple[str, dict[str, str]], ...] = ()  # name, arguments


def reply(messages: Sequence[dict[str, Any]], tools: Collection[str]) -> Reply:
    """What to say and do now. `messages`: as chat completions take them; `tools`: names of those at hand."""
    talk = _Talk(messages)
    if _GOODBYE_WANTED.search(talk.note):
        return Reply("Thank you. Goodbye.")
    if _UNCLEAR.search(talk.note):
        return Reply("I'm sorry, I did not hear that. Could you say it again?")
    wanted = _answer(talk)
    return Reply(wanted.say, tuple(call for call in wanted.calls if call[0] in tools))


def _answer(talk: _Talk) -> Reply:
    heard = talk.heard
    if RECORDING.search(heard):
        heard = _without_recording(heard)
        if not heard:
            return Reply("", (("wait_on_hold", {"reason": "A recording speaks."}),))
    if PLEASE_HOLD.search(heard) and not THANKS_FOR_HOLDING.search(heard):
        return Reply("Of course, I'll hold.", (("wait_on_hold", {"reason": heard}),))
    if key := PRESS.search(heard):
        digits = KEYS.get(key[1].lower(), key[1])
        return Reply("", (("press_digits", {"digits": digits}),))
    if not heard:
        return Reply("Hello? Is anyone there?" if talk.introduced else talk.greeting)
    if not (talk.introduced or talk.held):
        return Reply(talk.greeting)
    return _conversation(talk, heard)


def _conversation(talk: _Talk, heard: str) -> Reply:
    """They know why we call."""
    if answer := _statements(heard):
        outcome = {"reason": "The task is done.", "outcome": f"They said: {answer}"}
        return Reply("Thank you, I have noted that. Goodbye.", (("hangup_call", outcome),))
    if _BYE.search(heard):
        outcome = {"reason": "They said goodbye.", "outcome": f"No answer. They said: {heard}"}
        return Reply("Thank you. Goodbye.", (("hangup_call", outcome),))
    if _LOOKS.search(heard):
        return Reply("Thank you, take your time.")
    if talk.just_held or "?" in heard:
        return Reply(talk.again)
    return Reply("I'm listening.")


class _Talk:
    """The conversation, as far as the rules look at it."""

    def __init__(self, messages: Sequence[dict[str, Any]]) -> None:
        instructions = str(messages[0].get("content", "")) if messages and messages[0]["role"] == "system" else ""
        rest = list(messages[1:] if instructions else messages)
        self.note = str(rest[-1]["content"]) if rest and rest[-1]["role"] == "system" else ""
        task = _TASK.search(instructions)
        name = _NAME.search(instructions)
        self._task = (task[1] if task else instructions).strip()
        self._name = name[1] if name else ""
        said = [str(message.get("content") or "") for message in rest if message["role"] == "assistant"]
        self.introduced = any(self.purpose[:_BEGUN] in text for text in said)
        self.heard = " ".join(_unanswered(rest)).strip()
        spoke = [place for place, message in enumerate(rest) if message["role"] == "assistant"]
        held = [
            place
            for place, message in enumerate(rest)
            if message["role"] == "system" and _HELD.search(str(message["content"]))
        ]
        self.held = bool(held)
        self.just_held = self.held and held[-1] > max(spoke, default=-1)

    @property
    def purpose(self) -> str:
        """Why we call, in one sentence."""
        first = re.sub(r"^please\s+", "", _SENTENCE.split(self._task)[0].strip().rstrip(".!"), flags=re.I)
        verb, _, rest = first.partition(" ")
        if verb.lower() in _VERBS:
            return f"I'm calling to {verb.lower()} {rest}."
        return f"I'm calling about this: {first}."

    @property
    def greeting(self) -> str:
        return f"Hello, this is {self._name}. {self.purpose}" if self._name else f"Hello. {self.purpose}"

    @property
    def again(self) -> str:
        """To somebody who may be new, or has not understood."""
        return f"Yes, this is {self._name}. {self.purpose}" if self._name else f"Yes. {self.purpose}"


def _unanswered(messages: Sequence[dict[str, Any]]) -> list[str]:
    """What the person has said since the agent last spoke."""
    found: list[str] = []
    for message in reversed(messages):
        if message["role"] == "assistant":
            break
        if message["role"] == "user":
            found.insert(0, str(message["content"]))
    return found


def _statements(heard: str) -> str:
    """The sentences that tell something."""
    told = [
        sentence
        for sentence in _SENTENCE.split(heard)
        if not sentence.endswith("?") and not _LOOKS.search(sentence) and not _BYE.search(sentence)
    ]
    if not any(len(_POLITE.sub(" ", sentence).split()) >= _FEWEST for sentence in told):
        return ""
    return " ".join(told)


def _without_recording(heard: str) -> str:
    """What is left when the sentences of a queue's announcement are taken out; its opening thanks go with them."""
    live = [text for text in _SENTENCE.split(heard) if not RECORDING.search(text)]
    return " ".join(live) if any(not THANKS_FOR_HOLDING.search(text) for text in live) else ""
