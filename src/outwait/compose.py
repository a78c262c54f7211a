"""Puts the house together: settings in, a working switchboard out. The only place that knows every part."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter

from outwait.audio.ear import Ear
from outwait.call.cost import Prices
from outwait.call.policy import Policy
from outwait.carriers.twilio.rest import TwilioCarrier
from outwait.carriers.twilio.urls import Urls
from outwait.config import ConfigError, Settings, data_folder
from outwait.engines.base import Engine
from outwait.engines.openai import azure_engine, openai_engine
from outwait.engines.openai.engine import RealtimeEngine
from outwait.phrases import PhraseLibrary
from outwait.prices import NoPrice, PriceTable
from outwait.store.sql import SqlStore
from outwait.switchboard import House, Switchboard
from outwait.web.server import OpenDesk

log = structlog.get_logger(__name__)


def desk_opener(settings: Settings, *, policy: Policy | None = None, folder: Path | None = None) -> OpenDesk:
    """What `web.server.serve` needs. Raises ConfigError here and now for what can't work: an engine that is not
    configured, a model without a price. `folder`: where phrases are kept."""
    engines = _engines(settings)
    if settings.engine not in engines:
        raise ConfigError(_missing(settings.engine))
    failover = tuple(name.strip() for name in settings.failover.split(",") if name.strip())
    for name in failover:
        if name not in engines:
            raise ConfigError(f"OUTWAIT_FAILOVER: {_missing(name)}")
    table = _table(settings)
    for name, engine in engines.items():
        _price(table, name, engine)

    def prices(name: str, model: str) -> Prices:
        return _price(table, name, engines[name])

    @asynccontextmanager
    async def open_desk(public_url: str, registry: CollectorRegistry) -> AsyncIterator[Switchboard]:
        for name, engine in engines.items():
            transcription = engine.manner.transcription
            for line in table.endings(name, engine.capabilities.model, transcription, datetime.date.today()):  # noqa: DTZ011  a day more or less
                log.warning(line)
        async with AsyncExitStack() as stack:
            store = await SqlStore.open(settings.database_url.get_secret_value())
            stack.push_async_callback(store.close)
            carrier = await stack.enter_async_context(_carrier(settings, public_url))
            doors: dict[str, Engine] = dict(engines)
            broken = Counter("outwait_laws_broken", "Laws of a call that were broken", ["law"], registry=registry)
            house = House(
                store=store,
                carrier=carrier,
                engines=doors,
                ear=Ear.load(),
                phrases=PhraseLibrary((folder or data_folder()) / "phrases"),
                policy=policy or Policy(),
                prices=prices,
                engine=settings.engine,
                failover=failover,
                on_law_broken=lambda law: broken.labels(law).inc(),
            )
            yield await stack.enter_async_context(Switchboard(house))

    return open_desk


def _carrier(settings: Settings, public_url: str) -> AbstractAsyncContextManager[TwilioCarrier]:
    assert settings.twilio_account_sid is not None  # check_server has seen to it
    assert settings.twilio_auth_token is not None
    return TwilioCarrier(
        settings.twilio_account_sid,
        settings.twilio_auth_token.get_secret_value(),
        Urls.of(public_url),
        base_url=settings.twilio_base_url,
        fallback_url=settings.fallback_url,
    )


def _engines(settings: Settings) -> dict[str, RealtimeEngine]:
    """Every engine that the settings allow."""
    engines: dict[str, RealtimeEngine] = {}
    try:
        if settings.openai_api_key is not None:
            engines["openai"] = openai_engine(
                api_key=settings.openai_api_key.get_secret_value(),
                model=settings.model,
                base_url=settings.openai_base_url,
                voice=settings.voice,
                transcription=settings.transcription_model,
            )
        endpoint, key, deployment = (
            settings.azure_openai_endpoint,
            settings.azure_openai_api_key,
            settings.azure_openai_deployment,
        )
        if endpoint and key and deployment:
            engines["azure"] = azure_engine(
                endpoint=endpoint,
                api_key=key.get_secret_value(),
                deployment=deployment,
                model=settings.model,
                api_version=settings.openai_api_version,
            )
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return engines


def _missing(engine: str) -> str:
    needs = {
        "openai": "OPENAI_API_KEY",
        "azure": "AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY and AZURE_OPENAI_DEPLOYMENT",
    }
    if engine not in needs:
        return f"OUTWAIT_ENGINE: there is no engine {engine!r}; there is: {', '.join(sorted(needs))}"
    return f"the engine {engine} needs {needs[engine]}"


def _table(settings: Settings) -> PriceTable:
    try:
        return PriceTable.load(settings.prices)
    except NoPrice as error:
        raise ConfigError(str(error)) from error


def _price(table: PriceTable, name: str, engine: RealtimeEngine) -> Prices:
    try:
        return table.prices(name, engine.capabilities.model, engine.manner.transcription, "twilio")
    except NoPrice as error:
        raise ConfigError(str(error)) from error
