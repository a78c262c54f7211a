"""OpenAI Live (`gpt-live-1`), at OpenAI and at Azure: a model that hears and speaks at once, billed by the second."""

from outwait.engines.live.engine import azure_live_engine, live_engine

__all__ = ["azure_live_engine", "live_engine"]
