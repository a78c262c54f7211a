"""Speech to text, a language model, text to speech: one engine made of three services that speak OpenAI's HTTP wire."""

from outwait.engines.cascade.engine import CascadeEngine, cascade_engine
from outwait.engines.cascade.wire import Service

__all__ = ["CascadeEngine", "Service", "cascade_engine"]
