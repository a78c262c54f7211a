"""The call object of the HTTP API: a fold of a call's notes.

Pure, like the core: the same notes give the same object, whether they come live or are read back from the log.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, assert_never

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
from outwait.evidence import evidence

CARRIER_UNITS = ("minutes", "calls")
"""Only carriers bill by the begun minute, or by the call; an engine that bills by time is counted in seconds."""

WARMUP = "warmup"
"""The reason of a session's end that says that it never carried a word: it is counted apart."""


class Record:
    """One call as its user sees it."""

    def __init__(
        self,
        id: str,
        *,
        to: str,
        from_: str,
        task: str,
        created: float,  # s since 1970
        carrier: str = "twilio",
        engine: str = "",
        agent: str = "",
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._head: dict[str, Any] = {"id": id, "to": to, "from": from_, "task": task}
        self._created = created
        self._carrier = carrier
        self._engine = engine
        self._agent = agent
        self._metadata = metadata
        self._carrier_call_id: str | None = None
        self._status = "queued"
        self._phase = "queued"
        self._answered: float | None = None  # wall s
        self._ended: float | None = None  # wall s
        self._end_reason: dict[str, str] | None = None
        self._outcome: Outcome | None = None
        self._line = _Line()
        self._sessions: dict[int, _Session] = {}
        self._transcript: list[Said] = []
        self._reactions: list[dict[str, Any]] = []
        self._answered_by: str | None = None
        self._queue: dict[str, Any] | None = None
        self._menu: list[dict[str, Any]] = []
        self._decisions: list[dict[str, Any]] = []
        self._tools: list[dict[str, Any]] = []
        self._hangup: list[dict[str, Any]] = []
        self._call_back: dict[str, Any] | None = None
        self._second_legs: dict[int, dict[str, Any]] = {}
        self._bill = _Bill()

    def add(self, note: AnyNote, wall: float) -> None:
        """Take in the next note; `wall` is s since 1970."""
        self._line.add(note)
        match note:
            case Status():
                self._status = note.status
                self._carrier_call_id = note.carrier_call_id or self._carrier_call_id
            case Phase():
                self._phase = note.phase
            case Answered():
                self._answered = wall if self._answered is None else self._answered
            case HoldBegan() | HoldEnded() | HoldWentOn() | MaybeHuman() | CarrierJudged() | KeyHeard():
                self._decisions.append(_decision(note))
            case HoldPart() | Detached() | Attached():
                pass  # of the line alone
            case AnsweredBy():
                self._answered_by = note.who
            case Queue():
                self._queue = _queue(note)
            case MenuStep():
                self._menu.append(_menu_step(note))
            case Said():
                self._transcript.append(note)
            case Reacted():
                self._reactions.append(_reaction(note))
            case SessionNote():
                self._sessions.setdefault(note.session, _Session()).add(note)
            case Spent():
                self._bill.add(note)
            case Outcome():
                self._outcome = note
            case ToolRan():
                self._tools.append(_tool(note))
            case HangUpStep():
                self._hangup.append(_step(note))
            case CallBack():
                why = note.why or (self._call_back or {}).get("why", "")
                self._call_back = {"state": note.state, "at": _ms(note.at), "why": why}
            case SecondLeg():
                self._second_leg(note)
            case Ended():
                self._ended = wall
                self._phase = "ended"
                self._status = note.status
                self._end_reason = {"result": note.result, "cause": note.cause}
                self._bill.without_parking = note.without_parking_micro_usd
            case _:
                assert_never(note)

    def as_dict(self) -> dict[str, Any]:
        """The call object: plain data, ready for JSON."""
        opened = [session for session in self._sessions.values() if session.opened_at is not None]
        used = [session for session in opened if session.reason != WARMUP]
        transcript = [_said(said) for said in sorted(self._transcript, key=lambda said: said.at)]
        return self._head | {
            "carrier": self._carrier,
            "carrier_call_id": self._carrier_call_id,
            "engine": self._engine,
            "agent": self._agent or None,
            "metadata": self._metadata,
            "status": self._status,
            "phase": self._phase,
            "end_reason": self._end_reason,
            "outcome": self._outcome.text if self._outcome else None,
            "outcome_reason": self._outcome.reason if self._outcome else None,
            **_result(self._outcome, transcript),
            "created_at": _iso(self._created),
            "answered_at": _iso(self._answered),
            "ended_at": _iso(self._ended),
            "answered_by": self._answered_by,
            "timeline": self._line.timeline(),
            "queue": self._queue,
            "menu": list(self._menu),
            "transcript": transcript,
            "sessions": [session.as_dict(number) for number, session in enumerate(used, 1)],
            "failed_sessions": [
                session.as_failed()
                for session in self._sessions.values()
                if session.failed and session.reason != WARMUP
            ],
            "warmups": sum(session.reason == WARMUP for session in self._sessions.values()),
            "reactions": list(self._reactions),
            "decisions": list(self._decisions),
            "tools": list(self._tools),
            "hangup": list(self._hangup),
            "call_back": self._call_back,
            "second_legs": [dict(leg) for leg in self._second_legs.values()],
            "cost": self._bill.as_dict(open_ended=self._transferred_away),
        }

    @property
    def _transferred_away(self) -> bool:
        """The carrier has connected the leg with another number, and goes on billing both."""
        joined_here = any(leg["connected_at"] is not None for leg in self._second_legs.values())
        return (self._end_reason or {}).get("cause") == "transferred" and not joined_here

    def _second_leg(self, note: SecondLeg) -> None:
        moments = {f"{state}_at": None for state in ("dialing", "answered", "connected", "together", "ended")}
        new = {"leg": note.leg, "to": note.to, "carrier_call_id": None, **moments, "rung_because": note.why}
        leg = self._second_legs.setdefault(note.leg, new | {"ended_because": None})
        leg["carrier_call_id"] = note.carrier_call_id or leg["carrier_call_id"]
        if leg.get(f"{note.state}_at", 0.0) is None:
            leg[f"{note.state}_at"] = _ms(note.at)
        if note.state == "ended":
            leg["ended_because"] = note.why


# --- the line over time -------------------------------------------------------------------------


@dataclass(slots=True)
class _Span:
    start: float
    end: float | None = None  # None: it lasts


@dataclass(slots=True)
class _Line:
    """Who was on the line when. Holds and lost streams are kept apart and laid over one another at the end, so that
    a false resume or a lost socket inside a hold needs no case of its own."""

    answered: bool = False
    over: bool = False
    latest: float = 0.0  # media s
    holds: list[_Span] = field(default_factory=list)
    gaps: list[_Span] = field(default_factory=list)
    parts: list[tuple[float, float, str]] = field(default_factory=list)
    resumes: list[tuple[float, float]] = field(default_factory=list)  # false ones

    def add(self, note: AnyNote) -> None:
        """What a note says of the line; most say only that it has come so far."""
        match note:
            case Answered():
                self.answered = True
            case HoldBegan(at=at):
                self._seen(at)
                if not (self.holds and self.holds[-1].end is None):
                    self.holds.append(_Span(at))
            case HoldEnded(at=at, decided_at=decided_at):
                self._hold_ended(at, decided_at)
            case HoldWentOn(since=since, at=at, asked=asked):
                self._seen(at)
                if self.holds:
                    self.holds[-1].end = None
                if asked:
                    self.resumes.append((since, at))
            case HoldPart(start=start, end=end, part=part):
                self._seen(end)
                self.parts.append((start, end, part))
            case Detached(at=at):
                self._seen(at)
                if not (self.gaps and self.gaps[-1].end is None):
                    self.gaps.append(_Span(at))
            case Attached(at=at):
                self._seen(at)
                if self.gaps and self.gaps[-1].end is None:
                    self.gaps[-1].end = at
            case CallBack(at=at, state="waiting"):  # the line is gone, and the hold with it
                self._hold_ended(at, at)
            case Phase() | MaybeHuman() | AnsweredBy() | Queue() | MenuStep() | Said() | SessionNote():
                self._seen(note.at)
            case CallBack() | SecondLeg():
                self._seen(note.at)
            case Ended(at=at):
                self.latest = max(self.latest, at) if not self.over else at
                self.over = True
            case Status() | CarrierJudged() | KeyHeard() | Reacted() | Spent() | Outcome() | ToolRan() | HangUpStep():
                pass
            case _:
                assert_never(note)

    def timeline(self) -> list[dict[str, Any]]:
        if not self.answered:
            return []
        holds = [(span.start, self._end(span)) for span in self.holds]
        gaps = [(span.start, self._end(span)) for span in self.gaps]
        edges = sorted({0.0, self.latest} | {edge for span in holds + gaps for edge in span if 0 < edge < self.latest})
        line: list[dict[str, Any]] = []
        for start, end in itertools.pairwise(edges):
            kind = "detached" if _inside(start, gaps) else "hold" if _inside(start, holds) else "talk"
            if line and line[-1]["kind"] == kind:
                line[-1]["end"] = end
            else:
                line.append({"kind": kind, "start": start, "end": end})
        for segment in line:
            if segment["kind"] == "hold":
                segment["parts"] = self._parts_of(segment["start"], segment["end"])
            segment["start"], segment["end"] = _ms(segment["start"]), _ms(segment["end"])
        return line

    def _seen(self, at: float) -> None:
        if not self.over:
            self.latest = max(self.latest, at)

    def _hold_ended(self, at: float, decided_at: float) -> None:
        self._seen(decided_at)
        if self.holds and self.holds[-1].end is None:
            self.holds[-1].end = max(at, self.holds[-1].start)

    def _end(self, span: _Span) -> float:
        return self.latest if span.end is None else span.end

    def _parts_of(self, start: float, end: float) -> list[dict[str, Any]]:
        """What the hold was made of. A false resume covers whatever else was heard then."""
        pieces = [(a, b, "resume") for a, b in self.resumes]
        for a, b, kind in self.parts:
            pieces.extend((c, d, kind) for c, d in _without(a, b, self.resumes))
        parts: list[dict[str, Any]] = []
        for a, b, kind in sorted(pieces):
            a, b = _ms(max(a, start)), _ms(min(b, end))
            if a >= b:
                continue
            if parts and parts[-1]["kind"] == kind and parts[-1]["end"] >= a:
                parts[-1]["end"] = max(parts[-1]["end"], b)
            else:
                parts.append({"kind": kind, "start": a, "end": b})
        return parts


def _inside(at: float, spans: list[tuple[float, float]]) -> bool:
    return any(start <= at < end for start, end in spans)


def _without(start: float, end: float, holes: list[tuple[float, float]]) -> list[tuple[float, float]]:
    pieces = [(start, end)]
    for a, b in holes:
        pieces = [piece for c, d in pieces for piece in ((c, min(d, a)), (max(c, b), d)) if piece[0] < piece[1]]
    return pieces


# --- sessions, words, money ---------------------------------------------------------------------


@dataclass(slots=True)
class _Session:
    engine: str = ""
    model: str = ""
    opened_at: float | None = None
    closed_at: float | None = None
    reason: str = ""

    @property
    def failed(self) -> bool:
        """It ended without ever having been open."""
        return self.opened_at is None and self.closed_at is not None

    def add(self, note: SessionNote) -> None:
        self.engine = note.engine or self.engine
        self.model = note.model or self.model
        self.reason = self.reason or note.reason
        if note.state == "open" and self.opened_at is None:
            self.opened_at = note.at
        if note.state == "closed" and self.closed_at is None:
            self.closed_at = note.at

    def as_dict(self, number: int) -> dict[str, Any]:
        return {
            "number": number,
            "engine": self.engine,
            "model": self.model,
            "opened_at": _ms(self.opened_at),
            "closed_at": _ms(self.closed_at),
            "reason": self.reason or None,
        }

    def as_failed(self) -> dict[str, Any]:
        return {"at": _ms(self.closed_at), "engine": self.engine, "model": self.model, "reason": self.reason or None}


class _Bill:
    """Lines of the same kind are one line. Sums are made of whole micro-dollars, so they are exact."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str, bool], tuple[float, int]] = {}
        self.without_parking = 0  # micro-dollars, as the call told last

    def add(self, note: Spent) -> None:
        key = (note.what, note.units, note.estimated)
        quantity, micro = self._items.get(key, (0.0, 0))
        self._items[key] = (quantity + note.quantity, micro + note.micro_usd)
        self.without_parking = note.without_parking_micro_usd

    def as_dict(self, *, open_ended: bool) -> dict[str, Any]:
        """`open_ended`: the carrier goes on billing what we do not see any more."""
        # The carrier's word can take back minutes that we had counted: nothing is left of such a line.
        items = {key: value for key, value in self._items.items() if value[1] or value[0]}
        carrier = sum(micro for (_, units, _), (_, micro) in items.items() if units in CARRIER_UNITS)
        total = sum(micro for _, micro in items.values())
        return {
            "total_usd": _usd(total),
            "model_usd": _usd(total - carrier),
            "carrier_usd": _usd(carrier),
            "without_parking_usd": _usd(max(self.without_parking, total)),
            "estimated": open_ended or any(estimated for _, _, estimated in items),
            "items": [
                {
                    "what": what,
                    "units": units,
                    "quantity": round(quantity, 3),
                    "usd": _usd(micro),
                    "estimated": estimated,
                }
                for (what, units, estimated), (quantity, micro) in items.items()
            ],
        }


# --- notes as entries of the object -------------------------------------------------------------


def _decision(note: HoldBegan | HoldEnded | HoldWentOn | MaybeHuman | CarrierJudged | KeyHeard) -> dict[str, Any]:
    more: dict[str, Any]
    match note:
        case HoldBegan():
            kind, at, more = "hold_started", note.at, {"why": note.why}
        case HoldEnded():
            heard = {"onset": _ms(note.at), "confidence": _share(note.confidence)}
            kind, at, more = "human_returned", note.decided_at, heard | {"why": note.why}
        case HoldWentOn():
            kind, at = "hold_went_on", note.at
            more = {"since": _ms(note.since), "asked": note.asked, "why": note.why}
        case MaybeHuman():
            heard = {"onset": _ms(note.onset), "confidence": _share(note.confidence)}
            kind, at, more = "maybe_human", note.at, heard | {"why": note.why}
        case CarrierJudged():
            kind, at, more = "carrier_judged", note.at, {"why": note.who}
        case KeyHeard():
            kind, at, more = "key_heard", note.at, {"why": note.key}
        case _:
            assert_never(note)
    return {"kind": kind, "at": _ms(at), **more}


def _queue(note: Queue) -> dict[str, Any]:
    return {
        "position": note.position,
        "wait_seconds": note.wait_seconds,
        "hours": note.hours or None,
        "closed": note.closed,
        "heard_at": _ms(note.at),
    }


def _menu_step(note: MenuStep) -> dict[str, Any]:
    return {"at": _ms(note.at), "words": note.words, "keys": note.keys, "say": note.say, "why": note.why}


def _tool(note: ToolRan) -> dict[str, Any]:
    return {"at": _ms(note.at), "name": note.name, "how": note.how, "seconds": _ms(note.seconds)}


def _step(note: HangUpStep) -> dict[str, Any]:
    return {"at": _ms(note.at), "step": note.step} | ({"detail": note.detail} if note.detail else {})


def _result(outcome: Outcome | None, transcript: list[dict[str, Any]]) -> dict[str, Any]:
    if outcome is None or outcome.valid is None:
        return {"result": None, "result_valid": None, "result_faults": [], "evidence": []}
    return {
        "result": outcome.result,
        "result_valid": outcome.valid,
        "result_faults": list(outcome.faults),
        "evidence": evidence(outcome.result, outcome.quotes, transcript),
    }


def _reaction(note: Reacted) -> dict[str, Any]:
    stages = {"stages": {stage: _ms(seconds) for stage, seconds in note.stages.items()}} if note.stages else {}
    return {
        "at": _ms(note.at),
        "seconds": _ms(note.seconds),
        "answer": _ms(note.answer),
        "phrase": note.phrase,
    } | stages


def _said(said: Said) -> dict[str, Any]:
    entry: dict[str, Any] = {"at": _ms(said.at), "role": said.role, "text": said.text}
    return entry | ({"cut": True} if said.cut else {}) | ({"phrase": True} if said.phrase else {})


def _usd(micro: int) -> float:
    return round(micro / 1_000_000, 6)


def _share(value: float) -> float:
    return round(value, 4)


def _ms(seconds: float | None) -> Any:
    return None if seconds is None else round(seconds, 3)


def _iso(wall: float | None) -> str | None:
    """Like 2026-11-22T10:00:00Z."""
    return None if wall is None else datetime.fromtimestamp(int(wall), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
