"""One call's ears: what the far end's sound comes to, as events: scores of the ear, signalling tones, and words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from outwait.audio.ear import Listening, Score
from outwait.audio.tones import ToneFinder
from outwait.call.events import AnyEvent, EarScored, NotTranscribed, ToneHeard, Transcribed
from outwait.call.hold import Scored
from outwait.house.hearing import Hearing
from outwait.house.transcriber import NotRead, Transcriber

MUSIC = 0.5  # score of the ear from which it is music: there are tones enough in it, and none is looked for
LASTING = 1.0  # s of it: less may be a beep that ends


class Ears:
    """They hear one stream after the other; what they have heard before is in `memory`."""

    def __init__(
        self,
        hearing: Hearing,
        transcriber: Transcriber | None,
        post: Callable[[AnyEvent], None],
        listening: Listening | None = None,
    ) -> None:
        """`transcriber`: None: nothing reads here; `listening`: of the process before; `post` takes the events."""
        self._hearing = hearing
        self._transcriber = transcriber
        self._post = post
        self._listening = listening or hearing.open()
        self._fed = self._listening.seconds  # s of sound so far
        self._heard_at = 0.0  # loop s
        self._tones = ToneFinder()
        self._tones_from = self._fed  # s of the ear at which they are first looked for
        self._music = 0.0  # s of music up to now

    def hear(self, at: float, ulaw: bytes) -> None:
        """Sound that began at `at`, media s: the call counts lost frames and gaps, the ear only what it was fed."""
        offset = at - self._fed
        seconds = len(ulaw) / 8000
        self._fed += seconds
        now = asyncio.get_running_loop().time()
        hurry = now - self._heard_at < seconds / 2  # faster than real time: the scores must keep up with the sound
        self._heard_at = now

        def tell(scores: list[Score]) -> None:
            for score in scores:
                self._post(EarScored(_scored(score, offset)))
                self._music = self._music + score.seconds if score.music >= MUSIC > score.tone else 0.0

        if self._music >= LASTING:
            self._tones.skip(len(ulaw))
        else:
            self._find_tones(ulaw, offset + self._tones_from)
        self._hearing.hear(self._listening, ulaw, tell, hurry=hurry)

    async def read(self, clip: int, ulaw: bytes) -> None:
        """The words of a stretch, or that there are none."""
        try:
            if self._transcriber is None:
                raise NotRead("there is no recogniser here")
            text = await self._transcriber.read(ulaw)
        except NotRead as error:
            self._post(NotTranscribed(clip, str(error)[:200]))
        else:
            self._post(Transcribed(clip, text))

    def memory(self) -> bytes:
        """For the next process."""
        return self._listening.dump()

    def _find_tones(self, ulaw: bytes, offset: float) -> None:
        for tone in self._tones.hear(ulaw):
            at = round(tone.start + offset, 3)
            self._post(ToneHeard(tone.kind, at, round(tone.end - tone.start, 3), tone.key))


def _scored(score: Score, offset: float) -> Scored:
    return Scored(round(score.at + offset, 3), *score[1:])
