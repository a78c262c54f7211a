"""How a call is written down and read back: events and the commands they caused, without sound.

Sound is kept by its length alone; read back, it is silence of that length, which is all that the core's decisions
depend on. Events that caused nothing visible ("quiet" ones: fifty frames and five scores a second) are packed into
one entry; every other event has its own, written before its commands are performed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from outwait.call.commands import AnyCommand, Tell, is_sound
from outwait.call.events import AnyEvent, Heard, Marked
from outwait.call.setup import Setup
from outwait.store.base import Entry

FRAME = 160  # bytes of sound that count as one event, however many are told at once
QUIET_LIMIT = 400  # events in one packed entry: about seven seconds of a held call, which is what a crash can lose
MOST_SOUND = 16_000_000  # bytes in one event: half an hour; more is no log of ours
MOST_FRAMES = 100_000  # in one run
HEARD_SECONDS = 1.0  # that the far end heard of the agent and a crash may forget
_SILENCE = b"\xff"

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_commands = msgspec.json.Decoder(tuple[AnyCommand, ...])
_setup = msgspec.json.Decoder(Setup)


def pack_setup(setup: Setup) -> bytes:
    return _encoder.encode(setup)


def unpack_setup(data: bytes) -> Setup:
    """Raises msgspec.MsgspecError for what is no setup."""
    return _decoded(_setup, data)


def pack_event(event: AnyEvent) -> bytes:
    return _encoder.encode(_plain(event))


def pack_commands(commands: Sequence[AnyCommand]) -> bytes:
    return _encoder.encode([command for command in commands if not is_sound(command)])


def unpack_commands(data: bytes) -> tuple[AnyCommand, ...]:
    """Raises msgspec.MsgspecError for what is none."""
    return _decoded(_commands, data)


def visible(commands: Sequence[AnyCommand]) -> bool:
    """Whether the world or the record can notice these commands."""
    return any(not is_sound(command) for command in commands)


def acts(commands: Sequence[AnyCommand]) -> bool:
    """Whether one of these commands does something outside: such an event is written before they are performed."""
    return any(not (isinstance(command, Tell) or is_sound(command)) for command in commands)


class Quiet:
    """Events that caused nothing visible, on their way into one entry. Runs of equal frames are kept as one item."""

    def __init__(self) -> None:
        self._items: list[list[Any]] = []
        self._frames: list[Any] | None = None  # [first now, last now, stream, first at, last at, bytes, count]
        self.count = 0
        self._marked: float | None = None  # time of the first mark among them

    def due(self, now: float) -> bool:
        """They should be written: they are many, or they say what has been heard of the agent, and a successor that
        does not know would say it again."""
        heard = self._marked is not None and now - self._marked >= HEARD_SECONDS
        return heard or self.count >= QUIET_LIMIT

    def add(self, now: float, event: AnyEvent) -> None:
        if type(event) is Heard:
            self.count += max(1, len(event.ulaw) // FRAME)
            self._add_frame(now, event)
        else:
            self.count += 1
            if self._marked is None and isinstance(event, Marked):
                self._marked = now
            self._end_run()
            self._items.append([now, _plain(event)])

    def take(self) -> bytes | None:
        """The packed entry; None when there is nothing."""
        self._end_run()
        if not self._items:
            return None
        data = _encoder.encode({"quiet": self._items})
        self._items = []
        self.count = 0
        self._marked = None
        return data

    def _add_frame(self, now: float, event: Heard) -> None:
        run = self._frames
        if run is not None and run[2] == event.stream and run[5] == len(event.ulaw):
            step = round(event.at - run[4], 3)
            if run[6] == 1 or step == run[7]:
                run[1], run[4], run[7] = now, event.at, step
                run[6] += 1
                return
        self._end_run()
        self._frames = [now, now, event.stream, event.at, event.at, len(event.ulaw), 1, 0.0]

    def _end_run(self) -> None:
        if self._frames is not None:
            self._items.append(self._frames)
            self._frames = None


def unpack_event(data: bytes) -> Iterator[tuple[float | None, AnyEvent]]:
    """The events of one entry, each with its time where it has one of its own (else the entry's counts). Raises
    msgspec.MsgspecError for what is no entry."""
    try:
        yield from _events(data)
    except (TypeError, ValueError, LookupError, OverflowError, RecursionError) as error:
        raise msgspec.DecodeError(f"not an entry: {error}") from error


def _events(data: bytes) -> Iterator[tuple[float | None, AnyEvent]]:
    content = msgspec.json.decode(data)
    if "quiet" not in content:
        yield None, _event(content)
        return
    for item in content["quiet"]:
        if len(item) == 2:
            yield float(item[0]), _event(item[1])
        else:
            yield from _run(item)


def _run(item: list[Any]) -> Iterator[tuple[float, AnyEvent]]:
    first_now, last_now, stream, first_at, _, size, count, step = item
    if count > MOST_FRAMES:
        raise ValueError(f"{count} frames")
    sound = _sound(size)
    for n in range(count):
        now = first_now + (last_now - first_now) * (n / (count - 1) if count > 1 else 0.0)
        yield now, Heard(stream, round(first_at + n * step, 6), sound)


def _plain(event: AnyEvent) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.to_builtins(event, builtin_types=(bytes,))
    if "ulaw" in content:
        content["ulaw"] = len(content["ulaw"])
    return content


def _sound(size: int) -> bytes:
    if size > MOST_SOUND:
        raise ValueError(f"{size} bytes of sound")
    return _SILENCE * size


def _decoded(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    try:
        return decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error


def _event(content: dict[str, Any]) -> AnyEvent:
    if "ulaw" in content:
        content["ulaw"] = _sound(content["ulaw"])
    return msgspec.convert(content, AnyEvent, builtin_types=(bytes,))  # type: ignore[no-any-return]


# --- as a file ----------------------------------------------------------------------------------


class FileError(Exception):
    """The file is no call log."""


def log_beside(call_json: Path) -> Path:
    """Where the log of a call object lies: `call.json` -> `call.log.jsonl`."""
    return call_json.with_suffix(".log.jsonl")


def write_file(path: Path, setup: bytes, entries: Sequence[Entry]) -> None:
    """One line with the setup, then one for each entry. Raises OSError."""
    with path.open("wb") as file:
        file.write(setup + b"\n")
        for entry in entries:
            line = _Line(entry.seq, entry.now, entry.wall, msgspec.Raw(entry.event), msgspec.Raw(entry.commands))
            file.write(_encoder.encode(line) + b"\n")


def read_file(path: Path) -> tuple[Setup, Iterator[Entry]]:
    """What `write_file` wrote. Raises OSError, and FileError here or while it is read."""
    file = path.open("rb")
    try:
        setup = unpack_setup(file.readline())
    except msgspec.MsgspecError as error:
        file.close()
        raise FileError(f"{path}: {error}") from error
    return setup, _entries(path, file)


class _Line(msgspec.Struct):
    seq: int
    now: float
    wall: float
    event: msgspec.Raw
    commands: msgspec.Raw


def _entries(path: Path, file: BinaryIO) -> Iterator[Entry]:
    decoder = msgspec.json.Decoder(_Line)
    with file:
        for number, text in enumerate(file, 2):
            try:
                line = _decoded(decoder, text)
            except msgspec.MsgspecError as error:
                raise FileError(f"{path}, line {number}: {error}") from error
            yield Entry(line.seq, line.now, line.wall, 0, bytes(line.event), bytes(line.commands))
