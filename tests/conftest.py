"""What every test must leave behind: nothing. A leaked task, an unclosed socket or a call that blocks the event loop
fails the test that did it.

Unclosed sockets, files and transports warn when they are collected, and warnings are errors (pyproject.toml); the
collection after each test that ran a loop makes the warning come in the right test.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import structlog

pytest.register_assert_rewrite("outwait.testing.engine", "outwait.testing.carrier")

LET_GO = 2.0
"""Wall seconds that tasks which are already on their way out are given after a test."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.fixturenames.insert(0, "nothing_left")


def pytest_collection_finish() -> None:
    """What is there by now stays; to look through it after each test would take longer than most tests do."""
    gc.collect()
    gc.freeze()


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """Fails the test when tasks outlive it. Set up first, so it looks when all other fixtures are gone."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=LET_GO)
    names = sorted(repr(task.get_coro()) for task in left)
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=LET_GO)
        pytest.fail("tasks outlived the test: " + ", ".join(names), pytrace=False)
    gc.collect()


@pytest.fixture(autouse=True)
def nothing_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that would stop every phone call of the process are errors while a loop runs in this thread."""

    def guard(owner: Any, name: str, blocks: Callable[..., bool]) -> None:
        real = getattr(owner, name)

        def guarded(*args: Any, **kwargs: Any) -> Any:
            if asyncio._get_running_loop() is not None and blocks(*args, **kwargs):
                raise AssertionError(f"{name} blocks the event loop")
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, guarded)

    guard(time, "sleep", lambda seconds: seconds > 0)
    guard(subprocess.Popen, "wait", lambda *_, **__: True)
    for name in ("connect", "accept", "recv", "recv_into", "send", "sendall"):
        guard(socket.socket, name, lambda sock, *_: sock.gettimeout() != 0)


@pytest.fixture(autouse=True)
def logging_is_put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that sets logging up, as a command does, does so for itself alone: its stderr is closed behind it."""
    configure, root = structlog.configure, logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(
        structlog, "configure", lambda **given: configure(**given | {"cache_logger_on_first_use": False})
    )
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the developer's own shell must not reach a test."""
    for prefix in ("OUTWAIT_", "TWILIO_", "OPENAI_", "AZURE_OPENAI_", "DATABASE_"):
        for name in [name for name in os.environ if name.startswith(prefix)]:
            monkeypatch.delenv(name)
