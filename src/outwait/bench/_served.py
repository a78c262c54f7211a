"""How long people wait on a whole call: from their last word to the first sound that is played to them.

The real server between a carrier and services as slow as real ones, over sockets and in real time. Both ends of the
time are read from what the carrier played and heard, in steps of 20 ms; nothing of the server's own word is used.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import numpy as np
from numpy.typing import NDArray

from outwait.agent import Agent
from outwait.audio import g711
from outwait.audio.frontend import levels
from outwait.bench import _load
from outwait.call.policy import Policy
from outwait.commands.staged import staged_settings
from outwait.compose import desk_opener
from outwait.sim.cascade import Delays
from outwait.sim.scenario import HangUp, Listen, Pace, Pause, Say, Scenario
from outwait.sim.stage import Stage
from outwait.sim.twilio_call import TwilioCall
from outwait.web.server import listening

FRAME = 160  # bytes: 20 ms
LOUD = -40.0  # dBFS: a frame above it is sound
NEVER = 1e9  # s
LIMIT = 30.0  # wall s for one turn
NUMBERS = {"with": "+12025550143", "without": "+12025550144"}  # by agent
TASK = "Find out when parcel four seven one two will be delivered."


async def waits(said: tuple[str, ...], turns: int, delays: Delays) -> dict[str, list[float]]:
    """Wall s of every turn of two calls at the same time: "with" the short words that are said while an answer is on
    its way, and "without" them."""
    talk = _scenario(said, turns)
    silent = Policy(patience_seconds=NEVER, late_seconds=NEVER)
    agents = [Agent("with"), Agent("without", policy=silent)]
    with TemporaryDirectory(prefix="outwait-bench-") as folder:
        async with Stage(talk, "cascade", dict.fromkeys(NUMBERS.values(), talk)) as stage:
            stage.model.delays = delays
            settings = staged_settings(stage, Path(folder))
            opener = desk_opener(settings, folder=Path(folder), agents=agents)
            async with listening(settings, opener) as (url, _), httpx2.AsyncClient(trust_env=False) as http:
                for agent, to in NUMBERS.items():
                    wish = {"to": to, "task": TASK, "agent": agent}
                    (await http.post(f"{url}/v1/calls", json=wish)).raise_for_status()
                placed = stage.carrier.calls
                await _load.until(lambda: len(placed) == len(NUMBERS), "both calls are made", LIMIT)
                calls = list(placed.values())
                for call in calls:
                    await stage.carrier.ended(call, LIMIT * turns)
    return {agent: _measured(call) for agent, to in NUMBERS.items() for call in calls if call.to == to}


def _scenario(said: tuple[str, ...], turns: int) -> Scenario:
    """Somebody who asks one thing after the other, and lets the agent finish."""
    steps: list[Any] = []
    for number in range(turns):
        steps += [Say(said[number % len(said)]), Listen(15.0, quiet=1.5), Pause(0.5)]
    return Scenario("talk", "", (*steps, HangUp(True)), task=TASK, pace=Pace(talk=1.0, hold=1.0, announce=1.0))


def _measured(call: TwilioCall) -> list[float]:
    """From the last loud frame of everything that the far end said to the next one that it hears."""
    said, heard = (_loud(sound) for sound in call.audio())
    found: list[float] = []
    for entry in call.far_end.diary:
        if entry.kind != "said":
            continue
        first, end = (round(seconds * g711.RATE / FRAME) for seconds in (entry.start, entry.end))
        last = first + int(np.flatnonzero(said[first:end])[-1]) + 1
        later = np.flatnonzero(heard[last:])
        if len(later):
            found.append(float(later[0]) * FRAME / g711.RATE)
    return found


def _loud(ulaw: bytes) -> NDArray[np.bool_]:
    return np.asarray(levels(g711.decode(ulaw[: len(ulaw) // FRAME * FRAME])[np.newaxis])[0] >= LOUD)
