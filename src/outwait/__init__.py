"""AI phone calls that ride out long holds."""

__version__ = "0.1.0"
