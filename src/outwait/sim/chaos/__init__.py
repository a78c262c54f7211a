"""Chaos in virtual time: random calls around the real core, with faults at random moments.

`play(seed)` plays one whole call: a company with its own script, a model, a carrier, a process that may be killed and
rebuilt from its log at any event. Everything comes from the seed, so a call that broke a law can be played again.

No sockets and no sound: a stretch of sound is a run of one byte that names what is heard (`words.py`), in frames
coarse enough that a call costs some milliseconds.
"""

from outwait.sim.chaos.world import Played, play

__all__ = ["Played", "play"]
