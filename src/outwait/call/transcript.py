"""Who said what, and when: into the context, for the sessions to come, and into the record."""

from __future__ import annotations

from outwait.call import notes
from outwait.call.commands import AnyCommand, Tell
from outwait.call.context import Context
from outwait.call.turns import Playout, Utterance


class Transcript:
    """Of one call. Turns of the person are named by their session's number and the engine's item."""

    def __init__(self, context: Context, playout: Playout) -> None:
        self.last: Utterance | None = None  # what the agent said last
        self._context = context
        self._playout = playout
        self._starts: dict[str, float] = {}  # of the person's turns whose words are not known yet, media s

    def turn(self, session: int, item: str, start: float) -> None:
        """The person has said something, from `start` on, media s; its words follow, or never do."""
        self._starts[f"{session}.{item}"] = start
        self._context.person_speaks(f"{session}.{item}")

    def person_said(self, session: int, item: str, text: str, at: float) -> list[AnyCommand]:
        """These are the words. `at`: media s."""
        self._context.person_said(f"{session}.{item}", text)
        if not text.strip():
            return []
        start = self._starts.pop(f"{session}.{item}", at)
        return [Tell(notes.Said(at=start, role="human", text=text.strip()))]

    def agent_finished(self) -> list[AnyCommand]:
        """The agent's words that have been said to their end, or cut."""
        commands: list[AnyCommand] = []
        for utterance in self._playout.finished:
            text = utterance.heard_text
            cut = text != utterance.text
            if utterance.kind == "agent":
                self.last = utterance
                self._context.agent_said(text, cut=cut or utterance.broken)
            if text and utterance.began is not None:
                phrase = utterance.kind == "phrase"
                commands.append(Tell(notes.Said(at=utterance.began, role="agent", text=text, cut=cut, phrase=phrase)))
        self._playout.finished.clear()
        return commands
