"""What goes on in one session, as a machine without I/O: the server's messages in, the core's events out.

It knows which response is being made, so that a second one is not asked for too early; how much of each item
has been received, so that a truncation never exceeds it; which calls of tools were told; and what the
conversation weighs, so that a response lost with its socket can be priced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from outwait.call.cost import AGENT_TOKENS, USER_TOKENS, Usage
from outwait.call.events import (
    AgentSpoke,
    AgentWrote,
    AnyEvent,
    PersonCommitted,
    PersonSaid,
    PersonStarted,
    PersonStopped,
    ResponseBilled,
    ResponseEnded,
    ResponseStarted,
    SessionComplained,
    ToolCalled,
    Trouble,
)
from outwait.engines.ends import End
from outwait.engines.openai import frames
from outwait.engines.openai.frames import FORMS, Aside, Dialect
from outwait.engines.openai.messages import (
    AudioDelta,
    Committed,
    ErrorSaid,
    FunctionCall,
    ItemDone,
    ResponseCreated,
    ResponseDone,
    ServerMessage,
    SpeechStarted,
    SpeechStopped,
    Transcribed,
    TranscriptionFailed,
    WordsDelta,
)
from outwait.engines.openai.phrases import Later, PhraseDesk

BYTES_PER_MS = 8  # mu-law at 8,000 a second
BYTES_PER_SECOND = 1000 * BYTES_PER_MS
CHARS_PER_TOKEN = 4  # of English text; an estimate

PHRASE_TOKENS = 100  # of text that ask for a phrase; an estimate
FORCED_MESSAGES = 1  # text messages that a forced phrase is billed as; unverified: it may be free

FATAL = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "invalid_api_key",
        "account_deactivated",
        "billing_hard_limit_reached",
    }
)
"""Codes or types of errors that no other session would get around."""

EXPIRED = "session_expired"
ACTIVE = "conversation_already_has_active_response"  # unverified: the code as others have seen it
NOTHING_TO_CANCEL = "response_cancel_not_active"  # unverified; the words of the message are the surer sign
_CANCEL_WORDS = "cancellation failed"  # how the message begins when there was nothing to cancel
BENIGN = frozenset({NOTHING_TO_CANCEL, "input_audio_buffer_commit_empty", "item_create_duplicate_item_id"})
"""Errors of no consequence: what we asked for was so already."""


def verdict(error: ErrorSaid) -> End | None:
    """What an error means for the whole session; None: it goes on."""
    if error.code == EXPIRED:
        return End(Trouble.EXPIRED, f"{error.code}: {error.text}")
    fatal = next((word for word in (error.code, error.type) if word in FATAL), None)
    if fatal is not None:
        return End(Trouble.REFUSED, f"{fatal}: {error.text}")
    return None


def objection(error: ErrorSaid) -> End:
    """An error before the session stood: the configuration is wrong, unless the server has troubles of its own."""
    busy = error.type == "server_error" or "rate_limit" in error.code or "rate_limit" in error.type
    return End(Trouble.BUSY if busy else Trouble.REFUSED, f"{error.name}: {error.text}")


class Dialogue:
    """One session's conversation, from its being configured to its end."""

    def __init__(
        self,
        session: int,
        dialect: Dialect,
        post: Callable[[AnyEvent], None],
        send: Callable[[str], None],
        later: Later,
        context_chars: int,
    ) -> None:
        self._session = session
        self._dialect = dialect
        self._form = FORMS[dialect]
        self._post = post
        self._send = send
        self._phrases = PhraseDesk(session, post, self._ask_phrase, later)
        self._context = Usage(text_in=context_chars // CHARS_PER_TOKEN)  # of the last response, its answer included
        self._live: dict[str, _Response] = {}  # responses being made
        self._over: set[str] = set()  # responses that have ended
        self._items: dict[str, int] = {}  # item -> bytes of the agent's voice received
        self._asides: dict[str, set[str]] = {}  # responses of phrases -> items that they leave in the conversation
        self._called: set[str] = set()  # call ids that were told
        self._asks = 0
        self._asked: _Ask | None = None  # sent; its response has not been created yet
        self._last: _Ask | None = None  # sent last; it may still be refused
        self._kept: _Ask | None = None  # to be sent when the present response has ended
        self._due = False  # the person's turn has ended: the server makes a response by itself
        self._person_speaks = False
        self._onsets: dict[str, int] = {}  # item -> ms of appended audio
        self._spans: dict[str, float] = {}  # item -> s of speech, until it is written down
        self._heard = 0.0  # s of speech since the last response
        self._version: Transcribed | None = None  # of the person's last words; a better one may follow
        self._worded: set[str] = set()  # items whose words were told, where they come in versions

    # --- our side

    def ask_response(self, instructions: str, *, tools: bool) -> None:
        """Ask for an answer, at once or when the present one has ended. At most one waits: the newest."""
        self._asks += 1
        self._kept = _Ask(f"ask_{self._asks}", instructions, tools)
        self._next()

    def cancel_response(self) -> None:
        """Stop the answer being made, and forget the one that waits or is on its way."""
        self._kept = None
        if self._last is not None:
            self._last.wanted = False
        making: list[str | None] = [*self._live]
        for response in making or [None]:
            self._send(frames.response_cancel(response))

    def truncate_item(self, item: str, heard_ms: int) -> None:
        """Cut an item, never beyond its end. An item that we have nothing of is left alone."""
        received = self._items.get(item)
        if received is not None:
            self._send(frames.truncate(item, max(0, min(heard_ms, received // BYTES_PER_MS))))

    def make_phrase(self, phrase: str, text: str) -> None:
        """Speak a text outside the conversation, at once or in a later pause of it."""
        self._phrases.add(phrase, text)
        self._next_phrase()

    def fed(self) -> None:
        """Sound goes to the session, so it is in use: a phrase that waits may be asked for.

        Without sound none is: a session that is kept but not fed belongs to a line on hold, and is asked for nothing.
        """
        if self._phrases.waiting:
            self._next_phrase()

    # --- the server's side

    def receive(self, message: ServerMessage) -> End | None:
        """One message. What it returns ends the session."""
        if isinstance(message, _SETTLING):
            self._tell_version()
        match message:
            case AudioDelta():
                self._audio(message)
            case WordsDelta():
                self._words(message)
            case SpeechStarted():
                self._onsets[message.item] = message.at
                self._person_speaks = True
                self._due = False
                self._post(PersonStarted(self._session))
            case SpeechStopped():
                self._speech_stopped(message)
            case Committed():
                self._post(PersonCommitted(self._session, message.item))
            case Transcribed():
                self._versions(message)
            case TranscriptionFailed():
                self._spans.pop(message.item, None)
                self._post(PersonSaid(self._session, message.item, ""))
            case ResponseCreated():
                self._find(message.response, message.phrase)
            case ItemDone():
                if self._find(message.response) is not None and message.call is not None:
                    self._tool_called(message.response, message.call)
            case ResponseDone():
                return self._done(message)
            case ErrorSaid():
                return self._error(message)
            case _:
                pass  # the session's own messages: a configuration is not changed once it stands
        return None

    def end(self, *, asked: bool) -> None:
        """The socket is gone. Whatever was being made ends with it, and is priced by what came of it."""
        self._tell_version()
        for name, response in list(self._live.items()):
            usage = None if self._form.by_time else self._estimate(response)
            detail = "the session was closed" if asked else "the session was lost"
            self._close(name, ResponseEnded(self._session, name, "cancelled" if asked else "failed", usage, detail))
        if self._expected and not self._form.by_time:
            # A server that has fallen silent may have made it all the same.
            self._post(ResponseBilled(self._session, f"unheard_{self._session}", self._estimate(_Response())))
        self._phrases.end(lambda sound: self._phrase_bill(None, _Response(sound=sound)))

    # --- responses

    @property
    def _expected(self) -> bool:
        """A response was asked for, or is made by the server itself, and has not been heard of."""
        return self._asked is not None or self._due

    def _find(self, name: str, phrase: str | None = None) -> _Response | None:
        """The response, if it is one of the conversation and goes on. One that we have not heard of begins here."""
        known = self._live.get(name)
        if known is not None or name in self._over or self._phrases.owns(name):
            return known
        if self._phrases.claims(ResponseCreated(name, phrase), due=self._expected):
            return None
        self._asked = None
        self._due = self._person_speaks = False
        self._live[name] = begun = _Response()
        self._post(ResponseStarted(self._session, name))
        return begun

    def _audio(self, message: AudioDelta) -> None:
        live = self._find(message.response)
        if live is None:
            self._asides.setdefault(message.response, set()).add(message.item)
            self._phrases.hear(message.response, message.ulaw)
        elif message.ulaw:
            live.sound += len(message.ulaw)
            self._items[message.item] = self._items.get(message.item, 0) + len(message.ulaw)
            self._post(AgentSpoke(self._session, message.response, message.item, message.ulaw))

    def _words(self, message: WordsDelta) -> None:
        live = self._find(message.response)
        if live is not None and message.text:
            live.chars += len(message.text)
            self._post(AgentWrote(self._session, message.response, message.item, message.text))

    def _done(self, message: ResponseDone) -> End | None:
        name = message.response
        live = self._find(name, message.phrase)
        if live is not None:
            if message.status == "completed":
                for call in message.calls:
                    self._tool_called(name, call)
            usage = self._bill(message, live)
            self._last = None
            self._close(name, ResponseEnded(self._session, name, message.status, usage, message.detail[:300]))
        elif self._phrases.owns(name):
            made = _Response(sound=self._phrases.heard(name))
            self._phrases.done(message, self._phrase_bill(message.usage, made))
            self._forget(name)
        self._next()
        return End(Trouble.REFUSED, message.detail) if message.code in FATAL else None

    def _forget(self, phrase: str) -> None:
        """What a phrase has left in the conversation was never said in it."""
        items = self._asides.pop(phrase, set())
        if self._form.aside is Aside.FORCED:
            for item in sorted(items):
                self._send(frames.delete(item))

    def _close(self, response: str, ended: ResponseEnded) -> None:
        del self._live[response]
        self._over.add(response)
        self._post(ended)

    def _tool_called(self, response: str, call: FunctionCall) -> None:
        if not call.complete or call.call_id in self._called:
            return
        self._called.add(call.call_id)
        self._post(ToolCalled(self._session, response, call.call_id, call.name, call.arguments))

    def _next(self) -> None:
        """Send the request that waits for the present response to end."""
        if self._kept is None or self._live or self._asked is not None:
            return
        self._asked = self._last = ask = self._kept
        self._kept = None
        self._send(frames.response_create(self._dialect, ask.event_id, ask.instructions, tools=ask.tools))

    def _next_phrase(self) -> None:
        """In a pause: nobody speaks, and no response is made or expected."""
        if not (self._live or self._asked or self._kept or self._due or self._person_speaks):
            self._phrases.next()

    def _ask_phrase(self, event_id: str, phrase: str, text: str) -> None:
        self._send(frames.phrase_create(self._dialect, event_id, phrase, text))

    # --- errors

    def _error(self, error: ErrorSaid) -> End | None:
        end = verdict(error)
        if end is not None:
            return end
        if error.code == ACTIVE:
            self._too_early(error)
        elif self._phrases.refused(error, busy=False):
            pass  # told with the phrase
        elif error.code not in BENIGN and not error.text.lower().startswith(_CANCEL_WORDS):
            self._post(SessionComplained(self._session, error.name, error.text[:300]))
            if self._asked is not None and error.event_id == self._asked.event_id:
                self._asked = self._last = None
                self._next()
        return None

    def _too_early(self, error: ErrorSaid) -> None:
        """A response was being made that we did not know of yet, or a phrase. Its end brings the next try."""
        ask = self._last
        if ask is not None and error.event_id in ("", ask.event_id):
            self._asked = self._last = None
            if ask.wanted:
                self._kept = self._kept or ask
        else:
            self._phrases.refused(error, busy=True)

    # --- the person

    def _speech_stopped(self, message: SpeechStopped) -> None:
        onset = self._onsets.pop(message.item, None)
        if onset is not None and message.at > onset:
            span = (message.at - onset) / 1000
            self._spans[message.item] = span
            self._heard += span
        self._due = True
        self._person_speaks = False
        self._post(PersonStopped(self._session))

    def _versions(self, message: Transcribed) -> None:
        """Words that may come in several versions are told once: when an answer to them begins."""
        if not self._form.growing_words:
            self._transcribed(message)
        elif message.item not in self._worded:
            if self._version is not None and self._version.item != message.item:
                self._tell_version()
            self._version = message
            if any(live.sound for live in self._live.values()):
                self._tell_version()

    def _tell_version(self) -> None:
        """The person's last words, as they stand: nothing better is expected any more."""
        if self._version is not None:
            version, self._version = self._version, None
            self._worded.add(version.item)
            self._transcribed(version)

    def _transcribed(self, message: Transcribed) -> None:
        span = self._spans.pop(message.item, 0.0)
        usage = message.usage
        if usage is None:
            usage = Usage(seconds=span, audio_in=round(span * USER_TOKENS), estimated=True)
        self._post(PersonSaid(self._session, message.item, message.text, usage))

    # --- money

    def _bill(self, message: ResponseDone, response: _Response) -> Usage | None:
        if self._form.by_time:
            return None  # whatever is told of tokens
        if message.usage is not None:
            self._context = message.usage
            self._heard = 0.0
            return message.usage
        if message.status == "failed" and not response.sound and not response.chars:
            return None  # refused before a word: nothing was made, and nothing is billed
        return self._estimate(response)

    def _phrase_bill(self, told: Usage | None, made: _Response) -> Usage:
        if self._form.by_time:
            return Usage(messages=FORCED_MESSAGES)
        return told or self._estimate(made, alone=True)

    def _estimate(self, response: _Response, *, alone: bool = False) -> Usage:
        """The bill of a response that was never told: all that was known to be in the conversation, and what came.

        What the last response had from the cache, this one has too. `alone`: outside the conversation.
        """
        text_out = response.chars // CHARS_PER_TOKEN
        audio_out = round(response.sound / BYTES_PER_SECOND * AGENT_TOKENS)
        if alone:
            return Usage(text_in=PHRASE_TOKENS, text_out=text_out, audio_out=audio_out, estimated=True)
        last = self._context
        return Usage(
            text_in=last.text_in + last.text_out,
            text_cached=last.text_cached,
            audio_in=last.audio_in + last.audio_out + round(self._heard * USER_TOKENS),
            audio_cached=last.audio_cached,
            text_out=text_out,
            audio_out=audio_out,
            estimated=True,
        )


_SETTLING = (AudioDelta, WordsDelta, ItemDone, ResponseDone, SpeechStarted)
"""After these no better version comes of what the person said before."""


@dataclass(slots=True)
class _Response:
    sound: int = 0  # bytes received
    chars: int = 0  # of its words received


@dataclass(slots=True)
class _Ask:
    event_id: str
    instructions: str
    tools: bool
    wanted: bool = True  # False: cancelled since
