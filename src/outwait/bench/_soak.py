"""Our server as the soak starts it: short waits, and its figures on request (SIGUSR1), one JSON line on stdout."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import signal
import sys
from pathlib import Path

from outwait.call.policy import Policy
from outwait.compose import desk_opener
from outwait.config import Settings
from outwait.house.memory import settle_memory
from outwait.logs import configure
from outwait.web.server import run, serve

POLICY = Policy(
    ring_seconds=10,
    ring_grace=3.0,
    stream_wait=5.0,
    reattach_seconds=5.0,
    detached_session_seconds=2.0,
    line_quiet=2.0,
    line_gone=6.0,
    connect_seconds=4.0,
    stall_seconds=2.5,
    close_seconds=1.0,
    goodbye_seconds=4.0,
    mark_grace=2.0,
    stop_seconds=1.0,
    callback_seconds=3.0,
)
"""A call whose peers are gone ends in seconds, not minutes."""


def figures() -> dict[str, int]:
    """What this process holds."""
    gc.collect()
    _give_back()
    open_files = [name for fd in os.listdir("/proc/self/fd") if (name := _name(fd))]
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "files": len(open_files),
        "sockets": sum(name.startswith("socket:") for name in open_files),
        "tasks": len(asyncio.all_tasks()),
        "objects": len(gc.get_objects()),
        "rss_kb": pages * os.sysconf("SC_PAGE_SIZE") // 1024,
    }


def _name(fd: str) -> str:
    """Of an open file; "": it was the one that listed them."""
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except FileNotFoundError:
        return ""


def _give_back() -> None:
    """Memory that is free belongs to the system again; what the allocator keeps for itself says nothing."""
    with contextlib.suppress(OSError, AttributeError):  # other allocators than glibc's have no such call
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def main() -> None:
    """All settings come from the environment."""
    settings = Settings.load()
    configure("CRITICAL")
    run(_serve(settings))


async def _serve(settings: Settings) -> None:
    def tell() -> None:
        sys.stdout.write(json.dumps(figures()) + "\n")
        sys.stdout.flush()

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)
    await serve(settings, desk_opener(settings, policy=POLICY, folder=Path.cwd()), ready=settle_memory)


if __name__ == "__main__":
    main()
