"""Acted English by some twenty actors: the spoken lines of the game in the Debian package `beneath-a-steel-sky`.

`sky.dnr` says where each numbered file lies in `sky.dsk`; lines are 8-bit samples at 11,025 Hz, packed with
Rob Northen's first method (Huffman codes and copies).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from .sources import RATE

FOLDER = "usr/share/scummvm/beneath-a-steel-sky"
_SPOKEN = 50_000  # numbers of spoken lines begin here
_SECTION = 60  # neighbouring lines belong to one scene, so to few speakers

Code = tuple[int, int, int, int]  # mask, bits, length, symbol


def lines(folder: Path, count: int, seed: int = 5) -> Iterator[tuple[int, str, NDArray[np.float32]]]:
    """`count` lines at random of the unpacked package: number, section, samples at 8,000 Hz."""
    index = (folder / FOLDER / "sky.dnr").read_bytes()
    disk = (folder / FOLDER / "sky.dsk").read_bytes()
    found = []
    for entry in range(struct.unpack("<I", index[:4])[0]):
        raw = index[4 + 8 * entry : 12 + 8 * entry]
        number = struct.unpack("<H", raw[:2])[0]
        place = int.from_bytes(raw[2:5], "little")
        place = (place & 0x7FFFFF) << 4 if place >> 23 else place
        size = int.from_bytes(raw[5:8], "little")
        if number >= _SPOKEN and size >> 22 == 0 and size > 6000:
            found.append((number, place, size))
    for chosen in np.random.default_rng(seed).permutation(len(found))[:count]:
        number, place, size = found[chosen]
        packed = disk[place + 22 : place + size]
        if packed[:3] == b"RNC":
            sound = (np.frombuffer(unpack(packed), np.uint8).astype(np.float32) - 128) / 128
            yield number, f"s{(number - _SPOKEN) // _SECTION}", soxr.resample(sound, 11025, RATE).astype(np.float32)


def unpack(packed: bytes) -> bytes:
    """What Rob Northen's first method packed. Raises ValueError when it is no such thing."""
    bits = _Bits(packed, 18)
    bits.take(2)
    out = bytearray()
    for _ in range(packed[17]):
        literals, places, lengths = bits.codes(), bits.codes(), bits.codes()
        left = bits.take(16)
        while left:
            out += bits.copy(bits.value(literals))
            if left > 1:
                back = bits.value(places) + 1
                for _ in range(bits.value(lengths) + 2):
                    out.append(out[-back])
            left -= 1
    if len(out) != int.from_bytes(packed[4:8], "big"):
        raise ValueError("not packed by this method")
    return bytes(out)


class _Bits:
    """Bits from the low end of 16-bit words, with whole bytes in between."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data + bytes(4)
        self._word = int.from_bytes(data[at : at + 2], "little")
        self._at = at + 2
        self._left = 16

    def take(self, count: int) -> int:
        value = self._ahead() & ((1 << count) - 1)
        if count <= self._left:
            self._word >>= count
            self._left -= count
        else:
            count -= self._left
            self._word = self._next() >> count
            self._at += 2
            self._left = 16 - count
        return value

    def copy(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def codes(self) -> list[Code]:
        """A table of Huffman codes, given by their lengths."""
        sizes = [self.take(4) for _ in range(self.take(5))]
        table, code = [], 0
        for size in range(1, 17):
            for symbol, own in enumerate(sizes):
                if own == size:
                    straight = code >> (16 - size)
                    turned = sum(((straight >> bit) & 1) << (size - bit - 1) for bit in range(size))
                    table.append(((1 << size) - 1, turned, size, symbol))
                    code += 1 << (16 - size)
        return table

    def value(self, table: list[Code]) -> int:
        ahead = self._ahead()
        for mask, turned, size, symbol in table:
            if ahead & mask == turned:
                self.take(size)
                return symbol if symbol < 2 else self.take(symbol - 1) | (1 << (symbol - 1))
        raise ValueError("no such code")

    def _next(self) -> int:
        return int.from_bytes(self._data[self._at : self._at + 2], "little")

    def _ahead(self) -> int:
        return (self._word | (self._next() << self._left)) & 0xFFFF
