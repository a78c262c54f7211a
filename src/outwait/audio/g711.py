"""G.711 mu-law, the telephone's 8-bit code (ITU-T G.711): bytes in, samples out, and back.

One byte is one sample at 8,000 samples a second. Samples are signed 16-bit integers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 8000  # samples a second
SILENCE = 0xFF  # the code of a zero sample
BYTES_PER_MS = 8

_BIAS = 0x84
_CLIP = 32635


def _decode_table() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + _BIAS) << ((code & 0x70) >> 4)) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encode_table() -> NDArray[np.uint8]:
    sample = np.arange(-32768, 32768, dtype=np.int32)
    magnitude = np.minimum(np.abs(sample), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(sample < 0, 0x80, 0)
    code: NDArray[np.uint8] = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)
    return code


_DECODE = _decode_table()
_ENCODE = _encode_table()


def decode(ulaw: bytes) -> NDArray[np.int16]:
    """Mu-law bytes -> 16-bit samples, one for each byte."""
    return _DECODE[np.frombuffer(ulaw, dtype=np.uint8)]


def encode(samples: NDArray[np.int16]) -> bytes:
    """16-bit samples -> mu-law bytes, one for each sample."""
    return _ENCODE[samples.astype(np.int32) + 32768].tobytes()


def seconds(ulaw: bytes) -> float:
    """How long the sound lasts."""
    return len(ulaw) / RATE


def silence(length: float) -> bytes:
    """Digital silence of `length` seconds."""
    return bytes([SILENCE]) * round(length * RATE)
