"""Settings: the contract's names, their order, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from outwait.config import ConfigError, Settings, data_folder, is_loopback

CONTRACT = {
    "TWILIO_ACCOUNT_SID": "twilio_account_sid",
    "TWILIO_AUTH_TOKEN": "twilio_auth_token",
    "TWILIO_PHONE_NUMBER": "twilio_phone_number",
    "OUTWAIT_TWILIO_BASE_URL": "twilio_base_url",
    "OPENAI_API_KEY": "openai_api_key",
    "OPENAI_BASE_URL": "openai_base_url",
    "OUTWAIT_MODEL": "model",
    "AZURE_OPENAI_ENDPOINT": "azure_openai_endpoint",
    "AZURE_OPENAI_API_ENDPOINT": "azure_openai_endpoint",
    "AZURE_OPENAI_API_KEY": "azure_openai_api_key",
    "AZURE_OPENAI_DEPLOYMENT": "azure_openai_deployment",
    "AZURE_OPENAI_DEPLOYMENT_NAME": "azure_openai_deployment",
    "OPENAI_API_VERSION": "openai_api_version",
    "OUTWAIT_ENGINE": "engine",
    "OUTWAIT_PUBLIC_URL": "public_url",
    "OUTWAIT_FALLBACK_URL": "fallback_url",
    "OUTWAIT_API_KEY": "api_key",
    "DATABASE_URL": "database_url",
}
SECRETS = {"TWILIO_AUTH_TOKEN", "OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "OUTWAIT_API_KEY", "DATABASE_URL"}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", CONTRACT)
def test_every_name_of_the_contract(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = "https://a.example/value"
    monkeypatch.setenv(name, value)
    settings = Settings.load()
    found = getattr(settings, CONTRACT[name])
    if name in SECRETS:
        assert found.get_secret_value() == value
        assert value not in repr(settings)
        assert value not in str(settings)
    else:
        assert found == value


def test_defaults() -> None:
    settings = Settings.load()
    assert settings.model == "gpt-realtime-2.1"
    assert settings.engine == "openai"
    assert settings.openai_base_url == "https://api.openai.com/v1"
    assert settings.twilio_base_url == "https://api.twilio.com"
    assert settings.host == "127.0.0.1"
    assert settings.public_url is None
    assert settings.database_url.get_secret_value() == f"sqlite:///{data_folder()}/calls.db"


def test_flag_before_environment_before_file_before_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("outwait.toml").write_text('port = 1\nmodel = "toml"\nengine = "toml"\nvoice = "toml"\n')
    Path(".env").write_text("OUTWAIT_PORT=2\nOUTWAIT_MODEL=file\nOUTWAIT_ENGINE=file\n")
    monkeypatch.setenv("OUTWAIT_PORT", "3")
    monkeypatch.setenv("OUTWAIT_MODEL", "environment")
    settings = Settings.load(port=4, host=None)
    assert (settings.port, settings.model, settings.engine, settings.voice) == (4, "environment", "file", "toml")
    assert settings.host == "127.0.0.1"


def test_plain_names_of_the_environment_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "HOST", "MODEL", "ENGINE", "API_KEY", "PUBLIC_URL"):
        monkeypatch.setenv(name, "7")
    settings = Settings.load()
    assert (settings.port, settings.host, settings.api_key, settings.public_url) == (8080, "127.0.0.1", None, None)


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.setenv("OUTWAIT_API_KEY", "")
    settings = Settings.load()
    assert settings.openai_api_key is None
    assert settings.api_key is None


def test_vendor_names_in_toml() -> None:
    Path("outwait.toml").write_text('twilio_account_sid = "AC1"\ndatabase_url = "sqlite:///x.db"\n')
    settings = Settings.load()
    assert settings.twilio_account_sid == "AC1"
    assert settings.database_url.get_secret_value() == "sqlite:///x.db"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("OUTWAIT_PORT", "secret", "OUTWAIT_PORT"),
        ("OUTWAIT_PORT", "70000", "OUTWAIT_PORT"),
        ("OUTWAIT_PUBLIC_URL", "voice.example.com", "web address"),
        ("OUTWAIT_PUBLIC_URL", "http://voice.example.com", "https"),
        ("OUTWAIT_PUBLIC_URL", "https://u:secret@voice.example.com", "password"),
        ("OUTWAIT_PUBLIC_URL", "https://voice.example.com/?a=secret", "query"),
        ("OUTWAIT_PUBLIC_URL", "https://[voice", "OUTWAIT_PUBLIC_URL"),
        ("OPENAI_BASE_URL", "ftp://x", "OPENAI_BASE_URL"),
        ("OUTWAIT_LOG_LEVEL", "secret", "OUTWAIT_LOG_LEVEL"),
    ],
)
def test_refuses_wrong_values_without_repeating_them(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=words) as refused:
        Settings.load()
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["port = ", 'prot = 1\nmodel = "x"', "port = 'x'"])
def test_refuses_a_wrong_toml(text: str) -> None:
    Path("outwait.toml").write_text(text)
    with pytest.raises(ConfigError):
        Settings.load()


def test_refuses_an_env_file_that_is_no_text() -> None:
    Path(".env").write_bytes(b"OUTWAIT_MODEL=\xff\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        Settings.load()


def test_no_such_flag() -> None:
    with pytest.raises(TypeError, match="speed"):
        Settings.load(speed=1)


def test_the_public_url_has_no_slash_at_its_end() -> None:
    assert Settings.load(public_url="https://a.example/x/").public_url == "https://a.example/x"
    assert Settings.load(public_url="http://127.0.0.1:8080/").public_url == "http://127.0.0.1:8080"


READY = {"twilio_account_sid": "AC1", "twilio_auth_token": "t"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"host": "localhost"},
        {"host": "::1", "public_url": "http://127.0.0.1:8080"},
        {"host": "0.0.0.0", "api_key": "k"},
        {"public_url": "https://a.example", "api_key": "k"},
    ],
)
def test_a_server_that_may_start(given: dict[str, str]) -> None:
    Settings.load(**READY, **given).check_server()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"host": "0.0.0.0"}, "OUTWAIT_API_KEY"),
        ({"host": ""}, "OUTWAIT_API_KEY"),
        ({"host": "192.168.0.1"}, "OUTWAIT_API_KEY"),
        ({"public_url": "https://a.example"}, "OUTWAIT_API_KEY"),
        ({"twilio_auth_token": ""}, "TWILIO_AUTH_TOKEN"),
        ({"twilio_account_sid": ""}, "TWILIO_ACCOUNT_SID"),
    ],
)
def test_a_server_that_must_not(given: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Settings.load(**(READY | given)).check_server()


def test_loopback() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"))
    assert not any(is_loopback(host) for host in ("", "0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.0.0.1.x"))
