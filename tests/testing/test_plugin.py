"""The example of docs/testing.md, as a user runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

INSTALLED = any(entry.value == "outwait.testing.plugin" for entry in entry_points(group="pytest11"))
PAGE = Path(__file__).parents[2] / "docs/testing.md"


@pytest.mark.skipif(not INSTALLED, reason="the package was installed before it had this plugin: install it again")
def test_the_example_of_the_page_passes(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (scenario,) = re.findall(r"```toml\n(.*?)```", page, re.S)
    (example,) = re.findall(r"```python\n(.*?)```", page, re.S)
    (tmp_path / "supplier.toml").write_text(scenario, encoding="utf-8")
    (tmp_path / "test_supplier.py").write_text(example, encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_supplier.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
