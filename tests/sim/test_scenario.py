"""Scenario files: all that come with the package load, and mistakes are named."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from outwait.sim import scenario, steps
from outwait.sim.person import pieces_of
from outwait.sim.scenario import Hold, Ring, Say, ScenarioError


@pytest.mark.parametrize("name", [*scenario.names(), *scenario.companies()])
def test_every_scenario_loads(name):
    found = scenario.load(name)
    assert found.name == name
    assert found.about.endswith(".")
    assert isinstance(found.steps[0], Ring)


def test_the_demo_holds_for_25_minutes():
    (hold,) = [step for step in scenario.load("hold25").steps if isinstance(step, Hold)]
    assert hold.hold == 1500
    assert len(hold.announce) == 2


def test_all_that_were_promised_are_there():
    gone = {f"remote_hangup_{when}" for when in ("dialling", "opening", "talking", "on_hold", "resuming", "ending")}
    kinds = {"hold25", "short_hold", "silence_hold", "announcement_hold", "no_tool_music", "busy", "no_answer"}
    assert gone | kinds | {"two_holds", "model_refused", "model_vanishes", "model_stalls"} <= set(scenario.names())


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'about = "x"\nsteps = [{ ring = 1 }, { say = "Hi", file = "hi.wav" }, { hold = "0:10", sound = "a.wav" }]'
    )
    found = scenario.load(path)
    assert found.steps[1] == Say("Hi", file="hi.wav")
    assert found.name == "mine"
    assert pieces_of(found) == [("a.wav", tmp_path)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("steps =", "x: "),
        ("about = 'x'", "steps is missing"),
        ("about = 'x'\nsteps = [{ sing = 1 }]", "step 1: no such verb 'sing'"),
        ("about = 'x'\nsteps = [{ ring = 1, loud = 2 }]", "no such option 'loud'"),
        ("about = 'x'\nsteps = [{ ring = 'soon' }]", "neither seconds"),
        ("about = 'x'\nsteps = [{ say = 5 }]", "is not str"),
        ("steps = [{ ring = 1 }]", "about"),
        ("about = 'x'\ncolour = 1\nsteps = [{ ring = 1 }]", "no such option 'colour'"),
        ("about = 'x'\npace = 3\nsteps = [{ ring = 1 }]", "pace: not a table"),
    ],
)
def test_mistakes_are_named(text, says):
    with pytest.raises(ScenarioError, match=says):
        scenario.parse(text, "x")


def test_unknown_names_and_files(tmp_path):
    with pytest.raises(ScenarioError, match=r"there are: .*hold25"):
        scenario.load("nothing")
    with pytest.raises(ScenarioError, match="No such file"):
        scenario.load(tmp_path / "none.toml")


def test_paces():
    text = "about = 'x'\npace = { talk = 2, hold = 'fast', announce = 10 }\nsteps = [{ ring = 1 }]"
    assert scenario.parse(text, "x").pace == scenario.Pace(2.0, scenario.FAST, 10.0)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('steps = [{ menu = "main" }]', "there is no menu 'main'"),
        ('steps = [{ go = "there" }]', "steps: there is no part 'there'"),
        ('steps = [{ hold = 10, prompts = ["keep"] }]', "there is no prompt 'keep'"),
        ('steps = [{ go = "a" }]\n[parts]\na = []', "parts.a: not a list of steps"),
        ('steps = [{ menu = "m" }]\n[menus.m]\nsay = "Hi"\nkeys = { "1" = "b" }', "menus.m: there is no part 'b'"),
        ('steps = [{ menu = "m" }]\n[menus.m]\nsay = "Hi"\nkeys = 3', "not a table of names"),
        ('steps = [{ menu = "m" }]\nmenus = 3', "menus: not a table"),
        ('steps = [{ hold = 9, prompts = ["p"] }]\n[prompts.p]\nsay = "Hi"\nwhat = 1', "no such option 'what'"),
    ],
)
def test_a_wrong_company_is_told_where(text, error):
    with pytest.raises(ScenarioError, match=error):
        scenario.parse(f'about = "x"\n{text}', "x")


def test_every_key_of_a_file_is_described():
    page = (Path(__file__).parents[2] / "docs/scenarios.md").read_text(encoding="utf-8")
    kinds = [*steps.VERBS.values(), scenario.Menu, scenario.Prompt, scenario.Scenario]
    named = {entry.name for kind in kinds for entry in fields(kind)} - {"name", "folder"}
    for name in named:
        assert f"`{name}`" in page, name
    examples = re.findall(r"```toml\n(.*?)```", page, re.S)
    assert [scenario.parse(text, "page").about for text in examples]
