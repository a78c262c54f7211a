"""What the far end says, in words, without a paid session: the recogniser of a process, shared by its calls.

Reading is a help and never waited for: there is a bound on what may wait and a limit on how long, and what is beyond
either is not read at all.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

MOST_WAITING = 8  # clips that may wait or be read; more are not taken
READ_SECONDS = 10.0  # wall s from a clip's coming to its words: later they would be of no use to a call


class RecogniserError(Exception):
    """The recogniser could not read this clip."""


class NotRead(Exception):
    """There are no words of this clip, and there will be none; the text says why."""


class Recogniser(Protocol):
    """Turns a voice into words on this machine."""

    name: str
    # as the call's setup keeps it

    async def transcribe(self, ulaw: bytes) -> str:
        """The words of this mu-law sound, 8,000 bytes a second; "" when there are none. It is called for one clip at a
        time and must not block the loop; when it is cancelled, the words are not wanted any more. Raises
        RecogniserError."""


class Transcriber:
    """One clip at a time, in the order in which they came."""

    def __init__(self, recogniser: Recogniser) -> None:
        self.name = recogniser.name
        self._recogniser = recogniser
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def read(self, ulaw: bytes) -> str:
        """The words of a clip. Raises NotRead."""
        if self._waiting >= MOST_WAITING:
            raise NotRead("too many clips wait")
        self._waiting += 1
        try:
            async with asyncio.timeout(READ_SECONDS), self._turn:
                return await self._recogniser.transcribe(ulaw)
        except TimeoutError as error:
            raise NotRead("not read in time") from error
        except RecogniserError as error:
            raise NotRead(str(error)) from error
        finally:
            self._waiting -= 1
