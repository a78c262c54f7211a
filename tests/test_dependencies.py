"""What we build on: bounded, pinned where it was tested, and of licences that a permissive package may stand on.

Known holes in packages are asked for with `pip-audit`, which needs its database's network service; this is what can be
said without one.
"""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"]
EXTRAS = [line for lines in PROJECT["project"]["optional-dependencies"].values() for line in lines]
DEV = [line for line in PROJECT["dependency-groups"]["dev"] if isinstance(line, str)]


def pins() -> dict[str, str]:
    """Versions of constraints.txt, by name."""
    found = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        name, pinned, version = line.partition("#")[0].partition("==")
        if pinned:
            found[canonicalize_name(name.strip())] = version.partition(";")[0].strip()
    return found


PINS = pins()


@pytest.mark.parametrize("line", sorted({*RUNTIME, *EXTRAS, *DEV}))
def test_a_requirement_is_bounded_on_both_sides_and_pinned_to_a_version_within(line: str) -> None:
    requirement = Requirement(line)
    operators = {specifier.operator for specifier in requirement.specifier}
    assert operators >= {">=", "<"} or "==" in operators, "a new major version is tried before it is taken"
    pinned = PINS.get(canonicalize_name(requirement.name))
    assert pinned is not None, "constraints.txt has the version that was tested"
    assert requirement.specifier.contains(pinned, prereleases=True)


@pytest.mark.parametrize("line", sorted({*RUNTIME, *EXTRAS}))
def test_what_is_installed_with_us_has_a_licence_that_permits_it(line: str) -> None:
    """Of the GPL family the lesser one at most, which leaves the code beside it alone."""
    try:
        about = distribution(Requirement(line).name).metadata
    except PackageNotFoundError:
        pytest.skip("an extra that is not installed here")
    said = " ".join([about.get("License-Expression", ""), *about.get_all("Classifier", [])]).lower()
    licence = said.replace("lgpl", "").replace("lesser general public license", "")
    assert not any(word in licence for word in ("gpl", "general public license", "agora", "non-commercial"))
