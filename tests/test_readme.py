"""The documents keep up with the program: every command, flag, setting, event and field has its line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer.main
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from outwait.call import cost, notes, states
from outwait.cli import app
from outwait.config import Settings
from outwait.web.models import CallCreate
from tests.sample_call import sample_call

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
API = (ROOT / "docs/api.md").read_text(encoding="utf-8")
MONEY = (ROOT / "docs/money.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def commands(group: Any = None, before: str = "") -> dict[str, Any]:
    """All commands by name; those of a group as `group command`."""
    found: dict[str, Any] = {}
    for name, command in (group or typer.main.get_command(app)).commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, f"{before}{name} ")
        else:
            found[before + name] = command
    return found


def environment_names() -> list[str]:
    names: list[str] = []
    for name, field in Settings.model_fields.items():
        alias: Any = field.validation_alias
        names += list(alias.choices) if alias is not None else [f"OUTWAIT_{name.upper()}"]
    return names


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_and_flag_has_its_line(name: str) -> None:
    line = next(line for line in section(README, "Commands").splitlines() if f"`outwait {name}" in line)
    for parameter in commands()[name].params:
        for flag in parameter.opts if parameter.param_type_name == "option" else ():
            assert flag in line or flag in ("-h", "--help"), flag


def test_every_refusal_has_its_line() -> None:
    """Codes are words that programs match: none may be sent that is not documented."""
    sources = [
        ROOT / "src/outwait" / name
        for name in (
            "house/guard.py",
            "rules/numbers.py",
            "house/switchboard.py",
            "house/courier.py",
            "house/placing.py",
            "store/sql.py",
        )
    ]
    found = {
        code
        for source in [*sources, ROOT / "src/outwait/store/sql.py", *(ROOT / "src/outwait/web").glob("*.py")]
        for code in re.findall(r'(?:Refused|OverQuota)\(\s*"([a-z_]+)"', source.read_text(encoding="utf-8"))
    }
    assert {"country_not_allowed", "spend_limit", "satellite_number"} <= found
    for code in found:
        assert f"`{code}`" in section(API, "Placing a call") or code == "already_ended", code


def test_no_line_for_a_command_that_is_not_there() -> None:
    lines = re.findall(r"`outwait ([a-z]+(?: [a-z]+)?)", section(README, "Commands"))
    assert sorted(lines) == sorted(commands())


@pytest.mark.parametrize("name", environment_names())
def test_every_setting_has_its_line(name: str) -> None:
    assert f"`{name}`" in section(README, "Settings")


def test_no_line_for_a_setting_that_is_not_there() -> None:
    named = re.findall(r"`([A-Z]+_[A-Z_]+)`", section(README, "Settings"))
    assert set(named) == {*environment_names(), "OUTWAIT_SERVER"}


@pytest.mark.parametrize("note", list(notes.Note.__subclasses__()), ids=lambda note: note.__name__)
def test_every_event_has_its_line(note: type[notes.Note]) -> None:
    kind = note.__struct_config__.tag
    line = next(line for line in section(API, "Events").splitlines() if re.match(rf"\| .*`{kind}`.* \|", line))
    for field in msgspec.structs.fields(note):
        assert f"`{field.name}`" in line


def test_every_field_of_a_wish_has_its_line() -> None:
    for name, field in CallCreate.model_fields.items():
        assert f"| `{field.alias or name}` |" in section(API, "Placing a call")


def test_every_field_of_the_call_object_has_its_line() -> None:
    text = section(API, "The call object")
    call = sample_call()
    for field in call:
        assert f"`{field}`" in text
    for name in ("sessions", "failed_sessions"):
        for field in call[name][0] if call[name] else ():
            assert f'"{field}"' in text
    for field in {key for decision in call["decisions"] for key in decision} - {"kind"}:
        assert f"`{field}`" in text
    for field in call["cost"]:
        assert f"`{field}`" in text


def test_the_formula_is_that_of_the_code() -> None:
    text = section(MONEY, "Without parking")
    for words in (
        f"each full {cost.NAIVE_PERIOD:g} s of hold",
        f"{cost.NAIVE_PERIOD:g} s * {cost.NAIVE_COMMITTED * 100:g} % * {cost.USER_TOKENS} tokens/s",
        f"{cost.NAIVE_CACHED * 100:g} % of the text and audio",
        f"{cost.NAIVE_REPLY:g} s * ({cost.TEXT_TOKENS} tokens/s * text_out + {cost.AGENT_TOKENS} tokens/s * audio_out)",
    ):
        assert words in text


def test_the_two_commands_are_what_run_and_ci_do() -> None:
    runner = (ROOT / "run").read_text(encoding="utf-8")
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    for task in ("demo", "test"):
        assert f"\npython3 run {task}\n" in README
        assert f'task == "{task}"' in runner
        assert f"python3 run {task}" in ci


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_readme_leads_to_every_page() -> None:
    for page in sorted((ROOT / "docs").glob("*.md")):
        assert f"(docs/{page.name})" in README


def test_what_we_ask_for_is_pinned_to_a_version_within_its_bounds() -> None:
    pinned: dict[str, str] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[a-z0-9.-]+==[0-9][a-z0-9.]*", line), line
        name, _, version = line.partition("==")
        pinned[name] = version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement
    assert "uv" in pinned


def mermaid(table: dict[Any, frozenset[Any]]) -> str:
    """A state diagram of a table of legal edges."""
    order = list(type(next(iter(table))))  # as the states are written down
    edges = [f"    {old.value} --> {new.value}" for old in order for new in order if new in table[old]]
    last = [f"    {state.value} --> [*]" for state in order if not table[state]]
    names = [f"    {state.value.replace('-', '_')}: {state.value}" for state in order if "-" in state.value]
    lines = [f"    [*] --> {order[0].value}", *edges, *last]
    return "\n".join(["stateDiagram-v2", *names, *(re.sub(r"(?<=\w)-(?=\w)", "_", line) for line in lines)])


@pytest.mark.parametrize("table", [states.PHASE, states.LEG, states.SESSION], ids=["phase", "leg", "session"])
def test_the_pictures_are_drawn_from_the_tables(table: dict[Any, frozenset[Any]]) -> None:
    picture = mermaid(table)
    assert picture in (ROOT / "docs/states.md").read_text(encoding="utf-8"), picture


def test_what_holds_each_guard_is_there() -> None:
    table = (ROOT / "SECURITY.md").read_text(encoding="utf-8").partition("## What holds each guard")[2]
    named = re.findall(r"`([a-z0-9_/]+\.py)?::(\w+)`", table)
    assert len(named) > 50
    file = ""
    for path, test in named:
        file = path or file
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), f"{file}::{test}"
