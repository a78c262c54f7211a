"""Puts the house together: settings in, a working switchboard out. The only place that knows every part."""

from __future__ import annotations

import datetime
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from outwait import catalogue
from outwait.agent import Agent, Staffed, at_work
from outwait.audio.ear import Ear
from outwait.call.cost import Prices
from outwait.call.notes import Reacted
from outwait.call.phrasebook import DISCLOSURES, phrases
from outwait.call.policy import Policy
from outwait.carriers.base import Carrier
from outwait.carriers.twilio.rest import TwilioCarrier
from outwait.carriers.twilio.urls import Urls
from outwait.config import ConfigError, Settings, data_folder
from outwait.engines.base import Engine
from outwait.house.courier import Courier, destination
from outwait.house.furnishing import House
from outwait.house.guard import Guardian, Rules
from outwait.house.phrases import PhraseLibrary
from outwait.house.reaper import Lease, Reaper, new_process
from outwait.house.recording import Recordings
from outwait.house.switchboard import Switchboard
from outwait.house.transcriber import Recogniser
from outwait.plugins import Kit
from outwait.prices import NoPrice, PriceTable
from outwait.rules.addresses import Addresses, AddressRefused
from outwait.store.book import Book
from outwait.store.post import Post
from outwait.store.sql import SqlStore
from outwait.web.server import OpenDesk

REACTION_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)  # s

log = structlog.get_logger(__name__)


def desk_opener(
    settings: Settings,
    *,
    policy: Policy | None = None,
    folder: Path | None = None,
    recogniser: Recogniser | None = None,
    agents: Sequence[Agent] = (),
    kit: Kit | None = None,
) -> OpenDesk:
    """What `web.server.serve` needs. Raises ConfigError here and now for what can't work: an engine that is not
    configured, a model without a price. `folder`: where phrases are kept; `recogniser`: reads what machines say;
    `agents`: who makes the calls, the usual one first; `kit`: another carrier than Twilio."""
    return _Plan(settings, policy, folder, recogniser, agents, kit).opened


@dataclass(frozen=True, slots=True)
class _Base:
    """What everything else in a house stands on."""

    store: SqlStore
    carrier: Carrier
    book: Book
    recordings: Recordings | None
    process: str
    registry: CollectorRegistry


class _Plan:
    """Of a house: what is known of it before anything is open."""

    def __init__(
        self,
        settings: Settings,
        policy: Policy | None,
        folder: Path | None,
        recogniser: Recogniser | None,
        agents: Sequence[Agent],
        kit: Kit | None,
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._folder = folder
        self._recogniser = recogniser
        self._agents = agents
        self._kit = kit
        self._engines = _engines(settings, agents)
        self._table = _table(settings)
        for engine in self._engines.values():
            _price(self._table, engine, settings.carrier)
        _check_webhook(settings)
        _check_judge(settings, self._table, kit)

    @asynccontextmanager
    async def opened(self, public_url: str, registry: CollectorRegistry) -> AsyncIterator[Switchboard]:
        """The house at work, until the context is left."""
        self._warn_of_endings()
        settings = self._settings
        async with AsyncExitStack() as stack:
            store = await SqlStore.open(settings.database_url.get_secret_value())
            stack.push_async_callback(store.close)
            lines = self._kit.open(public_url) if self._kit is not None else _carrier(settings, public_url)
            carrier = await stack.enter_async_context(lines)
            recordings = recordings_of(settings)
            book = Book(store, recordings.delete if recordings is not None else lambda call_ids: None)
            process = new_process()
            lease = Lease(store, process, time.time)
            await stack.enter_async_context(lease.held())
            base = _Base(store, carrier, book, recordings, process, registry)
            courier = await stack.enter_async_context(_courier(settings, Post(store), registry))
            staff = await stack.enter_async_context(at_work(self._agents))
            board = await stack.enter_async_context(Switchboard(self._house(base, staff, courier)))
            await stack.enter_async_context(self._reaper(base, lease, board).at_work())
            yield board

    def _warn_of_endings(self) -> None:
        """Of models that will be no more."""
        today = datetime.date.today()  # noqa: DTZ011  a day more or less
        for engine in self._engines.values():
            for line in self._table.endings_of(engine.capabilities, today):
                log.warning(line)

    def _house(self, base: _Base, staff: Mapping[str, Staffed], courier: Courier | None) -> House:
        settings = self._settings
        broken = Counter("outwait_laws_broken", "Laws of a call that were broken", ["law"], registry=base.registry)
        signed = settings.webhook_secret is not None
        return House(
            store=base.store,
            carrier=base.carrier,
            engines=self._engines,
            ear=Ear.load(),
            phrases=_library(self._folder),
            policy=self._policy or _policy(settings),
            prices=lambda name, model: _price(self._table, self._engines[name], settings.carrier),
            engine=settings.engine,
            engine_menu=settings.engine_menu or "",
            failover=catalogue.failover(settings),
            guard=Guardian(_rules(settings, self._kit), base.book, time.time),
            keys=base.book.key_of,
            process=base.process,
            recordings=base.recordings,
            disclosure=_disclosure(settings),
            language=settings.language,
            recogniser=self._recogniser or _recogniser(settings),
            staff=staff,
            webhook=destination(_addresses(settings), default=settings.webhook_url, signed=signed),
            on_ended=courier.wake if courier is not None else lambda: None,
            on_reacted=_reactions(base.registry),
            on_law_broken=lambda law: broken.labels(law).inc(),
        )

    def _reaper(self, base: _Base, lease: Lease, board: Switchboard) -> Reaper:
        kit, settings = self._kit, self._settings
        words = "Calls taken up and legs ended that were lost sight of"
        reaped = Counter("outwait_reaped", words, ["what"], registry=base.registry)
        return Reaper(
            lease,
            board,
            base.store,
            base.carrier,
            time.time,
            own_number=kit.number if kit is not None else settings.twilio_phone_number,
            on_reaped=lambda what: reaped.labels(what).inc(),
            prune=_pruner(settings, base.book),
        )


@dataclass(frozen=True, slots=True)
class PhraseWork:
    """What it takes to make phrases without a call."""

    engine: Engine
    prices: Prices
    texts: dict[str, str]  # name -> words, of the phrases that every call of this engine has
    library: PhraseLibrary


def phrase_work(settings: Settings, name: str | None, folder: Path | None = None) -> PhraseWork:
    """Of an engine; `name` None: of the settings'. Raises ConfigError."""
    name = name or settings.engine
    engine = catalogue.engines(settings).get(name)
    if engine is None:
        raise ConfigError(catalogue.missing(name))
    slow = engine.capabilities.reaction > _policy(settings).patience_seconds
    recorded = settings.recordings is not None
    return PhraseWork(
        engine=engine,
        prices=_price(_table(settings), engine, settings.carrier),
        texts=phrases(_disclosure(settings), settings.language, slow=slow, recorded=recorded),
        library=_library(folder),
    )


def _library(folder: Path | None) -> PhraseLibrary:
    return PhraseLibrary((folder or data_folder()) / "phrases")


def _engines(settings: Settings, agents: Sequence[Agent]) -> dict[str, Engine]:
    """All that there are, among them every one that somebody names."""
    engines = catalogue.engines(settings)
    named = {"": settings.engine, "OUTWAIT_ENGINE_MENU: ": settings.engine_menu or settings.engine}
    named |= {f"the agent {agent.name}: ": agent.engine for agent in agents if agent.engine is not None}
    wanted = [*named.items(), *(("OUTWAIT_FAILOVER: ", name) for name in catalogue.failover(settings))]
    for who, name in wanted:
        if name not in engines:
            raise ConfigError(who + catalogue.missing(name))
    return engines


def recordings_of(settings: Settings) -> Recordings | None:
    """Where calls are recorded; None: they are not."""
    if settings.recordings is None:
        return None
    return Recordings(settings.recordings.expanduser(), round(settings.recordings_gb * 1e9))


def _addresses(settings: Settings) -> Addresses:
    return Addresses(loopback=settings.is_local, private=settings.webhook_private)


def _check_webhook(settings: Settings) -> None:
    if settings.webhook_url is None:
        return
    if settings.webhook_secret is None:
        raise ConfigError("OUTWAIT_WEBHOOK_URL needs OUTWAIT_WEBHOOK_SECRET: what is sent is signed")
    try:
        _addresses(settings).check(settings.webhook_url)
    except AddressRefused as error:
        raise ConfigError(f"OUTWAIT_WEBHOOK_URL: {error}") from error


@asynccontextmanager
async def _courier(settings: Settings, post: Post, registry: CollectorRegistry) -> AsyncIterator[Courier | None]:
    """At work as long as the context lasts; None without a secret to sign with."""
    if settings.webhook_secret is None:
        yield None
        return
    sent = Counter("outwait_webhooks", "Tries to tell a user's server of a call's end", ["result"], registry=registry)
    secret = settings.webhook_secret.get_secret_value()
    courier = Courier(post, _addresses(settings), secret, time.time, lambda how: sent.labels(how).inc())
    async with courier.at_work():
        yield courier


def _disclosure(settings: Settings) -> str:
    """As it is set; else the usual words in the language of the phrases."""
    return settings.disclosure if "disclosure" in settings.model_fields_set else DISCLOSURES[settings.language]


def _reactions(registry: CollectorRegistry) -> Callable[[Reacted], None]:
    """How long people waited for the first sound, and where the time of an answer went."""
    first = Histogram(
        "outwait_reaction_seconds",
        "From a person's last word to our first sound",
        ["phrase"],
        buckets=REACTION_BUCKETS,
        registry=registry,
    )
    stages = Histogram(
        "outwait_answer_stage_seconds",
        "Stages of an answer, of engines made of parts",
        ["stage"],
        buckets=REACTION_BUCKETS,
        registry=registry,
    )

    def reacted(note: Reacted) -> None:
        first.labels("yes" if note.phrase else "no").observe(note.seconds)
        for stage, seconds in note.stages.items():
            stages.labels(stage).observe(seconds)

    return reacted


def _check_judge(settings: Settings, table: PriceTable, kit: Kit | None) -> None:
    """Whoever asks the carrier who answered pays for it: no price, no question. Raises ConfigError."""
    if settings.carrier_amd and (kit is not None or f"{settings.carrier}/judgement" not in table.carriers):
        raise ConfigError(f"OUTWAIT_CARRIER_AMD: {settings.carrier} does not tell who answered, or has no price for it")


def _policy(settings: Settings) -> Policy:
    return Policy(voicemail=settings.voicemail, learn=settings.learn, carrier_judges=settings.carrier_amd)


def _recogniser(settings: Settings) -> Recogniser | None:
    if settings.recogniser == "off":
        return None
    from outwait.local.missing import Missing
    from outwait.local.stt import recogniser

    try:
        return recogniser(settings.local_stt_model).announcements()
    except Missing as error:
        raise ConfigError(f"OUTWAIT_RECOGNISER: {error}") from error


def _rules(settings: Settings, kit: Kit | None) -> Rules:
    return Rules(
        own_number=kit.number if kit is not None else settings.twilio_phone_number,
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


def _table(settings: Settings) -> PriceTable:
    try:
        return PriceTable.load(settings.prices)
    except NoPrice as error:
        raise ConfigError(str(error)) from error


def _price(table: PriceTable, engine: Engine, carrier: str) -> Prices:
    try:
        return table.of(engine.capabilities, carrier)
    except NoPrice as error:
        raise ConfigError(str(error)) from error
