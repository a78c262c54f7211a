"""The description of the call object against what calls really look like."""

from __future__ import annotations

from typing import get_args

import pytest

from outwait.call import notes
from outwait.record import Record
from outwait.web.models import CallObject

from .desk import call_object

FULL = [
    notes.Status("queued"),
    notes.Phase(0.0, "dialing"),
    notes.Status("ringing", "CA1"),
    notes.Answered(),
    notes.Status("in-progress", "CA1"),
    notes.SessionNote(1, "opening", 0.0, "openai", "gpt"),
    notes.SessionNote(1, "open", 0.4, "openai", "gpt"),
    notes.Said(1.0, "human", "Hello"),
    notes.Said(2.0, "agent", "Hi", cut=True),
    notes.Phase(5.0, "holding"),
    notes.HoldBegan(5.0, "music"),
    notes.HoldPart(5.0, 9.0, "music"),
    notes.SessionNote(1, "closed", 6.0, "openai", "gpt", "hold"),
    notes.Said(7.0, "announcement", "Please hold"),
    notes.MaybeHuman(10.0, 9.5, 0.5, "speech"),
    notes.HoldWentOn(9.0, 12.0, True, "nobody"),
    notes.HoldEnded(20.0, 20.5, 0.9, "speech"),
    notes.Detached(21.0),
    notes.Attached(22.0),
    notes.SessionNote(2, "opening", 21.0, "openai", "gpt"),
    notes.SessionNote(2, "closed", 22.0, "openai", "gpt", "refused"),
    notes.Spent("response", "tokens", 100, 1000, False, 1000, 2000),
    notes.Outcome("done", "said so"),
    notes.CallBack(19.0, "promised", "within the hour"),
    notes.SecondLeg(20.0, 2, "dialing", "+12025550177", why="a person is back"),
    notes.Reacted(1.0, 0.3, 1.2, True, {"silence": 0.6}),
    notes.AnsweredBy(1.0, "person"),
    notes.CarrierJudged(1.5, "person"),
    notes.Queue(8.0, 3, 120),
    notes.MenuStep(8.0, "Press 1 to keep your place.", keys="1", why="the place is kept"),
    notes.KeyHeard(9.0, "5"),
    notes.ToolRan(20.0, "look_up", "timeout", 5.0),
    notes.HangUpStep(23.0, "rest_done"),
    notes.Ended(24.0, "success", "hangup_call", "completed", 1000, 2000),
]


@pytest.mark.parametrize("count", range(len(FULL) + 1))
def test_a_call_at_any_time_is_as_described(count: int) -> None:
    fold = Record("c1", to="+12025550143", from_="+12025550199", task="ask", created=1e9, metadata={"a": [1, None]})
    for note in FULL[:count]:
        fold.add(note, 1e9)
    call = fold.as_dict()
    CallObject.model_validate(call, strict=True)
    described = {field.alias or name for name, field in CallObject.model_fields.items()}
    assert call.keys() == described


def test_words_of_the_contract() -> None:
    assert {type(note) for note in FULL} == set(get_args(notes.AnyNote))
    CallObject.model_validate(call_object("c1"), strict=True)
