"""The laws that only a whole call can break: what the far end heard, why it ended, what is left behind."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from outwait.call import commands as do
from outwait.call import notes
from outwait.call.laws import LawBroken
from outwait.call.notes import AnyNote

if TYPE_CHECKING:
    from outwait.sim.chaos.world import World

AGAIN = 5  # words that may be heard twice where the line broke: what was on its way when its marks were lost
CUT = 2  # words more where the person cut in: heard, but their marks were on the way
FORGOTTEN = 6  # words more where the process died: what was heard since the log was written
ENDS_WITHIN = 160.0  # s from the end of the leg to the end of the call: re-attach, fetches, hang-ups, callback


class Judge:
    """Watches one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._disturbed: list[float] = []  # when a fault struck
        self._tools: Counter[str] = Counter()
        self._runs: Counter[str] = Counter()
        self._outcomes = 0
        self._spent = 0
        self._dearest = 0
        self._ended = 0
        self._hang_up_asked = False
        self._cut_at: float | None = None

    def disturbed(self) -> None:
        """A fault strikes now."""
        self._disturbed.append(self._world.now)

    def tool_answered(self, call_id: str) -> None:
        self._tools[call_id] += 1
        require(self._tools[call_id] == 1 or self._world.forgotten, f"no tool runs twice: {call_id}")

    def tool_runs(self, command: do.RunTool) -> None:
        self._runs[command.key] += 1
        once = self._runs[command.key] == 1 or command.idempotent or self._world.forgotten
        require(once, f"what may not be done twice is not: {command.key}")

    def note(self, note: AnyNote) -> None:
        match note:
            case notes.Outcome():
                self._outcomes += 1
                require(self._outcomes == 1 or self._world.forgotten, "a call has one outcome")
            case notes.Spent(what=what, micro_usd=micro, total_micro_usd=total):
                self._spent = total
                if what in ("response", "phrase", "transcription"):
                    self._dearest = max(self._dearest, micro)
            case _:
                pass

    def ended(self, note: notes.Ended) -> None:
        self._ended += 1
        require(self._ended == 1 or self._world.forgotten, "a call ends once")
        require(note.total_micro_usd == self._spent or self._world.forgotten, "the end tells the whole bill")

    def hangs_up(self) -> None:
        """The leg is about to be ended: the goodbye must have been heard."""
        world = self._world
        if self._cut_at is not None:
            return
        self._cut_at = world.now
        calm = not world.plan.wild and all(world.now - at > 30.0 for at in self._disturbed) and not world.carrier.over
        if not (calm and self._outcomes):
            return
        said = [word for response in world.model.goodbyes for word in world.model.said[response]]
        heard = {word for _, word in world.carrier.heard} | set(world.carrier.remaining())
        unheard = world.carrier.remaining()
        require(not unheard, f"the goodbye is heard to its end: {unheard} was not")
        missing = [word for word in said if word not in heard]
        require(not missing, f"the goodbye is heard to its end: {missing} was never played")

    def verdict(self) -> None:
        """When all is over."""
        world = self._world
        carrier = world.carrier
        require(carrier.dials <= 1, f"a call is dialled once, not {carrier.dials} times")
        rings = world.user.rings
        require(len(set(rings)) == len(rings) or world.forgotten, f"a leg is dialled once: {rings}")
        require(carrier.over and world.user.over, "no leg outlives its call")
        require(self._ended == 1 or world.forgotten, "a call ends once")
        living = world.model.session
        require(living is None, "no session outlives its call")
        require(carrier.socket is None, "no media socket outlives its call")
        cap = world.plan.policy.max_cost_micro_usd
        if cap is not None:
            require(
                self._spent <= cap + 2 * self._dearest + 20_000, f"spend stays under the cap: {self._spent} of {cap}"
            )
        self._in_time()
        self._nothing_twice()
        self._reason()

    def _in_time(self) -> None:
        world = self._world
        if world.carrier.over_at and world.finished_at:
            waits = 60.0 * (world.caller.minutes or 0.0) if world.cause == "no_call_back" else 0.0
            late = world.finished_at - world.carrier.over_at - world.down - waits
            require(late <= ENDS_WITHIN, f"a call ends soon after its leg, not {late:.0f} s later")

    def _nothing_twice(self) -> None:
        """A word is heard again only where the line or a process broke, and then only a few."""
        world = self._world
        times = Counter(word for _, word in world.carrier.heard)
        again = sum(count - 1 for count in times.values())
        lines = sum(n for kind, n in world.faults.items() if kind.startswith(("media", "killed", "release", "slow")))
        sessions = sum(n for kind, n in world.faults.items() if "session" in kind)
        killed = sum(n for kind, n in world.faults.items() if kind.startswith("killed"))
        on_the_way = AGAIN * lines * (2 if world.plan.wild else 1)
        allowed = CUT * world.carrier.clears + FORGOTTEN * killed + on_the_way + sessions
        require(again <= allowed, f"nothing is said twice: {[w for w, n in times.items() if n > 1]}, {allowed} may be")

    def _reason(self) -> None:
        """The end has a reason that the world knows of."""
        world = self._world
        if not world.result:
            require(world.down > 0, "the end has a reason")
            return
        faults, by = world.faults, world.carrier.ended_by
        cause = world.cause.partition(":")[0]
        kills = any(kind.startswith("killed") for kind in faults)
        broken = kills or bool(faults["release"])
        sessions = any("session" in kind for kind in faults)
        media = any(kind.startswith("media") for kind in faults) or broken or bool(faults["slow"])
        good = {
            ("success", "handed_over"): world.user.answered,
            ("success", "hangup_call"): self._outcomes >= 1,
            ("indeterminate", "remote_hangup"): by in ("company", "limit", "nobody answers", "webhook") or media,
            ("indeterminate", "line_dead"): True,
            ("indeterminate", "no_one_there"): media,  # what was said fell into the gaps
            ("client_error", "busy"): by == "company",
            ("client_error", "no_answer"): world.company.pickup.ring > 60 or (broken and by != "company"),
            ("client_error", "canceled"): broken,
            ("client_error", "api_hangup"): bool(faults["user hang-up"] or faults["user hang-up twice"]),
            ("client_error", "budget"): world.plan.policy.max_cost_micro_usd is not None,
            ("client_error", "no_call_back"): world.caller.promised > 0,
            ("client_error", "hold_limit"): world.plan.policy.max_hold_seconds < 3600,
            ("client_error", "carrier_refused"): world.plan.dial == "refused",
            ("upstream_error", "carrier_refused"): bool(world.plan.dial),
            ("upstream_error", "carrier_failed"): by in ("company", "us"),
            ("upstream_error", "carrier_silent"): world.plan.dial == "late" or broken,
            ("upstream_error", "model_refused"): sessions,
            ("upstream_error", "model_lost"): sessions,
            ("upstream_error", "model_stalled"): sessions,
            ("upstream_error", "no_media_stream"): media,
            ("upstream_error", "media_stream_lost"): media,
            ("upstream_error", "line_silent"): bool(faults["media deaf"]) or media,
            ("server_error", "restart_before_dialling"): broken,
        }
        sensible = good.get((world.result, cause), False)
        require(
            sensible, f"the end has a sensible reason: {world.result}, {world.cause}; the leg: {by}; {dict(faults)}"
        )


def require(kept: bool, law: str) -> None:
    """Raises LawBroken."""
    if not kept:
        raise LawBroken(law)
