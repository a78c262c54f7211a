"""The inbox of one call: order, and frames that nobody needs one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from outwait.call.events import AnyEvent, Heard, Marked, StreamLost
from outwait.house.inbox import FRAMES_AHEAD, MOST_JOINED, Inbox

FRAME = bytes(range(160))


def frames(count: int, *, stream: int = 1, at: float = 0.0) -> list[Heard]:
    return [Heard(stream, round(at + n * 0.02, 3), FRAME) for n in range(count)]


def taken(events: Sequence[AnyEvent], *, calm: bool) -> list[AnyEvent]:
    inbox = Inbox()
    inbox.calm(calm)
    for event in events:
        inbox.post(event)
    out: list[AnyEvent] = []
    while (event_taken := inbox.take()) is not None:
        out.append(event_taken)
    return out


async def test_on_hold_frames_are_taken_together() -> None:
    out = taken(frames(MOST_JOINED + 3), calm=True)
    assert [(event.at, len(event.ulaw)) for event in out if isinstance(event, Heard)] == [
        (0.0, MOST_JOINED * 160),
        (0.32, 3 * 160),
    ]
    assert b"".join(event.ulaw for event in out if isinstance(event, Heard)) == FRAME * (MOST_JOINED + 3)


async def test_while_somebody_talks_each_comes_as_it_is() -> None:
    assert taken(frames(5), calm=False) == frames(5)


async def test_only_what_belongs_together_is_joined() -> None:
    """No gap is closed, no event overtaken, and no stream's sound becomes another's."""
    gap = frames(2) + frames(2, at=0.06)
    assert [event.at for event in taken(list(gap), calm=True) if isinstance(event, Heard)] == [0.0, 0.06]
    mixed: list[AnyEvent] = [
        *frames(2),
        Marked(1, "1:8"),
        *frames(1, at=0.04),
        *frames(2, stream=2),
        StreamLost(1, 1006),
    ]
    out = taken(mixed, calm=True)
    assert [type(event).__name__ for event in out] == ["Heard", "Marked", "Heard", "Heard", "StreamLost"]
    assert [(event.stream, len(event.ulaw)) for event in out if isinstance(event, Heard)] == [
        (1, 320),
        (1, 160),
        (2, 320),
    ]


def waits(step: Coroutine[Any, Any, None]) -> bool:
    try:
        step.send(None)
    except StopIteration:
        return False
    step.close()
    return True


async def test_there_is_room_again_when_frames_were_taken() -> None:
    inbox = Inbox()
    for event in frames(FRAMES_AHEAD):
        assert not waits(inbox.room())
        inbox.post(event)
    assert waits(inbox.room()), "the socket is read no further"
    while inbox.take() is not None:
        pass
    assert not waits(inbox.room())


async def test_who_reads_for_a_call_on_hold_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the pace of life, and until somebody is in a hurry. A carrier ahead of it is not slowed."""
    loop = asyncio.get_running_loop()
    now = [100.0]
    monkeypatch.setattr(loop, "time", lambda: now[0])
    inbox = Inbox()
    inbox.calm(True)
    rested: list[bool] = []
    for step in range(20):
        for event in frames(8, at=step * 0.16):
            inbox.post(event)
        now[0] += 0.16 if step < 10 else 0.01
        resting = asyncio.ensure_future(inbox.rest())
        await asyncio.sleep(0)
        rested.append(not resting.done())
        inbox.calm(False)  # a person is back
        await asyncio.sleep(0)
        assert resting.done()
        inbox.calm(True)
    assert all(rested[7:10])
    assert not any(rested[18:])
