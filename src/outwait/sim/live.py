"""A Live model server on 127.0.0.1 that speaks OpenAI's and Azure's wire, and what it charged."""

from __future__ import annotations

from dataclasses import dataclass, field

from outwait.sim.live_bill import LiveBill
from outwait.sim.live_session import LiveSession, LiveTiming, Stored
from outwait.sim.model_server import Connection, ModelServer, Refusal


@dataclass
class LiveSim(ModelServer):
    """The server; see `ModelServer`.

    timing
        how fast the model is
    """

    timing: LiveTiming = field(default_factory=LiveTiming)
    charged: LiveBill = field(default_factory=LiveBill)
    stored: dict[str, Stored] = field(default_factory=dict)  # sessions that may be forked, by their ids

    @property
    def bill(self) -> LiveBill:
        return self.charged

    @property
    def openai_base_url(self) -> str:
        """For OPENAI_BASE_URL."""
        return f"{self.address}/v1"

    @property
    def azure_endpoint(self) -> str:
        """For AZURE_OPENAI_ENDPOINT."""
        return self.address

    def _enter(self, connection: Connection) -> LiveSession:
        given = {name.lower(): value for name, value in connection.headers.items()}
        source = self._source(connection.path)
        match "/v1/live/sessions" if source is not None else connection.path:
            case "/v1/live/sessions":
                good = given.get("authorization") == f"Bearer {self.key}"
            case "/openai/v1/live/sessions":
                if "authorization" in given:
                    raise Refusal(307, "Temporary Redirect")
                good = given.get("api-key") == self.key
            case _:  # a query is refused too: the model goes into session.start
                raise Refusal(404, f"Invalid URL (GET {connection.path})")
        if not good:
            raise Refusal(401, "Incorrect API key provided.")
        return LiveSession(
            connection.number, self.mind, self.hearing, self.bill, self.timing, stored=self.stored, source=source
        )

    def _source(self, path: str) -> Stored | None:
        """The stored session that a path forks; None: it forks none."""
        before, _, rest = path.partition("/v1/live/sessions/")
        name, _, verb = rest.partition("/")
        if before or verb != "fork":
            return None
        if name not in self.stored:
            raise Refusal(404, "Session not found.")
        return self.stored[name]
