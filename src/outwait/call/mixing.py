"""Two voices as one: mu-law, sample by sample, so that one session can hear two people."""

from __future__ import annotations

from functools import cache

MOST = 4000  # bytes of the second voice that wait for the first: half a second


class Mixer:
    """The second voice waits here for the first one."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def hear(self, ulaw: bytes) -> None:
        """Sound of the second voice. When the first falls behind, its oldest is forgotten."""
        self._waiting += ulaw
        del self._waiting[:-MOST]

    def mix(self, ulaw: bytes) -> bytes:
        """The first voice with as much of the second as there is."""
        other = bytes(self._waiting[: len(ulaw)])
        del self._waiting[: len(ulaw)]
        if not other:
            return ulaw
        linear, coded = _linear(), _coded()
        both = bytes(coded[(linear[a] + linear[b] >> 2) + 16384] for a, b in zip(ulaw, other, strict=False))
        return both + ulaw[len(both) :]


@cache
def _linear() -> tuple[int, ...]:
    """The 16-bit sample of each byte, ITU-T G.711."""
    return tuple(_decoded(~byte & 0xFF) for byte in range(256))


def _decoded(byte: int) -> int:
    magnitude = ((byte & 0x0F) << 3) + 0x84 << (byte >> 4 & 7)
    return 0x84 - magnitude if byte & 0x80 else magnitude - 0x84


@cache
def _coded() -> bytes:
    """The byte of each sum of two samples, in steps of four."""
    return bytes(_encoded(max(-32635, min(32635, quarter * 4))) for quarter in range(-16384, 16384))


def _encoded(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 0x84
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> exponent + 3 & 0x0F) & 0xFF
