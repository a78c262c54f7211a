"""Google's Gemini Live."""

from outwait.engines.gemini.engine import gemini_engine

__all__ = ["gemini_engine"]
