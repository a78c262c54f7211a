"""Ultravox."""

from outwait.engines.ultravox.engine import UltravoxEngine, ultravox_engine

__all__ = ["UltravoxEngine", "ultravox_engine"]
