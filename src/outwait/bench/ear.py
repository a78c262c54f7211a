"""The ear on composed holds and on an exchange's recordings: misses, false resumes, delays, CPU, next to baselines.

`outwait bench ear --recordings ../shared/audio --captures ../shared/captures`. Only recordings marked `public_test` are
used, which nothing was trained on or fitted to. A false resume is a `human_returned` while no live person is there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from outwait.audio import g711
from outwait.audio.ear import Ear
from outwait.bench._holds import Composer, Hold, read_manifest
from outwait.bench._labels import read_labels
from outwait.call.hold import (
    FORUM_RULE,
    HoldLogic,
    HoldPolicy,
    HoldSuspected,
    HumanReturned,
    MaybeHuman,
    NobodyThere,
    Scored,
)
from outwait.commands.listen import Unreadable, read_whole, scored
from outwait.errors import OutwaitError

PATIENCE: Final = 10.0  # seconds a person waits for an answer before the return counts as missed
SEED: Final = 3
REARM: Final = 15.0  # seconds after which a baseline, which cannot tell that nobody is there, may fire again
CURVE: Final = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)  # added to the shipped `returned_odds`

Decide = Callable[[Hold], "Fired"]


@dataclass(slots=True)
class Fired:
    """What a detector did on one hold, seconds."""

    returned: list[float] = field(default_factory=list)
    maybe: list[float] = field(default_factory=list)
    parked: list[float] = field(default_factory=list)
    """when it found that nobody was there, after one of `returned`"""


@dataclass(frozen=True, slots=True)
class Result:
    """One hold, judged."""

    hold: Hold
    missed: bool
    """a person came back, was not noticed within PATIENCE, and no false resume from just before was still open"""
    delay: float | None
    """seconds from the person's first word to human_returned"""
    maybe_delay: float | None
    """the same to maybe_human or human_returned, whichever is earlier"""
    false: list[tuple[float, str]]
    """false resumes: when, and what was heard: first-heard, repeat, or other"""


def main(arguments: list[str]) -> int:
    """Compose, listen, judge, print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="outwait bench ear", description=__doc__)
    parser.add_argument("--recordings", type=Path, action="append", help="folder with manifest.csv; may be repeated")
    parser.add_argument("--captures", type=Path, help="folder with recordings and *.labels.json")
    parser.add_argument("--labels", type=Path, help="folder of moments marked with `outwait label`")
    parser.add_argument("--holds", type=int, default=110, help="holds to compose")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--use", default="public_test", help="which recordings of the manifest")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--curve", action="store_true", help="also the trade-off curve")
    parser.add_argument("--cpu", action="store_true", help="also the CPU of 500 calls held at once")
    parser.add_argument("--json", action="store_true", help="figures as one JSON object")
    options = parser.parse_args(arguments)
    shared = Path(__file__).parents[4] / "shared"
    folders = options.recordings or [shared / "audio"]
    captures = options.captures or (shared / "captures" if not options.recordings else None)
    figures = bench(
        folders,
        captures,
        options.holds,
        options.seed,
        options.use,
        not options.no_baselines,
        options.curve,
        options.cpu,
        options.labels,
    )
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        _show(figures)
    return 0


def bench(
    folders: list[Path],
    captures: Path | None,
    count: int,
    seed: int = SEED,
    use: str = "public_test",
    baselines: bool = True,
    curve: bool = False,
    cpu: bool = False,
    labels: Path | None = None,
) -> dict[str, Any]:
    """All figures. Raises OutwaitError when there are no recordings to compose from."""
    try:
        holds = Composer(read_manifest(folders, use), seed).holds(count)
        if labels is not None:
            holds += read_labels(labels)
    except (OSError, LookupError) as error:
        raise OutwaitError(f"no recordings to listen to: {error}") from error
    exchange = read_captures(captures) if captures is not None and captures.is_dir() else []
    ear = Ear.load()
    began = time.process_time()
    scores = {hold.name: hear(ear, hold) for hold in [*holds, *exchange]}
    seconds = sum(hold.seconds for hold in [*holds, *exchange])
    real_time = (time.process_time() - began) / seconds
    policy = HoldPolicy()
    detectors: dict[str, Decide] = {
        "outwait": lambda hold: decide(scores[hold.name], policy),
        "outwait, forum_rule policy": lambda hold: decide(scores[hold.name], FORUM_RULE),
    }
    if baselines:
        detectors |= _baselines()
    figures: dict[str, Any] = {"holds": len(holds), "hours": seconds / 3600, "real_time_factor": real_time}
    for name, detector in detectors.items():
        composed = [judge(hold, detector(hold)) for hold in holds]
        real = [judge(hold, detector(hold)) for hold in exchange]
        figures[name] = {"composed": summary(composed), "exchange": summary(real)}
        if name == "outwait":
            figures["by"] = {
                what: {
                    key: summary([r for r in composed if getattr(r.hold, what) == key])
                    for key in sorted({getattr(r.hold, what) for r in composed})
                }
                for what in ("kind", "damage", "language")
            }
    if curve:
        figures["curve"] = [
            {"returned_odds": policy.returned_odds + more}
            | summary(
                [
                    judge(hold, decide(scores[hold.name], replace(policy, returned_odds=policy.returned_odds + more)))
                    for hold in holds
                ]
            )
            for more in CURVE
        ]
    if cpu:
        figures["cpu_ms_per_call_second"] = held_cpu(ear, [hold for hold in holds if hold.seconds > 40])
    return figures


def decide(scores: Iterable[Scored], policy: HoldPolicy) -> Fired:
    """The hold logic over one hold, as a call in which nobody answers."""
    logic = HoldLogic(policy, on_hold=True)
    fired = Fired()
    for score in scores:
        for event in logic.hear(score, agent_speaking=False):
            if isinstance(event, HumanReturned):
                fired.returned.append(event.at)
            elif isinstance(event, MaybeHuman):
                fired.maybe.append(event.at)
            elif isinstance(event, NobodyThere | HoldSuspected):
                fired.parked.append(event.at)
    return fired


def judge(hold: Hold, fired: Fired) -> Result:
    """Compare with the truth."""
    returns = hold.returns if hold.returns is not None else hold.seconds + 1e6
    word = returns + hold.word_after
    hits = [at for at in fired.returned if returns <= at <= word + PATIENCE]
    maybes = [at for at in fired.maybe if returns - 0.5 <= at <= word + PATIENCE]
    false = [(at, _cause(hold, at)) for at in fired.returned if at < returns]
    still_open = bool(false) and not any(false[-1][0] < at <= returns for at in fired.parked)
    first = min(hits, default=None)
    early = min([*hits, *maybes], default=None)
    return Result(
        hold,
        hold.returns is not None and not hits and not still_open,
        None if first is None else max(0.0, first - word),
        None if early is None else max(0.0, early - word),
        false,
    )


def summary(results: list[Result]) -> dict[str, Any]:
    """The figures of the table for these holds."""
    returns = [r for r in results if r.hold.returns is not None]
    delays = [r.delay for r in results if r.delay is not None]
    maybes = [r.maybe_delay for r in results if r.maybe_delay is not None]
    hours = sum(r.hold.held for r in results) / 3600
    causes = [cause for r in results for _, cause in r.false]
    return {
        "returns": len(returns),
        "missed": sum(r.missed for r in returns),
        "hold_hours": round(hours, 3),
        "false_per_hour": round(len(causes) / hours, 2) if hours else 0.0,
        "false": {cause: causes.count(cause) for cause in sorted(set(causes))},
        "delay": _quantiles(delays),
        "maybe_delay": _quantiles(maybes),
    }


def read_captures(folder: Path) -> list[Hold]:
    """An exchange's recordings with their labels; the hold begins where the last live voice before it ends."""
    holds = []
    for labels in sorted(folder.glob("*.labels.json")):
        truth = json.loads(labels.read_text(encoding="utf-8"))
        sound = read_whole(folder / truth["file"])
        returns = truth["agent_returns_at"]
        people = [e["end"] for e in truth["events"] if e["who"] == "agent" and e["end"] < returns]
        start = max(people, default=0.0)
        cut = round(start * g711.RATE)
        holds.append(Hold(labels.stem.split(".")[0], "exchange", "none", "en", sound[cut:], returns - start))
    return holds


def held_cpu(ear: Ear, holds: list[Hold], calls: int = 500, seconds: float = 20.0) -> float:
    """CPU milliseconds for one second of one call, ear and logic, with `calls` held at once in steps of 0.16 s."""
    step = 1280
    listening = [ear.open() for _ in range(calls)]
    logics = [HoldLogic(HoldPolicy(), on_hold=True) for _ in range(calls)]
    sounds = [holds[number % len(holds)].ulaw for number in range(calls)]
    starts = [(7919 * number) % (len(sound) - round(seconds * 8000) - step) for number, sound in enumerate(sounds)]
    began = time.process_time()
    rounds = round(seconds / 0.16)
    for tick in range(rounds):
        batch = [
            (call, sound[start + tick * step : start + (tick + 1) * step])
            for call, sound, start in zip(listening, sounds, starts, strict=True)
        ]
        for logic, fresh in zip(logics, ear.hear(batch), strict=True):
            for score in fresh:
                logic.hear(scored(score), agent_speaking=False)
    return (time.process_time() - began) * 1000 / (calls * rounds * 0.16)


def hear(ear: Ear, hold: Hold) -> list[Scored]:
    """The scores of a hold."""
    call = ear.open()
    found = []
    for start in range(0, len(hold.ulaw), 80_000):
        found += [scored(score) for score in ear.hear([(call, hold.ulaw[start : start + 80_000])])[0]]
    return found


def _cause(hold: Hold, at: float) -> str:
    near = [voice for voice in hold.recorded if voice.start <= at and at <= voice.end + 3.0]
    if not near:
        return "other"
    return "first-heard" if near[-1].first else "repeat"


def _quantiles(values: list[float]) -> list[float]:
    if not values:
        return []
    return [round(float(np.quantile(values, q)), 2) for q in (0.5, 0.95)]


def _baselines() -> dict[str, Decide]:
    found: dict[str, Decide] = {"energy": _energy}
    try:
        import webrtcvad

        found["forum rule"] = lambda hold: _forum(hold, webrtcvad.Vad(3))
    except ImportError:
        pass
    silero = _silero()
    if silero is not None:
        found["silero, 1 s"] = silero
    return found


def _share_rule(voiced: list[bool], frame: float, window: float, share: float) -> Fired:
    """Fires when `share` of the last `window` seconds is voiced, at most every REARM seconds."""
    size = round(window / frame)
    total = np.concatenate(([0], np.cumsum(voiced)))
    fired = Fired()
    last = -REARM
    for end in range(size, len(voiced) + 1):
        at = end * frame
        if at - last >= REARM and total[end] - total[end - size] >= share * size - 1e-9:
            fired.returned.append(at)
            fired.parked.append(at + REARM)
            last = at
    fired.maybe = list(fired.returned)
    return fired


def _forum(hold: Hold, vad: Any) -> Fired:
    samples = g711.decode(hold.ulaw).tobytes()
    voiced = [vad.is_speech(samples[i : i + 320], g711.RATE) for i in range(0, len(samples) - 319, 320)]
    return _share_rule(voiced, 0.02, 4.0, 0.9)


def _energy(hold: Hold) -> Fired:
    samples = g711.decode(hold.ulaw).astype(np.float64) / 32768
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    loud = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-9)
    voiced = []
    for index, level in enumerate(loud):
        if index % 50 == 0:
            floor = float(np.percentile(loud[max(0, index - 500) : index + 1], 10))
        voiced.append(bool(level > floor + 10))
    return _share_rule(voiced, 0.02, 1.0, 0.8)


def _silero() -> Decide | None:
    try:
        import importlib.util

        import onnxruntime

        package = importlib.util.find_spec("silero_vad")
    except ImportError:
        return None
    if package is None or package.origin is None:
        return None
    models = sorted((Path(package.origin).parent / "data").glob("silero_vad.onnx"))
    if not models:
        return None
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(models[0]), settings, providers=["CPUExecutionProvider"])

    def run(hold: Hold) -> Fired:
        samples = g711.decode(hold.ulaw).astype(np.float32) / 32768
        state: Any = np.zeros((2, 1, 128), np.float32)
        context: Any = np.zeros((1, 32), np.float32)
        rate = np.array(g711.RATE, np.int64)
        voiced = []
        for start in range(0, len(samples) - 255, 256):
            block = np.concatenate((context, samples[None, start : start + 256]), axis=1)
            context = block[:, -32:]
            share, state = session.run(None, {"input": block, "state": state, "sr": rate})
            voiced.append(bool(share[0, 0] > 0.5))
        return _share_rule(voiced, 0.032, 1.2, 1.0 / 1.2)

    return run


def _show(figures: dict[str, Any]) -> None:
    console = Console(soft_wrap=True)
    table = Table(title=f"{figures['holds']} composed holds, {figures['hours']:.2f} h with the exchange's")
    for name in ("detector", "missed", "false/h, composed", "false/h, exchange", "returned", "maybe", "false by cause"):
        table.add_column(name)
    for name, figure in figures.items():
        if isinstance(figure, dict) and "composed" in figure:
            table.add_row(name, *_cells(figure["composed"], figure["exchange"]))
    console.print(table)
    for what, groups in figures["by"].items():
        table = Table(title=f"outwait, by {what}")
        for column in (what, "missed", "false/h", "returned, s", "maybe, s", "false by cause"):
            table.add_column(column)
        for key, one in groups.items():
            row = _cells(one, None)
            table.add_row(str(key), *row)
        console.print(table)
    if "curve" in figures:
        table = Table(title="trade-off: the odds asked for")
        for column in ("returned_odds", "missed", "false/h", "returned, s", "maybe, s", "false by cause"):
            table.add_column(column)
        for point in figures["curve"]:
            table.add_row(f"{point['returned_odds']:.1f}", *_cells(point, None))
        console.print(table)
    console.print(f"real-time factor {figures['real_time_factor']:.4f}")
    if "cpu_ms_per_call_second" in figures:
        console.print(f"CPU per held call, 500 at once: {figures['cpu_ms_per_call_second']:.2f} ms a second")


def _cells(one: dict[str, Any], exchange: dict[str, Any] | None) -> list[str]:
    missed = f"{one['missed']} of {one['returns']}"
    rates = [f"{one['false_per_hour']:.1f}"]
    delay = _pair(one["delay"])
    if exchange is not None:
        missed += f" + {exchange['missed']} of {exchange['returns']}"
        rates.append(f"{exchange['false_per_hour']:.1f}")
        delay += f" (exchange {_pair(exchange['delay'])})"
    causes = ", ".join(f"{cause} {count}" for cause, count in one["false"].items())
    return [missed, *rates, delay, _pair(one["maybe_delay"]), causes]


def _pair(values: list[float]) -> str:
    return " / ".join(f"{value:.2f}" for value in values) or "-"


__all__ = ["Unreadable", "bench", "decide", "hear", "held_cpu", "judge", "main", "read_captures", "summary"]
