"""A voicemail's beep, told from any other: that of a line that is recorded, of a menu, of a queue. Pure, in media time.

One pick-up at a time: since the answer, or since it rang somewhere else. A voicemail greets, beeps, and then says
nothing more; it has not talked with us before. Whoever goes on after a beep is none.
"""

from __future__ import annotations

from typing import Final

from outwait.call.answering import MUSIC
from outwait.call.hold_events import Scored
from outwait.call.reading import Reading

GREETING: Final = 2.0  # s of voice before a beep that make it a voicemail's
NEAR: Final = 4.0  # s between the voice and the beep, at most
AFTER: Final = 1.0  # s of quiet after the beep
PAUSE: Final = 0.8  # s of quiet in which somebody gives us the word
OURS: Final = 1.0  # s that we spoke in it: what is said then is an answer


class Greeting:
    """The pick-up that the line is in. Feed it every score."""

    def __init__(self) -> None:
        self._voice = 0.0  # s
        self._music = 0.0  # s
        self._last = 0.0  # media s of the last voice
        self._quiet = 0.0  # s since then
        self._ours = 0.0  # s that we spoke in it
        self._talked = False  # we spoke, and were answered
        self._other = False  # its words are those of a machine that takes no messages
        self._beep: float | None = None  # media s of the end of what may be a voicemail's

    def hear(self, score: Scored, speaking: bool) -> bool:
        """One stretch. `speaking`: we say something. Whether a voicemail has beeped, and waits."""
        voice, music = score.speech >= 0.5, score.music >= 0.5
        if self._beep is not None and score.at - score.seconds >= self._beep:
            if voice or music:
                self._beep = None
            elif score.at - self._beep >= AFTER:
                self._beep = None
                return True
        self._music += score.seconds if music else 0.0
        if voice:
            self._talked = self._talked or (self._quiet >= PAUSE and self._ours >= OURS)
            self._voice += score.seconds
            self._last = score.at
            self._quiet = self._ours = 0.0
        else:
            self._quiet += score.seconds
            self._ours += score.seconds if speaking else 0.0
        return False

    def read(self, found: Reading) -> None:
        """What it said."""
        self._other = not found.voicemail and (self._other or found.machine)

    def beep(self, start: float, end: float) -> None:
        """A beep, media s."""
        greeted = self._voice >= GREETING and self._music < MUSIC and self._last <= end
        if greeted and start - self._last <= NEAR and not (self._talked or self._other):
            self._beep = end
