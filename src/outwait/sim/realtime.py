"""A realtime model server on 127.0.0.1 that speaks the realtime wire in all its dialects, and what it charged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from outwait.sim.hearing import Hearing
from outwait.sim.mind import Mind
from outwait.sim.model_server import Connection, ModelServer, Refusal
from outwait.sim.realtime_bill import Bill
from outwait.sim.realtime_dialect import Dialect
from outwait.sim.realtime_response import Timing
from outwait.sim.realtime_session import RealtimeSession
from outwait.sim.scenario import Scenario


@dataclass(frozen=True)
class _Target:
    model: str
    dialect: Dialect
    azure: bool


@dataclass
class RealtimeSim(ModelServer):
    """The server; see `ModelServer`.

    timing
        how fast the model is
    """

    timing: Timing = field(default_factory=Timing)
    charged: Bill = field(default_factory=Bill)

    @classmethod
    def of(cls, scenario: Scenario, hearing: Hearing, **options: Any) -> Self:
        """The model a scenario asks for."""
        mind = Mind(task=scenario.task, forgets=frozenset(scenario.model.forgets))
        return cls(hearing, mind, faults=scenario.model.fault, **options)

    @property
    def bill(self) -> Bill:
        return self.charged

    @property
    def openai_base_url(self) -> str:
        """For OPENAI_BASE_URL."""
        return f"{self.address}/v1"

    @property
    def azure_endpoint(self) -> str:
        """For AZURE_OPENAI_ENDPOINT."""
        return self.address

    @property
    def xai_base_url(self) -> str:
        """For OUTWAIT_XAI_BASE_URL."""
        return f"{self.address}/xai/v1"

    def _enter(self, connection: Connection) -> RealtimeSession:
        target = self._target(connection.path, connection.headers)
        return RealtimeSession(
            connection.number,
            target.model,
            target.dialect,
            self.mind,
            self.hearing,
            self.bill,
            self.timing,
            lambda: connection.closed_at - connection.opened_at,
        )

    def _target(self, path: str, headers: Mapping[str, str]) -> _Target:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        given = {name.lower(): value for name, value in headers.items()}
        match parts.path:
            case "/v1/realtime":
                dialect: Dialect = "beta" if given.get("openai-beta") == "realtime=v1" else "ga"
                target = _Target(query.get("model", ""), dialect, azure=False)
            case "/openai/v1/realtime":
                target = _Target(query.get("model", ""), "ga", azure=True)
            case "/openai/realtime":
                if not query.get("api-version"):
                    raise Refusal(404, "Resource not found")
                target = _Target(query.get("deployment", ""), "beta", azure=True)
            case "/voice-live/realtime":
                if not query.get("api-version"):
                    raise Refusal(400, "Missing required query parameter: api-version.")
                target = _Target(query.get("model", ""), "voicelive", azure=True)
            case "/xai/v1/realtime":
                target = _Target(query.get("model", ""), "xai", azure=False)
            case _:
                raise Refusal(404, f"Invalid URL (GET {parts.path})")
        if not target.model:
            raise Refusal(400, "You must provide a model parameter.")
        authorised = (
            given.get("api-key") == self.key if target.azure else given.get("authorization") == f"Bearer {self.key}"
        )
        if not authorised:
            raise Refusal(401, "Incorrect API key provided.")
        return target
