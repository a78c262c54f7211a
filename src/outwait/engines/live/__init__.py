"""OpenAI Live (`gpt-live-1`), at OpenAI and at Azure: a model that hears and speaks at once, billed by the second."""

from outwait.engines.live.engine import LiveEngine, azure_live_engine, live_engine

__all__ = ["LiveEngine", "azure_live_engine", "live_engine"]
