"""The simulated server's voice activity detection: by energy, clocked on the audio it was given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outwait.audio import g711

WINDOW_BYTES = 160  # 20 ms
START_WINDOWS = 3  # so many loud windows in a row begin speech
LOUD = 400.0  # mean magnitude of a 16-bit sample at threshold 0.5


@dataclass(frozen=True)
class Speech:
    """The VAD's word: speech began or ended at `ms` of all the audio appended so far."""

    began: bool
    ms: int


class Vad:
    """Server VAD. `feed` takes mu-law and says where speech begins and ends."""

    def __init__(self, threshold: float, silence_ms: int) -> None:
        self._loud = LOUD * threshold / 0.5
        self._silence_ms = silence_ms
        self._rest = b""
        self._ms = 0
        self._loud_run = 0
        self._quiet_ms = 0
        self.speaking = False

    def start_at(self, ms: int) -> None:
        """Where in the audio this VAD begins to listen."""
        self._ms = ms

    def feed(self, audio: bytes) -> list[Speech]:
        """More audio."""
        data = self._rest + audio
        whole = len(data) // WINDOW_BYTES * WINDOW_BYTES
        self._rest = data[whole:]
        if not whole:
            return []
        levels = np.abs(g711.decode(data[:whole]).astype(np.int32)).reshape(-1, WINDOW_BYTES).mean(axis=1)
        found: list[Speech] = []
        for loud in levels >= self._loud:
            self._ms += 20
            if said := self._window(bool(loud)):
                found.append(said)
        return found

    def _window(self, loud: bool) -> Speech | None:
        if loud:
            self._loud_run += 1
            self._quiet_ms = 0
            if not self.speaking and self._loud_run >= START_WINDOWS:
                self.speaking = True
                return Speech(True, self._ms - START_WINDOWS * 20)
            return None
        self._loud_run = 0
        self._quiet_ms += 20
        if self.speaking and self._quiet_ms >= self._silence_ms:
            self.speaking = False
            return Speech(False, self._ms)
        return None
