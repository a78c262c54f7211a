"""What the server counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class Metrics:
    """The web layer's counters, in a registry that others may add to."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.requests = Counter(
            "outwait_http_requests", "HTTP requests answered", ["method", "status"], registry=self.registry
        )
        self.unsigned = Counter(
            "outwait_unsigned", "Webhooks and upgrades refused for their signature", registry=self.registry
        )
        self.bad_tokens = Counter("outwait_bad_tokens", "Media sockets refused for their token", registry=self.registry)
        self.bad_frames = Counter("outwait_bad_frames", "Media messages that could not be used", registry=self.registry)
        self.unknown_frames = Counter(
            "outwait_unknown_frames", "Media messages of kinds not known here", registry=self.registry
        )
        self.streams = Gauge("outwait_streams", "Media sockets open", registry=self.registry)
        self.stream_errors = Counter(
            "outwait_stream_errors", "Stream errors that the carrier reported", registry=self.registry
        )
