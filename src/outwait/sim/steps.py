"""The verbs of a scenario, each with its options; the loader makes them of TOML (`scenario`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Ring:
    """`ring = seconds` until the next step answers (or refuses)."""

    ring: float


@dataclass(frozen=True)
class Refuse:
    """`refuse = "busy" | "no-answer" | "failed"`: nobody takes the call."""

    refuse: str


@dataclass(frozen=True)
class Say:
    """A live person speaks.

    say
        the words
    by
        the voice: a name of `sound.VOICES`
    level
        dB relative to the usual level
    file
        a sound file in which these words are spoken, beside the scenario; "" = make the speech
    """

    say: str
    by: str = "clerk"
    level: float = 0.0
    file: str = ""


@dataclass(frozen=True)
class Listen:
    """A live person waits until the caller has spoken and finished; after `listen` seconds without a word asks `nudge`
    once, then hangs up.

    listen
        patience, seconds of media
    quiet
        how long the caller must be silent to have finished, seconds
    only_start
        go on as soon as the caller has spoken for this many seconds (0 = wait for the end)
    otherwise
        the part to go on with instead of hanging up
    """

    listen: float
    quiet: float = 0.9
    only_start: float = 0.0
    nudge: str = ""
    by: str = "clerk"
    otherwise: str = ""


@dataclass(frozen=True)
class Pause:
    """`pause = seconds` of line noise."""

    pause: float


@dataclass(frozen=True)
class Hold:
    """On hold.

    hold
        how long: seconds or "minutes:seconds"
    sound
        "moh" (installed hold music, else generated), a generated style of `music.STYLES`, "silence", "office" (people
        and keyboards in the background), or a sound file
    announce
        recorded lines, in turn; `{position}` and `{minutes}` in them are counted down
    every
        from one announcement's end to the next one's start: seconds or "minutes:seconds"; 0 = never
    first
        the first announcement; seconds after the hold begins
    over
        dB by which the music drops under an announcement; 0 = the music stops
    by
        the announcements' voice
    level
        dB relative to the usual level
    position
        place in the queue when the hold begins
    prompts
        names of `[prompts]`: what the queue asks for meanwhile
    """

    hold: float
    sound: str = "moh"
    announce: tuple[str, ...] = ()
    every: float = 60.0
    first: float = 20.0
    over: float = 0.0
    by: str = "recorded"
    level: float = 0.0
    position: int = 1
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True)
class MenuOf:
    """`menu = "name"`: the menu of `[menus.name]` speaks, and goes on with the part that was chosen."""

    menu: str


@dataclass(frozen=True)
class Go:
    """`go = "part"`: that part instead of the rest of this one."""

    go: str


@dataclass(frozen=True)
class Ringback:
    """`ringback = seconds`: it rings somewhere else."""

    ringback: float


@dataclass(frozen=True)
class Beep:
    """`beep = seconds`: the tone after which a message is recorded."""

    beep: float


@dataclass(frozen=True)
class CallBack:
    """The far end hangs up and calls the caller back.

    call_back
        how long after, seconds
    part
        what is then played
    by_number
        the number that calls; "" = the one that was called
    """

    call_back: float
    part: str
    by_number: str = ""


@dataclass(frozen=True)
class Press:
    """The far end presses keys."""

    press: str


@dataclass(frozen=True)
class HangUp:
    """The far end hangs up (before an answer: rejects the call)."""

    hangup: bool = True


@dataclass(frozen=True)
class Wait:
    """Listen until the caller hangs up; after `wait` seconds hang up anyway."""

    wait: float


@dataclass(frozen=True)
class Drop:
    """The carrier's media socket breaks (no close frame); the call lives."""

    drop: bool = True


Step: TypeAlias = (
    Ring
    | Refuse
    | Say
    | Listen
    | Pause
    | Hold
    | MenuOf
    | Go
    | Ringback
    | Beep
    | CallBack
    | Press
    | HangUp
    | Wait
    | Drop
)
VERBS: dict[str, type[Step]] = {
    "ring": Ring,
    "refuse": Refuse,
    "say": Say,
    "listen": Listen,
    "pause": Pause,
    "hold": Hold,
    "menu": MenuOf,
    "go": Go,
    "ringback": Ringback,
    "beep": Beep,
    "call_back": CallBack,
    "press": Press,
    "hangup": HangUp,
    "wait": Wait,
    "drop": Drop,
}
