"""Goes ahead of the agent: reads the line where no paid session listens, finds out who answered, walks through menus,
keeps the place in a queue. Pure; says what is to be done (`Act`), the call does it.
"""

from __future__ import annotations

from typing import Final

from outwait.call import notes
from outwait.call.acts import Act, Ask, Dismiss, End, Hello, Listen, Park, Press, Promise, Resume, Say
from outwait.call.answering import Answering, Who
from outwait.call.clips import Clip, Clips
from outwait.call.greeting import Greeting
from outwait.call.hold_events import HumanReturned, Scored
from outwait.call.known import MENUS, WAITS, Choice, Known, likeness, tokens
from outwait.call.menu import Do, Navigator
from outwait.call.reading import Reading, read
from outwait.call.sentences import Sentences
from outwait.call.setup import Setup
from outwait.call.waiting import Answer, Queue

FIRST: Final = 20.0  # media s after answer in which the far end is read, whoever talks to it
SAID: Final = 1.0  # s of quiet after which a menu has been said to its end
WORDS: Final = 1.2  # s that the words of whoever seems to be back are waited for
TURN: Final = 9.0  # s for which, on the way through menus, a voice is heard out before it counts as a person
ELSEWHERE: Final = 1.0  # s of music or ringing that tell that a menu is left
BEEP: Final = 3.0  # s of quiet after a voicemail's greeting that stand for a beep that was not heard
LONGEST_GREETING: Final = 60.0  # s that a beep is waited for

_MESSAGE = (
    "You have reached a voicemail, and its beep has just sounded: whatever you say now is recorded. Leave one short "
    "message: who you are, for whom you call, what it is about, and how they can be reached if your task says so. Then "
    "call hangup_call in the same response, and say in the outcome that you left a message."
)
_SCREEN = (
    "A call screening service asks who is calling: {words!r}. Say in one sentence who you are and why you call, so "
    "that the person will take the call. Then wait; the person may come on the line."
)
_MENU = (
    "A recorded menu is on the line, not a person. It said: {words!r}. Answer it for your task: call press_digits, or "
    "if it wants to be told in words, say just those words, one to five of them. Say nothing else."
)
_WORD = (
    "A recording in a queue wants to be told a word, so that we keep our place. It said: {words!r}. Call no tool, and "
    'say only this: "{say}"'
)


class Scout:
    """One call's. Feed it every score, tone and word."""

    def __init__(self, setup: Setup) -> None:
        policy = setup.policy
        self._policy = policy
        self._reads = bool(setup.recogniser)
        self._known = setup.known or Known()
        self.answering = Answering(policy.listen_first, reads=self._reads)
        self.queue = Queue(takes=setup.call_back_minutes is not None)
        self._pick_up = Greeting()
        self._menu = Navigator(setup.task, setup.menu_path, setup.known)
        self._keep_say = self._known.keep_say  # what the queue was told to keep the place
        self._keeping = False  # the agent has been asked to tell it
        self._clips = Clips()
        self._sentences = Sentences()
        self._understood: dict[int, tuple[str, Reading]] = {}  # words of clips
        self._asked: dict[int, Clip] = {}  # clips that are being read
        self._peek: tuple[int, HumanReturned, float] | None = None  # clip, who seems to be back, deadline in media s
        self._turn: tuple[HumanReturned, float] | None = None  # who seems to be there, deadline in media s
        self._peeks = 0
        self._dismissed = False  # the voice on the line is a recording
        self._read_last: Clip | None = None
        self._voice_at = 0.0  # media s of the last voice
        self._elsewhere = 0.0  # s of music or ringing
        self._menu_from = 0.0  # media s: where the menu began
        self._sound = False  # the far end has made any
        self._greeted = False  # hello was said again
        self._beep_by: float | None = None  # media s until which a voicemail's beep is waited for
        self._greeting = ""  # of a voicemail
        self._machine = False  # a machine answered
        self._reached = False  # a person or a queue
        self._tones = 0  # of a dead line, in a row

    # --- what the call asks ------------------------------------------------------------------------

    @property
    def holds_back(self) -> bool:
        """The agent is not to be heard yet: who answered is not known, or a beep is waited for."""
        return self.answering.open or self._beep_by is not None

    @property
    def navigating(self) -> bool:
        """On the way through menus, to a person or a queue."""
        return self._machine and not self._reached

    def answered(self) -> list[Act]:
        """The first stream is up."""
        if self._reads and self._known.by_machine:
            self._machine = True
            return [Park(0.0, "a machine answered the last call to this number")]
        return []

    def lessons(self) -> Known | None:
        """What this call adds to what is known of the number; None: nothing."""
        if not self._reads or not self._sound:
            return None
        kept = [c for c in self._known.choices if not any(_replaces(new, c) for new in self._menu.choices)]
        new = self._menu.choices if self._reached else []
        return Known(
            choices=tuple([*kept, *new][-MENUS:]) if self._reached else self._known.choices,
            by_machine=self._machine,
            by_carrier=self._menu.by_carrier or self._known.by_carrier,
            keep_say=self._keep_say,
            waits=self._known.waits[-WAITS:],
            calls=self._known.calls + 1,
        )

    # --- what it is told ---------------------------------------------------------------------------

    def hear(self, score: Scored, *, holding: bool, speaking: bool) -> list[Act]:
        """One stretch of the far end. `holding`: no session listens; `speaking`: we say something meanwhile."""
        acts: list[Act] = []
        voice = score.speech >= 0.5
        self._sound = self._sound or voice or score.music >= 0.5
        if voice:
            self._voice_at = score.at
            self._tones = 0
        self._elsewhere = self._elsewhere + score.seconds if score.music >= 0.5 or score.tone >= 0.5 else 0.0
        if self._elsewhere >= ELSEWHERE:
            self._menu.elsewhere()
        clip = self._clips.hear(score) if self._reads else None
        if clip is not None:
            self._dismissed = self._dismissed and not clip.whole
            if holding or score.at < FIRST:
                acts += self._take(clip, score.at, holding)
        who = self.answering.hear(score)
        if who is not None:
            acts += self._known_who(who, score.at, "", holding)
        if self._pick_up.hear(score, speaking):
            acts += self._beeped(score.at)
        acts += self._quiet(score.at, holding)
        return acts

    def words(self, clip: int, text: str, at: float, *, holding: bool) -> list[Act]:
        """A clip has been read; "": it could not be."""
        if self._peek is not None and clip == self._peek[0]:
            heard, self._peek = self._peek[1], None
            return self._back(heard, read(text))
        asked = self._asked.pop(clip, None)
        if asked is None:
            return []
        self._understood[clip] = (text, self._sentences.read(asked, text))
        return self._understand(asked, at, holding)

    def tone(self, kind: str, at: float, seconds: float) -> list[Act]:
        """A signal of the far end."""
        self._sound = True
        if kind == "ringback":
            self._menu.elsewhere()
            self._pick_up = Greeting()
        if kind == "sit":
            return [End("indeterminate", "line_dead: special information tones")]
        if kind in ("busy", "reorder"):
            self._tones += 1
            return [End("indeterminate", f"line_dead: {kind} tone")] if self._tones >= 2 else []
        if kind == "beep" and self._beep_by is not None:
            return self._leave_message(at + seconds)
        if kind == "beep":
            self._pick_up.beep(at, at + seconds)
        who = self.answering.fax() if kind == "fax" else None
        return self._known_who(who, at, "", False) if who is not None else []

    def carrier_says(self, who: str, at: float, *, holding: bool) -> list[Act]:
        """Who answered, as the carrier hears it."""
        told: list[Act] = [notes.CarrierJudged(at, who)]
        judged = self.answering.carrier(who)
        if judged is None:
            return told
        if judged == "machine" and not self._reads:  # the agent hears it, and must
            return [*told, notes.AnsweredBy(at, judged)]
        if judged == "voicemail" and self._policy.voicemail == "message":  # its beep is over, says the carrier
            return [*told, notes.AnsweredBy(at, judged), *self._leave_message(at)]
        return told + self._known_who(judged, at, "", holding)

    def returned(self, heard: HumanReturned) -> list[Act]:
        """On hold, somebody seems to be back: words decide, if they come in time."""
        if not self._reads:
            return [Resume(heard)]
        if self._dismissed:
            return [Dismiss()]
        last = self._read_last
        if last is not None and last.whole and last.start - 0.5 <= heard.onset <= last.end:
            return self._back(heard, self._understood[last.number][1])
        if self.navigating:
            self._turn = self._turn or (heard, heard.onset + TURN)
            return []
        if self._peek is not None:
            return []
        self._peeks -= 1
        self._peek = (self._peeks, heard, heard.at + WORDS)
        return [Listen(self._peeks, max(0.0, heard.onset - 0.3), heard.at)]

    def pressed(self, keys: str) -> None:
        """The agent has pressed keys."""
        self._menu.pressed(keys)

    def said(self, text: str) -> None:
        """The agent has told a machine this."""
        if self._keeping:
            self._keeping, self._keep_say = False, text or self._keep_say
        else:
            self._menu.said(text)

    def resumed(self) -> None:
        """A person is on the line."""
        self._reached = True

    def restarted(self) -> None:
        """A new process: what was being read is lost."""
        self._asked.clear()
        self._peek = self._turn = None

    # --- below -------------------------------------------------------------------------------------

    def _take(self, clip: Clip, at: float, holding: bool) -> list[Act]:
        """A clip that was heard before has its words already, unless there were numbers in them: these change."""
        before = self._understood.get(clip.repeats)
        if before is not None and before[1].position is None and before[1].wait_seconds is None:
            self._understood[clip.number] = before
            return self._understand(clip, at, holding, repeat=True)
        self._asked[clip.number] = clip
        return [Listen(clip.number, clip.start, clip.end)]

    def _understand(self, clip: Clip, at: float, holding: bool, *, repeat: bool = False) -> list[Act]:
        text, found = self._understood[clip.number]
        self._read_last = clip
        self._pick_up.read(found)
        acts: list[Act] = []
        if self._turn is not None and (clip.whole or found.machine):
            heard, self._turn = self._turn[0], None
            acts += self._back(heard, found)
            self._dismissed = self._dismissed and not clip.whole
        if not text:
            return acts
        who = self.answering.read(found, text)
        if who is not None:
            acts += self._known_who(who, clip.start, text, holding)
        park = any(isinstance(act, Park) for act in acts)
        if not (holding or park):
            return acts
        if not repeat and found.machine:
            acts.append(notes.Said(at=clip.start, role="announcement", text=text))
        if self.queue.hear(found, clip.end):
            queue = self.queue
            self._reached = self._reached or found.position is not None or found.wait_seconds is not None
            acts.append(notes.Queue(clip.end, queue.position, queue.wait_seconds, queue.hours, queue.closed))
        self._reached = self._reached or (found.wait_here and not found.options)
        answer = self.queue.answer(found, clip.end)
        if answer is not None:
            acts += self._to_queue(answer, text, clip.end, at)
        elif self.queue.offered and found.callback is not None and not self.queue.taken:
            acts.append(notes.MenuStep(clip.end, text, why="a call back is not taken"))
        if answer is None and not self.queue.taken:
            if not self._menu.reading:
                self._menu_from = clip.start
            acts += self._do(self._menu.hear(text, found), text, at)
        return acts

    def _to_queue(self, answer: Answer, words: str, end: float, at: float) -> list[Act]:
        """`end`: of what it said, media s."""
        step = notes.MenuStep(end, words, keys=answer.keys, say=answer.say, why=answer.why)
        if answer.keys:
            return [Press(answer.keys), step, *([Promise(words)] if answer.took else [])]
        said = self._keep_say if tokens(self._keep_say) == tokens(answer.say) else answer.say
        self._keeping = True
        told = _WORD.format(words=words, say=f"{answer.say.capitalize()}.")
        return [Say(said, Ask(words, told, at, answer.why, machine=True)), step]

    def _quiet(self, at: float, holding: bool) -> list[Act]:
        """What follows from nothing being said any more."""
        acts: list[Act] = []
        silent = at - self._voice_at
        if self._peek is not None and at >= self._peek[2]:
            heard, self._peek = self._peek[1], None
            acts.append(Resume(heard))
        if self._turn is not None and at >= self._turn[1]:
            heard, self._turn = self._turn[0], None
            acts.append(Resume(heard))
        if holding and self._menu.reading and not self._asked and silent >= SAID:
            words = self._menu.heard
            acts += self._do(self._menu.decide(), words, at)
        if self._beep_by is not None and (silent >= BEEP or at >= self._beep_by):
            acts += self._leave_message(at)
        if not self._sound:
            if at >= self._policy.no_one_there:
                acts.append(End("indeterminate", "no_one_there"))
            elif at >= self._policy.hello_again and not self._greeted:
                self._greeted = True
                acts.append(Hello())
        return acts

    def _do(self, do: Do | None, words: str, at: float) -> list[Act]:
        if do is None:
            return []
        note = notes.MenuStep(at, words, keys=do.keys, say=do.say, why=do.why)
        if do.keys:
            return [
                Press(do.keys, by_carrier=self._policy.keys_fallback and (do.by_carrier or self._known.by_carrier)),
                note,
            ]
        ask = Ask(words, _MENU.format(words=words), self._menu_from, do.why, machine=True)
        if do.say:
            return [Say(do.say, ask), note]
        return [ask, note] if do.ask else [note]

    def _known_who(self, who: Who, at: float, words: str, holding: bool) -> list[Act]:
        told: list[Act] = [notes.AnsweredBy(at, who)]
        match who:
            case "machine":
                self._machine = True
                return told if holding else [*told, Park(at, "a recording answered")]
            case "person":
                back = HumanReturned(self._voice_at, max(0.0, at - 2.0), 0.9, "a person answered")
                return [*told, Resume(back)] if holding else told
            case "voicemail":
                if self._policy.voicemail == "hang_up":
                    return [*told, End("client_error", "voicemail")]
                self._greeting = words
                if self._policy.voicemail == "message":
                    self._beep_by = at + LONGEST_GREETING
                return told
            case "screening":
                return [*told, Ask(words, _SCREEN.format(words=words), at, "a screener answered")]
            case "fax":
                return [*told, End("client_error", "fax")]
            case _:
                return told

    def _beeped(self, at: float) -> list[Act]:
        """A voicemail has, whatever it said before."""
        who = self.answering.beeped()
        if who is None:
            return []
        if self._policy.voicemail == "message":
            return [notes.AnsweredBy(at, who), *self._leave_message(at)]
        return self._known_who(who, at, "", False)

    def _leave_message(self, at: float) -> list[Act]:
        self._beep_by = None
        return [Ask(self._greeting, _MESSAGE, at, "a voicemail's beep")]

    def _back(self, heard: HumanReturned, found: Reading) -> list[Act]:
        if found.machine or found.connecting or found.wait_here or found.open_question or found.rejected:
            self._dismissed = True
            return [Dismiss()]
        return [Resume(heard)]


def _replaces(new: Choice, old: Choice) -> bool:
    """One choice for each menu and goal: the newest."""
    return likeness(new.menu, old.menu) >= 0.9 and likeness(new.goal, old.goal) >= 0.9
