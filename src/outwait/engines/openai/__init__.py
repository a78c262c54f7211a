"""OpenAI Realtime, Azure OpenAI, Azure Voice Live and xAI: one wire."""

from outwait.engines.openai.engine import RealtimeEngine, azure_engine, openai_engine, voice_live_engine, xai_engine

__all__ = ["RealtimeEngine", "azure_engine", "openai_engine", "voice_live_engine", "xai_engine"]
