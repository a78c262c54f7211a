"""What a simulated session hears: the sound of a message, and the buffer of it in which turns are found."""

from __future__ import annotations

import base64
import binascii

import numpy as np
import soxr

from outwait.audio import g711
from outwait.sim.realtime_dialect import Json, Refused
from outwait.sim.realtime_vad import Speech, Vad


class InputBuffer:
    """The sound that belongs to no item yet. Places in it are milliseconds of all the sound appended so far."""

    def __init__(self) -> None:
        self.begins = 0.0
        self.appended = 0.0
        self.vad: Vad | None = None
        self._detection: Json = {}
        self._quiet_from = 0.0  # nobody has spoken since
        self._audio = b""

    @property
    def ms(self) -> float:
        """How much there is."""
        return len(self._audio) / 8

    def detect(self, detection: Json | None) -> None:
        """Find turns in what comes from here on, as the session says; None: the client does."""
        self.vad = None
        self._detection = detection or {}
        if not detection:
            return
        if detection.get("type") == "semantic_vad":
            detection.setdefault("prefix_padding_ms", 300)
            detection.setdefault("create_response", True)
            detection.setdefault("interrupt_response", True)
        self.vad = Vad(float(detection.get("threshold", 0.5)), int(detection.get("silence_duration_ms", 800)))
        self.vad.start_at(round(self.appended))
        self.active()

    def append(self, ulaw: bytes) -> list[Speech]:
        """More of it; where somebody began or stopped to speak."""
        self.appended += len(ulaw) / 8
        self._audio += ulaw
        return self.vad.feed(ulaw) if self.vad is not None else []

    def begin_turn(self, at: int) -> int:
        """Somebody speaks; where their turn begins, with its padding."""
        start = max(0, at - int(self._detection["prefix_padding_ms"]), int(self.begins))
        self._keep_from(start)
        return start

    def take(self, until: float | None = None) -> bytes:
        """What there is up to this place, for an item; None: all."""
        length = len(self._audio) if until is None else max(0, round((until - self.begins) * 8))
        audio, self._audio = self._audio[:length], self._audio[length:]
        self.begins += length / 8
        return audio

    def clear(self) -> None:
        """Throw it away."""
        self.take()
        self.detect(self._detection)

    def trim(self) -> None:
        """Quiet that belongs to no turn is dropped, but for the padding."""
        if self.vad is None or self.vad.speaking or self._detection.get("idle_timeout_ms"):
            return
        self._keep_from(int(self.appended - self._detection["prefix_padding_ms"]) - 100)

    def active(self) -> None:
        """Somebody speaks, or has just spoken."""
        self._quiet_from = self.appended

    def idle(self) -> tuple[int, int] | None:
        """From where to where nobody has spoken for as long as the session waits; None: not so long yet."""
        limit = self._detection.get("idle_timeout_ms")
        if self.vad is None or self.vad.speaking:
            self.active()
        if not limit or self.appended - self._quiet_from < limit:
            return None
        start, end = round(self._quiet_from), round(self.appended)
        self.active()
        return start, end

    def _keep_from(self, ms: int) -> None:
        drop = max(0, round((ms - self.begins) * 8))
        self._audio = self._audio[drop:]
        self.begins += drop / 8


def decode(encoded: str, kind: str) -> bytes:
    """Mu-law of base64 sound in the session's format."""
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise Refused("invalid_value", "Invalid 'audio': not base64.", "audio") from None
    if kind != "audio/pcm":
        return raw
    if len(raw) % 2:
        raise Refused("invalid_value", "Invalid 'audio': not 16-bit samples.", "audio")
    samples = np.frombuffer(raw, "<i2")
    return g711.encode(np.asarray(soxr.resample(samples, 24000, 8000), dtype=np.int16))


def encode(ulaw: bytes, kind: str) -> bytes:
    """Mu-law in the session's format."""
    if kind != "audio/pcm":
        return ulaw
    samples = soxr.resample(g711.decode(ulaw), 8000, 24000)
    return np.asarray(samples, dtype="<i2").tobytes()
