"""What the agent wants by the tools that every agent has, and by its own: each is answered, and most of them done."""

from __future__ import annotations

from typing import assert_never

from outwait.call import acts, notes, tools
from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.call_back import CallBack
from outwait.call.clock import MediaClock
from outwait.call.commands import AnyCommand, Tell
from outwait.call.conversation import Conversation
from outwait.call.errands import Done, Errands
from outwait.call.keys import tones
from outwait.call.our_user import OurUser
from outwait.call.outcome import ResultDesk
from outwait.call.scout import Scout
from outwait.call.setup import Setup
from outwait.call.tools import OK, refusal


class Wishes:
    """Takes one tool call after the other."""

    def __init__(
        self,
        setup: Setup,
        media: MediaClock,
        talk: Conversation,
        errands: Errands,
        call_back: CallBack,
        scout: Scout,
        our_user: OurUser,
    ) -> None:
        self._media = media
        self._talk = talk
        self._errands = errands
        self._call_back = call_back
        self._scout = scout
        self._our_user = our_user
        self._results = ResultDesk(setup.outcome_schema, setup.policy.result_tries)
        self._vetting: dict[str, tuple[ev.ToolCalled, tools.TransferCall]] = {}  # numbers that are being asked about

    def called(self, call: ev.ToolCalled, now: float, *, talking: bool, up: bool) -> list[acts.Step]:
        """`talking`: somebody is there to be answered; `up`: the line is."""
        if call.name in self._errands.specs:
            begun = self._errands.begin(call, now, self._media.read(now))
            return [*(self.errand_done(begun, now, talking=talking) if isinstance(begun, Done) else begun)]
        request = tools.read_call(call.name, call.arguments, self._errands.specs)
        match request:
            case tools.Mistake(text=text):
                return [*self._refuse(call, text, now)]
            case tools.HangUpCall():
                return self._hang_up(call, request, now)
            case tools.WaitOnHold(reason=reason):
                return [*self._agree(call, now), acts.Wait(f"the agent waits: {reason}")]
            case tools.PressDigits(digits=digits):
                self._scout.pressed(digits)
                self._talk.playout.phrase("", tones(digits), kind="keys")
                return [*self._agree(call, now)]
            case tools.ExpectCallBack(reason=reason):
                if not self._call_back.allowed:
                    return [*self._refuse(call, "this task can't wait to be called back", now)]
                return [*self._agree(call, now), acts.Promise(reason)]
            case tools.TransferCall(to=to, reason=reason):
                if self._our_user.is_at(to):
                    return [*self._our_user.ring_as_asked(call, reason, to, now, up=up)]
                return [*self._transfer(call, request, now)]
            case _:
                assert_never(request)

    def errand_done(self, done: Done, now: float, *, talking: bool) -> list[AnyCommand]:
        """A tool of the agent's own is back. On hold its answer waits in the context."""
        call, at = done.errand.call, self._media.read(now)
        ran = notes.ToolRan(at=at, name=call.name, how=done.how, seconds=at - done.errand.began)
        respond = not self._errands.together(call)
        return [Tell(ran), *self._talk.tool_came_back(call, done.output, respond=respond, talking=talking, now=now)]

    def vetted(self, event: ev.NumberVetted, now: float, *, up: bool) -> list[acts.Step]:
        """The house's rules have been asked about a number. `up`: the line is."""
        call, request = self._vetting.pop(event.number, (None, None))
        if call is None or request is None:
            return []
        if event.refusal:
            return [*self._refuse(call, event.refusal, now)]
        if request.announcement:
            return [*self._our_user.ask(call, request, now, up=up)]
        outcome = notes.Outcome(text=f"Transferred to {request.to}: {request.reason}", reason=request.reason)
        return [
            *self._agree(call, now),
            Tell(outcome),
            acts.End("success", "transferred", polite=True, transfer=request.to),
        ]

    def _hang_up(self, call: ev.ToolCalled, request: tools.HangUpCall, now: float) -> list[acts.Step]:
        said = self._talk.playout.spoke(call.session, call.response) or self._results.goodbye_said
        outcome = self._results.take(request, said=said)
        if isinstance(outcome, tools.Mistake):
            return [*self._refuse(call, outcome.text, now)]
        ended = acts.End("success", "hangup_call", polite=True, goodbye=not said)
        return [*self._agree(call, now), Tell(outcome), ended]

    def _transfer(self, call: ev.ToolCalled, request: tools.TransferCall, now: float) -> list[AnyCommand]:
        """To somebody else: the house's rules are asked first."""
        if request.to in self._vetting:
            return self._refuse(call, "that number is being asked for already", now)
        self._vetting[request.to] = (call, request)
        return [do.VetNumber(request.to)]

    def _agree(self, call: ev.ToolCalled, now: float) -> list[AnyCommand]:
        return self._talk.answer_tool(call, OK, respond=False, now=now)

    def _refuse(self, call: ev.ToolCalled, why: str, now: float) -> list[AnyCommand]:
        return self._talk.answer_tool(call, refusal(why), respond=True, now=now)
