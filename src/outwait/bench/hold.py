"""CPU and memory of calls on hold: the real server in a process of its own, the carrier and the model in this one.

Every call is placed through the API, answered, parked by the model's `wait_on_hold`, and then hears music in real time.
While it is measured no model socket may be open, and no sound may reach the model; else the exit status is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from outwait.audio import g711
from outwait.bench import _load
from outwait.sim import music
from outwait.web.server import run

LIMIT: Final = 4.0  # ms of CPU a second and held call, with 50 at once
MUSIC_SECONDS: Final = 60.0  # before it repeats
SETTLE_SECONDS: Final = 1.0  # wall s from the last call's parking to the window


def main(arguments: list[str]) -> int:
    """Place, park, measure, print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="outwait bench hold", description=__doc__)
    parser.add_argument("--calls", type=int, default=50, help="calls on hold at once")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to measure")
    parser.add_argument("--json", action="store_true", help="figures as one JSON object")
    options = parser.parse_args(arguments)
    figures: dict[str, Any] = {}
    run(_bench(options.calls, options.seconds, figures))
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        _show(figures)
    return 0 if figures["proof"]["kept"] else 1


async def _bench(calls: int, seconds: float, figures: dict[str, Any]) -> None:
    pacer = _load.Pacer()
    hold_music = _load.payloads(g711.encode(_pcm(music.hold_music("lounge", MUSIC_SECONDS))))
    model = _load.Model(pacer, hold_music, talks=False)
    carrier = _load.Carrier(pacer, hold_music, False, model.heard, model.said)
    pacing = asyncio.create_task(pacer.run(), name="pacer")
    try:
        async with model.serving(), carrier.serving(), _load.house(model, carrier) as ours:
            idle = ours.usage()
            ids = await _load.place(ours, calls)
            await _load.until(lambda: model.opened >= calls and model.open == 0, "all calls parked")
            await asyncio.sleep(min(SETTLE_SECONDS, seconds))
            before = (model.opened, model.appended, model.asked)
            pacer.late.clear()
            carrier.watching = True
            measured = await _load.measure(ours, calls, seconds)
            carrier.watching = False
            after = (model.opened, model.appended, model.asked)
            late = pacer.late.copy()
            held = (await _load.phases(ours, ids)).count("holding")
    finally:
        pacing.cancel()
        await asyncio.gather(pacing, return_exceptions=True)
    opened, appended, asked = (b - a for a, b in zip(before, after, strict=True))
    figures |= {
        "calls": calls,
        "seconds": seconds,
        "cpu_ms_per_call_second": round(measured.cpu, 3),
        "cpu_user_ms_per_call_second": round(measured.user, 3),
        "cpu_system_ms_per_call_second": round(measured.system, 3),
        "limit_ms_per_call_second": LIMIT,
        "core_share": round(measured.share, 3),
        "rss_mb": round(measured.rss / 1e6, 1),
        "rss_kb_per_call": round((measured.rss - idle.rss) / calls / 1000, 1),
        "read_delay_ms": {
            "p50": _load.milliseconds(_load.quantile(carrier.probes, 0.5)),
            "p99": _load.milliseconds(_load.quantile(carrier.probes, 0.99)),
            "max": _load.milliseconds(max(carrier.probes, default=None)),
        },
        "generator_late_ms_p99": _load.milliseconds(_load.quantile(late, 0.99)),
        "proof": {
            "calls_holding": held,
            "model_sockets_opened": opened,
            "messages_appended": appended,
            "responses_asked": asked,
            "kept": held == calls and not (opened or appended or asked or model.open > 0),
        },
    }


def _show(figures: dict[str, Any]) -> None:
    table = Table(title=f"{figures['calls']} calls on hold, {figures['seconds']:g} s")
    table.add_column("figure")
    table.add_column("measured", justify="right")
    table.add_column("limit", justify="right")
    user, system = figures["cpu_user_ms_per_call_second"], figures["cpu_system_ms_per_call_second"]
    delay = figures["read_delay_ms"]
    proof = figures["proof"]
    table.add_row("CPU, ms a second and call", f"{figures['cpu_ms_per_call_second']:.2f}", f"{LIMIT:g}")
    table.add_row("  outside / inside the kernel", f"{user:.2f} / {system:.2f}", "")
    table.add_row("one core", f"{figures['core_share']:.1%}", "")
    table.add_row("memory, KB a call", f"{figures['rss_kb_per_call']:.0f}", "")
    table.add_row("memory, MB in all", f"{figures['rss_mb']:.0f}", "")
    table.add_row("a frame is read after, ms, p50 / p99 / max", f"{delay['p50']} / {delay['p99']} / {delay['max']}", "")
    table.add_row("generator late, ms, p99", f"{figures['generator_late_ms_p99']}", "")
    table.add_row("calls still on hold", f"{proof['calls_holding']}", f"{figures['calls']}")
    table.add_row(
        "model sockets opened, messages of sound to it",
        f"{proof['model_sockets_opened']}, {proof['messages_appended']}",
        "0, 0",
    )
    console = Console()
    console.print(table)
    if not proof["kept"]:
        console.print("[red]A model was reached, or a call left its hold: the figures are not of a hold.[/red]")


def _pcm(sound: music.Samples) -> Any:
    return (sound * 32767).clip(-32768, 32767).astype("int16")
