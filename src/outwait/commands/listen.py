"""`outwait listen`: the ear and the hold logic over recordings, as a live call would have used them.

A file is read in blocks and never held in memory; every decision uses only what came before it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from outwait.audio import g711
from outwait.audio.ear import Ear, Score
from outwait.call.hold import (
    AnnouncementHeard,
    HoldEvent,
    HoldLogic,
    HoldPolicy,
    HoldSuspected,
    HumanReturned,
    LineDead,
    MaybeHuman,
    NobodyThere,
    Scored,
    SegmentHeard,
)
from outwait.errors import OutwaitError

_BLOCK = 10.0  # seconds read at a time


class Unreadable(OutwaitError):
    """A recording that cannot be listened to; the message is one line for the user."""


class Segment(msgspec.Struct, frozen=True):
    """What the line carried."""

    start: float
    """seconds"""
    end: float
    """seconds"""
    kind: str
    """speech, music, announcement, tone, noise or silence"""


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the ear decided."""

    at: float
    """seconds heard when it was decided"""
    kind: str
    """hold_started, announcement, maybe_human, human_returned or line_dead"""
    onset: float | None = None
    """seconds where the sound that caused it began"""
    confidence: float | None = None
    """0..1"""
    why: str = ""


class Heard(msgspec.Struct, frozen=True):
    """One recording, listened to: the line that `--json` prints."""

    file: str
    seconds: float
    on_hold: bool
    segments: list[Segment]
    events: list[Decision]


@dataclass(slots=True)
class Trace:
    """What `--plot` draws: one entry a stretch."""

    scores: list[Score] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    """largest absolute sample of the stretch, 1.0 is full scale"""


def listen(
    paths: Sequence[Path],
    on_hold: bool = False,
    as_json: bool = False,
    plot: Path | None = None,
    policy: HoldPolicy | None = None,
) -> int:
    """Listen to each file and print what was heard: JSON lines or tables. Returns the exit status, 0 or 1.

    `plot`: write a picture there; with several files the file's name is added to it.
    """
    out = Console(soft_wrap=True)
    error = Console(stderr=True, soft_wrap=True)
    ear = Ear.load()
    status = 0
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=error, transient=True
    )
    progress.disable = not error.is_terminal
    with progress:
        for path in paths:
            bar = progress.add_task(path.name, total=None)

            def advance(done: float, total: float, bar: Any = bar) -> None:
                progress.update(bar, completed=done, total=total)

            trace = Trace() if plot else None
            try:
                heard = hear_file(path, ear, on_hold, policy or HoldPolicy(), trace, advance)
                if plot is not None and trace is not None:
                    picture = plot if len(paths) == 1 else plot.with_stem(f"{plot.stem}-{path.stem}")
                    _draw(picture, heard, trace)
            except Unreadable as reason:
                error.print(f"outwait listen: {reason}", style=None, markup=False, highlight=False)
                status = 1
                continue
            finally:
                progress.remove_task(bar)
            if as_json:
                sys.stdout.write(msgspec.json.encode(heard).decode() + "\n")
                sys.stdout.flush()
            else:
                _print(out, heard)
    return status


def hear_file(
    path: Path,
    ear: Ear,
    on_hold: bool,
    policy: HoldPolicy,
    trace: Trace | None = None,
    advance: Callable[[float, float], None] | None = None,
) -> Heard:
    """Listen to one recording. Raises Unreadable when it is missing, empty or broken."""
    call = ear.open()
    logic = HoldLogic(policy, on_hold)
    segments: list[Segment] = []
    events: list[Decision] = []
    total = 0
    for ulaw, whole in read_ulaw(path):
        total += len(ulaw)
        scores = ear.hear([(call, ulaw)])[0]
        for score in scores:
            _sort(logic.hear(scored(score), agent_speaking=False), segments, events)
        if trace is not None:
            trace.scores += scores
            trace.peaks += _peaks(ulaw)
        if advance is not None:
            advance(total / g711.RATE, whole)
    seconds = round(total / g711.RATE, 2)
    _sort(logic.finish(seconds), segments, events)
    return Heard(str(path), seconds, on_hold, segments, events)


def scored(score: Score) -> Scored:
    """The ear's score as the core takes it."""
    return Scored(*score)


def read_ulaw(path: Path) -> Iterator[tuple[bytes, float]]:
    """The recording's first channel as mu-law at 8,000 Hz, in blocks, each with the whole file's seconds."""
    try:
        with soundfile.SoundFile(path) as sound:
            rate = sound.samplerate
            whole = sound.frames / rate
            resampler = soxr.ResampleStream(rate, g711.RATE, 1, dtype="int16") if rate != g711.RATE else None
            empty = True
            while len(block := sound.read(round(_BLOCK * rate), dtype="int16", always_2d=True)):
                empty = False
                samples: NDArray[np.int16] = np.ascontiguousarray(block[:, 0])
                if resampler is not None:
                    samples = resampler.resample_chunk(samples)
                yield g711.encode(samples), whole
            if resampler is not None:
                yield g711.encode(resampler.resample_chunk(np.zeros(0, np.int16), last=True)), whole
            if empty:
                raise Unreadable(f"{path}: no sound in it")
    except soundfile.LibsndfileError as error:
        reason = "no such file" if not path.exists() else error.error_string
        raise Unreadable(f"{path}: {reason}") from error
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from error


def read_whole(path: Path) -> bytes:
    """The same at once, for recordings that fit into memory."""
    return b"".join(block for block, _ in read_ulaw(path))


def _sort(found: list[HoldEvent], segments: list[Segment], events: list[Decision]) -> None:
    for event in found:
        match event:
            case SegmentHeard():
                segments.append(Segment(event.start, event.end, event.kind))
            case HoldSuspected():
                events.append(Decision(event.at, "hold_started", event.onset, None, event.why))
            case NobodyThere():
                events.append(Decision(event.at, "hold_started", event.at, None, f"nobody there: {event.why}"))
            case AnnouncementHeard():
                events.append(Decision(event.at, "announcement", event.onset, None, event.why))
            case MaybeHuman():
                events.append(Decision(event.at, "maybe_human", event.onset, event.confidence, event.why))
            case HumanReturned():
                events.append(Decision(event.at, "human_returned", event.onset, event.confidence, event.why))
            case LineDead():
                events.append(Decision(event.at, "line_dead", event.at, None, event.why))


def _peaks(ulaw: bytes) -> list[float]:
    samples = np.abs(g711.decode(ulaw).astype(np.float32)) / 32768
    count = len(samples) // 1280
    peaks: list[float] = samples[: count * 1280].reshape(count, 1280).max(axis=1).tolist()
    return peaks


def _print(console: Console, heard: Heard) -> None:
    from rich.table import Table

    table = Table(title=f"{heard.file} ({heard.seconds:.1f} s)", title_justify="left")
    for name in ("at", "what", "since", "sure", "why"):
        table.add_column(name)
    for event in heard.events:
        sure = "" if event.confidence is None else f"{event.confidence:.2f}"
        table.add_row(f"{event.at:.2f}", event.kind, f"{event.onset:.2f}", sure, event.why)
    console.print(table)
    parts: dict[str, float] = {}
    for segment in heard.segments:
        parts[segment.kind] = parts.get(segment.kind, 0.0) + segment.end - segment.start
    console.print(", ".join(f"{kind} {seconds:.1f} s" for kind, seconds in parts.items()))


def _draw(path: Path, heard: Heard, trace: Trace) -> None:
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise Unreadable("--plot needs matplotlib: pip install 'outwait[plot]'") from error
    times = [score.at for score in trace.scores]
    figure, (wave, lines) = pyplot.subplots(2, 1, figsize=(14, 6), sharex=True, layout="constrained")
    peaks = np.array(trace.peaks[: len(times)])
    wave.fill_between(times[: len(peaks)], -peaks, peaks, step="pre", color="0.6", linewidth=0)
    wave.set_ylim(-1, 1)
    wave.set_ylabel("sound")
    colours = {"speech": "tab:blue", "music": "tab:green", "singing": "tab:olive", "tone": "tab:orange"}
    for name, colour in {**colours, "repeated": "tab:red"}.items():
        lines.plot(times, [getattr(score, name) for score in trace.scores], label=name, color=colour, linewidth=0.8)
    lines.set_ylim(-0.02, 1.02)
    lines.set_xlabel("seconds")
    lines.legend(loc="upper left", ncols=5, fontsize="small")
    shades = {**colours, "announcement": "tab:red", "noise": "0.8"}
    for segment in heard.segments:
        if segment.kind in shades:
            wave.axvspan(segment.start, segment.end, color=shades[segment.kind], alpha=0.15, linewidth=0)
    for event in heard.events:
        if event.kind != "announcement":
            style = "-" if event.kind == "human_returned" else ":"
            wave.axvline(event.at, color="black", linestyle=style, linewidth=1)
            wave.text(event.at, 0.92, event.kind, rotation=90, va="top", ha="right", fontsize="x-small")
    wave.set_title(heard.file)
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from error
    finally:
        pyplot.close(figure)
