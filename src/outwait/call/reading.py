"""What a recorded voice says: options of a menu, a place in a queue, a wait, an offer, a question. English.

Pure, on the words of a recogniser, which may write numbers as words or digits and get some of them wrong. Nothing is
read into words that do not say it: a number alone is neither a position nor a wait.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from outwait.call import cues
from outwait.call.heard import continues, telephone
from outwait.call.numerals import key, number, ordinal


class Option(msgspec.Struct, frozen=True, omit_defaults=True):
    """One choice of a menu: either a key or words to say."""

    label: str
    """what it is for, in the menu's words"""
    key: str = ""
    """which key; "": none"""
    say: str = ""
    """what to say instead; "": nothing"""


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one stretch of words means. Everything is absent unless it was said."""

    options: tuple[Option, ...] = ()
    """choices, in the order in which they were offered"""
    position: int | None = None
    """place in the queue, 1: next"""
    wait_seconds: int | None = None
    """estimated wait; of a range its upper end"""
    keep: str = ""
    """key that keeps us in the queue"""
    keep_say: str = ""
    """words that keep us in the queue, where it takes them"""
    callback: Option | None = None
    """how to be called back"""
    decline: str = ""
    """key that says no to such an offer and waits on"""
    still_there: bool = False
    """it asks whether we are still there"""
    hours: str = ""
    """when they are open, in their words"""
    closed: bool = False
    """they are closed now"""
    voicemail: bool = False
    """a message may be left"""
    screening: bool = False
    """it asks who is calling, to tell somebody"""
    asks: str = ""
    """something to be entered or said that only the task can tell, such as an account number"""
    ends: str = ""
    """key that ends what is entered: "followed by the pound key"; "": none"""
    open_question: bool = False
    """a machine that wants to be told in free words what we want"""
    wait_here: bool = False
    """it says to stay on the line for somebody"""
    connecting: bool = False
    """it says that we are being connected, or that the keys were taken"""
    rejected: bool = False
    """it did not understand what was pressed or said"""
    recorded: bool = False
    """words that no person says on the telephone"""

    @property
    def machine(self) -> bool:
        """Only a recording says this."""
        return bool(
            self.options or self.position or self.wait_seconds or self.keep or self.keep_say or self.callback
            or self.voicemail or self.recorded or self.asks
        )  # fmt: skip


def read(text: str) -> Reading:
    """The meaning of these words."""
    sentences = [_words(part) for part in _SENTENCE.split(text) if part.strip()]
    sentences = _joined([words for words in sentences if words])
    told = [telephone(words) for words in sentences]
    whole = " ".join(word for words in sentences for word in words)
    options = _spoken(text.lower()) or _merged([option for words in sentences for option in _options(words)])
    asks = _asks(whole)
    ends = _ends(whole) if asks else ""
    options = [o for o in options if not (ends and o.key == ends)]
    offers = [o for o in options if cues.CALLBACK.search(o.label)]
    keeps = [o for o in options if o.key and o not in offers and cues.KEEP.search(o.label)]
    still_there = bool(cues.STILL_THERE.search(whole))
    lone = [o for o in options if o.key and o not in offers]
    keep = keeps[0].key if keeps else lone[0].key if still_there and len(lone) == 1 else ""
    if still_there and not keep and cues.ANY_KEY.search(whole):
        keep = "1"
    others = tuple(o for o in options if o not in offers and o not in keeps and not (o.key and o.key == keep))
    keep_say = "" if keep else next((o.say for o in options if _keeps_by_word(o, still_there)), _keep_word(sentences))
    offered = bool(offers) or bool(cues.CALLBACK.search(whole) and not cues.NO_CALLBACK.search(whole))
    return Reading(
        options=() if offers or keep or keep_say else others,
        position=_first(_position, told),
        wait_seconds=_first(_wait, told),
        keep=keep,
        keep_say=keep_say,
        callback=offers[0] if offers else None,
        decline=_decline(options, offers) if offered else "",
        still_there=still_there,
        hours=next((s for s in map(" ".join, sentences) if cues.HOURS.search(s)), ""),
        closed=bool(cues.CLOSED.search(whole)),
        voicemail=any(
            cues.VOICEMAIL.search(" ".join(words)) and not cues.PRESS.search(" ".join(words)) for words in sentences
        ),
        screening=bool(cues.SCREENING.search(whole)),
        asks=asks,
        ends=ends,
        open_question=bool(cues.OPEN.search(whole)),
        wait_here=bool(cues.WAIT_HERE.search(whole)) or any(cues.WAITING.search(o.label) for o in options),
        connecting=bool(cues.CONNECTING.search(whole)),
        rejected=bool(cues.REJECTED.search(whole)),
        recorded=bool(cues.RECORDED.search(whole)),
    )


# --- words --------------------------------------------------------------------------------------

_SENTENCE: Final = re.compile(r"(?<=[.?!;:])\s+|\n+")
_TOKEN: Final = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[*#]")
_DECIMAL: Final = re.compile(r"(?<=\d),(?=\d{3})")
_PRESSES: Final = frozenset({"press", "pressing", "dial", "push", "hit", "touch", "enter", "select", "choose"})
_COUNTED_DIGITS: Final = frozenset({"digits", "digit", "figures", "characters"})
_NOT_SAID: Final = frozenset({"or", "your", "the", "so", "that", "it", "hello", "hi", "something", "anything", "again"})
_AFTER_SAID: Final = frozenset({"or", "now", "please"})
_BETWEEN: Final = frozenset({"the", "your", "number", "key", "button", "digit", "on", "keypad", "or", "say", "now"})
_BEFORE: Final = frozenset({"for", "to", "if", "otherwise"})
_KEY_NAMES: Final = frozenset({"key", "sign", "button", "now", "on", "your", "keypad", "phone", "at", "any", "time"})
_FILLERS: Final = frozenset(
    {
        "please",
        "now",
        "you",
        "you'd",
        "would",
        "may",
        "can",
        "like",
        "want",
        "wish",
        "are",
        "if",
        "to",
        "for",
        "of",
        "the",
    }
    | {"a", "an", "our", "us", "with", "and", "or", "just", "in", "your", "i'd", "we", "need", "i"}
)


def _words(text: str) -> list[str]:
    plain = _DECIMAL.sub("", text.lower().replace("\u2019", "'").replace("-", " "))
    return _TOKEN.findall(plain)


def _joined(sentences: list[list[str]]) -> list[list[str]]:
    """A recogniser may put a full stop before "press": what an option is for then stands in the sentence before. Or
    into a number, which is said in two pieces."""
    joined: list[list[str]] = []
    for words in sentences:
        before = joined[-1] if joined else []
        cut = before and before[0] in _BEFORE and not _PRESSES & set(before) and words[0] in _PRESSES
        if cut or (before and continues(before, words)):
            joined[-1] = before + words
        else:
            joined.append(words)
    return joined


# --- choices ------------------------------------------------------------------------------------


def _options(words: list[str]) -> list[Option]:
    """The choices of one sentence. "For sales press 1": the label stands before; "press 1 for sales": behind."""
    places = [place for place in range(len(words)) if _choice(words, place)]
    if not places:
        return []
    before = any(word in _BEFORE for word in words[: places[0]])
    found: list[Option] = []
    start = 0
    for number_, place in enumerate(places):
        following = places[number_ + 1] if number_ + 1 < len(places) else len(words)
        pressed, said, end = _choice(words, place) or ("", "", place + 1)
        if said:
            said, length = _said(words[place + 1 : following])
            end = place + 1 + length
        label = _label(words[start:place] if before else words[end:following])
        start = end
        if pressed and found and not (label or found[-1].key):  # "say yes or press 1"
            found[-1] = Option(found[-1].label, pressed)
        elif label or pressed or said:
            found.append(Option(label or said or f"key {pressed}", pressed, said))
    return found


def _choice(words: list[str], place: int) -> tuple[str, str, int] | None:
    """(key, what to say, where it ends) of a choice whose verb is here. What to say is "?" when it has to be found."""
    word = words[place]
    if word == "say" and not (place and words[place - 1] in ("or", "to", "and") and place > 1):
        return None if place + 1 >= len(words) or words[place + 1] in _NOT_SAID else ("", "?", place + 1)
    if word not in _PRESSES:
        return None
    at = place + 1
    if word == "enter" and _COUNTED_DIGITS & set(words[at : at + 4]):
        return None  # "enter the 4 digits of your number"
    while at < len(words) and words[at] in _BETWEEN and at - place <= 5:
        at += 1
    if at >= len(words):
        return None
    found = key(words[at])
    if not found or (word in ("enter", "select", "choose") and not words[at].isdecimal() and found not in "*#"):
        return None
    at += 1
    while (
        at < len(words) and words[at] in _KEY_NAMES and not (words[at] == "on" and words[at + 1 : at + 2] == ["hold"])
    ):
        at += 1
    return found, "", at


def _said(words: list[str]) -> tuple[str, int]:
    """After "say": one or two words, up to the next reason."""
    kept: list[str] = []
    for word in words:
        if word in _BEFORE or len(kept) == 3:
            break
        kept.append(word)
    length = len(kept)
    while len(kept) > 1 and kept[-1] in _AFTER_SAID:
        kept.pop()
    return " ".join(kept), length


def _spoken(text: str) -> list[Option]:
    """ "You can say billing, sales, or support": a list of words without a key."""
    found = cues.SAY_LIST.search(text)
    if found is None or cues.PRESS.search(text):
        return []
    words = [" ".join(_words(part)).removeprefix("or ") for part in re.split(r",| or ", found.group(1))]
    named = [word for word in words if word and len(word.split()) <= 4]
    return [Option(word, say=word) for word in named] if len(named) > 1 else []


def _label(words: list[str]) -> str:
    """The words that matter, without what is said around them."""
    inside = list(words)
    for cue in ("press", "say", "dial"):
        if cue in inside:
            inside = inside[: inside.index(cue)]
    starts = [place for place, word in enumerate(inside) if word in _BEFORE]
    if starts and starts[0] > 0 and len(inside) - starts[0] > 1:
        inside = inside[starts[0] :]
    while inside and inside[0] in _FILLERS | {"otherwise"}:
        inside.pop(0)
    while inside and inside[-1] in _FILLERS | {"simply", "please"}:
        inside.pop()
    return " ".join(inside)


def _merged(options: list[Option]) -> list[Option]:
    """ "Press 1 or say billing" is one choice."""
    merged: list[Option] = []
    for option in options:
        if any(option.key and option.key == other.key for other in merged):
            continue
        merged.append(option)
    return merged


def _decline(options: list[Option], offers: list[Option]) -> str:
    """The key that keeps waiting instead of being called back."""
    for option in options:
        if option.key and option not in offers and (cues.KEEP.search(option.label) or cues.NO.search(option.label)):
            return option.key
    return ""


# --- the queue ----------------------------------------------------------------------------------

_UNITS: Final = {"second": 1, "seconds": 1, "sec": 1, "secs": 1, "minute": 60, "minutes": 60, "min": 60, "mins": 60,
                 "hour": 3600, "hours": 3600}  # fmt: skip
_PEOPLE: Final = frozenset(
    {"call", "calls", "caller", "callers", "customer", "customers", "people", "person", "persons", "others", "party"}
    | {"parties", "contacts"}
)
_MOST: Final = 999  # callers; more is a number of another kind


def _position(words: list[str]) -> int | None:
    text = " ".join(words)
    if cues.YOU_ARE_NEXT.search(text):
        return 1
    for place, word in enumerate(words):
        before = words[max(0, place - 6) : place]
        if word == "number" and ({"caller", "customer", "you", "you're", "position", "call"} & set(before)):
            found = _number_near(words, place + 1)
            called = "caller" in before or "position" in before
            if found is not None and (called or cues.QUEUE.search(text)):
                return found
        if word == "position" and "your" not in words[place + 1 : place + 3]:
            found = _number_near(
                words, place + 1, skip={"in", "the", "queue", "line", "is", "currently", "now", "number"}
            )
            if found is not None:
                return found
        nth = ordinal(word)
        if (
            nth is not None
            and word != "next"
            and nth <= _MOST
            and (cues.QUEUE.search(" ".join(words[place + 1 : place + 5])))
        ):
            return nth
        counted = number(words, place)
        if counted is not None and _queue_of(words, place + counted[1], text):
            return _bounded(counted[0] + 1)
        if counted is not None and _waiting(words, place + counted[1]):  # exchanges count us as well
            return _bounded(counted[0] + ("more" in before))
        if word == "no" and _queue_of(words, place + 1, text):
            return 1
    return None


def _queue_of(words: list[str], place: int, text: str) -> bool:
    """ "... callers ahead of you": people are counted from here on."""
    near = words[place : place + 3]
    return bool(_PEOPLE & set(near)) and cues.AHEAD.search(text) is not None


def _waiting(words: list[str], place: int) -> bool:
    """ "... callers waiting to speak with a representative": a queue is counted from here on."""
    near = words[place : place + 4]
    return bool(_PEOPLE & set(near[:2])) and "waiting" in near


def _number_near(words: list[str], place: int, skip: frozenset[str] | set[str] = frozenset({"is"})) -> int | None:
    while place < len(words) and words[place] in skip:
        place += 1
    found = number(words, place)
    return _bounded(found[0]) if found is not None else None


def _bounded(position: int) -> int | None:
    return position if 1 <= position <= _MOST else None


def _wait(words: list[str]) -> int | None:
    text = " ".join(words)
    if not cues.WAIT_WORD.search(text) or cues.NOT_A_WAIT.search(text):
        return None
    total = 0
    place = 0
    found = False
    while place < len(words):
        taken = _span(words, place)
        if taken is None:
            place += 1
            continue
        seconds, length = taken
        total, found = total + seconds, True
        place += length
        if words[place : place + 1] != ["and"]:  # "one hour and twenty minutes"
            break
        place += 1
    return total if found and 0 < total <= 24 * 3600 else None


def _span(words: list[str], place: int) -> tuple[int, int] | None:
    """(seconds, words) of a length of time that begins here. Of "five to ten minutes" the ten."""
    rest = words[place : place + 3]
    if rest[:3] == ["half", "an", "hour"]:
        return 1800, 3
    if rest[:1] in (["a"], ["an"], ["one"]) and rest[1:2] and rest[1] in _UNITS:
        if words[place + 2 : place + 5] == ["and", "a", "half"]:
            return round(_UNITS[rest[1]] * 1.5), 5
        return _UNITS[rest[1]], 2
    counted = number(words, place)
    if counted is None:
        return None
    value, used = counted
    at = place + used
    if at < len(words) and words[at] in ("to", "or", "and", "through"):
        upper = number(words, at + 1)
        if upper is not None and upper[0] >= value:
            value, at = upper[0], at + 1 + upper[1]
    if at < len(words) and words[at] in _UNITS:
        return value * _UNITS[words[at]], at + 1 - place
    return None


def _first(of: Callable[[list[str]], int | None], sentences: list[list[str]]) -> int | None:
    return next((found for words in sentences if (found := of(words)) is not None), None)


# --- everything else ----------------------------------------------------------------------------


def _keeps_by_word(option: Option, still_there: bool) -> bool:
    """ "Say yes to stay on the line"; "are you still there? Say yes"."""
    if not option.say or option.key or cues.CALLBACK.search(option.label):
        return False
    return bool(cues.KEEP.search(option.label) or cues.WAIT_HERE.search(option.label) or still_there)


def _keep_word(sentences: list[list[str]]) -> str:
    """The same where the recogniser lost what joins the two: "say yes just stay on the line"."""
    for words in sentences:
        text = " ".join(words)
        found = cues.KEEP_WORD.search(text)
        if found and (cues.KEEP.search(text) or cues.WAIT_HERE.search(text)):
            return found.group(1)
    return ""


def _ends(text: str) -> str:
    found = cues.ENDS.search(text)
    return key(found.group(1) or found.group(2)) if found else ""


def _asks(text: str) -> str:
    found = cues.ASKS.search(text)
    return found.group(1).strip() if found else ""
