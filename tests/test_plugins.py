"""Engines and carriers of others: found by name, checked, and good for a whole call."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from outwait import catalogue, plugins
from outwait.compose import desk_opener
from outwait.config import ConfigError, Settings
from outwait.testing.carrier import CarrierContract
from outwait.web.server import listening

TINY = Path(__file__).parent / "tiny"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TINY))
    monkeypatch.setenv("TINY_KEY", "k")


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.json"
    model = {"unit": "per_1M_tokens", "text_in": 1, "text_out": 2, "audio_in": 1, "audio_out": 2}
    minute = {"unit": "per_begun_minute", "rate": 0.01}
    where = {"source": "us", "date": "2026-11"}
    table = {
        "as_of": "2026-11-22",
        "models": {"tiny/tiny-1": model | where},
        "carriers": {"tinyline/us_outbound": minute | where},
    }
    path.write_text(json.dumps(table))
    return path


@pytest.mark.usefixtures("installed")
async def test_a_whole_call_on_both(tmp_path: Path, prices: Path) -> None:
    settings = Settings.load(
        port=0, engine="tiny", carrier="tinyline", prices=prices, database_url=f"sqlite:///{tmp_path / 'calls.db'}"
    )
    settings.check_server()
    kit = plugins.carrier("tinyline", os.environ)
    opener = desk_opener(settings, folder=tmp_path, kit=kit)
    async with listening(settings, opener, kit) as (url, _), httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        assert (await http.get("/tinyline/some/where")).text == f"/tinyline/some/where of {url}"
        assert (await http.post("/twilio/voice/x")).status_code == 404
        placed = await http.post("/v1/calls", json={"to": "+12025550143", "task": "Say hello."})
        assert placed.status_code == 201, placed.text
        call_id = placed.json()["id"]
        async with asyncio.timeout(60), http.stream("GET", f"/v1/calls/{call_id}/events") as news:
            async for _line in news.aiter_lines():
                pass
        record: dict[str, Any] = (await http.get(f"/v1/calls/{call_id}")).json()
    assert record["end_reason"] == {"result": "success", "cause": "hangup_call"}
    assert record["outcome"] == "They said hello."
    assert (record["carrier"], record["engine"], record["from"]) == ("tinyline", "tiny", "+12025550199")
    assert record["cost"]["carrier_usd"] == 0.01
    assert record["sessions"][0]["model"] == "tiny-1"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"engine": "broken"}, "the engine broken of tiny-outwait fails: RuntimeError: out of order"),
        ({"engine": "absent"}, "ModuleNotFoundError"),
        ({"engine": "wrongly_named"}, "calls itself 'tiny'"),
        ({"engine": "nobodys"}, "no engine 'nobodys'; there is: absent, azure"),
        ({"engine": "tiny"}, "no price for model 'tiny-1'"),
    ],
)
def test_what_is_wrong_with_one_is_one_clear_line(settings: dict[str, str], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        desk_opener(Settings.load(**settings))


@pytest.mark.usefixtures("installed")
def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINY_KEY")
    with pytest.raises(ConfigError, match="the engine tiny: TINY_KEY is not set"):
        catalogue.engines(Settings.load(engine="tiny"))


@pytest.mark.usefixtures("installed")
def test_nothing_is_imported_that_nobody_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "tiny_outwait", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert "openai" in catalogue.engines(Settings.load())
    assert "tiny_outwait" not in sys.modules


def test_a_carrier_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="no carrier 'tinyline'; there is: twilio"):
        plugins.carrier("tinyline", {})


@pytest.mark.usefixtures("installed")
def test_two_packages_with_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (other / "entry_points.txt").write_text("[outwait.engines]\ntiny = other:engine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="two packages offer the engine tiny: "):
        plugins.engine("tiny", os.environ)


# --- the suite that a package runs on its own ---------------------------------------------------


class TinyFar:
    to, from_, unknown = "+12025550143", "+12025550199", "leg99"

    def __init__(self, carrier: Any) -> None:
        self.carrier = carrier

    async def answer(self, leg: str) -> None:
        self.carrier.legs[leg].status = "in-progress"

    async def end(self, leg: str) -> None:
        pass


class TestTinyCarrier(CarrierContract):
    @pytest.fixture
    async def far(self, installed: None) -> AsyncIterator[TinyFar]:
        async with plugins.carrier("tinyline", os.environ).open("http://127.0.0.1:8080") as carrier:
            yield TinyFar(carrier)
