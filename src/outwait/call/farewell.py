"""The ending as it is done: what `Ending` wants next, in commands to both sides."""

from __future__ import annotations

from outwait.call import notes
from outwait.call.clock import Deadlines, MediaClock
from outwait.call.commands import AnyCommand, CloseStream, Tell
from outwait.call.conversation import Conversation
from outwait.call.cost import Meter
from outwait.call.ending import Do, Ending, View
from outwait.call.first_leg import FirstLeg
from outwait.call.policy import Policy
from outwait.call.silence import Silence
from outwait.call.states import Session


class Farewell:
    """Of a call that ends. `over`: nothing is left to be done, and the record can be closed."""

    def __init__(
        self,
        ending: Ending,
        policy: Policy,
        waits: Deadlines,
        media: MediaClock,
        line: FirstLeg,
        talk: Conversation,
        silence: Silence,
        meter: Meter,
    ) -> None:
        self.ending = ending
        self.over = False
        self._policy = policy
        self._waits = waits
        self._media = media
        self._line = line
        self._talk = talk
        self._silence = silence
        self._meter = meter

    def advance(self, now: float, *, second: bool) -> list[AnyCommand]:
        """Whatever can be done now. `second`: our user's leg is not over."""
        commands: list[AnyCommand] = []
        while wanted := self.ending.advance(self._view(second), self._waits, self._policy, now):
            commands += self._perform(wanted, now)
        return commands

    def passed(self, name: str, now: float) -> list[AnyCommand]:
        """A deadline has come, perhaps one of ours."""
        return self._perform(self.ending.passed(name, self._waits, self._policy, now), now)

    def hung_up(self) -> None:
        """The carrier took it."""
        self.ending.answered(self._waits)

    def hang_up_failed(self, now: float) -> None:
        """It did not."""
        self.ending.failed(self._waits, self._policy, now)

    def step(self, step: str, detail: str = "") -> Tell:
        """For the record: how far it has come."""
        return Tell(notes.HangUpStep(at=self._media.at, step=step, detail=detail))

    def ended(self, now: float) -> Tell:
        """The last word of the record."""
        return Tell(
            notes.Ended(
                at=self._media.read(now),
                result=self.ending.result,
                cause=self.ending.cause,
                status=self._line.leg.value,
                total_micro_usd=self._meter.total,
                without_parking_micro_usd=self._meter.without_parking,
            )
        )

    def _perform(self, wanted: list[Do], now: float) -> list[AnyCommand]:
        commands: list[AnyCommand] = []
        for what in wanted:
            match what:
                case "ask_goodbye":
                    commands += [*self._talk.ask_goodbye(now), self.step("goodbye_asked")]
                case "say_goodbye":
                    commands += self._silence.say_goodbye()
                case "note_heard":
                    commands.append(self.step("goodbye_heard"))
                case "note_unheard":
                    commands.append(self.step("goodbye_unheard"))
                case "hang_up":
                    commands += self._hang_up()
                case "fetch_leg":
                    commands += self._line.fetch()
                case "close_session":
                    commands += self._talk.close("ended", now, self._media.read(now))
                case "close_stream":
                    commands += [CloseStream(self._line.stream)] if self._line.stream else []
                case "finish":
                    self.over = True
        return commands

    def _hang_up(self) -> list[AnyCommand]:
        if not self.ending.transfer:
            return [*self._line.hang_up(), self.step("rest_asked")]
        most = self._meter.seconds_left(legs=2)
        return [*self._line.transfer(self.ending.transfer, most), self.step("rest_asked", "transfer")]

    def _view(self, second: bool) -> View:
        link = self._talk.chain.link
        return View(
            session=link is not None,
            session_busy=link is not None and link.state is Session.OPEN and link.responding,
            stream=bool(self._line.stream),
            quiet=self._talk.playout.quiet,
            remaining=self._talk.playout.remaining(self._media.at),
            dialled=bool(self._line.carrier_call_id),
            dialling="dial" in self._waits,
            leg_over=self._line.leg.over,
            second=second,
        )
