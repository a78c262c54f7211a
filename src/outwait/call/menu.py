"""Finds the way through a company's menus: what is offered, what the task wants, what was tried. Pure, on words.

A menu is decided when it has been said to its end: what fits best may come last. A prompt that comes back tells what
became of the choice: at once, and the key was not heard; after something else, and the way leads in a circle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from outwait.call import cues
from outwait.call.known import Choice, Known, goal, likeness, signature, stems, tokens
from outwait.call.numerals import key
from outwait.call.reading import Option, Reading

SAME: Final = 0.6  # likeness from which a menu is one that was heard before
MORE: Final = 25  # characters by which a menu that comes again is longer when something else was said before it
TRIES: Final = 3  # times that a key is pressed in one menu: twice in band, then the carrier's own way
_PEOPLE: Final = stems(
    tokens(
        "agent representative operator person advisor adviser somebody someone staff human team member specialist "
        "receptionist associate colleague speak"
    )
)
_REST: Final = stems(tokens("anything else other enquiries inquiries questions everything"))
_AWAY: Final = stems(tokens("repeat again previous return website message voicemail language spanish"))
_SYNONYMS: Final = (
    stems(tokens("parcel package shipment delivery order track")),
    stems(tokens("billing bill invoice payment account charge")),
    stems(tokens("technical support help repair fault problem")),
    stems(tokens("appointment booking reservation schedule")),
    stems(tokens("cancel cancellation terminate")),
    _PEOPLE,
)


@dataclass(frozen=True, slots=True)
class Do:
    """What to do in a menu."""

    keys: str = ""
    """press these"""
    say: str = ""
    """say this"""
    ask: str = ""
    """nothing here knows: the agent has to hear these words and answer them"""
    by_carrier: bool = False
    """press the carrier's own way: in band was not heard"""
    why: str = ""


@dataclass(slots=True)
class _Menu:
    """A prompt, as far as it was said."""

    words: str = ""
    options: list[Option] = field(default_factory=list)
    asks: str = ""
    ends: str = ""  # key behind what is entered
    open_question: bool = False
    stay: bool = False
    rejected: bool = False  # it began by saying that it did not understand
    tried: set[str] = field(default_factory=set)  # keys and words that led nowhere

    @property
    def signature(self) -> str:
        return signature(self.options, self.asks) or self.words


class Navigator:
    """One call's way. Give it what is read, in order; ask `decide` when it has been quiet."""

    def __init__(self, task: str, path: tuple[str, ...], known: Known | None) -> None:
        """`path`: what to look for in turn, such as ("billing", "agent"); `known`: from earlier calls."""
        self._task = task
        self._path = list(path)
        self._goal = goal(" ".join(path) or task)
        self._known = known or Known()
        self._now = _Menu()
        self._past: list[_Menu] = []
        self._last: tuple[_Menu, Do] | None = None
        self._count = 0  # times that it was pressed
        self._between = False  # something else was heard since
        self.choices: list[Choice] = []  # what led on, in this call
        self.by_carrier = False  # and keys only got there the carrier's own way
        self._carrier_tried = False  # once: what is not heard then is no matter of tones

    @property
    def reading(self) -> bool:
        """A menu has begun, and nothing was decided on it."""
        return bool(self._now.options or self._now.asks or self._now.open_question)

    @property
    def heard(self) -> str:
        """The words of the menu that is not decided yet."""
        return self._now.words

    def hear(self, words: str, found: Reading) -> Do | None:
        """What was read; what to do at once, where the way is known from an earlier call."""
        if not (found.options or found.asks or found.open_question):
            if not self.reading:
                self._went_on()
                self._between = self._between or not found.rejected
                self._now.rejected = self._now.rejected or found.rejected
            else:
                self._now.words += " " + words
                self._now.stay = self._now.stay or found.wait_here
            return None
        self._now.words = f"{self._now.words} {words}".strip()
        self._now.options += [o for o in found.options if o not in self._now.options]
        self._now.asks = self._now.asks or found.asks
        self._now.ends = self._now.ends or found.ends
        self._now.open_question = self._now.open_question or found.open_question
        self._now.stay = self._now.stay or found.wait_here
        self._now.rejected = self._now.rejected or found.rejected
        if self._again() is not None:
            return None
        known = self._from_before()
        return self._done(known) if known is not None and known.keys else None  # words wait for the end of the prompt

    def elsewhere(self) -> None:
        """Music, ringing: it went on from the last choice."""
        self._went_on()
        self._between = True
        self._now = _Menu()

    def decide(self) -> Do | None:
        """The menu has been said to its end."""
        if not self.reading:
            return None
        again = self._again()
        if again is not None:
            menu, last = again
            self._now.tried = menu.tried
            # What is read in one piece may begin with a recording to which the choice led.
            longer = len(self._now.words) > len(menu.words) + MORE
            went_on = not self._now.rejected and (self._between or longer)
            if not went_on and (last.keys or last.say) and self._count < TRIES:
                self._count += 1
                by_carrier = bool(last.keys) and self._count == TRIES and not self._carrier_tried
                self._carrier_tried = self._carrier_tried or by_carrier
                repeat = Do(last.keys, last.say, by_carrier=by_carrier, why="the menu did not hear it")
                return self._done(repeat, counted=True)
            self._now.tried.add(last.keys or last.say)
            if self.choices:
                self.choices.pop()
        return self._done(self._from_before() or self._choose())

    def pressed(self, keys: str) -> None:
        """The agent has pressed keys by itself, in the menu that was read last."""
        menu = self._now if self.reading else self._last[0] if self._last is not None else None
        if menu is not None and menu.options:
            self._note(menu, Do(keys))
        self._last = (menu, Do(keys)) if menu is not None else None
        self._now = _Menu()
        self._between = False

    def said(self, words: str) -> None:
        """The agent has told the menu this."""
        if self._last is None or not words:
            return
        menu, _ = self._last
        self.choices = [choice for choice in self.choices if choice.menu != menu.signature]
        self._note(menu, Do(say=words))

    def _went_on(self) -> None:
        """Something else follows what was done last."""
        self.by_carrier = self.by_carrier or (self._last is not None and self._last[1].by_carrier)

    def _again(self) -> tuple[_Menu, Do] | None:
        if self._last is None or likeness(self._last[0].signature, self._now.signature) < SAME:
            return None
        return self._last

    def _done(self, do: Do, *, counted: bool = False) -> Do:
        menu = self._now
        if not counted:
            self._count = 1
            if menu.options and (do.keys or do.say):
                self._note(menu, do)
        self._past.append(menu)
        self._last = (menu, do)
        self._now = _Menu()
        self._between = False
        return do

    def _note(self, menu: _Menu, do: Do) -> None:
        self.choices.append(Choice(menu.signature, self._goal, do.keys, do.say))

    def _from_before(self) -> Do | None:
        """What led on in an earlier call."""
        choice = self._known.choice(self._now.signature, self._goal)
        if choice is None or (choice.keys or choice.say) in self._now.tried:
            return None
        return Do(choice.keys, choice.say, why="as on the last call")

    def _choose(self) -> Do:
        menu = self._now
        open_ = [o for o in menu.options if (o.key or o.say) not in menu.tried]
        without = [o for o in open_ if menu.asks and o.key and cues.NOT_KNOWN.search(o.label)]
        ranked = sorted(((self._fits(o.label), o) for o in open_ if o not in without), key=lambda pair: -pair[0])
        if ranked and ranked[0][0] > 0:
            _, best = ranked[0]
            self._path = self._rest_of_path(best.label)
            return Do(best.key, "" if best.key else best.say, why=f"for: {best.label}")
        if menu.asks:
            number = number_in(self._task, menu.asks)
            if number and number + menu.ends not in menu.tried:
                return Do(number + menu.ends, why=f"asked for: {menu.asks}")
            if without:
                return Do(without[0].key, why=f"not known: {menu.asks}")
        if menu.stay:
            return Do(why="it says to stay on the line")
        return Do(ask=menu.words, why="only the task can tell")

    def _fits(self, label: str) -> float:
        """How well an option fits: the way asked for, then the task, then whatever leads to a person."""
        words = stems(tokens(label))
        for place, step in enumerate(self._path):
            if _common(words, stems(tokens(step))):
                return 100.0 - place
        if "engli" in words:
            return 50.0
        score = 4.0 * _common(words, stems(tokens(self._task))) if not self._path else 0.0
        score += 2.0 * bool(words & _PEOPLE) + 1.0 * bool(words & _REST)
        return score - 3.0 * bool(words & _AWAY)

    def _rest_of_path(self, label: str) -> list[str]:
        words = stems(tokens(label))
        for place, step in enumerate(self._path):
            if _common(words, stems(tokens(step))):
                return self._path[place + 1 :]
        return self._path


def _common(words: set[str], wanted: set[str]) -> float:
    """Words in common; words of one meaning count half."""
    same = len(words & wanted)
    alike = sum(bool(words & group and wanted & group) for group in _SYNONYMS)
    return same + 0.5 * alike


def number_in(task: str, asked: str) -> str:
    """The number of the task that a machine asks for by name: "parcel 4712", "order number four seven one two"."""
    words = tokens(task)
    wanted = stems(tokens(asked)) - {"digit"}
    place = 0
    while place < len(words):
        digits, end = _digits(words, place)
        if len(digits) >= 3 and wanted & stems(words[max(0, place - 4) : place]):
            return digits
        place = max(end, place + 1)
    return ""


def _digits(words: list[str], place: int) -> tuple[str, int]:
    digits = ""
    while place < len(words):
        word = words[place]
        figure = word if word.isdecimal() else key(word) if word not in ("for", "to", "too", "won", "oh") else ""
        if not figure.isdecimal():
            break
        digits += figure
        place += 1
    return digits, place
