"""The two clocks of a call: media time, counted in audio, and deadlines on the wall clock. Both are told the time."""

from __future__ import annotations

import msgspec


class Deadline(msgspec.Struct, frozen=True):
    """A wait with a name."""

    name: str
    at: float  # monotonic s


class Deadlines:
    """Named waits on the wall clock."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def set(self, name: str, at: float) -> None:
        self._at[name] = at

    def clear(self, *names: str) -> None:
        for name in names:
            self._at.pop(name, None)

    def clear_all(self) -> None:
        self._at.clear()

    def __contains__(self, name: str) -> bool:
        return name in self._at

    def next(self) -> Deadline | None:
        if not self._at:
            return None
        name = min(self._at, key=self._at.__getitem__)
        return Deadline(name, self._at[name])

    def due(self, now: float) -> list[str]:
        """The names whose time has come, oldest first; they are cleared."""
        names = sorted((name for name, at in self._at.items() if at <= now), key=self._at.__getitem__)
        self.clear(*names)
        return names


class MediaClock:
    """Seconds since answer: the audio of all streams, and the wall seconds in between."""

    def __init__(self) -> None:
        self.at = 0.0  # s heard so far
        self._offset = 0.0  # media time at which this stream began
        self._detached: float | None = 0.0  # wall time since when there is no stream
        self._started = False

    @property
    def started(self) -> bool:
        """There has been a stream."""
        return self._started

    def attach(self, now: float) -> None:
        """A stream begins. Time begins with the first one."""
        self.at = self.read(now)
        self._started = True
        self._offset = self.at
        self._detached = None

    def detach(self, now: float) -> None:
        """The stream is gone; from here the wall counts."""
        if self._started and self._detached is None:
            self._detached = now

    def hear(self, at: float, seconds: float) -> float:
        """Sound that began `at` seconds into the stream; the media time of its start. Never goes back."""
        start = max(self._offset + at, self.at)
        self.at = round(start + seconds, 6)
        return start

    def read(self, now: float) -> float:
        """Media time."""
        if self._started and self._detached is not None:
            return self.at + max(0.0, now - self._detached)
        return self.at
