"""Ears and a voice that need nobody: models that run on this machine, from packages that carry their weights.

The packages are the extra `local`. Nothing here reaches for the network, whatever is missing.
"""
