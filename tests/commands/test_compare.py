"""What a call costs on every engine: by hand, by a call object and by a scenario."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from outwait.call.cost import CascadePrice, CharacterPrice, MinutePrice, Prices, TimePrice, TokenPrice, naive_hold
from outwait.cli import app
from outwait.commands.compare import Profile, Turn, bill, compare, of_call, of_scenario
from outwait.config import Settings
from outwait.errors import OutwaitError
from outwait.prices import PriceTable
from tests.sample_call import sample_call

LINE = {"line": MinutePrice(rate=0.018)}
TOKENS = TokenPrice(text_in=4, text_cached=0.4, text_out=24, audio_in=32, audio_cached=0.4, audio_out=64)
TODAY = datetime.date(2026, 11, 25)

# Two stretches of talk around ten minutes of hold. The person says 3 s, the agent 6 s; then 4 s and 2 s.
CALL = Profile(
    seconds=720.0,
    talk=(60.0, 60.0),
    holds=((0, 600.0),),
    turns=(Turn(0, 3.0, 6.0), Turn(0, 1.0, 2.0), Turn(1, 4.0, 2.0)),
)


def test_a_model_billed_by_time() -> None:
    meter = bill(CALL, Prices(model=TimePrice(rate=0.05), transcription=None, carrier=LINE))
    assert meter.carrier == 12 * 18_000
    assert meter.model == 100_000, "two minutes of talk"
    assert meter.without_parking - meter.total == 500_000, "ten minutes of hold"


def test_a_model_billed_by_tokens() -> None:
    meter = bill(CALL, Prices(model=TOKENS, transcription=TimePrice(rate=0.006), carrier=LINE))
    first = 1000 * 4 + 30 * 32 + 30 * 24 + 120 * 64
    # 1000 + 6 s * 5 text tokens, 900 of them cached; 30 + 120 + 10 audio tokens, 27 of them cached
    second = (1030 - 900) * 4 + 900 * 0.4 + (160 - 27) * 32 + 27 * 0.4 + 10 * 24 + 40 * 64
    # a new session: 12 s * 15 characters said before are 45 tokens
    third = 1045 * 4 + 40 * 32 + 10 * 24 + 40 * 64
    heard = 8.0 * 0.006 / 60 * 1e6
    assert meter.model == pytest.approx(first + second + third + heard, abs=3)
    held = naive_hold(TOKENS, 600.0, 1040, 200)  # with what the second answer left in the conversation
    assert meter.without_parking - meter.total == held


def test_a_cascade() -> None:
    parts = CascadePrice(
        text=TokenPrice(text_in=1, text_cached=0.1, text_out=2, audio_in=0, audio_cached=0, audio_out=0),
        speech=CharacterPrice(rate=0.00001),
    )
    meter = bill(CALL, Prices(model=parts, transcription=TimePrice(rate=0.006), carrier=LINE))
    first = 1011 * 1 + 30 * 2  # 3 s heard are 45 characters, 11 tokens
    second = (1045 - 910) * 1 + 910 * 0.1 + 10 * 2
    third = 1060 * 1 + 10 * 2
    spoken = 150 * 10
    heard = 8.0 * 0.006 / 60 * 1e6
    assert meter.model == pytest.approx(first + second + third + spoken + heard, abs=4)


def test_a_call_is_brought_down_to_what_costs_money() -> None:
    call = {
        "carrier": "twilio",
        "timeline": [
            {"kind": "talk", "start": 0.0, "end": 20.0},
            {"kind": "hold", "start": 20.0, "end": 320.0},
            {"kind": "talk", "start": 320.0, "end": 350.0},
        ],
        "transcript": [
            {"at": 1.0, "role": "human", "text": "x" * 30},
            {"at": 4.0, "role": "agent", "text": "x" * 60},
            {"at": 12.0, "role": "human", "text": "x" * 15},
            {"at": 100.0, "role": "announcement", "text": "x" * 900},
            {"at": 320.0, "role": "agent", "text": "x" * 90, "phrase": True},
            {"at": 321.0, "role": "human", "text": "x" * 15},
            {"at": 325.0, "role": "human", "text": "x" * 15},
            {"at": 330.0, "role": "agent", "text": "x" * 45},
        ],
    }
    assert of_call(call) == Profile(
        seconds=350.0,
        talk=(20.0, 30.0),
        holds=((0, 300.0),),
        turns=(Turn(0, 2.0, 4.0), Turn(0, 1.0, 0.0), Turn(1, 2.0, 3.0)),
    )


def test_a_call_that_was_not_answered() -> None:
    with pytest.raises(OutwaitError, match="not answered"):
        of_call({"timeline": []})


def test_the_scenario_of_the_demo() -> None:
    profile = of_scenario("hold25")
    assert profile.holds == ((0, 1500.0),)
    assert [turn.session for turn in profile.turns] == [0, 0, 1, 1]
    assert profile.seconds == pytest.approx(1500 + sum(profile.talk))


def test_every_priced_model_that_is_served_has_a_row() -> None:
    table = PriceTable.load()
    rows = compare(of_scenario("hold25"), table, Settings.load(), TODAY)
    named = {f"{row.engine}/{row.model}" for row in rows}
    for key, entry in table.models.items():
        served = entry.ends is None or entry.ends > TODAY
        assert (key in named or f"{key}/{key}" in named) == served, key
    assert any(row.engine == "cascade" for row in rows)
    assert [row.total_usd for row in rows] == sorted(row.total_usd for row in rows)
    for row in rows:
        assert row.total_usd == pytest.approx(row.carrier_usd + row.model_usd)
        assert row.total_usd <= row.without_parking_usd


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["cost", *arguments])


def test_it_is_shown_and_told_as_json(tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text(json.dumps(sample_call()))
    shown = run(str(path), "--compare")
    assert shown.exit_code == 0
    assert "gpt-realtime-2.1" in shown.output
    assert "it did cost" in shown.output
    told = json.loads(run(str(path), "--compare", "--json").output)
    assert told["billed"]["total_usd"] == sample_call()["cost"]["total_usd"]
    assert {"engine", "model", "total_usd", "without_parking_usd"} <= told["rows"][0].keys()
    assert json.loads(run("--compare", "--json").output)["billed"] is None
    assert json.loads(run("--scenario", "two_holds", "--json").output)["call"]["holds"]


def test_without_compare_it_is_the_calls_own_bill(tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text(json.dumps(sample_call()))
    assert "without parking" in run(str(path)).output
    assert json.loads(run(str(path), "--json").output) == sample_call()["cost"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [((), "CALL_JSON"), (("a.json", "--scenario", "x"), "not both"), (("nowhere.json",), "nowhere.json")],
)
def test_bad_input_is_one_clear_line(arguments: tuple[str, ...], word: str) -> None:
    done = run(*arguments)
    assert isinstance(done.exception, OutwaitError)
    assert word in str(done.exception)


def test_a_file_that_is_no_call(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    talk = '{"timeline": [{"kind": "talk", "start": 0, "end": 9}], '
    for text in ("[]", "{", "{}", '{"timeline": 3}', '{"timeline": ["x"], "cost": {}}', talk + '"cost": 1}'):
        path.write_text(text)
        assert isinstance(run(str(path), "--compare").exception, OutwaitError), text
        assert isinstance(run(str(path)).exception, OutwaitError), text
    assert isinstance(run("--scenario", "nowhere").exception, OutwaitError)
