"""Settings: flag > environment > `.env` > `outwait.toml` > default.

A field's environment name is its own in capitals, with `OUTWAIT_` in front unless the vendor's name is used as it is.
In `outwait.toml` a field goes by its own name.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from outwait.call.phrasebook import LANGUAGES
from outwait.call.setup import DISCLOSURE
from outwait.errors import OutwaitError
from outwait.rules.hours import Hours

TOML = "outwait.toml"


class ConfigError(OutwaitError):
    """The settings can't be used; the message says which and why, and never repeats a secret."""


def _vendor(*names: str, default: Any = None) -> Any:
    """A field that goes by the vendor's own environment names."""
    return Field(default, validation_alias=AliasChoices(*names))


class Settings(BaseSettings):
    """All settings of a server. Made by `Settings.load`."""

    model_config = SettingsConfigDict(
        env_prefix="OUTWAIT_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
        frozen=True,
    )

    # --- the carrier
    carrier: str = "twilio"
    # which carrier; another one than Twilio comes with a package of its own
    twilio_account_sid: str | None = _vendor("TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr | None = _vendor("TWILIO_AUTH_TOKEN")
    twilio_phone_number: str | None = _vendor("TWILIO_PHONE_NUMBER")
    # E.164; calls come from it unless they say otherwise
    twilio_base_url: str = "https://api.twilio.com"
    # its REST API
    fallback_url: str | None = None
    # where the carrier turns when our own address fails

    # --- the engine
    engine: str = "openai"
    # which engine
    engine_menu: str | None = None
    # which engine speaks to menus and queues; none: the same
    failover: str = ""
    # engines to turn to when the one before fails for good, separated by commas, such as "azure"
    model: str = "gpt-realtime-2.1"
    # id at the engine
    transcription_model: str = "gpt-transcribe"
    # id of the model that writes down what the person says
    voice: str = "marin"
    # of the agent, as the engine names it
    openai_api_key: SecretStr | None = _vendor("OPENAI_API_KEY")
    openai_base_url: str = _vendor("OPENAI_BASE_URL", default="https://api.openai.com/v1")
    azure_openai_endpoint: str | None = _vendor("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_ENDPOINT")
    azure_openai_api_key: SecretStr | None = _vendor("AZURE_OPENAI_API_KEY")
    azure_openai_deployment: str | None = _vendor("AZURE_OPENAI_DEPLOYMENT", "AZURE_OPENAI_DEPLOYMENT_NAME")
    azure_openai_live_deployment: str | None = _vendor("AZURE_OPENAI_LIVE_DEPLOYMENT")
    # of a Live model; none: the other one is of a Live model, when azure-live is asked for and azure is not
    openai_api_version: str | None = _vendor("OPENAI_API_VERSION")
    # given: Azure's preview dialect; none: its v1
    azure_voicelive_endpoint: str | None = _vendor("AZURE_VOICELIVE_ENDPOINT", "AZURE_VOICE_LIVE_ENDPOINT")
    azure_voicelive_api_key: SecretStr | None = _vendor("AZURE_VOICELIVE_API_KEY", "AZURE_VOICE_LIVE_API_KEY")
    live_backend: str = "gpt-5.4-mini"
    # text model that calls the tools of a Live model; on Azure its deployment has the same name
    live_resume: Literal["seed", "fork"] = "seed"
    # how the next Live session knows of the last one; fork: sessions are stored at OpenAI, with a recording, 30 days
    xai_api_key: SecretStr | None = _vendor("XAI_API_KEY")
    xai_base_url: str = "https://api.x.ai/v1"
    gemini_api_key: SecretStr | None = _vendor("GEMINI_API_KEY", "GOOGLE_API_KEY")
    gemini_base_url: str = "https://generativelanguage.googleapis.com"
    ultravox_api_key: SecretStr | None = _vendor("ULTRAVOX_API_KEY")
    ultravox_base_url: str = "https://api.ultravox.ai/api"
    cascade_stt: str = "openai"
    # whose recogniser; `openai`: any server with that wire
    cascade_llm: str = "openai"
    # whose language model
    cascade_tts: str = "openai"
    # whose synthesiser
    deepgram_api_key: SecretStr | None = _vendor("DEEPGRAM_API_KEY")
    deepgram_base_url: str = "https://api.deepgram.com/v1"
    elevenlabs_api_key: SecretStr | None = _vendor("ELEVENLABS_API_KEY")
    elevenlabs_base_url: str = "https://api.elevenlabs.io/v1"
    cascade_stt_url: str | None = None
    # base of the server that writes down what the person says; none: OPENAI_BASE_URL with its key
    cascade_stt_model: str = "gpt-transcribe"
    cascade_stt_key: SecretStr | None = None
    cascade_llm_url: str | None = None
    # of the language model's
    cascade_llm_model: str = "gpt-5.4-mini"
    cascade_llm_key: SecretStr | None = None
    cascade_tts_url: str | None = None
    # of the synthesiser's
    cascade_tts_model: str = "gpt-4o-mini-tts"
    cascade_tts_key: SecretStr | None = None
    local_stt_model: Path | None = None
    # folder of a Whisper in CTranslate2's form; none: the packaged one of the extra `local`
    local_tts_model: Path | None = None
    # file of a voice in Hibari's form; none: the packaged one

    # --- the server
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    # 0: any free one
    public_url: str | None = None
    # what the carrier reaches; none: the listening socket itself
    api_key: SecretStr | None = None
    # bearer key of the API; none: loopback only
    drain: float = Field(60.0, ge=0, le=3600)
    # s that talking calls get when the server is told to stop
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    # --- rules of the road
    disclosure: str = Field(DISCLOSURE, max_length=200)
    # how the agent names itself when it begins and after every hold; "off": not unless it is asked
    language: str = "en"
    # of the phrases that are made beforehand: en, de, es, fr
    recogniser: Literal["off", "local"] = "off"
    # reads menus and announcements on this machine: local is Whisper, of the extra `local`
    voicemail: Literal["message", "hang_up", "agent"] = "message"
    # a voicemail gets a message after its beep, or the call ends, or the agent does what it likes
    carrier_amd: bool = False
    # the carrier is asked who answered, as one more witness; it bills each call for that
    learn: bool = True
    # keep what was learned of a number, its menus and waits, for the next call to it
    countries: Annotated[tuple[str, ...] | None, NoDecode] = None
    # where calls may go, like US,CA, or *; none: to the country of the own number
    calling_hours: Annotated[Hours | None, NoDecode] = None
    # like 08:00-21:00, where the callee is; none: at any hour
    max_calls_to_number: int | None = Field(None, ge=1)
    # in 24 hours; none: as many as you like

    # --- the agents
    agent: str = ""
    # who makes the calls, like module:agent, several separated by commas; none: the plain one

    # --- telling
    webhook_url: str | None = None
    # who is told of the end of a call, unless the call says otherwise
    webhook_secret: SecretStr | None = None
    # signs what is told; without it nothing is
    webhook_private: bool = False
    # addresses in private networks may be told, over plain http too

    # --- keeping
    database_url: SecretStr = Field(
        default_factory=lambda: SecretStr(f"sqlite:///{data_folder() / 'calls.db'}"),
        validation_alias=AliasChoices("DATABASE_URL"),
    )
    # SQLAlchemy's form
    prices: Path | None = None
    # file of own prices, which come before the built-in ones
    recordings: Path | None = None
    # folder for recordings of calls, in which whoever listens is told of them; none: nothing is recorded
    recordings_gb: float = Field(10.0, gt=0)
    # GB of recordings beyond which no further call is recorded
    keep_calls: timedelta | None = None
    # like 90d: calls are deleted after so long; none: never
    keep_transcripts: timedelta | None = None
    # like 30d: what was said is deleted after so long, and the rest of the call stays; none: never

    @classmethod
    def load(cls, **flags: Any) -> Self:
        """Read them all. A flag that is None was not given. Raises ConfigError."""
        unknown = flags.keys() - cls.model_fields.keys()
        if unknown:
            raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
        try:
            return cls(**{name: value for name, value in flags.items() if value is not None})
        except ValidationError as error:
            lines = [_line(fault["loc"], fault["msg"]) for fault in error.errors(include_input=False)]
            raise ConfigError("; ".join(lines)) from None
        except UnicodeDecodeError as error:
            raise ConfigError(f".env is not UTF-8: {error.reason}") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, _TomlFile(settings_cls)

    @field_validator(
        "public_url",
        "fallback_url",
        "webhook_url",
        "twilio_base_url",
        "openai_base_url",
        "azure_openai_endpoint",
        "azure_voicelive_endpoint",
        "xai_base_url",
        "gemini_base_url",
        "ultravox_base_url",
        "deepgram_base_url",
        "elevenlabs_base_url",
        "cascade_stt_url",
        "cascade_llm_url",
        "cascade_tts_url",
    )
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)  # raises ValueError for a broken one
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be a web address, such as https://voice.example.com")
        if parts.username or parts.password:
            raise ValueError("must not hold a user or password")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_reachable(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.query or parts.fragment:
            raise ValueError("must not hold a query or fragment")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise ValueError("must be https; http is for loopback only, because media would travel in the clear")
        return value.rstrip("/")

    @field_validator("language")
    @classmethod
    def _is_a_language(cls, value: str) -> str:
        if value not in LANGUAGES:
            raise ValueError(f"there are phrases in {', '.join(LANGUAGES)}")
        return value

    @field_validator("disclosure")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        return "" if value.strip().lower() == "off" else value.strip()

    @field_validator("countries", mode="before")
    @classmethod
    def _are_countries(cls, value: object) -> object:
        if isinstance(value, str):
            value = tuple(part.strip().upper() for part in value.split(",") if part.strip())
        if isinstance(value, list | tuple):
            for part in value:
                if part != "*" and (not isinstance(part, str) or re.fullmatch("[A-Z]{2}", part) is None):
                    raise ValueError("must be countries by their two letters, such as US,CA, or *")
            return tuple(value) or None
        return value

    @field_validator("calling_hours", mode="before")
    @classmethod
    def _are_hours(cls, value: object) -> object:
        return Hours.read(value) if isinstance(value, str) else value

    @field_validator("keep_calls", "keep_transcripts", mode="before")
    @classmethod
    def _is_a_time(cls, value: object) -> object:
        return read_days(value) if isinstance(value, str | int) else value

    @property
    def is_local(self) -> bool:
        """This server is reached on this machine alone."""
        public = urlsplit(self.public_url).hostname or "" if self.public_url else "localhost"
        return is_loopback(self.host) and is_loopback(public)

    def check_server(self) -> None:
        """What `serve` needs beyond each setting by itself. Raises ConfigError."""
        missing = (
            []
            if self.carrier != "twilio"
            else [
                name
                for name, value in (
                    ("TWILIO_ACCOUNT_SID", self.twilio_account_sid),
                    ("TWILIO_AUTH_TOKEN", self.twilio_auth_token),
                )
                if not value
            ]
        )
        if missing:
            raise ConfigError(f"{' and '.join(missing)} not set: the carrier can't be reached or trusted without")
        if self.api_key is None and not self.is_local:
            raise ConfigError(
                "OUTWAIT_API_KEY is not set: without it the server only listens on loopback, with no public URL"
            )


def read_days(text: str | int) -> timedelta:
    """From a form like `90d` or `12h`. Raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,5})\s*([dh])", str(text).strip())
    if found is None:
        raise ValueError("must look like 90d (days) or 12h (hours)")
    return timedelta(days=int(found[1])) if found[2] == "d" else timedelta(hours=int(found[1]))


def is_loopback(host: str) -> bool:
    """Whether this host name or address is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def data_folder() -> Path:
    """The user's folder for what programs keep."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "outwait"


class _TomlFile(PydanticBaseSettingsSource):
    """`outwait.toml` in the working folder. A name it does not know is an error: a typo must not go unnoticed."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError  # the whole file is taken at once

    def __call__(self) -> dict[str, Any]:
        path = Path(TOML)
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{TOML}: {error}") from error
        unknown = found.keys() - self.settings_cls.model_fields.keys()
        if unknown:
            raise ConfigError(f"{TOML}: no such setting: {', '.join(sorted(unknown))}")
        return found


def _line(place: tuple[int | str, ...], message: str) -> str:
    """What is wrong, under the name by which the user knows the setting."""
    name = str(place[0]) if place else "settings"
    return f"{name if name.isupper() else f'OUTWAIT_{name.upper()}'}: {message.removeprefix('Value error, ')}"
