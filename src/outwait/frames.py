"""WebSocket frames by hand, for the sockets that carry sound fifty times a second.

What is usual there, a whole and unfragmented text message, is read and made here at a fraction of what the library
takes. Everything else (control frames, fragments, what breaks the protocol) is the library's.
"""

from __future__ import annotations

import os
from collections.abc import Callable

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the compiled part
    from websockets.utils import apply_mask

_TEXT, _CLOSE, _PONG = 0x1, 0x8, 0xA
_FIN, _MASKED = 0x80, 0x80
_LONG, _VERY_LONG = 126, 127  # in place of a length: it follows in two bytes, or eight
_MASKS = 64  # drawn at once


class Cutter:
    """Cuts what one side of a connection sends into messages. It begins where a frame begins."""

    def __init__(
        self, *, masked: bool, limit: int, text: Callable[[bytes], None], library: Callable[[bytes], None]
    ) -> None:
        """`masked`: as a client's frames are. `limit`: bytes of a message; the library refuses a longer one.
        `text` gets each usual message, `library` the bytes of whatever else, always from the beginning of a frame."""
        self._masked = masked
        self._limit = limit
        self._text = text
        self._library = library
        self._rest = b""  # the beginning of a frame
        self._odd = False  # the library reads on alone

    def feed(self, data: bytes) -> None:
        """What has come."""
        if self._odd:
            self._library(data)
            return
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        while end - at >= 2:
            first, second = data[at], data[at + 1]
            body = at + 2
            size = second & 0x7F
            if size >= _LONG:
                body += 2 if size == _LONG else 8
                size = int.from_bytes(data[at + 2 : body]) if body <= end else 0
            usual = first == _FIN | _TEXT and size <= self._limit
            control = _FIN | _CLOSE <= first <= _FIN | _PONG and second & 0x7F < _LONG
            if not (usual or control) or bool(second & _MASKED) is not self._masked:
                self._give_up(data[at:])
                return
            if self._masked:
                body += 4
            after = body + size
            if after > end:
                break
            if usual:
                self._text(apply_mask(data[body:after], data[body - 4 : body]) if self._masked else data[body:after])
            elif first == _FIN | _CLOSE:  # nothing after it counts, as the library knows
                self._give_up(data[at:])
                return
            else:
                self._library(data[at:after])
            at = after
        self._rest = data[at:]

    def _give_up(self, data: bytes) -> None:
        self._odd = True
        self._rest = b""
        self._library(data)


def text_frame(text: bytes) -> bytes:
    """A server's message."""
    return _head(_TEXT, len(text), 0) + text


class Masks:
    """Makes a client's messages, each with a mask that nobody can foretell."""

    def __init__(self) -> None:
        self._drawn = b""

    def frame(self, content: bytes, *, binary: bool) -> bytes:
        """One message."""
        if not self._drawn:
            self._drawn = os.urandom(4 * _MASKS)
        mask, self._drawn = self._drawn[:4], self._drawn[4:]
        return _head(_TEXT + binary, len(content), _MASKED) + mask + apply_mask(content, mask)


def _head(kind: int, size: int, masked: int) -> bytes:
    if size < _LONG:
        return bytes((_FIN | kind, masked | size))
    if size < 1 << 16:
        return bytes((_FIN | kind, masked | _LONG)) + size.to_bytes(2)
    return bytes((_FIN | kind, masked | _VERY_LONG)) + size.to_bytes(8)
