"""Tools of the agent's own, on their way: each is run once, is not waited for without end, and comes back to the model.

A run has a key. It is written down before it is run, so after a restart the call knows that it was under way, and not
whether it happened: only what may be run twice is run again, the rest is told to the model as unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from outwait.call import commands as do
from outwait.call import events as ev
from outwait.call.clock import Deadlines
from outwait.call.commands import AnyCommand
from outwait.call.policy import Policy
from outwait.call.tools import ToolSpec

How = Literal["answered", "arguments", "error", "timeout", "gone", "unknown"]


class Errand(NamedTuple):
    """One run."""

    call: ev.ToolCalled
    spec: ToolSpec
    began: float  # media s


class Done(NamedTuple):
    """What comes of one."""

    errand: Errand
    how: How
    output: str  # JSON text, for the model


class Errands:
    """All runs of a call."""

    def __init__(self, specs: Sequence[ToolSpec], waits: Deadlines, policy: Policy) -> None:
        self.specs = {spec.name: spec for spec in specs}
        self._waits = waits
        self._policy = policy
        self._count = 0  # runs so far
        self._out: dict[str, Errand] = {}  # by key, which is the name of its deadline too

    def begin(self, call: ev.ToolCalled, now: float, at: float) -> list[AnyCommand] | Done:
        """Run one of `specs`, or say why not."""
        errand = Errand(call, self.specs[call.name], at)
        if len(self._out) >= self._policy.tools_at_once:
            return Done(errand, "error", _error("too many tools are running; wait for their answers first"))
        self._count += 1
        key = f"tool {self._count}"
        self._out[key] = errand
        return [self._run(key, errand, now)]

    def answered(self, event: ev.ToolAnswered | ev.ToolFailed) -> Done | None:
        """None: nobody waits for it any more."""
        errand = self._take(event.key)
        if errand is None:
            return None
        if isinstance(event, ev.ToolAnswered):
            return Done(errand, "answered", event.output)
        if event.why == "timeout":
            return _timed_out(errand)
        return Done(errand, event.why, _error(event.detail))

    def passed(self, name: str) -> Done | None:
        """A deadline has come: the runner has not even said that it took too long. None: it is not one of ours."""
        errand = self._take(name)
        return _timed_out(errand) if errand is not None else None

    def restarted(self, now: float) -> tuple[list[AnyCommand], list[Done]]:
        """What is run again, and what is lost. No deadline of the old process is left."""
        again: list[AnyCommand] = []
        lost: list[Done] = []
        for key, errand in list(self._out.items()):
            if errand.spec.idempotent:
                again.append(self._run(key, errand, now))
            else:
                del self._out[key]
                lost.append(Done(errand, "unknown", _error(_LOST.format(name=errand.spec.name))))
        return again, lost

    def together(self, call: ev.ToolCalled) -> bool:
        """Whether others that were called in the same response are still out: the model answers when all are back."""
        return any((o.call.session, o.call.response) == (call.session, call.response) for o in self._out.values())

    @property
    def running(self) -> bool:
        """Any of them is out."""
        return bool(self._out)

    def forget(self) -> None:
        """The call ends: nobody waits for them any more. What runs is let run."""
        self._waits.clear(*self._out)
        self._out.clear()

    def _run(self, key: str, errand: Errand, now: float) -> do.RunTool:
        spec = errand.spec
        self._waits.set(key, now + spec.timeout + self._policy.tool_grace)
        return do.RunTool(key, spec.name, errand.call.arguments, spec.timeout, spec.idempotent)

    def _take(self, key: str) -> Errand | None:
        self._waits.clear(key) if key in self._out else None
        return self._out.pop(key, None)


_LOST = (
    "the connection broke off while {name} ran: whether it has happened is unknown. Do not call it again unless that "
    "can do no harm"
)


def _timed_out(errand: Errand) -> Done:
    spec = errand.spec
    return Done(
        errand,
        "timeout",
        _error(f"{spec.name} took longer than {spec.timeout:g} s; whether it has happened is unknown"),
    )


def _error(why: str) -> str:
    return msgspec.json.encode({"error": why}).decode()
