"""Ultravox."""

from outwait.engines.ultravox.engine import ultravox_engine

__all__ = ["ultravox_engine"]
