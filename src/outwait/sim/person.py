"""The far end of a call: the company's people and its hold, from a scenario, clocked in 20 ms frames of media.

Pure: no sockets, no clock. Every 20 ms the owner takes `speak()` and then gives `hear(...)` what the caller's side
played.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from math import ceil
from pathlib import Path

from outwait.audio import g711
from outwait.sim import sound
from outwait.sim.hearing import Hearing
from outwait.sim.keypad import Keypad
from outwait.sim.line import FRAME_BYTES, FRAME_MS, SILENT_FRAME
from outwait.sim.scenario import (
    Beep,
    CallBack,
    Drop,
    Go,
    HangUp,
    Hold,
    Listen,
    MenuOf,
    Pause,
    Press,
    Prompt,
    Refuse,
    Ring,
    Ringback,
    Say,
    Scenario,
    Step,
    Wait,
)

VOICED_LEVEL = 150.0  # mean magnitude of a 16-bit sample from which a frame counts as heard speech
SPOKE_MS = 200  # the caller has said something after this much voiced sound
TAIL_MS = 2000  # of hold sound at least between the last announcement and the person
ROOM_SECONDS = 20.0  # of room noise before it repeats
RECORDED = "recorded"  # the voice that says the same in the same way
KEY_SECONDS = 1.5  # between two keys of one number
WORDS_SECONDS = 0.9  # of silence after which a menu takes what was said

Script = Generator[bytes, bytes, None]


@dataclass
class Entry:
    """One line of the diary.

    kind
        "said", "announcement", "hold", "heard", "pressed" (by the far end), "key" (by the caller), "chose" (a part),
        "gave_up", "hung_up", "dropped", "will_call_back"
    start, end
        seconds of media since the answer
    text
        the words or keys, where there are any
    """

    kind: str
    start: float
    end: float
    text: str = ""


@dataclass
class CallerEar:
    """What the far end hears of the caller: is there speech, when was the last of it."""

    ms: int = 0
    voiced_ms: int = 0  # in all
    last_voiced: int = -1_000_000
    stretches: list[Entry] = field(default_factory=list)
    audio: bytearray = field(default_factory=bytearray)  # what was voiced since somebody took it

    def hear(self, frame: bytes) -> None:
        """Twenty milliseconds of mu-law."""
        self.ms += FRAME_MS
        if frame == SILENT_FRAME or float(abs(g711.decode(frame).astype("int32")).mean()) < VOICED_LEVEL:
            return
        now = self.ms / 1000
        self.audio += frame
        if self.ms - self.last_voiced > 500:
            self.stretches.append(Entry("heard", now - FRAME_MS / 1000, now))
        self.stretches[-1].end = now
        self.voiced_ms += FRAME_MS
        self.last_voiced = self.ms

    def quiet_ms(self) -> int:
        """How long nothing has been heard."""
        return self.ms - self.last_voiced


class FarEnd:
    """The other side of one call. Its state after every frame: `ended`, `pace`, `kind`, and the diary."""

    def __init__(self, scenario: Scenario, hearing: Hearing, part: str = "") -> None:
        """`part`: begin with this one, as a call-back does."""
        self.scenario = scenario
        self.ear = CallerEar()
        self.ended = ""  # why the far end has hung up; "" = it has not
        self.kind = "talk"  # talk, hold, announce: what the line is doing, and which pace applies
        self.drop_wanted = False  # a `drop` step was reached; the owner breaks the socket and resets this
        self.keys: list[str] = []  # keys pressed and not yet taken by the owner
        self.call_back: CallBack | None = None  # the far end has hung up and wants to call back
        self._keypad = Keypad()
        self._pressed = ""  # keys of the caller that nobody has taken yet
        self._pressed_at = 0  # ms of the last of them
        self._jump = ""  # the part to go on with
        self._takes: Counter[tuple[str, str]] = Counter()  # how often a voice has said these words
        self._diary: list[Entry] = []
        self._hearing = hearing
        self._room = sound.room(ROOM_SECONDS, seed=len(scenario.name))
        self._script = self._act(scenario.parts[part] if part else _after_answer(scenario.steps))
        self._next = next(self._script, SILENT_FRAME)

    @property
    def seconds(self) -> float:
        """Media time since the answer."""
        return self.ear.ms / 1000

    @property
    def pace(self) -> float:
        """Seconds of media per wall second wanted now; 0 = as fast as it goes."""
        pace = self.scenario.pace
        return {"talk": pace.talk, "hold": pace.hold, "announce": pace.announce}[self.kind]

    @property
    def diary(self) -> list[Entry]:
        """What happened, in order of its beginning."""
        return sorted([*self._diary, *self.ear.stretches], key=lambda entry: entry.start)

    def speak(self) -> bytes:
        """The next 20 ms of the far end, mu-law."""
        return self._next

    def press(self, digits: str) -> None:
        """The caller's keys, as the carrier brings them."""
        keys = digits.replace("w", "").replace("W", "")
        self._pressed += keys
        self._pressed_at = self.ear.ms
        if keys:
            self._note("key", keys)

    def hear(self, frame: bytes) -> None:
        """What the far end heard during those 20 ms."""
        key = self._keypad.hear(frame)
        self.ear.hear(frame)
        if self.ended:
            return
        if key:
            self.press(key)
        try:
            self._next = self._script.send(frame)
        except StopIteration:
            self.ended = self.ended or "script_over"
            self._next = SILENT_FRAME

    def _act(self, steps: tuple[Step, ...]) -> Script:
        while True:
            for step in steps:
                yield from self._do(step)
                if self.ended:
                    return
                if self._jump:
                    break
            if not self._jump:
                self._hang_up("hung_up")
                return
            steps, self._jump = self.scenario.parts[self._jump], ""

    def _go(self, part: str) -> None:
        """Go on with this part; "": hang up."""
        if not part:
            self._hang_up("gave_up")
            return
        self._note("chose", part)
        self._jump = part

    def _do(self, step: Step) -> Script:
        match step:
            case Say():
                yield from self._say(step.say, step.by, step.level, step.file)
            case Listen():
                yield from self._listen(step)
            case Pause():
                yield from self._still(step.pause)
            case Hold():
                yield from self._hold(step)
            case MenuOf(menu=menu):
                yield from self._menu(menu)
            case Go(go=part):
                self._go(part)
            case Ringback(ringback=seconds):
                yield from self._ringback(seconds)
            case Beep(beep=seconds):
                yield from self._play(sound.beep(seconds))
            case CallBack():
                self.call_back = step
                self.ended = "will_call_back"
                self._note("will_call_back", step.part)
            case Press():
                self._note("pressed", step.press)
                self.keys.extend(step.press)
                yield from self._still(0.2 * len(step.press))
            case Wait():
                yield from self._still(step.wait)
                self._hang_up("waited_too_long")
            case HangUp():
                self._hang_up("hung_up")
            case Drop():
                self._note("dropped")
                self.drop_wanted = True
                yield from self._still(FRAME_MS / 1000)
            case Ring() | Refuse():
                return

    def _say(self, text: str, by: str, level: float = 0.0, file: str = "") -> Script:
        folder = self.scenario.folder or Path()
        voice = sound.recording(folder / file, level) if file else sound.speak(text, by, level)
        if by != RECORDED:
            voice = sound.again(voice, self._takes[by, text])
            self._takes[by, text] += 1
        audio = sound.mix(voice, self._room, self._place())
        self._hearing.said(text, audio, "person")
        yield from self._play(audio, self._note("said", text))

    def _listen(self, step: Listen) -> Script:
        """Wait for the caller; ask once more; give up."""
        nudges = [step.nudge] if step.nudge else []
        spoke_before = self.ear.quiet_ms() < step.quiet * 1000
        heard_before = self.ear.voiced_ms
        while True:
            begun = self.ear.ms
            while True:
                yield self._quiet()
                spoken = self.ear.voiced_ms - heard_before
                spoke = spoken >= SPOKE_MS or (spoke_before and spoken > 0)
                if step.only_start and spoken >= step.only_start * 1000:
                    return
                if spoke and not step.only_start and self.ear.quiet_ms() >= step.quiet * 1000:
                    return
                if not spoke and self.ear.ms - begun >= step.listen * 1000:
                    break
            if not nudges:
                self._go(step.otherwise)
                return
            yield from self._say(nudges.pop(), step.by)

    def _menu(self, name: str) -> Script:
        """Prompt, wait for a key or a word, perhaps again."""
        menu = self.scenario.menus[name]
        self._pressed = ""
        for _ in range(menu.repeats + 1):
            audio = sound.speak(menu.say, menu.by)
            self._hearing.said(menu.say, audio, "announcement")
            entry = self._note("announcement", menu.say)
            self.ear.audio.clear()
            for frame in _frames(audio):
                yield frame
                entry.end = self.seconds
                if menu.keys and self._pressed:
                    break
            until = self.ear.ms + round(menu.patience * 1000)
            while self.ear.ms < until:
                yield self._quiet()
                if menu.keys and self._pressed:
                    if (part := self._dialled(menu.keys)) is not None:
                        return self._go(part)
                    if self._pressed:
                        until = max(until, self._pressed_at + round(KEY_SECONDS * 1000) + FRAME_MS)
                        continue
                    break
                if menu.words and self.ear.audio:
                    if self.ear.quiet_ms() < WORDS_SECONDS * 1000:
                        until = max(until, self.ear.ms + FRAME_MS * 2)
                    elif (part := self._understood(menu.words)) is not None:
                        return self._go(part)
                    else:
                        break
            else:
                continue
            if menu.wrong:
                yield from self._recorded(menu.wrong, menu.by)
        self._go(menu.otherwise)

    def _dialled(self, keys: Mapping[str, str]) -> str | None:
        """The part of what was pressed; None: none yet, or, with nothing pressed left, none at all."""
        pressed = self._pressed.rstrip("#") or self._pressed
        for pattern, part in keys.items():
            if any(_fits(pattern, keyed) for keyed in (self._pressed, pressed)):
                self._pressed = ""
                return part
        longest = max(len(pattern) for pattern in keys)
        late = self.ear.ms - self._pressed_at > KEY_SECONDS * 1000
        if late or len(self._pressed) >= longest or self._pressed.endswith("#"):
            self._pressed = ""
        return None

    def _understood(self, words: Mapping[str, str]) -> str | None:
        """The part of the first of these words that was heard."""
        heard = self._hearing.words(bytes(self.ear.audio)).lower().split()
        self.ear.audio.clear()
        for word, part in words.items():
            if any(said.strip(".,!?").startswith(word.lower()) for said in heard):
                return part
        return None

    def _recorded(self, text: str, by: str) -> Script:
        audio = sound.speak(text, by)
        self._hearing.said(text, audio, "announcement")
        yield from self._play(audio, self._note("announcement", text))

    def _play(self, audio: bytes, entry: Entry | None = None) -> Script:
        for frame in _frames(audio):
            yield frame
            if entry is not None:
                entry.end = self.seconds

    def _ringback(self, seconds: float) -> Script:
        entry = self._note("hold", "ringback")
        self.kind = "hold"
        yield from self._play(sound.ringback(seconds), entry)
        self.kind = "talk"

    def _still(self, seconds: float) -> Script:
        until = self.ear.ms + round(seconds * 1000)
        while self.ear.ms < until:
            yield self._quiet()

    def _hold(self, step: Hold) -> Script:
        entry = self._note("hold", step.sound)
        background = sound.hold_piece(step.sound, step.level, self.scenario.folder)
        end = self.ear.ms + round(step.hold * 1000)
        begun = self.ear.ms
        next_line = begun + round(step.first * 1000) if step.announce and step.every else end
        lines = cycle(step.announce)
        asked = {name: begun + round(self.scenario.prompts[name].at * 1000) for name in step.prompts}
        self.kind = "hold"
        self._pressed = ""
        played = 0
        while self.ear.ms < end:
            due = next((name for name, at in asked.items() if self.ear.ms >= at), "")
            if due:
                prompt = self.scenario.prompts[due]
                asked[due] = self.ear.ms + round(prompt.every * 1000) if prompt.every else end
                yield from self._prompt(prompt, background, played)
                if self._jump or self.ended:
                    entry.end = self.seconds
                    self.kind = "talk"
                    return
                continue
            if self.ear.ms >= next_line:
                text = _counted(next(lines), step, (end - self.ear.ms) / 1000)
                spoken = sound.speak(text, step.by, step.level)
                if self.ear.ms + len(spoken) // 8 + TAIL_MS > end:
                    next_line = end
                    continue
                if step.over:
                    spoken = sound.under(spoken, background, played, step.over)
                    played += len(spoken)
                self._hearing.said(text, spoken, "announcement")
                yield from self._announce(text, spoken)
                next_line = self.ear.ms + round(step.every * 1000)
                continue
            at = played % len(background)
            played += FRAME_BYTES
            yield background[at : at + FRAME_BYTES]
        entry.end = self.seconds
        self.kind = "talk"

    def _prompt(self, prompt: Prompt, background: bytes, played: int) -> Script:
        """Ask, and give the caller a while to press a key or say a word; keys pressed meanwhile count too."""
        self._pressed = ""
        self.ear.audio.clear()
        audio = sound.speak(prompt.say, prompt.by)
        self._hearing.said(prompt.say, audio, "announcement")
        yield from self._announce(prompt.say, audio)
        self.kind = "announce"
        until = self.ear.ms + round(prompt.within * 1000)
        while self.ear.ms < until:
            part = self._dialled(prompt.keys) if self._pressed and prompt.keys else None
            if part is None and prompt.words and self.ear.audio and self.ear.quiet_ms() >= WORDS_SECONDS * 1000:
                part = self._understood(prompt.words)
            if part is not None:
                if part:
                    self._go(part)
                self.kind = "hold"
                return
            at = played % len(background)
            played += FRAME_BYTES
            yield background[at : at + FRAME_BYTES]
        self.kind = "hold"
        if prompt.otherwise:
            self._go(prompt.otherwise)

    def _announce(self, text: str, audio: bytes) -> Script:
        self.kind = "announce"
        yield from self._play(audio, self._note("announcement", text))
        self.kind = "hold"

    def _quiet(self) -> bytes:
        at = self._place()
        return self._room[at : at + FRAME_BYTES]

    def _place(self) -> int:
        return self.ear.ms * 8 % len(self._room)

    def _hang_up(self, why: str) -> None:
        self.ended = why
        self._note("hung_up" if why == "hung_up" else "gave_up", why)

    def _note(self, kind: str, text: str = "") -> Entry:
        entry = Entry(kind, self.seconds, self.seconds, text)
        self._diary.append(entry)
        return entry


def lines_of(scenario: Scenario) -> list[tuple[str, str]]:
    """Everything that may be said: (voice, words)."""
    found: list[tuple[str, str]] = []
    for step in _all_steps(scenario):
        match step:
            case Say() if not step.file:
                found.append((step.by, step.say))
            case Listen() if step.nudge:
                found.append((step.by, step.nudge))
            case Hold():
                found += [(step.by, text) for line in step.announce for text in _all_counts(line, step)]
            case _:
                pass
    for menu in scenario.menus.values():
        found += [(menu.by, text) for text in (menu.say, menu.wrong) if text]
    return found + [(prompt.by, prompt.say) for prompt in scenario.prompts.values()]


def pieces_of(scenario: Scenario) -> list[tuple[str, Path | None]]:
    """Every hold sound: (name, folder)."""
    return [(step.sound, scenario.folder) for step in _all_steps(scenario) if isinstance(step, Hold)]


def ring_seconds(scenario: Scenario) -> float:
    """How long it rings before the answer."""
    return sum(step.ring for step in scenario.steps if isinstance(step, Ring))


def refusal(scenario: Scenario) -> str:
    """Twilio's status when nobody answers; "" when somebody does."""
    for step in scenario.steps:
        match step:
            case Ring():
                continue
            case Refuse():
                return step.refuse
            case HangUp():
                return "busy"
            case _:
                return ""
    return ""


def _all_steps(scenario: Scenario) -> list[Step]:
    return [*scenario.steps, *(step for part in scenario.parts.values() for step in part)]


def _fits(pattern: str, keyed: str) -> bool:
    """A dot stands for any key."""
    return len(pattern) == len(keyed) and all(wanted in (".", key) for wanted, key in zip(pattern, keyed, strict=True))


def _counted(line: str, step: Hold, remaining: float) -> str:
    """An announcement with its figures, which go down to one as the hold ends."""
    return _filled(line, max(1, ceil(step.position * remaining / step.hold)), max(1, ceil(remaining / 60)))


def _all_counts(line: str, step: Hold) -> list[str]:
    minutes = range(1, max(1, ceil(step.hold / 60)) + 1) if "{minutes}" in line else [1]
    positions = range(1, step.position + 1) if "{position}" in line else [1]
    return [_filled(line, position, minute) for position in positions for minute in minutes]


def _filled(line: str, position: int, minutes: int) -> str:
    return line.replace("{position}", str(position)).replace("{minutes}", str(minutes))


def _after_answer(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(step for step in steps if not isinstance(step, (Ring, Refuse)))


def _frames(audio: bytes) -> list[bytes]:
    padded = audio + b"\xff" * (-len(audio) % FRAME_BYTES)
    return [padded[at : at + FRAME_BYTES] for at in range(0, len(padded), FRAME_BYTES)]
