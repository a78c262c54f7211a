"""The benchmarks: each module here is one, run as `outwait bench NAME [ARGUMENTS]`.

A benchmark is a module with a docstring, whose first line is shown in the list, and
`main(arguments: list[str]) -> int`, which gets what stands after the name and returns the exit status.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path
from typing import cast

from outwait.errors import OutwaitError


def benchmarks() -> dict[str, str]:
    """Names and the first lines of their docstrings, without importing any of them."""
    return {
        module.name: _first_line(Path(folder) / f"{module.name}.py")
        for folder in __path__
        for module in pkgutil.iter_modules([folder])
        if not module.name.startswith("_")
    }


def run(name: str, arguments: list[str]) -> int:
    """Run one benchmark."""
    known = benchmarks()
    if name not in known:
        raise OutwaitError(f"no benchmark {name!r}; there are: {', '.join(known) or 'none'}", usage=True)
    module = importlib.import_module(f"{__name__}.{name}")
    return cast(int, module.main(arguments))


def _first_line(path: Path) -> str:
    if not path.exists():
        path = path.with_suffix("") / "__init__.py"
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return (docstring or "").partition("\n")[0]
