"""Recordings of calls, for those who have switched them on: what the far end said and what it was sent, as one stereo
file a call, in a folder of the server.

A file is written as the call goes on, and is whole at each moment: a crash costs the last seconds. Recording never
costs a call: what can't be written is not recorded.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Collection
from pathlib import Path

import structlog

RATE = 8000  # samples a second, and bytes of mu-law
BLOCK = 4 * RATE  # bytes of the far end between two writes
MOST_GAP = 60.0  # s of silence put in for sound that did not come
_SILENCE = b"\xff"  # in mu-law
_HEAD = struct.Struct("<4sI4s4sIHHIIHH4sI")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = structlog.get_logger(__name__)


def may_name_a_file(call_id: str) -> bool:
    """An id of ours leads nowhere but into the folder that it is joined to; one from outside may."""
    return _ID.fullmatch(call_id) is not None


class Recordings:
    """A folder of them."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """`most_bytes`: in all; nothing new is recorded beyond it."""
        self._folder = folder
        self._most = most_bytes

    def begin(self, call_id: str) -> Recording | None:
        """A file for what this process hears of a call; the second one of a call has a number. None: there is no room,
        or the folder can't be used."""
        if not may_name_a_file(call_id):
            return None
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            used = sum(file.stat().st_size for file in self._folder.glob("*.wav"))
            if used >= self._most:
                log.warning("the folder of recordings is full; this call is not recorded", call=call_id, bytes=used)
                return None
            part = len(self._of(call_id)) + 1
            path = self._folder / (f"{call_id}.wav" if part == 1 else f"{call_id}.{part}.wav")
            path.touch(mode=0o600)
        except OSError as error:
            log.error("this call can't be recorded", call=call_id, error=str(error))
            return None
        return Recording(path)

    def delete(self, call_ids: Collection[str]) -> None:
        """All that was recorded of these calls. Raises OSError."""
        for call_id in call_ids:
            for file in self._of(call_id):
                file.unlink(missing_ok=True)

    def _of(self, call_id: str) -> list[Path]:
        if not may_name_a_file(call_id):
            return []
        return [*self._folder.glob(f"{call_id}.wav"), *self._folder.glob(f"{call_id}.*.wav")]


class Recording:
    """One file: left the far end, right what it was sent, at the time at which it is played."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = bytearray()
        self._right = bytearray()
        self._ahead = bytearray()  # sent, and not played yet
        self._at: float | None = None  # s into the stream at which the next sound is due
        self._written = 0  # bytes behind the head
        self._writing = asyncio.Lock()
        self._given_up = False

    @property
    def due(self) -> bool:
        """There is enough for a write."""
        return len(self._left) >= BLOCK and not self._writing.locked()

    def attached(self) -> None:
        """A stream begins; what was sent to the last one is lost."""
        self._at = None
        self._ahead.clear()

    def heard(self, at: float, ulaw: bytes) -> None:
        """The far end, `at` seconds into its stream."""
        if self._given_up:
            return
        if self._at is not None and self._at < at:
            self._advance(_SILENCE * round(min(at - self._at, MOST_GAP) * RATE))
        self._advance(ulaw)
        self._at = at + len(ulaw) / RATE

    def sent(self, ulaw: bytes) -> None:
        """To the far end, behind what it was sent before."""
        if not self._given_up:
            self._ahead += ulaw

    def cleared(self) -> None:
        """What was not played is not played any more."""
        self._ahead.clear()

    async def write(self) -> None:
        """What there is so far. Never raises: a call goes on without its recording."""
        async with self._writing:
            left, right = bytes(self._left), bytes(self._right)
            self._left.clear()
            self._right.clear()
            if not left or self._given_up:
                return
            stereo = bytearray(2 * len(left))
            stereo[0::2], stereo[1::2] = left, right
            try:
                await asyncio.to_thread(self._append, bytes(stereo))
            except OSError as error:
                self._given_up = True
                log.error(
                    "a recording can't be written; the call goes on without", file=self._path.name, error=str(error)
                )

    def _advance(self, ulaw: bytes) -> None:
        played = bytes(self._ahead[: len(ulaw)])
        del self._ahead[: len(ulaw)]
        self._left += ulaw
        self._right += played + _SILENCE * (len(ulaw) - len(played))

    def _append(self, stereo: bytes) -> None:
        with self._path.open("r+b") as file:
            file.seek(_HEAD.size + self._written)
            file.write(stereo)
            self._written += len(stereo)
            file.seek(0)
            file.write(_head(self._written))


def _head(size: int) -> bytes:
    """Of a WAV file with mu-law (format 7), two channels."""
    riff = _HEAD.size - 8 + size
    return _HEAD.pack(b"RIFF", riff, b"WAVE", b"fmt ", 16, 7, 2, RATE, 2 * RATE, 2, 8, b"data", size)
