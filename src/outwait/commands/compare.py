"""`outwait cost --compare`: what one call costs on every engine that has a price, with its holds parked and without.

A call is brought down to what costs money: how long the line was up, how long people talked and held, and who said how
much in which order. From these each engine's bill is made by the meter itself; docs/money.md states the formula.
"""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from outwait.call.context import CHARACTERS
from outwait.call.cost import (
    AGENT_TOKENS,
    NAIVE_CACHED,
    SPOKEN_CHARACTERS,
    TEXT_TOKENS,
    USER_TOKENS,
    CascadePrice,
    Meter,
    Prices,
    Usage,
)
from outwait.config import Settings
from outwait.errors import OutwaitError
from outwait.prices import NoPrice, PriceEntry, PriceTable

INSTRUCTIONS = 1000  # text tokens of what every session is told before the first word, its tools included
ANSWER = 5.0  # s that the agent speaks in a scenario, which does not say
USUAL = "hold25"  # the scenario of the demo

_TRANSCRIBED = ("openai", "azure")
"""Vendors whose realtime models, billed by tokens, have the person's words written down by another model."""


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer of the agent, and what it heard since the one before."""

    session: int  # which stretch of talk, from 0
    heard: float  # s of the person's speech
    spoken: float  # s; 0: no answer came


@dataclass(frozen=True, slots=True)
class Profile:
    """What of a call costs money."""

    seconds: float  # from answer to end
    talk: tuple[float, ...]  # s of each stretch with a session
    holds: tuple[tuple[int, float], ...]  # (stretch of talk before it, s) of each
    turns: tuple[Turn, ...]
    carrier: str = "twilio"


@dataclass(frozen=True, slots=True)
class Row:
    """One engine's bill of a call."""

    engine: str  # vendor, or cascade
    model: str
    billing: str  # tokens, minutes, parts
    carrier_usd: float
    model_usd: float
    total_usd: float
    without_parking_usd: float


def of_call(call: Mapping[str, Any]) -> Profile:
    """Of a call object. Raises OutwaitError for one that was never answered."""
    timeline = call.get("timeline") or []
    if not timeline:
        raise OutwaitError("the call was not answered: there is nothing to compare")
    talk: list[float] = []
    ends: list[float] = []
    holds: list[tuple[int, float]] = []
    for part in timeline:
        length = float(part["end"]) - float(part["start"])
        if part["kind"] == "talk":
            talk.append(length)
            ends.append(float(part["end"]))
        elif part["kind"] == "hold":
            holds.append((max(0, len(talk) - 1), length))
    turns: list[Turn] = []
    heard = 0.0
    place = 0
    for line in call.get("transcript") or []:
        while place + 1 < len(ends) and float(line["at"]) >= ends[place]:
            if heard:
                turns.append(Turn(place, heard, 0.0))
                heard = 0.0
            place += 1
        if line["role"] == "human":
            heard += _seconds(line["text"])
        elif line["role"] == "agent" and not line.get("phrase"):
            turns.append(Turn(place, heard, _seconds(line["text"])))
            heard = 0.0
    if heard:
        turns.append(Turn(place, heard, 0.0))
    end = float(timeline[-1]["end"])
    return Profile(end, tuple(talk), tuple(holds), tuple(turns), str(call.get("carrier") or "twilio"))


def of_scenario(name: str) -> Profile:
    """Of a simulated company's plain line of steps: the agent answers everything that is said. Raises OutwaitError."""
    from outwait.sim.scenario import Hold, Pause, Say, ScenarioError, load

    try:
        steps = load(name).steps
    except ScenarioError as error:
        raise OutwaitError(str(error)) from error
    talk: list[float] = [0.0]
    holds: list[tuple[int, float]] = []
    turns: list[Turn] = []
    for step in steps:
        if isinstance(step, Say):
            heard = _seconds(step.say)
            turns.append(Turn(len(talk) - 1, heard, ANSWER))
            talk[-1] += heard + ANSWER
        elif isinstance(step, Pause):
            talk[-1] += step.pause
        elif isinstance(step, Hold):
            holds.append((len(talk) - 1, step.hold))
            talk.append(0.0)
    if not turns:
        raise OutwaitError(f"nobody says anything on the plain line of the scenario {name}")
    return Profile(sum(talk) + sum(length for _, length in holds), tuple(talk), tuple(holds), tuple(turns))


def bill(profile: Profile, prices: Prices) -> Meter:
    """The meter at the end of such a call."""
    meter = Meter(prices, None)
    meter.count_line(profile.seconds)
    holds = list(enumerate(profile.holds))
    usages = list(_usages(profile, isinstance(prices.model, CascadePrice)))
    for session, seconds in enumerate(profile.talk):
        meter.count_session(session, seconds)
        for turn, usage in usages:
            if turn.session == session:
                if turn.spoken:
                    meter.count_response("response", usage)
                if turn.heard:
                    heard = round(turn.heard * USER_TOKENS)
                    meter.count_transcript(Usage(seconds=turn.heard, audio_in=heard))
        for number, (before, length) in holds:
            if before == session:
                meter.note_hold(number, length)
    return meter


def _usages(profile: Profile, written: bool) -> Iterator[tuple[Turn, Usage]]:
    """What each response uses. `written`: the engine knows what it heard as text alone."""
    session = -1
    said = 0.0  # s, of both, in the sessions before
    text = audio = 0.0  # tokens in the conversation
    cached_text = cached_audio = 0.0  # of the response before
    told = 0.0
    for turn in profile.turns:
        if turn.session != session:
            session, said = turn.session, told
            text, audio = INSTRUCTIONS + said * SPOKEN_CHARACTERS / CHARACTERS, 0.0
            cached_text = cached_audio = 0.0
        told += turn.heard + turn.spoken
        if written:
            text += turn.heard * SPOKEN_CHARACTERS / CHARACTERS
        else:
            audio += turn.heard * USER_TOKENS
        yield (
            turn,
            Usage(
                text_in=round(text),
                text_cached=round(cached_text * NAIVE_CACHED),
                audio_in=round(audio),
                audio_cached=round(cached_audio * NAIVE_CACHED),
                text_out=round(turn.spoken * TEXT_TOKENS),
                audio_out=round(turn.spoken * AGENT_TOKENS),
                characters=round(turn.spoken * SPOKEN_CHARACTERS),
            ),
        )
        if turn.spoken:
            cached_text, cached_audio = text, audio
            text += turn.spoken * TEXT_TOKENS
            audio += 0.0 if written else turn.spoken * AGENT_TOKENS


def compare(profile: Profile, table: PriceTable, settings: Settings, today: datetime.date) -> list[Row]:
    """Every priced engine that is still served, the cheapest first."""
    rows: list[Row] = []
    for key, entry in table.models.items():
        if entry.ends is not None and entry.ends <= today:
            continue
        vendor, _, model = key.rpartition("/")
        vendor = vendor or model
        by_tokens = entry.unit == "per_1M_tokens"
        writer = settings.transcription_model if by_tokens and vendor in _TRANSCRIBED else None
        prices = table.prices(vendor, model, writer, profile.carrier)
        rows.append(_row(vendor, model, "tokens" if by_tokens else "minutes", bill(profile, prices)))
    for chat, speech in _stacks(table, settings, today):
        prices = table.cascade(chat, settings.cascade_stt_model, speech, profile.carrier)
        rows.append(_row("cascade", f"{chat} + {speech}", "parts", bill(profile, prices)))
    return sorted(rows, key=lambda row: (row.total_usd, row.engine, row.model))


def _stacks(table: PriceTable, settings: Settings, today: datetime.date) -> Iterator[tuple[str, str]]:
    """The configured cascade, and each further language model and voice with it."""
    usual = (settings.cascade_llm_model, settings.cascade_tts_model)
    yield usual
    for chat in _served(table.chat, today):
        if chat != usual[0]:
            yield chat, usual[1]
    for speech in _served(table.speech, today):
        if speech != usual[1]:
            yield usual[0], speech


def _served(entries: Mapping[str, PriceEntry], today: datetime.date) -> list[str]:
    """By the name under which a cascade asks for it."""
    return [
        key.removeprefix("openai/").removeprefix("cascade/")
        for key, entry in entries.items()
        if entry.ends is None or entry.ends > today
    ]


def _row(engine: str, model: str, billing: str, meter: Meter) -> Row:
    return Row(
        engine=engine,
        model=model,
        billing=billing,
        carrier_usd=meter.carrier / 1e6,
        model_usd=meter.model / 1e6,
        total_usd=meter.total / 1e6,
        without_parking_usd=meter.without_parking / 1e6,
    )


def _seconds(text: str) -> float:
    return len(text) / SPOKEN_CHARACTERS


# --- on the screen ------------------------------------------------------------------------------


def run(path: Path | None, scenario: str | None, as_json: bool) -> None:
    """`outwait cost --compare`. Raises OutwaitError."""
    call = read_call(path) if path is not None else None
    with _a_call(path):
        profile = of_call(call) if call is not None else of_scenario(scenario or USUAL)
        billed, told = _billed(call), _told(profile, call)
    try:
        settings = Settings.load()
        table = PriceTable.load(settings.prices)
        rows = compare(profile, table, settings, datetime.date.today())  # noqa: DTZ011  a day more or less
    except NoPrice as error:
        raise OutwaitError(str(error)) from error
    if as_json:
        found = {"as_of": table.as_of, "call": asdict(profile), "billed": billed, "rows": [*map(asdict, rows)]}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    console = Console()
    console.print(_table(rows, table.as_of))
    console.print(told, highlight=False)


def show_bill(path: Path, as_json: bool) -> None:
    """`outwait cost CALL_JSON`: its own bill. Raises OutwaitError."""
    cost = read_call(path).get("cost")
    if as_json:
        sys.stdout.write(json.dumps(cost, indent=2) + "\n")
        return
    with _a_call(path):
        if not isinstance(cost, dict):
            raise TypeError("no bill")
        Console().print(_bill_table(cost))


def _bill_table(cost: Mapping[str, Any]) -> Table:
    table = Table("what", "units", box=None)
    for name in ("quantity", "USD"):
        table.add_column(name, justify="right")
    for item in cost["items"]:
        mark = " (estimated)" if item["estimated"] else ""
        table.add_row(item["what"] + mark, item["units"], f"{item['quantity']:g}", f"{item['usd']:.4f}")
    table.add_row("total", "", "", f"{cost['total_usd']:.4f}", style="bold")
    table.add_row("without parking", "", "", f"{cost['without_parking_usd']:.4f}", style="dim")
    return table


@contextmanager
def _a_call(path: Path | None) -> Iterator[None]:
    """What is read here is a file that somebody gave us."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise OutwaitError(f"{path}: not a call.json") from error


def read_call(path: Path) -> dict[str, Any]:
    """A call object. Raises OutwaitError."""
    try:
        call = json.loads(path.read_bytes())
    except OSError as error:
        raise OutwaitError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise OutwaitError(f"{path}: not a call.json: {error}") from error
    if not isinstance(call, dict) or "timeline" not in call:
        raise OutwaitError(f"{path}: not a call.json")
    return call


def _billed(call: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the call did cost, where it was one."""
    if call is None:
        return None
    sessions = call.get("sessions") or []
    cost = call.get("cost") or {}
    return {
        "engine": call.get("engine"),
        "model": sessions[0]["model"] if sessions else None,
        "total_usd": cost.get("total_usd"),
        "without_parking_usd": cost.get("without_parking_usd"),
    }


def _table(rows: Sequence[Row], as_of: str) -> Table:
    table = Table("engine", title=f"USD, prices of {as_of}", title_style="", box=None)
    table.add_column("model", overflow="fold")
    table.add_column("billed by")
    for name in ("line", "model", "parked", "not parked", "saved"):
        table.add_column(name, justify="right", style="bold" if name == "parked" else "")
    for row in rows:
        money = (row.carrier_usd, row.model_usd, row.total_usd, row.without_parking_usd)
        saved = 1 - row.total_usd / row.without_parking_usd if row.without_parking_usd else 0.0
        table.add_row(row.engine, row.model, row.billing, *(f"{usd:.3f}" for usd in money), f"{saved:.0%}")
    return table


def _told(profile: Profile, call: Mapping[str, Any] | None) -> str:
    held = sum(length for _, length in profile.holds)
    heard, spoken = (sum(getattr(turn, name) for turn in profile.turns) for name in ("heard", "spoken"))
    answers = sum(turn.spoken > 0 for turn in profile.turns)
    lines = [
        f"the call: {profile.seconds / 60:.1f} min, {held / 60:.1f} of them on hold; the person speaks {heard:.0f} s, "
        f"the agent {spoken:.0f} s in {answers} answers. All rows are estimates by one formula (docs/money.md)"
    ]
    billed = _billed(call)
    if billed is not None and billed["total_usd"] is not None:
        lines.append(
            f"it did cost ${billed['total_usd']:.3f} on {billed['engine']} {billed['model'] or ''}, and would have "
            f"cost ${billed['without_parking_usd']:.3f} without parking"
        )
    return "\n".join(lines)
