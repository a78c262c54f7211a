"""The phrase library: what an agent's voice has said once is kept on disk, and never paid for again.

A phrase is two files: its sound, raw mu-law under the name of its own digest, and a small JSON under the name of
voice and text that points to it. Each is written whole or not at all, and the digest tells whether the sound is
what was written; so a crash, a full disk or a second process leave at worst a phrase that has to be made again.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

import msgspec
import structlog

VERSION = 1
"""Of the files. Others are ignored and made again."""

MAX_PHRASE = 60 * 8000  # bytes of one phrase: a minute; nobody says more while a person waits
MAX_LIBRARY = 64 * 2**20  # bytes of all of them: some thousand phrases

log = structlog.get_logger(__name__)


class PhraseLibrary:
    """Phrases in a folder, shared by all calls and all processes that use it.

    A library that can't be read or written is as good as an empty one: nothing here raises.
    """

    def __init__(self, folder: Path, *, limit: int = MAX_LIBRARY, wall: Callable[[], float] = time.time) -> None:
        """`limit`: bytes of all files. `wall`: s since 1970, for the record."""
        self._folder = folder
        self._limit = limit
        self._wall = wall

    def get(self, voice: str, text: str) -> bytes | None:
        """The phrase as mu-law, 8,000 bytes a second; None when it has to be made.

        `voice`: all that makes it sound as it does (engine, model, voice, language).
        """
        try:
            note = msgspec.json.decode((self._folder / _note_name(voice, text)).read_bytes(), type=_Note)
            if (note.version, note.voice, note.text) != (VERSION, voice, text):
                return None
            ulaw = (self._folder / _sound_name(note.sound)).read_bytes()
        except (OSError, msgspec.DecodeError):
            return None
        return ulaw if ulaw and _digest(ulaw) == note.sound else None

    def keep(self, voice: str, text: str, ulaw: bytes) -> None:
        """Keep a phrase, in place of the one that may be there. The oldest make room for it."""
        if not 0 < len(ulaw) <= MAX_PHRASE:
            return
        sound = _digest(ulaw)
        note = _Note(version=VERSION, voice=voice, text=text, made_at=self._wall(), sound=sound)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(_sound_name(sound), ulaw)
            self._write(_note_name(voice, text), msgspec.json.encode(note))
            self._make_room()
        except (OSError, UnicodeEncodeError) as error:  # the latter: half a character, which no file can hold
            log.warning("a phrase could not be kept", folder=str(self._folder), error=str(error))

    def _write(self, name: str, data: bytes) -> None:
        """All of it or nothing. It is not forced to the disk: that takes milliseconds, and the digest guards it."""
        descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.replace(temporary, self._folder / name)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _make_room(self) -> None:
        """Throw away the oldest files beyond the limit, whatever they are: a half phrase is made again."""
        with os.scandir(self._folder) as entries:
            files = sorted(
                ((entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in entries if entry.is_file()),
                reverse=True,
            )
        total = 0
        for _, size, path in files:
            total += size
            if total > self._limit:
                Path(path).unlink(missing_ok=True)


class _Note(msgspec.Struct, frozen=True):
    version: int
    voice: str
    text: str
    made_at: float  # s since 1970
    sound: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]  # digest, the name of the sound's file


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _note_name(voice: str, text: str) -> str:
    return _digest(f"{voice}\0{text}".encode("utf-8", "surrogatepass")) + ".json"


def _sound_name(digest: str) -> str:
    return digest + ".ulaw"
