"""A pytest plugin: the fixture `company`, with which agents are tested against simulated suppliers.

It comes with the package and is loaded by pytest itself; what it needs is imported when a test uses it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from outwait.testing.company import CompanyCall


class Company:
    """Calls simulated companies: `company.call("supplier.toml", ...)`."""

    def __init__(self, folder: Path) -> None:
        """`folder`: where scenario files are looked for."""
        self._folder = folder

    def call(self, scenario: str | Path, **options: Any) -> CompanyCall:
        """See `outwait.testing.company.call_company`; a file is looked for beside the test."""
        from outwait.testing.company import call_company

        beside = self._folder / scenario
        return call_company(beside if beside.is_file() else scenario, **options)


@pytest.fixture
def company(request: pytest.FixtureRequest) -> Company:
    """Whole calls to simulated companies, over sockets on 127.0.0.1, without a key."""
    return Company(request.path.parent)
