"""The stage of one scenario with the three services of a cascade in the model's place."""

from __future__ import annotations

import contextlib
from typing import Any

from outwait.sim.cascade import CascadeSim, Delays, PlainHearing
from outwait.sim.mind import Mind
from outwait.sim.scenario import Scenario
from outwait.sim.stage import HoldProof, Stage
from outwait.sim.twilio import TwilioSim


class CascadeStage(Stage):
    """See `Stage`. Its figures of the model's sockets count requests; `model` is a `CascadeSim`."""

    model: Any

    def __init__(self, scenario: Scenario, delays: Delays | None = None) -> None:
        self.scenario = scenario
        self.hearing = PlainHearing()
        mind = Mind(task=scenario.task, forgets=frozenset(scenario.model.forgets))
        self.model = CascadeSim(self.hearing, mind, delays or Delays())
        self.carrier = TwilioSim(scenario, self.hearing, on_frame=self._watch)
        self.proof = HoldProof()
        self._watches = {}
        self._stack = contextlib.AsyncExitStack()

    def environment(self) -> dict[str, str]:
        """The variables that point a program at this stage."""
        return {
            "TWILIO_ACCOUNT_SID": self.carrier.account_sid,
            "TWILIO_AUTH_TOKEN": self.carrier.auth_token,
            "TWILIO_PHONE_NUMBER": "+12025550199",
            "OUTWAIT_TWILIO_BASE_URL": self.carrier.base_url,
            "OUTWAIT_ENGINE": "cascade",
            "OPENAI_API_KEY": self.model.key,
            "OPENAI_BASE_URL": self.model.base_url,
        }
