"""Music while we talk: whoever put it on waits for no answer. Pure, in media time.

The hold itself is sure only after some more seconds, and what is a hold is not decided here. But a session that has
nothing to say and hears only music is let go of already: it is paid for, and the next one knows all that it knew.
Once in a talk: where music comes and goes under people's words, sessions must not come and go with it.
"""

from __future__ import annotations

from typing import Final

from outwait.call.hold_events import Scored

MUSIC: Final = 2.0  # s of music after which nobody waits for an answer
VOICE: Final = 0.45  # s of voice in one piece that is no slip of the scores in sparse music
QUIET: Final = 1.5  # s without music that end it
NEAR: Final = 3.0  # s from music to words that are said over it
SURE: Final = 0.5  # s of music that is no slip of the scores where a voice begins
REST: Final = 20.0  # s after a hold, or after words over music, in which music proves nothing: it just plays on
_STALE: Final = 1.0  # s without a score after which nothing is known


class Lull:
    """Of one talk, from a hold's end to the next hold."""

    def __init__(self, since: float = 0.0) -> None:
        """`since`: media s from which on music counts."""
        self._since = since
        self._at = 0.0  # media s of the last score
        self._music = 0.0  # s of it since somebody spoke
        self._music_at = -NEAR  # media s of the last music
        self._voice = 0.0  # s in one piece, up to now
        self._voice_from = 0.0  # media s: its beginning
        self._quiet = 0.0  # s in one piece, up to now
        self._on = False
        self._spent = False  # there was one

    def on(self, at: float) -> bool:
        """Only music is heard, and nobody waits. `at`: media s, now."""
        return self._on and at - self._at < _STALE

    def hear(self, score: Scored) -> float | None:
        """One stretch. When it ends the lull: media s from which on there was something else to hear."""
        self._at = score.at
        begins = score.at - score.seconds
        if score.speech >= 0.5:
            self._voice_from = self._voice_from if self._voice else begins
            self._voice += score.seconds
            self._quiet = 0.0
            if self._voice >= VOICE:
                self._music = 0.0
                if not self._on and self._voice_from - self._music_at < NEAR:
                    self._since = score.at + REST
                return self._over(self._voice_from)
            return None
        self._voice = 0.0
        if score.music >= 0.5 or score.singing >= 0.5:
            self._quiet = 0.0
            self._music += score.seconds
            if self._music >= SURE:
                self._music_at = score.at
            if min(self._music, score.at - self._since) >= MUSIC and not self._spent:
                self._on = self._spent = True
            return None
        self._quiet += score.seconds
        if self._quiet >= QUIET:
            self._music = 0.0
            return self._over(begins)
        return None

    def _over(self, at: float) -> float | None:
        was, self._on = self._on, False
        return at if was else None
