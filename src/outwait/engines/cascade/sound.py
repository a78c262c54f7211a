"""The cascade's sound: the telephone's code to a WAV file for the recogniser, a synthesiser's sound to that code."""

from __future__ import annotations

import struct

import numpy as np
import soxr
from numpy.typing import NDArray

from outwait.audio import g711

PCM_RATE = 24_000  # samples a second of a `pcm` answer of /audio/speech: 16 bit, little endian, one channel
MAX_HEADER = 64 * 1024  # bytes of a WAV file before its sound

_ENDLESS = 0x7FFFFF00  # from here on a length is none: the server did not know it
_PCM, _MULAW, _EXTENSIBLE = 1, 7, 0xFFFE


class WrongSound(Exception):
    """Sound in a form that we do not read; the text says which."""


def wav(ulaw: bytes) -> bytes:
    """A WAV file: 16 bit, 8,000 samples a second, one channel."""
    samples = g711.decode(ulaw).astype("<i2").tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, _PCM, 1, 8000, 16000, 2, 16)
    return head + struct.pack("<4sI", b"data", len(samples)) + samples


class Incoming:
    """A synthesiser's answer as it comes: bare samples at 24 kHz, or a WAV file that says what it holds."""

    def __init__(self) -> None:
        self._head = b""
        self._form: tuple[int, int, int] | None = None  # code, samples a second, channels
        self._left: int | None = None  # bytes until the sound of a WAV file ends; None: it does not say
        self._rest = b""
        self._down: soxr.ResampleStream | None = None

    def take(self, data: bytes) -> bytes:
        """More of it; mu-law. Raises WrongSound."""
        if self._form is None:
            self._head += data
            if len(self._head) < 4:
                return b""
            if self._head[:4] == b"RIFF":
                body = self._read_header()
                if body is None:
                    return b""
            else:
                self._form, body = (_PCM, PCM_RATE, 1), self._head
            data, self._head = body, b""
        if self._left is not None:  # what follows is about the sound, and none
            data = data[: self._left]
            self._left -= len(data)
        return self._convert(data)

    def end(self) -> bytes:
        """What was still on its way. Raises WrongSound."""
        if self._down is None:
            return b""
        return g711.encode(self._down.resample_chunk(np.zeros(0, np.int16), last=True))

    def _convert(self, data: bytes) -> bytes:
        assert self._form is not None
        code, rate, channels = self._form
        data = self._rest + data
        width = channels * (1 if code == _MULAW else 2)
        whole = len(data) // width * width
        data, self._rest = data[:whole], data[whole:]
        if not data:
            return b""
        if (code, rate, channels) == (_MULAW, 8000, 1):
            return data
        samples: NDArray[np.int16] = g711.decode(data) if code == _MULAW else np.frombuffer(data, "<i2")
        samples = np.ascontiguousarray(samples[::channels], np.int16)
        if rate != g711.RATE:
            if self._down is None:
                self._down = soxr.ResampleStream(rate, g711.RATE, 1, dtype="int16", quality="MQ")
            samples = self._down.resample_chunk(samples)
        return g711.encode(samples)

    def _read_header(self) -> bytes | None:
        """The sound behind the header; None: it is not all here yet."""
        head, at = self._head, 12
        form: tuple[int, int, int] | None = None
        while len(head) >= at + 8:
            name, size = struct.unpack_from("<4sI", head, at)
            if name == b"data":
                if form is None:
                    raise WrongSound("a WAV file without a format")
                self._form = form
                self._left = size if 0 < size < _ENDLESS else None
                return head[at + 8 :]
            if name == b"fmt " and len(head) >= at + 8 + size:
                form = _form(head[at + 8 : at + 8 + size])
            at += 8 + size + size % 2
        if len(head) > MAX_HEADER:
            raise WrongSound("a WAV file without sound")
        return None


def _form(fmt: bytes) -> tuple[int, int, int]:
    if len(fmt) < 16:
        raise WrongSound("a WAV file with half a format")
    code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", fmt)
    if code == _EXTENSIBLE and len(fmt) >= 26:
        (code,) = struct.unpack_from("<H", fmt, 24)
    if (code, bits) not in ((_PCM, 16), (_MULAW, 8)) or not 1 <= channels <= 2 or not 4000 <= rate <= 192_000:
        raise WrongSound(f"a WAV file of code {code} with {bits} bits, {rate} samples a second, {channels} channels")
    return code, rate, channels
