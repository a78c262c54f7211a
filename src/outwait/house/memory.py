"""How a process that runs for weeks, and must answer within milliseconds, keeps its memory."""

from __future__ import annotations

import contextlib
import ctypes
import gc

YOUNG = 20_000  # objects made and not freed until the youngest are looked through: a call on hold makes hardly any
OLD = 50  # such looks until the older ones are, and as many of these until all are
BIG = 128 * 1024  # bytes from which a piece of memory is asked of the system, and given back to it, by itself

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # names of mallopt(3)


def settle_memory() -> None:
    """What is there now stays, so it is not looked through again and again: without that a full collection stops all
    calls for 30 ms. And free memory goes back to the system: glibc would keep an arena for every thread, each of them
    in pieces."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLD, OLD)
    with contextlib.suppress(OSError, AttributeError):  # other allocators than glibc's have no such call
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_ARENA_MAX, 1)
        libc.mallopt(_MMAP_THRESHOLD, BIG)
        libc.mallopt(_TRIM_THRESHOLD, BIG)
