"""OpenAI Realtime and Azure OpenAI."""

from outwait.engines.openai.engine import RealtimeEngine, azure_engine, openai_engine

__all__ = ["RealtimeEngine", "azure_engine", "openai_engine"]
