"""Our user's own telephone, end to end: rung when a person is back, connected, and ended exactly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from outwait.sim.mind import Mind, Plan, View
from outwait.sim.twilio_call import TwilioCall
from tests.e2e.house import House, house, the_laws_were_kept
from tests.e2e.test_calls import nothing_is_open
from tests.sim.program import virtual

DANA = "+12025550177"
TAKES_IT = """
about = "Takes the call, talks, and hangs up."
steps = [
  { ring = 0 },
  { pause = 3 },
  { say = "Hello, this is Dana speaking.", by = "colleague" },
  { pause = 11 },
  { hangup = true },
]
"""
IS_OUT = 'about = "Nobody takes it."\nsteps = [{ ring = 2 }, { refuse = "no-answer" }]'


def phone(house: House) -> TwilioCall:
    """Our user's leg."""
    return next(call for call in house.stage.carrier.calls.values() if call.to == DANA)


def company(house: House) -> TwilioCall:
    return next(call for call in house.stage.carrier.calls.values() if call.to != DANA)


def heard_by(house: House, call: TwilioCall) -> str:
    """The words that reached this telephone."""
    return str(house.stage.hearing.words(call.audio()[1]))


def everything_is_over(house: House) -> None:
    nothing_is_open(house)
    assert all(call.over for call in house.stage.carrier.calls.values())


@virtual
async def test_ring_my_human(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = {DANA: TAKES_IT}
    async with house("short_hold", tmp_path, monkeypatch, others=others) as here:
        record: dict[str, Any] = await here.whole_call(human={"number": DANA, "name": "Dana"})
        leg = record["second_legs"][-1]
        returned = [d for d in record["decisions"] if d["kind"] == "human_returned"][-1]
        assert leg["connected_at"] - returned["at"] <= 3.0
        assert leg["dialing_at"] - returned["at"] <= 0.5, "the session is not waited for"
        phrases = [line["at"] for line in record["transcript"] if line.get("phrase")]
        assert any(returned["onset"] <= at <= leg["connected_at"] for at in phrases), "they are not left in silence"
        assert "this is Dana speaking" in heard_by(here, company(here))
        assert "driver will be with you tomorrow" in heard_by(here, phone(here))
        assert record["end_reason"] == {"result": "success", "cause": "handed_over"}
        assert any("(leg " in item["what"] for item in record["cost"]["items"]), "the second leg is paid for"
        open_after = [s for s in record["sessions"] if s["closed_at"] > leg["connected_at"] + 2.0]
        assert open_after == [], "no session is paid for while two people talk"
        everything_is_over(here)
        await the_laws_were_kept(here)


@virtual
async def test_nobody_takes_it_and_the_agent_goes_on_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = {DANA: IS_OUT}
    async with house("short_hold", tmp_path, monkeypatch, others=others) as here:
        record: dict[str, Any] = await here.whole_call(human={"number": DANA, "name": "Dana"})
        leg = record["second_legs"][-1]
        assert (leg["answered_at"], leg["ended_because"]) == (None, "nobody answered")
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
        assert "tomorrow between ten and twelve" in record["outcome"]
        everything_is_over(here)
        await the_laws_were_kept(here)


class Transferring(Mind):
    """Transfers to the number of its task as soon as somebody speaks."""

    def answer(self, view: View) -> Plan:
        if view.out_of_band or "transfer_call" not in view.tools or not view.last("user"):
            return super().answer(view)
        if view.last("call") == "transfer_call":
            return Plan("I can't do that.", (("hangup_call", {"reason": "refused", "outcome": view.last("result")}),))
        to = re.findall(r"\+\d+", view.context)[-1]
        return Plan("I am connecting you.", (("transfer_call", {"to": to, "reason": "as asked"}),))


@pytest.mark.parametrize(
    ("to", "cause"), [("+12025550166", "transferred"), ("+19005550166", "hangup_call"), ("+44909879000", "hangup_call")]
)
@virtual
async def test_a_call_is_transferred(to: str, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house("silence_hold", tmp_path, monkeypatch) as here:
        here.stage.model.mind = Transferring()
        record: dict[str, Any] = await here.whole_call(task=f"Transfer whoever answers to {to}.")
        (call,) = here.stage.carrier.calls.values()
        assert record["end_reason"] == {"result": "success", "cause": cause}
        assert call.dialled == (to if cause == "transferred" else "")
        if cause == "transferred":
            assert record["outcome"] == f"Transferred to {to}: as asked"
            assert "I am connecting you." in heard_by(here, call)
        else:
            assert "not" in record["outcome"], "the agent is told why it may not"
        assert here.stage.model.open_sockets == 0
        assert all(stream.ended for stream in call.streams)
        await the_laws_were_kept(here)


TAKES_OVER = """
about = "Hears what it is about, presses 1, talks, and hangs up."
steps = [
  { ring = 0 },
  { pause = 14 },
  { press = "1" },
  { pause = 2 },
  { say = "Hello, this is Dana speaking.", by = "colleague" },
  { pause = 8 },
  { hangup = true },
]
"""
DECLINES = 'about = "Has no time."\nsteps = [{ ring = 0 }, { pause = 6 }, { press = "2" }, { pause = 20 }]'


WAITS = """
about = "Says hello and waits for whoever they are connected with."
steps = [
  { ring = 1 },
  { say = "Good morning, Northwind Parcels, this is Sam speaking. How can I help you?" },
  { listen = 12, quiet = 1.0 },
  { pause = 60 },
]
"""


class Announcing(Mind):
    """Has the one at the number of its task asked, and goes on alone when they do not take it."""

    def answer(self, view: View) -> Plan:
        if view.out_of_band or "transfer_call" not in view.tools or not view.last("user"):
            return super().answer(view)
        if "could not be reached" in view.context or "could not be reached" in view.instructions:
            gone = {"reason": "not taken", "outcome": "They did not take the call."}
            return Plan("They can't come to the telephone. Goodbye.", (("hangup_call", gone),))
        if view.last("call") == "transfer_call":
            return Plan("One moment please.")
        asked = {"to": DANA, "reason": "as asked", "announcement": "I have Northwind Parcels on the line."}
        return Plan("I am connecting you.", (("transfer_call", asked),))


@pytest.mark.parametrize(("phone_does", "cause"), [(TAKES_OVER, "transferred"), (DECLINES, "hangup_call")])
@virtual
async def test_who_is_to_take_a_call_over_is_asked_first(
    phone_does: str, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {DANA: phone_does}
    waits = tmp_path / "waits.toml"
    waits.write_text(WAITS)
    async with house(str(waits), tmp_path, monkeypatch, others=others) as here:
        here.stage.model.mind = Announcing()
        record: dict[str, Any] = await here.whole_call(task=f"Transfer whoever answers to {DANA}.")
        assert record["end_reason"] == {"result": "success", "cause": cause}
        leg = record["second_legs"][-1]
        if cause == "transferred":
            assert record["outcome"] == f"Transferred to {DANA}: as asked"
            assert leg["connected_at"] - leg["answered_at"] >= 10.0, "not before they take it"
            assert "this is Dana speaking" in heard_by(here, company(here))
            assert record["cost"]["estimated"] is False, "both legs are ours to the end"
        else:
            assert (leg["connected_at"], leg["ended_because"]) == (None, "they declined")
            assert record["outcome"] == "They did not take the call."
            assert "They can't come to the telephone" in heard_by(here, company(here))
        assert len(phone(here).audio()[1].replace(b"\xff", b"")) > 8000, "they are told what it is about"
        everything_is_over(here)
        await the_laws_were_kept(here)


CALLS_IT_BACK = """
about = "Takes the call, asks the agent back, and leaves it to the agent."
steps = [
  { ring = 0 },
  { pause = 8 },
  { press = "*" },
  { pause = 6 },
  { hangup = true },
]
"""
STAYS_ON = """
about = "A short hold, and somebody who tells the news late."
task = "Find out when parcel four seven one two will be delivered."
steps = [
  { ring = 1 },
  { say = "Good morning, Northwind Parcels, this is Sam speaking. How can I help you?" },
  { listen = 12 },
  { say = "Sure, let me look that up for you. Please hold." },
  { pause = 3 },
  { hold = "0:30", sound = "silence", every = 0 },
  { say = "Hello, thanks for holding. Are you still there?" },
  { pause = 24 },
  { say = "Your parcel left the depot this morning. The driver will be with you tomorrow between ten and twelve. Is there anything else?" },
  { wait = 30 },
]
"""  # noqa: E501


class AskedBack(Mind):
    """Says that it is back, and goes on when it is left alone."""

    def answer(self, view: View) -> Plan:
        if "has asked you back" in view.request:
            return Plan("I am back. What can I do?")
        if "has left the line" in view.request:
            return Plan("They have left. When will the parcel be delivered?")
        return super().answer(view)


@pytest.mark.parametrize("agent", ["leaves", "stays"])
@virtual
async def test_the_agent_stays_or_comes_back_when_it_is_asked(
    agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company_file = tmp_path / "stays_on.toml"
    company_file.write_text(STAYS_ON)
    others = {DANA: CALLS_IT_BACK}
    async with house(str(company_file), tmp_path, monkeypatch, others=others) as here:
        here.stage.model.mind = AskedBack()
        human = {"number": DANA, "name": "Dana", "agent": agent}
        record: dict[str, Any] = await here.whole_call(human=human)
        leg = record["second_legs"][-1]
        assert leg["together_at"] is not None
        back = [s for s in record["sessions"] if s["opened_at"] > leg["connected_at"]]
        if agent == "leaves":
            assert back, "a session is opened for the agent who is asked back"
            assert "I am back" in heard_by(here, phone(here)), "all three hear each other"
            assert leg["together_at"] > leg["connected_at"] + 2.0, "it was away until then"
        else:
            assert leg["together_at"] == pytest.approx(leg["connected_at"], abs=0.5)
        assert "tomorrow between ten and twelve" in record["outcome"], "it goes on when it is left alone"
        assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
        everything_is_over(here)
        await the_laws_were_kept(here)
