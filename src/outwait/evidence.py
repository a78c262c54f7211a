"""What a result rests on: for each of its parts, the line of the transcript in which it was said.

The agent quotes; here its quotes are looked up, because a model may quote what nobody said. Parts that it gave no quote
for are looked up by their own words. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from outwait.call.notes import Quote

ENOUGH = (
    0.6  # share of a quote's words, in their order, that a line must have; recognisers and models spell differently
)
MOST_PARTS = 100  # of a result that are looked up
SHORTEST = 3  # characters of a part that can be looked up by itself: "1" is said all the time

_WORD = re.compile(r"\w+")
_ROLES = ("human", "announcement")  # who can be quoted: what the agent itself said proves nothing


def evidence(result: Any, quotes: Sequence[Quote], transcript: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """References into the transcript of the call object.

    Each has `of` (JSON pointer into the result), `quote` (the agent's; None when it gave none), and where it was said:
    `line` (index into `transcript`), `at`, `role`, `text`; these are None for a quote that nobody said.
    """
    found = [
        {"of": q.of, "quote": q.quote} | _reference(_words(q.quote), transcript) for q in quotes if q.quote.strip()
    ]
    quoted = {q.of.rstrip("/") for q in quotes}
    for where, value in _parts(result):
        if where in quoted or len(value) < SHORTEST:
            continue
        place = _reference(_words(value), transcript, enough=1.0)
        if place["line"] is not None:
            found.append({"of": where, "quote": None} | place)
    return found


def _reference(words: list[str], transcript: Sequence[dict[str, Any]], enough: float = ENOUGH) -> dict[str, Any]:
    """The newest of the lines that fit best."""
    best, share = None, 0.0
    for index, line in enumerate(transcript):
        if line["role"] in _ROLES and words:
            fits = _share(words, _words(line["text"]))
            if fits >= max(share, enough):
                best, share = index, fits
    if best is None:
        return {"line": None, "at": None, "role": None, "text": None}
    line = transcript[best]
    return {"line": best, "at": line["at"], "role": line["role"], "text": line["text"]}


def _share(words: list[str], line: list[str]) -> float:
    blocks = SequenceMatcher(None, words, line, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(words)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _parts(result: Any) -> Iterator[tuple[str, str]]:
    """Its leaves that are words or numbers, with where they are."""
    waiting: list[tuple[str, Any]] = [("", result)]
    count = 0
    while waiting and count < MOST_PARTS:
        where, part = waiting.pop(0)
        if isinstance(part, dict):
            waiting += [(f"{where}/{_escaped(name)}", inner) for name, inner in part.items()]
        elif isinstance(part, list):
            waiting += [(f"{where}/{number}", inner) for number, inner in enumerate(part)]
        elif isinstance(part, str | int | float) and not isinstance(part, bool):
            count += 1
            yield where, str(part)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
