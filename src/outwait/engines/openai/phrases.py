"""Phrases: texts spoken outside the conversation, one at a time, kept apart from all that is said in it.

Their responses are known by the metadata that we gave them. A server that drops it is tolerated: the response
that comes right after our request, when none of the conversation was due, is the phrase's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from outwait.call.cost import Usage
from outwait.call.events import AnyEvent, PhraseFailed, PhraseMade
from outwait.engines.openai.messages import ErrorSaid, ResponseCreated, ResponseDone

PHRASE_SECONDS = 20.0  # s from asking for a phrase until it is given up


class Timer(Protocol):
    """What `later` gives back."""

    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls back after so many seconds, unless cancelled."""


class PhraseDesk:
    """The phrases of one session. Pure but for what it is given to post, to ask and to wait with."""

    def __init__(
        self, session: int, post: Callable[[AnyEvent], None], ask: Callable[[str, str, str], None], later: Later
    ) -> None:
        self._session = session
        self._post = post
        self._ask = ask  # event id, phrase, text
        self._later = later
        self._waiting: deque[_Phrase] = deque()
        self._current: _Phrase | None = None
        self._asked = 0
        self._orphans = 0  # requests given up before their response was created: it may still come
        self._silent: set[str] = set()  # responses of phrases made or given up: not to be heard any more

    @property
    def waiting(self) -> bool:
        """Whether a wish has not been asked for."""
        return bool(self._waiting)

    def add(self, phrase: str, text: str) -> None:
        """Wish for a phrase. It is asked for by `next`."""
        self._waiting.append(_Phrase(phrase, text))

    def next(self) -> None:
        """Ask for the oldest wish, unless one is being made. To be called when no response is."""
        if self._current is not None or not self._waiting:
            return
        self._current = wanted = self._waiting.popleft()
        self._asked += 1
        wanted.event_id = f"phrase_{self._asked}"
        if wanted.timer is None:
            wanted.timer = self._later(PHRASE_SECONDS, lambda: self._give_up(wanted))
        self._ask(wanted.event_id, wanted.name, wanted.text)

    def claims(self, created: ResponseCreated, *, due: bool) -> bool:
        """Whether this new response is a phrase's. `due`: one of the conversation is expected, too."""
        current = self._current
        expecting = current is not None and not current.response
        if created.phrase is None and (due or not (expecting or self._orphans)):
            return False
        if current is not None and expecting and created.phrase in (None, current.name):
            current.response = created.response
        else:
            self._orphans = max(0, self._orphans - 1)
            self._silent.add(created.response)
        return True

    def owns(self, response: str) -> bool:
        """Whether this response is a phrase's, and none of the conversation."""
        return response in self._silent or (self._current is not None and self._current.response == response)

    def hear(self, response: str, ulaw: bytes) -> None:
        """Sound of a response that it owns."""
        if self._current is not None and self._current.response == response:
            self._current.ulaw += ulaw

    def done(self, done: ResponseDone, usage: Usage) -> None:
        """A response that it owns has ended. `usage` is its bill, told or estimated."""
        current = self._current
        self._silent.add(done.response)
        if current is None or current.response != done.response:
            return
        self._current = None
        if done.status == "completed" and current.ulaw:
            current.stop()
            self._post(PhraseMade(self._session, current.name, bytes(current.ulaw), usage))
        else:
            why = f"{done.status} {done.detail}".strip() if current.ulaw else f"silent: {done.status}"
            self._fail(current, why, usage)

    def heard(self, response: str) -> int:
        """Bytes that the phrase of this response has so far."""
        return len(self._current.ulaw) if self._current is not None and self._current.response == response else 0

    def refused(self, error: ErrorSaid, *, busy: bool) -> bool:
        """Whether this error is about our request. `busy`: a response is being made; it is asked for again later."""
        current = self._current
        if current is None or current.response or (error.event_id and error.event_id != current.event_id):
            return False
        if not error.event_id and not busy:
            return False  # no telling what it is about
        self._current = None
        if busy:
            self._waiting.appendleft(current)
        else:
            self._fail(current, f"{error.name}: {error.text}"[:200])
        return True

    def end(self, price: Callable[[int], Usage]) -> None:
        """The session is over. `price` estimates the bill of what was being made, by its bytes of sound."""
        current, self._current = self._current, None
        if current is not None:
            begun = bool(current.response)
            self._fail(current, "the session ended", price(len(current.ulaw)) if begun else None)
        for phrase in self._waiting:
            self._fail(phrase, "the session ended")
        self._waiting.clear()

    def _give_up(self, phrase: _Phrase) -> None:
        """Its time is over, whether it waits, is asked for or is being made."""
        if phrase is self._current:
            self._current = None
            if phrase.response:
                self._silent.add(phrase.response)
            else:
                self._orphans += 1
        elif phrase in self._waiting:
            self._waiting.remove(phrase)
        self._fail(phrase, f"not made within {PHRASE_SECONDS:g} s")

    def _fail(self, phrase: _Phrase, why: str, usage: Usage | None = None) -> None:
        phrase.stop()
        self._post(PhraseFailed(self._session, phrase.name, why, usage))


class _Phrase:
    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.event_id = ""
        self.response = ""
        self.ulaw = bytearray()
        self.timer: Timer | None = None

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
