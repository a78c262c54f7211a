"""Which engines there are: a table by name, of what each needs of the settings and how it is made of them.

A further engine is a further row.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from outwait import parts, plugins
from outwait.config import ConfigError, Settings
from outwait.engines.base import Engine
from outwait.engines.gemini import gemini_engine
from outwait.engines.live import azure_live_engine, live_engine
from outwait.engines.live.engine import MODEL as LIVE_MODEL
from outwait.engines.openai import azure_engine, openai_engine, voice_live_engine, xai_engine
from outwait.engines.ultravox import ultravox_engine


@dataclass(frozen=True, slots=True)
class Row:
    """One engine of the table.

    needs
        settings without which there is none, in words
    make
        the engine; None when a setting is missing, or when it is made for those only who ask for it. Raises ValueError
        for settings that can't be right
    models
        engines that serve the same models have the same word here: OUTWAIT_MODEL is of the wanted engine, and of these
    """

    needs: str
    make: Callable[[Settings], Engine | None]
    models: str = ""


def engines(settings: Settings) -> dict[str, Engine]:
    """Every engine that the settings allow, by name. Raises ConfigError."""
    try:
        made = {name: row.make(settings) for name, row in ENGINES.items()}
        made |= {name: plugins.engine(name, os.environ) for name in asked_for(settings) if name not in ENGINES}
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return {name: engine for name, engine in made.items() if engine is not None}


def missing(engine: str) -> str:
    """Why an engine is not among those."""
    row = ENGINES.get(engine)
    if row is None:
        known = sorted([*ENGINES, *plugins.names(plugins.ENGINES)])
        return f"OUTWAIT_ENGINE: there is no engine {engine!r}; there is: {', '.join(known)}"
    return f"the engine {engine} needs {row.needs}"


def asked_for(settings: Settings) -> tuple[str, ...]:
    """The engines that the settings name: the wanted one, that for menus, and those to turn to after them."""
    menu = (settings.engine_menu,) if settings.engine_menu else ()
    return (settings.engine, *menu, *failover(settings))


def failover(settings: Settings) -> tuple[str, ...]:
    """Engines to turn to, in this order, when the one before fails for good."""
    return tuple(name.strip() for name in settings.failover.split(",") if name.strip())


def model_of(settings: Settings, models: str, usual: str) -> str:
    """The model of an engine: OUTWAIT_MODEL if that is given and meant for engines of these models, else the usual."""
    wanted = ENGINES.get(settings.engine)
    meant = wanted.models if wanted is not None and wanted.models else _REALTIME
    return settings.model if "model" in settings.model_fields_set and meant == models else usual


def voice_of(settings: Settings, models: str) -> str | None:
    """The voice of an engine: OUTWAIT_VOICE if that is given and meant for it, like the model; None: its usual one."""
    wanted = ENGINES.get(settings.engine)
    meant = wanted.models if wanted is not None and wanted.models else _REALTIME
    return settings.voice if "voice" in settings.model_fields_set and meant == models else None


_REALTIME, _LIVE, _VOICE_LIVE = "realtime", "live", "voicelive"
_XAI, _GEMINI, _ULTRAVOX = "xai", "gemini", "ultravox"
_XAI_MODEL = "grok-voice-3.0"
_GEMINI_MODEL = "gemini-3.8-live"
_ULTRAVOX_MODEL = "ultravox-v0.7"


def _openai(settings: Settings) -> Engine | None:
    if settings.openai_api_key is None:
        return None
    return openai_engine(
        api_key=settings.openai_api_key.get_secret_value(),
        model=model_of(settings, _REALTIME, _usual_model()),
        base_url=settings.openai_base_url,
        voice=settings.voice,
        transcription=settings.transcription_model,
    )


def _azure(settings: Settings) -> Engine | None:
    endpoint, key, deployment = (
        settings.azure_openai_endpoint,
        settings.azure_openai_api_key,
        settings.azure_openai_deployment,
    )
    if not (endpoint and key and deployment) or (_shared(settings) and "azure" not in asked_for(settings)):
        return None
    return azure_engine(
        endpoint=endpoint,
        api_key=key.get_secret_value(),
        deployment=deployment,
        model=model_of(settings, _REALTIME, _usual_model()),
        api_version=settings.openai_api_version,
    )


def _live(settings: Settings) -> Engine | None:
    if settings.openai_api_key is None:
        return None
    return live_engine(
        api_key=settings.openai_api_key.get_secret_value(),
        model=model_of(settings, _LIVE, LIVE_MODEL),
        base_url=settings.openai_base_url,
        voice=voice_of(settings, _LIVE),
        backend=settings.live_backend,
        store=settings.live_resume == "fork",
    )


def _azure_live(settings: Settings) -> Engine | None:
    """For those only who ask for it. Raises ValueError where one deployment would have to be of two models."""
    endpoint, key, deployment = (
        settings.azure_openai_endpoint,
        settings.azure_openai_api_key,
        settings.azure_openai_live_deployment or settings.azure_openai_deployment,
    )
    if not (endpoint and key and deployment) or "azure-live" not in asked_for(settings):
        return None
    if _shared(settings) and "azure" in asked_for(settings):
        raise ValueError("azure and azure-live have a deployment each: set AZURE_OPENAI_LIVE_DEPLOYMENT, too")
    return azure_live_engine(
        endpoint=endpoint,
        api_key=key.get_secret_value(),
        deployment=deployment,
        model=model_of(settings, _LIVE, LIVE_MODEL),
        voice=voice_of(settings, _LIVE),
        backend=settings.live_backend,
    )


def _shared(settings: Settings) -> bool:
    """The only deployment that is set is of a Live model."""
    return "azure-live" in asked_for(settings) and settings.azure_openai_live_deployment is None


def _voice_live(settings: Settings) -> Engine | None:
    """For those only who ask for it: its prices are not in our table."""
    endpoint, key = settings.azure_voicelive_endpoint, settings.azure_voicelive_api_key
    if not (endpoint and key) or "voicelive" not in asked_for(settings):
        return None
    return voice_live_engine(
        endpoint=endpoint,
        api_key=key.get_secret_value(),
        model=model_of(settings, _VOICE_LIVE, _usual_model()),
        voice=voice_of(settings, _VOICE_LIVE),
    )


def _xai(settings: Settings) -> Engine | None:
    if settings.xai_api_key is None:
        return None
    return xai_engine(
        api_key=settings.xai_api_key.get_secret_value(),
        model=model_of(settings, _XAI, _XAI_MODEL),
        base_url=settings.xai_base_url,
        voice=voice_of(settings, _XAI),
    )


def _gemini(settings: Settings) -> Engine | None:
    if settings.gemini_api_key is None:
        return None
    return gemini_engine(
        api_key=settings.gemini_api_key.get_secret_value(),
        model=model_of(settings, _GEMINI, _GEMINI_MODEL),
        base_url=settings.gemini_base_url,
        voice=voice_of(settings, _GEMINI),
    )


def _ultravox(settings: Settings) -> Engine | None:
    if settings.ultravox_api_key is None:
        return None
    return ultravox_engine(
        api_key=settings.ultravox_api_key.get_secret_value(),
        model=model_of(settings, _ULTRAVOX, _ULTRAVOX_MODEL),
        base_url=settings.ultravox_base_url,
        voice=voice_of(settings, _ULTRAVOX),
    )


def _cascade(settings: Settings) -> Engine | None:
    named = any(name.startswith("cascade_") for name in settings.model_fields_set)
    return parts.cascade(settings) if named or "cascade" in asked_for(settings) else None


def _local(settings: Settings) -> Engine | None:
    return parts.local(settings) if "local" in asked_for(settings) else None


def _usual_model() -> str:
    return str(Settings.model_fields["model"].default)


_AZURE = "AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY and AZURE_OPENAI_DEPLOYMENT"

ENGINES: dict[str, Row] = {
    "openai": Row("OPENAI_API_KEY", _openai, _REALTIME),
    "azure": Row(_AZURE, _azure, _REALTIME),
    "live": Row("OPENAI_API_KEY", _live, _LIVE),
    "azure-live": Row(f"{_AZURE} (or AZURE_OPENAI_LIVE_DEPLOYMENT)", _azure_live, _LIVE),
    "voicelive": Row("AZURE_VOICELIVE_ENDPOINT and AZURE_VOICELIVE_API_KEY", _voice_live, _VOICE_LIVE),
    "xai": Row("XAI_API_KEY", _xai, _XAI),
    "gemini": Row("GEMINI_API_KEY", _gemini, _GEMINI),
    "ultravox": Row("ULTRAVOX_API_KEY", _ultravox, _ULTRAVOX),
    "cascade": Row(
        "OPENAI_API_KEY, or an OUTWAIT_CASCADE_..._URL for each of STT, LLM and TTS, or its provider's key",
        _cascade,
    ),
    "local": Row("nothing but its packages", _local),
}
"""All of them."""
