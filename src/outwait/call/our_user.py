"""Our user, who wants to speak with the other side in person: when they are rung, and what the agent is told of it."""

from __future__ import annotations

from collections.abc import Iterator

from outwait.call import acts
from outwait.call import events as ev
from outwait.call.bill import LineBill
from outwait.call.clock import MediaClock
from outwait.call.commands import AnyCommand, Tell
from outwait.call.conversation import Conversation
from outwait.call.course import Course
from outwait.call.first_leg import FirstLeg
from outwait.call.handover import HandOver, News, SecondEvent
from outwait.call.notes import Outcome
from outwait.call.phrasebook import TAKE_IT
from outwait.call.setup import Setup
from outwait.call.silence import Silence
from outwait.call.states import Leg, Phase
from outwait.call.tools import TransferCall, refusal

WHISPER = "whisper now"  # the phrase that is made for one ring
MAX_WHISPER = 120  # characters of a reason that our user hears
_PUTTING_THROUGH = (
    "The person you call for is being called, to speak to them in person. You have said that you are putting them "
    "through. Keep them on the line: answer in a few words if they say anything, and do not begin with the task."
)
_RINGING = '{"ok": true, "now": "they are being called; keep the person on the line until they come"}'
_ASKED = (
    '{"ok": true, "now": "they are being called and asked; keep the other side on the line until you are told more"}'
)
_TRANSFERRED = "Somebody else has taken the call over and talks to them without you."
_ALONE = "Tell them so in a few words and go on with the task alone."
_LEFT = "The person you call for has left the line."
_RECALLED = "The person you call for has asked you back: all three of you hear each other now."
_SPEAK = "Say that you are back, and ask what you can do."
_TAKEN_OVER = "The person you call for has taken over and talks to them without you."
_STAYS = (
    "The person you call for is on the line now and talks to them; you hear both. Say nothing unless spoken to. "
    "Keep in mind what they agree on: when they have said goodbye, call hangup_call with it as the outcome."
)

_OVER = {leg.value for leg in Leg if leg.over}


class OurUser:
    """Joins what is heard on their telephone (`HandOver`) with what the agent says and is told."""

    def __init__(
        self,
        setup: Setup,
        media: MediaClock,
        course: Course,
        line: FirstLeg,
        talk: Conversation,
        silence: Silence,
        handover: HandOver,
        bill: LineBill,
    ) -> None:
        self._human = setup.human
        self._policy = setup.policy
        self._media = media
        self._course = course
        self._line = line
        self._talk = talk
        self._silence = silence
        self._handover = handover
        self._bill = bill
        self._language = setup.language
        self._outcome = Outcome(text="", reason="")  # of a call that somebody else takes over

    def is_at(self, number: str) -> bool:
        """This is their telephone."""
        return self._human is not None and self._human.number == number

    def receive(self, event: SecondEvent, now: float) -> list[AnyCommand]:
        """News of their leg. How long the carrier bills it for counts, whatever has become of it."""
        commands: list[AnyCommand] = []
        if isinstance(event, ev.LegReported) and event.duration is not None and event.status in _OVER:
            commands += self._bill.settle(event.duration, event.leg)
        return commands + self._handover.receive(event, self._media.read(now), now)

    def ring_at_once(self, held: float, now: float) -> list[AnyCommand]:
        """A person is there after a hold of `held` media s, and our user wants to speak to them: no session is waited
        for."""
        human = self._human
        if human is None or human.when != "returns" or held < self._policy.ring_after_hold or not self._may_ring:
            return []
        self._talk.sayings.say(["putting_through"], self._media.at)
        self._talk.context.happened(_PUTTING_THROUGH)
        return self._ring(human.number, "a person is back", now)

    def ring_as_asked(self, call: ev.ToolCalled, reason: str, to: str, now: float, *, up: bool) -> list[AnyCommand]:
        """The agent has asked for them. `up`: the other side is there to be kept on the line."""
        if not (up and self._may_ring):
            why = "they are being called already" if not self._handover.free else "there is no money left for it"
            return self._talk.answer_tool(call, refusal(why), respond=True, now=now)
        commands = self._talk.answer_tool(call, _RINGING, respond=False, now=now)
        commands += self._talk.make_phrase(WHISPER, f"They are on the line: {reason[:MAX_WHISPER]}")
        return commands + self._ring(to, f"asked: {reason}", now)

    def ask(self, call: ev.ToolCalled, request: TransferCall, now: float, *, up: bool) -> list[AnyCommand]:
        """Somebody else is to take the call over, and is asked first. `up`: as above."""
        if not (up and self._may_ring):
            why = "somebody is being called already" if not self._handover.free else "there is no money left for it"
            return self._talk.answer_tool(call, refusal(why), respond=True, now=now)
        commands = self._talk.answer_tool(call, _ASKED, respond=False, now=now)
        commands += self._talk.make_phrase(WHISPER, f"{request.announcement} {TAKE_IT[self._language]}")
        self._outcome = Outcome(text=f"Transferred to {request.to}: {request.reason}", reason=request.reason)
        return commands + self._handover.ask(request.to, f"transfer: {request.reason}", self._media.read(now), now)

    def settle(self, now: float) -> Iterator[acts.Step]:
        """What has become of them in the meantime, and what follows. Called after every event."""
        for news in self._handover.news:
            if news == "left":
                yield acts.End("success", self._handover.called)
                continue
            if news == "connected":
                if self._course.phase is Phase.RESUMING:
                    self._silence.over()
                yield from self._course.talk()
                yield from self._talk.playout.interrupt(self._line.stream)[0]
            talking = self._course.phase in (Phase.TALKING, Phase.RESUMING)
            yield from self._told(news, now, talking=talking)
        self._handover.news.clear()

    @property
    def _may_ring(self) -> bool:
        return self._handover.free and self._bill.another_fits(self._media.at)

    def _ring(self, to: str, why: str, now: float) -> list[AnyCommand]:
        whisper = self._talk.sayings.sound("whisper")
        return self._handover.ring(to, why, whisper, self._media.read(now), now)

    def _connected(self, at: float, now: float) -> list[AnyCommand]:
        if self._human is not None and self._human.agent == "stays":
            self._talk.context.happened(_STAYS)
            return self._handover.stay(at)
        self._talk.context.happened(_TAKEN_OVER)
        return self._talk.close("ended", now, at)

    def _told(self, news: News, now: float, *, talking: bool) -> list[AnyCommand]:
        """What became of them, and what the agent does then. `talking`: the other side is there to be told."""
        at = self._media.read(now)
        match news:
            case "connected" if self._handover.to_others:
                self._talk.context.happened(_TRANSFERRED)
                return [Tell(self._outcome), *self._talk.close("ended", now, at)]
            case "connected":
                return self._connected(at, now)
            case "absent":
                whom = "The one to whom you transfer" if self._handover.to_others else "The person you call for"
                why = f"{whom} could not be reached ({self._handover.why})."
                if talking:
                    return self._talk.take_over(why, _ALONE, now, at)
                self._talk.context.happened(why)
            case "left agent":
                return self._talk.take_over(_LEFT, _ALONE, now, at)
            case "recalled":
                return self._talk.take_over(_RECALLED, _SPEAK, now, at)
            case "left":
                pass
        return []
