"""Our side of a media socket, with a peer that does not read."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from outwait.carriers.twilio import TwilioStream, stream


class Socket:
    """A socket whose send works, hangs or fails."""

    def __init__(self, failure: Exception | None = None, *, hangs: bool = False) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self.stopped = self.aborted = 0
        self._failure = failure
        self._hangs = hangs
        self.stream = TwilioStream(1, "MZ1", self._send, stop_reading=self._stop, abort=self._abort)

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)
        if self._hangs:
            await asyncio.Event().wait()
        if self._failure is not None:
            raise self._failure

    def _stop(self) -> None:
        self.stopped += 1

    def _abort(self) -> None:
        self.aborted += 1


@pytest.mark.parametrize("failure", [OSError("gone"), RuntimeError("after the close")])
async def test_a_gone_peer_is_no_error(failure: Exception) -> None:
    socket = Socket(failure)
    await socket.stream.play(b"\xff")
    await socket.stream.mark("m")
    await socket.stream.clear()
    await socket.stream.close()
    assert len(socket.sent) == 1
    assert socket.stream.over
    assert socket.stream.closed_with is None


async def test_a_peer_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SEND_SECONDS", 0.01)
    socket = Socket(hangs=True)
    await socket.stream.play(b"\xff")
    assert (socket.aborted, socket.stopped) == (1, 1)
    await socket.stream.play(b"\xff")
    assert len(socket.sent) == 1


async def test_a_peer_that_does_not_answer_the_close_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CLOSE_SECONDS", 0.0)
    socket = Socket()
    await socket.stream.close(1001)
    assert socket.sent == [{"type": "websocket.close", "code": 1001}]
    assert socket.stream.closed_with == 1001
    assert socket.stopped == 1
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert socket.aborted == 1


async def test_a_peer_that_does_not_take_the_close_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SEND_SECONDS", 0.01)
    socket = Socket(hangs=True)
    await socket.stream.close()
    assert socket.aborted == 1
    assert socket.stream.closed_with is None
