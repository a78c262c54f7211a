"""What the doctor finds, with a carrier and a model that answer as the test wants."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from outwait.commands.doctor import Finding, examine
from outwait.sim.engines import ENGINES, VOICE_LIVE_PRICES
from outwait.sim.scenario import load
from tests.answering import Answer, Asked, answering

SECRETS = ("carrier-secret", "model-secret", "api-secret")


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder without settings, a database of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/calls.db")


async def findings(monkeypatch: pytest.MonkeyPatch, answers: dict[str, Answer], **more: str) -> dict[str, Finding]:
    def answer(asked: Asked) -> Answer:
        found = next((answers[start] for start in answers if asked.path.startswith(start)), Answer(404))
        ahead = float(found.headers.get("ahead", "0"))
        return Answer(found.status, found.body, {"date": formatdate(time.time() + ahead, usegmt=True)})

    async with answering(answer) as (url, _):
        settings = {
            "TWILIO_ACCOUNT_SID": "AC1",
            "TWILIO_AUTH_TOKEN": SECRETS[0],
            "TWILIO_PHONE_NUMBER": "+12025550199",
            "OPENAI_API_KEY": SECRETS[1],
            "OUTWAIT_TWILIO_BASE_URL": url,
            "OPENAI_BASE_URL": f"{url}/v1",
            "OUTWAIT_PUBLIC_URL": url,
            "OUTWAIT_API_KEY": SECRETS[2],
        }
        for name, value in (settings | more).items():
            monkeypatch.setenv(name, value)
        found = [finding async for finding in examine()]
    assert not any(secret in finding.found + finding.todo for finding in found for secret in SECRETS)
    assert all(finding.todo for finding in found if finding.state == "fix")
    return {finding.what: finding for finding in found}


def account(status: int = 200, ahead: float = 0.0) -> Answer:
    """The carrier's answer; `ahead`: seconds that its clock is."""
    return Answer(status, b"{}", {"ahead": str(ahead)})


GOOD = {"/2010-04-01/Accounts/AC1.json": account(), "/v1/models/": Answer(), "/healthz": Answer()}


async def test_the_agents_are_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "doctors_shop.py").write_text("from outwait import Agent\nagent = Agent('shop')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = (await findings(monkeypatch, GOOD, OUTWAIT_AGENT="doctors_shop:agent"))["agents"]
    assert (found.state, found.found) == ("good", "shop with 0 tools")
    found = (await findings(monkeypatch, GOOD, OUTWAIT_AGENT="doctors_shop:nobody"))["agents"]
    assert (found.state, "nobody" in found.found) == ("fix", True)


async def test_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await findings(monkeypatch, GOOD)
    assert {finding.state for finding in found.values()} == {"good"}
    assert set(found) == {
        "settings", "server", "public URL", "engine", "ear", "database", "carrier", "clock", "model", "way in",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "answer", "what", "state", "words"),
    [
        ("/2010-04-01/Accounts/AC1.json", account(401), "carrier", "fix", "refuses"),
        ("/2010-04-01/Accounts/AC1.json", account(503), "carrier", "look", "503"),
        ("/2010-04-01/Accounts/AC1.json", account(ahead=3600), "clock", "fix", "behind"),
        ("/2010-04-01/Accounts/AC1.json", account(ahead=-3600), "clock", "fix", "ahead of"),
        ("/v1/models/", Answer(401), "model", "fix", "refuses OPENAI_API_KEY"),
        ("/v1/models/", Answer(404), "model", "fix", "there is no gpt-realtime-2.1"),
        ("/v1/models/", Answer(500), "model", "look", "500"),
        ("/healthz", Answer(502), "way in", "look", "502"),
    ],
)
async def test_one_thing_is_wrong(
    monkeypatch: pytest.MonkeyPatch, path: str, answer: Answer, what: str, state: str, words: str
) -> None:
    found = await findings(monkeypatch, GOOD | {path: answer})
    assert found[what].state == state
    assert words in found[what].found
    assert {name for name, finding in found.items() if finding.state != "good"} == {what}


async def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = "http://127.0.0.1:9"
    more = {"OUTWAIT_TWILIO_BASE_URL": dead, "OPENAI_BASE_URL": f"{dead}/v1", "OUTWAIT_PUBLIC_URL": dead}
    found = await findings(monkeypatch, {}, **more)
    states = {name: finding.state for name, finding in found.items() if finding.state != "good"}
    assert states == {"carrier": "fix", "model": "fix", "way in": "look"}
    assert "clock" not in found


async def test_settings_that_do_not_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await findings(monkeypatch, GOOD, OUTWAIT_ENGINE="azure")
    assert found["engine"].state == "fix"
    assert "AZURE_OPENAI_ENDPOINT" in found["engine"].found
    assert found["model"].state == "look"


@pytest.mark.parametrize("engine", sorted(set(ENGINES) - {"openai", "live", "local"}))
async def test_every_engine_is_asked(engine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Over its own wire: reachable, the key, the model."""
    far_end = ENGINES[engine]
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps(VOICE_LIVE_PRICES))
    async with far_end.make(load("silence_hold")) as model:
        settings = {"OUTWAIT_ENGINE": far_end.engine, "OUTWAIT_PRICES": str(prices), **far_end.settings(model)}
        found = await findings(monkeypatch, GOOD, **settings)
        assert found["engine"].state == found["model"].state == "good", found["model"]
        assert "was opened and closed" in found["model"].found
        model.key = "another one"
        refused = await findings(monkeypatch, GOOD, **settings)
        assert refused["model"].state == "fix"
        assert "refuses" in refused["model"].found
    gone = await findings(monkeypatch, GOOD, **settings)
    assert gone["model"].state == "fix"
    assert "can't be reached" in gone["model"].found


async def test_those_to_turn_to_are_asked_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await findings(
        monkeypatch, GOOD, OUTWAIT_FAILOVER="xai", XAI_API_KEY="k", OUTWAIT_XAI_BASE_URL="http://127.0.0.1:9"
    )
    assert found["model"].state == "good"
    assert found["model of xai"].state == "fix"


async def test_a_database_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = await findings(monkeypatch, GOOD, DATABASE_URL=f"sqlite:///{tmp_path}/file/calls.db")
    assert found["database"].state == "fix"
