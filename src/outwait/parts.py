"""Which parts a cascade may be made of: a table for each kind, by the name that a setting gives.

A further provider is a further row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from outwait.config import ConfigError, Settings
from outwait.engines.cascade import CascadeEngine, Service, deepgram, elevenlabs
from outwait.engines.cascade.llm import OpenAIWriter, Writer
from outwait.engines.cascade.local import HereRecogniser, HereSpeaker, HereWriter
from outwait.engines.cascade.stack import Part, RecogniserPart, SpeakerPart, Stack
from outwait.engines.cascade.stt import OpenAIRecogniser
from outwait.engines.cascade.tts import OpenAISpeaker
from outwait.local import stt, tts
from outwait.local.missing import Missing

Made = TypeVar("Made")
Make = Callable[[Settings], Made | None]
"""A part; None: a setting is missing. Raises ValueError for settings that can't be right, Missing."""


def cascade(settings: Settings) -> CascadeEngine | None:
    """The cascade that the settings describe; None: a part of it lacks a setting. Raises ValueError, ConfigError."""
    return _engine("cascade", settings, settings.cascade_stt, settings.cascade_llm, settings.cascade_tts)


def local(settings: Settings) -> CascadeEngine | None:
    """Ears and a voice of this machine, and its rules; or a chat model, where one is set. Raises as `cascade` does."""
    llm = "rules" if settings.cascade_llm_url is None else "openai"
    return _engine("local", settings, "local", llm, "local")


def _engine(name: str, settings: Settings, stt: str, llm: str, tts: str) -> CascadeEngine | None:
    try:
        recogniser = _make("STT", RECOGNISERS, stt, settings)
        writer = _make("LLM", WRITERS, llm, settings)
        speaker = _make("TTS", SPEAKERS, tts, settings)
    except Missing as missing:
        raise ConfigError(str(missing)) from missing
    if recogniser is None or writer is None or speaker is None:
        return None
    return CascadeEngine(Stack(recogniser, writer, speaker), name=name)


def _make(part: str, table: dict[str, Make[Made]], name: str, settings: Settings) -> Made | None:
    if name not in table:
        raise ValueError(f"OUTWAIT_CASCADE_{part}: there is no {name!r}; there is: {', '.join(sorted(table))}")
    return table[name](settings)


def _openai_recogniser(settings: Settings) -> RecogniserPart | None:
    service = _service(settings, "stt")
    return OpenAIRecogniser(service) if service is not None else None


def _openai_writer(settings: Settings) -> Part[Writer] | None:
    service = _service(settings, "llm")
    return OpenAIWriter(service) if service is not None else None


def _openai_speaker(settings: Settings) -> SpeakerPart | None:
    service = _service(settings, "tts")
    return OpenAISpeaker(service, settings.voice) if service is not None else None


def _deepgram_recogniser(settings: Settings) -> RecogniserPart | None:
    service = _vendor(settings, "stt", deepgram.AUTH, deepgram.LISTEN_MODEL)
    return deepgram.DeepgramRecogniser(service) if service is not None else None


def _deepgram_speaker(settings: Settings) -> SpeakerPart | None:
    service = _vendor(settings, "tts", deepgram.AUTH, deepgram.SPEAK_MODEL)
    return deepgram.DeepgramSpeaker(service) if service is not None else None


def _elevenlabs_speaker(settings: Settings) -> SpeakerPart | None:
    service = _vendor(settings, "tts", elevenlabs.AUTH, elevenlabs.MODEL)
    voice = settings.voice if "voice" in settings.model_fields_set else elevenlabs.VOICE
    return elevenlabs.ElevenLabsSpeaker(service, voice) if service is not None else None


def _local_recogniser(settings: Settings) -> RecogniserPart:
    return HereRecogniser(stt.recogniser(settings.local_stt_model))


def _local_writer(settings: Settings) -> Part[Writer]:
    return HereWriter()


def _local_speaker(settings: Settings) -> SpeakerPart:
    return HereSpeaker(tts.voice(settings.local_tts_model))


def _vendor(settings: Settings, part: str, auth: tuple[str, str], usual: str) -> Service | None:
    """A vendor with a wire of its own. None: its key is not set."""
    vendor = getattr(settings, f"cascade_{part}")
    key = getattr(settings, f"{vendor}_api_key")
    if key is None:
        return None
    wanted = f"cascade_{part}_model"
    model = getattr(settings, wanted) if wanted in settings.model_fields_set else usual
    return Service(getattr(settings, f"{vendor}_base_url"), model, key.get_secret_value(), auth)


def _service(settings: Settings, part: str) -> Service | None:
    """A server with OpenAI's wire. OpenAI's key goes to OpenAI's address alone; None: there is neither."""
    url, model, key = (getattr(settings, f"cascade_{part}_{what}") for what in ("url", "model", "key"))
    if url is None:
        url, key = settings.openai_base_url, key or settings.openai_api_key
        if key is None:
            return None
    return Service(url, model, key.get_secret_value() if key is not None else "")


RECOGNISERS: dict[str, Make[RecogniserPart]] = {
    "openai": _openai_recogniser,
    "deepgram": _deepgram_recogniser,
    "local": _local_recogniser,
}
WRITERS: dict[str, Make[Part[Writer]]] = {
    "openai": _openai_writer,
    "rules": _local_writer,
}
SPEAKERS: dict[str, Make[SpeakerPart]] = {
    "openai": _openai_speaker,
    "deepgram": _deepgram_speaker,
    "elevenlabs": _elevenlabs_speaker,
    "local": _local_speaker,
}
