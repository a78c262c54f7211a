"""OpenAI Realtime, Azure OpenAI, Azure Voice Live and xAI: one wire."""

from outwait.engines.openai.engine import azure_engine, openai_engine, voice_live_engine, xai_engine

__all__ = ["azure_engine", "openai_engine", "voice_live_engine", "xai_engine"]
