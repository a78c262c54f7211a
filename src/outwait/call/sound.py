"""Where sound goes: what the far end says to the session, the ear and our user; what our user says to the far end."""

from __future__ import annotations

from outwait.call import events as ev
from outwait.call.clock import MediaClock
from outwait.call.commands import AnyCommand, Listen
from outwait.call.conversation import Conversation, Want
from outwait.call.first_leg import FirstLeg
from outwait.call.handover import HandOver
from outwait.call.keys import tones
from outwait.call.turns import BYTES

_STRETCH = 1280  # bytes given to the ear at once: one stretch of its scores


class Sound:
    """Of both legs. It keeps what the ear has not been given yet."""

    def __init__(self, media: MediaClock, line: FirstLeg, talk: Conversation, handover: HandOver) -> None:
        self._media = media
        self._line = line
        self._talk = talk
        self._handover = handover
        self._for_ear = bytearray()

    def heard(self, event: ev.Heard, want: Want, now: float, *, may_speak: bool) -> list[AnyCommand]:
        """Sound of a leg. `may_speak`: what we still have to say is wanted."""
        stream = self._line.stream
        if event.stream == self._handover.stream:
            quiet, at = self._talk.playout.quiet, self._media.read(now)
            return self._handover.user_heard(event, stream, self._media.at, quiet, at)
        if event.stream != stream:
            return []
        start = self._line.heard(event, now)
        commands = self._talk.heard(start, self._handover.mixed(event.ulaw), want)
        commands += self._handover.person_heard(event.ulaw)
        if not self._handover.connected:
            self._for_ear += event.ulaw
        if len(self._for_ear) >= _STRETCH:
            commands.append(Listen(self._media.at - len(self._for_ear) / BYTES, bytes(self._for_ear)))
            self._for_ear.clear()
        return commands + self.speak() if may_speak else commands

    def speak(self) -> list[AnyCommand]:
        """What the agent says, to whoever listens."""
        stream = self._line.stream
        return self._handover.agent_said(self._talk.playout.advance(stream, self._media.at), stream)

    def press(self, keys: str) -> list[AnyCommand]:
        """Keys, as tones in what we say."""
        self._talk.playout.phrase("", tones(keys), kind="keys")
        return self._talk.playout.advance(self._line.stream, self._media.at)

    def broken_off(self) -> None:
        """The stream is gone: what was on its way to the far end is said again, and what follows does not join on to
        what the ear has not heard yet."""
        self._talk.playout.rewind()
        self._for_ear.clear()
