"""The cascade's reaction: person's last word to first agent sound, with services as slow as real ones.

A person is fed to the engine in real time, turn after turn, over real sockets to simulated services. The time is
counted from the last of their speech; beside it stands the sum of the services' own delays, one after the other. Then
whole calls are made through the real server, and the same is read from what the carrier played to the person: with the
short words that are said meanwhile, and without them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from outwait.audio import g711
from outwait.audio.frontend import levels
from outwait.bench._served import waits
from outwait.call.events import AgentSpoke, AnyEvent, PersonStopped, ResponseEnded, SessionOpened
from outwait.call.tools import schemas
from outwait.engines.cascade import Service, cascade_engine
from outwait.engines.cascade.turns import TurnPolicy
from outwait.logs import configure
from outwait.sim import sound
from outwait.sim.cascade import CascadeSim, Delays, PlainHearing
from outwait.sim.mind import Mind
from outwait.web.server import run

LIMIT: Final = 150.0  # ms over the sum of the delays, at the median
ALWAYS: Final = 400.0  # ms to the first sound of a whole call with phrases, at every turn
TASK: Final = "Find out when parcel four seven one two will be delivered."
PERSON: Final = ("Hello, Northwind Parcels, how can I help you?", "Which parcel was it?", "Could you repeat that?")
FRAME: Final = 160  # bytes: 20 ms
LOUD: Final = -40.0  # dBFS; the last frame above it is the end of the last word
PATIENCE: Final = 20.0  # s for one answer


def main(arguments: list[str]) -> int:
    """Talk, measure, print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="outwait bench cascade", description=__doc__)
    parser.add_argument("--turns", type=int, default=9, help="how many times the person speaks")
    parser.add_argument("--stt-ms", type=float, default=300.0, help="from a turn to its words")
    parser.add_argument("--llm-ms", type=float, default=350.0, help="from the words to the model's first one")
    parser.add_argument("--word-ms", type=float, default=15.0, help="from one word of the model to the next")
    parser.add_argument("--tts-ms", type=float, default=200.0, help="from a sentence to its first sound")
    parser.add_argument("--json", action="store_true", help="figures as one JSON object")
    options = parser.parse_args(arguments)
    delays = Delays(
        transcribe=options.stt_ms / 1000,
        first_word=options.llm_ms / 1000,
        word=options.word_ms / 1000,
        first_sound=options.tts_ms / 1000,
        speed=8.0,
    )
    figures: dict[str, Any] = {}
    configure("error")
    run(_bench(options.turns, delays, figures))
    run(_calls(options.turns, delays, figures))
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        _show(figures)
    kept = figures["over_ms"]["median"] <= LIMIT and figures["call_with_phrases_ms"]["max"] <= ALWAYS
    return 0 if kept else 1


async def _bench(turns: int, delays: Delays, figures: dict[str, Any]) -> None:
    hearing = PlainHearing()
    async with CascadeSim(hearing, Mind(task=TASK), delays) as sim:
        service = [
            Service(sim.base_url, model, sim.key) for model in ("gpt-transcribe", "gpt-5.4-mini", "gpt-4o-mini-tts")
        ]
        engine = cascade_engine(stt=service[0], llm=service[1], tts=service[2], voice="marin")
        listener = _Listener()
        session = engine.session(1, f"You are on the telephone. Your task: {TASK}", [], schemas(), listener.post)
        running = asyncio.create_task(session.run(), name="session")
        await listener.wait(SessionOpened)
        measured = [await _turn(session, listener, hearing, sim, number, delays) for number in range(turns)]
        session.close()
        await running
    figures |= {
        "turns": turns,
        "limit_ms": LIMIT,
        "delays_ms": {name: getattr(delays, name) * 1000 for name in ("transcribe", "first_word", "first_sound")},
        "silence_ms": TurnPolicy().silence * 1000,
    }
    for name in measured[0]:
        values = [one[name] for one in measured]
        figures[name] = {"median": statistics.median(values), "worst": max(values), "mean": statistics.fmean(values)}


async def _calls(turns: int, delays: Delays, figures: dict[str, Any]) -> None:
    """Both at the same time."""
    for name, seconds in (await waits(PERSON, turns, delays)).items():
        waited = sorted(one * 1000 for one in seconds)
        figures[f"call_{name}_phrases_ms"] = {
            "turns": len(waited),
            "p50": statistics.median(waited),
            "p95": waited[min(len(waited) - 1, int(0.95 * len(waited)))],
            "max": waited[-1],
        }


async def _turn(
    session: Any, listener: _Listener, hearing: PlainHearing, sim: CascadeSim, number: int, delays: Delays
) -> dict[str, float]:
    """One thing said and answered; ms."""
    loop = asyncio.get_running_loop()
    text = PERSON[number % len(PERSON)]
    voice = sound.mix(sound.speak(text), sound.room(10.0), 0)
    hearing.said(text, voice)
    loud = levels(g711.decode(voice[: len(voice) // FRAME * FRAME])[np.newaxis])[0] >= LOUD
    last = (int(np.flatnonzero(loud)[-1]) + 1) * FRAME / 8000  # s of the speech
    listener.times.clear()
    began = loop.time()
    line = voice + sound.room(10.0)[: 8000 * 4]
    asked = len(sim.asked)
    feeding = asyncio.create_task(_feed(session, line, began), name="person")
    try:
        await listener.wait(ResponseEnded)
    finally:
        feeding.cancel()
        await asyncio.wait({feeding})
    times = {kind: at - began - last for kind, at in listener.times.items()}
    stages = {request.what: request.at - began - last for request in sim.asked[asked:]}
    first = next((r.body["input"] for r in sim.asked[asked:] if r.what == "speech"), "")
    stages["speech"] = max(r.at for r in sim.asked[asked:] if r.body.get("input") == first) - began - last
    words = len(first.split())  # a sentence is known to be over when the next word comes
    services = delays.transcribe + delays.first_word + words * delays.word + delays.first_sound
    reaction = times[AgentSpoke]
    what = [request.what for request in sim.asked[asked:]]
    return {
        "reaction_ms": reaction * 1000,
        "services_ms": services * 1000,
        "over_ms": (reaction - services) * 1000,
        "begun_ms": stages["transcriptions"] * 1000,
        "written_down_ms": (stages["completions"] - stages["transcriptions"]) * 1000,
        "answer_ms": (stages["speech"] - stages["completions"]) * 1000,
        "speech_ms": (reaction - stages["speech"]) * 1000,
        "turn_end_ms": times[PersonStopped] * 1000,
        "transcriptions": what.count("transcriptions"),
        "completions": what.count("completions"),
        "speeches": sum(request.what == "speech" and request.body["input"] == first for request in sim.asked[asked:]),
    }


async def _feed(session: Any, line: bytes, began: float) -> None:
    """In real time."""
    loop = asyncio.get_running_loop()
    for at in range(0, len(line), FRAME):
        await asyncio.sleep(began + (at + FRAME) / 8000 - loop.time())
        session.send_audio(line[at : at + FRAME])


class _Listener:
    """When each kind of event first came, since the last clear."""

    def __init__(self) -> None:
        self.times: dict[type[AnyEvent], float] = {}
        self._news = asyncio.Event()

    def post(self, event: AnyEvent) -> None:
        self.times.setdefault(type(event), asyncio.get_running_loop().time())
        self._news.set()

    async def wait(self, kind: type[AnyEvent]) -> None:
        async with asyncio.timeout(PATIENCE):
            while kind not in self.times:
                self._news.clear()
                await self._news.wait()


def _show(figures: dict[str, Any]) -> None:
    table = Table(title=f"Cascade, {figures['turns']} turns, ms")
    for heading in ("", "median", "worst"):
        table.add_column(heading, justify="left" if not heading else "right")
    rows = {
        "begun_ms": "last word to the first request",
        "written_down_ms": "to the words",
        "answer_ms": "words to the first sentence",
        "speech_ms": "sentence to its first sound",
        "reaction_ms": "last word to first sound",
        "services_ms": "sum of the services' delays",
        "over_ms": "over that",
        "turn_end_ms": "last word to the turn's end",
    }
    for name, words in rows.items():
        table.add_row(words, f"{figures[name]['median']:.0f}", f"{figures[name]['worst']:.0f}")
    console = Console()
    console.print(table)
    counts = ", ".join(f"{figures[name]['mean']:.1f} {name}" for name in ("transcriptions", "completions", "speeches"))
    console.print(f"asked for in a turn, of which one each is used: {counts}")
    console.print(f"limit of {LIMIT:g} ms over that at the median: {_kept(figures['over_ms']['median'] <= LIMIT)}\n")
    calls = Table(title="Whole calls, last word to first sound at the carrier, ms")
    for heading in ("", "turns", "p50", "p95", "max"):
        calls.add_column(heading, justify="left" if not heading else "right")
    for name in ("with", "without"):
        found = figures[f"call_{name}_phrases_ms"]
        calls.add_row(f"{name} phrases", str(found["turns"]), *(f"{found[one]:.0f}" for one in ("p50", "p95", "max")))
    console.print(calls)
    always = figures["call_with_phrases_ms"]["max"] <= ALWAYS
    console.print(f"limit of {ALWAYS:g} ms with phrases, at every turn: {_kept(always)}")


def _kept(good: bool) -> str:
    return "kept" if good else "missed"
