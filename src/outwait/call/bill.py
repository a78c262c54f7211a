"""What sessions and legs cost, line by line as it is told, and whether the cap can pay what is to come."""

from __future__ import annotations

from outwait.call import events as ev
from outwait.call import notes
from outwait.call.call_back import CallBack
from outwait.call.commands import AnyCommand, Tell
from outwait.call.cost import Item, Meter
from outwait.call.events import SessionEvent
from outwait.call.handover import HandOver
from outwait.call.policy import Policy


def spent(meter: Meter, items: list[Item]) -> list[AnyCommand]:
    """New lines of the bill, told."""
    return [
        Tell(
            notes.Spent(
                what=item.what,
                units=item.units,
                quantity=item.quantity,
                micro_usd=item.micro_usd,
                estimated=item.estimated,
                total_micro_usd=meter.total,
                without_parking_micro_usd=meter.without_parking,
            )
        )
        for item in items
    ]


def told(event: SessionEvent, meter: Meter) -> list[AnyCommand]:
    """What news of a session costs; that of an old one, too, which may bring its bill late."""
    match event:
        case ev.SessionUsed(session=session, seconds=seconds, estimated=estimated):
            return spent(meter, meter.count_session(session, seconds, estimated=estimated))
        case ev.ResponseBilled(usage=usage):
            return spent(meter, meter.count_response("response", usage))
        case ev.ResponseEnded(usage=usage) if usage is not None:
            return spent(meter, meter.count_response("response", usage))
        case ev.PersonSaid(usage=usage) if usage is not None:
            return spent(meter, meter.count_transcript(usage))
        case ev.PhraseMade(usage=usage) | ev.PhraseFailed(usage=usage) if usage is not None:
            return spent(meter, meter.count_phrase(usage))
    return []


class LineBill:
    """Of the leg to the company, or the one that came back in its place, and of our user's."""

    def __init__(self, meter: Meter, policy: Policy, call_back: CallBack, handover: HandOver) -> None:
        self._meter = meter
        self._wrap_up = policy.wrap_up_seconds  # s that each leg needs to be brought to its end
        self._judged = policy.carrier_judges
        self._call_back = call_back
        self._handover = handover

    def answered(self) -> list[AnyCommand]:
        """The first minute has begun, and the carrier, if it is asked to, finds out who answered."""
        judged = self._meter.count_judgement() if self._judged else []
        return spent(self._meter, self._meter.count_line(0.0) + judged)

    def runs(self, at: float) -> list[AnyCommand]:
        """The line has gone on to media second `at`."""
        up = at - self._call_back.line_from
        commands = spent(self._meter, self._meter.count_line(up, self._call_back.line))
        second = self._handover.second
        if second is not None and second.answered:
            commands += spent(self._meter, self._meter.count_line(second.clock.at, second.number))
        return commands

    def settle(self, billed_seconds: int, leg: int = 1) -> list[AnyCommand]:
        """The carrier has said how long a leg was."""
        leg = self._call_back.line if leg == 1 else leg
        return spent(self._meter, self._meter.settle_line(billed_seconds, leg))

    def fits(self, at: float) -> bool:
        """The cap can still pay one more response, and the legs until they are brought to their end."""
        legs = [self._first(at)]
        second = self._handover.second
        if second is not None and second.answered:
            legs.append((second.number, second.clock.at + self._wrap_up))
        return self._meter.line_fits(*legs) and self._meter.next_response_fits()

    def another_fits(self, at: float) -> bool:
        """It can pay one more leg."""
        return self._meter.line_fits(self._first(at), (self._handover.next_leg, self._wrap_up))

    def _first(self, at: float) -> tuple[int, float]:
        return self._call_back.line, at - self._call_back.line_from + self._wrap_up
