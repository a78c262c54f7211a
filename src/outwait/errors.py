"""Failures that are nobody's bug."""

from __future__ import annotations


class OutwaitError(Exception):
    """Something could not be done, and the message, one line, tells the user why and what to do.

    The command line prints the message alone; anything else that escapes is a bug and keeps its traceback.
    """

    def __init__(self, message: str, *, usage: bool = False) -> None:
        super().__init__(message)
        self.usage = usage  # the request itself was wrong: exit status 2 instead of 1
