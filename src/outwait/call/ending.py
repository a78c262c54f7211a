"""How a call ends: the goodbye is heard, the leg is ended at the carrier, both sockets close, the record is settled.

A small machine of its own. It is asked after every event what is to be done next (`Step`), looks at the state of the
rest (`View`), and never waits without a deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from outwait.call.clock import Deadlines
from outwait.call.policy import Policy

Result = Literal["success", "client_error", "server_error", "upstream_error", "indeterminate"]
Do = Literal[
    "ask_goodbye",
    "say_goodbye",
    "note_heard",
    "note_unheard",
    "hang_up",
    "fetch_leg",
    "close_session",
    "close_stream",
    "finish",
]


class Step(StrEnum):
    """Where in the ending we are."""

    GOODBYE = "goodbye"  # it is being generated
    PLAYING = "playing"  # the rest of what we say is being heard
    HANGING_UP = "hanging_up"  # the carrier is asked to end the leg
    CLOSING = "closing"  # both sockets
    CALLBACK = "callback"  # the carrier's last word, which says what it bills
    DONE = "done"


ORDER = list(Step)


@dataclass(frozen=True, slots=True)
class View:
    """What the ending has to see of the call."""

    session: bool  # one lives
    session_busy: bool  # a response runs or is due
    stream: bool  # the media socket is open
    quiet: bool  # nothing is left to be heard
    remaining: float  # media s of it
    dialled: bool  # the carrier knows the leg
    dialling: bool  # we asked, and do not know yet
    leg_over: bool
    second: bool  # our user's leg is not over


class Ending:
    """One ending. `result` and `cause` are those of whoever ended the call first."""

    def __init__(
        self, result: Result, cause: str, *, goodbye: bool, polite: bool, remote: bool, transfer: str = ""
    ) -> None:
        """`goodbye`: one has to be asked for. `polite`: what is queued is to be heard to its end. `remote`: the other
        side seems to be gone; we ask before we hang up. `transfer`: the number to which the carrier is to connect the
        leg instead of ending it."""
        self.result: Result = result
        self.cause = cause
        self.step = Step.GOODBYE if goodbye else Step.PLAYING if polite else Step.HANGING_UP
        self.transfer = transfer
        self._goodbye_asked = False
        self._remote = remote
        self._hangups = 0  # asked
        self._asked = False  # and no answer yet
        self._hung_up = False
        self._closed_session = self._closed_stream = False

    @property
    def may_speak(self) -> bool:
        """What is queued may still be said: the leg has not been hung up."""
        return self.step in (Step.GOODBYE, Step.PLAYING)

    def advance(self, view: View, waits: Deadlines, policy: Policy, now: float) -> list[Do]:
        """What to do now. Called after every event; says everything once."""
        wanted: list[Do] = []
        if self.step is Step.GOODBYE:
            if view.leg_over or not view.stream:
                self._go(Step.PLAYING, waits)
            elif not view.session:
                self._go(Step.PLAYING, waits)
                return ["say_goodbye"]
            elif not view.session_busy:  # one response at a time: the one that called the tool ends first
                if self._goodbye_asked:
                    self._go(Step.PLAYING, waits)
                else:
                    self._goodbye_asked = True
                    wanted.append("ask_goodbye")
            if self.step is Step.GOODBYE and "goodbye" not in waits:
                waits.set("goodbye", now + policy.goodbye_seconds)
        if self.step is Step.PLAYING:
            if view.leg_over or not view.stream or (view.quiet and not view.session_busy):
                wanted.append("note_heard" if view.quiet else "note_unheard")
                self._go(Step.HANGING_UP, waits)
            elif "goodbye mark" not in waits:
                waits.set("goodbye mark", now + view.remaining + policy.mark_grace)
        if self.step is Step.HANGING_UP:
            wanted += self._hang_up(view, waits, policy, now)
        if self.step is Step.CLOSING:
            wanted += self._close(view, waits, policy, now)
        if self.step is Step.CALLBACK:
            if view.leg_over or self.transfer or not (view.dialled or view.dialling):
                self._go(Step.DONE, waits)  # what has been transferred ends when those who talk end it
                wanted.append("finish")
            elif "callback" not in waits:
                waits.set("callback", now + policy.callback_seconds)
        return wanted

    def answered(self, waits: Deadlines) -> None:
        """The carrier took the hang-up."""
        if not self._hangups:
            return
        self._asked = False
        self._hung_up = True
        if self.step is Step.HANGING_UP:
            self._go(Step.CLOSING, waits)

    def failed(self, waits: Deadlines, policy: Policy, now: float) -> None:
        """The carrier did not take it: again, a few times; then our media socket closes and its next request for
        instructions is told to hang up."""
        if not self._asked:
            return
        self._asked = False
        if self.step is not Step.HANGING_UP:
            return
        if self.transfer:
            self.result, self.cause, self.transfer = "upstream_error", "transfer_failed", ""
            waits.set("hang-up again", now)
        elif self._hangups > len(policy.hangup_delays):
            self._go(Step.CLOSING, waits)
        else:
            waits.set("hang-up again", now + policy.hangup_delays[self._hangups - 1])

    def restarted(self) -> None:
        """A new process: what was being said or asked is lost; the leg still has to be ended."""
        self._asked = False
        self._closed_session = self._closed_stream = False
        if self.step in (Step.GOODBYE, Step.PLAYING, Step.CLOSING):
            self.step = Step.CLOSING if self._hung_up else Step.HANGING_UP

    def passed(self, name: str, waits: Deadlines, policy: Policy, now: float) -> list[Do]:
        """One of our deadlines has come."""
        if name == "goodbye" and self.step is Step.GOODBYE:
            self._go(Step.PLAYING, waits)
            waits.set("goodbye mark", now + policy.mark_grace)
            return ["say_goodbye"]
        elif name == "goodbye mark" and self.step is Step.PLAYING:
            self._go(Step.HANGING_UP, waits)
            return ["note_unheard"]
        elif name == "remote hang-up" and self.step is Step.HANGING_UP:
            self._remote = False
            waits.set("leg fetch", now + policy.connect_seconds)
            return ["fetch_leg"]
        elif name == "hang-up" and self.step is Step.HANGING_UP:
            self.failed(waits, policy, now)
        elif name == "stop":
            return ["close_stream"]
        elif name == "callback" and self.step is Step.CALLBACK:
            self._go(Step.DONE, waits)
            return ["finish"]
        return []

    def _hang_up(self, view: View, waits: Deadlines, policy: Policy, now: float) -> list[Do]:
        if view.leg_over or not (view.dialled or view.dialling):
            self._go(Step.CLOSING, waits)
            return []
        if not view.dialled or self._asked or "hang-up again" in waits:
            return []
        if self._remote:
            # The stream stopped; the carrier's word that the leg is over is on its way. Hanging up what is over
            # would be harmless, but a leg that is up after all must not be left to its time limit.
            if "remote hang-up" not in waits:
                waits.set("remote hang-up", now + policy.stop_seconds)
            return self._release(view)
        if "leg fetch" in waits:
            return self._release(view)
        self._hangups += 1
        self._asked = True
        waits.set("hang-up", now + policy.connect_seconds)
        return ["hang_up"]

    def _close(self, view: View, waits: Deadlines, policy: Policy, now: float) -> list[Do]:
        wanted = self._release(view)
        if view.stream and "stop" not in waits and not self._closed_stream:
            if view.leg_over or not self._hung_up:
                self._closed_stream = True
                wanted.append("close_stream")
            else:
                waits.set("stop", now + policy.stop_seconds)  # the carrier closes its socket by itself
        if not view.session and not view.stream and not view.second:
            self._go(Step.CALLBACK, waits)
        return wanted

    def _release(self, view: View) -> list[Do]:
        if view.session and not self._closed_session:
            self._closed_session = True
            return ["close_session"]
        return []

    def _go(self, step: Step, waits: Deadlines) -> None:
        """Forward only."""
        if ORDER.index(step) > ORDER.index(self.step):
            self.step = step
            waits.clear("goodbye", "goodbye mark", "remote hang-up", "leg fetch", "hang-up", "hang-up again")
