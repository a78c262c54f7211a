"""The far end's voice in pieces fit to be read: from its onset to a pause. Pure, on the ear's scores, in media time.

What was heard before need not be read again: such a clip says which one it repeats.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from outwait.call.hold_events import Scored

PAUSE: Final = 0.55  # s of quiet that end a clip: options of a menu stand about so far apart
LONGEST: Final = 10.0  # s of a clip; a voice that goes on is cut
CUT: Final = 3.0  # s before that, in the quietest moment of which it is: not in a word
LEAST: Final = 0.3  # s of voice in a clip; less is no word
MARGIN: Final = 0.3  # s before the first stretch with a voice, and behind the last
VOICE: Final = 0.5  # score from which a stretch is voice
REPEATED: Final = 0.85  # share of a clip's voice that was heard before, from which it is a repeat
SLOW: Final = 1.2  # s at the beginning of a voice before a repeat can be known for one
KEPT: Final = 200  # clips that can be repeated


class Clip(NamedTuple):
    """A piece of the far end's voice."""

    number: int
    """from 1"""
    start: float
    """media s"""
    end: float
    """media s"""
    repeats: int
    """number of the clip that it repeats, 0: none"""
    whole: bool
    """a pause follows; else the voice goes on"""


@dataclass(slots=True)
class _Open:
    start: float
    last: float  # end of the last stretch with a voice
    quiet: float = 0.0  # level of the quietest moment in which it may be cut, dBFS
    quiet_at: float = 0.0  # media s of that; 0: there was none yet
    behind: float = 0.0  # s of voice since then
    voice: float = 0.0  # s
    known: float = 0.0  # s of it heard before
    before: Counter[int] = field(default_factory=Counter)  # clips in which that was, by stretches


class Clips:
    """Cuts. Give it every score."""

    def __init__(self) -> None:
        self._count = 0
        self._open: _Open | None = None
        self._past: list[Clip] = []

    @property
    def speaking(self) -> bool:
        """A voice is on the line, or paused a moment ago."""
        return self._open is not None

    @property
    def since(self) -> float | None:
        """Where the voice began that is on the line now, media s."""
        return self._open.start if self._open is not None else None

    def hear(self, score: Scored) -> Clip | None:
        """One stretch; the clip that it ends, if it ends one."""
        clip = self._open
        voice = score.speech >= VOICE
        if clip is None:
            if not voice:
                return None
            start = max(0.0, score.at - score.seconds - MARGIN)
            clip = self._open = _Open(max(start, self._past[-1].end if self._past else 0.0), score.at)
        if score.at - clip.start > LONGEST - CUT and (not clip.quiet_at or score.floor <= clip.quiet):
            clip.quiet, clip.quiet_at, clip.behind = score.floor, score.at - score.seconds / 2, 0.0
        if voice:
            clip.last = score.at
            clip.voice += score.seconds
            clip.behind += score.seconds
            if score.repeated >= 0.5 and score.ago > 0:
                clip.known += score.seconds
                clip.before[self._at(score.at - score.ago)] += 1
        elif score.at - clip.last >= PAUSE:
            return self._cut(clip, clip.last + MARGIN, whole=True)
        if score.at - clip.start >= LONGEST:
            found = self._cut(clip, clip.quiet_at, whole=False)
            self._open = _Open(clip.quiet_at, clip.last, voice=min(clip.behind, clip.voice))
            return found
        return None

    def cut(self, at: float) -> Clip | None:
        """What there is of the voice so far; it goes on in a new clip."""
        return self._cut(self._open, at, whole=False) if self._open is not None else None

    def _at(self, moment: float) -> int:
        """The clip that was heard at this moment, media s; 0: none."""
        return next((c.repeats or c.number for c in self._past if c.start <= moment <= c.end), 0)

    def _cut(self, clip: _Open, end: float, *, whole: bool) -> Clip | None:
        self._open = None
        if clip.voice < LEAST:
            return None
        self._count += 1
        known = clip.known > 0.5 and clip.known >= REPEATED * (clip.voice - SLOW)
        repeats = clip.before.most_common(1)[0][0] if known else 0
        found = Clip(self._count, clip.start, end, repeats, whole)
        self._past = [*self._past[-KEPT:], found]
        return found
