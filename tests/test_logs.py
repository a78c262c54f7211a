"""Logging: to stderr, at its level."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from outwait import logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_writes_json_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    structlog.get_logger("a").debug("quiet")
    structlog.get_logger("a").info("said", call="c1")
    logging.getLogger("uvicorn.error").info("quiet")
    logging.getLogger("uvicorn.error").warning("from a library")
    out, err = capsys.readouterr()
    assert out == ""
    lines = [json.loads(line) for line in err.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [("said", "info"), ("from a library", "warning")]
    assert lines[0]["call"] == "c1"
