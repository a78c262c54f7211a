"""`outwait doctor`: is everything here that a call needs, and what is to be done where it is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx2
from rich.console import Console
from rich.text import Text

from outwait.call.events import AnyEvent, SessionClosed, SessionOpened, Trouble
from outwait.config import ConfigError, Settings, is_loopback
from outwait.engines.base import Engine
from outwait.errors import OutwaitError
from outwait.store.base import StoreError

TIMEOUT = httpx2.Timeout(10.0)
SESSION_SECONDS = 15.0
"""Wall seconds for an engine to open a session."""

MOST_SKEW = 60.0
"""Wall seconds. Stream tokens live ten minutes and TLS cares for days, but records of calls should agree with bills."""

State = Literal["good", "look", "fix"]
STYLES: dict[State, str] = {"good": "green", "look": "yellow", "fix": "bold red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it stands, and what to do about it."""

    what: str
    state: State
    found: str
    todo: str = ""


def run() -> int:
    """Print all findings; 1 when something must be fixed before a call can be made."""
    console = Console(highlight=False, soft_wrap=True)
    findings = asyncio.run(_print_all(console))
    faults = sum(finding.state == "fix" for finding in findings)
    console.print(f"\n{faults} to fix" if faults else "\nready for calls", style="bold red" if faults else "bold green")
    return 1 if faults else 0


async def _print_all(console: Console) -> list[Finding]:
    findings = []
    async for finding in examine():
        line = Text.assemble((f"{finding.state:4}", STYLES[finding.state]), f"  {finding.what}: ", finding.found)
        if finding.todo:
            line.append(f"\n      {finding.todo}", style="dim")
        console.print(line)
        findings.append(finding)
    return findings


async def examine() -> AsyncIterator[Finding]:
    """All findings, one after another."""
    try:
        settings = Settings.load()
    except ConfigError as error:
        yield Finding("settings", "fix", str(error), "Correct it in the environment, .env or outwait.toml.")
        return
    yield Finding("settings", "good", "can be read")
    for check in (_api_key, _public_url_setting, _engine, _ear):
        yield check(settings)
    if settings.agent:
        yield await _agents(settings)
    yield await _database(settings)
    async with httpx2.AsyncClient(timeout=TIMEOUT) as http:
        carrier, clock = await _carrier(settings, http)
        yield carrier
        if clock is not None:
            yield clock
        async for finding in _models(settings, http):
            yield finding
        if settings.public_url:
            yield await _public_url(settings.public_url, http)


def _api_key(settings: Settings) -> Finding:
    try:
        settings.check_server()
    except ConfigError as error:
        return Finding("server", "fix", str(error), "Set it in the environment or in .env, and keep it out of git.")
    if settings.api_key is None:
        return Finding("server", "look", "no OUTWAIT_API_KEY: only this machine can use the API")
    return Finding("server", "good", "the API wants its key")


def _public_url_setting(settings: Settings) -> Finding:
    if settings.public_url:
        return Finding("public URL", "good", settings.public_url)
    if is_loopback(httpx2.URL(settings.twilio_base_url).host):
        return Finding("public URL", "good", "not set; the carrier is on this machine too")
    return Finding(
        "public URL",
        "fix",
        "OUTWAIT_PUBLIC_URL is not set, so the carrier has no way to reach this server",
        "Put the server behind https, or use a tunnel such as `ngrok http 8080` or "
        "`cloudflared tunnel --url http://127.0.0.1:8080`, and set OUTWAIT_PUBLIC_URL to its https address.",
    )


def _engine(settings: Settings) -> Finding:
    from outwait import catalogue
    from outwait.compose import desk_opener

    try:
        desk_opener(settings)
    except ConfigError as error:
        return Finding("engine", "fix", str(error), "Set what it needs, or choose another one with OUTWAIT_ENGINE.")
    model = catalogue.engines(settings)[settings.engine].capabilities.model
    return Finding("engine", "good", f"{settings.engine}, {model}, with a price")


async def _agents(settings: Settings) -> Finding:
    """With their tools, those of MCP servers too."""
    from outwait.agent import at_work, load

    try:
        async with at_work(load(settings.agent)) as staff:
            told = ", ".join(f"{name} with {len(staffed.specs)} tools" for name, staffed in staff.items())
    except OutwaitError as error:
        return Finding("agents", "fix", str(error), "OUTWAIT_AGENT names them, like module:agent.")
    return Finding("agents", "good", told)


def _ear(_: Settings) -> Finding:
    from outwait.audio.ear import Ear

    began = time.perf_counter()
    Ear.load()
    return Finding("ear", "good", f"its model is here and loads in {time.perf_counter() - began:.2f} s")


async def _database(settings: Settings) -> Finding:
    from outwait.store.sql import SqlStore

    try:
        store = await SqlStore.open(settings.database_url.get_secret_value())
        live = len(await store.live())
        await store.close()
    except (StoreError, ConfigError) as error:
        return Finding("database", "fix", str(error), "DATABASE_URL names it, in SQLAlchemy's form.")
    return Finding("database", "good", "can be written" + (f"; {live} calls are unfinished" if live else ""))


async def _carrier(settings: Settings, http: httpx2.AsyncClient) -> tuple[Finding, Finding | None]:
    if settings.carrier != "twilio":
        return Finding("carrier", "look", f"not asked: it is {settings.carrier}, of another package"), None
    sid, token = settings.twilio_account_sid, settings.twilio_auth_token
    if not sid or token is None:
        todo = "Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, from the front page of Twilio's console."
        return Finding("carrier", "fix", "no account", todo), None
    url = f"{settings.twilio_base_url.rstrip('/')}/2010-04-01/Accounts/{sid}.json"
    before = time.time()
    try:
        answer = await http.get(url, auth=(sid, token.get_secret_value()))
    except httpx2.TransportError as error:
        todo = "Check this machine's way to the internet."
        return Finding("carrier", "fix", f"can't be reached: {error or type(error).__name__}", todo), None
    clock = _clock(answer.headers.get("date"), (before + time.time()) / 2)
    if answer.status_code in (401, 403):
        todo = "Copy both again from Twilio's console; after a change of the token the old one is dead."
        return Finding("carrier", "fix", "refuses TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN", todo), clock
    if answer.status_code >= 400:
        return Finding("carrier", "look", f"answers {answer.status_code} when asked for the account"), clock
    if not settings.twilio_phone_number:
        todo = "Set it, or give `from` with every call."
        return Finding("carrier", "look", "takes the keys; TWILIO_PHONE_NUMBER is not set", todo), clock
    return Finding("carrier", "good", f"takes the keys; calls come from {settings.twilio_phone_number}"), clock


def _clock(date: str | None, now: float) -> Finding | None:
    if date is None:
        return None
    skew = now - parsedate_to_datetime(date).timestamp()
    if abs(skew) <= MOST_SKEW:
        return Finding("clock", "good", f"agrees with the carrier's within {max(1.0, abs(skew)):.0f} s")
    side = "ahead of" if skew > 0 else "behind"
    return Finding("clock", "fix", f"{abs(skew):.0f} s {side} the carrier's", "Turn on time synchronisation (NTP).")


async def _models(settings: Settings, http: httpx2.AsyncClient) -> AsyncIterator[Finding]:
    """Every engine that the settings name: it is reached, takes the key, and has the model."""
    from outwait import catalogue

    try:
        engines = catalogue.engines(settings)
    except ConfigError:
        return  # that is found elsewhere
    for place, name in enumerate(dict.fromkeys(catalogue.asked_for(settings))):
        engine = engines.get(name)
        what = f"model of {name}" if place else "model"
        if engine is None:
            yield Finding(what, "look", f"not asked: {catalogue.missing(name)}")
        elif name in ("openai", "live") and settings.openai_api_key is not None:
            yield await _openai_model(what, settings, engine.capabilities.model, http)
        else:
            yield await _session(what, name, engine)


async def _session(what: str, name: str, engine: Engine) -> Finding:
    """There is no other way to ask all of them: a session is opened, and closed at once."""
    news: asyncio.Queue[AnyEvent] = asyncio.Queue()
    session = engine.session(1, "This is a test of the connection.", [], [], news.put_nowait)
    running = asyncio.create_task(session.run(), name="doctor")
    opened = False
    told: AnyEvent | None = None
    try:
        async with asyncio.timeout(SESSION_SECONDS):
            while not isinstance(told, SessionClosed):
                told = await news.get()
                if isinstance(told, SessionOpened):
                    opened = True
                    session.close()
    except TimeoutError:
        session.close()
    await running
    model = engine.capabilities.model
    if opened:
        return Finding(what, "good", f"{name} takes the key; a session with {model} was opened and closed")
    if not isinstance(told, SessionClosed) or told.trouble in (Trouble.LOST, Trouble.STALLED):
        why = told.detail if isinstance(told, SessionClosed) else "it says nothing"
        todo = "Check its address and this machine's way to the internet."
        return Finding(what, "fix", f"{name} can't be reached: {why}", todo)
    if told.trouble is Trouble.BUSY:
        return Finding(what, "look", f"{name} is busy: {told.detail}")
    return Finding(what, "fix", f"{name} refuses a session with {model}: {told.detail}", _needs(name))


def _needs(name: str) -> str:
    from outwait import catalogue

    row = catalogue.ENGINES.get(name)
    return f"It takes {row.needs}, and OUTWAIT_MODEL where another model is wanted." if row else "Ask its package."


async def _openai_model(what: str, settings: Settings, model: str, http: httpx2.AsyncClient) -> Finding:
    assert settings.openai_api_key is not None
    url = f"{settings.openai_base_url.rstrip('/')}/models/{model}"
    headers = {"Authorization": f"Bearer {settings.openai_api_key.get_secret_value()}"}
    try:
        answer = await http.get(url, headers=headers)
    except httpx2.TransportError as error:
        todo = "Check OPENAI_BASE_URL and this machine's way to the internet."
        return Finding(what, "fix", f"can't be reached: {error or type(error).__name__}", todo)
    if answer.status_code in (401, 403):
        return Finding(what, "fix", "refuses OPENAI_API_KEY", "Make a new key, with access to the realtime models.")
    if answer.status_code == 404:
        todo = "Choose another with OUTWAIT_MODEL, or ask for access to it."
        return Finding(what, "fix", f"there is no {model} for this key", todo)
    if answer.status_code >= 400:
        return Finding(what, "look", f"answers {answer.status_code} when asked for {model}")
    return Finding(what, "good", f"{model} is there for this key")


async def _public_url(url: str, http: httpx2.AsyncClient) -> Finding:
    try:
        answer = await http.get(f"{url}/healthz")
    except httpx2.TransportError as error:
        todo = "Start `outwait serve` and the tunnel or proxy in front of it, and ask again."
        return Finding("way in", "look", f"{url} does not answer: {error or type(error).__name__}", todo)
    if answer.status_code >= 400:
        todo = "The server does not run, or the proxy sends its requests elsewhere."
        return Finding("way in", "look", f"{url}/healthz answers {answer.status_code}", todo)
    return Finding("way in", "good", f"{url} leads to a running server")
