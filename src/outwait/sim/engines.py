"""Who plays the model, by engine: the server that speaks its wire, and the settings that point a program at it.

A further wire is a further row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from outwait.sim.cascade import CascadeSim, PlainHearing
from outwait.sim.gemini import GeminiSim
from outwait.sim.hearing import Hearing
from outwait.sim.live import LiveSim
from outwait.sim.live_session import LiveTiming
from outwait.sim.mind import Mind
from outwait.sim.model_server import Charged
from outwait.sim.nobody import Nobody
from outwait.sim.realtime import RealtimeSim
from outwait.sim.realtime_response import Timing
from outwait.sim.scenario import Scenario
from outwait.sim.ultravox import UltravoxSim

QUICK = Timing(think=0.08, speed=60.0, transcribe=0.05)  # for a talk pace of about four
LIVELY = LiveTiming(think=0.08, backend=0.05, rate=20.0)  # the same


class ModelSide(AbstractAsyncContextManager[Any], Protocol):
    """What a stage sees of the model's server, whatever it speaks."""

    hearing: Hearing  # shared with the carrier's simulator
    most_open: int  # sockets open at the same time, at most

    @property
    def bill(self) -> Charged: ...

    @property
    def connections(self) -> Sequence[Any]: ...

    @property
    def open_sockets(self) -> int: ...

    @property
    def appended_ms(self) -> float: ...

    @property
    def responses(self) -> int: ...

    @property
    def errors(self) -> list[str]: ...


@dataclass(frozen=True)
class FarEnd:
    """One row.

    make
        the server of a scenario
    settings
        what a program must be told, once it runs, beside OUTWAIT_ENGINE
    engine
        for OUTWAIT_ENGINE
    prices
        what that server charges, as a table of prices, where ours does not have it
    """

    make: Callable[[Scenario], Any]
    settings: Callable[[Any], dict[str, str]]
    engine: str = "openai"
    prices: Mapping[str, Any] | None = None


def _mind(scenario: Scenario) -> Mind:
    return Mind(task=scenario.task, forgets=frozenset(scenario.model.forgets))


def _in_life(scenario: Scenario) -> bool:
    """People talk at the pace of life: then the model takes its time, too."""
    return scenario.pace.talk == 1.0


def _timing(scenario: Scenario) -> Timing:
    return Timing() if _in_life(scenario) else QUICK


def _realtime(scenario: Scenario) -> RealtimeSim:
    return RealtimeSim.of(scenario, Hearing(), timing=_timing(scenario))


def _openai(model: RealtimeSim) -> dict[str, str]:
    return {"OPENAI_API_KEY": model.key, "OPENAI_BASE_URL": model.openai_base_url}


def _azure(model: RealtimeSim) -> dict[str, str]:
    return {
        "AZURE_OPENAI_ENDPOINT": model.azure_endpoint,
        "AZURE_OPENAI_API_KEY": model.key,
        "AZURE_OPENAI_DEPLOYMENT": "gpt-realtime-2.1",
    }


def _azure_preview(model: RealtimeSim) -> dict[str, str]:
    return _azure(model) | {"OPENAI_API_VERSION": "2025-04-01-preview"}


def _voice_live(model: RealtimeSim) -> dict[str, str]:
    return _openai(model) | {"AZURE_VOICELIVE_ENDPOINT": model.azure_endpoint, "AZURE_VOICELIVE_API_KEY": model.key}


def _xai(model: RealtimeSim) -> dict[str, str]:
    return _openai(model) | {"XAI_API_KEY": model.key, "OUTWAIT_XAI_BASE_URL": model.xai_base_url}


def _gemini(scenario: Scenario) -> GeminiSim:
    return GeminiSim(PlainHearing(), _mind(scenario), scenario.model.fault, timing=_timing(scenario))


def _google(model: GeminiSim) -> dict[str, str]:
    return {"GEMINI_API_KEY": model.key, "OUTWAIT_GEMINI_BASE_URL": model.address}


def _ultravox(scenario: Scenario) -> UltravoxSim:
    return UltravoxSim(PlainHearing(), _mind(scenario), scenario.model.fault, timing=_timing(scenario))


def _joined(model: UltravoxSim) -> dict[str, str]:
    return {"ULTRAVOX_API_KEY": model.key, "OUTWAIT_ULTRAVOX_BASE_URL": model.base_url}


def _cascade(scenario: Scenario) -> CascadeSim:
    return CascadeSim(PlainHearing(), _mind(scenario))


def _services(model: CascadeSim) -> dict[str, str]:
    """Those of every provider of its parts."""
    vendors = ("DEEPGRAM", "ELEVENLABS")
    keys = {f"{vendor}_API_KEY": model.key for vendor in ("OPENAI", *vendors)}
    places = {f"OUTWAIT_{vendor}_BASE_URL": model.base_url for vendor in vendors}
    return {**keys, **places, "OPENAI_BASE_URL": model.base_url}


def _nobody(scenario: Scenario) -> Nobody:
    return Nobody(Hearing())


def _live(scenario: Scenario) -> LiveSim:
    timing = LiveTiming() if _in_life(scenario) else LIVELY
    return LiveSim(Hearing(), _mind(scenario), faults=scenario.model.fault, timing=timing)


def _live_openai(model: LiveSim) -> dict[str, str]:
    return {"OPENAI_API_KEY": model.key, "OPENAI_BASE_URL": model.openai_base_url}


def _live_azure(model: LiveSim) -> dict[str, str]:
    return {
        "AZURE_OPENAI_ENDPOINT": model.azure_endpoint,
        "AZURE_OPENAI_API_KEY": model.key,
        "AZURE_OPENAI_DEPLOYMENT": "gpt-live-1",
    }


VOICE_LIVE_PRICES = {
    "as_of": "2026-11-22",
    "models": {
        "voicelive/gpt-realtime-2.1": {
            "unit": "per_1M_tokens",
            "text_in": 4,
            "text_cached": 0.4,
            "text_out": 24,
            "audio_in": 32,
            "audio_cached": 0.4,
            "audio_out": 64,
            "source": "the simulator",
            "date": "2026-11-22",
        }
    },
    "transcription": {
        "voicelive/whisper-1": {"unit": "per_minute", "rate": 0.006, "source": "the simulator", "date": "2026-11-22"}
    },
}
"""Nobody's list prices: what the simulator of Azure's voice agents charges."""

ENGINES = {
    "openai": FarEnd(_realtime, _openai),
    "azure": FarEnd(_realtime, _azure, "azure"),
    "azure-preview": FarEnd(_realtime, _azure_preview, "azure"),
    "voicelive": FarEnd(_realtime, _voice_live, "voicelive", VOICE_LIVE_PRICES),
    "xai": FarEnd(_realtime, _xai, "xai"),
    "gemini": FarEnd(_gemini, _google, "gemini"),
    "live": FarEnd(_live, _live_openai, "live"),
    "azure-live": FarEnd(_live, _live_azure, "azure-live"),
    "ultravox": FarEnd(_ultravox, _joined, "ultravox"),
    "cascade": FarEnd(_cascade, _services, "cascade"),
    "local": FarEnd(_nobody, lambda _: {}, "local"),
}
"""By engine; a dialect that is asked for by a setting has a row of its own."""
