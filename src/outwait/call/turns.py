"""Who speaks: what the agent says and how much of it was heard, and whether the person waits for an answer.

Sound is mu-law, 8,000 bytes a second. The carrier is kept only a little ahead of its playback, with a mark behind
every piece, so that a barge-in throws away little and what was heard is known from the marks alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from outwait.call.commands import AnyCommand, ClearAudio, PlayAudio, PlayMark
from outwait.call.policy import Policy

BYTES = 8000  # of sound in a second


@dataclass(slots=True)
class Utterance:
    """Something said to the far end."""

    number: int
    kind: Literal["agent", "phrase", "keys"]
    session: int = 0
    response: str = ""
    item: str = ""
    text: str = ""
    audio: bytearray = field(default_factory=bytearray)
    done: bool = False  # nothing will be added
    broken: bool = False  # its session ended before its words did
    sent: int = 0  # bytes given to the carrier
    marked: int = 0  # of these, bytes that a mark was sent behind
    heard: int = 0  # bytes whose mark came back
    began: float | None = None  # media s

    def mark(self, stream: int) -> PlayMark:
        """A mark behind all that was sent so far."""
        self.marked = self.sent
        return PlayMark(stream, f"{self.number}:{self.sent}")

    @property
    def heard_ms(self) -> int:
        return self.heard * 1000 // BYTES

    @property
    def heard_text(self) -> str:
        """The words that were heard, as far as the share of sound tells; whole words only."""
        if self.heard >= len(self.audio) and self.done:
            return self.text
        if not self.audio or not self.heard:
            return ""
        cut = self.text[: round(len(self.text) * self.heard / len(self.audio))]
        return cut if cut == self.text else cut.rpartition(" ")[0]


class Playout:
    """The agent's mouth: a queue of utterances on their way to the far end."""

    def __init__(self, policy: Policy) -> None:
        self._chunk = int(policy.chunk * BYTES)
        self._lead = policy.lead
        self._queue: list[Utterance] = []
        self._count = 0
        self._playing_until = 0.0  # media s up to which the carrier has sound
        self._muted: set[tuple[int, str]] = set()  # responses that were cut: what still comes of them is not said
        self._spoke: set[tuple[int, str]] = set()  # responses that had a voice, also when it has been heard long since
        self.finished: list[Utterance] = []  # said to the end, or cut; whoever reads them empties the list

    @property
    def quiet(self) -> bool:
        """Nothing is being said or about to be."""
        return not self._queue

    @property
    def agent_speaking(self) -> bool:
        """The model's own words are on the line; a person who speaks now cuts in."""
        return any(u.kind == "agent" and (u.audio or not u.done) for u in self._queue)

    def remaining(self, at: float) -> float:
        """Seconds until all has been heard, at most."""
        unsent = sum(len(u.audio) - u.sent for u in self._queue) / BYTES
        return unsent + max(0.0, self._playing_until - at)

    def speak(self, session: int, response: str, item: str, ulaw: bytes) -> None:
        """A piece of the model's voice."""
        if (session, response) not in self._muted:
            self._spoke.add((session, response))
            self._of(session, response, item).audio += ulaw

    def write(self, session: int, response: str, item: str, text: str) -> None:
        """A piece of its words."""
        if (session, response) not in self._muted:
            self._of(session, response, item).text += text

    def spoke(self, session: int, response: str) -> bool:
        """Whether this response has said anything so far."""
        return (session, response) in self._spoke

    def phrase(self, text: str, ulaw: bytes, kind: Literal["phrase", "keys"] = "phrase") -> None:
        """Something made beforehand, behind what is queued."""
        self._count += 1
        self._queue.append(Utterance(self._count, kind, text=text, audio=bytearray(ulaw), done=True))

    @property
    def saying(self) -> list[Utterance]:
        """The model's words that are being said or about to be."""
        return [u for u in self._queue if u.kind == "agent"]

    def end(self, session: int, response: str | None = None, *, broken: Collection[str] = ()) -> None:
        """The model will add nothing to this response (or to any of that session); `broken` ones were not complete."""
        for utterance in self._queue:
            if utterance.session == session and response in (None, utterance.response):
                utterance.done = True
                utterance.broken = utterance.response in broken
        self._reap()

    def advance(self, stream: int, at: float) -> list[AnyCommand]:
        """Give the carrier what it needs to stay ahead of its playback."""
        commands: list[AnyCommand] = []
        for utterance in self._queue:
            while utterance.sent < len(utterance.audio) and self._playing_until < at + self._lead:
                piece = bytes(utterance.audio[utterance.sent : utterance.sent + self._chunk])
                if len(piece) < self._chunk and not utterance.done and self._playing_until > at + self._lead / 2:
                    break  # more is coming: a mark for every crumb would only cost
                if utterance.began is None:
                    utterance.began = max(at, self._playing_until)
                utterance.sent += len(piece)
                self._playing_until = max(at, self._playing_until) + len(piece) / BYTES
                commands.append(PlayAudio(stream, piece))
                if utterance.sent - utterance.marked >= self._chunk:
                    commands.append(utterance.mark(stream))
            if utterance.done and utterance.marked < utterance.sent == len(utterance.audio):
                commands.append(utterance.mark(stream))
            if utterance.sent < len(utterance.audio) or not utterance.done:
                break  # in order
        return commands

    def marked(self, name: str) -> None:
        """The far end has heard everything up to this mark."""
        number, _, sent = name.partition(":")
        if not (number.isdecimal() and sent.isdecimal()):
            return
        for utterance in self._queue:
            if utterance.number == int(number):
                utterance.heard = max(utterance.heard, min(int(sent), utterance.sent))
        self._reap()

    def interrupt(self, stream: int) -> tuple[list[AnyCommand], list[Utterance]]:
        """Stop at once. What the carrier is told, and the utterances that were cut, with what was heard of them.

        The carrier returns the pending marks of a clear as well; the utterances are gone by then: they count nothing.
        """
        cut = [u for u in self._queue if u.kind != "keys"]
        if not cut:
            return [], []
        keys_play = self._queue[0].kind == "keys" and self._queue[0].sent > 0
        self._muted.update((u.session, u.response) for u in cut if u.kind == "agent")
        self._queue = [u for u in self._queue if u.kind == "keys"]
        self.finished += cut
        if keys_play:
            return [], cut  # half a number would be another number: they are sent to their end, and a word behind them
        for keys in self._queue:
            keys.sent = keys.marked = 0
        self._playing_until = 0.0
        return [ClearAudio(stream)], cut

    def forget(self) -> bool:
        """A new process: the sound of what was queued is lost, and its words count as far as they were heard.
        Whether anything was."""
        cut, self._queue = self._queue, []
        self.finished += [u for u in cut if u.kind != "keys"]
        self._muted.update((u.session, u.response) for u in cut)
        self._playing_until = 0.0
        return any(u.heard for u in cut)

    def mute(self, session: int, response: str) -> None:
        """Whatever this response still says is not to be heard."""
        self._muted.add((session, response))

    def rewind(self) -> None:
        """The carrier's queue was lost with its socket: what was not heard has to be sent again."""
        for utterance in self._queue:
            utterance.sent = utterance.marked = utterance.heard
        self._playing_until = 0.0

    def _of(self, session: int, response: str, item: str) -> Utterance:
        for utterance in self._queue:
            if (utterance.session, utterance.response, utterance.item) == (session, response, item):
                return utterance
        for utterance in self._queue:  # one item after the other: the one before is complete
            if utterance.session == session:
                utterance.done = True
        self._count += 1
        utterance = Utterance(self._count, "agent", session=session, response=response, item=item)
        self._queue.append(utterance)
        return utterance

    def _reap(self) -> None:
        """Only the head can be over: the carrier plays in order."""
        while self._queue and self._queue[0].done and self._queue[0].heard >= len(self._queue[0].audio):
            self.finished.append(self._queue.pop(0))


class Listening:
    """Does the person wait for an answer that the engine does not give?

    The engine's own turn detection decides in the ordinary case. It fails when music goes on under the person's words
    (its turn never ends) or when it never noticed them; then the ear's scores decide. Sparse music has moments that
    sound like a voice: near music only a longer stretch of voice counts, and music that begins after the words is a
    hold, where nobody waits.
    """

    ENOUGH = 0.3  # s of speech in one piece that want an answer
    ENOUGH_NEAR_MUSIC = 0.45  # s, the same where music was heard a moment ago
    SPEECH = 0.5  # score from which a stretch counts as speech
    MUSIC = 0.5  # the same for music
    NEAR = 3.0  # s from music to words that may be a part of it
    BEGUN = 1.0  # s of music after the words: it has begun, and was not just a jingle or a tone

    def __init__(self) -> None:
        self.last_speech: float | None = None  # media s
        self._unanswered = False  # there were words since the last response
        self._run = 0.0  # s of speech in one piece, up to now
        self._run_near_music = False  # there was music shortly before this piece
        self._words_near_music = False  # and before the last words
        self._last_music: float | None = None  # media s
        self._music_since = 0.0  # s of music since the last words

    def hear(self, at: float, seconds: float, speech: float, music: float) -> None:
        """The scores of a stretch that ends at `at`, media s."""
        if speech >= self.SPEECH:
            if not self._run:
                self._run_near_music = self._last_music is not None and at - seconds - self._last_music <= self.NEAR
            self._run += seconds
            self.last_speech = at
            if self._run >= (self.ENOUGH_NEAR_MUSIC if self._run_near_music else self.ENOUGH):
                self.spoke(at, near_music=self._run_near_music)
            return
        self._run = 0.0
        if music >= self.MUSIC:
            self._last_music = at
            self._music_since += seconds

    def spoke(self, at: float, *, near_music: bool = False) -> None:
        """Somebody has said something, up to `at`, media s; with music on the line already?"""
        self.last_speech = at
        self._words_near_music = near_music
        self._unanswered = True
        self._music_since = 0.0

    @property
    def last_sound(self) -> float:
        """Media s of the last word or note."""
        return max(self.last_speech or 0.0, self._last_music or 0.0)

    def answered(self) -> None:
        """A response has begun or been asked for."""
        self._unanswered = False

    def waits(self, at: float, patience: float) -> bool:
        """The person has spoken, and been silent for `patience` seconds; no music has begun since."""
        begun = self._music_since >= self.BEGUN and not self._words_near_music
        return self._unanswered and not begun and self.last_speech is not None and at - self.last_speech >= patience
