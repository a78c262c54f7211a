"""Google's Gemini Live."""

from outwait.engines.gemini.engine import GeminiEngine, gemini_engine

__all__ = ["GeminiEngine", "gemini_engine"]
