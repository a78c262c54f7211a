"""The server's own arithmetic."""

import pytest

from outwait.sim import realtime_bill
from outwait.sim.realtime_bill import Bill, Tokens, Usage

USAGE = Usage(Tokens(1000, 600), Tokens(800, 500), Tokens(100, 200))


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("gpt-realtime-2.1", (200 * 4 + 800 * 0.4 + 100 * 24 + 100 * 32 + 500 * 0.4 + 200 * 64) / 1e6),
        ("gpt-realtime-2.1-mini", (200 * 0.6 + 800 * 0.06 + 100 * 2.4 + 100 * 10 + 500 * 0.3 + 200 * 20) / 1e6),
        ("gpt-realtime-mini-2025-12-15", (200 * 0.6 + 800 * 0.06 + 100 * 2.4 + 100 * 10 + 500 * 0.3 + 200 * 20) / 1e6),
        ("gpt-realtime", (200 * 4 + 800 * 0.4 + 100 * 16 + 100 * 32 + 500 * 0.4 + 200 * 64) / 1e6),
        ("my-deployment", (200 * 4 + 800 * 0.4 + 100 * 24 + 100 * 32 + 500 * 0.4 + 200 * 64) / 1e6),
    ],
)
def test_a_response(model, usd):
    bill = Bill()
    bill.response(1, model, USAGE)
    assert bill.usd == pytest.approx(usd)
    assert bill.lost_usd == 0


def test_a_transcription():
    bill = Bill()
    bill.transcription(1, "gpt-transcribe", 30.0)
    bill.transcription(1, "gpt-transcribe", 30.0, delivered=False)
    assert bill.usd == pytest.approx(0.0045)
    assert bill.lost_usd == pytest.approx(0.00225)


def test_audio_is_counted_by_its_length():
    assert realtime_bill.of_user_audio(10_000) == 100
    assert realtime_bill.of_assistant_audio(10_000) == 200


def test_the_event_adds_up():
    event = USAGE.event()
    assert event["total_tokens"] == event["input_tokens"] + event["output_tokens"] == 1900
    assert event["input_token_details"]["cached_tokens"] == 1300
