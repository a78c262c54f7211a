"""Who has answered: a person, a menu or a queue, a voicemail, a screener, a fax, or nobody. Pure, in media time.

A person says something short and waits; a recording goes on. Words decide where a recogniser reads them, tones in any
case. Where nothing is read, the agent listens from the beginning and only tones are looked at.
"""

from __future__ import annotations

from typing import Final, Literal

from outwait.call.hold_events import Scored
from outwait.call.reading import Reading

Who = Literal["person", "machine", "voicemail", "screening", "fax", "nobody"]

HELLO: Final = 1.3  # s of voice that only a person leaves it at
PAUSE: Final = 0.55  # s of quiet after it
WORDS: Final = 1.5  # s that words are waited for, from the pause on
LONGEST: Final = 9.0  # s of voice without words after which the agent may judge for itself
MUSIC: Final = 1.5  # s of music: a queue


class Answering:
    """The first seconds of one call."""

    def __init__(self, listen_first: float, *, reads: bool) -> None:
        """`listen_first`: media s of silence after which the agent speaks; `reads`: words will come."""
        self._listen_first = listen_first
        self._reads = reads
        self.who: Who | None = None
        self._voice = 0.0  # s
        self._music = 0.0  # s
        self._last = 0.0  # media s of the last voice
        self._guessed = False  # for want of words

    @property
    def open(self) -> bool:
        """It is not known yet, and the agent should not speak before it is."""
        return self._reads and self.who is None

    def hear(self, score: Scored) -> Who | None:
        """One stretch; who it is, in the moment in which that becomes clear."""
        if score.speech >= 0.5:
            self._voice += score.seconds
            self._last = score.at
        elif score.music >= 0.5:
            self._music += score.seconds
        if not self.open:
            return None
        if self._music >= MUSIC:
            return self._is("machine")
        if not self._voice:
            return self._is("nobody") if score.at >= self._listen_first else None
        quiet = score.at - self._last
        if quiet >= PAUSE and self._voice <= HELLO:
            return self._is("person")
        if quiet >= PAUSE + WORDS or self._voice >= LONGEST:
            self._guessed = True  # the agent judges by what it hears
            return self._is("person")
        return None

    def read(self, found: Reading, words: str) -> Who | None:
        """The first words; who says them, if that was open."""
        if self.who not in (None, "person", "nobody", "machine") or not words:
            return None
        if found.voicemail:
            return self._is("voicemail")
        if found.screening:
            return self._is("screening")
        if not (self.open or self._guessed or self.who == "nobody"):
            return None
        self._guessed = False
        machine = found.machine or found.wait_here or found.open_question or found.closed
        return self._is("machine" if machine else "person")

    def fax(self) -> Who | None:
        """Its tone."""
        return self._is("fax")

    def beeped(self) -> Who | None:
        """As a voicemail does."""
        return self._is("voicemail")

    def carrier(self, who: str) -> Who | None:
        """The carrier's word. It counts where nothing that was heard here speaks against it: words and tones are more
        than the length of a greeting, on which the carrier goes."""
        if self.who in ("voicemail", "screening", "fax"):
            return None
        if who == "fax" or (who == "voicemail" and self.who in (None, "machine", "nobody")):
            return self._is("fax" if who == "fax" else "voicemail")
        if who in ("machine", "voicemail") and (self.who in (None, "nobody") or self._guessed):
            self._guessed = False
            return self._is("machine")
        return self._is("person") if who == "person" and self.who in (None, "nobody") else None

    def _is(self, who: Who) -> Who | None:
        if self.who == who:
            return None
        self.who = who
        return who
