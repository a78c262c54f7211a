"""Both simulators around one program, on ports of 127.0.0.1, and the figures that prove what it did.

async with Stage(load("hold25")) as stage:
    ...  # start the program with stage.environment(), place a call to stage.scenario.to
    call = await stage.finished()
    print(stage.figures())
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from outwait.sim.engines import ENGINES, ModelSide
from outwait.sim.scenario import Scenario
from outwait.sim.twilio import TwilioSim
from outwait.sim.twilio_call import TwilioCall

SETTLING = 10.0  # media seconds of a hold before the caller's side must have closed its session
WATCH_MS = 100  # media time between two looks at the model's server


@dataclass
class HoldProof:
    """What reached the model while the far end was on hold, `SETTLING` seconds after each hold began.

    seconds
        media time watched
    seconds_with_socket
        of it, with a model socket open
    appended_ms
        audio given to the model meanwhile
    responses
        responses asked for meanwhile
    """

    seconds: float = 0.0
    seconds_with_socket: float = 0.0
    appended_ms: float = 0.0
    responses: int = 0


@dataclass
class _Watch:
    held_since: float = -1.0
    appended_ms: float = 0.0
    responses: int = 0


class Stage:
    """The world of one scenario.

    scenario
        what happens
    engine
        who plays the model: a name of `engines.ENGINES`
    others
        what further numbers do, such as the telephone of whoever asked for the call
    """

    def __init__(
        self, scenario: Scenario, engine: str = "openai", others: Mapping[str, Scenario] | None = None
    ) -> None:
        self.scenario = scenario
        self._far_end = ENGINES[engine]
        self.model: Any = self._far_end.make(scenario)  # a `ModelSide`; what else it has is for who chose it
        self.hearing = self.model.hearing
        self.carrier = TwilioSim({"": scenario} | dict(others or {}), self.hearing, on_frame=self._watch)
        self.proof = HoldProof()
        self._watches: dict[str, _Watch] = {}
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.model)
        await self._stack.enter_async_context(self.carrier)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def environment(self) -> dict[str, str]:
        """The variables that point a program at this stage."""
        return {
            "TWILIO_ACCOUNT_SID": self.carrier.account_sid,
            "TWILIO_AUTH_TOKEN": self.carrier.auth_token,
            "TWILIO_PHONE_NUMBER": "+12025550199",
            "OUTWAIT_TWILIO_BASE_URL": self.carrier.base_url,
            "OUTWAIT_ENGINE": self._far_end.engine,
            **self._far_end.settings(self.model),
        }

    @property
    def prices(self) -> Mapping[str, Any] | None:
        """What the model's server charges, where our own table of prices does not have it."""
        return self._far_end.prices

    async def finished(self, limit: float = 120.0) -> TwilioCall:
        """The first call, once it is over and its last callback was sent. `limit`: wall seconds."""
        call = await self.carrier.first_call(limit)
        await self.carrier.ended(call, limit)
        return call

    def figures(self) -> dict[str, Any]:
        """What happened, as plain data."""
        calls = list(self.carrier.calls.values())
        model: ModelSide = self.model
        return {
            "model": {
                "connections": len(model.connections),
                "open_sockets": model.open_sockets,
                "most_open": model.most_open,
                "appended_seconds": model.appended_ms / 1000,
                "responses": model.responses,
                "bill_usd": model.bill.usd,
                "lost_usd": model.bill.lost_usd,
                "errors": model.errors,
            },
            "hold": vars(self.proof),
            "calls": [_call_figures(call) for call in calls],
            "rest_requests": len(self.carrier.requests),
        }

    def write_wav(self, path: Path) -> None:
        """call.wav of the first call."""
        next(iter(self.carrier.calls.values())).write_wav(path)

    def _watch(self, call: TwilioCall) -> None:
        far, model = call.far_end, self.model
        if far.ear.ms % WATCH_MS:
            return
        watch = self._watches.setdefault(call.sid, _Watch())
        if far.kind == "talk":
            watch.held_since = -1.0
            return
        if watch.held_since < 0:
            watch.held_since = far.seconds
        settled = far.seconds - watch.held_since >= SETTLING
        appended, responses = model.appended_ms, model.responses
        if settled:
            self.proof.seconds += WATCH_MS / 1000
            self.proof.seconds_with_socket += WATCH_MS / 1000 if model.open_sockets else 0.0
            self.proof.appended_ms += appended - watch.appended_ms
            self.proof.responses += responses - watch.responses
        watch.appended_ms, watch.responses = appended, responses


def _call_figures(call: TwilioCall) -> dict[str, Any]:
    return {
        "sid": call.sid,
        "status": call.status,
        "ended_why": call.ended_why,
        "media_seconds": call.media_seconds,
        "completed_requests": call.completed_requests,
        "unheard_at_completed": call.unheard_at_completed,
        "streams": [
            {
                "ended": record.ended,
                "close_code": record.close_code,
                "closed_after_stop": record.peer_closed_at - record.ended_at if record.peer_closed_at else None,
                "marks": len(record.line.marks_returned),
                "clears": len(record.line.clears),
            }
            for record in call.streams
        ],
        "warnings": [f"{warning.code} {warning.text}" for warning in call.all_warnings],
        "callbacks": [(sent.form.get("CallStatus"), sent.status) for sent in call.sent if sent.kind == "status"],
    }
