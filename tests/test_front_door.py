"""What `import outwait` offers, and what it costs: nothing until it is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import outwait


def test_it_is_short_sorted_and_whole() -> None:
    assert outwait.__all__ == sorted(outwait.__all__)
    assert dir(outwait) == outwait.__all__
    assert len(outwait.__all__) <= 12
    for name in outwait.__all__:
        assert getattr(outwait, name) is not None


def test_type_checkers_are_told_the_same() -> None:
    stub = ast.parse(Path(outwait.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    named = [alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted([*map(str, named), "__version__"]) == outwait.__all__
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                assert getattr(outwait, alias.name).__module__ == node.module


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Phone'"):
        outwait.Phone  # noqa: B018


def test_importing_it_imports_nothing_else() -> None:
    code = "import sys, outwait; print([m for m in sys.modules if m.startswith('outwait')], 'pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['outwait'] False"
