"""Puts the house together: settings in, a working switchboard out. The only place that knows every part."""

from __future__ import annotations

import datetime
import time
from collections.abc import AsyncIterator, Awaitable, Callable
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
from outwait.engines.cascade import CascadeEngine, Service, cascade_engine
from outwait.engines.openai import azure_engine, openai_engine
from outwait.engines.openai.engine import RealtimeEngine
from outwait.guard import Guardian, Rules
from outwait.phrases import PhraseLibrary
from outwait.prices import NoPrice, PriceTable
from outwait.reaper import Lease, Reaper, new_process
from outwait.store.book import Book
from outwait.store.sql import SqlStore
from outwait.switchboard import House, Switchboard
from outwait.transcriber import Recogniser
from outwait.web.server import OpenDesk

log = structlog.get_logger(__name__)


def desk_opener(
    settings: Settings,
    *,
    policy: Policy | None = None,
    folder: Path | None = None,
    recogniser: Recogniser | None = None,
) -> OpenDesk:
    """What `web.server.serve` needs. Raises ConfigError here and now for what can't work: an engine that is not
    configured, a model without a price. `folder`: where phrases are kept; `recogniser`: reads what machines say."""
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
            for line in _endings(table, name, engine):
                log.warning(line)
        async with AsyncExitStack() as stack:
            store = await SqlStore.open(settings.database_url.get_secret_value())
            stack.push_async_callback(store.close)
            carrier = await stack.enter_async_context(_carrier(settings, public_url))
            doors: dict[str, Engine] = dict(engines)
            broken = Counter("outwait_laws_broken", "Laws of a call that were broken", ["law"], registry=registry)
            book = Book(store)
            process = new_process()
            lease = Lease(store, process, time.time)
            await stack.enter_async_context(lease.held())
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
                guard=Guardian(_rules(settings), book, time.time),
                keys=book.key_of,
                process=process,
                disclosure=settings.disclosure,
                recogniser=recogniser,
                on_law_broken=lambda law: broken.labels(law).inc(),
            )
            board = await stack.enter_async_context(Switchboard(house))
            reaped = Counter(
                "outwait_reaped", "Calls taken up and legs ended that were lost sight of", ["what"], registry=registry
            )
            reaper = Reaper(
                lease,
                board,
                store,
                carrier,
                time.time,
                own_number=settings.twilio_phone_number,
                on_reaped=lambda what: reaped.labels(what).inc(),
                prune=_pruner(settings, book),
            )
            await stack.enter_async_context(reaper.at_work())
            yield board

    return open_desk


def _rules(settings: Settings) -> Rules:
    return Rules(
        own_number=settings.twilio_phone_number,
        countries=settings.countries,
        hours=settings.calling_hours,
        calls_to_number=settings.max_calls_to_number,
    )


def _pruner(settings: Settings, book: Book) -> Callable[[], Awaitable[object]] | None:
    """Deletes what is older than the settings say; None when they say nothing."""
    if settings.keep_calls is None and settings.keep_transcripts is None:
        return None

    async def prune() -> None:
        now = time.time()
        calls, words = (
            None if kept is None else now - kept.total_seconds()
            for kept in (settings.keep_calls, settings.keep_transcripts)
        )
        deleted, stripped = await book.prune(calls, words, dry=False)
        if deleted or stripped:
            log.info("old calls pruned", deleted=deleted, stripped=stripped)

    return prune


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


def _engines(settings: Settings) -> dict[str, RealtimeEngine | CascadeEngine]:
    """Every engine that the settings allow."""
    engines: dict[str, RealtimeEngine | CascadeEngine] = {}
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
        services = [_service(settings, part) for part in ("stt", "llm", "tts")]
        wanted = "cascade" in (settings.engine, *(name.strip() for name in settings.failover.split(",")))
        if None not in services and (wanted or any(name.startswith("cascade_") for name in settings.model_fields_set)):
            stt, llm, tts = (service for service in services if service is not None)
            engines["cascade"] = cascade_engine(stt=stt, llm=llm, tts=tts, voice=settings.voice)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return engines


def _service(settings: Settings, part: str) -> Service | None:
    """A part of the cascade. OpenAI's key goes to OpenAI's address alone; None: there is neither."""
    url, model, key = (getattr(settings, f"cascade_{part}_{what}") for what in ("url", "model", "key"))
    if url is None:
        url, key = settings.openai_base_url, key or settings.openai_api_key
        if key is None:
            return None
    return Service(url, model, key.get_secret_value() if key is not None else "")


def _missing(engine: str) -> str:
    needs = {
        "openai": "OPENAI_API_KEY",
        "azure": "AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY and AZURE_OPENAI_DEPLOYMENT",
        "cascade": "OPENAI_API_KEY, or an OUTWAIT_CASCADE_..._URL for each of STT, LLM and TTS",
    }
    if engine not in needs:
        return f"OUTWAIT_ENGINE: there is no engine {engine!r}; there is: {', '.join(sorted(needs))}"
    return f"the engine {engine} needs {needs[engine]}"


def _table(settings: Settings) -> PriceTable:
    try:
        return PriceTable.load(settings.prices)
    except NoPrice as error:
        raise ConfigError(str(error)) from error


def _price(table: PriceTable, name: str, engine: RealtimeEngine | CascadeEngine) -> Prices:
    try:
        if isinstance(engine, CascadeEngine):
            return table.cascade(*engine.models, "twilio")
        return table.prices(name, engine.capabilities.model, engine.manner.transcription, "twilio")
    except NoPrice as error:
        raise ConfigError(str(error)) from error


def _endings(table: PriceTable, name: str, engine: RealtimeEngine | CascadeEngine) -> list[str]:
    today = datetime.date.today()  # noqa: DTZ011  a day more or less
    if isinstance(engine, CascadeEngine):
        return table.cascade_endings(*engine.models, today)
    return table.endings(name, engine.capabilities.model, engine.manner.transcription, today)
