"""The phrases of a call: which are at hand, whose turn it is, and which are still to be made.

A phrase is in the agent's voice; where there is none, a spare one is said, of the recordings that the house has.
"""

from __future__ import annotations

from collections.abc import Sequence

from outwait.call.commands import MakePhrase
from outwait.call.turns import Playout


class Sayings:
    """What is said without asking the model."""

    def __init__(self, texts: dict[str, str], playout: Playout) -> None:
        """`texts`: of the agent's own, name -> words."""
        self._texts = dict(texts)
        self._playout = playout
        self._made: dict[str, bytes] = {}
        self._spares: dict[str, tuple[str, bytes]] = {}  # words and sound, in a strange voice
        self._asked: set[str] = set()
        self._voice = ""  # the engine whose voice it is
        self._since = 0  # the first session that made phrases in it
        self._turns: dict[tuple[str, ...], int] = {}  # of a situation's phrases: place of the last one
        self._last = ("", -1e9)  # name, media s

    def speaks(self, voice: str, session: int) -> None:
        """Whose voice the agent has from this session on. What another one has made is better than nothing, and is
        made anew."""
        if self._voice and self._voice != voice:
            self._spares |= {
                name: (self._texts[name], ulaw) for name, ulaw in self._made.items() if name in self._texts
            }
            self._made.clear()
            self._asked.clear()
            self._since = session
        self._voice = voice

    def say(self, names: Sequence[str], at: float) -> str | None:
        """Say the next of these in their turn, so never the same twice in a row if there is another; its text, None if
        none is at hand."""
        known = [name for name in names if name in self._made] or [name for name in names if name in self._spares]
        if not known:
            return None
        last = self._turns.get(tuple(names), -1)
        name = min(known, key=lambda one: ((names.index(one) - last - 1) % len(names), names.index(one)))
        if name == self._last[0] and len(known) > 1:
            name = known[(known.index(name) + 1) % len(known)]
        self._turns[tuple(names)] = names.index(name)
        self._last = (name, at)
        text, ulaw = (self._texts[name], self._made[name]) if name in self._made else self._spares[name]
        self._playout.phrase(text, ulaw)
        return text

    def at_hand(self, names: Sequence[str]) -> bool:
        """Any of these can be said."""
        return any(name in self._made or name in self._spares for name in names)

    def age(self, at: float) -> float:
        """Media seconds since the last one."""
        return at - self._last[1]

    def sound(self, name: str) -> bytes:
        """Mu-law of one that is at hand; nothing otherwise."""
        return self._made.get(name) or self._spares.get(name, ("", b""))[1]

    def keep(self, name: str, ulaw: bytes, spare: str = "") -> None:
        """One is at hand; `spare`: its words, when the voice is not the agent's."""
        if spare:
            self._spares.setdefault(name, (spare, ulaw))
        else:
            self._made[name] = ulaw

    def made(self, name: str, ulaw: bytes, session: int) -> None:
        """One has been made by this session, perhaps in a voice that is not the agent's any more."""
        if session >= self._since:
            self.keep(name, ulaw)

    def learn(self, name: str, text: str, ulaw: bytes) -> None:
        """What the agent has just said, to be said again."""
        self._texts[name], self._made[name] = text, ulaw

    def make(self, session: int) -> list[MakePhrase]:
        """Have those made that are still missing, by this session."""
        missing = [name for name in self._texts if name not in self._made and name not in self._asked]
        self._asked.update(missing)
        return [MakePhrase(session, name, self._texts[name]) for name in missing]

    def failed(self, name: str) -> None:
        """It could not be made; the next session may."""
        self._asked.discard(name)

    def restarted(self) -> None:
        """A new process: what was being made is lost."""
        self._asked.clear()
