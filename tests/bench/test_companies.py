import json

import pytest

from outwait.bench.companies import Visit, main
from outwait.errors import OutwaitError

GOOD = Visit("nested_menu", True, True, True, "hangup_call", 20.0, 27.0, 0, 0)


def test_a_company_is_called_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nested_menu", "--reading", "yes", "--json"]) == 0
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (line["company"], line["reached"], line["torn"], line["before"]) == ("nested_menu", True, 0, 0)
    assert 0 < line["paid"] <= 1.1 * line["talk"]


def test_in_what_a_company_falls_short() -> None:
    assert GOOD.short == []
    bad = Visit("nested_menu", True, True, False, "remote_hangup", 30.0, 27.0, 1, 2)
    assert bad.short == [
        "no outcome: remote_hangup",
        "paid 111% of the talk",
        "1 streams torn",
        "2 sessions before the person",
    ]
    assert Visit("keep_place", False, False, False, "remote_hangup", 9.0, 2.0, 0, None).short == []


def test_an_unknown_company_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OutwaitError, match="no company 'nobody'; there are: again_and_again"):
        main(["nobody"])
