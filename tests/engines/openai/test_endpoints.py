"""Where engines connect to, and what is told of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from outwait.engines.base import Engine
from outwait.engines.openai import azure_engine, endpoints, openai_engine
from outwait.engines.openai.engine import AZURE_SESSION_SECONDS, OPENAI_SESSION_SECONDS
from outwait.engines.openai.frames import Dialect


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.openai.com/v1", "wss://api.openai.com/v1/realtime?model=m%2F1"),
        ("http://127.0.0.1:9101/v1", "ws://127.0.0.1:9101/v1/realtime?model=m%2F1"),
        ("http://127.0.0.1:9101/v1/", "ws://127.0.0.1:9101/v1/realtime?model=m%2F1"),
        ("wss://proxy.example/deep/path", "wss://proxy.example/deep/path/realtime?model=m%2F1"),
        ("http://[::1]:9101", "ws://[::1]:9101/realtime?model=m%2F1"),
    ],
)
def test_openai_urls(base: str, url: str) -> None:
    endpoint = endpoints.openai("k", "m/1", base)
    assert endpoint.url == url
    assert endpoint.headers == {"Authorization": "Bearer k"}
    assert endpoint.dialect is Dialect.GA


@pytest.mark.parametrize("suffix", ["", "/", "/openai", "/openai/v1/"])
def test_azure_urls(suffix: str) -> None:
    v1 = endpoints.azure("https://res.openai.azure.com" + suffix, "k", "my dep")
    assert v1.url == "wss://res.openai.azure.com/openai/v1/realtime?model=my%20dep"
    assert (v1.dialect, v1.headers) == (Dialect.GA, {"api-key": "k"})
    preview = endpoints.azure("http://127.0.0.1:9" + suffix, "k", "my dep", "2024-10-01-preview")
    assert preview.url == "ws://127.0.0.1:9/openai/realtime?api-version=2024-10-01-preview&deployment=my%20dep"
    assert (preview.dialect, preview.headers) == (Dialect.BETA, {"api-key": "k"})


@pytest.mark.parametrize("version", [None, "", "  "])
def test_no_version_is_v1(version: str | None) -> None:
    assert "/openai/v1/" in endpoints.azure("https://h", "k", "d", version).url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com",
        "ftp://h",
        "https://",
        "https://user:pw@h/v1",
        "http://h:port",
        "http://[::1",
        "https://" + "a" * 70,
    ],
)
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match="https://host/path"):
        endpoints.openai("k", "m", url)
    with pytest.raises(ValueError, match="https://host/path"):
        endpoints.azure(url, "k", "d")


@pytest.mark.parametrize("key", ["", " ", "a\r\nHost: evil", "kéy"])
def test_keys_that_are_none_are_not_repeated(key: str) -> None:
    with pytest.raises(ValueError, match="key") as told:
        endpoints.openai(key, "m")
    assert not key.strip() or key not in str(told.value)


def test_names_must_be_given() -> None:
    with pytest.raises(ValueError, match="model"):
        endpoints.openai("k", " ")
    with pytest.raises(ValueError, match="deployment"):
        endpoints.azure("https://h", "k", "")


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]", True),
        ("http://10.0.0.1", False),
        ("https://h.example", False),
    ],
)
def test_loopback(url: str, loopback: bool) -> None:
    assert endpoints.openai("k", "m", url).loopback is loopback


def test_secrets_are_not_shown() -> None:
    for endpoint in (endpoints.openai("hush-hush", "m"), endpoints.azure("https://h", "hush-hush", "d")):
        assert "hush" not in repr(endpoint)


def test_engines_tell_what_they_can() -> None:
    engine = openai_engine(api_key="k", model="gpt-realtime-2.1")
    told = engine.capabilities
    assert (told.name, told.model, told.billing, told.makes_phrases) == ("openai", "gpt-realtime-2.1", "tokens", True)
    assert told.max_session_seconds == OPENAI_SESSION_SECONDS
    azure = azure_engine(endpoint="https://h", api_key="k", deployment="d", model="gpt-realtime-2.1")
    assert azure.capabilities.name == "azure"
    assert azure.capabilities.model == "gpt-realtime-2.1"
    assert azure.capabilities.max_session_seconds == AZURE_SESSION_SECONDS


def test_manners() -> None:
    def manner(engine: Engine) -> tuple[str, str | None]:
        return engine.capabilities.voice, engine.capabilities.transcription

    assert manner(openai_engine(api_key="k", model="m")) == ("marin", "gpt-transcribe")
    preview = azure_engine(
        endpoint="http://h", api_key="k", deployment="d", model="m", api_version="2025-04-01-preview"
    )
    assert manner(preview) == ("alloy", "whisper-1")
    own = azure_engine(endpoint="http://h", api_key="k", deployment="d", model="m", voice="v", transcription="t")
    assert manner(own) == ("v", "t")


def test_importing_is_light() -> None:
    heavy = ["openai", "pydantic", "numpy", "httpx2", "sqlalchemy", "fastapi"]
    code = f"import sys, outwait.engines.openai; print([name for name in {heavy!r} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout.strip() == "[]"
