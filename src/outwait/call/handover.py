"""Handing the other side over to our user: their telephone is rung, they hear who is there, and both are connected.

The two legs are joined here, sound for sound, and not in a conference of the carrier's: so the stream of the first leg
stays attached, the whisper is heard by our user alone, the agent can come back when it is asked, and any carrier with
a media stream will do.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call import notes
from outwait.call.asking import Asking
from outwait.call.clock import Deadlines
from outwait.call.commands import AnyCommand, Tell
from outwait.call.mixing import Mixer
from outwait.call.policy import Policy
from outwait.call.second_leg import SecondLeg
from outwait.call.setup import Setup
from outwait.call.turns import BYTES, Playout

RECALL_KEY = "*"
"""The key with which our user calls the agent back."""

News = Literal["connected", "absent", "left", "left agent", "recalled"]
"""What the call has to know: both hear each other; our user did not come; has left, and nobody of ours is with the
other side; has left it to the agent; wants the agent back."""

SecondEvent = (
    ev.Dialled | ev.DialRefused | ev.LegReported | ev.LegUnknown | ev.StreamStarted | ev.HungUp | ev.HangUpFailed
)

StreamEvent = ev.Marked | ev.StreamStopped | ev.StreamLost | ev.KeyHeard


class Mode(StrEnum):
    """How far it has come."""

    NONE = "none"
    RINGING = "ringing"
    ASKING = "asking"  # somebody else hears what it is about, and decides; the two do not hear each other yet
    WHISPERING = "whispering"  # our user is heard already, and hears who is there
    JOINED = "joined"  # two people talk, without the agent
    TOGETHER = "together"  # and with it


_GONE: dict[Mode, News] = {Mode.JOINED: "left", Mode.TOGETHER: "left agent"}


class Relay:
    """Sound on its way from one leg to the other. When too much of it waits at the carrier, that is thrown away: two
    people can't talk over a delay that only grows."""

    def __init__(self, lag: float) -> None:
        self._lag = lag
        self._until = 0.0  # media s of the hearing leg up to which its carrier has sound

    def pass_on(self, stream: int, ulaw: bytes, at: float) -> list[AnyCommand]:
        """`at`: media s of the leg that hears it."""
        commands: list[AnyCommand] = []
        if self._until - at > self._lag:
            commands.append(do.ClearAudio(stream))
            self._until = at
        self._until = max(self._until, at) + len(ulaw) / BYTES
        return [*commands, do.PlayAudio(stream, ulaw)]


class HandOver:
    """Our user's side of the call. `news` is for the machine, which empties the list."""

    def __init__(self, setup: Setup, waits: Deadlines) -> None:
        self.news: list[News] = []
        self.mode = Mode.NONE
        self.second: SecondLeg | None = None
        self.why = ""  # the last second leg has ended
        self._setup = setup
        self._policy: Policy = setup.policy
        self._waits = waits
        self._legs = 1
        self._whisper = b""
        self._asking: Asking | None = None  # the one who is rung is not our user, and may decline
        self._mouth = Playout(setup.policy)
        self._whispered_from = 0.0  # media s of the second leg
        self._mixer = Mixer()
        self._to_user = Relay(setup.policy.relay_lag)
        self._to_person = Relay(setup.policy.relay_lag)

    # --- what there is ---------------------------------------------------------------------------

    @property
    def called(self) -> str:
        """How a call is called that people go on with by themselves."""
        return "transferred" if self.to_others else "handed_over"

    @property
    def free(self) -> bool:
        """Nobody is rung or connected: somebody may be."""
        return self.second is None

    @property
    def next_leg(self) -> int:
        """The number of the next one that is rung."""
        return self._legs + 1

    def wants(self, leg: int) -> bool:
        """The carrier asks whether this leg of our user's may have a stream."""
        second = self.second
        return second is not None and second.number == leg and not second.ending

    @property
    def stream(self) -> int:
        """Of our user's leg; 0: none."""
        return self.second.stream if self.second is not None else 0

    @property
    def agent_away(self) -> bool:
        """Two people talk to each other: no session listens."""
        return self.mode is Mode.JOINED

    @property
    def connected(self) -> bool:
        """Both hear each other."""
        return self.mode in (Mode.JOINED, Mode.TOGETHER)

    @property
    def to_others(self) -> bool:
        """Whoever is rung, or was last, is not our user: the call is transferred."""
        return self._asking is not None

    @property
    def seconds(self) -> float:
        """Media s of our user's leg."""
        return self.second.clock.at if self.second is not None else 0.0

    # --- what the machine asks for ---------------------------------------------------------------

    def ring(self, to: str, why: str, whisper: bytes, at: float, now: float) -> list[AnyCommand]:
        """Call our user. `whisper`: what they hear first, mu-law."""
        self._whisper, self._asking = whisper, None
        return self._dial(to, why, at, now)

    def ask(self, to: str, why: str, at: float, now: float) -> list[AnyCommand]:
        """Call somebody else, who is told what it is about (`whisper`) before they decide."""
        self._asking = Asking(self._policy)
        return self._dial(to, why, at, now)

    def whisper(self, ulaw: bytes) -> None:
        """Better words for whoever is rung are at hand."""
        self._whisper = ulaw
        if self._asking is not None:
            self._asking.words(ulaw)

    def cancel(self, why: str, at: float) -> list[AnyCommand]:
        """The person is not there any more; our user need not come."""
        if self.second is None or self.connected:
            return []
        self.mode = Mode.NONE
        return self.second.end(why, at)

    def end(self, why: str, at: float) -> list[AnyCommand]:
        """The call ends."""
        self.mode = Mode.NONE
        return self.second.end(why, at) if self.second is not None else []

    def restarted(self, now: float) -> list[AnyCommand]:
        """A new process: the legs may come back, and go on where they were."""
        return self.second.restarted(now) if self.second is not None else []

    # --- the second leg --------------------------------------------------------------------------

    def receive(self, event: SecondEvent, at: float, now: float) -> list[AnyCommand]:
        """News of a leg of our user's. `at`: media s of the call."""
        second = self.second
        if second is None or event.leg != second.number:
            return self._late(event)
        match event:
            case ev.Dialled(carrier_call_id=carrier_call_id):
                return second.dialled(carrier_call_id, at, now)
            case ev.DialRefused(detail=detail):
                self._waits.clear("second dial")
                return second.refused(detail, at)
            case ev.LegReported():
                return second.reported(event, at, now)
            case ev.LegUnknown(gone=gone):
                return second.unknown(gone, at)
            case ev.StreamStarted(stream=stream):
                return self._stream_started(second, stream, at, now)
            case ev.HungUp():
                second.hung_up()
            case ev.HangUpFailed():
                second.hang_up_failed(now)
        return []

    def of_stream(self, event: StreamEvent, at: float, now: float) -> list[AnyCommand]:
        """News of our user's stream."""
        match event:
            case ev.Marked(name=name) if self._asking is not None and self.mode is Mode.ASKING:
                self._asking.marked(name)
            case ev.Marked(name=name):
                self._mouth.marked(name)
            case ev.StreamStopped() if self.second is not None:  # the carrier says that their leg is over
                return self.second.end("they hung up", at)
            case ev.StreamLost() if self.second is not None:
                self._mouth.rewind()
                if self._asking is not None:
                    self._asking.rewind()
                return self.second.stream_lost(now)
            case ev.KeyHeard(digit=digit) if self._asking is not None:
                return self._decided(self._asking.answer(digit), at)
            case ev.KeyHeard(digit=digit) if digit == RECALL_KEY and self.mode is Mode.JOINED:
                return self._together(at, "recalled")
        return []

    def stay(self, at: float) -> list[AnyCommand]:
        """The agent does not leave them alone."""
        return self._together(at, None)

    def passed(self, name: str, at: float, now: float) -> list[AnyCommand]:
        """A deadline has come."""
        return self.second.passed(name, at, now) if self.second is not None else []

    def settle(self, at: float, now: float) -> list[AnyCommand]:
        """Bring the second leg's end on, and tell what became of our user."""
        if self.second is None:
            return []
        if self.second.ending and self.mode is not Mode.NONE:
            self.why = self.second.ending
            self.news.append(_GONE.get(self.mode, "absent"))
            self.mode = Mode.NONE
        commands = self.second.settle(at, now)
        if self.second.over:
            self.second = None
        return commands

    # --- sound -----------------------------------------------------------------------------------

    def person_heard(self, ulaw: bytes) -> list[AnyCommand]:
        """The company's side, for our user."""
        if not self.connected or not self.stream:
            return []
        return self._to_user.pass_on(self.stream, ulaw, self.seconds)

    def mixed(self, ulaw: bytes) -> bytes:
        """What the agent hears: the person, and our user when all three talk."""
        return self._mixer.mix(ulaw) if self.mode is Mode.TOGETHER else ulaw

    def agent_said(self, commands: list[AnyCommand], first: int) -> list[AnyCommand]:
        """What the agent says to the first leg, our user hears too."""
        if self.mode is not Mode.TOGETHER or not self.stream:
            return commands
        theirs: list[AnyCommand] = []
        for command in commands:
            if isinstance(command, do.PlayAudio) and command.stream == first:
                theirs += self._to_user.pass_on(self.stream, command.ulaw, self.seconds)
        return commands + theirs

    def user_heard(
        self, event: ev.Heard, stream: int, first_at: float, agent_quiet: bool, at: float
    ) -> list[AnyCommand]:
        """Our user's side, for the person. `stream` and `first_at`: of the first leg; `agent_quiet`: the agent says
        nothing to it; `at`: media s of the call."""
        second = self.second
        if second is None or second.ending:
            return []
        second.clock.hear(event.at, len(event.ulaw) / BYTES)
        commands: list[AnyCommand] = []
        if self.mode is Mode.WHISPERING:
            commands += self._mouth.advance(second.stream, second.clock.at)
            late = second.clock.at - self._whispered_from > self._policy.whisper_seconds
            if self._mouth.quiet or late:
                commands += self._connect(at)
        if self.mode is Mode.ASKING and self._asking is not None:
            commands += self._asking.advance(second.stream, second.clock.at)
            return commands + (second.end("they did not answer", at) if self._asking.late(second.clock.at) else [])
        if self.mode is Mode.TOGETHER:
            self._mixer.hear(event.ulaw)
        if stream and (agent_quiet or self.mode is Mode.JOINED) and self.mode is not Mode.NONE:
            commands += self._to_person.pass_on(stream, event.ulaw, first_at)
        return commands

    # --- below -----------------------------------------------------------------------------------

    def _stream_started(self, second: SecondLeg, stream: int, at: float, now: float) -> list[AnyCommand]:
        commands = second.stream_started(stream, at, now)
        if self.mode is Mode.RINGING and not second.ending and self._asking is not None:
            self.mode = Mode.ASKING
            self._asking.answered(second.clock.at)
        elif self.mode is Mode.RINGING and not second.ending:
            self.mode = Mode.WHISPERING
            self._whispered_from = second.clock.at
            if self._whisper:
                self._mouth.phrase("", self._whisper)
        return commands

    def _dial(self, to: str, why: str, at: float, now: float) -> list[AnyCommand]:
        self._legs += 1
        self.mode = Mode.RINGING
        self.second = SecondLeg(self._legs, to, self._setup.from_, why, self._policy, self._waits)
        return self.second.dial(at, now)

    def _decided(self, answer: Literal["takes", "declines"] | None, at: float) -> list[AnyCommand]:
        """Whoever was asked has pressed a key."""
        if self.mode is not Mode.ASKING or self.second is None or self._asking is None or answer is None:
            return []
        said = self._asking.stop(self.stream)
        return said + (self._connect(at) if answer == "takes" else self.second.end("they declined", at))

    def _connect(self, at: float) -> list[AnyCommand]:
        self.mode = Mode.JOINED
        self.news.append("connected")
        cut, _ = self._mouth.interrupt(self.stream)
        self._mouth.finished.clear()
        return [*cut, self._note("connected", at)]

    def _together(self, at: float, news: News | None) -> list[AnyCommand]:
        self.mode = Mode.TOGETHER
        if news is not None:
            self.news.append(news)
        return [self._note("together", at)]

    def _late(self, event: SecondEvent) -> list[AnyCommand]:
        """A leg that was given up lives after all."""
        match event:
            case ev.Dialled(carrier_call_id=carrier_call_id, leg=leg) if leg <= self._legs:
                return [do.HangUp(carrier_call_id, True, leg)]
            case ev.StreamStarted(stream=stream):
                return [do.CloseStream(stream)]
            case _:
                return []

    def _note(self, state: Literal["connected", "together"], at: float) -> Tell:
        assert self.second is not None
        return Tell(
            notes.SecondLeg(
                at=at,
                leg=self.second.number,
                state=state,
                to=self.second.to,
                carrier_call_id=self.second.carrier_call_id,
            )
        )
