"""Spare phrases: what is said when the engine's own voice has none yet, or refuses to make one.

A strange voice for a second is better than silence: people hang up on a silent line. Made like the simulator's speech
clips (see `outwait/sim/sounds/README.md`), raw mu-law at 8,000 bytes a second.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

TEXTS = {
    "resume": "Yes, hello, this is the AI assistant, I'm here.",
    "resume_again": "Hello, yes, this is the AI assistant, I'm still on the line.",
    "pickup": "One moment please, I'll be right with you.",
    "apology": "I'm sorry, I have a technical problem and can't go on. I will call again. Goodbye.",
    "budget": "I'm sorry, I have to end this call now. Thank you, goodbye.",
}


@cache
def sound(name: str) -> bytes:
    """Mu-law of one of `TEXTS`."""
    return files(__name__).joinpath(f"{name}.ulaw").read_bytes()
