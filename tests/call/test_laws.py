"""The laws, on whatever order events may come in: sensible, late, doubled, or never heard of."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.commands import AnyCommand
from outwait.call.cost import Usage
from outwait.call.events import AnyEvent, Trouble
from outwait.call.laws import LawBroken, Laws
from outwait.call.policy import Policy
from outwait.call.setup import Human
from outwait.testing import SILENCE, a_call, scored

SOUNDS = [{}, {"speech": 0.95, "live": 0.9}, {"music": 0.95}, {"tone": 0.9}, {"speech": 0.9, "repeated": 1.0}]

numbers = st.integers(1, 3)
troubles = st.sampled_from(Trouble)
responses = st.sampled_from(["r1", "r2", "r3"])
tool_calls = st.sampled_from(
    [
        ("hangup_call", '{"reason": "done", "outcome": "it ships"}'),
        ("hangup_call", '{"reason": '),
        ("wait_on_hold", '{"reason": "asked"}'),
        ("press_digits", '{"digits": "1#"}'),
        ("transfer_call", '{"to": "+12025550100", "reason": "x"}'),
        ("transfer_call", '{"to": "+12025550177", "reason": "x"}'),
        ("no_such_tool", "{}"),
    ]
)

events = st.one_of(
    st.just(ev.Begun()),
    st.just(ev.HangUpAsked()),
    st.just(ev.Restarted()),
    st.builds(ev.Dialled, st.just("CA1")),
    st.builds(ev.DialRefused, troubles, st.just("no")),
    st.builds(
        ev.LegReported,
        st.sampled_from(["queued", "initiated", "ringing", "in-progress", "completed", "busy", "failed", "nonsense"]),
        st.one_of(st.none(), st.integers(0, 5)),
        st.one_of(st.none(), st.integers(0, 600)),
    ),
    st.builds(ev.LegUnknown, st.booleans(), st.just("?")),
    st.builds(ev.StreamStarted, numbers),
    st.builds(ev.StreamStopped, numbers),
    st.builds(ev.StreamLost, numbers, st.sampled_from([1000, 1001, 1006])),
    st.builds(ev.Marked, numbers, st.sampled_from(["1:1600", "2:160", "x", "9:9", "1:"])),
    st.just(ev.HungUp()),
    st.builds(ev.HangUpFailed, troubles, st.just("503")),
    st.builds(ev.SessionOpened, numbers, st.one_of(st.none(), st.floats(0, 4000))),
    st.builds(ev.SessionClosed, numbers, st.one_of(st.none(), troubles), st.just(1006), st.just("")),
    st.builds(ev.PersonStarted, numbers),
    st.builds(ev.PersonStopped, numbers),
    st.builds(ev.PersonCommitted, numbers, st.sampled_from(["u1", "u2"])),
    st.builds(ev.PersonSaid, numbers, st.sampled_from(["u1", "u2"]), st.just("words"), st.just(Usage(seconds=2.0))),
    st.builds(ev.ResponseStarted, numbers, responses),
    st.builds(ev.AgentSpoke, numbers, responses, st.just("i1"), st.just(SILENCE * 30)),
    st.builds(ev.AgentWrote, numbers, responses, st.just("i1"), st.just("some words ")),
    st.builds(
        ev.ResponseEnded,
        numbers,
        responses,
        st.sampled_from(["completed", "cancelled", "failed", "incomplete"]),
        st.one_of(st.none(), st.just(Usage(text_in=500, audio_in=200, audio_out=100))),
    ),
    st.builds(lambda n, r, call: ev.ToolCalled(n, r, f"c-{r}", *call), numbers, responses, tool_calls),
    st.builds(ev.PhraseReady, st.just("resume"), st.just(SILENCE * 50)),
    st.builds(ev.PhraseFailed, numbers, st.just("resume"), st.just("no")),
    st.builds(ev.StreamStarted, st.just(9), st.sampled_from([2, 3])),
    st.builds(ev.StreamStopped, st.just(9)),
    st.builds(ev.StreamLost, st.just(9), st.just(1006)),
    st.builds(ev.Heard, st.just(9), st.just(0.5), st.just(SILENCE)),
    st.builds(ev.KeyHeard, st.just(9), st.just("*")),
    st.builds(ev.Dialled, st.just("CA2"), st.sampled_from([2, 3])),
    st.builds(ev.DialRefused, st.just(ev.Trouble.BUSY), st.just("503"), st.just(2)),
    st.builds(ev.LegReported, st.sampled_from(["in-progress", "completed", "busy"]), st.none(), st.none(), st.just(2)),
    st.builds(ev.LegUnknown, st.booleans(), st.just("x"), st.just(2)),
    st.builds(ev.HangUpFailed, st.just(ev.Trouble.BUSY), st.just("503"), st.just(2)),
    st.builds(ev.SessionComplained, numbers, st.just("x"), st.just("y")),
)

steps = st.one_of(
    events,
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 9.0, 70.0])),
    st.tuples(st.just("hear"), numbers, st.sampled_from([1.0, 8.0, 25.0]), st.sampled_from(SOUNDS)),
    st.just("answer"),
)

policies = st.sampled_from(
    [Policy(), Policy(park="gate"), Policy(max_cost_micro_usd=60_000), Policy(max_hold_seconds=30.0)]
)


class World:
    """Feeds a call, and answers it as a well-behaved world would when asked to."""

    def __init__(self, policy: Policy) -> None:
        human = Human(number="+12025550177")
        self.call = a_call(policy, phrases={"resume": "Hello, I'm here.", "budget": "Goodbye."}, human=human)
        self.laws = Laws(policy)
        self.now = 100.0
        self.at = 0.0
        self.todo: list[AnyCommand] = []
        self.finished = 0

    def feed(self, event: AnyEvent) -> None:
        commands = self.call.receive(event, self.now)
        self.laws.observe(event, commands, self.now)
        self.todo += commands
        self.finished += sum(isinstance(command, do.Finish) for command in commands)

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while (deadline := self.call.deadline()) is not None and deadline.at <= until:
            self.now = max(self.now, deadline.at)
            self.feed(ev.TimePassed())
        self.now = until

    def hear(self, stream: int, seconds: float, sound: dict[str, float]) -> None:
        for step in range(round(seconds / 0.2)):
            self.now += 0.2
            self.at += 0.2
            self.feed(ev.Heard(stream, round(self.at, 2), SILENCE * 10))
            self.feed(ev.EarScored(scored(round(self.at, 2), **sound)))
            if step % 5 == 0:
                self.wait(0.0)

    def answer(self) -> None:
        """What a good world says to the commands so far."""
        todo, self.todo = self.todo, []
        for command in todo:
            match command:
                case do.Dial(leg=leg):
                    self.feed(ev.Dialled(f"CA{leg}", leg))
                case do.HangUp(leg=leg):
                    self.feed(ev.HungUp(leg))
                    self.feed(ev.LegReported("completed", 9, 30, leg))
                case do.FetchLeg(leg=leg):
                    self.feed(ev.LegReported("completed", None, 30, leg))
                case do.Transfer():
                    self.feed(ev.HungUp())
                case do.VetNumber(number=number):
                    self.feed(ev.NumberVetted(number))
                case do.CloseStream(stream=stream):
                    self.feed(ev.StreamLost(stream, 1000))
                case do.OpenSession(session=session):
                    self.feed(ev.SessionOpened(session))
                case do.CloseSession(session=session):
                    self.feed(ev.SessionClosed(session, None, 1000, ""))
                case do.PlayMark(stream=stream, name=name):
                    self.feed(ev.Marked(stream, name))
                case _:
                    pass


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(policies, st.lists(steps, max_size=40))
def test_the_laws_hold_in_any_order_and_every_call_can_end(policy: Policy, order: list[object]) -> None:
    note(f"{policy.park} {order!r}")
    world = World(policy)
    world.feed(ev.Begun())
    for step in order:
        match step:
            case ("wait", float(seconds)):
                world.wait(seconds)
            case ("hear", int(stream), float(seconds), dict(sound)):
                world.hear(stream, seconds, sound)
            case "answer":
                world.answer()
            case event:
                world.feed(event)  # type: ignore[arg-type]
    world.feed(ev.HangUpAsked())
    for _ in range(60):
        if world.call.over:
            break
        world.answer()
        world.wait(3.0)
    assert world.call.phase == "ended", f"still {world.call.phase}, waiting for {world.call.deadline()}"
    assert world.finished == 1
    assert world.call.deadline() is None


def test_a_number_that_was_our_users_stream_may_be_the_companys_after_a_restart() -> None:
    laws = Laws(Policy())
    sound = [do.PlayAudio(2, b"x")]
    for event in (ev.StreamStarted(1), ev.StreamStarted(2, leg=2), ev.Restarted()):
        laws.observe(event, [], 0.0)
    with pytest.raises(LawBroken, match="second leg that is gone"):
        laws.observe(ev.TimePassed(), sound, 1.0)
    laws.observe(ev.StreamStarted(2), [], 2.0)
    laws.observe(ev.TimePassed(), sound, 3.0)
