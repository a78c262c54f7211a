"""Phrases that a session is asked for: spoken one after the other, beside the conversation."""

from __future__ import annotations

from collections.abc import Callable

from outwait.call.cost import Usage
from outwait.call.events import PhraseFailed, PhraseMade
from outwait.engines.cascade.bills import Rates
from outwait.engines.cascade.parts import Phrase
from outwait.engines.cascade.usage import guessed, speech


class PhraseDesk:
    """Those of one session, oldest first."""

    def __init__(self, session: int, rates: Rates) -> None:
        self._session = session
        self._rates = rates
        self._phrases: list[Phrase] = []

    def ask(self, name: str, text: str) -> None:
        """One more."""
        self._phrases.append(Phrase(name, text))

    @property
    def next(self) -> Phrase | None:
        """The one to be spoken now; None: there is none, or one is being spoken."""
        return self._phrases[0] if self._phrases and not self._phrases[0].job else None

    def spoke(self, job: int, ulaw: bytes) -> bool:
        """More sound of a job. Whether it is one of ours."""
        phrase = self._of(job)
        if phrase is not None:
            phrase.sound += ulaw
        return phrase is not None

    def spoken(self, job: int) -> PhraseMade | PhraseFailed | None:
        """A job is complete; None: it is none of ours."""
        phrase = self._of(job)
        if phrase is None:
            return None
        self._phrases.remove(phrase)
        if not phrase.sound:
            return PhraseFailed(self._session, phrase.name, "no sound came", phrase.usage)
        self._rates.spoke(len(phrase.text), len(phrase.sound))
        return PhraseMade(self._session, phrase.name, phrase.sound, phrase.usage)

    def broke(self, job: int, why: str) -> PhraseFailed | None:
        """A job has failed; None: it is none of ours."""
        phrase = self._of(job)
        if phrase is None:
            return None
        self._phrases.remove(phrase)
        return PhraseFailed(self._session, phrase.name, why, phrase.usage if phrase.sound else None)

    def end(self, why: str, sent: Callable[[int], bool]) -> list[PhraseFailed]:
        """None of them will be made any more. What was `sent` for is made to its end there, and charged."""
        phrases, self._phrases = self._phrases, []
        return [
            PhraseFailed(self._session, phrase.name, why, self._of_all(phrase) if sent(phrase.job) else None)
            for phrase in phrases
        ]

    def _of_all(self, phrase: Phrase) -> Usage:
        return guessed(speech(len(phrase.text), max(len(phrase.sound), self._rates.sound(len(phrase.text)))))

    def _of(self, job: int) -> Phrase | None:
        return next((phrase for phrase in self._phrases if phrase.job == job), None)
