"""What is owed to the person, and passes from one session to the next: an answer, the rest of a sentence, a result."""

from __future__ import annotations

from outwait.call.policy import Policy

ANSWER = "Answer the person now."
GO_ON = "The connection broke off while you spoke. Go on from where the person last heard you; do not repeat it."


class Owed:
    """Over all sessions of a call."""

    def __init__(self, policy: Policy) -> None:
        self._most = policy.preroll_max
        self.hear_from = 0.0  # media s: what a session that opens now has to hear
        self.words = ""  # instructions of the response that it has to be asked for; "": none
        self.turn_from: float | None = None  # media s: start of the person's turn that has no answer yet
        self.woken_for = ""  # instructions for a machine that the agent was woken for, until it has begun to answer
        self.deaf = False  # and until that has been heard, nobody is listened to: it would only be broken off
        self._untold: list[str] = []  # results of tools that the session which is there has not been told

    def answer_from(self, start: float, at: float) -> None:
        """The person has spoken since `start`, media s, and is to be heard again."""
        self.hear_from = max(start, at - self._most)

    def opens(self, at: float, *, later: bool) -> None:
        """A session is opened. `later`: not the first; there is nothing to catch up with that is long past."""
        if later and not self.words and self.hear_from < at - self._most:
            self.hear_from = at
        self._untold.clear()  # its seed has them

    def answered(self) -> None:
        """The person's turn has its answer."""
        self.turn_from = None
        self.woken_for = ""

    def wake(self, instructions: str, at: float) -> None:
        """A machine is to be answered, which is heard from `at`, media s."""
        self.words = self.woken_for = instructions
        self.hear_from, self.deaf = at, True

    def told(self) -> None:
        """All that was said has been heard, and nothing more is under way."""
        self.deaf = bool(self.woken_for)

    @property
    def pending(self) -> bool:
        """Something is to be said."""
        return bool(self.words or self.woken_for)

    def result(self, text: str) -> None:
        """Of a tool, which the session that is there does not know."""
        self._untold.append(text)

    def results(self) -> str:
        """All of them, told once."""
        told = " ".join(self._untold)
        self._untold.clear()
        return told

    def due(self) -> str:
        """What the session that now hears the line has to be asked for, with what it has not been told; "": nothing."""
        words, self.words = self.words, ""
        return f"{words} {self.results()}".rstrip() if words else ""

    def nothing(self) -> None:
        """The line is on hold: nobody waits for anything."""
        self.turn_from = None
        self.words = self.woken_for = ""
        self.deaf = False
