"""`report.html`: one call on one page that needs nothing but a browser.

The page carries its data, its style and its script, and its policy forbids it to fetch anything.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from outwait import __version__
from outwait.call import cost
from outwait.errors import OutwaitError
from outwait.report.peaks import peaks_of

_SCRIPTS = ("base.js", "chart.js", "lists.js")


def write_report(path: Path, *, wav: Path | None = None, out: Path | None = None) -> Path:
    """Make the page of a call.json, with the waveform of `wav` (default: call.wav beside it, if there)."""
    try:
        call = json.loads(path.read_bytes())
    except OSError as error:
        raise OutwaitError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise OutwaitError(f"{path} is not JSON: {error}") from error
    beside = path.with_name("call.wav")
    if wav is None and beside.exists():
        wav = beside
    out = out or path.with_name("report.html")
    page = render(call, peaks_of(wav) if wav else None)
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OutwaitError(f"{out}: {error.strerror}") from error
    return out


def render(call: dict[str, Any], wave: dict[str, Any] | None) -> str:
    """The page of a call object; `wave` as `peaks_of` makes it."""
    missing = {"id", "to", "timeline", "transcript", "sessions", "cost"} - set(call)
    if missing:
        raise OutwaitError(f"not a call object: it has no {', '.join(sorted(missing))}")
    style = _part("page.css")
    script = '"use strict";\n' + "\n".join(_part(name) for name in _SCRIPTS)
    data = {"call": call, "wave": wave, "naive": naive_in_words(), "version": __version__}
    values = {
        "policy": f"default-src 'none'; media-src blob:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        "title": html.escape(f"Call to {call['to']} - Outwait"),
        "style": style,
        "script": script,
        # A closing tag or a comment in somebody's words must not end the element.
        "data": json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda place: values[place[1]], _part("page.html"))


def naive_in_words() -> str:
    """How `without_parking_usd` is made, with the numbers that the code uses."""
    committed = cost.NAIVE_PERIOD * cost.NAIVE_COMMITTED
    return (
        "What this call cost, plus what the model would have cost on hold with its session left open. "
        f"For a model that is billed by tokens: every {cost.NAIVE_PERIOD:g} s of hold the model's turn detection takes "
        f"the music for a person; {committed:g} s of it enter the conversation at {cost.USER_TOKENS} audio tokens a "
        f"second, the model reads all of the conversation again, {cost.NAIVE_CACHED:.0%} of it at the cached price, "
        f"and answers for {cost.NAIVE_REPLY:g} s at {cost.AGENT_TOKENS} audio and {cost.TEXT_TOKENS} text tokens a "
        "second. When the model's context is full, the oldest of it is dropped and nothing is read from the cache. "
        "For a model that is billed by time: the seconds of hold at its price. "
        "The carrier's minutes are the same either way."
    )


def _part(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
