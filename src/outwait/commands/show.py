"""A call in a terminal: its notes as they come, and what it came to at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, assert_never

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from outwait.call.notes import (
    Answered,
    AnsweredBy,
    AnyNote,
    Attached,
    CallBack,
    CarrierJudged,
    Detached,
    Ended,
    HangUpStep,
    HoldBegan,
    HoldEnded,
    HoldPart,
    HoldWentOn,
    KeyHeard,
    MaybeHuman,
    MenuStep,
    Outcome,
    Phase,
    Queue,
    Reacted,
    Said,
    SecondLeg,
    SessionNote,
    Spent,
    Status,
    ToolRan,
)

STYLES = {
    "talk": "green",
    "hold": "yellow",
    "detached": "red",
    "human": "bold cyan",
    "agent": "bold green",
    "announcement": "dim",
}


MARGIN = 10
"""Letters before the words of a line: its time."""


def clock(seconds: float) -> str:
    """Media time like 25:03.4."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    return f"{minutes:d}:{rest // 10:02d}.{rest % 10:d}"


def usd(amount: float, places: int = 4) -> str:
    """Money like $0.0231."""
    return f"${amount:.{places}f}"


def told(note: AnyNote) -> Text | None:
    """The line that tells a note; None for the notes that are no news of their own."""
    match note:
        case Status():
            return _line(None, f"line: {note.status}", "dim") if note.status in ("ringing", "busy", "failed") else None
        case Answered():
            return _line(0.0, "answered", "bold")
        case HoldBegan():
            return _line(note.at, f"on hold: {note.why}", STYLES["hold"])
        case MaybeHuman():
            return _line(note.at, f"perhaps a person, {note.confidence:.2f}: {note.why}", "magenta")
        case HoldEnded():
            return _line(note.decided_at, f"a person is back, {note.confidence:.2f}: {note.why}", "bold magenta")
        case HoldWentOn():
            return _line(note.at, f"that was nobody, still on hold: {note.why}", STYLES["hold"])
        case Detached():
            return _line(note.at, "the carrier's stream is lost; waiting for it", STYLES["detached"])
        case Attached():
            return _line(note.at, "the carrier's stream is back", STYLES["talk"])
        case Said():
            line = _line(note.at, f"{note.role}:", STYLES[note.role])
            line.append(" " + _plain(note.text) + (" ...[cut off]" if note.cut else ""))
            return line
        case AnsweredBy():
            return _line(note.at, f"answered by: {note.who}", "cyan")
        case CarrierJudged():
            return _line(note.at, f"answered by, says the carrier: {note.who}", "cyan")
        case Queue() | MenuStep() | KeyHeard():
            return _machine(note)
        case SessionNote():
            return _session(note)
        case Outcome():
            return _line(None, f"outcome: {note.text}", "bold")
        case ToolRan():
            return _line(note.at, f"tool {note.name}: {note.how}, after {note.seconds:.1f} s", "blue")
        case HangUpStep():
            detail = f" ({note.detail})" if note.detail else ""
            return _line(note.at, f"ending: {note.step.replace('_', ' ')}{detail}", "dim")
        case Ended():
            return _line(note.at, f"ended: {note.result}, {note.cause.replace('_', ' ')}", "bold")
        case CallBack():
            return _line(note.at, f"call back, {note.state}" + (f": {note.why}" if note.why else ""), "magenta")
        case SecondLeg():
            why = f": {note.why}" if note.why else ""
            return _line(note.at, f"your telephone, {note.state}{why}", "magenta")
        case Phase() | HoldPart() | Spent() | Reacted():
            return None
        case _:
            assert_never(note)


def hanging(line: Text, console: Console) -> Text:
    """A line of `told` that is too long for the terminal, with its further lines under its words."""
    return Text("\n" + " " * MARGIN).join(line.wrap(console, console.width - MARGIN))


def _machine(note: Queue | MenuStep | KeyHeard) -> Text | None:
    match note:
        case Queue():
            place = f"number {note.position} in the queue" if note.position is not None else ""
            wait = f"about {clock(note.wait_seconds)} to wait" if note.wait_seconds is not None else ""
            closed = "closed now" if note.closed else ""
            told = [part for part in (place, wait, closed, note.hours) if part]
            return _line(note.at, "queue: " + ", ".join(told), "magenta")
        case MenuStep():
            did = f"pressed {note.keys}" if note.keys else f'said "{note.say}"' if note.say else "did nothing"
            return _line(note.at, f"menu: {did} ({note.why})", "magenta")
        case KeyHeard():
            return _line(note.at, f"the other side pressed {note.key}", "magenta")


def _session(note: SessionNote) -> Text | None:
    if note.state == "open":
        return _line(note.at, f"model session {note.session} open ({note.model or note.engine})", "blue")
    if note.state == "closed":
        why = f": {note.reason}" if note.reason else ""
        return _line(note.at, f"model session {note.session} closed{why}", "blue")
    return None


def _line(at: float | None, words: str, style: str) -> Text:
    line = Text(f"{'' if at is None else clock(at):>{MARGIN - 2}}  ", style="dim")
    line.append(_plain(words), style=style)
    return line


def _plain(words: str) -> str:
    """What others said or sent, as one line: no line ends, and nothing that a terminal would obey."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())


class StatusLine:
    """The one line under a live call: what it is about now, for how long, and what it has cost."""

    def __init__(self) -> None:
        self._phase = "queued"
        self._since = 0.0
        self._at = 0.0
        self._open: set[int] = set()
        self._total = 0
        self._without = 0

    def add(self, note: AnyNote) -> None:
        """Take in the next note."""
        match note:
            case Phase():
                self._phase, self._since = note.phase, note.at
            case SessionNote():
                (self._open.add if note.state == "open" else self._open.discard)(note.session)
            case Spent() | Ended():
                self._total, self._without = note.total_micro_usd, note.without_parking_micro_usd
            case HoldPart():
                self._at = max(self._at, note.end)
            case _:
                pass
        self._at = max(self._at, getattr(note, "at", 0.0))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        session = "model session open" if self._open else "no model session"
        yield Text.assemble(
            (f"{clock(self._at):>{MARGIN - 2}}  ", "dim"),
            (self._phase, STYLES["hold"] if self._phase == "holding" else "bold"),
            f" for {clock(max(0.0, self._at - self._since))} · {session} · {usd(self._total / 1e6)}",
            f" (without parking {usd(self._without / 1e6)})" if self._without > self._total else "",
        )


def summary(call: dict[str, Any]) -> Iterator[Table | Text]:
    """What a call came to: its timeline, its outcome, its bill."""
    if call["timeline"]:
        yield _timeline(call)
    yield _outcome(call)
    if call["cost"]["items"]:
        yield _bill(call["cost"])
        yield _comparison(call["cost"])


def _timeline(call: dict[str, Any]) -> Table:
    table = Table(title="Timeline", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading, justify in (("from", "right"), ("to", "right"), ("for", "right"), ("what", "left")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for segment in call["timeline"]:
        start, end = segment["start"], segment["end"]
        what = Text(segment["kind"], style=STYLES[segment["kind"]])
        seconds: dict[str, float] = {}
        for part in segment.get("parts", ()):
            seconds[part["kind"]] = seconds.get(part["kind"], 0.0) + part["end"] - part["start"]
        if seconds:
            made_of = ", ".join(f"{kind} {clock(length)}" for kind, length in sorted(seconds.items()))
            what.append(f"  {made_of}", style="dim")
        table.add_row(clock(start), clock(end), clock(end - start), what)
    return table


def _outcome(call: dict[str, Any]) -> Text:
    reason = call["end_reason"] or {"result": "unfinished", "cause": call["phase"]}
    good = reason["result"] == "success"
    line = Text.assemble(
        "\n",
        (reason["result"].replace("_", " "), "bold green" if good else "bold red"),
        f" ({reason['cause'].replace('_', ' ')})",
    )
    if call["outcome"]:
        line.append(f": {call['outcome']}")
    if call.get("result_valid") is not None:
        kept = "" if call["result_valid"] else f" (does not keep to its schema: {'; '.join(call['result_faults'])})"
        line.append(f"\nresult: {json.dumps(call['result'], ensure_ascii=False)}{kept}")
        for found in call["evidence"]:
            words = f'"{found["text"]}" at {clock(found["at"])}' if found["line"] is not None else "nobody said so"
            line.append(f"\n  {found['of'] or 'all of it'}: {words}", style="dim")
    open_seconds = sum((s["closed_at"] or s["opened_at"]) - s["opened_at"] for s in call["sessions"])
    line.append(
        f"\n{len(call['sessions'])} model sessions, open for {clock(open_seconds)} of the call"
        + (f"; {call['warmups']} warm-ups that carried no sound" if call["warmups"] else "")
        + "\n"
    )
    return line


def _bill(cost: dict[str, Any]) -> Table:
    table = Table(title="Bill", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0), show_footer=True)
    table.add_column("what", "total" + (", partly estimated" if cost["estimated"] else ""))
    table.add_column("quantity", justify="right")
    table.add_column("USD", usd(cost["total_usd"]), justify="right")
    for item in cost["items"]:
        mark = " (estimated)" if item["estimated"] else ""
        table.add_row(f"{item['what']}{mark}", f"{item['quantity']:g} {item['units']}", usd(item["usd"]))
    return table


def _comparison(cost: dict[str, Any]) -> Text:
    saved = cost["without_parking_usd"] - cost["total_usd"]
    line = Text.assemble(
        f"\nmodel {usd(cost['model_usd'])} + carrier {usd(cost['carrier_usd'])} = ", (usd(cost["total_usd"]), "bold")
    )
    if saved > 0:
        line.append(f"; with the session left open {usd(cost['without_parking_usd'])}", style="bold yellow")
        line.append(f", so parking saved {usd(saved)}")
    return line
