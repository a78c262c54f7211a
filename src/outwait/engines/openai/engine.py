"""The engines on OpenAI's Realtime wire: OpenAI's own, Azure's, Voice Live and xAI. One wire in four dialects."""

from __future__ import annotations

from functools import partial
from typing import Literal

from outwait.engines.base import Capabilities
from outwait.engines.openai import endpoints
from outwait.engines.openai.endpoints import OPENAI_BASE_URL, VOICE_LIVE_VERSION, XAI_BASE_URL, Endpoint
from outwait.engines.openai.frames import Dialect, Manner
from outwait.engines.openai.session import RealtimeSession
from outwait.engines.opening import CONNECT_SECONDS, SocketEngine

OPENAI_SESSION_SECONDS = 3600.0  # s; the server ends a session then, without a warning
AZURE_SESSION_SECONDS = 1800.0  # s; unverified: older documents say 30 minutes, newer ones may allow 60
XAI_SESSION_SECONDS = 1800.0  # s; xAI's model page of April 2026; unverified for the models since

OPENAI_MANNER = Manner(voice="marin", transcription="gpt-transcribe")
AZURE_MANNER = Manner(voice="marin", transcription="whisper-1")  # unverified: others must be deployed first
VOICE_LIVE_MANNER = Manner(voice="marin", transcription="whisper-1")
XAI_MANNER = Manner(voice="eve", transcription="grok-transcribe")  # its words are in the price of the minute
PREVIEW_MANNER = Manner(voice="alloy", transcription="whisper-1")  # previews have none of the newer voices


def openai_engine(
    *,
    api_key: str,
    model: str,
    base_url: str = OPENAI_BASE_URL,
    voice: str | None = None,
    transcription: str | None = None,
    connect_seconds: float = CONNECT_SECONDS,
) -> SocketEngine:
    """OpenAI, or a server that speaks like it. Raises ValueError for settings that can't be right."""
    return _engine(
        endpoints.openai(api_key, model, base_url),
        model=model,
        manner=_manner(OPENAI_MANNER, voice, transcription),
        max_session_seconds=OPENAI_SESSION_SECONDS,
        connect_seconds=connect_seconds,
    )


def azure_engine(
    *,
    endpoint: str,
    api_key: str,
    deployment: str,
    model: str,
    api_version: str | None = None,
    voice: str | None = None,
    transcription: str | None = None,
    connect_seconds: float = CONNECT_SECONDS,
) -> SocketEngine:
    """Azure OpenAI; `model` is what the deployment is of, for the price. Raises ValueError for wrong settings.

    `api_version` given: the preview dialect; none: v1.
    """
    place = endpoints.azure(endpoint, api_key, deployment, api_version)
    usual = PREVIEW_MANNER if place.dialect is Dialect.BETA else AZURE_MANNER
    return _engine(
        place,
        model=model,
        manner=_manner(usual, voice, transcription),
        max_session_seconds=AZURE_SESSION_SECONDS,
        connect_seconds=connect_seconds,
    )


def voice_live_engine(
    *,
    endpoint: str,
    api_key: str,
    model: str,
    api_version: str = VOICE_LIVE_VERSION,
    voice: str | None = None,
    connect_seconds: float = CONNECT_SECONDS,
) -> SocketEngine:
    """Azure Voice Live. Raises ValueError for wrong settings. `voice`: of OpenAI or of Azure, by its name."""
    return _engine(
        endpoints.voice_live(endpoint, api_key, model, api_version),
        model=model,
        manner=_manner(VOICE_LIVE_MANNER, voice, None),
        max_session_seconds=AZURE_SESSION_SECONDS,
        connect_seconds=connect_seconds,
    )


def xai_engine(
    *,
    api_key: str,
    model: str,
    base_url: str = XAI_BASE_URL,
    voice: str | None = None,
    connect_seconds: float = CONNECT_SECONDS,
) -> SocketEngine:
    """xAI's Grok Voice: every second of an open session is billed. Raises ValueError for wrong settings."""
    return _engine(
        endpoints.xai(api_key, model, base_url),
        model=model,
        manner=_manner(XAI_MANNER, voice, None),
        max_session_seconds=XAI_SESSION_SECONDS,
        billing="seconds",
        connect_seconds=connect_seconds,
    )


def _engine(
    endpoint: Endpoint,
    *,
    model: str,
    manner: Manner,
    max_session_seconds: float,
    billing: Literal["tokens", "seconds"] = "tokens",
    connect_seconds: float = CONNECT_SECONDS,
) -> SocketEngine:
    told = Capabilities(
        name=endpoint.provider,
        model=model,
        billing=billing,
        max_session_seconds=max_session_seconds,
        makes_phrases=True,
        voice=manner.voice,
        transcription=None if billing == "seconds" else manner.transcription,
    )
    make = partial(RealtimeSession, endpoint, manner)
    return SocketEngine(told, make, secure=endpoint.secure, connect_seconds=connect_seconds)


def _manner(usual: Manner, voice: str | None, transcription: str | None) -> Manner:
    return Manner(voice=voice or usual.voice, transcription=transcription or usual.transcription)
