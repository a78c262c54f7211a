"""When the person speaks, and when their turn is over, by the loudness of the line alone.

Counted in audio, so that a call may run at any speed. The floor follows the line's own noise: at once downwards, slowly
upwards, so that a person's pauses keep it low and music that goes on raises it until it is no speech any more.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from outwait.audio import g711
from outwait.audio.frontend import levels

FRAME = 160  # bytes: 20 ms
BYTES_PER_SECOND = 8000
FRAME_SECONDS = FRAME / BYTES_PER_SECOND


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """When a turn begins and ends, and when it is answered ahead."""

    loud: int = 4
    # frames of the last `of` that are loud when a turn begins
    of: int = 7
    # frames
    silence: float = 0.6
    # s without a loud frame that end a turn
    prefix: float = 0.3
    # s before the first loud frame that belong to the turn
    longest: float = 30.0
    # s; a longer turn is cut here
    above: float = 12.0
    # dB above the line's floor that are loud
    quietest: float = -46.0
    # dBFS; nothing below is loud, however quiet the line
    rise: float = 1.5
    # dB a second at which the floor follows noise that stays
    kept: float = 8.0
    # s of the line kept for a turn that was not noticed
    least: float = 0.3
    # s; less is no turn
    tail: float = 0.1
    # s of the silence at its end that stay with the turn; at most `ahead`
    pause: float = 0.3
    # s without a loud frame that are a pause: the call is told of it
    ahead: float = 0.1
    # s without a loud frame after which a turn is taken for complete on suspicion: it is answered ahead, in silence
    starts: int = 6
    # times in one turn that this is done; a further time only in a pause
    most: int = 12
    # times in one turn altogether: each asks for something that is paid for, also when the person goes on


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """Somebody speaks."""


@dataclass(frozen=True, slots=True)
class PerhapsAll:
    """Perhaps the turn is complete: it can be answered ahead."""

    ulaw: bytes  # the same as of the end, if this is it
    quiet: float  # s without a loud frame so far


@dataclass(frozen=True, slots=True)
class TurnPaused:
    """They say nothing; perhaps they go on."""


@dataclass(frozen=True, slots=True)
class TurnResumed:
    """It was not complete: they go on."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    ulaw: bytes  # all of the turn


Happened = TurnStarted | PerhapsAll | TurnPaused | TurnResumed | TurnEnded


class Turns:
    """`hear` takes the line as it comes, in pieces of any length."""

    def __init__(self, policy: TurnPolicy | None = None) -> None:
        self._policy = policy or TurnPolicy()
        self._rest = b""
        self._floor = -60.0  # dBFS
        self._recent: deque[bool] = deque(maxlen=self._policy.of)  # loud or not
        self._kept: deque[bytes] = deque()  # frames since the last turn; in a turn: the turn
        self._quiet = 0  # frames since the last loud one
        self._pause = round(self._policy.pause / FRAME_SECONDS)
        self._ahead = round(self._policy.ahead / FRAME_SECONDS)
        self._starts = 0  # times that this turn was taken for complete
        self._taken = False  # it was, in this silence
        self._told = 0  # frames of this turn that `news` has told
        self.number = 0  # of the turn, the present one or the last
        self.speaking = False

    def news(self) -> tuple[int, bytes]:
        """What is new of the present turn since it was last asked, and its place there, bytes; empty between turns."""
        if not self.speaking:
            return 0, b""
        start, self._told = self._told, len(self._kept)
        return start * FRAME, b"".join(list(self._kept)[start:])

    @property
    def pause(self) -> float:
        """s of quiet of which TurnPaused tells."""
        return self._pause * FRAME_SECONDS

    @property
    def silence(self) -> float:
        """s of quiet that end a turn."""
        return self._policy.silence

    def hear(self, ulaw: bytes) -> list[Happened]:
        """More of the line."""
        data = self._rest + ulaw
        whole = len(data) // FRAME * FRAME
        self._rest = data[whole:]
        if not whole:
            return []
        found: list[Happened] = []
        loudness = levels(np.ascontiguousarray(g711.decode(data[:whole]))[np.newaxis])[0]
        for place, level in enumerate(loudness):
            self._kept.append(data[place * FRAME : (place + 1) * FRAME])
            found += self._frame(float(level))
        return found

    def cut(self) -> TurnEnded | None:
        """End the turn here. One that was not noticed is what has been kept of the line; None: that is too little."""
        if self.speaking:
            return self._end()
        if len(self._kept) * FRAME_SECONDS < self._policy.least:
            return None
        return self._end()

    def _frame(self, level: float) -> list[Happened]:
        policy = self._policy
        loud = level >= max(self._floor + policy.above, policy.quietest)
        self._floor = min(level, self._floor + policy.rise * FRAME_SECONDS)
        self._recent.append(loud)
        self._quiet = 0 if loud else self._quiet + 1
        if self.speaking:
            long = len(self._kept) * FRAME_SECONDS >= policy.longest
            if long or self._quiet * FRAME_SECONDS >= policy.silence:
                return [self._end()]
            return self._within()
        if sum(self._recent) >= policy.loud:
            self._keep(policy.prefix + len(self._recent) * FRAME_SECONDS)
            self.speaking = True
            self.number += 1
            self._told = self._starts = 0
            self._taken = False
            return [TurnStarted()]
        self._keep(policy.kept)
        return []

    def _within(self) -> list[Happened]:
        """In a turn."""
        if not self._quiet:
            resumed, self._taken = self._taken, False
            return [TurnResumed()] if resumed else []
        found: list[Happened] = []
        needed = self._ahead if self._starts < self._policy.starts else max(self._ahead, self._pause)
        if self._quiet == needed and not self._taken and self._starts < self._policy.most:
            self._starts += 1
            self._taken = True
            found.append(PerhapsAll(self._so_far(), self._quiet * FRAME_SECONDS))
        if self._quiet == self._pause:
            found.append(TurnPaused())
        return found

    def _keep(self, seconds: float) -> None:
        """Only the last of what was kept."""
        while len(self._kept) * FRAME_SECONDS > seconds:
            self._kept.popleft()

    def _end(self) -> TurnEnded:
        self.number += 0 if self.speaking else 1  # one that was not noticed
        ulaw = self._so_far()
        self._kept.clear()
        self._recent.clear()
        self._quiet = 0
        self.speaking = False
        return TurnEnded(ulaw)

    def _so_far(self) -> bytes:
        """Without the silence that is beyond the tail."""
        surplus = max(0, self._quiet - round(self._policy.tail / FRAME_SECONDS)) if self.speaking else 0
        return b"".join(list(self._kept)[: len(self._kept) - surplus])
