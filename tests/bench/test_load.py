"""The benchmarks run and say what they are to say; how fast, only a benchmark can tell."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from outwait.bench import _load, hold, relay
from outwait.errors import OutwaitError

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="CPU time is read from /proc")


@needs_proc
def test_hold_measures_calls_that_reach_no_model(capsys: pytest.CaptureFixture[str]) -> None:
    status = hold.main(["--calls", "2", "--seconds", "0.5", "--json"])
    figures = json.loads(capsys.readouterr().out)
    assert status == 0
    assert figures["proof"] == {
        "calls_holding": 2,
        "model_sockets_opened": 0,
        "messages_appended": 0,
        "responses_asked": 0,
        "kept": True,
    }
    assert figures["cpu_ms_per_call_second"] >= 0


@needs_proc
def test_relay_measures_both_ways_beside_a_plain_relay(capsys: pytest.CaptureFixture[str]) -> None:
    assert relay.main(["--calls", "2", "--seconds", "0.5", "--json"]) == 0
    servers = json.loads(capsys.readouterr().out)["servers"]
    for name in ("outwait", "plain asyncio relay"):
        assert servers[name]["carrier_to_model_ms"]["p50"] is not None
        assert servers[name]["model_to_carrier_ms"]["p50"] is not None
        assert servers[name]["frames_a_call_second"]["model_to_carrier"] > 0


def test_delays_are_those_of_the_frames_that_arrive_while_it_watches() -> None:
    delays = _load.Delays()
    first, second = delays.number(1.0), delays.number(2.0)
    delays.arrived(first, 5.0)
    delays.watching = True
    delays.arrived(second, 2.5)
    assert delays.seconds == [0.5]


def test_payloads_are_whole_frames() -> None:
    assert len(_load.payloads(bytes(2 * _load.FRAME + 7))) == 2


def test_a_quantile_of_nothing_is_nothing() -> None:
    assert _load.quantile([], 0.5) is None
    assert _load.quantile([3.0, 1.0, 2.0], 0.5) == 2.0


async def test_a_server_that_does_not_start_is_told() -> None:
    with pytest.raises(OutwaitError, match="did not start: nothing works"):
        async with _load.server(sys.executable, "-c", "raise SystemExit('nothing works')", environment={}):
            pass


def test_a_click_is_waited_for_before_the_next_one_is_sent() -> None:
    clicks = _load.Clicks(b"quiet", b"loud", lambda payload: payload == b"heard")
    clicks.watching = True
    assert clicks.mark(b"any", 10.0) == b"loud"
    assert clicks.mark(b"any", 10.02) == b"quiet"
    clicks.took(b"still", 10.1)
    assert clicks.mark(b"any", 11.0) == b"quiet", "the last one is still on its way"
    clicks.took(b"heard", 11.5)
    clicks.took(b"heard", 11.52)
    assert clicks.seconds == pytest.approx([1.5]), "once"
    assert clicks.mark(b"any", 11.6) == b"loud"
    assert clicks.mark(b"any", 22.0) == b"loud", "that one is lost"
