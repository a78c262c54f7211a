"""Text to speech on this machine: Hibari, a small English voice whose weights come with its package.

It speaks a second of sound in some 15 ms of one core. Nothing is ever downloaded: only the packaged voice is used, or a
file of one's own in the same form.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from outwait.audio import g711
from outwait.local.missing import Missing, not_installed

VOICE = "heart"  # the one in the package; the others would be downloaded
LOUDNESS = 0.1  # RMS of full scale where there is speech: -20 dBFS, as a person's on the telephone
SEED = 7  # of the breath in the voice: the same words sound the same
PAUSE = 0.1  # s of silence behind every sentence: the voice leaves none


class LocalVoice:
    """Speaks. One for each model and process: see `voice`. Any thread may call it.

    The model is loaded at the first call, which takes about half a second.
    """

    def __init__(self, model: Path | None = None) -> None:
        """`model`: a file in Hibari's form (ONNX); None: the packaged one. Raises Missing."""
        if model is not None and not model.is_file():
            raise Missing(f"{model}: no such file; it should be a voice in Hibari's form (ONNX)")
        try:
            import hibari  # noqa: F401
        except ImportError as error:
            raise not_installed("hibari-tts") from error
        self.name = VOICE if model is None else model.stem
        self._file = model
        self._model: Any = None
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, "local-tts")

    def load(self) -> None:
        """Load the model now, so that the first sentence need not wait for it. Raises Missing."""
        with self._lock:
            self._load()

    async def ready(self) -> None:
        """Loaded, and the event loop has gone on meanwhile. Raises Missing."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self.load)

    def sound(self, text: str) -> bytes:
        """The text as 8 kHz mu-law; empty when there is nothing in it to say. Raises Missing."""
        with self._lock:
            model = self._load()
            parts = [np.asarray(part, np.float32) for part in model.stream(text, seed=SEED)]
        if not parts:
            return b""
        sound = soxr.resample(np.concatenate(parts), model.sample_rate, g711.RATE)
        sound = np.clip(sound * (LOUDNESS / _loudness(sound)), -1.0, 1.0)
        return g711.encode((sound * 32767).astype(np.int16)) + g711.silence(PAUSE)

    async def speak(self, text: str) -> bytes:
        """The same from an event loop, which goes on meanwhile. Raises Missing."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, self.sound, text)

    def _load(self) -> Any:
        if self._model is None:
            from hibari import Hibari
            from onnxruntime.capi import onnxruntime_pybind11_state as onnx

            broken = (onnx.Fail, onnx.InvalidArgument, onnx.InvalidGraph, onnx.InvalidProtobuf, onnx.NotImplemented)
            try:
                self._model = Hibari(VOICE, model=str(self._file) if self._file is not None else None, threads=1)
                list(self._model.stream("Ready."))  # its dictionaries are loaded with the first words
            except (*broken, ValueError, KeyError) as error:
                raise Missing(f"{self._file} can't be used as a voice: {error}") from error
        return self._model


@cache
def voice(model: Path | None = None) -> LocalVoice:
    """The one of this process. Raises Missing."""
    return LocalVoice(model)


def _loudness(sound: Any) -> float:
    """RMS of its louder half, in which there is speech; never 0."""
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    if not len(frames):
        return 1.0
    power = np.sort((frames**2).mean(axis=1))[len(frames) // 2 :]
    return max(1e-4, float(np.sqrt(power.mean())))
