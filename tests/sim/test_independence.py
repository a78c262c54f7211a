"""The world knows nothing of the program it surrounds: it reads the wires by itself."""

import ast
from pathlib import Path

import outwait.sim

ALLOWED = ("outwait.sim", "outwait.audio")


def test_the_simulators_import_nothing_of_the_program():
    folder = Path(outwait.sim.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.ImportFrom(module=str(module)) if module.startswith("outwait"):
                    assert module.startswith(ALLOWED), f"{path.name} imports {module}"
                    if module == "outwait.audio":
                        assert [name.name for name in node.names] == ["g711"], path.name
                case ast.Import(names=names):
                    assert not [name.name for name in names if name.name.startswith("outwait")], path.name
