"""Whatever is fed to a parser, it parses or raises the error that it promises, and nothing else.

`OUTWAIT_FUZZ=20000` feeds so many to each (a tenth to the dear ones) instead of some hundreds.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.parsers import PARSERS, Parser

INPUTS = int(os.environ.get("OUTWAIT_FUZZ", "150"))
_ODD = [None, True, -1, 0, 1e308, 2**63, 10**30, "", "x" * 300, "\ud800", "\0", [], {}, [[]], {"type": 1}, -0.5, "NaN"]

values = st.recursive(
    st.sampled_from(_ODD) | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoilt(draw: st.DrawFn, parser: Parser) -> bytes:
    """Something near a good sample, or nothing like one."""
    way = draw(st.sampled_from(["bytes", "cut", "json", "json", "lines", "noise"]))
    if way == "noise":
        return draw(st.binary(max_size=200))
    sample = draw(st.sampled_from(parser.samples))
    if way == "cut":
        return sample[: draw(st.integers(0, len(sample)))]
    if way == "lines":
        return b"\n".join(draw(st.lists(st.sampled_from(sample.split(b"\n")), max_size=8)))
    if way == "json":
        lines = sample.split(b"\n")
        number = draw(st.integers(0, len(lines) - 1))
        try:
            content = json.loads(lines[number])
        except ValueError:
            way = "bytes"
        else:
            _spoil(draw, content)
            lines[number] = json.dumps(content).encode("utf-8", "surrogatepass")
            return b"\n".join(lines)
    changed = bytearray(sample)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(changed)))
        changed[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=6))
    return bytes(changed)


def _spoil(draw: st.DrawFn, content: Any) -> None:
    """Change one thing somewhere inside."""
    while True:
        keys = (
            list(content)
            if isinstance(content, dict)
            else list(range(len(content)))
            if isinstance(content, list)
            else []
        )
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        inner = content[key]
        if isinstance(inner, dict | list) and inner and draw(st.booleans()):
            content = inner
            continue
        if draw(st.booleans()):
            del content[key]
        else:
            content[key] = draw(values)
        return


@pytest.mark.timeout(0 if INPUTS > 1000 else 120)
@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_parser_never_crashes(parser: Parser, tmp_path: Path) -> None:
    @settings(
        max_examples=max(30, INPUTS // 10) if parser.dear else INPUTS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(spoilt(parser))
    def fed(data: bytes) -> None:
        parser.feed(data, tmp_path)

    fed()


FOUND = (
    b'{"event":"medaa","event":"str\x91\x92","media":{"timestamp":"-9","payload":""}}',  # guided, Twilio's messages
    b"\x80",  # price files, call logs
    b"3",  # call logs
    b"[" * 5000,  # call objects, call logs
)
ODD = (b"", b"\0", b"{", b'{"a":' * 5000, b"\xff\xfe", b"9" * 5000)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_good_samples_and_old_culprits(parser: Parser, tmp_path: Path) -> None:
    for sample in (*parser.samples, *ODD, *FOUND):
        parser.feed(sample, tmp_path)
